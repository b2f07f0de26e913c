"""All gateways, started once and loaded in turn at each point, so that what is compared was measured within the same
minute; the others lie idle meanwhile."""

import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness import procfs
from benchmarks.harness.contestants.base import Contestant, Place, Served
from benchmarks.harness.load import LoadFailed, Request, Sums, drive, end_mark
from benchmarks.harness.points import Point
from benchmarks.harness.process import GATEWAY_CORE, LOAD_CORE, DidNotStart, Running, free_port, running
from benchmarks.harness.results import Measured, Standing
from benchmarks.harness.verify import WrongAnswer, verify

SLOW_FACTOR = 3
"""A slow gateway is loaded so many times longer: what is cut off at the end must weigh little."""

WARM_UP_SECONDS = 1.0


@contextlib.contextmanager
def gateway(contestant: Contestant, work: Path, mock_port: int) -> Iterator[tuple[Running, Place]]:
    """The gateway, started afresh in an empty directory and ready.

    Raises:
        DidNotStart: it did not become ready.
    """
    home = work / contestant.name
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    place = Place(home, free_port(), mock_port)
    launch = contestant.prepare(place)
    started = running(
        launch.command,
        core=GATEWAY_CORE,
        port=launch.port,
        ready_path=launch.ready_path,
        log=home / "gateway.log",
        environment=launch.environment,
        directory=home,
    )
    with started as process:
        yield process, place


@dataclass
class _Turn:
    """A gateway that runs, and what was found of it so far."""

    contestant: Contestant
    standing: Standing
    process: Running
    place: Place
    served: Served = field(default_factory=Served)

    def load(self, point: Point, request: Request, seconds: float) -> Sums:
        """Drives the gateway and keeps count of what it served."""
        sums = drive(
            self.process.port,
            request,
            mark=end_mark(point.load, point.route.client),
            connections=point.connections,
            seconds=seconds,
            core=LOAD_CORE,
            work=self.place.work,
        )
        self.served.whole += sums.requests - sums.error_count
        self.served.cut_at_most += point.connections
        return sums


def measure(
    contestants: Sequence[Contestant],
    points: Sequence[Point],
    work: Path,
    mock_port: int,
    *,
    seconds: float,
    rounds: int,
) -> list[Standing]:
    """Starts the gateways and measures each at every point it has a route for, `rounds` times."""
    standings, turns = [], []
    with contextlib.ExitStack() as running_gateways:
        for contestant in contestants:
            standing = Standing(contestant.name, contestant.title, contestant.note)
            standings.append(standing)
            if turn := _start(contestant, standing, work, mock_port, running_gateways):
                turns.append(turn)
        for number in range(rounds * len(points)):
            point = points[number % len(points)]
            for turn in turns:
                if point.route in turn.contestant.routes:
                    measured = _measure(turn, point, seconds)
                    measured.rss_mb = procfs.rss_mb(turn.process.pid)
                    turn.standing.take(measured)
                    _tell(turn.contestant, measured)
    for turn in turns:
        if audit := turn.contestant.audit(turn.place, turn.served):
            turn.standing.audit, turn.standing.audit_exact = audit.finding, audit.exact
    return standings


def _start(
    contestant: Contestant, standing: Standing, work: Path, mock_port: int, stack: contextlib.ExitStack
) -> _Turn | None:
    """Starts a gateway until the stack is closed; None, and the standing says why, if it cannot be."""
    standing.problem = contestant.missing()
    if standing.problem is None:
        standing.version = contestant.version()
        try:
            process, place = stack.enter_context(gateway(contestant, work, mock_port))
        except DidNotStart as failure:
            standing.problem = f"did not start: {failure}"
        else:
            standing.start_s = process.ready_s
            standing.start_cpu_ms = procfs.cpu_ms(process.pid)
            standing.rss_ready_mb = procfs.rss_mb(process.pid)
            return _Turn(contestant, standing, process, place)
    print(f"{contestant.name}: NOT MEASURED: {standing.problem}", file=sys.stderr, flush=True)
    return None


def _measure(turn: _Turn, point: Point, seconds: float) -> Measured:
    measured = Measured(point.load, point.route.name, point.connections)
    request = turn.contestant.request(point.load, point.route, turn.place)
    pid = turn.process.pid
    try:
        measured.remark = verify(turn.process.port, request, point.load, point.route.client)
        turn.served.whole += 1
        turn.load(point, request, WARM_UP_SECONDS)
        before = procfs.settled_cpu_ms(pid)
        measured.calibration_ms = procfs.calibration_ms(GATEWAY_CORE)
        sums = turn.load(point, request, seconds * (SLOW_FACTOR if turn.contestant.slow else 1))
        used = procfs.settled_cpu_ms(pid) - before
    except (WrongAnswer, LoadFailed) as failure:
        measured.problem = str(failure)
        return measured
    if sums.requests == 0:
        measured.problem = f"no request was completed in {sums.seconds:.0f} s"
        return measured
    measured.cpu_ms = used / sums.requests
    measured.every_cpu_ms = [measured.cpu_ms]
    measured.requests = sums.requests
    measured.requests_per_s = sums.requests / sums.seconds
    measured.p50_ms, measured.p99_ms = sums.p50_ms, sums.p99_ms
    measured.errors = sums.errors
    return measured


def _tell(contestant: Contestant, measured: Measured) -> None:
    if measured.problem or measured.cpu_ms is None:
        said = f"NOT MEASURED: {measured.problem}"
    else:
        said = (
            f"{measured.cpu_ms:8.3f} ms CPU {measured.requests_per_s:9.0f} /s"
            f"   p50 {measured.p50_ms:8.2f} ms   p99 {measured.p99_ms:8.2f} ms   RSS {measured.rss_mb:5.0f} MB"
        )
        said += f"   ERRORS {measured.errors}" if measured.errors else ""
        said += f"   BUT {measured.remark}" if measured.remark else ""
    print(f"{contestant.name:20} {measured.key:32} {said}", file=sys.stderr, flush=True)

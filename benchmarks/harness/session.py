"""One gateway's turn: started, checked, loaded at every point, and read off."""

import contextlib
import shutil
import sys
from collections.abc import Iterator, Sequence
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


def measure(contestant: Contestant, points: Sequence[Point], work: Path, mock_port: int, seconds: float) -> Standing:
    """Starts the gateway and measures it at every point it has a route for."""
    standing = Standing(contestant.name, contestant.title, contestant.note)
    standing.problem = contestant.missing()
    if standing.problem:
        return standing
    standing.version = contestant.version()
    seconds *= SLOW_FACTOR if contestant.slow else 1
    served = Served()
    try:
        with gateway(contestant, work, mock_port) as (process, place):
            standing.start_s = process.ready_s
            standing.start_cpu_ms = procfs.cpu_ms(process.pid)
            standing.rss_ready_mb = procfs.rss_mb(process.pid)
            for point in points:
                if point.route not in contestant.routes:
                    continue
                request = contestant.request(point.load, point.route, place)
                measured = _measure_point(point, request, process, place, seconds, served)
                standing.rss_loaded_mb = max(standing.rss_loaded_mb, procfs.rss_mb(process.pid))
                standing.points.append(measured)
                _tell(contestant, measured)
        if audit := contestant.audit(place, served):
            standing.audit, standing.audit_exact = audit.finding, audit.exact
    except DidNotStart as failure:
        standing.problem = f"did not start: {failure}"
    return standing


def _measure_point(
    point: Point, request: Request, process: Running, place: Place, seconds: float, served: Served
) -> Measured:
    measured = Measured(point.load, point.route.name, point.connections)
    mark = end_mark(point.load, point.route.client)

    def load(duration: float) -> Sums:
        sums = drive(
            process.port,
            request,
            mark=mark,
            connections=point.connections,
            seconds=duration,
            core=LOAD_CORE,
            work=place.work,
        )
        served.whole += sums.requests - sums.error_count
        served.cut_at_most += point.connections
        return sums

    try:
        measured.remark = verify(process.port, request, point.load, point.route.client)
        served.whole += 1
        load(1.0)
        before = procfs.settled_cpu_ms(process.pid)
        measured.calibration_ms = procfs.calibration_ms(GATEWAY_CORE)
        sums = load(seconds)
        used = procfs.settled_cpu_ms(process.pid) - before
    except (WrongAnswer, LoadFailed) as failure:
        measured.problem = str(failure)
        return measured
    if sums.requests == 0:
        measured.problem = f"no request was completed in {seconds:.0f} s"
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
            f"   p50 {measured.p50_ms:8.2f} ms   p99 {measured.p99_ms:8.2f} ms"
        )
        said += f"   ERRORS {measured.errors}" if measured.errors else ""
        said += f"   BUT {measured.remark}" if measured.remark else ""
    print(f"{contestant.name:20} {measured.key:32} {said}", file=sys.stderr, flush=True)

"""What an answer out of the cache costs beside one that is asked for, of each gateway that has a cache:
`benchmarks/run cache`. All of them lie ready at the same time and are loaded in turn, with and without their caches.
"""

import argparse
import http.client
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.harness import machine, report
from benchmarks.harness.contestants.base import Contestant, Place
from benchmarks.harness.contestants.caching import CACHING, TELLS, UNCACHED
from benchmarks.harness.contestants.litellm import LiteLLM
from benchmarks.harness.contestants.portkey import Portkey
from benchmarks.harness.contestants.tenbin import Tenbin
from benchmarks.harness.mock import mock_upstream
from benchmarks.harness.points import CHAT, MESSAGES, Point
from benchmarks.harness.results import Run, Standing
from benchmarks.harness.session import gateway, measure

TARGET = 0.5
"""Most that a hit may cost, as a share of an uncached request's CPU."""

POINTS = (Point("small", CHAT, 16), Point("small", MESSAGES, 16), Point("bulk", CHAT, 16))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--only", default="tenbin,litellm,portkey", help="gateways, with commas (default all three)")
    parser.add_argument("--seconds", type=int, default=3, help="load per point (default 3)")
    parser.add_argument("--rounds", type=int, default=1, help="repeat every point and take the best (default 1)")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    parser.add_argument("--publish", action="store_true", help="also write the table to docs/benchmarks.md")


def run(chosen: argparse.Namespace, work: Path) -> int:
    """Measures and prints the table; 1 if Tenbin misses its target or its books are wrong."""
    wanted = set(chosen.only.split(","))
    plain: list[Contestant] = [one for one in (Tenbin(), LiteLLM(), Portkey()) if one.name in wanted]
    cached = [one for one in CACHING if UNCACHED[one.name] in wanted]
    begun = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    with mock_upstream(work) as mock:
        doubts = [doubt for one in cached if (doubt := _doubt(one, work, mock.port))]
        contestants = [one for pair in zip(plain, cached, strict=True) for one in pair]
        standings = measure(contestants, POINTS, work, mock.port, seconds=chosen.seconds, rounds=chosen.rounds)
    measured = Run(begun, machine.describe(), chosen.seconds, chosen.rounds, standings)
    text = _text(measured, doubts)
    print(text)
    if chosen.json is not None:
        measured.write(chosen.json)
    if chosen.publish:
        report.publish("cache", text)
    ours = measured.contestant("tenbin-cached")
    return 0 if ours is not None and ours.audit_exact and _share(measured, ours, POINTS[0]) <= TARGET else 1


def _doubt(contestant: Contestant, work: Path, mock_port: int) -> str | None:
    """Why this gateway's answers do not come out of its cache; None when they do."""
    if contestant.missing():
        return None
    with gateway(contestant, work, mock_port) as (process, place):
        told = [_header(contestant, place, process.port, point) for point in POINTS if point.route in contestant.routes]
    name, value = TELLS[contestant.name]
    silent = [key for key, found in told if found is None or (value and found != value)]
    return f"**{contestant.title}: no hit at {', '.join(silent)}** (by its header {name})" if silent else None


def _header(contestant: Contestant, place: Place, port: int, point: Point) -> tuple[str, str | None]:
    """What the header of the second of two same answers says."""
    request = contestant.request(point.load, point.route, place)
    found = None
    for _ in range(3):  # some keep an answer only behind its end
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", request.path, request.body, {"Content-Type": "application/json", **request.headers})
        response = connection.getresponse()
        response.read()
        found = response.getheader(TELLS[contestant.name][0])
        connection.close()
    return point.key, found


def _share(measured: Run, standing: Standing, point: Point) -> float:
    """A hit's CPU as a share of the uncached request's; infinite where one of them has no number."""
    before = measured.contestant(UNCACHED[standing.name])
    whole, hit = before.cpu_ms(point.key) if before else None, standing.cpu_ms(point.key)
    return hit / whole if whole and hit else float("inf")


def _text(measured: Run, doubts: Sequence[str]) -> str:
    facts = "; ".join(f"{name} {value}" for name, value in measured.machine.items())
    lines = [
        f"Run of {measured.date} (UTC), {measured.seconds:g} s a point, best of {measured.rounds} round(s). {facts}.",
        "",
        "| CPU ms per request | " + " | ".join(point.key for point in POINTS) + " |",
        "| --- |" + " --: |" * len(POINTS),
    ]
    for standing in measured.contestants:
        cells = []
        for point in POINTS:
            cpu = standing.cpu_ms(point.key)
            share = f" ({_share(measured, standing, point):.2f} x)" if standing.name in UNCACHED and cpu else ""
            cells.append("-" if cpu is None else f"{cpu:.3f}{share}")
        lines.append(f"| {standing.title} {standing.version} | {' | '.join(cells)} |")
    lines += ["", "In brackets: the hit as a share of the same gateway's uncached request."]
    lines += [f"- {doubt}" for doubt in doubts]
    for standing in measured.contestants:
        lines += [f"- {standing.title} was not measured: {standing.problem}"] if standing.problem else []
        lines += [f"- {standing.title}: {standing.audit}"] if standing.audit else []
    lines += [f"- {standing.title}: {standing.note}" for standing in measured.contestants if standing.name in UNCACHED]
    return "\n".join(lines)

"""`benchmarks/run spending`: CPU of each variant in turn, round by round, and what the shared store was asked."""

import argparse
import contextlib
import json
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.harness import machine, report
from benchmarks.harness.contestants.base import BENCHMARKS
from benchmarks.harness.contestants.tenbin import Tenbin
from benchmarks.harness.mock import mock_upstream
from benchmarks.harness.points import CHAT, MESSAGES, Point
from benchmarks.harness.results import Standing
from benchmarks.harness.session import measure
from benchmarks.spending.gateways import variants

RESULT = BENCHMARKS / "results" / "spending.json"
POINTS = [Point("small", CHAT, 16), Point("small", MESSAGES, 16), Point("bulk", CHAT, 16)]
TARGET_MS = 0.08
"""What keys and budgets in memory may cost a request, CPU ms."""
TARGET_ROUND_TRIPS = 1.0


@dataclass
class Store:
    """What a Redis was asked by one gateway, which made so many calls to providers."""

    calls: int
    commands: dict[str, int]
    """Those that scripts ran, too."""

    @property
    def reservations(self) -> int:
        """Scripts that reserve: each adds to a sorted set once. So does a window's mark, behind a removal that nothing
        else does.
        """
        return self.commands.get("zadd", 0) - self.commands.get("zremrangebyscore", 0)

    @property
    def awaited(self) -> float:
        """Round trips that a call waited for."""
        return self.reservations / self.calls

    @property
    def learned(self) -> int:
        """Round trips more, once for a server: it is sent the text of a script that it does not know yet."""
        return self.commands.get("eval", 0)

    @property
    def behind(self) -> float:
        """Round trips besides, for which no request waits: what calls have cost is told, many at once."""
        return (self.commands.get("evalsha", 0) + self.learned - self.reservations) / self.calls


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--seconds", type=float, default=2, help="load per point and round (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="each of all variants in turn (default %(default)s)")
    parser.add_argument("--json", type=Path, default=RESULT, help="where the figures go")
    parser.add_argument("--no-redis", action="store_true", help="leave the shared store out")
    parser.add_argument("--publish", action="store_true", help="also write the finding to docs/benchmarks.md")


def run(chosen: argparse.Namespace, work: Path) -> int:
    """Measures and prints the tables; returns 1 if an answer was wrong or a target was missed."""
    with _valkey(not chosen.no_redis) as server, mock_upstream(work) as mock:
        contestants = variants(server.address if server is not None else None)
        before = _asked(server)
        standings = measure(contestants, POINTS, work, mock.port, seconds=chosen.seconds, rounds=chosen.rounds)
        store = _between(before, _asked(server), contestants[-1].calls)
    figures = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "version": Tenbin().version(),
        "machine": machine.describe(),
        "seconds": chosen.seconds,
        "rounds": chosen.rounds,
        "variants": [asdict(standing) for standing in standings],
        "store": asdict(store) if store is not None else None,
    }
    text = summary(standings, store, figures)
    print(text)
    chosen.json.write_text(json.dumps(figures, indent=1) + "\n")
    if chosen.publish:
        report.publish("spending", text)
    return 0 if reached(standings, store) else 1


@contextlib.contextmanager
def _valkey(wanted: bool) -> Iterator[Any]:
    if not wanted:
        yield None
        return
    # Imported here: the server comes with the tests' wheels.
    from tests.real.redis_server import VALKEY, RedisServer

    with (
        tempfile.TemporaryDirectory() as folder,
        RedisServer(Path(folder), "--maxmemory-policy", "noeviction", program=VALKEY) as server,
    ):
        yield server


def _asked(server: Any) -> dict[str, int]:
    """The server's own counts."""
    if server is None:
        return {}
    import redis

    with contextlib.closing(redis.Redis.from_url(server.address)) as client:
        commands = {
            name.removeprefix("cmdstat_"): int(row["calls"]) for name, row in client.info("commandstats").items()
        }
        return commands


def _between(before: dict[str, int], after: dict[str, int], calls: int) -> Store | None:
    if not after or not calls:
        return None
    commands = {name: count - before.get(name, 0) for name, count in after.items()}
    return Store(calls, {name: count for name, count in commands.items() if count and name not in ("info", "ping")})


def added_ms(standings: list[Standing], name: str, key: str) -> list[float]:
    """By round, what a variant took more than the open one in the same round, CPU ms a request."""
    rounds = {standing.name: (point.every_cpu_ms if (point := standing.point(key)) else []) for standing in standings}
    return [more - less for more, less in zip(rounds[name], rounds["open"], strict=False)]


def reached(standings: list[Standing], store: Store | None) -> bool:
    """Whether the targets are met and every answer was right."""
    wrong = any(standing.problem or standing.audit_exact is False for standing in standings)
    errors = any(point.errors or point.problem for standing in standings for point in standing.points)
    costs = [statistics.median(added_ms(standings, "budgeted", point.key)) for point in POINTS]
    trips = store is None or store.awaited <= TARGET_ROUND_TRIPS
    return not wrong and not errors and max(costs) <= TARGET_MS and trips


def summary(standings: list[Standing], store: Store | None, figures: dict[str, Any]) -> str:
    """The finding, as Markdown."""
    head = f"Tenbin {figures['version']}, {figures['date']} (UTC), {figures['seconds']:g} s a point, "
    head += f"{figures['rounds']} rounds, all variants in turn in each. CPU ms a request: median (least to most)."
    titles = [point.key for point in POINTS]
    lines = [head, "", "| gateway | " + " | ".join(titles) + " |", "| --- |" + " --: |" * len(titles)]
    for standing in standings:
        cells = [_spread(point.every_cpu_ms) if (point := standing.point(key)) else "-" for key in titles]
        lines.append(f"| {standing.title} | " + " | ".join(cells) + " |")
    lines += ["", "More than the open one, in the same round:", ""]
    lines += ["| gateway | " + " | ".join(titles) + " |", "| --- |" + " --: |" * len(titles)]
    for standing in standings[1:]:
        cells = [_spread(added_ms(standings, standing.name, key), sign=True) for key in titles]
        lines.append(f"| {standing.title} | " + " | ".join(cells) + " |")
    worst = max(statistics.median(added_ms(standings, "budgeted", key)) for key in titles)
    verdict = "reached" if worst <= TARGET_MS else "NOT REACHED"
    lines += ["", f"Target: keyed and budgeted in memory at most {TARGET_MS} ms more: {worst:+.3f} ms, {verdict}."]
    if store is not None:
        word = "reached" if store.awaited <= TARGET_ROUND_TRIPS else "NOT REACHED"
        lines.append(
            f"The shared Valkey, over {store.calls:,} calls: {store.awaited:.3f} round trips awaited by a call (target "
            f"at most {TARGET_ROUND_TRIPS:g}: {word}), {store.behind:.3f} behind its back; "
            f"{store.learned} in all to tell the server its scripts."
        )
    lines += ["", *(f"- {standing.title}: {standing.audit or standing.problem}" for standing in standings)]
    return "\n".join(lines)


def _spread(values: list[float], *, sign: bool = False) -> str:
    if not values:
        return "-"
    form = "{:+.3f}" if sign else "{:.3f}"
    middle, least, most = (form.format(value) for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({least} to {most})"

"""`benchmarks/run month`: plays the month under each policy, or with each arrangement of caches; prints, publishes."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.month import caches_report, report
from benchmarks.month.arithmetic import bills
from benchmarks.month.caches import ARRANGEMENTS, CachesResult, chosen_arrangements, measure_caches
from benchmarks.month.caches_report import PUBLISHED_CACHES, publish_caches, read_caches
from benchmarks.month.play import play
from benchmarks.month.policies import POLICIES, Policy, chosen
from benchmarks.month.report import PUBLISHED, Result
from benchmarks.month.score import score

LATEST = PUBLISHED.parent.parent / "results" / "month.json"
LATEST_CACHES = LATEST.with_name("month_caches.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `month` takes."""
    parser.add_argument("--scale", type=float, default=1.0, help="0.1: two working days in place of twenty (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="another month of the same kind (default 1)")
    parser.add_argument("--policies", help="with commas, of " + ",".join(policy.name for policy in POLICIES))
    parser.add_argument(
        "--caches",
        action="store_true",
        help="in place of the policies: what caches make of the bill, in a month whose programs repeat requests; "
        "--policies are then of " + ",".join(one.name for one in ARRANGEMENTS),
    )
    parser.add_argument("--json", type=Path, help=f"where the results go (default {LATEST.parent.name}/)")
    parser.add_argument("--publish", action="store_true", help="also write month/published*.json and docs/month.md")
    parser.add_argument("--render", action="store_true", help="write docs/month.md again from what was published")


def run(given: argparse.Namespace) -> int:
    """Plays, prints, writes; returns the exit status."""
    if given.render:
        report.publish(report.read(PUBLISHED))
        publish_caches(read_caches(PUBLISHED_CACHES))
        return 0
    if not given.scale > 0:
        print("--scale: must be more than 0", file=sys.stderr)
        return 2
    try:
        play = _caches(given) if given.caches else _policies(given)
    except ValueError as error:
        print(f"--policies: {error}", file=sys.stderr)
        return 2
    play()
    return 0


def _policies(given: argparse.Namespace) -> Callable[[], None]:
    """What plays the policies that are named. Raises ValueError for a name that there is not."""
    policies = chosen(given.policies)

    def play() -> None:
        result = measure(policies, seed=given.seed, scale=given.scale)
        _tell(report.render(result), result, given.json or LATEST)
        if given.publish:
            result.write(PUBLISHED)
            report.publish(result)

    return play


def _caches(given: argparse.Namespace) -> Callable[[], None]:
    """What plays the arrangements that are named. Raises ValueError for a name that there is not."""
    arrangements = chosen_arrangements(given.policies)

    def play() -> None:
        result = measure_caches(arrangements, seed=given.seed, scale=given.scale)
        _tell(caches_report.render_caches(result), result, given.json or LATEST_CACHES)
        if given.publish:
            result.write(PUBLISHED_CACHES)
            publish_caches(result)

    return play


def _tell(text: str, result: Result | CachesResult, path: Path) -> None:
    result.write(path)
    print(text)
    print(f"\nwritten: {path}", file=sys.stderr)


def measure(policies: list[Policy], *, seed: int = 1, scale: float = 1.0, latencies: bool = True) -> Result:
    """Play the month under each policy, the strongest model's first. Raises Unsettled."""
    begun, started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), time.monotonic()
    scores, strongest = [], None
    for policy in policies:
        print(f"{policy.title} ...", file=sys.stderr, flush=True)
        played = play(policy, seed=seed, scale=scale, latencies=latencies)
        strongest = strongest or played
        scores.append(score(policy, played, strongest))
    assert strongest is not None
    return Result(
        date=begun,
        seed=seed,
        scale=scale,
        seconds=time.monotonic() - started,
        kinds=dict(Counter(one.request.kind for one in strongest)),
        scores=scores,
        bills=bills(),
    )

"""`benchmarks/run month`: plays the month under each policy, prints the tables, and publishes them."""

import argparse
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.month import report
from benchmarks.month.arithmetic import bills
from benchmarks.month.play import play
from benchmarks.month.policies import POLICIES, Policy, chosen
from benchmarks.month.report import PUBLISHED, Result
from benchmarks.month.score import score

LATEST = PUBLISHED.parent.parent / "results" / "month.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `month` takes."""
    parser.add_argument("--scale", type=float, default=1.0, help="0.1: two working days in place of twenty (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="another month of the same kind (default 1)")
    parser.add_argument("--policies", help="with commas, of " + ",".join(policy.name for policy in POLICIES))
    parser.add_argument("--json", type=Path, default=LATEST, help="where the results go")
    parser.add_argument("--publish", action="store_true", help="also write month/published.json and docs/month.md")
    parser.add_argument("--render", action="store_true", help="write docs/month.md again from what was published")


def run(given: argparse.Namespace) -> int:
    """Plays, prints, writes; returns the exit status."""
    if given.render:
        report.publish(report.read(PUBLISHED))
        return 0
    try:
        policies = chosen(given.policies)
    except ValueError as error:
        print(f"--policies: {error}", file=sys.stderr)
        return 2
    if not given.scale > 0:
        print("--scale: must be more than 0", file=sys.stderr)
        return 2
    result = measure(policies, seed=given.seed, scale=given.scale)
    result.write(given.json)
    print(report.render(result))
    print(f"\nwritten: {given.json}", file=sys.stderr)
    if given.publish:
        result.write(PUBLISHED)
        report.publish(result)
    return 0


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

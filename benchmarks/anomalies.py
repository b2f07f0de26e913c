"""How often each rule of `tenbin anomalies` speaks up for nothing, and sees a real spike, on made-up series.

`python -m benchmarks.anomalies` prints the table of docs/pace.md.
"""

import math
import random
import sys
from collections.abc import Sequence

from tenbin.measure.spending.anomalies import mean_3sd, robust

USD = 1_000_000_000
SERIES = 2_000
SPIKE = 5
OFFICE = (1.0, 1.1, 1.05, 1.0, 0.9, 0.1, 0.08)
MONDAYS = (4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
EVEN = (1.0,) * 7

KINDS: dict[str, tuple[float, Sequence[float], bool]] = {
    "even": (0.0, EVEN, False),
    "growing by 5 % a day": (0.05, EVEN, False),
    "shrinking by 5 % a day": (-0.05, EVEN, False),
    "next to nothing at weekends": (0.0, OFFICE, False),
    "four times as much on Mondays": (0.0, MONDAYS, False),
    "ten times as much on one day of the week before": (0.0, EVEN, True),
    "growing by 3 % a day, nothing at weekends": (0.03, OFFICE, False),
}
"""By what is said of it: growth a day, the week's season, whether there was a spike some days ago."""


def series(chance: random.Random, days: int, scatter: float, kind: str) -> list[int]:
    """Daily spending, nano-USD; its week begins on any weekday."""
    growth, week, spiked = KINDS[kind]
    shift = chance.randrange(7)
    made = [
        20 * USD * week[(day + shift) % 7] * math.exp(growth * day + chance.gauss(0, scatter)) for day in range(days)
    ]
    if spiked:
        made[-4] *= 10
    return [round(day) for day in made]


def row(kind: str, days: int, scatter: float) -> str:
    """One line of the table: of each rule the false alarms, and the spikes seen."""
    chance = random.Random(f"{kind} {days} {scatter}")
    false, seen = [0, 0], [0, 0]
    for _ in range(SERIES):
        made = series(chance, days, scatter, kind)
        for place, rule in enumerate((mean_3sd(made), robust(made))):
            assert rule is not None
            false[place] += made[-1] > rule.threshold_nano
            seen[place] += made[-1] * SPIKE > rule.threshold_nano
    cells = [f"{count / SERIES:.1%}" for count in (false[0], seen[0], false[1], seen[1])]
    return f"| {kind} | {' | '.join(cells)} |"


def main() -> int:
    """Print the tables."""
    for days, scatter in ((31, 0.1), (31, 0.3), (61, 0.3)):
        print(f"\n{days - 1} days before, scatter of {scatter:.0%}\n")
        print(f"| spending | mean + 3 sd: false alarms | finds {SPIKE}x | robust: false alarms | finds {SPIKE}x |")
        print("| --- | --- | --- | --- | --- |")
        for kind in KINDS:
            print(row(kind, days, scatter))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the guard of the semantic cache costs: `python -m benchmarks.cache_guard --data DIR`, CPU time for each pair."""

import argparse
import json
import time
from pathlib import Path

from tenbin.discern.guard import check
from tenbin.discern.guard.reading import read
from tenbin.measure.caching.rows import look_into

NEAREST = 5
"""Candidates of a look-up."""


def cold(pairs: list[tuple[str, str]]) -> float:
    """CPU ms for a pair of which neither text was read before."""
    began = time.process_time()
    for known, asked in pairs:
        read.cache_clear()
        check(known, asked)
    return 1_000 * (time.process_time() - began) / len(pairs)


def in_look_ups(pairs: list[tuple[str, str]]) -> float:
    """CPU ms for a pair where each new question is compared with NEAREST cached ones, none of them read before."""
    spent = 0.0
    for start in range(0, len(pairs) - NEAREST + 1, NEAREST):
        read.cache_clear()
        asked = pairs[start][1]
        began = time.process_time()
        for known, _ in pairs[start : start + NEAREST]:
            check(known, asked)
        spent += time.process_time() - began
    return 1_000 * spent / (len(pairs) // NEAREST * NEAREST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=2_000)
    given = parser.parse_args()
    figures = {}
    for table in look_into(given.data, given.limit).tables:
        pairs = [(pair.a, pair.b) for pair in table.pairs]
        if len(pairs) >= NEAREST:
            cold(pairs)  # words are looked up once in a process's life
            figures[table.name] = {
                "pairs": len(pairs),
                "characters": round(sum(len(a) + len(b) for a, b in pairs) / len(pairs) / 2),
                "cold_ms": round(cold(pairs), 4),
                "in_look_ups_ms": round(in_look_ups(pairs), 4),
            }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()

"""What budgets cost is told by round; and a hard budget holds, whatever dies, by the provider's own invoice."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.harness.results import Measured, Standing
from benchmarks.spending.command import POINTS, Store, added_ms, reached, summary
from benchmarks.spending.gateways import variants
from benchmarks.spending.overshoot import STORES, address_of, drill
from benchmarks.spending.overshoot import summary as told


@pytest.mark.parametrize("store", STORES)
def test_a_hard_budget_is_never_passed(tmp_path: Path, store: str) -> None:
    with ExitStack() as servers:
        found = drill(tmp_path, store, address_of(store, servers), 120)
    assert found.overshoot_nano == 0
    assert found.paid_calls >= 5
    assert found.kills == 1
    assert found.statuses["429"] > 200
    assert found.invoice_nano > 0
    assert f"| {store} |" in told([found])


def standings(budgeted: float) -> list[Standing]:
    found = []
    for variant in variants("redis://127.0.0.1:1/0"):
        more = {"open": 0.0, "keyed": 0.01}.get(variant.name, budgeted)
        standing = Standing(variant.name, variant.title, "", audit="9 answers received whole, 1000 receipts, 0 wrong")
        for point in POINTS:
            rounds = [0.1 + more + noise for noise in (0.0, 0.5, 0.02)]
            standing.points.append(Measured(point.load, point.route.name, 16, cpu_ms=min(rounds), every_cpu_ms=rounds))
        found.append(standing)
    return found


def test_a_disturbed_round_disturbs_both() -> None:
    assert added_ms(standings(0.05), "budgeted", POINTS[0].key) == pytest.approx([0.05, 0.05, 0.05])


def test_targets() -> None:
    store = Store(1_000, {"evalsha": 1_098, "eval": 2, "zadd": 992, "zremrangebyscore": 2})  # two windows' marks
    figures = {"version": "1", "date": "today", "seconds": 1, "rounds": 3}
    assert reached(standings(0.05), store)
    assert not reached(standings(0.09), store)
    assert not reached(standings(0.05), Store(1_000, {"evalsha": 1_600, "zadd": 1_500}))
    assert not reached(standings(0.05), Store(100_000, {"evalsha": 100_001, "zadd": 100_001}))
    assert reached(standings(0.05), Store(100_000, {"evalsha": 100_000, "zadd": 100_002, "zremrangebyscore": 2}))
    text = summary(standings(0.09), store, figures)
    assert "NOT REACHED" in text
    assert "0.990 round trips awaited by a call" in text
    assert "0.110 behind its back" in text

"""Gauges of budgets: what they say, and that there are never many."""

from prometheus_client import CollectorRegistry, generate_latest

from tenbin.core.budget import Claim, Level
from tenbin.measure.metrics import Metrics
from tenbin.measure.spending.gauges import MOST_LEVELS, chosen

USD = 1_000_000_000


def a_level(whose: str, spent: int, reserved: int = 0, limit: int = 10) -> Level:
    claim = Claim(f"{whose}/month", 0, 1, limit * USD, True, whose, "month", "UTC")
    return Level(claim, spent * USD, reserved * USD)


def told(levels: list[Level]) -> list[str]:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Metrics(dict, levels=lambda: levels))
    return [line for line in generate_latest(registry).decode().splitlines() if line.startswith("tenbin_budget")]


def test_a_budget_is_told_in_dollars() -> None:
    assert told([a_level("team:search", 3, 1)]) == [
        'tenbin_budget_limit_usd{budget="team:search/month"} 10.0',
        'tenbin_budget_spent_usd{budget="team:search/month"} 3.0',
        'tenbin_budget_reserved_usd{budget="team:search/month"} 1.0',
        "tenbin_budgets_untold 0.0",
    ]
    assert told([]) == []


def test_of_many_the_fullest_are_told_and_everybodys() -> None:
    keys = [a_level(f"key:key_{number:05}", number, limit=10_000) for number in range(5_000)]
    levels = chosen([*keys, a_level("global", 0)])
    assert len(levels) == MOST_LEVELS
    assert {one.claim.whose for one in levels} >= {"global", "key:key_04999"}
    assert "key:key_00000" not in {one.claim.whose for one in levels}
    assert f"tenbin_budgets_untold {5_001 - MOST_LEVELS:.1f}" in told([*keys, a_level("global", 0)])

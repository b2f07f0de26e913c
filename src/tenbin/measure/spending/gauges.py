"""8. How full budgets are, for Prometheus: the fullest ones, so that ten thousand keys make no ten thousand series."""

from collections.abc import Iterator, Sequence
from typing import Any

from tenbin.core.budget import Level

MOST_LEVELS = 200
"""Budgets that are told of: those of everybody, and then the fullest."""


def gauges(levels: Sequence[Level]) -> Iterator[Any]:
    """The metrics as prometheus_client wants them from a collector; none where there are no budgets."""
    if not levels:
        return
    from prometheus_client.core import GaugeMetricFamily

    names = ["budget"]
    limit = GaugeMetricFamily("tenbin_budget_limit_usd", "The limit of a budget, USD.", labels=names)
    spent = GaugeMetricFamily("tenbin_budget_spent_usd", "Settled in its present window, USD.", labels=names)
    aside = GaugeMetricFamily("tenbin_budget_reserved_usd", "Set aside for calls under way, USD.", labels=names)
    for level in chosen(levels):
        called = [level.claim.counter]
        limit.add_metric(called, level.claim.limit / 1e9)
        spent.add_metric(called, level.spent / 1e9)
        aside.add_metric(called, level.reserved / 1e9)
    untold = GaugeMetricFamily("tenbin_budgets_untold", "Budgets that are less full than all these.")
    untold.add_metric([], max(len(levels) - MOST_LEVELS, 0))
    yield from (limit, spent, aside, untold)


def chosen(levels: Sequence[Level]) -> list[Level]:
    """Those that are told of, in an order that stays."""
    ranked = sorted(levels, key=lambda one: (one.claim.whose != "global", -one.share, one.claim.counter))
    return sorted(ranked[:MOST_LEVELS], key=lambda one: one.claim.counter)

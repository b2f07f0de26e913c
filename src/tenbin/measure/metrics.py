"""8. Counters for Prometheus: settled receipts added up, a handful at a time, written out when somebody scrapes.

A request pays an append to a list; the exposition is the prometheus_client library's, imported on first use.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_args

from tenbin.core.budget import Level
from tenbin.core.receipt import Receipt
from tenbin.decide.health import Circuit
from tenbin.execute.targets import TargetNow
from tenbin.measure.climbs import Climbs
from tenbin.measure.spending.gauges import gauges as budget_gauges

BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000)
"""Upper bounds of the latency histograms, milliseconds."""

TOKEN_KINDS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")

MOST_WAITING = 64
"""Receipts that wait to be added up: many in one go take less than half the time of each by itself, among all that a
request does besides. It takes some 60 µs.
"""

MOST_SERIES = 2_000
"""Model names come from clients: past this many combinations the rest is counted under ``other``."""


class _Series:
    """Sums of one combination of labels."""

    __slots__ = ("attempts", "cost_nano", "failures", "first_byte", "first_byte_ms", "tokens", "unpriced")

    def __init__(self) -> None:
        self.attempts = 0
        self.failures: dict[str, int] = {}
        self.tokens = [0] * len(TOKEN_KINDS)
        self.cost_nano = 0
        self.unpriced = 0
        self.first_byte = [0] * (len(BUCKETS_MS) + 1)
        self.first_byte_ms = 0.0


class Metrics:
    """Sums over settled receipts since the start."""

    def __init__(
        self,
        gauges: Callable[[], dict[str, tuple[str, float]]],
        targets: Callable[[], Sequence[TargetNow]] = tuple,
        levels: Callable[[], Sequence[Level]] = tuple,
    ) -> None:
        """``gauges`` gives further figures at each scrape: name -> (help, value); ``targets``, how each target does;
        ``levels``, how full budgets are.
        """
        self._gauges = gauges
        self._targets = targets
        self._levels = levels
        self._requests: dict[tuple[str, str, str], int] = {}
        self._series: dict[tuple[str, str], _Series] = {}
        self._total = [0] * (len(BUCKETS_MS) + 1)
        self._total_ms = 0.0
        self._waiting: list[Receipt] = []
        self._cached: dict[tuple[str, str], int] = {}
        self._saved_nano = 0
        self._climbs = Climbs()
        self._hedged: dict[str, int] = {}

    def add(self, receipt: Receipt) -> None:
        """Count a settled receipt. In one thread, where ``exposition`` is called too."""
        self._waiting.append(receipt)
        if len(self._waiting) >= MOST_WAITING:
            self._add_up()

    def _add_up(self) -> None:
        waiting, self._waiting = self._waiting, []
        for receipt in waiting:
            self._add(receipt)

    def _add(self, receipt: Receipt) -> None:
        key = (receipt.dialect, receipt.outcome, str(receipt.status))
        self._requests[key] = self._requests.get(key, 0) + 1
        self._total[_bucket(receipt.total_ms)] += 1
        self._total_ms += receipt.total_ms
        if receipt.cached is not None:
            looked = (receipt.cached.result, receipt.cached.tier)
            self._cached[looked] = self._cached.get(looked, 0) + 1
            self._saved_nano += receipt.cached.saved_nano or 0
        if receipt.climb is not None:
            self._climbs.add(receipt)
        for attempt in receipt.attempts:
            name = (attempt.provider, attempt.model)
            series = self._series.get(name)
            if series is None:
                if len(self._series) >= MOST_SERIES:
                    name = ("other", "other")
                series = self._series.setdefault(name, _Series())
            series.attempts += 1
            if attempt.hedge == 2:
                last = receipt.last
                answered = ("neither", "first", "second")[
                    last.hedge if last is not None and last.failure is None else 0
                ]
                self._hedged[answered] = self._hedged.get(answered, 0) + 1
            if attempt.failure is not None:
                series.failures[attempt.failure] = series.failures.get(attempt.failure, 0) + 1
            usage = attempt.usage
            tokens = series.tokens
            tokens[0] += usage.input
            tokens[1] += usage.cache_read
            tokens[2] += usage.cache_write_5m
            tokens[3] += usage.cache_write_1h
            tokens[4] += usage.output
            tokens[5] += usage.reasoning
            cost = attempt.billed_nano
            if cost is None:
                series.unpriced += 1
            else:
                series.cost_nano += cost
            if attempt.first_byte_ms is not None:
                series.first_byte[_bucket(attempt.first_byte_ms)] += 1
                series.first_byte_ms += attempt.first_byte_ms

    def exposition(self) -> bytes:
        """Everything in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Any]:
        """The metrics as prometheus_client wants them from a collector."""
        self._add_up()
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        requests = CounterMetricFamily("tenbin_requests", "Settled requests.", labels=["dialect", "outcome", "status"])
        for labels, count in list(self._requests.items()):
            requests.add_metric(labels, count)
        yield requests
        total = HistogramMetricFamily("tenbin_request_seconds", "From arrival to settlement.", labels=[])
        total.add_metric([], _cumulative(self._total), self._total_ms / 1000)
        yield total
        names = ["provider", "model"]
        attempts = CounterMetricFamily("tenbin_attempts", "Calls to providers.", labels=names)
        failures = CounterMetricFamily("tenbin_attempt_failures", "Failed calls.", labels=[*names, "kind"])
        tokens = CounterMetricFamily(
            "tenbin_tokens", "Tokens; kinds are disjoint, but reasoning is a part of output.", labels=[*names, "kind"]
        )
        cost = CounterMetricFamily(
            "tenbin_cost_usd", "What calls cost, USD: as the provider stated it, else as computed.", labels=names
        )
        unpriced = CounterMetricFamily("tenbin_attempts_unpriced", "Calls of unknown price.", labels=names)
        first = HistogramMetricFamily("tenbin_first_byte_seconds", "From the call to the first byte.", labels=names)
        for name, series in list(self._series.items()):
            labels_of = list(name)
            attempts.add_metric(labels_of, series.attempts)
            unpriced.add_metric(labels_of, series.unpriced)
            cost.add_metric(labels_of, series.cost_nano / 1e9)
            first.add_metric(labels_of, _cumulative(series.first_byte), series.first_byte_ms / 1000)
            for kind, count in list(series.failures.items()):
                failures.add_metric([*labels_of, kind], count)
            for kind, count in zip(TOKEN_KINDS, series.tokens, strict=True):
                tokens.add_metric([*labels_of, kind], count)
        yield from (attempts, failures, tokens, cost, unpriced, first)
        yield from self._climbs.collect()
        yield self._of_hedged()
        yield from self._of_cache()
        yield from self._of_targets()
        yield from budget_gauges(self._levels())
        for gauge, (help_text, value) in self._gauges().items():
            yield GaugeMetricFamily(gauge, help_text, value=value)

    def _of_hedged(self) -> Any:
        from prometheus_client.core import CounterMetricFamily

        told = "Requests of which two targets were asked."
        hedged = CounterMetricFamily("tenbin_hedged_requests", told, labels=["answered"])
        for answered, count in list(self._hedged.items()):
            hedged.add_metric([answered], count)
        return hedged

    def _of_cache(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily

        looked = CounterMetricFamily(
            "tenbin_cache_requests", "Requests that looked into the response cache.", labels=["result", "tier"]
        )
        for labels, count in list(self._cached.items()):
            looked.add_metric(labels, count)
        saved = "What answers out of the response cache cost when they were made, USD."
        yield from (looked, CounterMetricFamily("tenbin_cache_saved_usd", saved, value=self._saved_nano / 1e9))

    def _of_targets(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        names = ["target"]
        state = GaugeMetricFamily("tenbin_target_state", "1 for the state of its circuit.", labels=[*names, "state"])
        failures = GaugeMetricFamily("tenbin_target_failures", "Failures in a row.", labels=names)
        errors = GaugeMetricFamily("tenbin_target_error_rate", "Share of late calls that failed.", labels=names)
        delay = GaugeMetricFamily("tenbin_target_first_byte_seconds", "Mean of late calls.", labels=names)
        for row in self._targets():
            for name in get_args(Circuit):
                state.add_metric([row.target, name], float(row.state == name))
            failures.add_metric([row.target], row.failures)
            errors.add_metric([row.target], row.error_rate)
            if row.first_byte_ms is not None:
                delay.add_metric([row.target], row.first_byte_ms / 1000)
        yield from (state, failures, errors, delay)


def _bucket(ms: float) -> int:
    """The first bucket whose upper bound is not below ``ms``; one past the last bound for none."""
    return bisect_left(BUCKETS_MS, ms)


def _cumulative(counts: list[int]) -> list[tuple[str, float]]:
    total = 0
    rows: list[tuple[str, float]] = []
    for bound, count in zip((*BUCKETS_MS, None), counts, strict=True):
        total += count
        rows.append(("+Inf" if bound is None else repr(bound / 1000), total))
    return rows

"""From requests to figures of each arm and their differences: ratios of sums over conversations, never over requests
alone, since those of one conversation are not independent.
"""

from math import sqrt
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tenbin.config.experiments import MetricName
from tenbin.measure.experiments.kept import wilson
from tenbin.measure.experiments.outcomes import Floats, Outcomes
from tenbin.measure.experiments.sequential import Sequence, sequence

Unit: TypeAlias = Literal["nano_usd", "share", "ms"]
Z95 = 1.959964
"""Of the normal distribution: 95 % lie within so many standard errors."""


class Metric(NamedTuple):
    """A figure that is a ratio of two sums."""

    name: MetricName
    over: str
    """The column of Outcomes that is summed above."""
    under: str
    """The one below; ``requests`` are all with a known value, ``conversations`` all of those, each once."""
    better: Literal["lower", "higher"]
    unit: Unit


METRICS: tuple[Metric, ...] = (
    Metric("cost_per_conversation", "billed_nano", "conversations", "lower", "nano_usd"),
    Metric("cost_per_request", "billed_nano", "requests", "lower", "nano_usd"),
    Metric("errors", "error", "requests", "lower", "share"),
    Metric("gate_pass", "passed", "gated", "higher", "share"),
    Metric("feedback", "feedback", "feedbacks", "higher", "share"),
    Metric("escalations", "escalated", "requests", "lower", "share"),
    Metric("first_byte_ms", "first_byte_ms", "requests", "lower", "ms"),
    Metric("total_ms", "total_ms", "requests", "lower", "ms"),
)


class Ratio(NamedTuple):
    """A figure of one arm."""

    value: float
    spread: float
    """Sum over units of the squared, linearised residuals: ((x - R w) / mean w)^2."""
    units: int
    """Conversations that say anything of it."""

    @property
    def error(self) -> float:
        """The standard error, clustered by conversation (ultimate clusters, Taylor linearisation: Wolter, Introduction
        to Variance Estimation, 2nd edition, section 6.8).
        """
        return sqrt(self.spread / (self.units * (self.units - 1))) if self.units > 1 else float("nan")

    def interval(self, metric: Metric) -> tuple[float, float] | None:
        """95 %, looked at once; None for fewer than two conversations. Of a share that is the same in all of them, of
        which nothing varies yet, it is Wilson's, each conversation counted once.
        """
        if self.units < 2:
            return None
        if metric.unit == "share" and self.spread == 0 and 0 <= self.value <= 1:
            return wilson(self.value, self.units)
        return self.value - Z95 * self.error, self.value + Z95 * self.error


class Table:
    """Sums of an experiment's requests by conversation."""

    def __init__(self, outcomes: Outcomes) -> None:
        self.columns = {name: outcomes.column(name) for name in _NEEDED}
        self.unit = self.columns["unit"].astype(np.int64)
        self.arm = self.columns["arm"]
        self.units = outcomes.units

    def ratio(self, metric: Metric, arm: int, until: int | None = None) -> Ratio | None:
        """The figure of one arm (0 control, 1 treatment), of the first ``until`` requests; None where nothing was seen
        of it.
        """
        x, w = self._sums(metric, arm, until)
        told = w > 0
        units, weight = int(told.sum()), float(w[told].sum())
        if not units:
            return None
        value = float(x[told].sum()) / weight
        residuals = (x[told] - value * w[told]) / (weight / units)
        return Ratio(value, float(residuals @ residuals), units)

    def _sums(self, metric: Metric, arm: int, until: int | None) -> tuple[Floats, Floats]:
        """By unit, what is summed above and below."""
        over = self.columns[metric.over][:until]
        chosen = (self.arm[:until] == arm) & ~np.isnan(over)
        unit = self.unit[:until][chosen]
        x = _by_unit(unit, over[chosen], self.units)
        if metric.under in self.columns:
            return x, _by_unit(unit, self.columns[metric.under][:until][chosen], self.units)
        w = _by_unit(unit, np.ones(len(unit)), self.units)
        return x, np.minimum(w, 1.0) if metric.under == "conversations" else w

    def quantile(self, column: str, arm: int, share: float) -> tuple[float, float, float] | None:
        """A quantile of one arm with its 95 % interval, clustered by conversation: the share of requests below it has
        one, whose ends are read back (Woodruff, JASA 47, 1952). None for fewer than two conversations.
        """
        values = self.columns[column]
        chosen = (self.arm == arm) & ~np.isnan(values)
        values, unit = values[chosen], self.unit[chosen]
        if not len(values):
            return None
        at = float(np.quantile(values, share))
        w = np.bincount(unit, minlength=self.units)
        told = w > 0
        units = int(told.sum())
        if units < 2:
            return None
        below = np.bincount(unit, values <= at, self.units)
        part = float(below.sum()) / len(values)
        residuals = (below[told] - part * w[told]) / (len(values) / units)
        error = sqrt(float(residuals @ residuals) / (units * (units - 1)))
        low, high = np.quantile(values, np.clip([share - Z95 * error, share + Z95 * error], 0, 1))
        return at, float(low), float(high)


def _by_unit(unit: NDArray[np.int64], values: Floats, units: int) -> Floats:
    return np.asarray(np.bincount(unit, values, units), dtype=np.float64)


_NEEDED = tuple({"unit", "arm", *(metric.over for metric in METRICS), "gated", "feedbacks"})


def difference(metric: Metric, control: Ratio, treatment: Ratio, alpha: float, *, times: float = 1.0) -> Sequence:
    """Treatment less ``times`` the control, with its confidence sequence.

    Each arm's variance is at least the one within both together: a small arm in which nothing rare has happened yet
    knows too little of its own. Where nothing at all has varied, a share's is taken from both arms' with half a success
    and half a failure added.
    """
    units = control.units + treatment.units
    within = (control.spread + treatment.spread) / max(units - 2, 1)
    if within == 0 and metric.unit == "share":
        pooled = (control.value * control.units + treatment.value * treatment.units + 0.5) / (units + 1)
        within = max(pooled * (1 - pooled), 0.0)

    def variance(one: Ratio) -> float:
        return max(one.spread / max(one.units - 1, 1), within) / one.units

    whole = variance(treatment) + times * times * variance(control)
    return sequence(treatment.value - times * control.value, whole, control.units, treatment.units, alpha)

"""Whether an experiment does harm: the treatment is surely worse than the control by more than was declared bearable.

Each of four figures is looked at any number of times; that any of them is wrong once in all that time has at most the
chance alpha, which the four share (Bonferroni).
"""

from typing import NamedTuple

from tenbin.config.experiments import Experiment, MetricName
from tenbin.measure.experiments.estimates import METRICS, Metric, Ratio, Table, difference

WATCHED: tuple[MetricName, ...] = ("errors", "gate_pass", "feedback", "cost_per_request")
_METRICS = {metric.name: metric for metric in METRICS}


class Harmed(NamedTuple):
    """What is surely worse."""

    metric: MetricName
    reason: str
    """In words, with the figures."""


def harm(experiment: Experiment, table: Table) -> Harmed | None:
    """The first of the watched figures that is surely worse than its limit allows; None while none is."""
    limits = experiment.harm
    margins = (limits.errors, limits.gates, limits.feedback, limits.cost)
    alpha = experiment.alpha / len(WATCHED)
    for name, margin in zip(WATCHED, margins, strict=True):
        if margin is None:
            continue
        metric = _METRICS[name]
        control, treatment = table.ratio(metric, 0), table.ratio(metric, 1)
        if control is None or treatment is None:
            continue
        if _beyond(metric, control, treatment, margin, alpha):
            return Harmed(name, _words(name, control, treatment, margin))
    return None


def _beyond(metric: Metric, control: Ratio, treatment: Ratio, margin: float, alpha: float) -> bool:
    if metric.name == "cost_per_request":  # the margin is a share of the control's own figure
        low = difference(metric, control, treatment, alpha, times=1 + margin).low
        return low is not None and low > 0
    found = difference(metric, control, treatment, alpha)
    if found.low is None or found.high is None:
        return False
    return found.low > margin if metric.better == "lower" else found.high < -margin


def _words(name: MetricName, control: Ratio, treatment: Ratio, margin: float) -> str:
    if name == "cost_per_request":
        before, after = control.value / 1e9, treatment.value / 1e9
        return (
            f"a request costs {after:.6f} USD under the treatment and {before:.6f} under the control, surely more than "
            f"{margin:.0%} above it"
        )
    what = {"errors": "share of errors", "gate_pass": "share that passes the gates", "feedback": "mean feedback"}[name]
    return (
        f"the {what} is {treatment.value:.1%} under the treatment and {control.value:.1%} under the control, surely "
        f"worse by more than {margin * 100:g} points"
    )

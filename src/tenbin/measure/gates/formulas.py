"""Precision, recall, AUC and cost curves of scores against outcomes, with bootstrap intervals over answers."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tenbin.measure.routing.formulas import Floats, Ints, interval, resamples
from tenbin.measure.routing.measured import Value

Flags = NDArray[np.bool_]

MOST_RANKED = 20_000
"""Answers up to which an AUC gets an interval: each resample costs as much as counting them."""


def share(of: Flags, among: Flags) -> float:
    """The share of flagged answers among some; NaN where there are none."""
    count = int(among.sum())
    return float((of & among).sum() / count) if count else float("nan")


def auc(scores: Floats, right: Flags) -> float:
    """The chance that a right answer scores higher than a wrong one, ties counting half (Mann and Whitney). NaN where
    all are right, or all wrong.
    """
    _, place = np.unique(scores, return_inverse=True)
    size = int(place.max()) + 1 if len(place) else 0
    good = np.bincount(place[right], minlength=size)
    bad = np.bincount(place[~right], minlength=size)
    pairs = float(good.sum()) * float(bad.sum())
    if not pairs:
        return float("nan")
    below = np.cumsum(bad) - bad
    return float((good * (below + 0.5 * bad)).sum() / pairs)


def estimated(measure: Callable[[Ints], float], rows: int, draws: int, seed: int) -> Value:
    """A measure over chosen row numbers, with the middle 95 % of what resamples give."""
    if not rows:
        return Value(None)
    generator = np.random.default_rng(seed)
    drawn = [measure(chosen) for block in resamples(rows, draws, generator) for chosen in block] if draws else []
    told = interval(measure(np.arange(rows)), np.array(drawn))
    return Value(_known(told.value), _known(told.low), _known(told.high))


def _known(figure: float) -> float | None:
    return float(figure) if np.isfinite(figure) else None


def share_value(of: Flags, among: Flags, draws: int, seed: int) -> Value:
    """``share`` with its interval."""
    return estimated(lambda rows: share(of[rows], among[rows]), len(of), draws, seed)


def auc_value(scores: Floats, right: Flags, draws: int, seed: int) -> Value:
    """``auc`` with its interval."""
    draws = draws if len(scores) <= MOST_RANKED else 0
    return estimated(lambda rows: auc(scores[rows], right[rows]), len(scores), draws, seed)


def least_sure(scores: Floats, part: float) -> Flags:
    """Which answers are escalated when this share of them is, the lowest scores first; ties in the order of rows."""
    flags = np.zeros(len(scores), dtype=np.bool_)
    flags[np.argsort(scores, kind="stable")[: round(part * len(scores))]] = True
    return flags

"""The measures of a router among several models at their prices: RouterBench's AIQ, and what is saved.

Definitions: RouterBench (arXiv 2403.12031, section 3). A router has a knob, how much quality is worth; each setting of
it is a point (mean cost, mean quality). Two points can be mixed by chance, so what counts is their hull.
"""

from typing import NamedTuple

import numpy as np

from tenbin.measure.routing.formulas import Estimate, Floats, Ints, interval, resamples

SETTINGS = 161
"""Of the knob, between its ends."""


class Hull(NamedTuple):
    """The non-decreasing convex hull of a router's points: cheapest first, quality rising, ever less steeply."""

    cost: Floats
    quality: Floats

    def at(self, cost: float) -> float:
        """Quality to be had for this cost; beyond the dearest point it stays as it is there."""
        return float(np.interp(cost, self.cost, self.quality))

    def cost_of(self, quality: float) -> float:
        """Least cost at which this quality is reached; NaN where it never is."""
        if quality <= self.quality[0]:
            return float(self.cost[0])
        if quality > self.quality[-1]:
            return float("nan")
        return float(np.interp(quality, self.quality, self.cost))


def hull(cost: Floats, quality: Floats) -> Hull:
    """The hull of points, at least one."""
    order = np.lexsort((-quality, cost))
    kept: list[tuple[float, float]] = []
    for x, y in zip(cost[order].tolist(), quality[order].tolist(), strict=True):
        if kept and y <= kept[-1][1]:
            continue  # dearer and no better
        while len(kept) >= 2 and (kept[-1][1] - kept[-2][1]) * (x - kept[-1][0]) <= (y - kept[-1][1]) * (
            kept[-1][0] - kept[-2][0]
        ):
            kept.pop()  # below the line between its neighbours
        if kept and x == kept[-1][0]:
            kept.pop()
        kept.append((x, y))
    points = np.array(kept)
    return Hull(points[:, 0], points[:, 1])


def aiq(of: Hull, cheapest: float, dearest: float) -> float:
    """AIQ: the hull's quality, averaged over the costs from the cheapest model's to the dearest one's.

    1 / (c_max - c_min) times the integral over it, as in the paper (its code divides by c_max). One range of costs for
    all routers of a table makes them comparable: a hull is flat beyond its dearest point; below its cheapest one there
    is nothing (quality 0). At one single cost: the quality there.
    """
    if dearest <= cheapest:
        return of.at(cheapest)
    begin = min(max(cheapest, float(of.cost[0])), dearest)
    inside = of.cost[(of.cost > begin) & (of.cost < dearest)]
    costs = np.concatenate([[begin], inside, [dearest]])
    return float(np.trapezoid(np.interp(costs, of.cost, of.quality), costs)) / (dearest - cheapest)


def knob(costs: Floats) -> Floats:
    """Settings of the knob for models of these mean costs: what one whole unit of quality is worth, in USD."""
    known = costs[costs > 0]
    if len(known) == 0:
        return np.array([1.0])
    return np.logspace(np.log10(known.min()) - 2, np.log10(known.max()) + 4, SETTINGS)


def chosen(quality: Floats, costs: Floats) -> Ints:
    """Which model each question goes to at each setting of the knob, (questions, settings).

    ``quality`` (questions, models) is expected quality, ``costs`` (models) or (questions, models) expected cost: the
    choice is argmax(quality - cost / worth). The first setting takes the cheapest, the last one the best at any cost;
    where two are equal, the cheaper one and then the first is taken.
    """
    costs = np.broadcast_to(costs, quality.shape)
    cheapest = np.argmin(costs, axis=1)
    # The order of columns breaks ties: cheapest first.
    columns = np.argsort(costs.mean(axis=0), kind="stable")
    ordered, prices = quality[:, columns], costs[:, columns]
    picked = [columns[np.argmax(ordered - prices / worth, axis=1)] for worth in knob(costs.mean(axis=0))]
    best = columns[np.argmax(ordered, axis=1)]
    return np.stack([cheapest, *picked, best], axis=1)


class Bought(NamedTuple):
    """What is measured of a router among several models."""

    aiq: Estimate
    saved: Estimate
    """Per cent of the best single model's cost that is saved at ``PART`` of its quality; NaN where that is not
    reached."""


PART = 0.95
"""Of the best single model's quality at which the saving is told."""


def bought(picks: Ints, quality: Floats, cost: Floats, draws: int, seed: int, *, singles: bool = False) -> Bought:
    """The measures of picks (questions, settings) with true qualities and costs (questions, models).

    With ``singles`` the picks are left aside and the points are the models themselves, each for all questions: what
    can be had without looking at the request at all.
    """
    questions, models = quality.shape
    rows = np.arange(questions)[:, None]
    points = np.concatenate(
        [quality, cost] if singles else [quality, cost, quality[rows, picks], cost[rows, picks]],
        axis=1,
    )

    def measured(means: Floats) -> tuple[float, float]:
        single_quality, single_cost = means[:models], means[models : 2 * models]
        own = means[2 * models :]
        of = hull(single_cost, single_quality) if singles else hull(own[len(own) // 2 :], own[: len(own) // 2])
        best = int(np.argmax(single_quality))
        spent = of.cost_of(PART * single_quality[best])
        saved = 100 * (1 - spent / single_cost[best]) if single_cost[best] > 0 else float("nan")
        return aiq(of, float(single_cost.min()), float(single_cost.max())), saved

    drawn = [
        measured(means)
        for picked in resamples(questions, draws, np.random.default_rng(seed))
        for means in _means(picked, points)
    ]
    of_all = measured(points.mean(axis=0))
    samples = np.array(drawn).reshape(-1, 2)
    return Bought(interval(of_all[0], samples[:, 0]), interval(of_all[1], samples[:, 1]))


def _means(picked: Ints, points: Floats) -> Floats:
    """Column means of each resample (draws, n) of the points (n, columns)."""
    questions = len(points)
    counts = np.stack([np.bincount(row, minlength=questions) for row in picked]).astype(np.float64)
    means: Floats = counts @ points / questions
    return means

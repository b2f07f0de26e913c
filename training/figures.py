"""Figures of a router, as published: RouteLLM's CPT and APGR, RouterBench's AIQ, and what says how sure they are."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def curve(score: Floats, weak: Floats, strong: Floats, steps: int = 10) -> tuple[Floats, Floats]:
    """Share routed to the strong model (0..1) and mean quality, at the deciles of the score (RouteLLM `evaluate.py`)."""
    edges = np.quantile(score, np.linspace(0, 1, steps + 1))
    shares, qualities = [], []
    for index, edge in enumerate(edges):
        chosen = score > edge if index == steps else score >= edge
        shares.append(chosen.mean())
        qualities.append(np.where(chosen, strong, weak).mean())
    order = np.argsort(shares, kind="stable")
    return np.array(shares)[order], np.array(qualities)[order]


def routing(score: Floats, weak: Floats, strong: Floats) -> dict[str, float]:
    """APGR, and CPT(50), CPT(80) in percent, of one ranking: higher score, rather the strong model."""
    score = score + 1e-9 * np.random.default_rng(0).standard_normal(len(score))
    x, y = curve(score, weak, strong)
    low, high = weak.mean(), strong.mean()
    base, top = low * (x[-1] - x[0]), high * (x[-1] - x[0])
    return {
        "apgr": float((np.trapezoid(y, x) - base) / (top - base)),
        "cpt50": float(100 * np.interp(low + 0.5 * (high - low), y, x)),
        "cpt80": float(100 * np.interp(low + 0.8 * (high - low), y, x)),
    }


def interval(
    figure: Callable[[NDArray[np.intp]], float], size: int, draws: int = 500, seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap interval of a figure of row numbers."""
    random = np.random.default_rng(seed)
    values = [figure(random.integers(0, size, size)) for _ in range(draws)]
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def routing_with_interval(score: Floats, weak: Floats, strong: Floats, draws: int = 500) -> dict[str, Any]:
    """routing(), with the interval of APGR."""
    figures: dict[str, Any] = routing(score, weak, strong)
    figures["apgr_interval"] = interval(
        lambda rows: routing(score[rows], weak[rows], strong[rows])["apgr"], len(score), draws
    )
    return figures


def aiq(predicted: Floats, score: Floats, cost: Floats) -> dict[str, float]:
    """RouterBench's AIQ over the range of cost, and what is saved at 95 % of the best model's quality.

    ``predicted`` [query, model] is the router's estimate of quality; it sends each query to
    argmax(predicted - mean cost of the model / willingness to pay), the cost of a model being its mean here.
    """
    mean = cost.mean(axis=0)
    points = [(float(mean[j]), float(score[:, j].mean())) for j in ()]
    rows = np.arange(len(score))
    for willing in np.concatenate(([1e-9], np.geomspace(1e-4, 1e3, 200))):
        pick = (predicted - mean / willing).argmax(axis=1)
        points.append((float(cost[rows, pick].mean()), float(score[rows, pick].mean())))
    best = int(score.mean(axis=0).argmax())
    low, high = float(mean.min()), float(mean.max())
    points.append((low, float(score[:, int(mean.argmin())].mean())))
    hull = upper_hull(points)
    xs, ys = np.array([p[0] for p in hull]), np.maximum.accumulate([p[1] for p in hull])
    grid = np.linspace(low, high, 2000)
    area = float(np.trapezoid(np.interp(grid, xs, ys), grid) / (high - low))
    enough = [p[0] for p in sorted(points) if p[1] >= 0.95 * score[:, best].mean()]
    cheapest = min(enough) if enough else float(mean[best])
    return {"aiq": area, "saved_at_95": 1 - cheapest / float(mean[best])}


def upper_hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The non-decreasing upper convex hull of (cost, quality) points."""
    hull: list[tuple[float, float]] = []
    for point in sorted(points):
        while len(hull) >= 2 and _turns_left(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _turns_left(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) >= 0


def calibration(chance: Floats, outcome: Floats, bins: int = 10) -> dict[str, float]:
    """Expected calibration error over equally filled bins, and the Brier score."""
    order = np.argsort(chance, kind="stable")
    error = sum(
        len(part) / len(chance) * abs(chance[part].mean() - outcome[part].mean())
        for part in np.array_split(order, bins)
        if len(part)
    )
    return {"ece": float(error), "brier": float(((chance - outcome) ** 2).mean())}

"""The cascade's curve as SVG: cost to the right, accuracy upwards; and beside FrugalGPT's points."""

import math
from collections.abc import Callable, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from benchmarks.cascade.figures import QUARTER, Result
from tenbin.measure.routing.hull import hull

WIDTH, HEIGHT = 1040, 520
Points = Sequence[tuple[float, float]]

CURVES = (
    ("perfect", "cascade, gate that knows (oracle)", "#888888", "2 4"),
    ("best", "cascade, measured gates, best answer given", "#f1948a", "5 2"),
    ("cascade", "cascade, measured gates", "#c0392b", ""),
    ("words", "cascade, measured gates on words alone", "#e59866", ""),
    ("routing", "routing alone", "#2471a3", ""),
    ("random", "cascade, gate that tells nothing", "#555555", "6 3"),
)
COLORS = ("#7d3c98", "#138d75", "#b7950b", "#2e86c1", "#af601a")


class Panel(NamedTuple):
    """A field of the picture: relative cost, on a logarithmic scale, and relative accuracy."""

    left: float
    right: float
    top: float
    bottom: float
    costs: tuple[float, float]
    accuracies: tuple[float, float]

    def place(self, cost: float, accuracy: float) -> tuple[float, float]:
        """Where a point stands."""
        low, high = (math.log(each) for each in self.costs)
        along = (math.log(cost) - low) / (high - low)
        up = (accuracy - self.accuracies[0]) / (self.accuracies[1] - self.accuracies[0])
        return self.left + along * (self.right - self.left), self.bottom - up * (self.bottom - self.top)

    def holds(self, cost: float, accuracy: float) -> bool:
        """Whether a point is inside."""
        return self.costs[0] <= cost <= self.costs[1] and self.accuracies[0] <= accuracy <= self.accuracies[1]


LEFT = Panel(60, 600, 50, 460, (0.01, 2.0), (0.60, 1.12))
RIGHT = Panel(690, 1010, 50, 460, (0.01, 4.0), (0.90, 1.12))


def draw(result: Result) -> str:
    """The whole picture."""
    best = result.best

    def relative(points: Points) -> list[tuple[float, float]]:
        return [(cost / best.cost, accuracy / best.accuracy) for cost, accuracy in points]

    told = [_axes(LEFT, f"RouterBench: {len(result.singles)} models, {result.prompts:,} prompts")]
    told.append(_axes(RIGHT, "FrugalGPT's published points, beside"))
    key: list[tuple[str, str, str]] = []
    for name, title, color, dashes in CURVES:
        told.append(_line(LEFT, relative(result.named(name).points), color, dashes))
        key.append((title, color, dashes))
    told.append(_line(LEFT, _hull_of_singles(result), "#27ae60", "1 3"))
    key.append(("single models, mixed by chance", "#27ae60", "1 3"))
    for one in result.singles:
        told.append(_dot(LEFT, (one.cost / best.cost, one.accuracy / best.accuracy), "#27ae60"))
        told.append(_name(LEFT, (one.cost / best.cost, one.accuracy / best.accuracy), one.model.rpartition("/")[2]))
    told.append(_key(key, 392, 318))
    told.append(_line(RIGHT, relative(result.named("cascade").points), "#c0392b", ""))
    beside = [("cascade, measured gates (RouterBench)", "#c0392b", "")]
    for each, color in zip(result.frugalgpt, COLORS, strict=False):
        points = [(cost / each.best_cost, accuracy / each.best_accuracy) for cost, accuracy in each.points]
        told.append(_line(RIGHT, points, color, "3 2"))
        told += [_dot(RIGHT, point, color) for point in points]
        beside.append((f"FrugalGPT, {each.data}", color, "3 2"))
    told.append(_key(beside, 700, 66))
    style = "font-family: sans-serif; font-size: 11px; fill: #333"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'style="{style}">\n<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(told) + "\n</svg>\n"
    )


def _hull_of_singles(result: Result) -> list[tuple[float, float]]:
    costs = np.array([one.cost for one in result.singles])
    of = hull(costs / result.best.cost, np.array([one.accuracy for one in result.singles]) / result.best.accuracy)
    return list(zip(of.cost.tolist(), of.quality.tolist(), strict=True))


def _axes(panel: Panel, title: str) -> str:
    told = [f'<text x="{panel.left}" y="{panel.top - 22}" font-size="13" font-weight="bold">{escape(title)}</text>']
    told.append(f'<text x="{panel.left}" y="{panel.top - 6}">accuracy, of the best single model&#39;s</text>')
    step = 0.1 if panel.accuracies[1] - panel.accuracies[0] > 0.3 else 0.05
    for number in range(200):
        level = round(panel.accuracies[0] + number * step, 6)
        if level > panel.accuracies[1]:
            break
        _, y = panel.place(panel.costs[0], level)
        told.append(_rule(panel.left, y, panel.right, y, strong=level == 1))
        told.append(f'<text x="{panel.left - 6}" y="{y + 4:.1f}" text-anchor="end">{level:.0%}</text>')
    for cost in (0.01, 0.02, 0.05, 0.1, QUARTER, 0.5, 1, 2, 4):
        if panel.costs[0] <= cost <= panel.costs[1]:
            x, _ = panel.place(cost, panel.accuracies[0])
            told.append(_rule(x, panel.top, x, panel.bottom, strong=cost in (QUARTER, 1)))
            told.append(f'<text x="{x:.1f}" y="{panel.bottom + 15}" text-anchor="middle">{cost:.0%}</text>')
    middle = (panel.left + panel.right) / 2
    told.append(
        f'<text x="{middle}" y="{panel.bottom + 34}" text-anchor="middle">cost, of the best single model&#39;s</text>'
    )
    return "\n".join(told)


def _rule(x1: float, y1: float, x2: float, y2: float, *, strong: bool) -> str:
    color = "#999" if strong else "#e5e5e5"
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"/>'


def _line(panel: Panel, points: Points, color: str, dashes: str) -> str:
    inside = [panel.place(*point) for point in _clipped(panel, points)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in inside)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dashed}/>'


def _clipped(panel: Panel, points: Points) -> list[tuple[float, float]]:
    """Mixtures lie on straight lines of cost, which a logarithmic scale bends: each is drawn in many steps."""
    steps: list[tuple[float, float]] = list(points[:1])
    for (cost, accuracy), (dearer, better) in pairwise(points):
        steps += [(cost + n / 20 * (dearer - cost), accuracy + n / 20 * (better - accuracy)) for n in range(1, 21)]
    return [each for each in steps if panel.holds(*each)]


def _dot(panel: Panel, point: tuple[float, float], color: str) -> str:
    return _at(panel, point, lambda x, y: f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>')


def _name(panel: Panel, point: tuple[float, float], name: str) -> str:
    return _at(panel, point, lambda x, y: f'<text x="{x + 5:.1f}" y="{y + 12:.1f}" font-size="9">{escape(name)}</text>')


def _at(panel: Panel, point: tuple[float, float], write: Callable[[float, float], str]) -> str:
    return write(*panel.place(*point)) if panel.holds(*point) else ""


def _key(entries: Sequence[tuple[str, str, str]], left: float, top: float) -> str:
    told = [f'<rect x="{left - 6}" y="{top - 12}" width="250" height="{len(entries) * 17 + 6}" fill="white"/>']
    for number, (title, color, dashes) in enumerate(entries):
        y = top + 17 * number
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        told.append(
            f'<line x1="{left}" y1="{y - 4}" x2="{left + 26}" y2="{y - 4}" stroke="{color}" stroke-width="2"{dashed}/>'
        )
        told.append(f'<text x="{left + 32}" y="{y}">{escape(title)}</text>')
    return "\n".join(told)

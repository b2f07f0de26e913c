"""The running difference of two arms with its confidence sequence, as a picture (SVG); nothing draws it but this."""

from html import escape
from typing import NamedTuple

from tenbin.config.experiments import MetricName
from tenbin.measure.experiments.estimates import METRICS, Table, difference

LOOKS = 120
"""Points of the picture."""
WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 90, 20, 40, 50


class Look(NamedTuple):
    """The difference after so many requests."""

    requests: int
    value: float
    low: float | None
    high: float | None


def looks(table: Table, metric: MetricName, alpha: float, count: int = LOOKS) -> list[Look]:
    """The difference of a figure as it stood after ever more requests."""
    chosen = next(one for one in METRICS if one.name == metric)
    whole, found = len(table.arm), []
    for place in range(1, count + 1):
        until = whole * place // count
        control, treatment = table.ratio(chosen, 0, until), table.ratio(chosen, 1, until)
        if until and control is not None and treatment is not None:
            told = difference(chosen, control, treatment, alpha)
            found.append(Look(until, told.value, told.low, told.high))
    return found


def picture(points: list[Look], *, title: str, across: str, metric: MetricName) -> str:
    """The points as SVG: the difference as a line, its confidence sequence as a band, zero as a dashed line."""
    kind = next(one.unit for one in METRICS if one.name == metric)
    scale = {"nano_usd": 1e-9, "share": 100.0, "ms": 1.0}[kind]
    unit = {"nano_usd": "USD", "share": "%", "ms": "ms"}[kind]
    banded = [one for one in points if one.low is not None and one.high is not None]
    # The band is wide at first: the picture is as high as the later half of it.
    late = banded[len(banded) // 2 :]
    heights = [0.0, *(one.value for one in points[len(points) // 4 :])]
    heights += [bound for one in late for bound in (one.low, one.high) if bound is not None]
    low, high = min(heights) * scale, max(heights) * scale
    if high - low < 1e-12:
        low, high = low - 1, high + 1
    low, high = low - 0.08 * (high - low), high + 0.08 * (high - low)
    most = max((one.requests for one in points), default=1)

    def x(requests: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * requests / most

    def y(value: float) -> float:
        clipped = min(max(value * scale, low), high)
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - clipped) / (high - low)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13" role="img"><title>{escape(title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/><text x="{LEFT}" y="24">{escape(title)}</text>',
    ]
    if banded:
        upper = [f"{x(one.requests):.1f},{y(one.high or 0):.1f}" for one in banded]
        lower = [f"{x(one.requests):.1f},{y(one.low or 0):.1f}" for one in reversed(banded)]
        out.append(f'<polygon points="{" ".join(upper + lower)}" fill="#4477aa" fill-opacity="0.25"/>')
    line = " ".join(f"{x(one.requests):.1f},{y(one.value):.1f}" for one in points)
    out.append(f'<polyline points="{line}" fill="none" stroke="#4477aa" stroke-width="2"/>')
    zero = f"{y(0):.1f}"
    out.append(f'<line x1="{LEFT}" y1="{zero}" x2="{WIDTH - RIGHT}" y2="{zero}" stroke="#888" stroke-dasharray="4 4"/>')
    for part in range(5):
        value = low + (high - low) * part / 4
        at = f"{y(value / scale):.1f}"
        out.append(
            f'<text x="{LEFT - 8}" y="{at}" text-anchor="end" dominant-baseline="middle">{value:.3g} {unit}</text>'
        )
        requests = most * part / 4
        at = f"{x(requests):.1f}"
        out.append(f'<text x="{at}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{requests:,.0f}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    out.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text></svg>')
    return "\n".join(out) + "\n"

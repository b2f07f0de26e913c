"""8. Budgets as a picture (SVG): what was spent in each part of a window, its sum, even spending, the limit."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tenbin.core.budget import WindowKind
from tenbin.core.money import NanoUSD
from tenbin.decide.budget import window_of
from tenbin.ledger.spending import SLOT_MS
from tenbin.measure.spending.pace import HOUR_MS, PaceWord

WIDTH, HEIGHT = 760, 240
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 40, 32
COLOURS: dict[PaceWord, str] = {
    "critical": "#cc3311",
    "warning": "#ee9933",
    "on_track": "#228833",
    "under_used": "#4477aa",
    "too_early": "#228833",
}


class Chart(NamedTuple):
    """One budget's window."""

    title: str
    bounds: Sequence[int]
    """UTC ms at which its parts begin, and the end of the last one."""
    spent: Sequence[NanoUSD]
    """In each part; of those that have not begun, nothing."""
    now_ms: int
    limit: NanoUSD
    projected: NanoUSD
    word: PaceWord
    zone: str
    window: WindowKind


def parts(window: WindowKind, zone: str, now_ms: int) -> list[int]:
    """UTC ms at which the parts of the present window (not ``total``) begin, and its end: days, hours, or quarters."""
    starts, ends = window_of(window, zone, now_ms)
    if window in ("hour", "day"):
        step = HOUR_MS if window == "day" else SLOT_MS
        return [*range(starts, ends, step), ends]
    found = [starts]
    while found[-1] < ends:
        found.append(window_of("day", zone, found[-1])[1])
    return found


def picture(charts: Sequence[Chart]) -> str:
    """All of them, one below the other."""
    height = HEIGHT * max(len(charts), 1)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12" role="img"><rect width="{WIDTH}" height="{height}" fill="white"/>'
    ]
    for place, chart in enumerate(charts):
        out += [f'<g transform="translate(0 {place * HEIGHT})">', *_drawn(chart), "</g>"]
    return "\n".join([*out, "</svg>"]) + "\n"


def _drawn(chart: Chart) -> list[str]:
    starts, ends = chart.bounds[0], chart.bounds[-1]
    sums = [sum(chart.spent[:place]) for place in range(len(chart.spent) + 1)]
    most = max(chart.limit, chart.projected, sums[-1], 1) * 1.05

    def x(at_ms: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (at_ms - starts) / (ends - starts)

    def y(nano: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * nano / most

    def line(points: Sequence[tuple[float, float]], style: str) -> str:
        told = " ".join(f"{x(at):.1f},{y(nano):.1f}" for at, nano in points)
        return f'<polyline points="{told}" fill="none" {style}/>'

    colour = COLOURS[chart.word]
    out = [
        f"<title>{escape(chart.title)}</title>",
        f'<text x="{LEFT}" y="22" font-size="14">{escape(chart.title)}</text>',
    ]
    for begin, end, nano in zip(chart.bounds, chart.bounds[1:], chart.spent, strict=False):
        if nano:
            wide = max(x(end) - x(begin) - 2, 1)
            out.append(
                f'<rect x="{x(begin) + 1:.1f}" y="{y(nano):.1f}" width="{wide:.1f}" height="{y(0) - y(nano):.1f}" '
                f'fill="{colour}" fill-opacity="0.35"/>'
            )
    over = [(at, nano) for at, nano in zip(chart.bounds, sums, strict=True) if at < chart.now_ms]
    out += [
        line([(starts, chart.limit), (ends, chart.limit)], 'stroke="#333" stroke-width="1.5"'),
        line([(starts, 0), (ends, chart.limit)], 'stroke="#999" stroke-dasharray="3 4"'),
        line([(chart.now_ms, sums[-1]), (ends, chart.projected)], f'stroke="{colour}" stroke-dasharray="6 4"'),
        line([*over, (chart.now_ms, sums[-1])], f'stroke="{colour}" stroke-width="2.5"'),
        line([(starts, 0), (ends, 0)], 'stroke="#333"'),
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        level = chart.limit * share
        out.append(
            f'<text x="{LEFT - 6}" y="{y(level):.1f}" text-anchor="end" dominant-baseline="middle">'
            f"${level / 1e9:,.{0 if chart.limit >= 10**11 else 2}f}</text>"
        )
    return out + [
        f'<text x="{x(at):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{_tick(at, chart)}</text>'
        for at in chart.bounds[: -1 : max(len(chart.bounds) // 8, 1)]
    ]


def _tick(at_ms: int, chart: Chart) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(chart.zone))
    return f"{at:%H:%M}" if chart.window in ("hour", "day") else f"{at.month}-{at.day}"

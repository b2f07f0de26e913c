"""8. A plot of what is served rightly against what is served wrongly, as SVG: one curve for each bare policy."""

from collections.abc import Sequence

from tenbin.measure.caching.measured import PairFigures, Report

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 560, 360, 60, 48, 40  # pixels
COLOURS = {"cosine": "#b0413e", "guard": "#2a6f97"}
PROFILE = "#1b4332"
_PROFILES = ("strict", "balanced", "loose")


def plot(report: Report) -> str:
    """One panel for each file that has both pairs with the same answer and pairs with another one."""
    files = dict.fromkeys(each.file for each in report.pairs if each.hits.of and each.traps.of)
    panels = [_panel([each for each in report.pairs if each.file == file]) for file in files]
    body = "".join(f'<g transform="translate(0,{HEIGHT * at})">{panel}</g>' for at, panel in enumerate(panels))
    height = HEIGHT * max(1, len(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>{body}</svg>\n'
    )


def _panel(figures: Sequence[PairFigures]) -> str:
    most = max(0.05, *(each.traps.value or 0 for each in figures))
    parts = [
        f'<text x="{LEFT}" y="22" font-weight="bold">{_escaped(figures[0].file)}</text>',
        f'<text x="{WIDTH - 20}" y="{HEIGHT - 12}" text-anchor="end">served of pairs with another answer</text>',
        f'<text x="14" y="{TOP}" transform="rotate(-90 14 {TOP})" text-anchor="end">hits of the same answer</text>',
        f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - 20}" fill="none" stroke="#444"/>',
    ]
    for step in range(5):
        x, y = _place(most * step / 4, 0.25 * step, most)
        parts.append(
            f'<text x="{x:.0f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{100 * most * step / 4:.0f} %</text>'
        )
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{25 * step} %</text>')
    for policy in ("cosine", "guard"):
        curve = [each for each in figures if each.policy == policy]
        places = [_place(each.traps.value or 0, each.hits.value or 0, most) for each in curve]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[policy]}" stroke-width="2"/>')
        x, y = places[0]
        parts.append(f'<text x="{x + 6:.1f}" y="{y - 6:.1f}" fill="{COLOURS[policy]}">{policy}</text>')
    named: dict[tuple[float, float], list[str]] = {}
    for each in figures:
        if each.policy in _PROFILES:
            named.setdefault(_place(each.traps.value or 0, each.hits.value or 0, most), []).append(each.policy)
    for (x, y), policies in named.items():
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{PROFILE}"/>')
        parts.append(f'<text x="{x + 8:.1f}" y="{y + 12:.1f}" fill="{PROFILE}">{", ".join(policies)}</text>')
    return "".join(parts)


def _place(wrong: float, right: float, most: float) -> tuple[float, float]:
    across, up = WIDTH - 100 - LEFT, HEIGHT - BOTTOM - TOP
    return LEFT + across * wrong / most, HEIGHT - BOTTOM - up * right


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""The tables of what caches make of the month's bill, for the month's page."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.harness import report
from benchmarks.month.caches import NO_CACHE, OWN_MARKS, CachesResult, Part, Row
from benchmarks.month.parameters import CACHE_FIGURES
from benchmarks.month.report import PAGE, figures, table, usd

PUBLISHED_CACHES = Path(__file__).with_name("published_caches.json")
GOAL = 0.30
"""Of the bill without any cache."""


def read_caches(path: Path) -> CachesResult:
    """A run that was kept."""
    return msgspec.json.decode(path.read_bytes(), type=CachesResult)


def publish_caches(result: CachesResult, page: Path = PAGE) -> None:
    """Write the results, and what this month has besides, into the page."""
    report.publish("caches", render_caches(result), page)
    report.publish("caches parameters", caches_parameters(), page)


def caches_parameters() -> str:
    """What the month with repeats has besides."""
    return figures(CACHE_FIGURES)


def render_caches(result: CachesResult) -> str:
    """The results of a run."""
    kinds = ", ".join(f"{count:,} {name.replace('_', '-')}" for name, count in result.kinds.items())
    programs = [result.rows[0].parts[name] for name in ("archive", "help_desk")]
    repeats = sum(part.repeats for part in programs)
    head = (
        f"Run of {result.date} (UTC), seed {result.seed}, scale {result.scale:g}, {result.seconds:.0f} s for "
        f"{len(result.rows)} arrangements. {kinds}; {repeats:,} of the programs' requests repeat an earlier one. Each "
        "arrangement had exactly these requests."
    )
    return "\n\n".join(
        [
            head,
            "### The bill\n\n" + _bill(result.rows),
            "### By part of the traffic\n\n" + _parts(result.rows),
            "### What each cache did\n\n" + _did(result.rows),
        ]
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _of(rows: Sequence[Row], name: str) -> Row:
    return next(one for one in rows if one.name == name)


def _bill(rows: Sequence[Row]) -> str:
    plain, marked = _of(rows, NO_CACHE.name).cash_nano, _of(rows, OWN_MARKS.name).cash_nano
    lines = [
        [
            one.title,
            usd(one.cash_nano),
            _share(one.cash_nano, plain),
            _share(one.cash_nano, marked),
            "yes" if one.cash_nano <= GOAL * plain else "no",
            "yes" if one.cash_nano <= GOAL * marked else "no",
            f"{one.quality:.1%} ({one.quality_low:.0%}-{one.quality_high:.0%})",
            f"{one.agents:.0%} / {one.programs:.0%}",
        ]
        for one in rows
    ]
    head = ["arrangement", "bill", "of (a)", "of (b)", f"<= {GOAL:.0%} of (a)", f"<= {GOAL:.0%} of (b)"]
    return table([*head, "quality kept", "agents / programs"], lines)


def _parts(rows: Sequence[Row]) -> str:
    plain = _of(rows, NO_CACHE.name)
    names = list(plain.parts)
    lines = []
    for one in rows:
        cells = [one.title]
        for name in names:
            cash = one.parts[name].cash_nano
            cells += [usd(cash), _share(cash, plain.parts[name].cash_nano)]
        lines.append(cells)
    head = [cell for name in names for cell in (name.replace("_", " "), "of (a)")]
    return table(["arrangement", *head], lines)


def _did(rows: Sequence[Row]) -> str:
    lines = []
    for one in rows:
        parts = one.parts
        programs = [parts["archive"], parts["help_desk"]]
        cells = [one.title]
        cells += [_share(parts[name].read_tokens, parts[name].prompt_tokens) for name in parts]
        cells.append(usd(_sum(list(parts.values()), "read_saved_nano")))
        for part in programs:
            cells.append(f"{_share(part.hits, part.requests)} ({_share(part.hits, part.repeats)})")
        cells.append(usd(_sum(programs, "hit_saved_nano")))
        cells.append(f"{sum(part.seconds_saved for part in programs) / 60:.0f}")
        lines.append(cells)
    head = ["arrangement", "prompt read from cache: agents", "archive", "help desk", "it saved"]
    head += ["response cache answered: archive (of repeats)", "help desk (of repeats)", "it saved", "minutes"]
    return table(head, lines)


def _sum(parts: Sequence[Part], name: str) -> int:
    return sum(getattr(part, name) for part in parts)

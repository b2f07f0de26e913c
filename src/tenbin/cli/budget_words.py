"""Budgets in words and bars, for a terminal, in English and Japanese; and as plain data for programs."""

import shutil
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from tenbin.cli.language import is_japanese, say
from tenbin.core.money import format_about, usd_decimal
from tenbin.measure.spending.actions import Action
from tenbin.measure.spending.overview import Line
from tenbin.measure.spending.pace import Pace, PaceWord

CELLS = 32
"""Of a bar."""

COLOURS: dict[PaceWord, str] = {
    "critical": "red",
    "warning": "yellow",
    "on_track": "green",
    "under_used": "cyan",
    "too_early": "green",
}

PACE_WORDS: dict[PaceWord, tuple[str, str]] = {
    "critical": ("far too fast", "大幅に超過ペース"),
    "warning": ("too fast", "やや速いペース"),
    "on_track": ("on track", "順調"),
    "under_used": ("under-used", "使い残しのペース"),
    "too_early": ("just begun", "始まったばかり"),
}

WINDOWS = {
    "hour": ("an hour", "1 時間"),
    "day": ("a day", "1 日"),
    "week": ("a week", "1 週間"),
    "month": ("a month", "1 か月"),
    "total": ("in all", "合計"),
}

KINDS = {
    "global": ("everybody", "全体"),
    "team": ("team", "チーム"),
    "user": ("user", "利用者"),
    "key": ("key", "鍵"),
    "route": ("route", "ルート"),
    "model": ("model", "モデル"),
}

UNITS = {"day": ("day", "日"), "hour": ("hour", "時間"), "minute": ("minute", "分")}


def lines(line: Line) -> Iterator[str]:
    """One budget for people: whose, a bar, pace and projection, what to do."""
    since = dates(line)
    yield click.style(heading(line), bold=True) + (f"  {since}" if since else "")
    yield f"  {bar(line)} {line.level.share:>6.1%}  {amounts(line)}"
    if line.pace is not None:
        yield f"  {_pace(line.pace)}"
    ahead = _ahead(line)
    if ahead:
        yield f"  {ahead}"
    for action in line.actions:
        first, *rest = wrapped(words(action), 4)
        yield f"  {click.style('→', fg=_colour(line))} {first}"
        yield from (f"    {text}" for text in rest)


def heading(line: Line) -> str:
    """Whose, how much, how often, how strictly."""
    limit, window = format_about(line.claim.limit), say(*WINDOWS[line.claim.window])
    hard = say("hard", "上限厳守") if line.claim.hard else say("soft", "目安")
    return say(f"{whose(line)}: {limit} {window} ({hard})", f"{whose(line)}: {window} {limit} ({hard})")


def whose(line: Line) -> str:
    """``team search``, or ``everybody``."""
    kind = say(*KINDS[line.kind])
    if line.kind == "global":
        return kind
    known = f"{kind} {line.title}"
    return f"{known} ({line.name})" if line.title != line.name else known


def words(action: Action) -> str:
    """An action in the language of the terminal."""
    return action.japanese if is_japanese() else action.english


def wrapped(text: str, indent: int) -> list[str]:
    """English in lines as wide as the terminal; Japanese has no spaces to break at, and terminals break it anywhere."""
    if is_japanese():
        return [text]
    return textwrap.wrap(text, max(min(shutil.get_terminal_size().columns, 120) - indent, 40), break_on_hyphens=False)


def dates(line: Line) -> str:
    """From when to when, as the budget's clocks show it."""
    claim = line.claim
    if claim.window == "total":
        return ""
    zone = ZoneInfo(claim.zone)
    start = datetime.fromtimestamp(claim.starts_at_ms / 1000, zone)
    end = datetime.fromtimestamp((claim.ends_at_ms - 1) / 1000, zone)
    shape = "%Y-%m-%d %H:%M" if claim.window == "hour" else "%Y-%m-%d"
    first, last = start.strftime(shape), end.strftime("%H:%M" if claim.window == "hour" else shape)
    return f"{first if first == last else f'{first} - {last}'} {claim.zone}"


def bar(line: Line) -> str:
    """What is spent, what is set aside, and a mark where spending would be, were it even."""
    level, limit = line.level, line.claim.limit
    if limit <= 0:
        return click.style("█" * CELLS, fg="red")
    spent = min(_cells(level.spent / limit), CELLS)
    aside = min(_cells((level.spent + level.reserved) / limit), CELLS) - spent
    cells = list("█" * spent + "▒" * aside + "░" * (CELLS - spent - aside))
    if line.pace is not None:
        cells[min(round(line.pace.expected_nano / limit * CELLS), CELLS) - 1] = "┃"
    return click.style("".join(cells), fg=_colour(line))


def amounts(line: Line) -> str:
    """Spent, set aside, left."""
    level, limit = line.level, line.claim.limit
    left = limit - level.spent - level.reserved
    said = [say(f"{format_about(level.spent)} spent", f"使用 {format_about(level.spent)}")]
    if level.reserved:
        said.append(say(f"{format_about(level.reserved)} set aside", f"確保 {format_about(level.reserved)}"))
    over = say(f"{format_about(-left)} over", f"超過 {format_about(-left)}")
    said.append(over if left < 0 else say(f"{format_about(left)} left", f"残り {format_about(left)}"))
    if line.unknown:
        said.append(say(f"{line.unknown:,} calls of unknown price", f"料金不明 {line.unknown:,} 件"))
    return say(", ", "、").join(said)


def _pace(pace: Pace) -> str:
    known = click.style(say(*PACE_WORDS[pace.word]), fg=COLOURS[pace.word])
    ratio = f"{pace.ratio:.2f}" if pace.ratio is not None else "-"
    unit = UNITS[pace.elapsed.unit]
    begun, of = pace.elapsed.begun, pace.elapsed.of
    where = say(f"{unit[0]} {begun} of {of}", f"{of} {unit[1]}中 {begun} {unit[1]}目")
    return say(
        f"pace {ratio}, {known}: {where}, {format_about(pace.expected_nano)} expected by its end",
        f"ペース {ratio}、{known}: {where}、本来の目安 {format_about(pace.expected_nano)}",
    )


def _ahead(line: Line) -> str:
    """What it will come to, when it is full, what is left for each day."""
    pace, said = line.pace, []
    if pace is not None and pace.elapsed.unit != "minute":
        projected = format_about(pace.projected_nano)
        said.append(say(f"at this rate {projected} in the end", f"このままなら最終 {projected}"))
    left = line.claim.limit - line.level.spent - line.level.reserved
    if left > 0 and line.full_at_ms is not None:
        at = datetime.fromtimestamp(line.full_at_ms / 1000, ZoneInfo(line.claim.zone)).strftime("%Y-%m-%d %H:%M")
        said.append(say(f"full on {at}", f"{at} に使い切り"))
    if pace is not None and pace.left_a_day_nano is not None and line.claim.window != "day":
        days = pace.elapsed.of - pace.elapsed.begun + 1
        a_day = format_about(pace.left_a_day_nano)
        more = "s" if days != 1 else ""
        said.append(say(f"{a_day} a day for {days} day{more}", f"あと {days} 日、1 日あたり {a_day}"))
    return say("; ", "、").join(said)


def _colour(line: Line) -> str:
    if line.level.share >= 1:
        return "red"
    return COLOURS[line.pace.word] if line.pace is not None else "green"


def _cells(share: float) -> int:
    """Of a bar; anything at all is one."""
    return max(round(share * CELLS), 1) if share > 0 else 0


def plain(line: Line) -> dict[str, Any]:
    """A budget for programs: amounts are USD as decimal text, exact; moments are UTC."""
    claim, level, pace = line.claim, line.level, line.pace
    return {
        "budget": claim.counter,
        "scope": line.kind,
        "name": line.title,
        "id": line.name,
        "window": claim.window,
        "timezone": claim.zone,
        "hard": claim.hard,
        "starts_at": _iso(claim.starts_at_ms) if claim.window != "total" else None,
        "ends_at": _iso(claim.ends_at_ms) if claim.window != "total" else None,
        "limit_usd": usd_decimal(claim.limit),
        "spent_usd": usd_decimal(level.spent),
        "reserved_usd": usd_decimal(level.reserved),
        "left_usd": usd_decimal(claim.limit - level.spent - level.reserved),
        "share": round(level.share, 6),
        "live": line.live,
        "unknown_price_calls": line.unknown,
        "pace": None if pace is None else _plain_pace(pace),
        "full_at": None if line.full_at_ms is None else _iso(line.full_at_ms),
        "actions": [_plain_action(one) for one in line.actions],
    }


def _plain_pace(pace: Pace) -> dict[str, Any]:
    return {
        "word": pace.word,
        "ratio": None if pace.ratio is None else round(pace.ratio, 6),
        "unit": pace.elapsed.unit,
        "begun": pace.elapsed.begun,
        "of": pace.elapsed.of,
        "expected_usd": usd_decimal(pace.expected_nano),
        "projected_usd": usd_decimal(pace.projected_nano),
        "left_a_day_usd": None if pace.left_a_day_nano is None else usd_decimal(pace.left_a_day_nano),
    }


def _plain_action(action: Action) -> dict[str, Any]:
    return {
        "kind": action.kind,
        "about": list(action.about),
        "amount_usd": None if action.amount_nano is None else usd_decimal(action.amount_nano),
        "saves_usd": None if action.saves_nano is None else usd_decimal(action.saves_nano),
        "words": words(action),
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds")

"""8. Is a budget spent too fast? What it should have come to by now, what it will come to, what is left for each day.

Pure: the moment is given. A month is counted in its days, of which it has 28 to 31, a week in days too, a day in hours,
an hour in minutes; a unit that has begun counts in full, as in "budget x day / 30".
"""

from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from tenbin.core.budget import WindowKind
from tenbin.core.money import NanoUSD
from tenbin.decide.budget import window_of

MINUTE_MS, HOUR_MS = 60_000, 3_600_000

CRITICAL, WARNING, UNDER_USED = 1.5, 1.2, 0.5
"""Pace (spent / expected) above which it is critical, above which it is a warning, below which it is under-used."""

Unit: TypeAlias = Literal["day", "hour", "minute"]

PaceWord: TypeAlias = Literal["critical", "warning", "on_track", "under_used", "too_early"]
"""``too_early``: in the first unit of a window little spending says nothing yet."""


class Elapsed(NamedTuple):
    """How far a window has come."""

    unit: Unit
    begun: int
    """Units that have begun, from 1: on the 15th of a month 15."""
    of: int
    """Units that the window has: 28 to 31 days, 7 days, 23 to 25 hours, 60 minutes."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a budget is being spent."""

    word: PaceWord
    ratio: float | None
    """Spent / expected; None where nothing may be spent at all."""
    expected_nano: NanoUSD
    """What it would have come to by the end of the present unit, spent evenly."""
    elapsed: Elapsed
    projected_nano: NanoUSD
    """What the window will come to at the present rate; never less than what is spent or set aside."""
    full_at_ms: int | None
    """UTC ms at which nothing will be left at that rate; None where something will be at the window's end."""
    left_nano: NanoUSD
    """Of the limit; less than 0 where a soft one was passed."""
    left_a_day_nano: NanoUSD | None
    """What may be spent on each day that is left, today counted whole: ``left`` shared out. None for an hour's."""


def elapsed(window: WindowKind, zone: str, starts_at_ms: int, ends_at_ms: int, now_ms: int) -> Elapsed:
    """How far a window (not ``total``) has come; a moment outside of it counts as its first or last."""
    now_ms = min(max(now_ms, starts_at_ms), ends_at_ms - 1)
    if window in ("week", "month"):
        first, today = _day(starts_at_ms, zone), _day(now_ms, zone)
        return Elapsed("day", today - first + 1, _day(ends_at_ms - 1, zone) - first + 1)
    unit: Unit
    unit, unit_ms = ("hour", HOUR_MS) if window == "day" else ("minute", MINUTE_MS)
    return Elapsed(unit, (now_ms - starts_at_ms) // unit_ms + 1, -(-(ends_at_ms - starts_at_ms) // unit_ms))


def pace(
    window: WindowKind,
    zone: str,
    now_ms: int,
    limit: NanoUSD,
    spent: NanoUSD,
    reserved: NanoUSD = 0,
) -> Pace | None:
    """The pace of the window around ``now_ms`` (UTC ms); None for ``total``, which has no end to be spread over.

    ``reserved`` is set aside for calls under way: it is gone for what is left, but not spent yet. Raises
    zoneinfo.ZoneInfoNotFoundError.
    """
    if window == "total":
        return None
    starts, ends = window_of(window, zone, now_ms)
    done = elapsed(window, zone, starts, ends, now_ms)
    ratio = spent * done.of / (limit * done.begun) if limit > 0 else None
    # The first unit is taken as over: a rate made of its first minutes would say anything.
    gone_ms = max(now_ms - starts, (ends - starts) // done.of)
    left = limit - spent - reserved
    days = {"month": done.of - done.begun + 1, "week": done.of - done.begun + 1, "day": 1}.get(window)
    return Pace(
        word=_word(ratio, spent, done),
        ratio=ratio,
        expected_nano=limit * done.begun // done.of,
        elapsed=done,
        projected_nano=max(spent * (ends - starts) // gone_ms, spent + reserved),
        full_at_ms=_full_at(left, spent, gone_ms, now_ms, ends),
        left_nano=left,
        left_a_day_nano=None if days is None else max(left, 0) // days,
    )


def _word(ratio: float | None, spent: NanoUSD, done: Elapsed) -> PaceWord:
    if ratio is None:
        return "critical" if spent > 0 else "on_track"
    if ratio > CRITICAL:
        return "critical"
    if ratio > WARNING:
        return "warning"
    if ratio < UNDER_USED:
        return "too_early" if done.begun == 1 else "under_used"
    return "on_track"


def _full_at(left: NanoUSD, spent: NanoUSD, gone_ms: int, now_ms: int, ends: int) -> int | None:
    if left <= 0:
        return now_ms
    if spent <= 0:
        return None
    at = now_ms + left * gone_ms // spent
    return at if at < ends else None


def _day(at_ms: int, zone: str) -> int:
    """The number of the day that a moment belongs to, as ``window_of`` cuts days."""
    last = window_of("day", zone, at_ms)[1] - 1
    return datetime.fromtimestamp(last // 1_000, ZoneInfo(zone)).toordinal()

"""Which alerts go out now, each by itself or together, and which wait: no I/O, no clock."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tenbin.config.alerts import AlertsConfig, QuietHours
from tenbin.core.alert import SEVERITIES, Language
from tenbin.execute.alerts.store import Held, Message

HOUR_MS = 3_600_000
MOST_LISTED = 20
"""Titles in a message that tells of several alerts."""
RETRY_MS = (10_000, 60_000, 300_000, 1_800_000)
"""Pauses after a try that has failed; then it is given up."""


class Plan(NamedTuple):
    """What happens with what is held."""

    messages: tuple[Message, ...]
    """To send now."""
    again_ms: int | None
    """UTC ms at which something that waits may go; None where nothing waits."""


def plan(held: Sequence[Held], made: Sequence[int], settings: AlertsConfig, now_ms: int) -> Plan:
    """``made``: when the messages of the last hour were made, UTC ms, the oldest first."""
    quiet_until = quiet_ends(settings.quiet, now_ms)
    may_go = [one for one in held if quiet_until is None or one.severity == "critical"]
    waits = quiet_until if len(may_go) < len(held) else None
    if not may_go:
        return Plan((), waits)
    # The worst goes first, where not all have room.
    may_go.sort(key=lambda one: (-SEVERITIES.index(one.severity), one.number))
    room = settings.per_hour - len(made)
    if room <= 0:
        return Plan((), _earlier(waits, made[len(made) - settings.per_hour] + HOUR_MS))
    if len(may_go) < room:
        return Plan(tuple(_single(one, settings.language) for one in may_go), waits)
    singles, rest = may_go[: room - 1], may_go[room - 1 :]
    messages = [_single(one, settings.language) for one in singles]
    ripe_ms = min(one.at_ms for one in rest) + int(settings.gather_minutes * 60_000)
    if ripe_ms <= now_ms:
        messages.append(_together(rest, settings.language))
        return Plan(tuple(messages), waits)
    return Plan(tuple(messages), _earlier(waits, ripe_ms))


def quiet_ends(quiet: QuietHours | None, now_ms: int) -> int | None:
    """UTC ms at which the quiet hours that it is in end; None outside of them."""
    if quiet is None:
        return None
    zone = ZoneInfo(quiet.timezone)
    here = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    time, begin, end = here.strftime("%H:%M"), quiet.begin, quiet.end
    inside = begin <= time < end if begin < end else time >= begin or time < end
    if not inside:
        return None
    hour, minute = map(int, end.split(":"))
    day = here.date() + timedelta(days=1) if time >= end else here.date()
    ends = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
    # Where a clock is put back or forward the end may seem past: a minute later it is looked again.
    return max(int(ends.timestamp() * 1000), now_ms + 60_000)


def _earlier(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _single(one: Held, language: Language) -> Message:
    return Message(one.severity, _title(one.severity, one.title, language), one.body, (one.number,))


def _together(held: Sequence[Held], language: Language) -> Message:
    if len(held) == 1:
        return _single(held[0], language)
    worst = held[0].severity
    count, more = f"{len(held):,}", len(held) - MOST_LISTED
    titles = "\n".join(f"- {one.title}" for one in held[:MOST_LISTED])
    if language == "ja":
        title = f"{count} 件の通知"
        body = f"1 時間の上限 (alerts.per_hour) に達したため、まとめてお知らせします。\n\n{titles}"
        body += f"\n…ほか {more:,} 件。" if more > 0 else ""
        body += "\n\n詳細: tenbin alerts list"
    else:
        title = f"{count} alerts together"
        body = f"The most messages in an hour (alerts.per_hour) is reached, so these come in one.\n\n{titles}"
        body += f"\n... and {more:,} more." if more > 0 else ""
        body += "\n\nAll that was told: tenbin alerts list"
    return Message(worst, _title(worst, title, language), body, tuple(one.number for one in held))


_SEVERITY_JA = {"info": "情報", "warning": "警告", "critical": "重大"}


def _title(severity: str, title: str, language: Language) -> str:
    return f"[Tenbin] {_SEVERITY_JA[severity] if language == 'ja' else severity}: {title}"

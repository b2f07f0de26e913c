"""How a person gives a time on the command line: from now on (`30d`, `12h`), a day, or a day and an hour."""

import re
from datetime import UTC, datetime

import click

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_SPAN = re.compile(r"(\d{1,6})([smhdw])")


def span_ms(text: str) -> int:
    """A length of time in milliseconds: ``90d``, ``12h``, ``30m``, ``0``. Raises BadParameter."""
    if text == "0":
        return 0
    found = _SPAN.fullmatch(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no length of time: write 30m, 12h, 90d or 4w.")
    return int(found[1]) * _UNITS[found[2]]


def moment_ms(text: str, now_ms: int) -> int | None:
    """A moment in UTC milliseconds: a length of time from now, ``now``, or ``2027-01-31`` (its beginning in UTC), also
    with a time and a zone; None for ``never``. Raises BadParameter.
    """
    if text == "never":
        return None
    if text == "now":
        return now_ms
    if _SPAN.fullmatch(text):
        return now_ms + span_ms(text)
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{text!r} is no time: write 90d, 2027-01-31, 2027-01-31T18:00+09:00, or never."
        ) from None


def shown_ms(at_ms: int | None) -> str:
    """A moment for people, in UTC to the minute; ``-`` for none."""
    return "-" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def iso_ms(at_ms: int | None) -> str | None:
    """A moment for programs, in UTC."""
    return None if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")

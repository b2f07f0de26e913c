"""What can be configured of alerts: who is told, of what, how often, when not."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tenbin.config.network import why_not
from tenbin.config.problem import KeyPath
from tenbin.config.section import OneOrMore, Seconds, Section
from tenbin.core.alert import AlertKind, Language, Severity

if TYPE_CHECKING:
    from tenbin.config.model import Config

TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["22:00"])]
PUBLIC_HOSTS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos"})
"""Schemes whose host is a host. With others it may be a token."""
ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


class QuietHours(Section, frozen=True):
    """When only critical alerts are sent; the others wait until it is over."""

    begin: TimeOfDay
    """Time of day, ``HH:MM``."""
    end: TimeOfDay
    """May be on the next day."""
    timezone: str = "UTC"
    """In which these are meant (IANA, as ``Asia/Tokyo``)."""


class AlertsConfig(Section, frozen=True):
    """Tells people of money and trouble, through the library apprise. Off unless somebody is to be told."""

    to: list[str] = []
    """Receivers as apprise writes them: ``slack://...``, ``mailto://...``, ``json://host/path`` (a webhook) and a
    hundred others. Write secrets as ``${NAME}``."""
    events: list[AlertKind] = msgspec.field(default_factory=lambda: list(get_args(AlertKind)))
    """Of what is told."""
    severity: Severity = "info"
    """The mildest that is told."""
    thresholds: list[Annotated[float, msgspec.Meta(gt=0)]] = msgspec.field(default_factory=lambda: [50.0, 80.0, 100.0])
    """Percent of a budget that are told of, each once in a window."""
    language: Language = "en"
    """Of the messages."""
    per_hour: OneOrMore = 20
    """Most messages to each receiver in any hour. What is beyond that goes together in the last one."""
    gather_minutes: Annotated[float, msgspec.Meta(ge=0)] = 10.0
    """How long the last message of an hour waits for more to tell."""
    quiet: QuietHours | None = None
    """When only critical alerts are sent. Default: never."""
    timeout_seconds: Seconds = 15.0
    """How long a receiver may take."""


def alert_mistakes(config: "Config") -> Iterator[tuple[KeyPath, str, str]]:
    """What no type can say: where, what is wrong, how to mend it. Never the address itself: it holds secrets."""
    for number, address in enumerate(config.alerts.to):
        if not ADDRESS.fullmatch(address):
            fix = "Write it as apprise does: slack://..., mailto://user:password@host, json://host/path."
            yield ("alerts", "to", number), "this is no address of a receiver", fix
            continue
        parts = urlsplit(address)
        why = why_not(parts.hostname or "", secure=True) if parts.scheme.lower() in PUBLIC_HOSTS else None
        if why is not None:
            yield ("alerts", "to", number), why.replace("model server", "receiver"), "Name the receiver's own server."
    quiet = config.alerts.quiet
    if quiet is not None:
        try:
            ZoneInfo(quiet.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            fix = "Write it as in Asia/Tokyo or Europe/Berlin."
            yield ("alerts", "quiet", "timezone"), f"{quiet.timezone!r} is no time zone", fix
        if quiet.begin == quiet.end:
            yield ("alerts", "quiet", "end"), "it ends when it begins", "Give it another end, or leave `quiet` out."

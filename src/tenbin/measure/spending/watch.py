"""8. Looks at spending now and then, for alerts: the pace of budgets, days and hours out of the usual."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from tenbin.core.alert import Alert
from tenbin.core.budget import Level
from tenbin.core.money import NanoUSD
from tenbin.decide.budget import HOUR_MS, window_of
from tenbin.execute.alerts import words
from tenbin.execute.clock import Clock
from tenbin.execute.spending.engine import Budgets
from tenbin.ledger.migrations import SchemaTooNew
from tenbin.ledger.spending import SpendingDimension, Spendings, spendings
from tenbin.measure.spending.anomalies import LEAST_NANO, Anomaly, Scope, anomalies, fast_hour
from tenbin.measure.spending.pace import pace

LOG = logging.getLogger("tenbin")

LOOK_MS = 600_000
"""How often it is looked; each thing is told once."""
FIRST_MS = 60_000
"""After a start."""
DAYS, HOURS = 36, 168
"""Days and hours before that the present ones are judged by."""
SCOPES: tuple[SpendingDimension, ...] = ("key", "route")
"""Whose spending is judged, beside everybody's."""
UNDER_USED_FROM = 0.5
"""Share of a window that must be over before it is told that little is used."""


class SpendingWatch:
    """The spending of one gateway."""

    def __init__(self, tell: Callable[[Alert], None], directory: Path, clock: Clock) -> None:
        self._tell = tell
        self._directory = directory
        self._clock = clock
        self._budgets: Budgets | None = None
        self._zone = "UTC"

    def configure(self, budgets: Budgets | None, zone: str) -> None:
        """``zone``: in which days begin."""
        self._budgets, self._zone = budgets, zone

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        await self._clock.pause(FIRST_MS)
        while True:
            try:
                await self.look()
            except (OSError, SchemaTooNew, sqlite3.Error) as error:
                LOG.warning("Spending cannot be judged just now: %s", error)
            except Exception:
                LOG.exception("spending could not be judged")
            await self._clock.pause(LOOK_MS)

    async def look(self) -> None:
        """Look once."""
        now_ms = self._clock.now_ms()
        if self._budgets is not None:
            for alert in paces(self._budgets.all_levels((), now_ms), now_ms):
                self._tell(alert)
        for alert in await asyncio.to_thread(unusual, self._directory, self._zone, now_ms):
            self._tell(alert)


def paces(levels: Sequence[Level], now_ms: int) -> list[Alert]:
    """Budgets that are spent too fast, or hardly used. Nothing of hours, nor in the first day or hour of a window."""
    found = []
    for claim, spent, reserved in levels:
        if claim.window in ("hour", "total") or claim.limit <= 0:
            continue
        known = pace(claim.window, claim.zone, now_ms, claim.limit, spent, reserved)
        if known is None or known.elapsed.begun < 2:
            continue
        word = known.word
        if word == "on_track" or word == "too_early":
            continue
        if word == "under_used" and known.elapsed.begun < UNDER_USED_FROM * known.elapsed.of:
            continue
        found.append(words.pace(claim, word, known.ratio, spent, known.projected_nano, now_ms))
    return found


def unusual(directory: Path, zone: str, now_ms: int) -> list[Alert]:
    """Days (today so far, and yesterday) and hours (the present one so far, and the last) out of the usual. Raises
    SchemaTooNew, sqlite3.Error.
    """
    days = _days(zone, now_ms)
    hour = now_ms - now_ms % HOUR_MS
    hours = [hour - back * HOUR_MS for back in range(HOURS, -1, -1)]
    try:
        with spendings(directory) as known:
            by_day, by_hour = _series(known, [*days, now_ms + 1]), _series(known, [*hours, now_ms + 1])
    except FileNotFoundError:
        return []
    found = [_told(one, zone, now_ms) for one in anomalies(by_day, days, judge=2, least=LEAST_NANO)]
    for (kind, name), amounts in by_hour.items():
        for place in (len(amounts) - 1, len(amounts)):
            one = fast_hour(amounts[:place], hours[place - 1], kind, name)
            if one is not None:
                found.append(_told(one, zone, now_ms, hour=True))
    return found


def _series(known: Spendings, bounds: Sequence[int]) -> dict[tuple[Scope, str], list[NanoUSD]]:
    found: dict[tuple[Scope, str], list[NanoUSD]] = {("global", ""): known.series(bounds).get((), [])}
    for scope in SCOPES:
        for (name,), amounts in known.series(bounds, (scope,)).items():
            if name:
                found["key" if scope == "key" else "route", name] = amounts
    return {whose: amounts for whose, amounts in found.items() if amounts}


def _days(zone: str, now_ms: int) -> list[int]:
    """UTC ms at which the last days began, today's last."""
    starts = [window_of("day", zone, now_ms)[0]]
    while len(starts) <= DAYS:
        starts.append(window_of("day", zone, starts[-1] - 1)[0])
    return starts[::-1]


def _told(one: Anomaly, zone: str, now_ms: int, *, hour: bool = False) -> Alert:
    began = datetime.fromtimestamp(one.at_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    when = f"{began:%Y-%m-%d}"
    if hour:
        when = f"{began:%Y-%m-%d %H:%M}-{began + timedelta(hours=1):%H:%M} {zone}"
    whose = f"{one.kind}:{one.name}" if one.name else one.kind
    threshold = min((judged.threshold_nano for judged in one.told), default=0)
    severity = "warning" if one.within_trend else one.severity
    return words.spike(whose, when, one.spent_nano, threshold, severity, now_ms)

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
from tenbin.execute.alerts import words
from tenbin.execute.clock import Clock
from tenbin.execute.spending.engine import Budgets
from tenbin.ledger.migrations import SchemaTooNew
from tenbin.ledger.spending import SpendingDimension, spendings
from tenbin.measure.spending.anomalies import LEAST_NANO, Anomaly
from tenbin.measure.spending.pace import pace
from tenbin.measure.spending.unusual import found_in

LOG = logging.getLogger("tenbin")

LOOK_MS = 600_000
"""How often it is looked; each thing is told once."""
FIRST_MS = 60_000
"""After a start."""
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
        if word == "under_used" and claim.window == "day":
            continue  # a day is not spent evenly, and each key's would be told of each day
        if word == "under_used" and known.elapsed.begun < UNDER_USED_FROM * known.elapsed.of:
            continue
        found.append(words.pace(claim, word, known.ratio, spent, known.projected_nano, now_ms))
    return found


def unusual(directory: Path, zone: str, now_ms: int) -> list[Alert]:
    """Days (yesterday, and today so far) and the last hour out of the usual. Raises SchemaTooNew, sqlite3.Error."""
    try:
        with spendings(directory) as spent:
            found = found_in(spent, now_ms, zone, judge=2, by=SCOPES, least=LEAST_NANO)
    except FileNotFoundError:
        return []
    return [_told(one, zone, now_ms) for one in found.all]


def _told(one: Anomaly, zone: str, now_ms: int) -> Alert:
    began = datetime.fromtimestamp(one.at_ms / 1000, UTC).astimezone(ZoneInfo(zone))
    day = when = f"{began:%Y-%m-%d}"
    if any(judged.rule == "hour" for judged in one.told):
        when = f"{day} {began:%H:%M}-{began + timedelta(hours=1):%H:%M} {zone}"
        day += "/hour"  # the last hour is another one every quarter: one of a day is told
    whose = f"{one.kind}:{one.name}" if one.name else one.kind
    threshold = min((judged.threshold_nano for judged in one.told), default=0)
    severity = "warning" if one.within_trend else one.severity
    return words.spike(whose, when, one.spent_nano, threshold, severity, now_ms, of=day)

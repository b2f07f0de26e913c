"""Wires what stops spending that has run away, and who is told of it: the breaker, the alerts, what they look at."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence

from tenbin.config.alerts import AlertsConfig
from tenbin.config.breaker import BreakerConfig
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError
from tenbin.decide.breaker import DAY, MINUTE_MS
from tenbin.execute.alerts.desk import AlertDesk
from tenbin.execute.alerts.receivers import CannotSend, Receiver, receivers
from tenbin.execute.alerts.watching import Watch
from tenbin.execute.breaker import Breaker
from tenbin.execute.clock import Clock, start_task
from tenbin.execute.spending.engine import Budgets
from tenbin.execute.targets import TargetNow
from tenbin.ledger.accounts.digest import AccountsUnusable
from tenbin.ledger.accounts.log import By
from tenbin.ledger.accounts.schema import DATABASE as ACCOUNTS
from tenbin.ledger.accounts.store import Accounts
from tenbin.ledger.book import Book
from tenbin.ledger.migrations import SchemaTooNew
from tenbin.ledger.queries import spending_since
from tenbin.ledger.segments import DATABASE
from tenbin.measure.spending.watch import SpendingWatch

LOG = logging.getLogger("tenbin")

FLUSH_SECONDS = 2.0
"""How long is waited for the database to hold all that is settled."""
LONGEST_MS = 2 * 3_600_000
"""A request that had begun so long before may still have ended within the day."""


class AlarmParts:
    """The breaker and the alerts of one gateway; each made when it is first configured, and kept from then on."""

    def __init__(self, book: Book, clock: Clock, targets: Callable[[], Sequence[TargetNow]]) -> None:
        self._book = book
        self._clock = clock
        self._targets = targets
        self._breaker: Breaker | None = None
        self._breaker_on = False
        self._desk: AlertDesk | None = None
        self._watch: Watch | None = None
        self._spending: SpendingWatch | None = None
        self._budgets: Budgets | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @staticmethod
    def receivers(settings: AlertsConfig) -> list[Receiver]:
        """Those that are to be told. Raises ConfigError where one cannot be."""
        try:
            return receivers(settings.to, settings.timeout_seconds)
        except CannotSend as error:
            raise ConfigError.of(f"alerts.to[{error.number}]", error.message, error.fix) from error

    def apply(self, config: Config, to: list[Receiver], budgets: Budgets | None) -> Breaker | None:
        """Put a configuration in force, ``to`` being its receivers; the breaker, where it has any rule."""
        self._apply_alerts(config.alerts, to)
        breaker = self._apply_breaker(config.spending.breaker)
        if self._desk is not None and self._watch is not None and self._spending is not None:
            self._spending.configure(budgets, config.spending.timezone)
            if budgets is not None and budgets is not self._budgets:
                self._budgets = budgets
                budgets.listeners.append(self._watch.levels)
                budgets.denials.append(self._watch.denied)
            if self._breaker is not None and self._watch.breaker not in self._breaker.listeners:
                self._breaker.listeners.append(self._watch.breaker)
        return breaker

    # -- the breaker

    def _apply_breaker(self, settings: BreakerConfig) -> Breaker | None:
        if not settings.on:
            if self._breaker is not None and self._breaker_on:
                self._breaker.configure(BreakerConfig(), (), self._clock.now_ms())
            self._breaker_on = False
            return None
        if self._breaker is None:
            self._breaker = Breaker(settings, self._book.directory)
            self._fold(self._breaker, settings)
            self._book.subscribe(self._breaker.add)
        elif settings != self._breaker.settings or not self._breaker_on:
            self._fold(self._breaker, settings)
        self._breaker_on = True
        return self._breaker

    def _fold(self, breaker: Breaker, settings: BreakerConfig) -> None:
        """Begin with what the ledger knows of the last day."""
        now_ms = self._clock.now_ms()
        try:
            if not self._book.flush(FLUSH_SECONDS):
                raise OSError("the ledger's database does not take the receipts")
            history = spending_since(self._book.directory / DATABASE, now_ms - DAY * MINUTE_MS - LONGEST_MS)
            breaker.configure(settings, history, now_ms)
        except (OSError, SchemaTooNew, sqlite3.Error) as error:
            LOG.warning("The breaker begins without knowing what was spent in the last day: %s", error)
            breaker.configure(settings, (), now_ms)

    async def reset(self, key: str | None, by: By) -> tuple[str, ...]:
        """A person closes the breaker, for a key (its id) or wholly; the store of keys has a line of it in its log,
        where there is one. Returns the scopes that were not closed.
        """
        breaker, now_ms = self._breaker, self._clock.now_ms()
        if breaker is None:
            return ()
        closed = breaker.reset(key, now_ms)
        await asyncio.to_thread(self._log, key, closed, by, now_ms)
        return closed

    def _log(self, key: str | None, closed: tuple[str, ...], by: By, now_ms: int) -> None:
        directory = self._book.directory
        if not (directory / ACCOUNTS).exists():
            return
        try:
            with Accounts(directory, b"") as accounts:
                details = {"scope": key or "everything", "closed": [scope or "all keys" for scope in closed]}
                accounts.note(by, "reset", "breaker", details, now_ms)
        except (AccountsUnusable, SchemaTooNew, sqlite3.Error, OSError) as error:
            LOG.warning("That %s reset the breaker could not be written into the audit log: %s", by.who, error)

    # -- alerts

    @property
    def desk(self) -> AlertDesk | None:
        """Where alerts are handed in; None as long as nobody was ever to be told."""
        return self._desk

    def _apply_alerts(self, settings: AlertsConfig, to: list[Receiver]) -> None:
        if self._desk is not None:
            self._desk.configure(settings, to)
        elif to:
            self._desk = AlertDesk(self._book.directory, self._clock)
            self._desk.configure(settings, to)
            self._watch = Watch(self._desk, self._clock, self._targets)
            self._spending = SpendingWatch(self._desk.tell, self._book.directory, self._clock)
            self._book.subscribe(self._watch.settled)
            self._begin()

    def _begin(self) -> None:
        """Begin what goes on in the background, if there is a loop yet; else ``start`` does."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        self.start()

    def start(self) -> None:
        """Begin what goes on in the background. To be called in the event loop."""
        if self._tasks or self._desk is None or self._watch is None or self._spending is None:
            return
        self._tasks = [
            start_task(self._desk.run(), name="alerts"),
            start_task(self._watch.run(), name="alerts: targets"),
            start_task(self._spending.run(), name="alerts: spending"),
        ]

    async def close(self) -> None:
        """End what goes on in the background; what is not told yet is told after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def gauges(self) -> dict[str, tuple[str, float]]:
        """For metrics: name -> (help, value)."""
        found: dict[str, tuple[str, float]] = {}
        if self._breaker is not None and self._breaker_on:
            scopes = self._breaker.open_scopes
            found |= {
                "tenbin_breaker_open": ("1 while spending of all keys together is stopped.", float("" in scopes)),
                "tenbin_breaker_open_keys": ("Keys that are stopped by themselves.", len(scopes) - ("" in scopes)),
                "tenbin_breaker_refused_requests": ("Requests that the breaker has refused.", self._breaker.refused),
            }
        if self._desk is not None:
            counts = self._desk.counts()
            found |= {
                "tenbin_alerts_sent": ("Messages sent, once for each receiver.", counts.sent),
                "tenbin_alerts_failed": ("Messages given up after the last try.", counts.failed),
                "tenbin_alerts_retried": ("Tries that failed and were or are made again.", counts.retried),
                "tenbin_alerts_held": ("Alerts that stand in no message yet.", counts.held),
                "tenbin_alerts_repeated": ("Alerts that had been told before.", counts.repeated),
                "tenbin_alerts_dropped": ("Alerts that came too many at once to be kept.", counts.dropped),
            }
        return found

"""Wires what holds spending within its budgets: the store that counts it, the ledger's sums, and the configuration."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Mapping

from tenbin.config.model import Config
from tenbin.config.problem import ConfigError
from tenbin.config.spending_check import budgets_of
from tenbin.core.budget import Claim, SpendingUnavailable
from tenbin.core.money import NanoUSD
from tenbin.decide.budget import route_of
from tenbin.execute.clock import Clock, start_task
from tenbin.execute.spending.engine import Budgets
from tenbin.execute.spending.opening import CannotOpen, open_spending
from tenbin.execute.spending.shared import SharedSpending
from tenbin.execute.spending.tally import Tally, counted
from tenbin.ledger.accounts.known import KnownKeys
from tenbin.ledger.book import Book
from tenbin.ledger.migrations import SchemaTooNew
from tenbin.ledger.prices import PriceBook
from tenbin.ledger.queries import reading, receipt
from tenbin.ledger.segments import DATABASE
from tenbin.ledger.spending import spendings

LOG = logging.getLogger("tenbin")

FLUSH_SECONDS = 10
"""How long is waited for the database to hold all that is settled, before it is asked what was spent."""
ALWAYS_MS = 1 << 60
TAKE_UP_AGAIN_MS = 1_000
"""Between two attempts to ask a store that cannot be reached what an earlier process has left in it, at first."""


class SpendingParts:
    """The budgets of one gateway; made when somebody may be counted by one, and kept from then on."""

    def __init__(self, book: Book, prices: PriceBook, accounts: KnownKeys, clock: Clock) -> None:
        self._book = book
        self._prices = prices
        self._accounts = accounts
        self._clock = clock
        self.budgets: Budgets | None = None
        self._taking_up: asyncio.Task[None] | None = None

    def apply(self, config: Config) -> Budgets | None:
        """The budgets under a configuration; None where nobody can have one. Raises ConfigError."""
        spending = config.spending
        # Keys of the store may have budgets of their own, from one moment to the next; a store that outlives us
        # may hold sums of budgets that will be in force again: it is told of what is spent meanwhile.
        wanted = spending.budgets or self._accounts.required or spending.store != "memory"
        if self.budgets is None and wanted:
            self.budgets = self._made(config)
            self._book.subscribe(self.budgets.settled)
        if self.budgets is None:
            return None
        try:
            self.budgets.configure(
                budgets_of(spending),
                zone=spending.timezone,
                when_unreachable=spending.when_unreachable,
                call_seconds=config.timeouts.connect + config.timeouts.total,
            )
        except (OSError, SchemaTooNew, sqlite3.Error) as error:
            message = f"what was spent so far cannot be read from the ledger ({error})"
            raise ConfigError.of("spending.budgets", message, "Run `tenbin doctor`.") from error
        with contextlib.suppress(RuntimeError):  # no loop runs yet
            asyncio.get_running_loop()
            self.begin()
        return self.budgets

    async def close(self) -> None:
        """Tell a shared store what is still to be told."""
        if self._taking_up is not None:
            self._taking_up.cancel()
        if self.budgets is not None:
            await self.budgets.store.close()

    def _made(self, config: Config) -> Budgets:
        def spent_before(claim: Claim) -> NanoUSD:
            return budgets.spent_before(claim)

        try:
            store = open_spending(
                config.spending.store, self._book.directory, clock=self._clock, seed=spent_before, tell=LOG.warning
            )
        except CannotOpen as error:
            raise ConfigError.of("spending.store", str(error), "docs/budget-stores.md says what it needs.") from error
        budgets = Budgets(store, self._prices, Tally(self._spent_since), self._clock.now_ms)
        return budgets

    def begin(self) -> None:
        """Called in the event loop, as soon as there is one: look at what an earlier process has left in the store."""
        store = self.budgets.store if self.budgets is not None else None
        if isinstance(store, SharedSpending) and self._taking_up is None:
            self._taking_up = start_task(self._take_up(store), name="reservations of an earlier process")

    async def _take_up(self, store: SharedSpending) -> None:
        """Settle what an earlier process of this gateway has set aside and could not settle any more. What the ledger
        knows nothing of counts in full until its deadline: nobody can tell whether the call was made.
        """
        try:
            left = await self._left_behind(store)
            if not left:
                return
            costs = await asyncio.to_thread(self._costs, {one.partition(":")[0] for one in left})
        except (OSError, SchemaTooNew, sqlite3.Error) as error:
            LOG.warning("What an earlier process has set aside stays so until it lapses: %s", error)
            return
        for reservation in sorted(left):
            request_id, _, number = reservation.partition(":")
            of_number = costs.get(request_id, {}).get(number.partition(".")[0])
            if of_number:
                store.settle(reservation, of_number.pop(0))

    async def _left_behind(self, store: SharedSpending) -> tuple[str, ...]:
        """The reservations of an earlier process, as soon as the store can be asked for them."""
        pause_ms = TAKE_UP_AGAIN_MS
        while True:
            try:
                return await store.unsettled()
            except SpendingUnavailable as error:
                if pause_ms == TAKE_UP_AGAIN_MS:
                    LOG.warning(
                        "What an earlier process has set aside stays so until its store can be asked: %s", error
                    )
                await self._clock.pause(pause_ms)
                pause_ms = min(2 * pause_ms, 60 * TAKE_UP_AGAIN_MS)

    def _costs(self, request_ids: set[str]) -> dict[str, dict[str, list[NanoUSD]]]:
        """What budgets count for the attempts of requests, by their numbers."""
        if not self._book.flush(FLUSH_SECONDS):
            raise OSError("the ledger's database does not take the receipts")
        found: dict[str, dict[str, list[NanoUSD]]] = {}
        with reading(self._book.directory / DATABASE) as database:
            for request_id in request_ids:
                known = receipt(database, request_id)
                for attempt in known.attempts if known is not None else ():
                    found.setdefault(request_id, {}).setdefault(str(attempt.number), []).append(counted(attempt))
        return found

    def _spent_since(self, start_ms: int) -> Mapping[str, NanoUSD]:
        """What calls that began since then have cost, by whose they were, to the last one settled."""
        if not self._book.flush(FLUSH_SECONDS):
            raise OSError("its database does not take the receipts")
        sums: dict[str, NanoUSD] = {}
        try:
            with spendings(self._book.directory) as known:
                found = known.spent(start_ms, ALWAYS_MS, ("key", "team", "user", "route", "model"))
        except FileNotFoundError:
            return sums
        for one in found:
            for kind, name in zip(("global", "key", "team", "user", "route", "model"), ("", *one.by), strict=True):
                if name or kind == "global":
                    named = route_of(name) if kind == "route" else name
                    whose = f"{kind}:{named}" if named else kind
                    sums[whose] = sums.get(whose, 0) + one.spent_nano
        return sums

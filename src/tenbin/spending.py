"""Wires what holds spending within its budgets: the store that counts it, the ledger's sums, and the configuration."""

import logging
import sqlite3
from collections.abc import Mapping

from tenbin.config.model import Config
from tenbin.config.problem import ConfigError
from tenbin.config.spending_check import budgets_of
from tenbin.core.budget import Claim, Spending
from tenbin.core.money import NanoUSD
from tenbin.execute.clock import Clock
from tenbin.execute.spending.engine import Budgets
from tenbin.execute.spending.memory import MemorySpending
from tenbin.execute.spending.tally import Tally
from tenbin.ledger.accounts.known import KnownKeys
from tenbin.ledger.book import Book
from tenbin.ledger.migrations import SchemaTooNew
from tenbin.ledger.prices import PriceBook
from tenbin.ledger.spending import spendings

LOG = logging.getLogger("tenbin")

FLUSH_SECONDS = 10
"""How long is waited for the database to hold all that is settled, before it is asked what was spent."""
ALWAYS_MS = 1 << 60


class SpendingParts:
    """The budgets of one gateway; made when somebody may be counted by one, and kept from then on."""

    def __init__(self, book: Book, prices: PriceBook, accounts: KnownKeys, clock: Clock) -> None:
        self._book = book
        self._prices = prices
        self._accounts = accounts
        self._clock = clock
        self.budgets: Budgets | None = None

    def apply(self, config: Config) -> Budgets | None:
        """The budgets under a configuration; None where nobody can have one. Raises ConfigError."""
        spending = config.spending
        # Keys of the store may have budgets of their own, from one moment to the next.
        if self.budgets is None and (spending.budgets or self._accounts.required):
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
        return self.budgets

    async def close(self) -> None:
        """Tell a shared store what is still to be told."""
        if self.budgets is not None:
            await self.budgets.store.close()

    def _made(self, config: Config) -> Budgets:
        tally = Tally(self._spent_since)
        store: Spending = MemorySpending(lambda claim: budgets.spent_before(claim))
        budgets = Budgets(store, self._prices, tally, self._clock.now_ms)
        return budgets

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
                    whose = f"{kind}:{name}" if name else kind
                    sums[whose] = sums.get(whose, 0) + one.spent_nano
        return sums


def seed(budgets: Budgets, claims: tuple[Claim, ...]) -> Mapping[str, NanoUSD]:
    """What this gateway has spent on each claim, by counter, for a store that several share."""
    return {claim.counter: budgets.spent_before(claim) for claim in claims}

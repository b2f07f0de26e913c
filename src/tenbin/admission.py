"""Wires what a request has to pass before it is served: the caller's plan and what counts it. Made when the first of
them is configured, so that a gateway without any pays for none.
"""

import logging
from functools import partial

from tenbin.api.admission import Admission, Checkpoint, LimitsCheckpoint
from tenbin.api.breaker import BreakerCheckpoint
from tenbin.api.landing import LandingCheckpoint
from tenbin.config.landing import landing_of
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError
from tenbin.core.ask import Caller
from tenbin.decide.limits import COUNTED, plans_in_force
from tenbin.decide.policy import Policy
from tenbin.execute.breaker import Breaker
from tenbin.execute.clock import Clock
from tenbin.execute.landing import SoftLanding
from tenbin.execute.limits.counters import Counters, Known, MemoryCounters, UseUnknown
from tenbin.execute.limits.engine import Limits
from tenbin.execute.world import World
from tenbin.ledger.accounts.known import KnownKeys
from tenbin.ledger.book import Book
from tenbin.ledger.day_use import DayUse, LedgerSilent
from tenbin.ledger.segments import DATABASE

LOG = logging.getLogger("tenbin")

FLUSH_SECONDS = 5.0
"""How long is waited for the database to hold all that is settled."""


def day_of_ledger(day: DayUse) -> Known:
    """The ledger's word, in the words of who counts."""

    def known(key_id: str, since_ms: int) -> tuple[int, int]:
        try:
            return day(key_id, since_ms)
        except LedgerSilent as silent:
            LOG.error("What the key %s has used today cannot be read from the ledger: %s", key_id, silent)
            raise UseUnknown("the gateway's ledger cannot be read") from silent

    return known


class AdmissionParts:
    """The checkpoints of one gateway."""

    def __init__(self, book: Book, accounts: KnownKeys, clock: Clock) -> None:
        self._book = book
        self._accounts = accounts
        self._clock = clock
        self.limits: Limits | None = None
        self.landing: SoftLanding | None = None

    def apply(self, config: Config, policy: Policy, breaker: Breaker | None = None) -> Admission | None:
        """The checkpoints under a configuration; None where there is none."""
        limits = self._limits(config, policy)
        before: tuple[Checkpoint, ...] = () if breaker is None else (BreakerCheckpoint(breaker, self._clock),)
        if limits is not None:
            before += (LimitsCheckpoint(limits),)
            limits.factor = self._left
        checkpoints = before if self.landing is None else (*before, LandingCheckpoint(self.landing, self._clock))
        return Admission(checkpoints, self._book, lambda: policy.hash) if checkpoints else None

    def landed(self, config: Config, world: World) -> SoftLanding | None:
        """What is done with less as budgets empty, where there are any: clients are told of them in any case."""
        settings, budgets = landing_of(config.spending.landing), world.budgets
        if budgets is None:
            self.landing = None
        elif self.landing is None:
            self.landing = SoftLanding(settings, world, budgets)
        else:
            self.landing.configure(settings, world, budgets)
        return self.landing

    def _left(self, caller: Caller) -> float:
        """Share of a caller's limits of the day that a landing leaves to it."""
        return 1.0 if self.landing is None else self.landing.user_limits(caller, self._clock.now_ms())

    def _limits(self, config: Config, policy: Policy) -> Limits | None:
        """Keys of the store may get a plan from one moment to the next: with any key there, plans count."""
        plans = config.plans
        if self.limits is None and (plans.default or plans.keys or self._accounts.required):
            day = DayUse(self._book.directory / DATABASE, partial(self._book.flush, FLUSH_SECONDS), COUNTED)
            counters: Counters = MemoryCounters(self._clock, day_of_ledger(day), day.moved)
            if plans.store != "memory":
                counters = self._shared(plans.store)
            self.limits = Limits(counters, self._clock, day.moved)
            self._book.subscribe(self.limits.settle)
        if self.limits is not None:
            self.limits.configure(plans, plans_in_force(plans, policy))
        return self.limits

    def _shared(self, address: str) -> Counters:
        """Counters in Redis. Raises ConfigError."""
        # Imported here: most gateways count for themselves.
        from tenbin.execute.cache.redis_connection import RedisMissing
        from tenbin.execute.limits.redis import RedisCounters

        try:
            return RedisCounters(address, self._clock, LOG.warning)
        except (RedisMissing, ValueError) as error:
            raise ConfigError.of("plans.store", str(error), "docs/plans.md says what it needs.") from error

    async def close(self) -> None:
        """Let go of shared counters."""
        if self.limits is not None:
            await self.limits.counters.close()

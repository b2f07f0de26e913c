"""6. What an exchange works with: the parts that app.py wires, each stated as what is needed of it."""

import asyncio
import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tenbin.codecs.dialect import Dialect
from tenbin.config.model import Timeouts
from tenbin.core.account import Account
from tenbin.core.ask import Ask
from tenbin.core.facts import UNKNOWN_STANDINGS, Facts
from tenbin.core.landing import Effects, Landing
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.target import DialectName, Target
from tenbin.core.usage import NOTHING, Usage
from tenbin.decide.landing import landed
from tenbin.decide.policy import Policy
from tenbin.decide.restriction import restricted
from tenbin.execute.cache.cache import Cache
from tenbin.execute.clock import Clock
from tenbin.execute.flight_recorder import FlightRecorder
from tenbin.execute.hearing import listening
from tenbin.execute.pacing import Lane
from tenbin.execute.prompt_caching import PromptCaching
from tenbin.execute.sensing import Senses
from tenbin.execute.targets import TargetMemory
from tenbin.execute.upstream.address import Reach
from tenbin.execute.upstream.client import UpstreamClient

if TYPE_CHECKING:
    from tenbin.execute.breaker import Breaker
    from tenbin.execute.experiment import Trial
    from tenbin.execute.hedging import Hedging
    from tenbin.execute.keep_alive import KeepAlive
    from tenbin.execute.landing import SoftLanding
    from tenbin.execute.shadow import ShadowEvaluation
    from tenbin.execute.spending.engine import Budgets


Rules: TypeAlias = tuple[tuple[str, ...] | None, ...]
"""Of a key: names that it may ask for, targets and tiers that may answer it."""

MOST_RULES = 1_000
"""Different sets of keys' rules whose policies are kept ready."""

MOST_LANDINGS = 64
"""Of one world: different states of landing whose policies are kept ready."""


class Book(Protocol):
    """What execution needs of the ledger. Nothing here blocks or raises."""

    def open(
        self,
        ask: Ask,
        target: Target,
        *,
        number: int,
        dialect: str,
        started_at_ms: int,
        input_tokens: int,
        route: str,
        policy: str,
        attempts: tuple[Attempt, ...] = (),
        reserved_nano: int | None = None,
    ) -> None:
        """Write down that a provider is about to be called; ``attempts`` are those that have ended already.

        ``number`` counts from 1; 0 is a judge's. ``reserved_nano``: what budgets have set aside for the call.
        """
        ...

    def progress(self, request_id: str, number: int, output_bytes: int, usage: Usage = NOTHING) -> None:
        """Write down how far a long answer has come: bytes of its words, and what was stated of its usage."""
        ...

    def settle(self, receipt: Receipt) -> Receipt:
        """Price the receipt and write it down, once; returns it with its costs."""
        ...


class Client(Protocol):
    """The client's side of the connection."""

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Send the head of a streamed answer."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a piece of the body; waits while the client is slow."""
        ...

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece."""
        ...

    async def respond(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Send a whole answer."""
        ...


class Starting(Protocol):
    """A provider that Tenbin itself starts."""

    @property
    def ready(self) -> bool:
        """True once it answers."""
        ...

    async def wait_ready(self) -> None:
        """Return when it does. It may never."""
        ...


class World:
    """Everything around one configuration; a reload makes another one that shares what must go on."""

    breaker: "Breaker | None" = None
    """What stops all calls when spending has run away; None where nothing does."""
    budgets: "Budgets | None" = None
    """What sets money aside before each call; None where no budget counts anybody."""
    landing: "SoftLanding | None" = None
    """What is done with less as budgets empty; None where no budget counts anybody."""
    trial: "Trial | None" = None
    """The experiment in force: which requests are carried out under another policy."""
    hedging: "Hedging | None" = None
    """What is known of slow targets, and what hedged requests may cost; None where nobody is asked twice."""
    shadow: "ShadowEvaluation | None" = None
    """What has cheap answers given again by the strongest model; None where none are."""
    keep_alive: "KeepAlive | None" = None
    """What keeps silent conversations' prompts warm; None where nothing is spent on it."""

    def __init__(
        self,
        *,
        policy: Policy,
        reaches: Mapping[str, Reach],
        timeouts: Timeouts,
        ping_seconds: float,
        book: Book,
        clock: Clock,
        upstream: UpstreamClient,
        dialects: Callable[[DialectName], Dialect],
        targets: TargetMemory,
        late: set[asyncio.Task[None]],
        own: Mapping[str, Starting] | None = None,
        senses: Senses | None = None,
        lanes: Mapping[str, Lane] | None = None,
        prompt_caching: PromptCaching | None = None,
        recorder: FlightRecorder | None = None,
        cache: Cache | None = None,
    ) -> None:
        self.policy = policy
        self.reaches = reaches
        """By provider name."""
        self.timeouts, self.ping_seconds = timeouts, ping_seconds
        self.book = book
        self.clock = clock
        self.upstream = upstream
        self.dialects = dialects
        self.health = targets.health
        """By target name; folded after each attempt."""
        self.exhausted = targets.exhausted
        """By pool of a rate limit: UTC ms until which nothing is left of it."""
        self._targets = targets
        self._within: dict[Rules, World] = {}
        self._landed: dict[tuple[Effects, int], World] = {}
        self.listening = listening(policy)
        """What is said of signals; None where nobody looks for any."""
        self.standings = targets if policy.cooldown.order_by_health else None
        """How each target does; None where nothing is decided by it."""
        self.lanes: Mapping[str, Lane] = lanes or {}
        """By provider name, of those that have limits of their own."""
        self.late = late
        """Settlements that wait for an estimate in another thread; awaited before the ledger closes."""
        self.own: Mapping[str, Starting] = own or {}
        """By provider name, those that Tenbin itself starts: a request that needs one waits for it for a while."""
        self.senses = senses or Senses()
        self.cache = cache
        """The response cache; None where it is switched off."""
        self.recorder = recorder
        """What looks on while prompt caches are used; None where nothing is recorded."""
        self.prompt_caching = prompt_caching
        """What places marks for providers' prompt caches; None where none are placed."""

    def under(self, policy: Policy) -> "World":
        """The same world under another policy."""
        other = copy.copy(self)
        other.policy, other.listening = policy, listening(policy)
        other._within, other._landed = {}, {}
        other.standings = self._targets if policy.cooldown.order_by_health else None
        return other

    def within(self, account: Account) -> "World":
        """The same world for a key that may not use every model; nobody else sees its prompts to compare answers."""
        rules = (account.models, account.targets, account.tiers, account.plan_targets)
        found = self._within.get(rules)
        if found is None:
            if len(self._within) >= MOST_RULES:
                self._within.clear()
            found = self._within[rules] = self.under(restricted(self.policy, account))
            found.shadow = None
        return found

    def landed(self, landing: Landing) -> "World":
        """The same world for a request of a caller whose budget is nearly spent."""
        key = (landing.effects, landing.until_ms)
        found = self._landed.get(key)
        if found is None:
            if len(self._landed) >= MOST_LANDINGS:
                self._landed.clear()
            known = self.senses.known
            price = known().price if known is not None else None
            done = landing.effects
            found = self._landed[key] = self.under(landed(self.policy, done, price, self.clock.now_ms()))
            if done.no_background:
                found.shadow = found.hedging = found.keep_alive = None
        return found

    def left_ms(self, ask: Ask) -> int | None:
        """How long the client will still wait; None where it has not said."""
        return None if ask.patience_ms is None else ask.arrived_at_ms + ask.patience_ms - self.clock.now_ms()

    def facts(self, ask: Ask) -> Facts:
        """What a decision about ``ask`` may know."""
        standings = self.standings
        hedging = self.hedging
        if hedging is not None:
            return Facts(
                now_ms=ask.arrived_at_ms,
                draw=self.clock.draw(),
                health=self.health,
                standings=standings.known if standings is not None else UNKNOWN_STANDINGS,
                exhausted=self.exhausted,
                deadline_ms=None if ask.patience_ms is None else ask.arrived_at_ms + ask.patience_ms,
                hedges=hedging.affords_one(),
                slow_ms=hedging.slow_ms,
            )
        return Facts(
            now_ms=ask.arrived_at_ms,
            draw=self.clock.draw(),
            health=self.health,
            standings=standings.known if standings is not None else UNKNOWN_STANDINGS,
            exhausted=self.exhausted,
            deadline_ms=None if ask.patience_ms is None else ask.arrived_at_ms + ask.patience_ms,
        )

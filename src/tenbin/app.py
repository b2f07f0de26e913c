"""Wires the house from a Config: the only file that knows everyone.

``Gateway`` holds the parts and replaces them on a reload; tenbin.running runs it.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from tenbin.admission import AdmissionParts
from tenbin.alarms import AlarmParts
from tenbin.api.application import Application
from tenbin.api.content import ContentParts
from tenbin.codecs.registry import dialect
from tenbin.config.experiments import ShadowConfig
from tenbin.config.hedging import HedgingConfig
from tenbin.config.keys import KeyRing
from tenbin.config.model import Config
from tenbin.config.problem import ConfigError
from tenbin.config.provider import EMBEDDED, profile_of
from tenbin.core.budget import Level
from tenbin.core.money import nano_from_usd
from tenbin.core.receipt import Receipt
from tenbin.core.shadow import OPERATION
from tenbin.decide.cache_rules import CacheRules, find
from tenbin.decide.resolve import policy
from tenbin.execute.attempt import MOST_NANO_USD
from tenbin.execute.cache.cache import Cache
from tenbin.execute.cache.opening import CannotOpen, open_cache, open_meaning
from tenbin.execute.clock import Clock, SystemClock, start_task
from tenbin.execute.conversations import Conversations
from tenbin.execute.flight_recorder import FlightRecorder
from tenbin.execute.local_model import LocalModel
from tenbin.execute.pacing import lanes
from tenbin.execute.prompt_caching import PromptCaching
from tenbin.execute.sensing import Discerner, Senses
from tenbin.execute.targets import TargetMemory, TargetNow
from tenbin.execute.upstream.client import UpstreamClient
from tenbin.execute.upstream.reaches import reaches
from tenbin.execute.world import World
from tenbin.ledger.accounts.known import KnownKeys
from tenbin.ledger.book import Book
from tenbin.ledger.migrations import SchemaTooNew
from tenbin.ledger.prices import PriceBook
from tenbin.ledger.queries import latest_signals, latest_weighed, spent_since, unneeded_since
from tenbin.ledger.segments import DATABASE
from tenbin.measure.experiments.watch import ExperimentWatch
from tenbin.measure.metrics import Metrics
from tenbin.spending import SpendingParts

if TYPE_CHECKING:
    from tenbin.execute.hedging import Hedging
    from tenbin.execute.keep_alive import KeepAlive
    from tenbin.execute.shadow import ShadowEvaluation
    from tenbin.execute.spend_of_day import SpendOfDay

LOG = logging.getLogger("tenbin")

DRAIN_SECONDS = 30
"""How long running requests may take after the order to stop."""

ENTERED_SECONDS = 2
"""How long is waited for the database to hold all that is settled, before it is asked what a day has cost."""


KEYS_MS = 250
"""How often it is looked whether the store of keys has changed: a new or revoked key counts within that time."""

MOST_SIGNALS = 100_000
"""Signals of the ledger that evidence is made of again at a start."""

MOST_RECALLED = 1_000
"""Weighed requests of the ledger that are remembered at a start."""


class Gateway:
    """A gateway's parts, from the ledger to the application."""

    def __init__(self, config: Config, data_dir: Path, clock: Clock | None = None) -> None:
        """Open the ledger and settle what an earlier process left. Raises LedgerUnusable."""
        self.clock: Clock = clock or SystemClock()
        self.accounts = KnownKeys(data_dir)
        self.prices = PriceBook(config.providers, cache=cache_directory())
        ledger = config.ledger
        self.book = Book(
            data_dir, self.prices, self.clock, sync_ms=ledger.sync_ms, weighings_days=ledger.weighings_days
        )
        self._metrics = Metrics(self._gauges, self.targets, self.budget_levels)
        self.book.subscribe(self._metrics.add)
        self.interrupted = self.book.recover()
        self.conversations = Conversations()
        self._senses = Senses(self.conversations, discerner, self.prices)
        self.book.subscribe(self._remember)
        self._targets = TargetMemory(self.conversations.fold_speed)
        self.book.subscribe(self._targets.add)
        self.recorder = FlightRecorder(data_dir, self.prices.price, self._cache_rules)
        self._prompt_caching = PromptCaching(self.prices.price, self._cache_rules)
        self.shadow: ShadowEvaluation | None = None
        self.hedging: Hedging | None = None
        self.keep_alive: KeepAlive | None = None
        self.experiments = ExperimentWatch(data_dir, self.clock)
        self.cache: Cache | None = None
        self.alarms = AlarmParts(self.book, self.clock, self.targets)
        self.reset_breaker = self.alarms.reset
        self._spending = SpendingParts(self.book, self.prices, self.accounts, self.clock)
        self._content = ContentParts(data_dir, self.clock)
        self._admission = AdmissionParts(self.book, self.accounts, self.clock)
        self._late: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.upstream = UpstreamClient()
        self.local_model: LocalModel | None = None
        self.apply(config)
        self.application = Application(self)
        self._keys_counted = self.accounts.required
        """What keys of the store may spend is counted, if they may not spend as they like."""
        self._keys_fault = ""

    def apply(self, config: Config) -> None:
        """Put a configuration in force, all of it or nothing. Requests under way end under the one they began with."""
        lanes_now = lanes(config.providers, self._targets.lanes, self.clock)
        policy_now = policy(config)
        told = self.alarms.receivers(config.alerts)
        world = World(
            policy=policy_now,
            cache=self._cache_now(config) if policy_now.caching is not None else None,
            reaches=reaches(config.providers, self.local_model.base_url if self.local_model is not None else None),
            timeouts=config.timeouts,
            ping_seconds=config.ping_seconds,
            book=self.book,
            clock=self.clock,
            upstream=self.upstream,
            dialects=dialect,
            targets=self._targets,
            lanes=lanes_now,
            late=self._late,
            own={EMBEDDED: self.local_model} if self.local_model is not None else None,
            senses=self._senses,
            recorder=self.recorder if config.prompt_caching.record else None,
            prompt_caching=self._prompt_caching if config.prompt_caching.place != "off" else None,
        )
        world.budgets = self._spending.apply(config)
        world.landing = self._admission.landed(config, world)
        world.breaker = self.alarms.apply(config, told, world.budgets)
        world.shadow = self._shadow(config.shadow)
        world.hedging = self._hedging(config.hedging) if policy_now.hedging is not None else None
        world.keep_alive = self._kept_alive(config.prompt_caching.keep_alive_usd_per_day)
        world.trial = self.experiments.trial(config, world)
        if not config.routing.learning.evidence:
            self.conversations.evidence = {}
        self._prompt_caching.everywhere = config.prompt_caching.place == "all"
        self.content = self._content.apply(config.content)
        self.config, self.world, self._targets.lanes = config, world, lanes_now
        self.admission = self._admission.apply(config, policy_now, breaker=world.breaker)
        self.keys = KeyRing(config.keys, config.master_key)
        self.prices.reconfigure(config.providers)
        self.upstream.connect_seconds = config.timeouts.connect
        self.upstream.past_proxy = config.proxy_down == "direct"

    def _shadow(self, settings: ShadowConfig) -> "ShadowEvaluation | None":
        """Shadow evaluation, where it is switched on; the day's spend is taken up from the ledger."""
        if not settings.share or settings.judge is None:
            return None
        if self.shadow is None:
            # Imported here: most gateways never evaluate.
            from tenbin.execute.shadow import ShadowEvaluation

            self.shadow = ShadowEvaluation(settings, self.prices)
            self._begin_day(self.shadow.spend, partial(spent_since, operation=OPERATION), "shadow evaluation has")
        self.shadow.configure(settings)
        return self.shadow

    def _hedging(self, settings: HedgingConfig) -> "Hedging":
        """What hedged requests go by; it learns from every receipt from the time on when it is first switched on."""
        if self.hedging is None:
            # Imported here: most gateways never hedge.
            from tenbin.execute.hedging import Hedging

            self.hedging = Hedging(settings, self.prices)
            self._begin_day(self.hedging.spend, unneeded_since, "hedging has")
            self.book.subscribe(self.hedging.add)
        self.hedging.configure(settings)
        return self.hedging

    def _kept_alive(self, usd_per_day: float) -> "KeepAlive | None":
        """What keeps warm prompts warm, where anything may be spent on it."""
        if self.keep_alive is None and usd_per_day:
            # Imported here: most gateways never do so.
            from tenbin.execute.keep_alive import OPERATION as KEPT_ALIVE
            from tenbin.execute.keep_alive import KeepAlive

            self.keep_alive = KeepAlive(self.prices, self._cache_rules)
            spent = partial(spent_since, operation=KEPT_ALIVE)
            self._begin_day(self.keep_alive.spend, spent, "keeping prompts warm has")
        if self.keep_alive is not None:
            self.keep_alive.spend.most = nano_from_usd(repr(usd_per_day))
        return self.keep_alive if usd_per_day else None

    def _begin_day(self, spend: "SpendOfDay", known: Callable[..., int], what: str) -> None:
        """Take up what an earlier process has spent today, as the ledger has it; where that cannot be known, nothing is
        spent.
        """
        from tenbin.execute.spend_of_day import start_of_day

        now_ms = self.clock.now_ms()
        try:
            if not self.book.flush(ENTERED_SECONDS):
                raise OSError("the ledger's database does not take the receipts")
            spent = known(self.book.directory / DATABASE, since_ms=start_of_day(now_ms))
        except (OSError, SchemaTooNew, sqlite3.Error) as error:
            LOG.warning("What %s spent today is not known, nothing is spent: %s", what, error)
            spent = MOST_NANO_USD
        spend.begin(now_ms, spent)

    def take_up_experiment(self) -> None:
        """Put the experiment in force, or take it out. Requests under way end in the arm that they began in."""
        self.world.trial = self.experiments.trial(self.config, self.world)

    def _cache_now(self, config: Config) -> Cache:
        """The response cache, opened when it is first switched on. Raises ConfigError where it cannot be."""
        try:
            if self.cache is None:
                self.cache = open_cache(config.cache, self.book.directory, self.clock)
            else:
                self.cache.apply(config.cache)
            open_meaning(self.cache, config.cache, self.book.directory, self.clock)
        except CannotOpen as error:
            raise ConfigError.of("cache", str(error), "docs/caching.md says what it needs.") from error
        return self.cache

    def _remember(self, receipt: Receipt) -> None:
        if receipt.signals and self.config.routing.learning.evidence:
            self.conversations.learn(receipt)
        if receipt.weighing is not None:
            self.conversations.fold(receipt, self._cache_rules, self.config.routing.strong_share or 0.0)

    def _cache_rules(self, provider: str, model: str) -> CacheRules:
        row = self.config.providers.get(provider)
        return find(provider, model, profile_of(provider, row)[0] if row is not None else None)

    def recall(self) -> None:
        """Take up the conversations where an earlier process left them: they stand in the ledger."""
        self._spending.begin()
        # After a crash, what was settled last stands in the journal alone.
        self.book.flush(ENTERED_SECONDS)
        try:
            receipts = latest_weighed(self.book.directory / DATABASE, MOST_RECALLED)
        except (OSError, SchemaTooNew, sqlite3.Error) as error:
            LOG.warning("Earlier conversations cannot be taken up again: %s", error)
        else:
            share = self.config.routing.strong_share or 0.0
            self.conversations.fold_all(receipts, self._cache_rules, share)
        self._recall_evidence()

    def _recall_evidence(self) -> None:
        learning, conversations = self.config.routing.learning, self.conversations
        conversations.pooled = learning.pooled
        if not learning.evidence:
            return
        try:
            told = latest_signals(self.book.directory / DATABASE, MOST_SIGNALS)
        except (OSError, SchemaTooNew, sqlite3.Error) as error:
            LOG.warning("What was learned of models cannot be taken up again: %s", error)
        else:
            conversations.learn_all((one.key_id, one.at_ms, one.signal) for one in told)

    def load_dialects(self) -> None:
        """Import the codecs of all dialects that are spoken here, and what judges held answers where any are held."""
        if self.world.policy.cascades is not None:
            import_module("tenbin.execute.holding")
        spoken = {name for target in self.world.policy.providers.values() for name in target.dialects}
        for name in {"anthropic", "openai_chat", *spoken}:
            dialect(name)

    async def start_local_model(self) -> None:
        """Start the embedded model, if the configuration has it; the gateway is ready before it is."""
        if EMBEDDED in self.config.providers and self.local_model is None:
            self.local_model = LocalModel(self.clock, LOG.info)
            await self.local_model.start()
            self.apply(self.config)

    async def watch_keys(self) -> None:
        """Take up what changes in the store of keys, until cancelled. Nothing is asked of a store that is not there."""
        while True:
            await self.clock.pause(KEYS_MS)
            if not self.accounts.changed_on_disk():
                continue
            await self.take_up_keys()

    async def take_up_keys(self) -> None:
        """Go by what the store of keys holds now."""
        if self._keys_counted:
            await asyncio.to_thread(self.accounts.refresh)
            return
        # In one step of the loop: no request comes in between, with a key whose budgets nobody counts yet.
        self.accounts.refresh()
        if not self.accounts.required:
            return
        try:
            self.apply(self.config)
        except ConfigError as error:
            if str(error) != self._keys_fault:
                self._keys_fault = str(error)
                LOG.error("No key of the store is let in until what it may spend can be counted: %s", error)
            self.accounts.forget()
        else:
            self._keys_counted = True
            LOG.info("The store of keys has its first key: from now on requests need a key, also on this machine.")

    def prepare_cache(self) -> None:
        """Load what the cache looks by meaning with, in the background; until then such looks are misses."""
        if self.cache is not None and self.cache.meaning is not None:
            start_task(self.cache.meaning.prepare(), name="embedders")

    @property
    def metrics(self) -> Callable[[], bytes]:
        """Writes the Prometheus exposition."""
        return self._metrics.exposition

    def not_ready(self) -> list[str]:
        """Why requests should not be sent here now."""
        reasons = list(self.book.health().reasons)
        if self._stopping:
            reasons.append("the gateway is stopping")
        return reasons

    def targets(self) -> list[TargetNow]:
        """What is known of each target at this moment."""
        return self._targets.now(self.clock.now_ms())

    def budget_levels(self) -> Sequence[Level]:
        """How full every budget is that is known of here."""
        budgets = self.world.budgets
        return () if budgets is None else budgets.all_levels((), self.clock.now_ms())

    def forget(self, target: str | None) -> None:
        """Take one target (``provider/model``) for well, or all of them."""
        self._targets.forget(target)

    def _gauges(self) -> dict[str, tuple[str, float]]:
        counts = self.book.counts()
        return {
            "tenbin_in_flight_requests": ("Requests opened and not yet settled.", counts.in_flight),
            "tenbin_ledger_backlog_bytes": ("Journal bytes not yet in the database.", counts.backlog_bytes),
            "tenbin_ledger_waiting_bytes": ("Journal bytes that the disk has not taken.", counts.waiting_bytes),
            "tenbin_ledger_lost_receipts": ("Receipts lost; anything but 0 is a failure.", counts.lost),
            "tenbin_queued_requests": ("Waiting for a place at a provider.", self._targets.queued),
            "tenbin_targets_in_cooldown": ("Targets skipped for now.", self._cooling()),
            **self._cache_gauges(),
            **self.alarms.gauges(),
            "tenbin_wrong_keys": ("Keys that were not known, since the start.", self.application.wrong_keys.seen),
            "tenbin_wrong_keys_limited": ("Of these, answered with 429.", self.application.wrong_keys.limited),
            "tenbin_ready": ("1 when ready.", 0 if self.not_ready() else 1),
        }

    def _cache_gauges(self) -> dict[str, tuple[str, float]]:
        if self.cache is None:
            return {}
        held = self.cache.memory.size()
        return {
            "tenbin_cache_entries": ("Entries of the response cache in memory.", held.entries),
            "tenbin_cache_bytes": ("Bytes that they take.", held.bytes),
            "tenbin_cache_store_faults": ("Times that the cache's store failed or was late.", self.cache.faults),
        }

    def _cooling(self) -> int:
        now = self.clock.now_ms()
        return sum(health.closed_until_ms > now for health in list(self._targets.health.values()))

    def stopping(self) -> None:
        """From now on not ready, so that load balancers send requests elsewhere."""
        self._stopping = True

    async def close(self) -> None:
        """Wait for late settlements, then close everything."""
        self._stopping = True
        if self.shadow is not None:
            await self.shadow.stop()
        if self.keep_alive is not None:
            await self.keep_alive.stop()
        if self._late:
            await asyncio.wait(set(self._late), timeout=DRAIN_SECONDS)
        await self.alarms.close()
        if self.cache is not None:
            await self.cache.close()
        await self._spending.close()
        await self._admission.close()
        await asyncio.to_thread(self._content.close)
        self.upstream.close()
        if self.local_model is not None:
            await self.local_model.stop()
        self.accounts.close()
        await asyncio.to_thread(self.recorder.close)
        await asyncio.to_thread(self.book.close)


@cache
def discerner() -> Discerner:
    """What reads a request's words; its weights, and numpy, are loaded with the first one."""
    from tenbin.discern.complexity import Discerner as Learned

    return Learned()


def cache_directory() -> Path | None:
    """Where what can be made again is kept (``$XDG_CACHE_HOME/tenbin``, else ``~/.cache/tenbin``); None if nowhere."""
    try:
        base = os.environ.get("XDG_CACHE_HOME")
        directory = (Path(base) if base else Path.home() / ".cache") / "tenbin"
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return directory

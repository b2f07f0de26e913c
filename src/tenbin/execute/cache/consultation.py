"""6. One request at the cache: the look-up, who waits for whom, the answer given again, and the new answer kept."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tenbin.core.ask import Ask
from tenbin.core.cached import Cached, CacheTier
from tenbin.core.problems import Failure
from tenbin.core.receipt import Outcome, Receipt
from tenbin.core.steps import Hit, Lookup, Miss
from tenbin.decide.caching.canonical import COUNTED_HEADERS, Canonical, canonical
from tenbin.decide.caching.error_budget import RAISE
from tenbin.decide.caching.partition import Question, partition
from tenbin.decide.caching.policy import unfit
from tenbin.discern.language import language
from tenbin.execute.answer_headers import (
    cache_headers,
    lasting_headers,
    named,
    passing_headers,
    receipt_headers,
    safe,
)
from tenbin.execute.cache.cache import Cache
from tenbin.execute.cache.entry import Entry, Unusable, unpacked, words
from tenbin.execute.cache.memory import Held
from tenbin.execute.cache.replay import rendered
from tenbin.execute.cache.store import Selection
from tenbin.execute.clock import start_task
from tenbin.execute.sensing import LANGUAGE_CHARACTERS

if TYPE_CHECKING:
    from tenbin.execute.attempt import AttemptUnderWay
    from tenbin.execute.cache.meaning import Meaning
    from tenbin.execute.relay import Relay
    from tenbin.execute.remote_embedding import Payer
    from tenbin.execute.world import World

GUARD_VERSION = b"guard 1"
"""Changed when the guard's rules are: what was kept under others is not found."""

AT_ONCE_BYTES = 16_384
"""Of a request and its answer together, up to which it is looked through on the event loop (about 5 ms)."""

LOG = logging.getLogger("tenbin.execute")


class Life(Protocol):
    """The life of a request, as far as an answer out of the cache touches it."""

    receipt: Receipt | None
    """Once it is settled."""

    def settle(self, outcome: Outcome, status: int, failure: Failure | None) -> None:
        """Close the receipt, before the client has the last byte."""
        ...


class Consultation:
    """One request at the cache."""

    __slots__ = (
        "_ask",
        "_cache",
        "_leads",
        "_shadowed",
        "_world",
        "asked",
        "base",
        "cached",
        "entry",
        "keeps",
        "lookup",
        "question",
    )

    def __init__(self, world: "World", ask: Ask, lookup: Lookup, cache: Cache) -> None:
        self._world = world
        self._ask = ask
        self._cache = cache
        self._leads = False
        self.lookup = lookup
        self.asked: Canonical | None = None
        self.entry = ""
        """The id under which the answer stands, or will."""
        self.question: Question | None = None
        """What may be compared by meaning, where it is."""
        self.base = ""
        """The partition in which it is."""
        self._shadowed: Entry | None = None
        """What would have been served."""
        self.keeps = False
        """The answer may be kept."""
        self.cached = Cached(result="bypass", why=lookup.bypass, scope=lookup.scope)

    async def perform(self, relay: "Relay", life: Life, trace: list[Any]) -> Hit | Miss:
        """Look, and give the client the answer if it is there."""
        held = await self._look()
        while held is not None:
            try:
                content_type, body = rendered(held.entry, self._ask, self._world.dialects(self._ask.dialect))
            except Unusable:
                LOG.warning("entry %s of the cache cannot be read and is removed", held.entry.id)
                self._cache.memory.remove(Selection(entry=held.entry.id))
                self.cached = msgspec.structs.replace(self.cached, result="miss", tier="", why="unreadable entry")
                held = None
                break
            trace.append(("lookup", self.cached.tier, held.entry.id))
            self._cache.hit(held)
            await self._answer(content_type, body, held, relay, life)
            return Hit(tier=self.cached.tier, entry=held.entry.id)
        trace.append(("lookup", self.cached.result, self.cached.why))
        relay.cache_headers = cache_headers(self.cached)
        return Miss(why=self.cached.why)

    async def _look(self) -> Held | None:
        lookup, ask, cache = self.lookup, self._ask, self._cache
        if lookup.bypass:
            return None
        policy = self._world.policy.caching
        assert policy is not None
        said = tuple([pair for pair in ask.headers if pair[0] in COUNTED_HEADERS])
        body = ask.body if ask.landing is None else ask.landing.asked_body or ask.body
        written = (ask.dialect, lookup.scope, policy.epoch, said, body)
        if lookup.exact and not lookup.refresh:
            known = cache.seen(written)
            if known is not None and (held := cache.memory.get(known, cache.clock.now_ms())) is not None:
                self.entry = known
                if lookup.max_age_ms is None or self._young(held) is not None:
                    self._found("exact", held)
                    return held
        asked = canonical(ask.dialect, body, ask.headers)
        why = "its body cannot be read" if asked is None else unfit(asked, cache.settings)
        if why or asked is None:
            self._told("bypass", why)
            return None
        self.asked, self.keeps = asked, lookup.keeps
        self.entry = cache.name(lookup.scope.encode(), policy.epoch.encode(), asked.material())
        cache.see(written, self.entry)
        if lookup.refresh:
            self._told("miss", "the client wants it anew")
            return None
        self._told("miss", "no entry")
        if lookup.exact:
            held = self._young(await cache.find(self.entry))
            if held is not None:
                self._found("exact", held)
                return held
            shared = await self._wait_for_another()
            if shared is not None:
                return shared
        return await self._by_meaning(asked)

    async def _wait_for_another(self) -> Held | None:
        """Lead, or wait for who leads; their answer where there is one."""
        seconds = self._cache.settings.wait_seconds
        left = self._world.left_ms(self._ask)
        landing = await self._cache.flights.join(self.entry, seconds if left is None else min(seconds, left / 1_000))
        if landing == "lead":
            self._leads = True
            return None
        if landing == "alone":
            self._told("miss", "the same request was under way, and its answer is none to be shared")
            return None
        held = Held(landing, landing.expires_ms)
        if landing.id == self.entry:
            self._found("exact", held)
        elif self.lookup.semantic == "serve" and self._young(held) is not None:
            self._found("semantic", held)
        else:  # the leader was answered by meaning, which this one is not to be
            self._told("miss", "the same request was under way, and was answered by meaning")
            return None
        self.cached = msgspec.structs.replace(self.cached, shared=True)
        return held

    async def _by_meaning(self, asked: Canonical) -> Held | None:
        """The answer to the same question in other words, where there is one and the mode is to serve it."""
        meaning, lookup, cache = self._cache.meaning, self.lookup, self._cache
        policy = self._world.policy.caching
        if lookup.semantic == "off" or meaning is None or policy is None:
            return None
        question = partition(asked, language(asked.last_words[:LANGUAGE_CHARACTERS]))
        if isinstance(question, str):
            self.cached = msgspec.structs.replace(self.cached, why=f"not by meaning: {question}")
            return None
        self.question = question
        self.base = cache.name(lookup.scope.encode(), policy.epoch.encode(), GUARD_VERSION, question.rest)
        found = await meaning.look(question, self.base, self._payer(), relaxed=lookup.relaxed)
        self.cached = msgspec.structs.replace(
            self.cached, entry=found.entry or self.entry, similarity=found.similarity, why=found.why
        )
        held = self._young(found.held)
        if held is None:
            return None
        why = self._why_shadow(meaning)
        if not why:
            self._found("semantic", held)
            return held
        self._shadowed = held.entry
        self.cached = msgspec.structs.replace(self.cached, shadow=True, why=why)
        return None

    def _payer(self) -> "Payer":
        # Imported here: it stands above this module, and only who looks by meaning needs it.
        from tenbin.execute.remote_embedding import Payer

        return Payer(self._world, self._ask.caller)

    def _why_shadow(self, meaning: "Meaning") -> str:
        """Why an answer that was found by meaning is not served, but compared with a fresh one; empty where it is."""
        if self.lookup.semantic == "shadow":
            return "shadow"
        if not meaning.may_serve(self.lookup.scope):
            return "the error budget is used up"
        return "checked against a fresh answer" if self._cache.clock.draw() < meaning.settings.shadow_share else ""

    def _young(self, held: Held | None) -> Held | None:
        """The entry, unless the client takes no such old one."""
        most = self.lookup.max_age_ms
        if held is None or most is None or self._cache.clock.now_ms() - held.entry.created_ms < most:
            return held
        self._told("miss", "older than the client takes")
        return None

    def _told(self, result: Any, why: str) -> None:
        self.cached = Cached(result=result, why=why, entry=self.entry, scope=self.lookup.scope)

    def _found(self, tier: CacheTier, held: Held) -> None:
        entry = held.entry
        clock, ask = self._cache.clock, self._ask
        self.cached = Cached(
            result="hit",
            tier=tier,
            entry=entry.id,
            age_ms=max(0, clock.now_ms() - entry.created_ms),
            similarity=self.cached.similarity,
            saved_nano=entry.cost_nano,
            saved_ms=max(0, round(entry.total_ms - (clock.monotonic_ns() - ask.arrived_ns) / 1e6)),
            scope=self.lookup.scope,
            task=entry.task,
        )

    async def _answer(self, content_type: bytes, body: bytes, held: Held, relay: "Relay", life: Life) -> None:
        """Give the client the answer; the receipt is settled before the last byte."""
        ask, clock = self._ask, self._world.clock
        relay.started = True
        relay.first_byte_ns = clock.monotonic_ns()
        if held.headers is None:
            provider, _, model = held.entry.target.partition("/")
            held.headers = [(b"x-tenbin-model", safe(model)), (b"x-tenbin-provider", safe(provider))]
            held.headers += lasting_headers(self.cached)
        headers = [(b"content-type", content_type), *held.headers]
        headers = named(headers, ask, None, "", passing_headers(self.cached))
        if self._leads:
            self._leads = False
            self._cache.flights.land(self.entry, held.entry)
        life.settle("answered", 200, None)
        if ask.head.stream:
            await relay.client.start(200, headers)
            await relay.client.finish(body)
        else:
            if life.receipt is not None:
                headers += receipt_headers(life.receipt)
            await relay.client.respond(200, headers, body)

    # -- the end

    def ended(self, outcome: Outcome, attempt: "AttemptUnderWay | None", life: Life) -> None:
        """The request is over, however it went: the answer is kept if it is a good one, and who waits is told. Raises
        nothing: the client has its answer.
        """
        if (self.cached.result == "hit" or not self.keeps) and not self._leads:
            return
        if outcome != "answered" or attempt is None or not self.keeps:
            self._tell(outcome, None)
        elif len(self._ask.body) + sum(map(len, attempt.kept or ())) <= AT_ONCE_BYTES:
            self._tell(outcome, self._kept(attempt, life.receipt))
        else:
            task = start_task(self._keep_later(outcome, attempt, life.receipt), name="cache keeping")
            self._world.late.add(task)
            task.add_done_callback(self._world.late.discard)

    async def _keep_later(self, outcome: Outcome, attempt: "AttemptUnderWay", receipt: Receipt | None) -> None:
        """A long text is read in a thread: other requests' answers go on meanwhile."""
        kept: Entry | None = None
        try:
            kept = await asyncio.to_thread(self._kept, attempt, receipt)
        finally:
            self._tell(outcome, kept)

    def _kept(self, attempt: "AttemptUnderWay", receipt: Receipt | None) -> Entry | None:
        # Imported here: what reads an answer for refusals and secrets is not needed for a hit.
        from tenbin.execute.cache.keeping import entry_of

        try:
            return entry_of(self, attempt, receipt, self._cache)
        except Exception:
            LOG.exception("the answer to request %s could not be kept", self._ask.request_id)
            return None

    def _tell(self, outcome: Outcome, kept: Entry | None) -> None:
        """Keep the entry, and tell those who wait for it."""
        if kept is not None:
            self._cache.keep(kept)
            if kept.question and self._cache.meaning is not None:
                start_task(self._cache.meaning.learn(kept, self._payer()), name="cache learning")
            if self._shadowed is not None and self._cache.meaning is not None:
                start_task(self._compare(self._cache.meaning, self._shadowed, kept), name="cache comparison")
        if not self._leads:
            return
        self._leads = False
        if kept is not None:
            self._cache.flights.land(self.entry, kept)
        elif outcome == "answered":
            self._cache.flights.release(self.entry)
        else:
            self._cache.flights.pass_on(self.entry)

    async def _compare(self, meaning: "Meaning", cached: Entry, fresh: Entry) -> None:
        """Whether what would have been served says what the fresh answer says."""
        one, other = words(unpacked(cached.deltas)), words(unpacked(fresh.deltas))
        verdict = await meaning.compare(self.lookup.scope, one, other)
        if verdict == "wrong":
            self._cache.memory.remove(Selection(entry=cached.id))
            await meaning.demand(cached.id, (self.cached.similarity or 1.0) + RAISE)

    @property
    def ask(self) -> Ask:
        """The request."""
        return self._ask

"""6. Shadow evaluation: a sample of cheap answers is given again by the strongest model, and a judge compares the two.

In the background, one at a time, after the client has its answer; words are kept in memory only, and for no longer.
"""

import asyncio
import contextlib
import logging
from hashlib import blake2b
from typing import NamedTuple

from tenbin.config.experiments import ShadowConfig
from tenbin.core import request_id
from tenbin.core.ask import Ask
from tenbin.core.conversation import Conversation, Document, Image, Text, Thought, ToolResult, Turn
from tenbin.core.facts import Facts
from tenbin.core.money import NanoUSD, nano_from_usd
from tenbin.core.problems import Unreadable
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.shadow import OPERATION, Preferred, Shadow
from tenbin.core.signal import Signal
from tenbin.core.target import Target
from tenbin.core.usage import Usage
from tenbin.core.weighing import Candidate, Weighing
from tenbin.decide.allowance import exhausted
from tenbin.decide.candidates import resolve
from tenbin.decide.evidence import cell
from tenbin.decide.health import available
from tenbin.decide.signals import decided, scored
from tenbin.discern.gates.asking import question
from tenbin.discern.gates.judge import Verdict, better_of, both_ways, pairing
from tenbin.execute.attempt import AttemptUnderWay
from tenbin.execute.background_call import BackgroundCall, Prepared, Reply, own_ask, prepared, words_of
from tenbin.execute.clock import start_task
from tenbin.execute.pacing import Place
from tenbin.execute.sensing import Prices
from tenbin.execute.spend_of_day import SpendOfDay
from tenbin.execute.world import World

LOG = logging.getLogger("tenbin.execute")

MOST_WAITING = 16
"""Answers that wait to be evaluated, each with its words in memory; what is sampled beyond that is let go."""
JUDGE_TOKENS = 1_024
"""Of a judge's answer: some thought and one line."""
OVERHEAD_TOKENS = 1_000
"""What a provider may add to a prompt beyond the bytes that it was sent, at most (its words around tools)."""
_PREFERRED: dict[Verdict, Preferred] = {"first": "cheap", "second": "strong", "tie": "tie"}
KEY = OPERATION
"""Whose requests these are in the ledger."""


class _Sample(NamedTuple):
    world: World
    ask: Ask
    receipt: Receipt
    attempt: AttemptUnderWay
    strong: Target
    judge: Target


class ShadowEvaluation:
    """All shadow evaluation of one gateway. Used from the event loop only."""

    def __init__(self, settings: ShadowConfig, prices: Prices) -> None:
        self._prices = prices
        self.spend = SpendOfDay(0)
        self._waiting: asyncio.Queue[_Sample] = asyncio.Queue(MOST_WAITING)
        self._worker: asyncio.Task[None] | None = None
        self._spent_day = -1
        """The day in which a call was too dear for what was left: nothing more is begun in it."""
        self.configure(settings)

    def configure(self, settings: ShadowConfig) -> None:
        """Put settings in force; what waits or is under way goes on."""
        self.settings = settings
        self.spend.most = nano_from_usd(repr(settings.usd_per_day))
        self._below = round(settings.share * 2**64)

    # -- while a request is served

    def samples(self, ask: Ask) -> bool:
        """Whether a request is of the sample, by a hash of its id."""
        if ask.operation != "generate":
            return False
        digest = blake2b(ask.request_id.encode(), digest_size=8, person=b"tenbin.shadow").digest()
        return int.from_bytes(digest, "big") < self._below

    def consider(self, world: World, ask: Ask, receipt: Receipt, attempt: AttemptUnderWay) -> None:
        """Take an answered request up, if it is of the sample and a weaker one than the strongest has answered."""
        weighing = receipt.weighing
        if weighing is None or attempt.kept is None or self._waiting.full() or not self.samples(ask):
            return
        judge = _target(self.settings.judge, world)
        strong = _target(self.settings.strongest, world) or _strongest(weighing, world)
        if judge is None or strong is None or strong.name == attempt.target.name:
            return
        self._waiting.put_nowait(_Sample(world, ask, receipt, attempt, strong, judge))
        if self._worker is None or self._worker.done():
            self._worker = start_task(self._work(), name="shadow evaluation")

    @property
    def waiting(self) -> int:
        """Answers that wait to be evaluated."""
        return self._waiting.qsize()

    async def stop(self) -> None:
        """Break off what is under way, and let go of what waits."""
        while not self._waiting.empty():
            self._waiting.get_nowait()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    # -- in the background

    async def _work(self) -> None:
        while True:
            sample = await self._waiting.get()
            try:
                await self._evaluate(sample)
            except Exception:
                LOG.exception("the answer to %s could not be evaluated", sample.receipt.request_id)
            del sample

    async def _evaluate(self, sample: _Sample) -> None:
        now_ms = sample.world.clock.now_ms()
        landing = sample.world.landing
        if now_ms // 86_400_000 == self._spent_day or (landing is not None and landing.no_background(now_ms)):
            return
        cheap = words_of(sample.attempt.deltas() or [])
        try:
            conversation = sample.world.dialects(sample.ask.dialect).read(sample.ask.body)
        except Unreadable:
            return
        call = _again(sample, conversation, self.settings.max_output_tokens)
        if call is None or not cheap:
            return
        run = _Run(self, sample, conversation)
        try:
            await run.all(cheap, call)
        finally:
            run.settle()

    def dearest(self, call: Prepared, at_ms: int) -> NanoUSD | None:
        """The most that a call can cost: each byte of its body a token, all of them written to a cache, and the longest
        answer. None when nobody knows the model's price.
        """
        price = self._prices.price(call.target.provider, call.target.model, at_ms)
        if price is None:
            return None
        tokens = len(call.body) + OVERHEAD_TOKENS
        plain = price.cost(Usage(input=tokens, output=call.max_tokens))
        if plain is None:
            return None
        written = price.cost(Usage(cache_write_1h=tokens, output=call.max_tokens))
        return max(plain, written or 0)

    def cost(self, attempt: Attempt) -> NanoUSD | None:
        """What an attempt has cost, as it will be settled; None when nobody knows."""
        if attempt.provider_cost_nano is not None:
            return attempt.provider_cost_nano
        tier = attempt.service_tier
        price = self._prices.price(attempt.provider, attempt.model, attempt.started_at_ms, tier)
        return price.cost(attempt.usage) if price is not None else None

    def over_for_today(self, now_ms: int) -> None:
        """What is left of the day's spend is too little."""
        self._spent_day = now_ms // 86_400_000


class _Run:
    """One evaluation, from its first call to its receipt."""

    def __init__(self, shadow: ShadowEvaluation, sample: _Sample, conversation: Conversation) -> None:
        self._shadow = shadow
        self._sample = sample
        self._conversation = conversation
        world, clock = sample.world, sample.world.clock
        identity = request_id.new(clock.now_ms(), clock.bits())
        self._ask = own_ask(world, identity, sample.receipt.requested_model, KEY)
        self._attempts: list[Attempt] = []
        self._reserved: NanoUSD = 0
        self._preferred: Preferred = ""
        self._fault = ""

    async def all(self, cheap: str, call: Prepared) -> None:
        """Ask the strongest, then the judge twice."""
        settings = self._shadow.settings
        strong = await self._call(call)
        if strong is None:
            return
        if strong.failure is not None or not strong.text:
            self._fault = strong.failure.message[:200] if strong.failure is not None else "the answer has no words"
            return
        asked_for = self._conversation.max_tokens
        if strong.stop_reason == "max_tokens" and (asked_for is None or asked_for > settings.max_output_tokens):
            self._fault = "the answer is longer than shadow.max_output_tokens"
            return
        verdicts = [await self._judged(cheap, strong.text, swapped=swapped) for swapped in (False, True)]
        verdict = both_ways(*verdicts)
        if verdict is not None:
            self._preferred = _PREFERRED[verdict]

    async def _judged(self, cheap: str, strong: str, *, swapped: bool) -> Verdict | None:
        if self._fault:
            return None
        clock, asked = self._sample.world.clock, question(self._conversation)
        nonce = f"{clock.bits():020x}"
        words = "\n\n".join(part for part in (asked.context, asked.prompt) if part)
        try:
            prompt = pairing(words, cheap, strong, nonce, swapped=swapped, language=asked.language)
        except ValueError as error:  # the nonce stands in the words: as good as impossible
            self._fault = str(error)
            return None
        conversation = Conversation(
            model="",
            system=(Text(text=prompt.system),),
            turns=(Turn(role="user", parts=(Text(text=prompt.user),)),),
            thought=Thought(mode="off"),
        )
        call = prepared(self._sample.world, conversation, self._sample.judge, JUDGE_TOKENS)
        if isinstance(call, str):
            self._fault = call
            return None
        reply = await self._call(call)
        if reply is None or reply.failure is not None:
            if reply is not None and reply.failure is not None:
                self._fault = reply.failure.message[:200]
            return None
        verdict = better_of(reply.text, nonce, swapped=swapped)
        if verdict is None:
            self._fault = "the judge's answer names none of the two"
        return verdict

    async def _call(self, call: Prepared) -> Reply | None:
        """One call, if it may be made now; else None, and ``_fault`` says why."""
        world, now_ms = self._sample.world, self._sample.world.clock.now_ms()
        dearest = self._shadow.dearest(call, now_ms)
        if dearest is None:
            self._fault = f"nobody knows what {call.target.name} costs"
            return None
        if world.breaker is not None and not world.breaker.lets_own(OPERATION):
            self._fault = "the breaker is open"
            return None
        place = await _room(world, call, now_ms)
        if isinstance(place, str):
            self._fault = place
            return None
        if not self._shadow.spend.reserve(dearest, now_ms):
            if place is not None:
                place.leave()
            if self._attempts:  # What was paid for in vain shall not be paid for again and again.
                self._shadow.over_for_today(now_ms)
            self._fault = "it might cost more than is left of shadow.usd_per_day"
            return None
        self._reserved += dearest
        one = BackgroundCall(world, self._ask, call, len(self._attempts) + 1, OPERATION)
        try:
            reply = await one.run(self._shadow.settings.timeout_seconds, self._attempts)
        except asyncio.CancelledError:
            self._attempts.append(one.abandoned())
            self._fault = "the gateway stopped"
            raise
        finally:
            if place is not None:
                place.leave()
        self._attempts.append(reply.attempt)
        known = self._shadow.cost(reply.attempt)
        if known is not None and known < dearest:  # The next call shall find what this one did not need.
            self._shadow.spend.give_back(dearest - known)
            self._reserved -= dearest - known
        return reply

    def settle(self) -> None:
        """Close the receipt, where anybody was called; what was set aside becomes what it cost."""
        if not self._attempts:
            return
        world, ask = self._sample.world, self._ask
        took = (world.clock.monotonic_ns() - ask.arrived_ns) / 1e6
        shadow = self._compared()
        receipt = Receipt(
            request_id=ask.request_id,
            arrived_at_ms=ask.arrived_at_ms,
            key_id=ask.caller.key_id,
            dialect=ask.dialect,
            operation=ask.operation,
            path=ask.path,
            requested_model=ask.head.model,
            stream=False,
            route=OPERATION,
            outcome="answered" if self._preferred else "failed",
            status=200 if self._preferred else 500,
            policy=world.policy.hash,
            attempts=tuple(self._attempts),
            total_ms=took,
            shadow=shadow,
            signals=self._signals(shadow),
        )
        self._shadow.spend.settle(self._reserved, world.book.settle(receipt).billed_nano)

    def _compared(self) -> Shadow:
        sample, weighing = self._sample, self._sample.receipt.weighing
        assert weighing is not None
        found = cell(sample.attempt.target.name, weighing.features)
        candidate = _candidate(weighing, found.target)
        conversation = f"{sample.receipt.key_id}\0{weighing.session_key or sample.receipt.request_id}"
        return Shadow(
            of_request=sample.receipt.request_id,
            cheap=found.target,
            strong=sample.strong.name,
            judge=sample.judge.name,
            preferred=self._preferred,
            fault=self._fault[:200],
            task=found.task,
            domain=found.domain,
            band=found.band,
            prior=candidate.quality.prior if candidate is not None and candidate.quality is not None else None,
            unit=blake2b(conversation.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest(),
        )

    def _signals(self, shadow: Shadow) -> tuple[Signal, ...]:
        """The verdict as evidence of the cheap model, for the key that asked."""
        if shadow.kept is None:
            return ()
        sample = self._sample
        routing = sample.world.policy.routing
        about = decided(shadow.of_request, shadow.cheap, sample.receipt.weighing)
        weights = routing.settings.learning.weights if routing is not None else {}
        key_id = sample.receipt.key_id
        return (scored("shadow", about, float(shadow.kept), weights, key_id=key_id, source=shadow.judge),)


def _target(name: str | None, world: World) -> Target | None:
    if name is None:
        return None
    targets = resolve(name, world.policy).targets
    return targets[0] if targets and targets[0].provider in world.reaches else None


def _strongest(weighing: Weighing, world: World) -> Target | None:
    """The strongest that was eligible and has a price."""
    known = [
        one for one in weighing.candidates if not one.rejected and one.quality is not None and one.cost is not None
    ]
    best = max(known, key=lambda one: one.quality.value if one.quality is not None else 0.0, default=None)
    return _target(best.target, world) if best is not None else None


def _candidate(weighing: Weighing, target: str) -> Candidate | None:
    return next((one for one in weighing.candidates if one.target == target), None)


def _again(sample: _Sample, conversation: Conversation, most: int) -> Prepared | None:
    """The request for the strongest; None for one whose cost has no bound, or that a judge could not read."""
    parts = [part for turn in conversation.turns for part in turn.parts]
    parts += [inner for part in parts if isinstance(part, ToolResult) for inner in part.content]
    if conversation.server_tools or any(isinstance(part, Image | Document) for part in parts):
        return None
    limit = min(conversation.max_tokens or most, most)
    thought = conversation.thought
    if thought is not None and thought.budget is not None and thought.budget >= limit:
        return None
    call = prepared(sample.world, conversation, sample.strong, limit)
    return None if isinstance(call, str) else call


async def _room(world: World, call: Prepared, now_ms: int) -> Place | str | None:
    """A place at the provider that nobody else wants now; or why there is none."""
    target = call.target
    if not available(world.health.get(target.name), now_ms, world.policy.cooldown):
        return f"{target.name} has failed several times and rests"
    if exhausted(target, Facts(now_ms=now_ms, draw=0.0, health=world.health, exhausted=world.exhausted)):
        return f"the rate limit of {target.name} is used up"
    lane = world.lanes.get(target.provider)
    if lane is None:
        return None
    place = await lane.enter(KEY, len(call.body) // 4, 0) if not lane.waiting else None
    return place if isinstance(place, Place) else f"others wait for {target.provider}"

"""6. While a person is silent, a conversation's warm prompt is read now and then to stay warm, where that pays.

In the background, within a daily limit, with a receipt of its own. Till then the prompt is held in memory, no longer.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from typing import Final, NamedTuple

import msgspec

from tenbin.codecs.splice import fields, splice
from tenbin.core import request_id
from tenbin.core.money import NanoUSD
from tenbin.core.price import Price
from tenbin.core.problems import Unreadable
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import Usage
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.outlook import Outlook
from tenbin.decide.output_priors import AGENT, CHAT
from tenbin.decide.prompt_caching.keep_alive import comes_back, worth_a_read
from tenbin.execute.background_call import BackgroundCall, Prepared, own_ask
from tenbin.execute.clock import start_task
from tenbin.execute.flight_recorder import Seen
from tenbin.execute.prompt_caching import FindRules
from tenbin.execute.sensing import Prices
from tenbin.execute.spend_of_day import SpendOfDay
from tenbin.execute.world import World

LOG = logging.getLogger("tenbin.execute")

OPERATION: Final = "keep_alive"
"""Of its receipts, and whose requests they are in the ledger."""
EARLY_MS = 30_000
"""So long before an entry lapses it is read: an answer takes a while to begin."""
MOST_HELD_BYTES = 64 * 1024 * 1024
"""Prompts held in memory, all together; the one that has waited longest goes first."""
SECONDS = 60.0
"""For one read."""
FORWARDED = (b"anthropic-beta", b"anthropic-version")
"""Of the client's headers: what its body rests on. Never its credentials: only the provider's own key is used."""


class _Held(NamedTuple):
    world: World
    seen: Seen
    body: bytes
    since_ms: int
    """UTC ms of the conversation's own last call."""
    task: "asyncio.Task[None]"


class KeepAlive:
    """All of one gateway. Used from the event loop only."""

    def __init__(self, prices: Prices, rules: FindRules) -> None:
        self._prices = prices
        self._rules = rules
        self.spend = SpendOfDay(0)
        self._held: OrderedDict[tuple[str, str, bytes], _Held] = OrderedDict()
        self._bytes = 0

    def note(self, world: World, seen: Seen) -> None:
        """A conversation has been answered: from now on it is silent, until it is noted again."""
        key = _conversation(seen)
        self._let_go(key)
        if not self.spend.most:
            return
        rules, usage = self._rules(seen.target.provider, seen.target.model), seen.usage
        warm = usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
        if rules.writes != "marked" or seen.spoken.name != "anthropic" or warm < max(rules.minimum, 1):
            return
        if world.reaches[seen.target.provider].api_key is None:
            return
        body = _reading(seen.sent)
        if body is None or len(body) > MOST_HELD_BYTES:
            return
        task = start_task(self._watch(key, rules, warm), name=f"keep alive {seen.ask.session}")
        self._held[key] = _Held(world, seen, body, seen.at_ms, task)
        self._bytes += len(body)
        while self._bytes > MOST_HELD_BYTES:
            self._let_go(next(iter(self._held)))

    @property
    def holding(self) -> int:
        """Silent conversations whose prompts are held."""
        return len(self._held)

    async def stop(self) -> None:
        """Let go of everything."""
        tasks = [held.task for held in self._held.values()]
        for key in list(self._held):
            self._let_go(key)
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _let_go(self, key: tuple[str, str, bytes]) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._bytes -= len(held.body)
            held.task.cancel()

    async def _watch(self, key: tuple[str, str, bytes], rules: CacheRules, warm: int) -> None:
        await asyncio.sleep(0)  # until it is held
        held = self._held[key]
        clock, long = held.world.clock, held.seen.usage.cache_write_1h > 0 or b'"1h"' in held.body
        life = rules.long_life_ms if long and rules.long_life_ms else rules.life_ms
        number = 0
        try:
            while True:
                await clock.pause(max(life - EARLY_MS, 1_000))
                now = clock.now_ms()
                price = self._prices.price(held.seen.target.provider, held.seen.target.model, now)
                if price is None or not self._worth(held, price, warm, now, life, long):
                    break
                number += 1
                if not await self._read(held, price, warm, now, number):
                    break
        except Exception:
            LOG.exception("a conversation's prompt could not be kept warm")
        if self._held.get(key) is held:
            del self._held[key]
            self._bytes -= len(held.body)

    def _worth(self, held: _Held, price: Price, warm: int, now: int, life: int, long: bool) -> bool:
        going = AGENT if b'"tools"' in held.body else CHAT
        # Silent for minutes: whatever tool was called, it is a person who is waited for.
        ahead = Outlook(going.start, going.growth, 0.0, going.returns)
        chance = comes_back(ahead, now - held.since_ms, life)
        return worth_a_read(price.rates(warm), chance, long=long)

    async def _read(self, held: _Held, price: Price, warm: int, now: int, number: int) -> bool:
        """Read the prompt once; False when that is not allowed any more, or did not find it warm."""
        world, seen = held.world, held.seen
        if world.breaker is not None and not world.breaker.lets_own(OPERATION):
            return False
        dearest = _dearest(price, seen.usage.prompt + len(held.body) // 100)
        if world.landing is not None and world.landing.no_background(now):
            return False
        if dearest is None or not self.spend.reserve(dearest, now):
            return False
        ask = own_ask(world, request_id.new(now, world.clock.bits()), seen.ask.head.model, OPERATION)
        ask = msgspec.structs.replace(ask, operation=OPERATION, session=seen.ask.session)
        headers = tuple((name, value) for name, value in seen.ask.headers if name in FORWARDED)
        call = BackgroundCall(world, ask, Prepared(seen.target, held.body, 1), 1, OPERATION, headers)
        try:
            reply = await call.run(SECONDS, ())
            attempt, outcome = reply.attempt, reply.attempt.outcome
        except asyncio.CancelledError:
            self._settle(held, ask.request_id, call.abandoned(), dearest, now)
            raise
        self._settle(held, ask.request_id, attempt, dearest, now)
        return outcome == "answered" and attempt.usage.cache_read > 0

    def _settle(self, held: _Held, identity: str, attempt: Attempt, reserved: NanoUSD, now: int) -> None:
        world, ask = held.world, held.seen.ask
        receipt = Receipt(
            request_id=identity,
            arrived_at_ms=now,
            key_id=OPERATION,
            dialect=held.seen.spoken.name,
            operation=OPERATION,
            path="",
            requested_model=ask.head.model,
            stream=False,
            route=OPERATION,
            outcome=attempt.outcome,
            status=attempt.status or (200 if attempt.outcome == "answered" else 500),
            policy=world.policy.hash,
            attempts=(attempt,),
            session=ask.session,
            failure=attempt.failure,
            total_ms=attempt.total_ms,
        )
        self.spend.settle(reserved, world.book.settle(receipt).billed_nano)


def _conversation(seen: Seen) -> tuple[str, str, bytes]:
    """A sub-agent bears the session of the one that it works for, and its own id besides."""
    agent = next((value for name, value in seen.ask.headers if name == b"x-claude-code-agent-id"), b"")
    return seen.ask.caller.key_id, f"{seen.ask.session}\0{seen.target.name}", agent


def _reading(sent: bytes) -> bytes | None:
    """The request, made to read the prompt and to answer as little as it may: nothing, or one token where thinking or a
    structured answer is asked for, which go with no less (taking them out would be another prompt). None where even
    that is refused (a budget of thinking is larger than one token), or where a dearer tier is asked for.
    """
    try:
        known = fields(sent, checked=True)
    except Unreadable:
        return None
    if b'"budget_tokens"' in bytes(known.get("thinking", b"")) or known.keys() & {"speed", "service_tier"}:
        return None
    least = b"1" if known.keys() & {"thinking", "output_config", "output_format"} else b"0"
    return splice(sent, {"max_tokens": least, "stream": None}, known=known)


def _dearest(price: Price, prompt: int) -> NanoUSD | None:
    """The most that a read may cost: everything is written anew, for an hour."""
    return price.cost(Usage(cache_write_1h=prompt, output=1))

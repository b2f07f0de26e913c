"""2. A request meets its caller's plan: it is let in (its answer kept to the plan's length), or told what is used up.

Everything set aside here is given back or counted exactly once: by the receipt, or when the request ends without one.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from tenbin.codecs.dialect import Dialect
from tenbin.config.plans import PlansConfig
from tenbin.core.ask import Ask, Caller
from tenbin.core.problems import Problem
from tenbin.core.receipt import Receipt
from tenbin.decide.limits import COUNTED, Entry, Plan, Used, Wish, is_counted, plan_of, tokens_left
from tenbin.execute.clock import Clock
from tenbin.execute.limits.counters import Counters, Ticket, UseUnknown
from tenbin.execute.limits.headers import told
from tenbin.execute.limits.problems import no_such_plan, not_known, too_long, used_up

LARGE = 65_536
"""Bytes of a body whose tokens are counted in a thread."""
MOST_REMEMBERED = 10_000
"""Callers whose plan is remembered."""

Headers = tuple[tuple[bytes, bytes], ...]


class Admitted(NamedTuple):
    """A request that its plan lets in."""

    ask: Ask
    """What goes on: with the plan's limit on its answer, asked by a caller who is held to the plan's models."""
    told: Headers
    """What the answer says of the limits."""


class Turned(NamedTuple):
    """A request that it does not let in."""

    problem: Problem
    why: str
    """The limit that has no room; ``plan``: there is no such plan; ``unknown``: what is used is not known."""
    told: Headers = ()


class Limits:
    """The plans in force, and what is used of them."""

    def __init__(self, counters: Counters, clock: Clock, moved: Callable[[str], None]) -> None:
        """``moved`` is told of keys that are used without a plan: one that gets a plan later has used that too."""
        self.counters = counters
        self._moved = moved
        self._clock = clock
        self._settings = PlansConfig()
        self.plans: Mapping[str, Plan] = {}
        self._tickets: dict[str, Ticket] = {}
        """By request id, of those that are not settled."""
        self._callers: dict[str, tuple[Caller, Plan | str | None, Caller]] = {}
        """By key id: the caller as the key has it, its plan, and the caller as the plan holds it."""
        self.factor: Callable[[Caller], float] = _whole
        """What a caller's limits of the day are multiplied by just now."""
        self.refused: dict[str, int] = {}
        """Requests that were not let in since the start, by limit."""

    def configure(self, settings: PlansConfig, plans: Mapping[str, Plan]) -> None:
        """Put plans in force, from the next request on."""
        self._settings, self.plans = settings, plans
        self._callers.clear()

    def plan(self, caller: Caller) -> Plan | str | None:
        """A caller's plan; its mere name where there is no such plan; None where nothing limits it."""
        return self._known(caller)[1]

    def held(self, caller: Caller) -> Caller:
        """The caller, held to the models of its plan."""
        return self._known(caller)[2]

    async def let_in(self, ask: Ask, codec: Dialect) -> Admitted | Turned | None:
        """Let a request in, or not; None for a caller without a plan. What it has set aside is given back by ``settle``
        or ``void``. Raises Unreadable.
        """
        _, plan, caller = self._known(ask.caller)
        if plan is None:
            return None
        if isinstance(plan, str):
            return self._turned(no_such_plan(plan, self.plans), "plan")
        try:
            return await self._let_in(ask, caller, plan, codec)
        except UseUnknown as unknown:
            return self._turned(not_known(str(unknown)), "unknown")

    async def _let_in(self, ask: Ask, caller: Caller, plan: Plan, codec: Dialect) -> Admitted | Turned:
        used = await self.counters.ready(caller.key_id, plan)
        counts = ask.operation in COUNTED
        factor = self.factor(caller)
        prompt = 0
        if counts and (plan.input_tokens or plan.tokens_per_day):
            prompt = await self._prompt(plan, used, ask, codec, factor)
            if plan.input_tokens and prompt > plan.input_tokens:
                problem = too_long(prompt, plan)
                return self._turned(problem, "input_tokens", self._told(ask, plan, used, factor))
        generates = ask.operation == "generate"
        choices = ask.head.dear.choices
        output = (ask.head.max_tokens * choices if ask.head.max_tokens is not None else None) if generates else 0
        wish = Wish(prompt, output, counts, generates and ask.head.stream)
        found = await self.counters.enter(caller.key_id, plan, wish, factor)
        headers = self._told(ask, plan, found.used, factor)
        if found.limit is not None:
            return self._turned(used_up(found, plan, factor), found.limit, headers)
        if counts:
            self._tickets[ask.request_id] = Ticket(caller.key_id, found.used.day_ms, found.reserved)
        return Admitted(_kept_to(ask, caller, found, codec), headers)

    def settle(self, receipt: Receipt) -> None:
        """Is given every receipt."""
        ticket = self._tickets.pop(receipt.request_id, None)
        if ticket is not None:
            self.counters.settle(ticket, receipt)
        elif is_counted(receipt):
            self._moved(receipt.key_id)

    def void(self, request_id: str) -> None:
        """A request that was let in has come to nothing, and no receipt will tell of it."""
        ticket = self._tickets.pop(request_id, None)
        if ticket is not None:
            self.counters.settle(ticket, None)

    def left_stream(self, ask: Ask) -> None:
        """A request's answer, streamed, has ended."""
        self.counters.left_stream(ask.caller.key_id)

    def _known(self, caller: Caller) -> tuple[Caller, Plan | str | None, Caller]:
        found = self._callers.get(caller.key_id)
        if found is None or (found[0] is not caller and found[0] != caller):
            if len(self._callers) >= MOST_REMEMBERED:
                self._callers.clear()
            plan = plan_of(caller.key_id, caller.plan, self._settings, self.plans)
            found = self._callers[caller.key_id] = caller, plan, _within(caller, plan)
        return found

    def _turned(self, problem: Problem, why: str, headers: Headers = ()) -> Turned:
        self.refused[why] = self.refused.get(why, 0) + 1
        return Turned(problem, why, headers)

    def _told(self, ask: Ask, plan: Plan, used: Used, factor: float) -> Headers:
        now_us = self._clock.monotonic_ns() // 1_000
        return told(ask.dialect, plan, used, self._clock.now_ms(), now_us, factor, counts=ask.operation in COUNTED)

    async def _prompt(self, plan: Plan, used: Used, ask: Ask, codec: Dialect, factor: float) -> int:
        """Tokens of the prompt. A text has no more tokens than bytes: it is counted only where that is not enough to
        know that it fits. Images and documents are always counted.
        """
        most, body = len(ask.body), ask.body
        seen = ask.head.needs
        if "images" not in seen and "documents" not in seen:
            room = tokens_left(plan, used, factor)
            output = max(ask.head.max_tokens or 0, plan.output_tokens)
            if (not plan.input_tokens or most <= plan.input_tokens) and (room is None or most + output <= room):
                return most
        # Imported here: the tokenizer behind it is large, and many gateways never need it.
        from tenbin.execute.estimate import prompt_tokens

        if len(body) > LARGE:
            return await asyncio.to_thread(prompt_tokens, ask, codec)
        return prompt_tokens(ask, codec)


def _whole(_: Caller) -> float:
    return 1.0


def _kept_to(ask: Ask, caller: Caller, found: Entry, codec: Dialect) -> Ask:
    """The request, its answer no longer than the plan has it."""
    body, head = ask.body, ask.head
    if ask.operation == "generate" and found.output is not None:
        body, head = codec.limited(body, head, max_tokens=found.output, effort=None)
    if body is ask.body and caller is ask.caller:
        return ask
    return msgspec.structs.replace(ask, body=body, head=head, caller=caller)


def _within(caller: Caller, plan: Plan | str | None) -> Caller:
    """The caller with an account that holds it to the plan's models."""
    if plan is None or isinstance(plan, str) or plan.targets is None:
        return caller
    from tenbin.core.account import Account

    account = caller.account or Account(key_id=caller.key_id, name=caller.name or caller.key_id)
    account = msgspec.structs.replace(account, plan=plan.name, plan_targets=plan.targets)
    return msgspec.structs.replace(caller, account=account)

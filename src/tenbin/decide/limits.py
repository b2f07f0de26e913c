"""2. Whether a caller's plan has room for a request: a token bucket for the minute, sums for the day. Pure: time is
given, and what has been used comes in and goes out as a value.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from tenbin.config.plans import PlanConfig, PlansConfig, merged
from tenbin.core.receipt import Receipt
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.budget import window_of
from tenbin.decide.policy import Policy

MINUTE_US = 60_000_000
DAY_MS = 86_400_000
LEAST_ROOM = 256
"""Tokens: where less is left of the day, an answer that may be longer is not begun."""
UNSTATED_OUTPUT = 16_384
"""Tokens that an answer may have where neither the request nor the plan says how long it may be, but the day's tokens
are limited."""
MASTER = "master"
"""Key id of the master key: whoever runs the gateway is not kept from it by what is meant for others."""
STREAM_WAIT_MS = 1_000
"""When to try again where too many streams are under way: nobody knows when one ends."""

LimitName: TypeAlias = Literal[
    "requests_per_minute", "requests_per_day", "tokens_per_day", "concurrent_streams", "input_tokens"
]
COUNTED = ("generate", "embed")
"""Operations that count towards a day. A count of tokens costs nothing: it has a bucket of its own, as large."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A plan in force; 0 is no limit."""

    name: str
    zone: str = "UTC"
    requests_per_day: int = 0
    tokens_per_day: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    requests_per_minute: int = 0
    burst: int = 0
    concurrent_streams: int = 0
    targets: tuple[str, ...] | None = None
    """Who may answer: ``provider/model`` or a model's name, with ``*``; None: all."""


def plans_in_force(settings: PlansConfig, policy: Policy) -> dict[str, Plan]:
    """All plans by name; the weakest models are picked out of those that the policy knows."""
    ranked: list[str] | None = None
    plans = {}
    for name, one in merged(settings).items():
        targets = tuple(one.targets) if one.targets is not None else None
        if targets is None and one.smallest_models:
            ranked = weakest_first(policy) if ranked is None else ranked
            targets = tuple(ranked[: one.smallest_models])
        plans[name] = _plan(name, one, targets, settings.timezone)
    return plans


def _plan(name: str, one: PlanConfig, targets: tuple[str, ...] | None, zone: str) -> Plan:
    minute = one.requests_per_minute or 0
    return Plan(
        name=name,
        zone=one.timezone or zone,
        requests_per_day=one.requests_per_day or 0,
        tokens_per_day=one.tokens_per_day or 0,
        input_tokens=one.input_tokens or 0,
        output_tokens=one.output_tokens or 0,
        requests_per_minute=minute,
        burst=(one.burst or minute) if minute else 0,
        concurrent_streams=one.concurrent_streams or 0,
        targets=targets,
    )


def weakest_first(policy: Policy) -> list[str]:
    """``provider/model`` of the models that are weighed, the weakest first; where nothing is weighed, of all that stand
    in a chain.
    """
    if policy.routing is not None and policy.routing.candidates:
        abilities, found = policy.routing.abilities, [target.name for target in policy.routing.candidates]
    else:
        abilities = Abilities(shipped(), {})
        chains = (*policy.chains.values(), policy.default, policy.fallback)
        found = [target.name for chain in chains for target in chain]
    return sorted(dict.fromkeys(found), key=lambda name: abilities.ability(name).value)


# -- the minute: a token bucket, kept as the time at which it would be full again (GCRA, ITU-T I.371)


class Pace(NamedTuple):
    """What a bucket says."""

    allowed: bool
    full_us: int
    """When it is full again, this request counted if it is allowed."""
    left: int
    """Requests that could come at once behind this one."""
    wait_us: int
    """Until the next one would be allowed; 0 when it is now."""


def paced(full_us: int, now_us: int, per_minute: int, burst: int, take: int = 1) -> Pace:
    """Take one request out of a bucket that is full again at ``full_us``; microseconds of a clock that goes forward.

    In any stretch of w microseconds at most ``burst + w * per_minute / 60e6`` requests are allowed. ``take`` 0: only
    look.
    """
    each = -(-MINUTE_US // per_minute)
    behind = max(full_us - now_us, 0)
    most = each * (burst - 1)
    if behind > most:
        return Pace(False, full_us, 0, behind - most)
    behind += each * take
    return Pace(True, now_us + behind, (each * burst - behind) // each, max(behind - most, 0))


# -- the day


class Used(NamedTuple):
    """What a key has used. A day is [day_ms, day_ends_ms), UTC ms."""

    day_ms: int = 0
    day_ends_ms: int = 0
    requests: int = 0
    """Let in today, and not given back."""
    tokens: int = 0
    """Of answers that have ended."""
    reserved: int = 0
    """The most that answers under way may come to."""
    full_us: int = 0
    """The bucket of the minute."""
    counting_full_us: int = 0
    """The bucket of those that only count tokens."""
    streams: int = 0


def at(used: Used, zone: str, now_ms: int) -> Used:
    """The same at this moment: with a new day, if one has begun. A clock put back gives nobody a second day."""
    if used.day_ms <= now_ms < used.day_ends_ms or used.day_ms - DAY_MS <= now_ms < used.day_ms:
        return used
    start, end = window_of("day", zone, now_ms)
    return used._replace(day_ms=start, day_ends_ms=end, requests=0, tokens=0, reserved=0)


class Wish(NamedTuple):
    """What a request would use."""

    prompt: int = 0
    """Tokens of its prompt, at most."""
    output: int | None = 0
    """Tokens of its answer, at most; None: nobody has said."""
    counts: bool = True
    """It counts towards the day; else it only counts tokens."""
    stream: bool = False


class Entry(NamedTuple):
    """The answer to a wish."""

    used: Used
    """With this request, where it is let in."""
    limit: LimitName | None = None
    """The limit that has no room for it; None: it is let in."""
    wait_ms: int = 0
    """How long until it may be let in; the rest of the day where the day is over."""
    reserved: int = 0
    """Tokens that were set aside for it."""
    output: int | None = None
    """The longest that its answer may be; None: as it is."""


def tokens_left(plan: Plan, used: Used, factor: float = 1.0) -> int | None:
    """Of the day's, those neither used nor set aside; None: without a limit."""
    return int(plan.tokens_per_day * factor) - used.tokens - used.reserved if plan.tokens_per_day else None


def requests_left(plan: Plan, used: Used, factor: float = 1.0) -> int | None:
    """Of the day's; None: without a limit."""
    return max(int(plan.requests_per_day * factor) - used.requests, 0) if plan.requests_per_day else None


def entry(plan: Plan, used: Used, wish: Wish, now_ms: int, now_us: int, factor: float = 1.0) -> Entry:
    """Let a request in, or say which limit has no room: the shortest wait last, so that nobody is told to come back
    for nothing. ``used`` is as of now (``at``); ``factor`` scales the day's limits.
    """
    if not wish.counts:
        return _counting(plan, used, now_us)
    rest_ms = max(used.day_ends_ms - now_ms, 1)
    left = requests_left(plan, used, factor)
    if left == 0:
        return Entry(used, "requests_per_day", rest_ms)
    room, reserved, cap = tokens_left(plan, used, factor), 0, plan.output_tokens or None
    output = wish.output if cap is None else cap if wish.output is None else min(cap, wish.output)
    if room is not None:
        room -= wish.prompt
        output = UNSTATED_OUTPUT if output is None else output
        if room < min(output, LEAST_ROOM):
            return Entry(used, "tokens_per_day", rest_ms)
        cap = output = min(output, room)
        reserved = wish.prompt + output
    if wish.stream and plan.concurrent_streams and used.streams >= plan.concurrent_streams:
        return Entry(used, "concurrent_streams", STREAM_WAIT_MS)
    full_us = used.full_us
    if plan.requests_per_minute:
        pace = paced(full_us, now_us, plan.requests_per_minute, plan.burst)
        if not pace.allowed:
            return Entry(used, "requests_per_minute", -(-pace.wait_us // 1_000))
        full_us = pace.full_us
    now_used = Used(
        used.day_ms,
        used.day_ends_ms,
        used.requests + 1,
        used.tokens,
        used.reserved + reserved,
        full_us,
        used.counting_full_us,
        used.streams + wish.stream,
    )
    return Entry(now_used, None, 0, reserved, cap)


def _counting(plan: Plan, used: Used, now_us: int) -> Entry:
    if not plan.requests_per_minute:
        return Entry(used)
    pace = paced(used.counting_full_us, now_us, plan.requests_per_minute, plan.burst)
    if not pace.allowed:
        return Entry(used, "requests_per_minute", -(-pace.wait_us // 1_000))
    return Entry(used._replace(counting_full_us=pace.full_us))


# -- afterwards


def settled(used: Used, *, day_ms: int, reserved: int, receipt: Receipt) -> Used:
    """What a request that was let in on the day that began at ``day_ms`` has used in the end. What began on an earlier
    day counts there.
    """
    if used.day_ms != day_ms:
        return used
    return used._replace(
        requests=used.requests - (not is_counted(receipt)),
        tokens=used.tokens + tokens_of(receipt),
        reserved=max(used.reserved - reserved, 0),
    )


def is_counted(receipt: Receipt) -> bool:
    """Whether a request counts as one of the day: somebody was asked, or an answer was given out of the cache."""
    return receipt.operation in COUNTED and (bool(receipt.attempts) or receipt.outcome == "answered")


def tokens_of(receipt: Receipt) -> int:
    """Tokens of the prompt and the answer: of several calls made for one request (tries, rungs, a hedge, a judge) the
    largest counts, since how an answer is found is not the caller's doing.
    """
    return max((one.usage.prompt + one.usage.output for one in receipt.attempts), default=0)


def plan_of(key_id: str, own: str, settings: PlansConfig, plans: Mapping[str, Plan]) -> Plan | str | None:
    """A caller's plan: its key's own, else what the configuration says; the name alone where no plan has it. The master
    key has one only where it is named.
    """
    name = own or settings.keys.get(key_id) or (settings.default if key_id != MASTER else None)
    if not name:
        return None
    return plans.get(name, name)

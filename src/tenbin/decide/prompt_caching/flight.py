"""4. What broke a prompt cache's prefix: two requests of one conversation are laid side by side, block by block, as the
client sent them and as they went to the provider.
"""

from typing import Literal, NamedTuple, TypeAlias

import msgspec

from tenbin.core.money import NanoUSD, nano_from_pico
from tenbin.core.price import Rates
from tenbin.core.usage import Usage
from tenbin.decide.cache_rules import CacheRules
from tenbin.decide.prompt_caching.blocks import Block, shared_length

Cause: TypeAlias = Literal["client", "gateway", "translation", "model", "settings", "time", "unmarked", "provider"]
"""Who moved what: the client changed a block; Tenbin changed one on its way through, or in translating it; another
model was asked; thinking, effort or the choice of tools changed; the entry had lapsed; there was no mark to read it by;
or nothing of all that, and the provider did not have it."""

LEAST_SHARE = 0.1
"""Of what was warm: a smaller loss is the rounding of blocks and estimates."""
SAME_CONVERSATION = 0.5
"""Share of the earlier request's blocks that must be found again, wherever they stand, for it to be the same one."""


class Flight(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answered request, as far as a prompt cache sees it. Digests and counts only."""

    request_id: str
    at_ms: int
    """UTC ms of the call."""
    target: str
    """``provider/model``."""
    client: tuple[bytes, ...]
    """Digests of the blocks as the client sent them."""
    sent: tuple[bytes, ...]
    """The same as they went to the provider."""
    names: tuple[str, ...]
    """Of the client's blocks: ``tool 3 (Bash)``, ``system 2``, ``turn 5 (user), part 1``."""
    sent_names: tuple[str, ...]
    tokens: tuple[int, ...]
    """Up to the end of each block that was sent, estimated."""
    settings: bytes
    """Digest of what else spoils a cache: effort, thinking, choice of tools."""
    passed_through: bool
    marked: bool
    """At least one mark went to the provider."""
    long: bool = False
    """Its marks asked for an hour."""
    read: int = 0
    """Tokens read from the cache, as the provider stated."""
    written: int = 0
    """Tokens written, as stated; where a provider does not tell, what it must hold."""
    prompt: int = 0
    """Tokens of the whole prompt, as stated."""

    @property
    def warm(self) -> int:
        """Tokens that the next request could read."""
        return self.read + self.written


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request did not read what the one before it had left warm, and what that cost."""

    request_id: str
    before: str
    """The earlier request's id."""
    at_ms: int
    target: str
    cause: Cause
    block: str = ""
    """The first block that differs, where that is the cause."""
    expected: int
    """Tokens that could have been read."""
    read: int
    lost_nano: NanoUSD | None
    """What they cost more than a read; None where a price is unknown."""
    silent_ms: int
    """Time since the earlier request."""


class _Moved(NamedTuple):
    cause: Cause
    block: str


def settled(flight: Flight, usage: Usage, rules: CacheRules) -> Flight:
    """The flight with what the provider stated. One that writes by itself and does not count it holds the prompt."""
    written = usage.cache_write_5m + usage.cache_write_1h
    if not rules.counts_writes and rules.writes == "automatic" and usage.prompt >= rules.minimum:
        written = max(usage.prompt - usage.cache_read, 0) // rules.step * rules.step
    return msgspec.structs.replace(flight, read=usage.cache_read, written=written, prompt=usage.prompt)


def same_conversation(before: Flight, now: Flight) -> bool:
    """Whether the two belong together: sub-agents and titles bear the same session id, and share little."""
    if not before.client:
        return False
    known = set(now.client)
    return sum(digest in known for digest in before.client) >= SAME_CONVERSATION * len(before.client)


def diagnose(before: Flight, now: Flight, rules: CacheRules, rates: Rates | None) -> Diagnosis | None:
    """Why ``now`` read less than ``before`` left; None when it read it, or when nothing was there to be read.

    ``rules``: of the model that ``before`` was sent to. ``rates``: of ``now``.
    """
    if not rules.tells_reads or rules.writes == "never" or before.warm < max(rules.minimum, 1):
        return None
    expected = min(before.warm, now.prompt) if before.target == now.target else before.warm
    lost = expected - now.read
    if lost < max(rules.minimum, LEAST_SHARE * expected, rules.step):
        return None
    moved = _moved(before, now, rules)
    return Diagnosis(
        request_id=now.request_id,
        before=before.request_id,
        at_ms=now.at_ms,
        target=now.target,
        cause=moved.cause,
        block=moved.block,
        expected=expected,
        read=now.read,
        lost_nano=_lost(lost, now, rates),
        silent_ms=now.at_ms - before.at_ms,
    )


def _moved(before: Flight, now: Flight, rules: CacheRules) -> _Moved:
    if before.target != now.target:
        return _Moved("model", f"{before.target} -> {now.target}")
    reach = _reach(before)
    sent = shared_length(before.sent, now.sent)
    if sent < min(reach, len(before.sent)):
        name = now.sent_names[sent] if sent < len(now.sent_names) else f"after {now.sent_names[-1]}: nothing"
        client = shared_length(before.client, now.client)
        if client < len(before.client) and (not now.passed_through or client <= sent):
            own = now.names[client] if client < len(now.names) else f"after {now.names[-1]}: nothing"
            return _Moved("client", own)
        return _Moved("gateway" if now.passed_through else "translation", name)
    if before.settings != now.settings:
        return _Moved("settings", "")
    life = rules.long_life_ms if rules.long(before.long) else rules.life_ms
    if now.at_ms - before.at_ms > life:
        return _Moved("time", "")
    if rules.writes == "marked" and not now.marked:
        return _Moved("unmarked", "")
    return _Moved("provider", "")


def _reach(flight: Flight) -> int:
    """How many of the blocks that were sent lie within what was warm. By their estimated share of the prompt."""
    if not flight.tokens or not flight.prompt:
        return len(flight.sent)
    scale = flight.prompt / max(flight.tokens[-1], 1)
    return sum(tokens * scale <= flight.warm * 1.02 for tokens in flight.tokens) or 1


def _lost(tokens: int, now: Flight, rates: Rates | None) -> NanoUSD | None:
    if rates is None or rates.input is None or rates.cache_read is None:
        return None
    write = rates.cache_write_1h if now.long else rates.cache_write_5m
    paid = write if now.written >= tokens and write is not None else rates.input
    return nano_from_pico(tokens * max(paid - rates.cache_read, 0))


def block_names(found: tuple[Block, ...], tools: tuple[str, ...], roles: tuple[str, ...]) -> tuple[str, ...]:
    """What people call the blocks; counted from 1. ``tools``: names; ``roles``: of the turns."""
    names = []
    for block in found:
        kind, index, part = block.place
        if kind == "tool":
            names.append(f"tool {index + 1}" + (f" ({tools[index]})" if index < len(tools) else ""))
        elif kind == "system":
            names.append(f"system {index + 1}")
        else:
            names.append(f"turn {index + 1} ({roles[index]}), part {part + 1}")
    return tuple(names)

"""The providers' prompt caches: Anthropic's with breakpoints, OpenAI's automatic one; both by exact prefix.

Sources: the providers' pages on prompt caching, November 2026. A plan is made when a request comes in and committed
when its answer begins, so a refused request writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from tenbin.simulator import tokens
from tenbin.simulator.clock import Clock
from tenbin.simulator.prompt import Block, Prompt

_LARGEST = 200_000

LOOKBACK = 20
"""Blocks that a breakpoint looks back over for an entry, itself included."""
LIFETIMES = {"5m": 300.0, "1h": 3600.0}
"""Seconds that an entry lives without being read."""
AUTOMATIC_MINIMUM, AUTOMATIC_STEP, AUTOMATIC_LIFETIME = 1024, 128, 1800.0
"""OpenAI: smallest cached prefix, its granularity (tokens), and how long it lives (seconds)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How a prompt's tokens divide; the buckets are disjoint and sum to the prompt."""

    input: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    commit: Callable[[], None] = lambda: None


class PrefixCache:
    """All cached prefixes of all keys."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[bytes, tuple[float, float]] = {}  # key -> (expires at, lifetime), both in seconds

    def _alive(self, key: bytes) -> bool:
        entry = self._entries.get(key)
        if entry is not None and entry[0] <= self._clock.now():
            del self._entries[key]
            return False
        return entry is not None

    def _keep(self, key: bytes, lifetime: float) -> None:
        """Write or refresh an entry; one that was written for longer keeps its longer lifetime."""
        if len(self._entries) > _LARGEST:
            now = self._clock.now()
            self._entries = {old: entry for old, entry in self._entries.items() if entry[0] > now}
        if self._alive(key):
            lifetime = max(lifetime, self._entries[key][1])
        self._entries[key] = (self._clock.now() + lifetime, lifetime)

    def plan_breakpoints(self, prompt: Prompt, scope: str, message_scope: str = "") -> Plan:
        """Divide an Anthropic prompt.

        `scope` separates workspaces, models and effort; `message_scope` holds what only spoils the messages' part
        (thinking, tool choice). Prefixes below the model's minimum are silently not cached.
        """
        keys = _chain(prompt.blocks, scope, message_scope)
        lengths = _lengths(prompt.blocks)
        marks = [
            (i, block.ttl)
            for i, block in enumerate(prompt.blocks)
            if block.ttl and lengths[i] >= prompt.model.cache_minimum
        ]
        if not marks:
            return Plan(prompt.tokens)
        read_at = -1
        for index, _ in marks:
            window = range(index, max(-1, index - LOOKBACK), -1)
            read_at = max(read_at, next((p for p in window if self._alive(keys[p])), -1))
        read = lengths[read_at] if read_at >= 0 else 0
        written = {"5m": 0, "1h": 0}
        start = read
        for index, ttl in marks:
            if index > read_at:
                written[ttl] += lengths[index] - start
                start = lengths[index]

        def commit() -> None:
            for index, ttl in marks:
                if index > read_at or self._alive(keys[index]):
                    self._keep(keys[index], LIFETIMES[ttl])
            if read_at >= 0:
                self._keep(keys[read_at], 0.0)

        return Plan(prompt.tokens - start, read, written["5m"], written["1h"], commit)

    def plan_automatic(self, prompt: Prompt, scope: str, reports_writes: bool) -> Plan:
        """Divide an OpenAI prompt: the longest cached prefix in steps of 128 tokens from 1024 on.

        With `reports_writes` the tokens newly cached are a bucket of their own (`write_5m`).
        """
        ids = tokens.token_ids("\x1e".join(block.content for block in prompt.blocks))
        total = prompt.tokens
        usable = min(total, len(ids))
        keys: list[bytes] = []
        digest = blake2b(scope.encode(), digest_size=16)
        for end in range(AUTOMATIC_STEP, usable + 1, AUTOMATIC_STEP):
            digest.update(repr(ids[end - AUTOMATIC_STEP : end]).encode())
            if end >= AUTOMATIC_MINIMUM:
                keys.append(digest.digest())
        if not keys:
            return Plan(total)
        hits = [i for i, key in enumerate(keys) if self._alive(key)]
        read = AUTOMATIC_MINIMUM + AUTOMATIC_STEP * hits[-1] if hits else 0
        end = AUTOMATIC_MINIMUM + AUTOMATIC_STEP * (len(keys) - 1)
        write = end - read if reports_writes else 0

        def commit() -> None:
            for key in keys:
                self._keep(key, AUTOMATIC_LIFETIME)

        return Plan(total - read - write, read, write, 0, commit)


def _chain(blocks: Sequence[Block], scope: str, message_scope: str) -> list[bytes]:
    """Return the key of the prefix that ends with each block."""
    digest = blake2b(scope.encode(), digest_size=16)
    keys: list[bytes] = []
    in_messages = False
    for block in blocks:
        if block.section == "messages" and not in_messages:
            in_messages = True
            digest.update(b"\x1d" + message_scope.encode())
        digest.update(b"\x1e" + block.section.encode() + b"\x1f" + block.content.encode("utf-8", "surrogatepass"))
        keys.append(digest.copy().digest())
    return keys


def _lengths(blocks: Sequence[Block]) -> list[int]:
    """Return the tokens of the prefix that ends with each block."""
    lengths: list[int] = []
    total = 0
    for block in blocks:
        total += block.tokens
        lengths.append(total)
    return lengths

"""2. What keys have used, in this process: exact, and taken up from the ledger when a key is first seen.

Nothing is kept that the ledger could not tell again, but for the minute's buckets: they are full at a start.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple, Protocol

from tenbin.core.receipt import Receipt
from tenbin.decide.limits import Entry, Plan, Used, Wish, at, entry, settled
from tenbin.execute.clock import Clock

MOST_KEYS = 100_000
"""Keys that are remembered; beyond, idle ones are forgotten, and read from the ledger when they come back."""

Known = Callable[[str, int], tuple[int, int]]
"""(key id, since UTC ms) -> requests and tokens of the ledger. Blocks. Raises UseUnknown."""


class UseUnknown(Exception):
    """What a key has used cannot be told just now; carries why, in words that are safe to show."""


class Ticket(NamedTuple):
    """What is remembered of a request that was let in, until it is settled."""

    key_id: str
    day_ms: int
    """UTC ms at which the day began in which it was let in."""
    reserved: int
    """Tokens set aside for it."""


class Counters(Protocol):
    """Who counts."""

    async def ready(self, key_id: str, plan: Plan) -> Used:
        """What a key has used, for a first look. Raises UseUnknown."""
        ...

    async def enter(self, key_id: str, plan: Plan, wish: Wish, factor: float) -> Entry:
        """Let a request in, or say why not; nothing is counted then. Raises UseUnknown."""
        ...

    def settle(self, ticket: Ticket, receipt: Receipt | None) -> None:
        """A request has ended; None: it came to nothing, and nothing of it counts."""
        ...

    def left_stream(self, key_id: str) -> None:
        """A streamed answer has ended."""
        ...

    async def close(self) -> None:
        """Let go of what is held."""
        ...


class MemoryCounters:
    """Counters of one process."""

    def __init__(self, clock: Clock, known: Known, moved: Callable[[str], None]) -> None:
        """``moved`` is told of a key that is forgotten: what is known of it has to be asked for anew."""
        self._clock = clock
        self._moved = moved
        self._known = known
        self._used: dict[str, Used] = {}
        self._zones: dict[str, str] = {}
        """By key: of which time zone its day is; empty where its plan has no limits of a day, and none was read."""
        self._beginning: dict[str, asyncio.Future[None]] = {}

    def known(self, key_id: str) -> Used:
        """What is counted of a key, as of its last request."""
        return self._used.get(key_id, Used())

    async def ready(self, key_id: str, plan: Plan) -> Used:
        """What a key has used as of now."""
        used = self._used.get(key_id)
        if used is None or (self._zones[key_id] != plan.zone and (plan.requests_per_day or plan.tokens_per_day)):
            used = await self._begun(key_id, plan)
        now_ms = self._clock.now_ms()
        if not used.day_ms <= now_ms < used.day_ends_ms:
            used = self._used[key_id] = at(used, plan.zone, now_ms)
        return used

    async def enter(self, key_id: str, plan: Plan, wish: Wish, factor: float) -> Entry:
        """Between the look and the count nothing else runs: no two requests take the same room."""
        used = await self.ready(key_id, plan)
        found = entry(plan, used, wish, self._clock.now_ms(), self._clock.monotonic_ns() // 1_000, factor)
        if found.limit is None:
            self._used[key_id] = found.used
        return found

    def settle(self, ticket: Ticket, receipt: Receipt | None) -> None:
        """Count what a request used in place of what was set aside for it."""
        used = self._used.get(ticket.key_id)
        if used is None:
            return
        if receipt is not None:
            self._used[ticket.key_id] = settled(used, day_ms=ticket.day_ms, reserved=ticket.reserved, receipt=receipt)
        elif used.day_ms == ticket.day_ms:
            self._used[ticket.key_id] = used._replace(
                requests=used.requests - 1, reserved=max(used.reserved - ticket.reserved, 0)
            )

    def left_stream(self, key_id: str) -> None:
        """One streamed answer fewer."""
        used = self._used.get(key_id)
        if used is not None:
            self._used[key_id] = used._replace(streams=max(used.streams - 1, 0))

    async def close(self) -> None:
        """Nothing is held."""

    async def _begun(self, key_id: str, plan: Plan) -> Used:
        """What the ledger knows of the key's day, read once, however many requests wait for it."""
        waiting = self._beginning.get(key_id)
        if waiting is not None:
            await asyncio.shield(waiting)
            return await self.ready(key_id, plan)
        done = self._beginning[key_id] = asyncio.get_running_loop().create_future()
        try:
            used = at(Used(), plan.zone, self._clock.now_ms())
            requests, tokens = 0, 0
            limited = plan.requests_per_day or plan.tokens_per_day
            if limited:
                if key_id in self._used:
                    self._moved(key_id)
                requests, tokens = await asyncio.to_thread(self._known, key_id, used.day_ms)
            before = self._used.get(key_id, Used())
            self._forget_idle()
            self._zones[key_id] = plan.zone if limited else ""
            found = self._used[key_id] = used._replace(
                requests=requests,
                tokens=tokens,
                full_us=before.full_us,
                counting_full_us=before.counting_full_us,
                streams=before.streams,
            )
            return found
        finally:
            del self._beginning[key_id]
            done.set_result(None)

    def _forget_idle(self) -> None:
        if len(self._used) < MOST_KEYS:
            return
        for key_id, used in list(self._used.items()):
            if not used.reserved and not used.streams:
                del self._used[key_id], self._zones[key_id]
                self._moved(key_id)

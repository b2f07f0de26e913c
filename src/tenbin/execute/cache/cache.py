"""6. The response cache of a gateway: memory before a file or a shared server, and who waits for whom.

It outlives a reload of the configuration. Whatever is wrong with a store, requests go on: it counts as a miss.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from tenbin.config.caching import CachingConfig
from tenbin.core.cached import Cached
from tenbin.decide.caching.error_budget import RAISE, UNREACHABLE
from tenbin.decide.caching.ttl import renewed_ms
from tenbin.execute.cache.availability import StoreUnavailable
from tenbin.execute.cache.entry import ID_CHARACTERS, Entry
from tenbin.execute.cache.flights import Flights
from tenbin.execute.cache.memory import Held, MemoryStore
from tenbin.execute.cache.store import Kept, Selection, Size, Store
from tenbin.execute.clock import Clock, start_task

if TYPE_CHECKING:
    from tenbin.execute.cache.meaning import Meaning

FRONT_MS = 60_000
"""How long an entry of a shared store is held in this process before it is asked for again: so long another gateway's
purge may go unheard."""
MOST_SEEN_BYTES = 16 * 1024 * 1024
"""Of requests whose ids are remembered as they were written; then all are forgotten."""
Written: TypeAlias = tuple[str, str, str, tuple[tuple[bytes, bytes], ...], bytes]
"""Dialect, scope, epoch, the headers that count, the body."""
MOST_WRITES = 256
"""Writes to the store under way; more are dropped: those answers are only paid again."""


class Cache:
    """Entries, found and kept."""

    def __init__(
        self, settings: CachingConfig, secret: bytes, clock: Clock, store: Store | None = None, *, shared: bool = False
    ) -> None:
        """``store``: behind the memory. ``shared``: others write and remove there too."""
        self.settings = settings
        self.clock = clock
        self.store = store
        self.memory = MemoryStore(settings.memory_bytes, self._left)
        self.flights = Flights()
        self.meaning: Meaning | None = None
        """What looks for the same question in other words, where that is switched on."""
        # HMAC (RFC 2104) with its two keyed states made once: the library's own takes ten times as long for a request.
        key = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))
        self._seen: dict[Written, str] = {}
        self._seen_bytes = 0
        self._shared = shared
        self._writes: set[asyncio.Task[Any]] = set()
        self.faults = 0
        """Times that the store failed or was late, since the start."""
        self.dropped = 0
        """Writes that were dropped, since the start."""

    def apply(self, settings: CachingConfig) -> None:
        """A changed configuration."""
        self.settings = settings
        self._seen.clear()
        self.memory.resize(settings.memory_bytes)
        if self.meaning is not None:
            self.meaning.settings = settings.semantic

    def name(self, *parts: bytes) -> str:
        """An id that tells nothing of what it is made of: HMAC-SHA256 with the gateway's secret, cut to 128 bits."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(b"".join([len(part).to_bytes(8, "big") + part for part in parts]))
        outer.update(inner.digest())
        return outer.hexdigest()[:ID_CHARACTERS]

    def seen(self, written: Written) -> str | None:
        """The id of a request that was written just so before: most repetitions are, and need not be read again."""
        return self._seen.get(written)

    def see(self, written: Written, entry: str) -> None:
        """Remember how a request is written."""
        size = len(written[-1])
        if size > MOST_SEEN_BYTES // 64:
            return
        self._seen_bytes += size
        if self._seen_bytes > MOST_SEEN_BYTES:
            self._seen.clear()
            self._seen_bytes = size
        self._seen[written] = entry

    async def find(self, entry: str) -> Held | None:
        """The entry, from memory or the store."""
        now = self.clock.now_ms()
        held = self.memory.get(entry, now)
        if held is not None or self.store is None:
            return held
        found = await self._asked(self.store.get(entry))
        if found is None:
            return None
        if found.expires_ms <= now:  # its life was prolonged there since it was written
            found = msgspec.structs.replace(found, expires_ms=now + FRONT_MS)
        self.memory.put(found, min(found.expires_ms, now + FRONT_MS) if self._shared else None)
        if found.question and self.meaning is not None and not self._shared:
            start_task(self.meaning.learn(found), name="cache learning")  # an index in memory began empty
        return self.memory.get(entry, now)

    def hit(self, held: Held) -> None:
        """Count a hit, and let the entry live on as often as it is asked for."""
        held.hits += 1
        entry, now = held.entry, self.clock.now_ms()
        if entry.fixed_life:
            return
        expires = renewed_ms(
            entry.freshness,
            self.settings.life,
            created_ms=entry.created_ms,
            expires_ms=held.expires_ms,
            now_ms=now,
            hits=held.hits,
        )
        if expires == held.expires_ms:
            return
        # A shared entry is held here for a while only; its life is the store's.
        held.expires_ms = min(expires, now + FRONT_MS) if self._shared else expires
        # The store need not know of each hit, only of lives that have become another.
        if self.store is not None and abs(expires - held.stored_ms) > max(FRONT_MS, (expires - now) // 8):
            held.stored_ms = expires
            self._write(self.store.renew(entry.id, expires))

    def keep(self, entry: Entry) -> None:
        """Keep an answer; the store is written to behind the request's back."""
        now = self.clock.now_ms()
        self.memory.put(entry, min(entry.expires_ms, now + FRONT_MS) if self._shared else None)
        if self.store is not None:
            self._write(self.store.put(entry))

    async def remove(self, which: Selection) -> list[str]:
        """Remove entries everywhere; their ids. Raises StoreUnavailable when the store's stay."""
        found = set(self.memory.remove(which))
        if self.store is not None:
            await self.written()
            found |= set(await self.store.remove(which))
        if self.meaning is not None:
            for entry in found:
                await self.meaning.forget(entry)
        return sorted(found)

    async def report(self, entry: str, scope: str = "", similarity: float | None = None) -> bool:
        """An answer of this entry was wrong: it is removed, counted, and found by meaning only for questions that are
        more like its own than the one that it failed (of unknown likeness: for none). False when there is no such one.
        Raises StoreUnavailable.
        """
        found = await self.listed(Selection(entry=entry), 2)
        if len(found) != 1:
            return False
        await self.remove(Selection(entry=found[0].id))
        if self.meaning is not None and found[0].by_meaning:
            await self.meaning.demand(found[0].id, UNREACHABLE if similarity is None else similarity + RAISE)
            await self.meaning.tell(scope or found[0].scope, "wrong")
        return True

    async def disown(self, hit: Cached, given_ms: int) -> None:
        """A hit that was given by then was said to be wrong: its entry is removed; one by meaning counts and is harder
        to match from now on. What was asked anew since is another answer, and stays. Raises StoreUnavailable.
        """
        now = await self.listed(Selection(entry=hit.entry), 1)
        if not now or now[0].created_ms > given_ms:
            return
        if hit.tier == "semantic":
            await self.report(hit.entry, hit.scope, hit.similarity)
        else:
            await self.remove(Selection(entry=hit.entry))

    async def listed(self, which: Selection, limit: int) -> list[Kept]:
        """What there is to see of entries. Raises StoreUnavailable."""
        here = {one.id: one for one in self.memory.listed(which, limit)}
        if self.store is None:
            return list(here.values())
        await self.written()
        return [here.get(one.id, one) for one in await self.store.listed(which, limit)]

    async def sizes(self) -> dict[str, Size | None]:
        """How much each place holds; None for one that does not answer."""
        sizes: dict[str, Size | None] = {"memory": self.memory.size()}
        if self.store is not None:
            try:
                sizes[self.store.name] = await self.store.size()
            except StoreUnavailable:
                sizes[self.store.name] = None
        return sizes

    async def written(self) -> None:
        """Return when all that is to be written is."""
        while self._writes:
            await asyncio.wait(set(self._writes))

    async def close(self) -> None:
        """Write what is to be written, then let go of the store."""
        await self.written()
        if self.meaning is not None:
            await self.meaning.close()
        if self.store is not None:
            await self.store.close()

    def _left(self, entry: Entry) -> None:
        """It is not in memory any more: then it is nowhere, or in the store."""
        if entry.question and self.meaning is not None and self.store is None:
            start_task(self.meaning.forget(entry.id), name="cache forgetting")

    async def _asked(self, question: Awaitable[Entry | None]) -> Entry | None:
        """What the store says within the time it is given; None when it is late or down."""
        try:
            async with asyncio.timeout(self.settings.store_ms / 1_000):
                found = await question
        except (StoreUnavailable, TimeoutError):
            self.faults += 1
            return None
        return found

    def _write(self, work: Coroutine[Any, Any, None]) -> None:
        if len(self._writes) >= MOST_WRITES:
            self.dropped += 1
            work.close()
            return

        async def done() -> None:
            try:
                await work
            except StoreUnavailable:
                self.faults += 1

        task = start_task(done(), name="cache write")
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

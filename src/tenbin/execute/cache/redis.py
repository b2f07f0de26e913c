"""6. Entries on a Redis or Valkey server, shared by several gateways. Plain strings with a life: any version serves."""

from collections.abc import AsyncIterator, Callable, Sequence

from tenbin.execute.cache.entry import Entry, Unusable, read, written
from tenbin.execute.cache.redis_connection import RedisConnection
from tenbin.execute.cache.store import Kept, Selection, Size, kept
from tenbin.execute.clock import Clock

PREFIX = b"tenbin:cache:entry:"
PATIENCE_SECONDS = 5.0
"""For what no request waits for: writing, listing, removing."""
_BATCH = 200
"""Keys that are asked for at once."""


class RedisStore:
    """A server of entries."""

    name = "redis"

    def __init__(self, address: str, *, seconds: float, clock: Clock, tell: Callable[[str], None]) -> None:
        """``seconds``: for a look while a request waits. Connects when first asked. Raises RedisMissing, ValueError."""
        self._clock = clock
        self._quick = RedisConnection(address, seconds=seconds, clock=clock, tell=tell)
        self._patient = RedisConnection(address, seconds=PATIENCE_SECONDS, clock=clock, tell=lambda _: None)

    async def get(self, entry: str) -> Entry | None:
        """The entry of this id. Raises StoreUnavailable."""
        data = await self._quick.run("GET", PREFIX + entry.encode())
        return None if data is None else _read(data)

    async def put(self, entry: Entry) -> None:
        """Keep it. Raises StoreUnavailable."""
        left = entry.expires_ms - self._clock.now_ms()
        if left > 0:
            await self._patient.run("SET", PREFIX + entry.id.encode(), written(entry), "PX", left)

    async def renew(self, entry: str, expires_ms: int) -> None:
        """Let it end then. Raises StoreUnavailable."""
        await self._patient.run("PEXPIREAT", PREFIX + entry.encode(), expires_ms)

    async def remove(self, which: Selection) -> list[str]:
        """Remove these; their ids. Raises StoreUnavailable."""
        found = [entry.id async for entry, _ in self._all(which)]
        return [entry for entry in found if await self._patient.run("DEL", PREFIX + entry.encode())]

    async def listed(self, which: Selection, limit: int) -> Sequence[Kept]:
        """What there is to see of these, the newest first. Raises StoreUnavailable."""
        found = [kept(entry, entry.expires_ms) async for entry, _ in self._all(which)]
        return sorted(found, key=lambda one: -one.created_ms)[:limit]

    async def size(self) -> Size:
        """How much it holds. Raises StoreUnavailable."""
        sizes = [size async for _, size in self._all(Selection())]
        return Size(len(sizes), sum(sizes))

    async def close(self) -> None:
        """Close the connections."""
        await self._quick.close()
        await self._patient.close()

    async def _all(self, which: Selection) -> AsyncIterator[tuple[Entry, int]]:
        """The entries of a selection, each once, with their bytes."""
        cursor, seen = b"0", set[bytes]()
        match = PREFIX + (which.entry or "").encode() + b"*"
        while True:
            cursor, names = await self._patient.run("SCAN", cursor, "MATCH", match, "COUNT", _BATCH)
            fresh = [name for name in names if name not in seen]
            seen.update(fresh)
            for data in await self._patient.run("MGET", *fresh) if fresh else ():
                entry = None if data is None else _read(data)
                if entry is not None and which.holds(entry):
                    yield entry, len(data)
            if cursor == b"0":
                return


def _read(data: bytes) -> Entry | None:
    try:
        return read(data)
    except Unusable:
        return None

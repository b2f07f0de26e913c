"""6. Entries in the memory of this process: bounded by bytes, what was not used for longest goes first."""

from collections import OrderedDict
from collections.abc import Callable

from tenbin.execute.cache.entry import Entry
from tenbin.execute.cache.store import Kept, Selection, Size, kept


class Held:
    """An entry in memory, and how it is used here."""

    __slots__ = ("entry", "expires_ms", "headers", "hits", "size", "stored_ms")

    def __init__(self, entry: Entry, expires_ms: int) -> None:
        self.entry = entry
        self.expires_ms = expires_ms
        self.hits = 0
        self.headers: list[tuple[bytes, bytes]] | None = None
        """Of its answers, as far as they are the same each time; made with the first."""
        self.size = entry.size
        self.stored_ms = entry.expires_ms
        """When it ends, as far as the store knows."""


class MemoryStore:
    """On the event loop; nothing here waits for anything."""

    def __init__(self, most_bytes: int, gone: Callable[[Entry], None] | None = None) -> None:
        """``gone`` is told of every entry that is no longer held, whatever the reason."""
        self.most_bytes = most_bytes
        self.bytes = 0
        self.evicted = 0
        """Entries that went for want of room, since the start."""
        self._held: OrderedDict[str, Held] = OrderedDict()
        self._gone = gone

    def get(self, entry: str, now_ms: int) -> Held | None:
        """The entry, as the one used last; None when there is none, or it has ended."""
        held = self._held.get(entry)
        if held is None:
            return None
        if held.expires_ms <= now_ms:
            self._drop(held)
            return None
        self._held.move_to_end(entry)
        return held

    def put(self, entry: Entry, expires_ms: int | None = None) -> None:
        """Hold it; one that is larger than all the room is not held."""
        before = self._held.get(entry.id)
        if before is not None:
            self.bytes -= self._held.pop(entry.id).size
        held = Held(entry, entry.expires_ms if expires_ms is None else expires_ms)
        if held.size > self.most_bytes:
            return
        self._held[entry.id] = held
        self.bytes += held.size
        while self.bytes > self.most_bytes:
            self.evicted += 1
            self._drop(next(iter(self._held.values())))

    def remove(self, which: Selection) -> list[str]:
        """Let go of these; their ids."""
        if which.entry is not None and which.entry in self._held:
            found = [held for held in (self._held[which.entry],) if which.holds(held.entry)]
        else:
            found = [held for held in self._held.values() if which.holds(held.entry)]
        for held in found:
            self._drop(held)
        return [held.entry.id for held in found]

    def resize(self, most_bytes: int) -> None:
        """From now on there is so much room."""
        self.most_bytes = most_bytes
        while self.bytes > most_bytes:
            self._drop(next(iter(self._held.values())))

    def listed(self, which: Selection, limit: int) -> list[Kept]:
        """What there is to see of these, those used last first."""
        found = (held for held in reversed(self._held.values()) if which.holds(held.entry))
        return [kept(held.entry, held.expires_ms, held.hits) for held, _ in zip(found, range(limit), strict=False)]

    def size(self) -> Size:
        """How much is held."""
        return Size(len(self._held), self.bytes)

    def _drop(self, held: Held) -> None:
        if self._held.get(held.entry.id) is held:
            del self._held[held.entry.id]
            self.bytes -= held.size
            if self._gone is not None:
                self._gone(held.entry)

"""6. What a place for entries must be able to do, beyond the memory of this process: a file, a shared server."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tenbin.execute.cache.entry import Entry


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries are meant: those for which all that is given holds; nothing given, all."""

    entry: str | None = None
    """Its id, or the beginning of it."""
    tag: str | None = None
    scope: str | None = None
    model: str | None = None
    """The name that was asked for, or the ``provider/model`` that answered."""

    def holds(self, entry: "Entry | Kept") -> bool:
        """Whether this entry is one of them."""
        return (
            (self.entry is None or entry.id.startswith(self.entry))
            and (self.tag is None or self.tag in entry.tags)
            and (self.scope is None or self.scope == entry.scope)
            and (self.model is None or self.model in (entry.model, entry.target))
        )


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to see of an entry without its words."""

    id: str
    scope: str
    model: str
    target: str
    created_ms: int
    expires_ms: int
    task: str
    tags: tuple[str, ...]
    bytes: int
    hits: int = 0
    """In this process."""
    cost_nano: int | None = None
    by_meaning: bool = False
    """It can be found by meaning."""


def kept(entry: Entry, expires_ms: int, hits: int = 0) -> Kept:
    """What there is to see of this entry."""
    return Kept(
        id=entry.id,
        scope=entry.scope,
        model=entry.model,
        target=entry.target,
        created_ms=entry.created_ms,
        expires_ms=expires_ms,
        task=entry.task,
        tags=entry.tags,
        bytes=entry.size,
        hits=hits,
        cost_nano=entry.cost_nano,
        by_meaning=bool(entry.partition),
    )


class Size(msgspec.Struct, frozen=True):
    """How much a store holds."""

    entries: int
    bytes: int


class Store(Protocol):
    """Keeps entries. All of it may raise StoreUnavailable, and takes its time off the event loop."""

    name: str
    """For people: ``sqlite``, ``redis``."""

    async def get(self, entry: str) -> Entry | None:
        """The entry of this id; None when there is none, or it has ended."""
        ...

    async def put(self, entry: Entry) -> None:
        """Keep it until it ends, in place of one of the same id."""
        ...

    async def renew(self, entry: str, expires_ms: int) -> None:
        """Let it end then."""
        ...

    async def remove(self, which: Selection) -> list[str]:
        """Remove these; their ids."""
        ...

    async def listed(self, which: Selection, limit: int) -> Sequence[Kept]:
        """What there is to see of these, the newest first."""
        ...

    async def size(self) -> Size:
        """How much it holds."""
        ...

    async def close(self) -> None:
        """Let go of files and connections. Never raises."""
        ...

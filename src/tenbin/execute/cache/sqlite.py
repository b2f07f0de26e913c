"""6. Entries in a file of their own, which a restart survives. One thread reads and writes it, off the event loop."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tenbin.execute.cache.availability import Availability, StoreUnavailable
from tenbin.execute.cache.entry import Entry, Unusable, read, written
from tenbin.execute.cache.store import Kept, Selection, Size, kept
from tenbin.execute.clock import Clock

T = TypeVar("T")

_SHAPE = """
CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    model TEXT NOT NULL,
    target TEXT NOT NULL,
    tags TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    entry BLOB NOT NULL
) STRICT
"""
_BUSY_SECONDS = 0.05
SWEEP_EVERY = 256
"""Entries that are written between two looks for those that have ended, or are too many."""


class SqliteStore:
    """A file of entries."""

    name = "sqlite"

    def __init__(self, path: Path, most_bytes: int, clock: Clock, tell: Callable[[str], None]) -> None:
        """Nothing is opened before it is needed. ``tell`` is given a sentence when the file fails, or works again."""
        self._path = path
        self._most_bytes = most_bytes
        self._now_ms = clock.now_ms
        self._availability = Availability(str(path), clock, tell)
        self._database: sqlite3.Connection | None = None
        self._inode = 0
        self._written = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tenbin-cache")

    async def get(self, entry: str) -> Entry | None:
        """The entry of this id. Raises StoreUnavailable."""
        row = await self._do(lambda database: _first(database, entry, self._now_ms()))
        if row is None:
            return None
        try:
            return msgspec.structs.replace(read(row[0]), expires_ms=row[1])
        except Unusable:
            return None

    async def put(self, entry: Entry) -> None:
        """Keep it. Raises StoreUnavailable."""
        values = (
            entry.id,
            entry.scope,
            entry.model,
            entry.target,
            _joined(entry.tags),
            entry.created_ms,
            entry.expires_ms,
            entry.size,
            written(entry),
        )
        await self._do(lambda database: self._put(database, values))

    async def renew(self, entry: str, expires_ms: int) -> None:
        """Let it end then. Raises StoreUnavailable."""
        sql = "UPDATE entries SET expires_ms = ? WHERE id = ?"
        await self._do(lambda database: database.execute(sql, (expires_ms, entry)))

    async def remove(self, which: Selection) -> list[str]:
        """Remove these; their ids. Raises StoreUnavailable."""
        condition, values = _condition(which)
        sql = f"DELETE FROM entries WHERE {condition} RETURNING id"
        return await self._do(lambda database: [row[0] for row in database.execute(sql, values).fetchall()])

    async def listed(self, which: Selection, limit: int) -> Sequence[Kept]:
        """What there is to see of these, the newest first. Raises StoreUnavailable."""
        condition, values = _condition(which)
        order = "ORDER BY created_ms DESC LIMIT ?"
        sql = f"SELECT entry, expires_ms FROM entries WHERE {condition} AND expires_ms > ? {order}"
        rows = await self._do(lambda database: database.execute(sql, (*values, self._now_ms(), limit)).fetchall())
        found = []
        for data, expires_ms in rows:
            with contextlib.suppress(Unusable):
                found.append(kept(read(data), expires_ms))
        return found

    async def size(self) -> Size:
        """How much it holds. Raises StoreUnavailable."""
        sql = "SELECT count(*), coalesce(sum(bytes), 0) FROM entries WHERE expires_ms > ?"
        row = await self._do(lambda database: database.execute(sql, (self._now_ms(),)).fetchone())
        return Size(*row)

    async def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(RuntimeError):
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Work on the database, in its thread. Raises StoreUnavailable."""

        def performed() -> T:
            try:
                return work(self._connected())
            except (sqlite3.Error, OSError) as error:
                self._disconnect()
                raise self._availability.failed(str(error)) from error

        self._availability.check()
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._thread, performed)
        except RuntimeError as error:  # It has been closed.
            raise StoreUnavailable(str(error)) from error
        self._availability.answered()
        return done

    def _put(self, database: sqlite3.Connection, values: tuple[Any, ...]) -> None:
        database.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        self._written += 1
        if self._written % SWEEP_EVERY == 1:
            database.execute("DELETE FROM entries WHERE expires_ms <= ?", (self._now_ms(),))
            (held,) = database.execute("SELECT coalesce(sum(bytes), 0) FROM entries").fetchone()
            while held > self._most_bytes:
                oldest = "SELECT id FROM entries ORDER BY created_ms LIMIT 64"
                rows = database.execute(f"DELETE FROM entries WHERE id IN ({oldest}) RETURNING bytes").fetchall()
                if not rows:
                    return
                held -= sum(size for (size,) in rows)

    def _connected(self) -> sqlite3.Connection:
        """The open file; another one when somebody has deleted or replaced it."""
        if self._database is not None:
            with contextlib.suppress(FileNotFoundError):
                if self._path.stat().st_ino == self._inode:
                    return self._database
            self._disconnect()
        created = not self._path.exists()
        database = sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            if created:
                os.chmod(self._path, 0o600)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")  # what a power cut takes is only paid again
            database.execute(_SHAPE)
        except BaseException:
            database.close()
            raise
        self._database, self._inode = database, self._path.stat().st_ino
        return database

    def _disconnect(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.Error):
                self._database.close()
            self._database = None


def _first(database: sqlite3.Connection, entry: str, now_ms: int) -> Any:
    sql = "SELECT entry, expires_ms FROM entries WHERE id = ? AND expires_ms > ?"
    return database.execute(sql, (entry, now_ms)).fetchone()


def _joined(tags: Sequence[str]) -> str:
    return "".join(f",{tag}" for tag in tags) + ("," if tags else "")


def _condition(which: Selection) -> tuple[str, tuple[Any, ...]]:
    parts, values = ["1"], list[Any]()
    if which.entry is not None:
        parts.append("substr(id, 1, ?) = ?")
        values += [len(which.entry), which.entry]
    if which.tag is not None:
        parts.append("instr(tags, ?) > 0")
        values.append(f",{which.tag},")
    if which.scope is not None:
        parts.append("scope = ?")
        values.append(which.scope)
    if which.model is not None:
        parts.append("(model = ? OR target = ?)")
        values += [which.model, which.model]
    return " AND ".join(parts), tuple(values)

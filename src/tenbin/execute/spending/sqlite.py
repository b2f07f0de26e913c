"""5. Spending in one file, which the gateways of one machine share: a transaction for each reservation, which ends
before the event loop would notice. What the disk is given to keep safe, another thread gives it.
"""

import asyncio
import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tenbin.core.budget import Claim, Level, SpendingUnavailable
from tenbin.execute.cache.availability import Availability, StoreUnavailable
from tenbin.execute.clock import Clock, start_task
from tenbin.execute.spending.memory import nothing_before
from tenbin.execute.spending.settling import Held, Settlement
from tenbin.execute.spending.shared import (
    KEPT_MS,
    Answer,
    Own,
    Seed,
    SharedSpending,
    Sum,
    Window,
    held_again,
    without_room,
)

T = TypeVar("T")

SECONDS = 1.0
"""How long a reservation waits for other gateways to be done with the file."""
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 1, 16
"""Between two looks whether they are."""
SAFE_EVERY_MS = 200
"""How often the disk is told to keep what was written: what a power cut may take."""
SWEEP_EVERY = 4_096
"""Reservations between two times that what is over is deleted."""
TOMBSTONE_MS = 600_000
"""How long a settled reservation is remembered."""

_SHAPE = """
CREATE TABLE IF NOT EXISTS windows (
    counter TEXT NOT NULL,
    starts_at_ms INTEGER NOT NULL,
    ends_at_ms INTEGER NOT NULL,
    spent INTEGER NOT NULL DEFAULT 0,
    reserved INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (counter, starts_at_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (
    counter TEXT NOT NULL,
    starts_at_ms INTEGER NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (counter, starts_at_ms, owner)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reservations (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    worst INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    windows TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held ON reservations (deadline_ms) WHERE state = 'held';
"""
_LATE = "SELECT id, worst, windows FROM reservations WHERE state = 'held' AND deadline_ms < ? LIMIT 100"
_FIND = """
SELECT spent, reserved, EXISTS (
    SELECT 1 FROM owners
    WHERE owners.counter = windows.counter AND owners.starts_at_ms = windows.starts_at_ms AND owner = ?
) FROM windows WHERE counter = ? AND starts_at_ms = ?
"""
_ADD = "UPDATE windows SET spent = spent + ?, reserved = reserved + ? WHERE counter = ? AND starts_at_ms = ?"
_HOLD = "INSERT INTO reservations VALUES (?, ?, 'held', ?, ?, ?, ?)"
_TOMBSTONE = "INSERT OR REPLACE INTO reservations VALUES (?, '', ?, 0, 0, ?, '[]')"


class SqliteSpending(SharedSpending):
    """A file of sums."""

    def __init__(
        self,
        path: Path,
        *,
        owner: str,
        clock: Clock,
        tell: Callable[[str], None],
        seed: Seed = nothing_before,
        seconds: float = SECONDS,
    ) -> None:
        """``seconds``: how long a reservation waits for other processes. The file is made when it is needed."""
        super().__init__(owner, clock, seed)
        self._path = path
        self._seconds = seconds
        self._availability = Availability(
            str(path),
            clock,
            tell,
            meanwhile="calls that a budget counts are dealt with as spending.when_unreachable says",
            longest_pause_ms=2_000,
        )
        self._database: sqlite3.Connection | None = None
        self._inode = 0
        self._asked = 0
        self._over_before_ms = 0
        """What ended before this is to be let go."""
        self._keeping_safe: asyncio.Task[None] | None = None
        self._closed = False

    # -- what a store does

    async def _ask(self, reservation: str, held: Held, claims: Sequence[Claim], now_ms: int) -> Answer:
        seeds = self._seeds(claims)
        answer = await self._do(lambda database: self._asked_of(database, reservation, held, claims, seeds, now_ms))
        if answer.status != "lost":
            self._marked(claims, seeds, now_ms)
        return answer

    async def _look(self, claims: Sequence[Claim], now_ms: int) -> Answer:
        return await self._do(lambda database: self._looked_at(database, claims, now_ms))

    async def _tell(self, settlements: list[Settlement]) -> None:
        await self._do(lambda database: self._settled(database, settlements), behind=True)
        self._count(settlements, -1)

    async def _restore(self, windows: Sequence[Own], reservations: Mapping[str, Held]) -> None:
        def work(database: sqlite3.Connection) -> None:
            for own in windows:
                if not _found(database, own.claim, self._owner)[1]:
                    _mark(database, own.claim, self._owner, own.seed)
            for reservation, held in reservations.items():
                if database.execute("SELECT 1 FROM reservations WHERE id = ?", (reservation,)).fetchone() is None:
                    self._hold(database, reservation, held, held.claims)

        await self._do(work)

    async def _left_open(self) -> Mapping[str, Held]:
        columns = "id, worst, deadline_ms, windows, until_ms"
        sql = f"SELECT {columns} FROM reservations WHERE owner = ? AND state IN ('held', 'overdue')"
        rows = await self._do(lambda database: database.execute(sql, (self._owner,)).fetchall())
        return {
            reservation: held_again(worst, deadline_ms, map(tuple, json.loads(windows)), until_ms)
            for reservation, worst, deadline_ms, windows, until_ms in rows
        }

    async def _marks(self) -> Iterable[Window]:
        sql = "SELECT counter, starts_at_ms FROM owners WHERE owner = ?"
        rows: list[Window] = await self._do(lambda database: database.execute(sql, (self._owner,)).fetchall())
        return rows

    async def _disconnect(self) -> None:
        self._closed = True
        if self._keeping_safe is not None:
            self._keeping_safe.cancel()
            await asyncio.wait([self._keeping_safe])
        if self._database is not None:
            await asyncio.to_thread(_keep_safe, self._path, self._over_before_ms)
        self._let_go()

    def _put(self, settlement: Settlement) -> None:
        """Tell it at once, unless another process has the file just now."""
        self._count((settlement,), 1)
        self._settling.put(settlement, begin=False)
        if self._settling.lock.locked() or self._database is None:
            self._settling.begin()
            return  # being told already, or by whoever next asks
        numbered = self._settling.first()
        try:
            self._transaction(lambda database: self._settled(database, list(numbered.values())))
        except (sqlite3.Error, OSError, StoreUnavailable):
            self._settling.begin()
        else:
            self._settling.drop(numbered)
            self._count(numbered.values(), -1)

    # -- within a transaction

    def _asked_of(
        self,
        database: sqlite3.Connection,
        reservation: str,
        held: Held,
        claims: Sequence[Claim],
        seeds: Sequence[int | None],
        now_ms: int,
    ) -> Answer:
        _sweep(database, now_ms)
        sums = []
        for claim, seed in zip(claims, seeds, strict=True):
            total, marked = _found(database, claim, self._owner)
            if not marked:
                if seed is None:
                    return Answer("lost")  # (the marks that were put before it stay, and are found)
                _mark(database, claim, self._owner, seed)
                total = Sum(total.spent + seed, total.reserved)
            sums.append(total)
        row = database.execute("SELECT state FROM reservations WHERE id = ?", (reservation,)).fetchone()
        if row is not None:
            return Answer("granted" if row[0] in ("held", "overdue") else "ended", tuple(sums))
        levels = map(Level, claims, (one.spent for one in sums), (one.reserved for one in sums))
        if any(without_room(level, held.worst) for level in levels):
            return Answer("denied", tuple(sums))
        self._hold(database, reservation, held, claims)
        self._asked += 1
        if self._asked % SWEEP_EVERY == 0:
            self._over_before_ms = now_ms
        return Answer("granted", tuple(Sum(one.spent, one.reserved + held.worst) for one in sums))

    def _hold(self, database: sqlite3.Connection, reservation: str, held: Held, claims: Sequence[Claim]) -> None:
        until = max([claim.ends_at_ms for claim in claims] + [held.deadline_ms]) + KEPT_MS
        windows = json.dumps([(claim.counter, claim.starts_at_ms) for claim in claims])
        database.execute(_HOLD, (reservation, self._owner, held.worst, held.deadline_ms, until, windows))
        for claim in claims:
            database.execute(_ADD, (0, held.worst, claim.counter, claim.starts_at_ms))

    def _looked_at(self, database: sqlite3.Connection, claims: Sequence[Claim], now_ms: int) -> Answer:
        seeds = self._seeds(claims)
        _sweep(database, now_ms)
        sums = []
        for claim, seed in zip(claims, seeds, strict=True):
            total, marked = _found(database, claim, self._owner)
            if not marked:
                if seed is None:
                    return Answer("lost")
                # What this owner will add when it first comes counts already.
                total = Sum(total.spent + seed, total.reserved)
            sums.append(total)
        return Answer("granted", tuple(sums))

    def _settled(self, database: sqlite3.Connection, settlements: Sequence[Settlement]) -> None:
        now_ms = self._clock.now_ms()
        for one in settlements:
            row = database.execute(
                "SELECT state, worst, windows FROM reservations WHERE id = ?", (one.reservation,)
            ).fetchone()
            state = None if row is None else row[0]
            if state in ("held", "overdue"):
                spent, reserved = (one.cost, -row[1]) if state == "held" else (one.cost - row[1], 0)
                for counter, starts_at_ms in json.loads(row[2]):
                    database.execute(_ADD, (spent, reserved, counter, starts_at_ms))
            elif one.kind == "charge" and one.held is not None and state != "ended":
                for claim in one.held.claims:
                    database.execute(_ADD, (one.cost, 0, claim.counter, claim.starts_at_ms))
            elif one.kind != "cancel" or state is not None:
                continue
            over = "cancelled" if one.kind == "cancel" else "ended"
            database.execute(_TOMBSTONE, (one.reservation, over, now_ms + TOMBSTONE_MS))

    # -- the file

    async def _do(self, work: Callable[[sqlite3.Connection], T], *, behind: bool = False) -> T:
        """Work on the file, as soon as no other process does. ``behind``: nobody waits for it, and that it took too
        long says nothing to those who wait. Raises SpendingUnavailable.
        """
        loop = asyncio.get_running_loop()
        end, pause_ms = loop.time() + self._seconds, FIRST_PAUSE_MS
        while True:
            try:
                return self._transaction(work)
            except StoreUnavailable as error:
                raise SpendingUnavailable(str(error)) from error
            except (sqlite3.Error, OSError) as error:
                busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                if busy and behind and loop.time() > end:
                    raise SpendingUnavailable(str(error)) from error
                if not busy or loop.time() > end:
                    self._let_go()
                    raise SpendingUnavailable(str(self._availability.failed(str(error)))) from error
            await asyncio.sleep(pause_ms * (0.5 + self._clock.draw()) / 1_000)
            pause_ms = min(2 * pause_ms, LONGEST_PAUSE_MS)

    def _transaction(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Raises StoreUnavailable, sqlite3.Error (also where another process has the file), OSError."""
        self._availability.check()
        database = self._connected()
        database.execute("BEGIN IMMEDIATE")
        try:
            done = work(database)
            database.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                database.execute("ROLLBACK")
            raise
        self._availability.answered()
        if self._keeping_safe is None or self._keeping_safe.done():
            with contextlib.suppress(RuntimeError):  # there is no event loop yet, or no longer
                asyncio.get_running_loop()
                self._keeping_safe = start_task(self._keep_safe(), name="spending kept safe")
        return done

    async def _keep_safe(self) -> None:
        """Have the disk keep what was written."""
        await self._clock.pause(SAFE_EVERY_MS)
        if not self._closed:
            over_before_ms, self._over_before_ms = self._over_before_ms, 0
            await asyncio.to_thread(_keep_safe, self._path, over_before_ms)

    def _connected(self) -> sqlite3.Connection:
        """The open file; a new one when somebody has deleted or replaced it."""
        if self._database is not None:
            with contextlib.suppress(FileNotFoundError):
                if os.stat(self._path).st_ino == self._inode:
                    return self._database
            self._let_go()
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # an open file must not be closed beside SQLite: its locks would go
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA wal_autocheckpoint = 0")
            if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                database.executescript(f"BEGIN IMMEDIATE; {_SHAPE} COMMIT;")
        except BaseException:
            database.close()
            raise
        self._inode = os.stat(self._path).st_ino
        self._database = database
        return database

    def _let_go(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def _keep_safe(path: Path, over_before_ms: int) -> None:
    """Let go of what is over, if anything is to be; write what is new into the file itself and have the disk keep it.
    In a thread of its own; nobody who writes waits for the disk.
    """
    address = f"{path.absolute().as_uri()}?mode=rw"  # one that was deleted is not made anew here
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(address, timeout=0.1, uri=True)) as database,
    ):
        if over_before_ms:
            with contextlib.suppress(sqlite3.OperationalError), database:
                _let_go_of_what_is_over(database, over_before_ms)
        database.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _mark(database: sqlite3.Connection, claim: Claim, owner: str, seed: int) -> None:
    """Put an owner's mark on a window, and add what its ledger knows."""
    window = (claim.counter, claim.starts_at_ms)
    database.execute("INSERT OR IGNORE INTO windows VALUES (?, ?, ?, 0, 0)", (*window, claim.ends_at_ms))
    database.execute("INSERT INTO owners VALUES (?, ?, ?)", (*window, owner))
    database.execute(_ADD, (seed, 0, *window))


def _found(database: sqlite3.Connection, claim: Claim, owner: str) -> tuple[Sum, bool]:
    """What a window comes to, and whether an owner's mark stands on it."""
    row = database.execute(_FIND, (owner, claim.counter, claim.starts_at_ms)).fetchone()
    return (Sum(0, 0), False) if row is None else (Sum(row[0], row[1]), bool(row[2]))


def _sweep(database: sqlite3.Connection, now_ms: int) -> None:
    """What nobody has settled in time counts as spent."""
    while late := database.execute(_LATE, (now_ms,)).fetchall():
        for reservation, worst, windows in late:
            database.execute("UPDATE reservations SET state = 'overdue' WHERE id = ?", (reservation,))
            for counter, starts_at_ms in json.loads(windows):
                database.execute(_ADD, (worst, -worst, counter, starts_at_ms))


def _let_go_of_what_is_over(database: sqlite3.Connection, now_ms: int) -> None:
    over = "SELECT counter, starts_at_ms FROM windows WHERE ends_at_ms < ?"
    database.execute(f"DELETE FROM owners WHERE (counter, starts_at_ms) IN ({over})", (now_ms - KEPT_MS,))
    database.execute("DELETE FROM windows WHERE ends_at_ms < ?", (now_ms - KEPT_MS,))
    database.execute("DELETE FROM reservations WHERE until_ms < ?", (now_ms,))

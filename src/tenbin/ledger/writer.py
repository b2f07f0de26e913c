"""7. The one writer of the database: reads settled receipts back from the journal and enters them in batches.

Live and after a crash it does the same thing. How far it has come stands in the database, in the same transaction as
the rows, so that each receipt is entered exactly once; a database that is away only lets the journal grow.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tenbin.ledger.journal import Journal
from tenbin.ledger.migrations import check_not_newer, migrate
from tenbin.ledger.records import HEADER_BYTES, PAYLOAD_LIMIT, SETTLED, decode_receipt, frames, reframed
from tenbin.ledger.rows import Batch
from tenbin.ledger.segments import Position, segment_numbers, segment_path

READ_BYTES = 1024 * 1024
"""Of the journal at once, and so the largest transaction."""

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
MOST_FORGOTTEN = 5_000
"""Weighings deleted with one batch, so that none takes long."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds before a database that failed is tried again; doubles."""

_BUSY_SECONDS = 1.0
"""How long SQLite waits for somebody else's lock before the attempt counts as failed."""

_UNFIT = (
    msgspec.MsgspecError,
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    OverflowError,
    TypeError,
    ValueError,
)
"""The receipt's fault, not the database's: trying again would not help."""


class Writer:
    """Fills the database from the journal, in a thread of its own."""

    def __init__(self, database: Path, journal: Journal, *, weighings_days: int | None = None) -> None:
        """``weighings_days``: after so many, how a target was chosen is forgotten; None: never."""
        self._kept_ms = None if weighings_days is None else weighings_days * DAY_MS
        self._forgot_ms = 0
        self._path = database
        self._source = journal
        self._journal = journal.directory
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._companions: dict[Path, int] = {}
        self._next_id = 1
        self._position = Position(0, 0)
        self._stored = Position(0, 0)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._caught_up = threading.Condition()
        self._thread: threading.Thread | None = None
        self._left = True
        """Segments before the present one may be there."""
        self.trouble = ""
        """Why the database does not take rows just now, or nothing."""
        self.applied = 0
        """Receipts entered since the start."""
        self.damaged = 0
        """Bytes of the journal that were passed over because their checksum is wrong."""
        self.rejected = 0
        """Receipts that could not be entered and were put into the rejected file."""

    def start(self) -> None:
        """Begin to fill the database."""
        self._thread = threading.Thread(target=self._run, name="tenbin-ledger", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """There may be something new in the journal."""
        self._wake.set()

    def wait(self, seconds: float, *, while_well: bool = False) -> bool:
        """Wait until all that stands in the journal now is entered; False when that takes longer.

        With ``while_well``, give up as soon as the database is in trouble.
        """
        until = self._source.position()
        self._wake.set()
        with self._caught_up:
            self._caught_up.wait_for(lambda: self._stored >= until or (while_well and bool(self.trouble)), seconds)
            return self._stored >= until

    def backlog_bytes(self) -> int:
        """Bytes of the journal that are not entered yet."""
        end, at = self._source.position(), self._position
        total = -at.offset
        for number in segment_numbers(self._journal):
            if at.segment <= number < end.segment:
                with contextlib.suppress(OSError):
                    total += segment_path(self._journal, number).stat().st_size
        return max(0, total + end.offset)

    def close(self, *, empty_journal: bool) -> None:
        """Stop after the batch at hand; what is not entered stays in the journal for the next start.

        With ``empty_journal``, a journal that is entered to its end is emptied. Its last segment keeps its name: the
        next one's number must be higher, whatever the clock says, or the position in the database would mislead.
        """
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with contextlib.suppress(sqlite3.Error, OSError):
            database, last = self._connection, self._source.position()
            entered = database is not None and self._stored >= last
            if database is not None and entered and empty_journal and self._delete_before(database, last.segment):
                os.truncate(segment_path(self._journal, last.segment), 0)
        self._disconnect()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                while not self._stop.is_set() and self._step():
                    pass
                pause = _FIRST_PAUSE
            except Exception as error:  # noqa: BLE001 - whatever it is, it is said, and receipts go on being kept
                self.trouble = f"the database {self._path} takes no rows: {error}"
                with self._caught_up:
                    self._caught_up.notify_all()
                self._disconnect()
                self._stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                self._wake.set()

    def _step(self) -> bool:
        """Enter the next stretch of the journal; False when there is none. Raises when the database is away."""
        # The end first: what was settled after somebody deleted the database must not go into the deleted file.
        end = self._source.position()
        database = self._connect()
        at = self._position
        path = segment_path(self._journal, at.segment)
        sealed = at.segment < end.segment
        data = b""
        if path.exists():
            data = _read(path, at.offset, READ_BYTES if sealed else min(READ_BYTES, end.offset - at.offset))
        whole = list(frames(data))
        if not whole and len(data) == READ_BYTES:  # One frame longer than what is read at once.
            data = _read(path, at.offset, PAYLOAD_LIMIT + READ_BYTES)
            whole = list(frames(data))
        if whole:
            payloads = [found.payload for found in whole if found.kind == SETTLED]
            reached = Position(at.segment, at.offset + whole[-1].end)
            if payloads:
                self._enter(database, payloads, reached)
            # Only now: what could not be entered is read again.
            self.damaged += whole[-1].end - sum([HEADER_BYTES + len(found.payload) for found in whole])
            self._reach(reached, stored=bool(payloads))
            return True
        if not sealed:
            if self._left and self._source.synced_number >= at.segment:
                self._left = not self._delete_before(database, at.segment)
            self._reach(at, stored=at.offset == end.offset)
            return False
        self._leave_segment(database, at.segment)
        return True

    def _enter(self, database: sqlite3.Connection, payloads: Sequence[bytes], reached: Position) -> None:
        """All rows of a batch and how far the journal is entered, in one transaction."""
        try:
            batch, latest_ms = Batch(), 0
            for row_id, payload in enumerate(payloads, self._next_id):
                receipt = decode_receipt(payload)
                batch.add(row_id, receipt)
                latest_ms = max(latest_ms, receipt.arrived_at_ms)
            with _transaction(database):
                batch.enter(database)
                self._forget(database, latest_ms)
                _store_position(database, reached)
            entered = len(payloads)
        except _UNFIT:
            # One that is there already (the position was lost with an older database), or that SQLite can't hold.
            with _transaction(database):
                entered = sum(self._enter_one(database, payload, place) for place, payload in enumerate(payloads))
                _store_position(database, reached)
        self._next_id += len(payloads)
        self.applied += entered

    def _forget(self, database: sqlite3.Connection, now_ms: int) -> None:
        """Delete old weighings and plans of ladders: once an hour, as the receipts have it; while there are many of
        them, each time.
        """
        if self._kept_ms is None or now_ms - self._forgot_ms < HOUR_MS:
            return
        found = database.execute(
            "SELECT id FROM requests WHERE arrived_at_ms < ? ORDER BY arrived_at_ms DESC LIMIT 1",
            (now_ms - self._kept_ms,),
        ).fetchone()
        if found is not None:
            gone = [
                database.execute(
                    f"DELETE FROM {table} WHERE request IN (SELECT request FROM {table} WHERE request <= ? LIMIT ?)",
                    (found[0], MOST_FORGOTTEN),
                ).rowcount
                for table in ("weighings", "climbs")
            ]
            if MOST_FORGOTTEN in gone:
                return
        self._forgot_ms = now_ms

    def _enter_one(self, database: sqlite3.Connection, payload: bytes, place: int) -> bool:
        """A receipt by itself, unless it is there already; one that can't be entered is put aside."""
        receipt = None
        database.execute("SAVEPOINT one")
        try:
            receipt, batch = decode_receipt(payload), Batch()
            batch.add(self._next_id + place, receipt)
            batch.enter(database)
        except _UNFIT:
            database.execute("ROLLBACK TO one")
            if receipt is None or not _has(database, receipt.request_id):
                self._reject(reframed(SETTLED, payload))
            return False
        finally:
            database.execute("RELEASE one")
        return True

    def _reject(self, data: bytes) -> None:
        """Keep what can't be entered where a person can look at it."""
        with open(self._path.with_name("rejected.journal"), "ab") as file:
            file.write(data)
        self.rejected += 1

    def _reach(self, position: Position, *, stored: bool) -> None:
        self._position = position
        if stored:
            self.trouble = ""
            with self._caught_up:
                self._stored = position
                self._caught_up.notify_all()

    def _leave_segment(self, database: sqlite3.Connection, segment: int) -> None:
        """Go on to the next segment; those before it may be deleted soon."""
        numbers = segment_numbers(self._journal)
        following = next((number for number in numbers if number > segment), self._source.position().segment)
        reached = Position(following, 0)
        _store_position(database, reached)
        self._reach(reached, stored=True)
        self._left = True

    def _delete_before(self, database: sqlite3.Connection, segment: int) -> bool:
        """Delete the older segments, once the disk has what the database holds of them; False if it has not yet."""
        # With synchronous=NORMAL a commit may wait in the page cache; a complete checkpoint has the disk take it.
        busy, pages, done = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if busy or pages != done or not self._is_ours():
            return False
        for number in segment_numbers(self._journal):
            if number < segment:
                segment_path(self._journal, number).unlink(missing_ok=True)
        return True

    def _is_ours(self) -> bool:
        """Whether the open database is still the file of that name."""
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _connect(self) -> sqlite3.Connection:
        """The open database, opened again when somebody has deleted or replaced it."""
        if self._connection is not None:
            if self._is_ours():
                return self._connection
            self._disconnect()
            self._delete_own_companions()
        self._connection = database = open_database(self._path)
        migrate(database, str(self._path))
        self._inode = self._path.stat().st_ino
        self._companions = {path: path.stat().st_ino for path in _companions(self._path) if path.exists()}
        (self._next_id,) = database.execute("SELECT coalesce(max(id), 0) + 1 FROM requests").fetchone()
        found = database.execute("SELECT segment, offset FROM journal_position").fetchone()
        numbers = segment_numbers(self._journal)
        oldest = Position(numbers[0] if numbers else self._source.position().segment, 0)
        stored = Position(*found) if found is not None else oldest
        # A place that this journal does not have is another one's; then all is read: nothing is entered twice.
        ours = stored.segment in numbers and stored <= self._source.position()
        self._position = stored if ours else oldest
        self._stored = Position(0, 0)
        return database

    def _delete_own_companions(self) -> None:
        """Delete the log of a database that is gone: SQLite leaves it, and would play it into whatever file has come
        in the database's place.
        """
        for path, inode in self._companions.items():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == inode:
                    path.unlink()

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None


def _companions(path: Path) -> tuple[Path, Path]:
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def open_database(path: Path) -> sqlite3.Connection:
    """The ledger's database, to be written by one thread at a time. Raises sqlite3.Error."""
    created = not path.exists()
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        if created:
            os.chmod(path, 0o600)
        database.execute("PRAGMA journal_mode = WAL")
        # NORMAL: a power cut may take the last commits back, never damage. They stand in the journal all the same.
        database.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        database.close()
        raise
    return database


def refuse_newer(path: Path) -> None:
    """Raise SchemaTooNew when a newer Tenbin has written the database. One that can't be read just now is let pass:
    the writer looks again.
    """
    if not path.exists():
        return
    with contextlib.suppress(sqlite3.Error):
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=0.05)) as database:
            check_not_newer(database, str(path))


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _has(database: sqlite3.Connection, request_id: str) -> bool:
    return database.execute("SELECT 1 FROM requests WHERE request_id = ?", (request_id,)).fetchone() is not None


def _store_position(database: sqlite3.Connection, position: Position) -> None:
    database.execute("INSERT OR REPLACE INTO journal_position (only, segment, offset) VALUES (1, ?, ?)", position)


def _read(path: Path, offset: int, size: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(size)

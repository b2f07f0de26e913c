"""A database that is locked, deleted, replaced, older, newer or none at all: nothing is lost or entered twice."""

import contextlib
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from tenbin.ledger import queries
from tenbin.ledger.book import Book
from tenbin.ledger.migrations import migrate
from tenbin.ledger.records import SETTLED
from tenbin.ledger.segments import DATABASE, JOURNAL, LedgerUnusable, segment_path
from tenbin.ledger.writer import Writer, open_database
from tests.ledger.making import NOON_MS, PRICES, StandingClock, a_book, a_receipt, open_in
from tests.ledger.reading import in_journal, killed_book, rows


def test_a_locked_database_slows_nothing_and_loses_nothing(data_dir: Path) -> None:
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_0"))
        assert book.flush()
        with contextlib.closing(sqlite3.connect(data_dir / DATABASE, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for number in range(1, 500):
                open_in(book, f"req_{number}")
                book.settle(a_receipt(f"req_{number}"))
            while book.health().ok:
                assert not book.flush(0.1)
            assert book.counts().backlog_bytes > 0
            assert "takes no rows: database is locked" in book.health().reasons[0]
            other.execute("ROLLBACK")
        assert book.flush()
        assert book.health().ok
    assert len(rows(data_dir)) == 500


def test_a_database_that_is_locked_at_the_start_stops_nothing(data_dir: Path) -> None:
    with contextlib.closing(open_database(data_dir / DATABASE)) as other:
        migrate(other)
        other.execute("BEGIN EXCLUSIVE")
        with killed_book(data_dir) as book:
            open_in(book, "req_open")
            book.settle(a_receipt("req_1"))
        with a_book(data_dir) as book:
            assert book.counts().interrupted == 1
            book.settle(a_receipt("req_2"))
            other.execute("ROLLBACK")
            assert book.flush(30)
    assert sorted(rows(data_dir)) == ["req_1", "req_2", "req_open"]


def test_damage_is_counted_once_however_often_a_locked_database_is_tried(data_dir: Path) -> None:
    with contextlib.closing(open_database(data_dir / DATABASE)) as other:
        migrate(other)
        other.execute("BEGIN EXCLUSIVE")
        with killed_book(data_dir) as book:
            book.settle(a_receipt("req_1"))
            begin = book._journal.written
            book.settle(a_receipt("req_2"))
            end = book._journal.written
            book.settle(a_receipt("req_3"))
            path = segment_path(data_dir / JOURNAL, book._journal.number)
        data = bytearray(path.read_bytes())
        data[begin + 40] ^= 0xFF
        path.write_bytes(data)
        other.execute("ROLLBACK")
        other.execute("BEGIN IMMEDIATE")  # It can be read, but takes no rows.
        with a_book(data_dir) as book:
            while not any("database is locked" in reason for reason in book.health().reasons):
                assert not book.flush(0.1)
            other.execute("ROLLBACK")
            assert book.flush(30)
            assert any(f"{end - begin} bytes of the journal were damaged" in reason for reason in book.health().reasons)
    assert sorted(rows(data_dir)) == ["req_1", "req_3"]


def test_a_deleted_database_is_begun_again_with_what_the_journal_holds(data_dir: Path) -> None:
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1"))
        assert book.flush()
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
            (data_dir / name).unlink()
        book.settle(a_receipt("req_2"))
        assert book.flush(30)
        assert sorted(rows(data_dir)) == ["req_1", "req_2"]


def test_a_database_deleted_under_the_writers_hands_is_begun_again(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = Writer._connect
    found_well = threading.Event()
    deleted = threading.Event()

    def connect_then_wait(writer: Writer) -> sqlite3.Connection:
        connection = connect(writer)
        if armed.is_set():
            found_well.set()
            assert deleted.wait(10)
        return connection

    armed = threading.Event()
    monkeypatch.setattr(Writer, "_connect", connect_then_wait)
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1"))
        assert book.flush()
        armed.set()
        book._writer.wake()
        assert found_well.wait(10)
        armed.clear()
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
            (data_dir / name).unlink()
        book.settle(a_receipt("req_2"))
        book._journal.sync()
        deleted.set()
        assert book.flush(30)
        assert sorted(rows(data_dir)) == ["req_1", "req_2"]


def test_a_deleted_directory_is_made_again(data_dir: Path) -> None:
    with a_book(data_dir, sync_ms=1) as book:
        book.settle(a_receipt("req_1"))
        assert book.flush()
        shutil.rmtree(data_dir)
        for number in range(2, 20):
            book.settle(a_receipt(f"req_{number}"))
        assert book.flush(30)
        assert len(rows(data_dir)) == 19
        assert book.health().ok


def test_a_file_that_is_no_database_is_left_alone_and_said(data_dir: Path) -> None:
    (data_dir / DATABASE).write_bytes(b"no database at all, but somebody may want it" * 100)
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1"))
        while book.health().ok:
            assert not book.flush(0.1)
        assert "file is not a database" in book.health().reasons[0]
    assert (data_dir / DATABASE).read_bytes().startswith(b"no database at all")
    (data_dir / DATABASE).unlink()
    with a_book(data_dir) as book:
        assert book.flush()
    assert list(rows(data_dir)) == ["req_1"]


def test_a_newer_database_stops_the_start(data_dir: Path) -> None:
    with contextlib.closing(open_database(data_dir / DATABASE)) as database:
        migrate(database)
        database.execute("INSERT INTO migrations VALUES ('m9999_from_the_future')")
    for _ in range(2):
        with pytest.raises(LedgerUnusable, match=r"newer Tenbin .*m9999.*ledger\.directory"):
            Book(data_dir, PRICES, StandingClock())


def test_a_database_put_in_place_of_the_open_one_gets_no_part_of_it(data_dir: Path, tmp_path: Path) -> None:
    with a_book(tmp_path / "other", clock=StandingClock(NOON_MS + 1)) as other:
        other.settle(a_receipt("req_other"))
        assert other.flush()
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1"))
        assert book.flush()
        (tmp_path / "other" / DATABASE).replace(data_dir / DATABASE)
        book.settle(a_receipt("req_2"))
        assert book.flush()
        assert book.health().ok
    # What was entered before into the one that is gone still stood in the journal.
    assert sorted(rows(data_dir)) == ["req_1", "req_2", "req_other"]
    with queries.reading(data_dir / DATABASE) as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_newer_database_put_in_place_is_not_touched_and_receipts_wait_in_the_journal(
    data_dir: Path, tmp_path: Path
) -> None:
    with contextlib.closing(open_database(tmp_path / "newer")) as database:
        migrate(database)
        database.execute("INSERT INTO migrations VALUES ('m9999_from_the_future')")
    with a_book(data_dir) as book:
        assert book.flush()
        (tmp_path / "newer").replace(data_dir / DATABASE)
        book.settle(a_receipt("req_1"))
        while not any("newer Tenbin" in reason for reason in book.health().reasons):
            assert not book.flush(0.1)
    assert in_journal(data_dir, SETTLED) == 1


def test_an_older_copy_of_the_database_is_filled_up_and_nothing_entered_twice(data_dir: Path, tmp_path: Path) -> None:
    """A restored backup, or a power cut that took the last commits back."""
    with killed_book(data_dir) as book:
        for number in range(10):
            book.settle(a_receipt(f"req_{number}"))
        assert book.flush()
        with contextlib.closing(sqlite3.connect(data_dir / DATABASE)) as database:
            database.execute("VACUUM INTO ?", (str(tmp_path / "backup"),))
        for number in range(10, 30):
            book.settle(a_receipt(f"req_{number}"))
        assert book.flush()
    for name in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (data_dir / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup", data_dir / DATABASE)
    with a_book(data_dir) as book:
        assert book.flush()
        assert book.counts().entered == 20
    assert len(rows(data_dir)) == 30


def test_a_lost_position_enters_nothing_twice(data_dir: Path) -> None:
    with killed_book(data_dir) as book:
        for number in range(10):
            book.settle(a_receipt(f"req_{number}"))
        assert book.flush()
    with contextlib.closing(sqlite3.connect(data_dir / DATABASE)) as database, database:
        database.execute("DELETE FROM journal_position")
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_10"))
        assert book.flush()
        assert book.counts().rejected == 0
    assert len(rows(data_dir)) == 11

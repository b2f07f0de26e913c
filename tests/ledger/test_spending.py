"""Sums of the ledger by quarters of an hour: always what the rows say, however often and by whoever they are read."""

import os
import random
import sqlite3
import threading
from pathlib import Path

import pytest

from tenbin.core.usage import Usage
from tenbin.ledger import queries, spending
from tenbin.ledger.book import Book
from tenbin.ledger.segments import DATABASE
from tenbin.ledger.spending import FILE, SLOT_MS, spendings
from tests.ledger.making import NOON_MS, a_book, a_receipt, an_attempt

HOUR_MS = 3_600_000


def settle(book: Book, number: int, **changes: object) -> int:
    """A request of its own cost; returns it, in nano-USD."""
    at = changes.pop("at_ms", NOON_MS)
    model = changes.pop("model", "anvil-1")
    attempt = an_attempt(started_at_ms=at, model=model, usage=Usage(input=number, output=1))
    receipt = book.settle(a_receipt(f"req_{number}", attempt, arrived_at_ms=at, **changes))
    assert receipt.billed_nano is not None
    return receipt.billed_nano


def test_sums_are_those_of_the_rows(tmp_path: Path) -> None:
    chance, by_key, whole = random.Random(5), dict[str, int](), 0
    with a_book(tmp_path) as book:
        for number in range(1, 400):
            key = f"key_{chance.randrange(5)}"
            cost = settle(book, number, at_ms=NOON_MS + chance.randrange(10 * HOUR_MS), key_id=key)
            whole += cost
            by_key[key] = by_key.get(key, 0) + cost
        assert book.flush()
        with spendings(tmp_path) as found:
            (total,) = found.spent(NOON_MS, NOON_MS + 10 * HOUR_MS)
            assert (total.spent_nano, total.calls, total.output, total.unknown) == (whole, 399, 399, 0)
            assert {one.by[0]: one.spent_nano for one in found.spent(0, 2**60, ("key",))} == by_key
            bounds = [NOON_MS + hour * HOUR_MS for hour in range(11)]
            assert sum(found.series(bounds)[()]) == whole
            assert {key: sum(row) for (key,), row in found.series(bounds, ("key",)).items()} == by_key
            assert found.first_ms() is not None


def test_what_comes_later_is_taken_in_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spending, "FOLD_ROWS", 7)
    whole = 0
    with a_book(tmp_path) as book:
        for turn in range(5):
            whole += sum(settle(book, turn * 100 + number) for number in range(1, 20))
            assert book.flush()
            for _ in range(2):
                with spendings(tmp_path) as found:
                    assert found.spent(0, 2**60)[0].spent_nano == whole
    assert os.stat(tmp_path / FILE).st_mode & 0o777 == 0o600


def test_the_ends_of_a_stretch(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        costs = [settle(book, 1 + place, at_ms=NOON_MS + place * SLOT_MS) for place in range(4)]
        assert book.flush()
    with spendings(tmp_path) as found:
        assert found.spent(NOON_MS + SLOT_MS, NOON_MS + 3 * SLOT_MS)[0].spent_nano == costs[1] + costs[2]
        assert found.spent(NOON_MS - SLOT_MS, NOON_MS)[0].calls == 0


def test_what_budgets_count_of_an_interrupted_call_is_what_was_set_aside(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        for number, aside in ((1, 5_000_000), (2, 500)):
            first = an_attempt(1, outcome="interrupted", reserved_nano=aside, usage=Usage(input=1))
            book.settle(a_receipt(f"req_{number}", first, outcome="interrupted"))
        assert book.flush()
    with spendings(tmp_path) as found:
        assert found.spent(0, 2**60)[0].spent_nano == 5_000_000 + 2_000


def test_corrections_count_once(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        book.settle(a_receipt("req_1", an_attempt(1, model="nobody-knows-it")))
        cost = settle(book, 2)
        assert book.flush()
    with spendings(tmp_path) as found:
        assert (found.spent(0, 2**60)[0].spent_nano, found.spent(0, 2**60)[0].unknown) == (cost, 1)
    ledger = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    whole = cost
    for request, nano in ((1, 7_000), (1, -1_000), (2, 500)):
        ledger.execute(
            "INSERT INTO corrections (request, number, at_ms, nano, stated_id, statement) VALUES (?, 1, 0, ?, '', '')",
            (request, nano),
        )
        whole = cost + ledger.execute("SELECT sum(nano) FROM corrections").fetchone()[0]
        for _ in range(2):
            with spendings(tmp_path) as found:
                assert (found.spent(0, 2**60)[0].spent_nano, found.spent(0, 2**60)[0].unknown) == (whole, 0)
    (tmp_path / FILE).unlink()
    with spendings(tmp_path) as found:
        assert (found.spent(0, 2**60)[0].spent_nano, found.spent(0, 2**60)[0].unknown) == (whole, 0)
    ledger.close()


def test_what_was_set_aside_no_longer_counts_once_a_statement_says_what_was_charged(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        lost = an_attempt(1, outcome="interrupted", usage=Usage(input=1_000), reserved_nano=50_000_000)
        book.settle(a_receipt("req_1", lost, outcome="interrupted"))
        assert book.flush()
    with spendings(tmp_path) as found:
        assert found.spent(0, 2**60)[0].spent_nano == 50_000_000
    with sqlite3.connect(tmp_path / DATABASE, isolation_level=None) as ledger:
        for nano, counted in ((600_000, 2_600_000), (-100_000, 2_500_000)):
            ledger.execute("INSERT INTO corrections VALUES (NULL, 1, 1, 0, ?, '', '')", (nano,))
            with spendings(tmp_path) as found:
                assert found.spent(0, 2**60)[0].spent_nano == counted
    ledger.close()


def test_retries_failures_unknown_prices_and_what_could_be_a_batch(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        failed = an_attempt(1, outcome="failed", failure="cut", usage=Usage(input=1_000))
        book.settle(a_receipt("req_1", failed, an_attempt(2), stream=False, session=None))
        book.settle(a_receipt("req_2", an_attempt(1, model="nobody-knows-it")))
        rungs = (an_attempt(1, rung=1), an_attempt(2, rung=2))
        book.settle(a_receipt("req_3", *rungs, stream=False))
        assert book.flush()
    with spendings(tmp_path) as found:
        (total,) = found.spent(0, 2**60)
        assert (total.calls, total.retries, total.unknown, total.failed_nano) == (5, 1, 1, 2_000_000)
        assert {one.by[0]: one.calls for one in found.spent(0, 2**60, ("batchable",))} == {"yes": 2, "no": 3}
        only = found.spent(0, 2**60, ("model",), only={"batchable": "no"})
        assert [(one.by[0], one.calls) for one in only] == [("acme/anvil-1", 2), ("acme/nobody-knows-it", 1)]


def test_another_ledger_in_its_place_is_summed_up_anew(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        for number in range(1, 30):
            settle(book, number)
    with spendings(tmp_path) as found:
        assert found.spent(0, 2**60)[0].calls == 29
    other = tmp_path / "other"
    with a_book(other) as book:
        cost = settle(book, 777)
    (other / DATABASE).replace(tmp_path / DATABASE)
    with spendings(tmp_path) as found:
        assert (found.spent(0, 2**60)[0].calls, found.spent(0, 2**60)[0].spent_nano) == (1, cost)


@pytest.mark.parametrize("spoilt", [b"this is no database, whatever it is called " * 50, b""])
def test_a_spoilt_file_is_made_anew(tmp_path: Path, spoilt: bytes) -> None:
    with a_book(tmp_path) as book:
        settle(book, 1)
    (tmp_path / FILE).write_bytes(spoilt)
    for _ in range(2):
        with spendings(tmp_path) as found:
            assert found.spent(0, 2**60)[0].calls == 1


def test_one_of_another_edition_is_made_anew(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        settle(book, 1)
    with sqlite3.connect(tmp_path / FILE) as database:
        database.executescript("CREATE TABLE slots (other); PRAGMA user_version = 99")
    with spendings(tmp_path) as found:
        assert found.spent(0, 2**60)[0].calls == 1


def test_where_the_file_cannot_be_written_the_sums_are_made_in_memory(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        settle(book, 1)
    (tmp_path / FILE).mkdir()
    with spendings(tmp_path) as found:
        assert found.spent(0, 2**60)[0].calls == 1
    (tmp_path / FILE).rmdir()


def test_while_somebody_else_writes_it_the_sums_are_made_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spending, "_BUSY_SECONDS", 0.05)
    with a_book(tmp_path) as book:
        settle(book, 1)
        assert book.flush()
        with spendings(tmp_path) as found:
            assert found.spent(0, 2**60)[0].calls == 1
        settle(book, 2)
        assert book.flush()
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with spendings(tmp_path) as found:
        assert found.spent(0, 2**60)[0].calls == 2
    other.execute("ROLLBACK")
    other.close()


def test_a_ledger_that_an_older_tenbin_wrote(tmp_path: Path) -> None:
    from tenbin.ledger.migrations import MIGRATIONS, migrate

    with a_book(tmp_path / "new") as book:
        settle(book, 1)
    with queries.reading(tmp_path / "new" / DATABASE) as new:
        request, attempt = (tuple(new.execute(f"SELECT * FROM {name}").fetchone()) for name in ("requests", "attempts"))
    old = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    migrate(old, steps=MIGRATIONS[:1])
    for name, row in (("requests", request), ("attempts", attempt)):
        width = len(old.execute(f"PRAGMA table_info({name})").fetchall())
        old.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * width)})", row[:width])
    old.close()
    with spendings(tmp_path) as found:
        assert found.spent(0, 2**60)[0].calls == 1


def test_a_ledger_without_rows_or_tables(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no ledger"), spendings(tmp_path):
        pass
    sqlite3.connect(tmp_path / DATABASE).close()
    (tmp_path / DATABASE).touch()
    with spendings(tmp_path) as found:
        assert (found.spent(0, 2**60)[0].calls, found.first_ms()) == (0, None)


def test_many_readers_beside_a_gateway_that_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spending, "FOLD_ROWS", 16)
    monkeypatch.setattr(spending, "_BUSY_SECONDS", 30.0)
    faults: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        seen = 0
        try:
            while not done.is_set():
                with spendings(tmp_path) as found:
                    (total,) = found.spent(0, 2**60)
                    assert total.calls >= seen
                    assert total.output == total.calls
                    seen = total.calls
        except BaseException as error:  # noqa: BLE001 - told below, in the test's own thread
            faults.append(error)

    with a_book(tmp_path) as book:
        whole = settle(book, 1)
        assert book.flush()
        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for number in range(2, 600):
            whole += settle(book, number)
            if number % 100 == 0:
                assert book.flush()
        assert book.flush()
        done.set()
        for reader in readers:
            reader.join()
        assert faults == []
        with spendings(tmp_path) as found:
            assert (found.spent(0, 2**60)[0].calls, found.spent(0, 2**60)[0].spent_nano) == (599, whole)

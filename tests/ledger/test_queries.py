"""What can be asked of the ledger."""

import contextlib
import sqlite3
from pathlib import Path

import msgspec
import pytest

from tenbin.core.usage import Usage
from tenbin.ledger import queries
from tenbin.ledger.migrations import MIGRATIONS
from tenbin.ledger.segments import DATABASE
from tests.ledger.making import A_WEIGHING, NOON_MS, a_book, a_receipt, an_attempt

DAY_MS = 86_400_000


@pytest.fixture
def path(data_dir: Path) -> Path:
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1", an_attempt(1, outcome="cut", provider="home", model="smol"), an_attempt(2)))
        book.settle(a_receipt("req_2", an_attempt(model="anvil-99"), key_id="k2", arrived_at_ms=NOON_MS + DAY_MS))
        book.settle(a_receipt("req_3", an_attempt(provider_cost_nano=5), session=None))
        assert book.flush()
    return data_dir / DATABASE


def test_the_newest_come_first(path: Path) -> None:
    with queries.reading(path) as database:
        assert [receipt.request_id for receipt in queries.recent(database)] == ["req_3", "req_2", "req_1"]
        assert [receipt.request_id for receipt in queries.recent(database, 1)] == ["req_3"]


def test_one_by_its_id(path: Path) -> None:
    with queries.reading(path) as database:
        found = queries.receipt(database, "req_1")
        assert found is not None
        assert [attempt.provider for attempt in found.attempts] == ["home", "acme"]
        assert queries.receipt(database, "req_9") is None


def test_sums_by_model_leave_unknown_costs_out_and_count_them(path: Path) -> None:
    with queries.reading(path) as database:
        totals = {total.by: total for total in queries.totals(database, ["model"])}
    assert {by: (t.requests, t.attempts, t.billed_nano, t.unknown) for by, t in totals.items()} == {
        ("acme/anvil-1",): (2, 2, 3_000_005, 0),
        ("acme/anvil-99",): (1, 1, 0, 1),
        ("home/smol",): (1, 1, 0, 0),
    }
    assert totals["acme/anvil-1",].usage == Usage(input=2_000, output=200)


def test_sums_by_day_and_key_in_utc(path: Path) -> None:
    with queries.reading(path) as database:
        by = {total.by: total.requests for total in queries.totals(database, ["day", "key"])}
        first_day = queries.totals(database, until_ms=NOON_MS + DAY_MS)
    assert by == {("2026-11-21", "local"): 2, ("2026-11-22", "k2"): 1}
    assert [(total.by, total.requests, total.attempts) for total in first_day] == [((), 2, 3)]


def test_sums_of_nothing(path: Path) -> None:
    with queries.reading(path) as database:
        assert queries.totals(database, ["model"], since_ms=NOON_MS + 10 * DAY_MS) == []
        (total,) = queries.totals(database, since_ms=NOON_MS + 10 * DAY_MS)
    assert (total.requests, total.billed_nano, total.unknown, total.usage) == (0, 0, 0, Usage())


def test_reading_writes_nothing(path: Path) -> None:
    with queries.reading(path) as database:
        assert queries.schema(database) == [step.__name__ for step in MIGRATIONS]
        with pytest.raises(Exception, match="readonly"):
            database.execute("DELETE FROM requests")


def test_a_ledger_that_is_not_there_yet_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="begun with the first request"), queries.reading(tmp_path / "x"):
        pass


def test_a_receipt_is_read_as_it_was_settled(data_dir: Path) -> None:
    attempt = an_attempt(
        usage=Usage(input=1, cache_read=2, cache_write_5m=3, cache_write_1h=4, output=5, reasoning=1, web_searches=1),
        service_tier="flex",
        first_byte_ms=1.5,
        upstream_request_id="up_1",
        answered_model="anvil-1-20261001",
        stop_reason="end_turn",
        message="slow",
    )
    receipt = a_receipt(
        "req_1", attempt, trace=({"step": "call"}, ["x", 1]), weighing=A_WEIGHING, queue_ms=0.25, first_byte_ms=2.0
    )
    with a_book(data_dir) as book:
        priced = book.settle(receipt)
        assert book.flush()
    with queries.reading(data_dir / DATABASE) as database:
        found = queries.receipt(database, "req_1")
    assert found == priced
    assert msgspec.structs.replace(found, attempts=()) == msgspec.structs.replace(receipt, attempts=())


def test_a_weighing_is_kept_also_when_its_receipt_is_entered_by_itself(data_dir: Path) -> None:
    with a_book(data_dir) as book:
        book.settle(a_receipt("req_1"))
        assert book.flush()
        book.settle(a_receipt("req_1", weighing=A_WEIGHING))
        book.settle(a_receipt("req_2", weighing=A_WEIGHING))
        assert book.flush()
    with queries.reading(data_dir / DATABASE) as database:
        first, second = queries.receipt(database, "req_1"), queries.receipt(database, "req_2")
        assert first is not None
        assert first.weighing is None
        assert second is not None
        assert second.weighing == A_WEIGHING


def test_a_database_from_before_weighings_is_read(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DROP TABLE weighings")
        database.execute("DELETE FROM migrations WHERE name = 'm0002_weighings'")
    with queries.reading(path) as database:
        assert queries.receipt(database, "req_1") is not None


def test_a_database_from_before_experiments_is_read(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DROP TABLE shadows")
        database.execute("DROP INDEX requests_by_experiment")
        for column in ("experiment", "arm", "unit"):
            database.execute(f"ALTER TABLE requests DROP COLUMN {column}")
        database.execute("DELETE FROM migrations WHERE name = 'm0005_experiments'")
    with queries.reading(path) as database:
        found = queries.receipt(database, "req_1")
        assert found is not None
        assert (found.experiment, found.arm, found.shadow) == (None, None, None)

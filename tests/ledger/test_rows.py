"""Every field of a receipt has its column, and the documentation has every column."""

import sqlite3
from pathlib import Path

from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import Usage
from tenbin.ledger.migrations import migrate
from tenbin.ledger.rows import ATTEMPT_COLUMNS, BUCKET_COLUMNS, REQUEST_COLUMNS, attempt_row, request_row
from tests.ledger.making import a_receipt, an_attempt

DOCUMENT = Path(__file__).parents[2] / "docs" / "ledger.md"


def columns(table: str) -> list[str]:
    database = sqlite3.connect(":memory:", isolation_level=None)
    migrate(database)
    return [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")]


def test_the_lists_of_columns_are_those_of_the_tables() -> None:
    assert sorted(columns("requests")) == sorted(REQUEST_COLUMNS)
    assert sorted(columns("attempts")) == sorted(ATTEMPT_COLUMNS)


def test_a_row_has_as_many_values_as_columns() -> None:
    assert len(request_row(1, a_receipt())) == len(REQUEST_COLUMNS)
    assert len(attempt_row(1, an_attempt())) == len(ATTEMPT_COLUMNS)


def test_no_field_is_left_out() -> None:
    assert set(Usage.__struct_fields__) == set(BUCKET_COLUMNS)
    assert set(Receipt.__struct_fields__) - {"weighing"} <= set(REQUEST_COLUMNS)
    assert set(Attempt.__struct_fields__) - {"usage"} <= set(ATTEMPT_COLUMNS)


def test_values_stand_under_their_names() -> None:
    usage = Usage(**{name: number for number, name in enumerate(BUCKET_COLUMNS, 1)})  # type: ignore[arg-type]
    attempt = an_attempt(3, usage=usage, cost_nano=77, price="p", service_tier="flex", stop_reason="end_turn")
    row = dict(zip(ATTEMPT_COLUMNS, attempt_row(9, attempt), strict=True))
    assert {name: row[name] for name in BUCKET_COLUMNS} == {name: getattr(usage, name) for name in BUCKET_COLUMNS}
    for name in Attempt.__struct_fields__:
        if name != "usage":
            assert row[name] == getattr(attempt, name), name
    receipt = a_receipt("req_9", attempt, trace=({"a": 1},), queue_ms=0.5, first_byte_ms=2.0)
    row = dict(zip(REQUEST_COLUMNS, request_row(9, receipt), strict=True))
    for name in Receipt.__struct_fields__:
        if name not in ("attempts", "trace", "weighing"):
            assert row[name] == getattr(receipt, name), name
    assert (row["attempts"], row["trace"], row["cost_nano"], row["billed_nano"]) == (1, '[{"a":1}]', 77, 77)


def test_the_documentation_has_every_table_and_column_in_order() -> None:
    documented: dict[str, list[str]] = {}
    table = ""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("### Table `"):
            table = line.split("`")[1]
            documented[table] = []
        elif line.startswith("#"):
            table = ""
        elif table and line.startswith("| `"):
            documented[table].append(line.split("`")[1])
    tables = ("requests", "attempts", "weighings", "journal_position", "migrations")
    assert documented == {table: columns(table) for table in tables}

"""Every field of a receipt has its column, and the documentation has every column."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import Usage
from tenbin.ledger.migrations import migrate
from tenbin.ledger.queries import recent
from tenbin.ledger.rows import ATTEMPT_COLUMNS, BUCKET_COLUMNS, REQUEST_COLUMNS, Batch, attempt_row, request_row
from tests.ledger.making import A_CLIMB, A_GATING, A_SHADOW, A_WEIGHING, a_receipt, an_attempt, usages

DOCUMENT = Path(__file__).parents[2] / "docs" / "ledger.md"


def columns(table: str) -> list[str]:
    database = sqlite3.connect(":memory:", isolation_level=None)
    migrate(database)
    return [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")]


def test_the_lists_of_columns_are_those_of_the_tables() -> None:
    assert sorted(columns("requests")) == sorted(REQUEST_COLUMNS)
    assert sorted(columns("attempts")) == sorted(ATTEMPT_COLUMNS)


def test_a_row_has_as_many_values_as_columns() -> None:
    assert len(sum(request_row(1, a_receipt()), ())) == len(REQUEST_COLUMNS)
    assert len(sum(attempt_row(1, an_attempt()), ())) == len(ATTEMPT_COLUMNS)


def test_no_field_is_left_out() -> None:
    assert set(Usage.__struct_fields__) == set(BUCKET_COLUMNS)
    assert set(Receipt.__struct_fields__) - {"weighing", "shadow", "signals", "cached", "climb"} <= set(REQUEST_COLUMNS)
    assert set(Attempt.__struct_fields__) - {"usage"} <= set(ATTEMPT_COLUMNS)


def test_values_stand_under_their_names() -> None:
    counts: dict[str, Any] = {name: number for number, name in enumerate(BUCKET_COLUMNS, 1)}
    usage = Usage(**{**counts, "input_estimated": False, "output_estimated": True})
    attempt = an_attempt(3, usage=usage, cost_nano=77, price="p", service_tier="flex", stop_reason="end_turn")
    row = dict(zip(ATTEMPT_COLUMNS, sum(attempt_row(9, attempt), ()), strict=True))
    assert {name: row[name] for name in BUCKET_COLUMNS} == {name: getattr(usage, name) for name in BUCKET_COLUMNS}
    for name in Attempt.__struct_fields__:
        if name not in ("usage", "rung", "purpose", "gating", "hedge"):
            assert row[name] == getattr(attempt, name), name
    assert (row["rung"], row["purpose"], row["gating"], row["hedge"]) == (None, None, None, None)
    receipt = a_receipt("req_9", attempt, trace=({"a": 1},), queue_ms=0.5, first_byte_ms=2.0)
    row = dict(zip(REQUEST_COLUMNS, sum(request_row(9, receipt), ()), strict=True))
    for name in Receipt.__struct_fields__:
        if name not in ("attempts", "trace", "weighing", "shadow", "signals", "cached", "climb", "team", "user"):
            assert row[name] == getattr(receipt, name), name
    assert (row["team"], row["user"]) == (None, None)
    assert (row["attempts"], row["trace"], row["cost_nano"], row["billed_nano"]) == (1, '[{"a":1}]', 77, 77)


some_text = st.none() | st.sampled_from(["", "x", "standard"])
some_amount = st.none() | st.sampled_from([0, 1, 10**12])

ended_attempts = st.builds(
    an_attempt,
    st.just(1),
    outcome=st.sampled_from(["answered", "failed", "cut"]),
    failure=st.sampled_from([None, "timeout"]),
    status=st.sampled_from([None, 200, 529]),
    message=st.sampled_from(["", "slow"]),
    usage=usages(),
    cost_nano=some_amount,
    provider_cost_nano=some_amount,
    service_tier=some_text,
    first_byte_ms=st.sampled_from([None, 0.0, 1.5]),
    upstream_request_id=some_text,
    answered_model=some_text,
    stop_reason=some_text,
    rung=st.sampled_from([0, 2]),
    purpose=st.sampled_from(["", "judge"]),
    hedge=st.sampled_from([0, 1, 2]),
    reserved_nano=some_amount,
    gating=st.sampled_from([None, A_GATING]),
)


@given(
    st.lists(
        st.builds(
            lambda attempts, **fields: (attempts, fields),
            st.lists(ended_attempts, max_size=2),
            stream=st.booleans(),
            session=some_text,
            failure=st.sampled_from([None, "timeout"]),
            first_byte_ms=st.sampled_from([None, 0.0, 2.0]),
            trace=st.sampled_from([(), (["call", "acme/anvil-1", "answered"],)]),
            weighing=st.sampled_from([None, A_WEIGHING]),
            experiment=st.sampled_from([None, "cheaper"]),
            operation=st.just("shadow"),
            shadow=st.sampled_from([None, A_SHADOW]),
            climb=st.sampled_from([None, A_CLIMB]),
            team=st.sampled_from(["", "search"]),
            user=st.sampled_from(["", "ada"]),
        ),
        max_size=6,
    )
)
def test_whatever_is_empty_or_given_a_batch_is_read_as_it_was(
    drawn: list[tuple[list[Attempt], dict[str, Any]]],
) -> None:
    receipts = [
        msgspec.structs.replace(
            a_receipt(f"req_{place}", **fields),
            attempts=tuple(msgspec.structs.replace(attempt, number=n) for n, attempt in enumerate(attempts, 1)),
        )
        for place, (attempts, fields) in enumerate(drawn, 1)
    ]
    database = sqlite3.connect(":memory:", isolation_level=None)
    migrate(database)
    database.row_factory = sqlite3.Row
    batch = Batch()
    for row_id, receipt in enumerate(receipts, 1):
        batch.add(row_id, receipt)
    batch.enter(database)
    assert recent(database, 100) == receipts[::-1]
    stored = database.execute("SELECT cost_nano, billed_nano FROM requests ORDER BY id").fetchall()
    assert [tuple(row) for row in stored] == [(receipt.cost_nano, receipt.billed_nano) for receipt in receipts]


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
    tables = (
        "requests",
        "attempts",
        "weighings",
        "shadows",
        "signals",
        "climbs",
        "corrections",
        "cached",
        "journal_position",
        "migrations",
    )
    assert documented == {table: columns(table) for table in tables}

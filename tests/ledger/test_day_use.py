"""What keys have used since a moment, as the ledger has it: the same as the gateway counts while it runs."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenbin.core.receipt import Receipt
from tenbin.decide.limits import COUNTED, is_counted, tokens_of
from tenbin.execute.clock import SystemClock
from tenbin.ledger.book import Book
from tenbin.ledger.day_use import DayUse, LedgerSilent
from tenbin.ledger.prices import PriceBook
from tenbin.ledger.segments import DATABASE
from tests.decide.test_limits import NOW_MS, attempt, receipt

attempts = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), max_size=3)
receipts = st.lists(
    st.tuples(
        attempts,
        st.sampled_from(["answered", "failed", "cancelled"]),
        st.sampled_from(["generate", "embed", "shadow"]),
        st.sampled_from(["a", "b"]),
        st.integers(-5, 5),
    ),
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=receipts)
def test_the_ledger_counts_as_the_gateway_does(
    made: list[tuple[Any, ...]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("ledger")
    book = Book(directory, PriceBook({}), SystemClock())
    book.recover()
    expected = {"a": [0, 0], "b": [0, 0]}
    for number, (calls, outcome, operation, key_id, offset) in enumerate(made):
        one: Receipt = msgspec.structs.replace(
            receipt(
                *(attempt(prompt, output, place) for place, (prompt, output) in enumerate(calls, start=1)),
                outcome=outcome,
                operation=operation,
            ),
            request_id=f"r{number}",
            key_id=key_id,
            arrived_at_ms=NOW_MS + offset,
        )
        book.settle(one)
        if offset >= 0 and is_counted(one):
            expected[key_id][0] += 1
            expected[key_id][1] += tokens_of(one)
    known = DayUse(directory / DATABASE, lambda: book.flush(20), COUNTED)
    assert {key: list(known(key, NOW_MS)) for key in expected} == expected
    book.close()


def test_the_ledger_is_read_once_and_again_for_whom_it_has_moved(tmp_path: Path) -> None:
    book = Book(tmp_path, PriceBook({}), SystemClock())
    book.recover()
    asked = 0

    def flush() -> bool:
        nonlocal asked
        asked += 1
        return book.flush(20)

    known = DayUse(tmp_path / DATABASE, flush, COUNTED)
    assert [known(key, NOW_MS) for key in ("a", "b", "c")] == [(0, 0)] * 3
    assert asked == 1
    book.settle(msgspec.structs.replace(receipt(attempt(5, 5)), key_id="b", arrived_at_ms=NOW_MS))
    known.moved("b")
    assert known("b", NOW_MS) == (1, 10)
    assert known("a", NOW_MS) == (0, 0)
    assert asked == 2
    book.close()


def test_a_ledger_that_does_not_take_receipts_tells_nothing(tmp_path: Path) -> None:
    with pytest.raises(LedgerSilent, match="does not take"):
        DayUse(tmp_path / DATABASE, lambda: False, COUNTED)("a", NOW_MS)


def test_of_a_ledger_that_has_not_begun_nothing_is_used(tmp_path: Path) -> None:
    assert DayUse(tmp_path / DATABASE, lambda: True, COUNTED)("a", NOW_MS) == (0, 0)

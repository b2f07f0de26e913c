"""Corrections: new rows beside the attempts, the same again changes nothing, and every sum holds them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tenbin.core.usage import Usage
from tenbin.ledger import corrections, queries
from tenbin.ledger.book import Book
from tenbin.ledger.corrections import Summary
from tenbin.ledger.migrations import MIGRATIONS, migrate
from tenbin.ledger.reconciliation import Reconciliation, reconcile
from tenbin.ledger.segments import DATABASE
from tenbin.ledger.statement import Charge
from tenbin.ledger.writer import open_database
from tests.ledger.making import NOON_MS, PRICES, StandingClock, a_book, a_receipt, abandon, an_attempt, open_in

BILLED = 2_000_000 + 1_000_000
"""Of an attempt as ``an_attempt`` makes it."""


@pytest.fixture
def ledger(data_dir: Path) -> Iterator[sqlite3.Connection]:
    """Two answers, one that was cut, and one that the gateway died over."""
    book = Book(data_dir, PRICES, StandingClock())
    book.recover()
    book.settle(a_receipt("req_1", an_attempt(upstream_request_id="up_1"), team="search"))
    cut = Usage(input=10, output=1, output_estimated=True)
    book.settle(a_receipt("req_2", an_attempt(upstream_request_id="up_2", usage=cut, outcome="cut")))
    book.settle(a_receipt("req_3", an_attempt(upstream_request_id="up_3", model="anvil-99")))
    open_in(book, "req_4", input_tokens=100)
    assert book.flush()
    abandon(book)
    with a_book(data_dir) as book:
        assert book.flush()
    with closing(open_database(data_dir / DATABASE)) as database:
        yield database


CHARGES = [
    Charge(1, "up_1", NOON_MS, "anvil-1", BILLED),
    Charge(2, "up_2", NOON_MS, "anvil-1", 90_000),
    Charge(3, "up_3", NOON_MS, "anvil-99", 17),
    Charge(4, "up_4", NOON_MS + 30, "anvil-1", 200_000),
]


def compared(database: sqlite3.Connection, charges: list[Charge]) -> Reconciliation:
    entries = corrections.entries(database)
    return reconcile(entries, charges, lambda entry, usage: None, since_ms=NOON_MS - 1, until_ms=NOON_MS + 1)


def applied(database: sqlite3.Connection, charges: list[Charge]) -> int:
    found = compared(database, charges)
    free = [entry for entry in found.not_on_statement if entry.estimated]
    return corrections.apply(database, found.matches, free, statement="november.csv", at_ms=NOON_MS)


def test_sums_become_the_statements_and_stay_so(ledger: sqlite3.Connection) -> None:
    before = ledger.execute("SELECT * FROM attempts").fetchall()
    assert corrections.summary(ledger) == Summary(BILLED + 30_000 + 200_000, 0, 0, 1, 2)
    assert applied(ledger, CHARGES) == 3
    expected = Summary(BILLED + 230_000, 60_000 + 17, 3, 0, 0)
    assert corrections.summary(ledger) == expected
    assert applied(ledger, CHARGES) == 0
    assert corrections.summary(ledger) == expected
    assert ledger.execute("SELECT * FROM attempts").fetchall() == before
    assert sum(charge.nano or 0 for charge in CHARGES) == BILLED + 230_000 + 60_017


def test_a_later_statement_corrects_again(ledger: sqlite3.Connection) -> None:
    applied(ledger, CHARGES)
    assert applied(ledger, [*CHARGES[:3], Charge(4, "up_4", NOON_MS + 30, "anvil-1", 150_000)]) == 1
    rows = ledger.execute("SELECT nano, stated_id, statement FROM corrections ORDER BY id").fetchall()
    assert rows[-1] == (-50_000, "up_4", "november.csv")
    assert corrections.summary(ledger).billed_nano + corrections.summary(ledger).corrected_nano == BILLED + 240_017


def test_an_estimate_that_nobody_charges_cost_nothing_and_what_was_stated_stays(ledger: sqlite3.Connection) -> None:
    assert applied(ledger, [CHARGES[0]]) == 2
    assert corrections.summary(ledger) == Summary(BILLED + 230_000, -230_000, 2, 1, 0)
    assert applied(ledger, [CHARGES[1]]) == 1  # the statement came late: now it is charged


def test_another_hand_meanwhile_is_not_written_over(ledger: sqlite3.Connection) -> None:
    found = compared(ledger, CHARGES)
    assert applied(ledger, CHARGES) == 3
    assert corrections.apply(ledger, found.matches, [], statement="again", at_ms=NOON_MS) == 0


def test_what_changed_is_told_to_those_who_keep_sums(ledger: sqlite3.Connection) -> None:
    applied(ledger, CHARGES)
    told = corrections.after(ledger)
    assert [(one.request_id, one.nano, one.first) for one in told] == [
        ("req_2", 60_000, True),
        ("req_3", 17, True),
        ("req_4", 0, True),
    ]
    applied(ledger, [Charge(1, "up_1", NOON_MS, "anvil-1", BILLED + 5)])
    (last,) = [one for one in corrections.after(ledger, told[-1].id) if one.nano == 5]
    assert (last.team, last.key_id, last.provider, last.arrived_at_ms) == ("search", "local", "acme", NOON_MS)


def test_totals_hold_corrections(ledger: sqlite3.Connection, data_dir: Path) -> None:
    applied(ledger, CHARGES)
    with queries.reading(data_dir / DATABASE) as database:
        (total,) = queries.totals(database)
        by = {one.by: one for one in queries.totals(database, ["model"])}
    assert (total.billed_nano, total.corrected_nano, total.unknown) == (BILLED + 290_017, 60_017, 0)
    assert by["acme/anvil-99",].billed_nano == 17


def test_a_ledger_of_an_older_tenbin_is_read() -> None:
    database = sqlite3.connect(":memory:", isolation_level=None)
    migrate(database, steps=[step for step in MIGRATIONS if step.__name__ < "m0011"])
    assert corrections.entries(database) == []
    assert corrections.after(database) == []
    assert corrections.summary(database) == Summary(0, 0, 0, 0, 0)

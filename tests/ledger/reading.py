"""What the tests of the ledger read back of it, and a book whose process dies."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tenbin.core.receipt import Receipt
from tenbin.ledger import queries
from tenbin.ledger.book import Book
from tenbin.ledger.segments import DATABASE, JOURNAL, read_segment, segment_numbers
from tests.ledger.making import PRICES, StandingClock, abandon


def rows(directory: Path) -> dict[str, Receipt]:
    with queries.reading(directory / DATABASE) as database:
        found = queries.recent(database, 1_000_000)
    assert len({receipt.request_id for receipt in found}) == len(found)
    return {receipt.request_id: receipt for receipt in found}


def in_journal(directory: Path, kind: int) -> int:
    journal = directory / JOURNAL
    return sum(f.kind == kind for number in segment_numbers(journal) for f in read_segment(journal, number))


@contextlib.contextmanager
def killed_book(directory: Path, **options: object) -> Iterator[Book]:
    """A book that is not closed: its process dies."""
    book = Book(directory, PRICES, StandingClock(), **options)  # type: ignore[arg-type]
    book.recover()
    try:
        yield book
    finally:
        abandon(book)

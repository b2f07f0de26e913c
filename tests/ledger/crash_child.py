"""Run as a process by test_book_crash and test_journal_full_disk: opens and settles requests, and tells each one.

``python -m tests.ledger.crash_child DIRECTORY RUN`` goes on until it is killed.
"""

import os
import sys
from pathlib import Path

from tenbin.core.usage import Usage
from tenbin.ledger.book import Book
from tenbin.ledger.prices import PriceBook
from tests.ledger.making import PRICED, StandingClock, a_receipt, an_attempt, open_in

IN_FLIGHT = 7
"""Requests open at once; every hundredth one is never settled."""


def tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def main(directory: Path, run: str) -> None:
    book = Book(directory, PriceBook(PRICED, cache=directory), StandingClock(), sync_ms=2, segment_bytes=20_000)
    tell(f"recovered {book.recover()}")
    number = 0
    while True:
        request_id = f"req_{run}_{number}"
        open_in(book, request_id, input_tokens=number)
        tell(f"opened {request_id} {number}")
        book.progress(request_id, 1, number)
        done = number - IN_FLIGHT
        if done >= 0 and done % 100:
            usage = Usage(input=done, output=3)
            book.settle(a_receipt(f"req_{run}_{done}", an_attempt(usage=usage)))
            tell(f"settled req_{run}_{done} {done}")
        number += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

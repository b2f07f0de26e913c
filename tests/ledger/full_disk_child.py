"""Run as a process by test_journal_full_disk: fills the disk, goes on, and finds room again.

``python -m tests.ledger.full_disk_child DIRECTORY WAY`` with WAY ``limit`` (the largest file the process may write) or
``disk`` (a file called ``ballast`` in DIRECTORY/.. is deleted to make room).
"""

import resource
import signal
import sys
from pathlib import Path

from tenbin.ledger import queries
from tenbin.ledger.book import Book
from tenbin.ledger.segments import DATABASE
from tests.ledger.making import PRICES, StandingClock, a_receipt, open_in

REQUESTS = 2_000


def main(directory: Path, way: str) -> None:
    book = Book(directory, PRICES, StandingClock(), sync_ms=2)
    book.recover()
    book.settle(a_receipt("req_before"))
    assert book.flush(60)
    if way == "limit":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    for number in range(REQUESTS):
        open_in(book, f"req_{number}")
        assert book.settle(a_receipt(f"req_{number}")).cost_nano == 3_000_000
    while not any("can't be written" in reason for reason in book.health().reasons):
        book.flush(0.1)
    assert book.counts().waiting_bytes > 0
    assert book.counts().lost == 0
    assert not book.health().ok
    if way == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        (directory.parent / "ballast").unlink()
    while book.counts().waiting_bytes or not book.health().ok:
        book.flush(0.1)
    book.settle(a_receipt("req_after"))
    assert book.flush(60)
    assert book.health().ok, book.health()
    book.close()
    with queries.reading(directory / DATABASE) as database:
        found = [receipt.request_id for receipt in queries.recent(database, 10**9)]
    assert len(found) == len(set(found)) == REQUESTS + 2
    print("nothing lost")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

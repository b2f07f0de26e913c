"""Gateways that run in this process, and their ledgers, read from the database as a user would."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tenbin.config.model import Config
from tenbin.core.receipt import Receipt
from tenbin.core.usage import Usage
from tenbin.execute.clock import Clock
from tenbin.ledger.queries import reading, recent
from tenbin.running import RunningGateway

PATIENCE_SECONDS = 90.0
"""After this long a condition counts as never met: a failure, not a measurement."""


def wait_until(met: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as a condition holds. Raises AssertionError, saying what was waited for."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)


def database(directory: Path) -> Path:
    """The ledger's database in a gateway's data directory."""
    return directory / "ledger.sqlite"


def receipts_in(directory: Path) -> list[Receipt]:
    """All receipts of a ledger, oldest first."""
    with reading(database(directory)) as connection:
        return recent(connection, 100_000)[::-1]


class Books:
    """The ledger of a gateway that runs in this process."""

    def __init__(self, gateway: RunningGateway, directory: Path) -> None:
        self._gateway = gateway
        self._directory = directory
        self._seen = 0

    def new(self, count: int | None = None) -> list[Receipt]:
        """The receipts since the last call, in the order in which the requests came. A settlement may end just after
        the client has its answer: waits until nothing is in flight and, with ``count``, until there are so many; more
        is a failure.
        """
        book = self._gateway.book

        def settled() -> bool:
            counts = book.counts()
            return counts.in_flight == 0 and counts.settled >= self._seen + (count or 0)

        wait_until(settled, f"{count} receipts")
        assert book.flush(), "the ledger's database does not take the receipts"
        settled_now = book.counts().settled
        with reading(database(self._directory)) as connection:
            fresh = recent(connection, settled_now - self._seen)[::-1]
        self._seen = settled_now
        assert count is None or len(fresh) == count, [(one.path, one.requested_model, one.status) for one in fresh]
        # One whose usage is counted here is settled a moment later than one that came after it.
        return sorted(fresh, key=lambda receipt: receipt.arrived_at_ms)

    def one(self) -> Receipt:
        """The only receipt since the last call."""
        return self.new(1)[0]


@dataclass(frozen=True)
class House:
    """A gateway that runs in this process."""

    running: RunningGateway
    books: Books

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.running.url


@contextlib.contextmanager
def serving(config: Config, directory: Path, clock: Clock | None = None) -> Iterator[House]:
    """Run a gateway that keeps its ledger in ``directory``."""
    with RunningGateway(config, directory, clock=clock) as running:
        yield House(running, Books(running, directory))


def configured(**keys: Any) -> Config:
    """A configuration as tenbin.yaml would have it; nothing is looked for on the machine."""
    return msgspec.convert({"discover": False, "local_model": False, **keys}, Config)


def stated(usage: Usage) -> tuple[int, int, int]:
    """(prompt tokens, of them read from a cache, output tokens): what every dialect can say."""
    return usage.prompt, usage.cache_read, usage.output

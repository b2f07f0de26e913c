"""What the ledger's sums cost with many requests, CPU time: `python -m benchmarks.spending_sums --requests 1000000`."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import Usage
from tenbin.decide.budget import window_of
from tenbin.ledger.migrations import migrate
from tenbin.ledger.rows import Batch
from tenbin.ledger.segments import DATABASE
from tenbin.ledger.spending import FILE, spendings
from tenbin.ledger.writer import open_database
from tenbin.measure.spending.unusual import found_in

END_MS = 1_795_262_400_000
"""2026-11-21 12:00 UTC."""
DAYS, DAY_MS = 60, 86_400_000
BATCH = 5_000
KEYS = 40
MODELS = (("anthropic", "claude-opus-4-5"), ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-haiku-4-5"))
ROUTES = ("model:auto", "family", "provider", "model:fast", "default")


def a_receipt(chance: random.Random, number: int, at_ms: int) -> Receipt:
    """A request of some key to some model, on its way from some route."""
    provider, model = chance.choices((*MODELS, ("openai", "gpt-5"), ("openai", "gpt-5-mini")), (1, 4, 6, 2, 5))[0]
    usage = Usage(input=chance.randrange(10_000), output=chance.randrange(1_000), cache_read=chance.randrange(50_000))
    attempt = Attempt(
        number=1,
        provider=provider,
        model=model,
        dialect="anthropic",
        started_at_ms=at_ms,
        outcome="answered",
        status=200,
        usage=usage,
        cost_nano=chance.randrange(10_000, 40_000_000),
        price="made up",
    )
    key = int(chance.paretovariate(1.2)) % KEYS
    return Receipt(
        request_id=f"req_{number}",
        arrived_at_ms=at_ms,
        key_id=f"key_{key:016x}",
        dialect="anthropic",
        operation="generate",
        path="/v1/messages",
        requested_model="auto",
        stream=chance.random() < 0.7,
        route=chance.choices(ROUTES, (5, 3, 1, 1, 1))[0],
        outcome="answered",
        status=200,
        policy="0123456789abcdef",
        attempts=(attempt,),
        session=None if chance.random() < 0.5 else f"s{number % 1_000}",
        team=f"team{key % 5}",
        user=f"user{key % 20}",
    )


def fill(directory: Path, requests: int) -> None:
    """Make a ledger of so many requests, evenly over DAYS."""
    chance = random.Random(7)
    database = open_database(directory / DATABASE)
    migrate(database)
    for first in range(0, requests, BATCH):
        batch = Batch()
        for number in range(first, min(first + BATCH, requests)):
            at_ms = END_MS - DAYS * DAY_MS + DAYS * DAY_MS * number // requests
            batch.add(number + 1, a_receipt(chance, number, at_ms))
        database.execute("BEGIN")
        batch.enter(database)
        database.execute("COMMIT")
    database.close()


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the CPU time that it took."""
    began = time.process_time()
    yield
    print(f"{what:40} {time.process_time() - began:8.3f} s")


def main() -> int:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        fill(directory, parser.parse_args().requests)
        month, _ = window_of("month", "UTC", END_MS)
        with timed("first look: take in all requests"), spendings(directory):
            pass
        with timed("second look"), spendings(directory):
            pass
        with spendings(directory) as spent:
            with timed("the month's sum"):
                spent.spent(month, END_MS)
            with timed("the month by key"):
                spent.spent(month, END_MS, ("key",))
            with timed("the month by route and model"):
                spent.spent(month, END_MS, ("route", "model"))
            with timed("days and hours out of the usual"):
                found_in(spent, END_MS, "UTC", judge=7, by=("key", "route"), least=0)
        print(f"{'size of the sums':40} {(directory / FILE).stat().st_size / 1e6:8.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``kill -9`` of a real process, again and again at random points: no receipt and no money is lost or counted twice."""

import random
import signal
import subprocess
import sys
from pathlib import Path

from tenbin.core.receipt import Receipt
from tenbin.core.usage import Usage
from tenbin.ledger import queries
from tenbin.ledger.segments import DATABASE, JOURNAL
from tests.ledger.making import a_book

ROOT = Path(__file__).parents[2]
KILLS = 8


def run_until_killed(directory: Path, run: int, after: int) -> list[list[str]]:
    """All that the child told before it was killed, ``after`` so many lines."""
    command = [sys.executable, "-m", "tests.ledger.crash_child", str(directory), str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        told = [child.stdout.readline() for _ in range(after)]
        child.send_signal(signal.SIGKILL)
        told += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    return [line.decode().split() for line in told if line.endswith(b"\n")]


def test_nothing_that_was_told_is_lost_or_counted_twice(data_dir: Path) -> None:
    chance = random.Random(20261121)
    opened: dict[str, int] = {}
    settled: dict[str, int] = {}
    for run in range(KILLS):
        for what, *rest in run_until_killed(data_dir, run, chance.randint(1, 1_500)):
            if what != "recovered":
                (opened if what == "opened" else settled)[rest[0]] = int(rest[1])
    with a_book(data_dir) as book:
        assert book.flush(60)
        assert book.health().ok
    with queries.reading(data_dir / DATABASE) as database:
        receipts = queries.recent(database, 10**9)
        (total,) = queries.totals(database)
    found: dict[str, Receipt] = {receipt.request_id: receipt for receipt in receipts}
    assert len(found) == len(receipts)

    assert len(settled) > 100
    for request_id, number in settled.items():
        assert found[request_id].outcome == "answered"
        assert found[request_id].usage == Usage(input=number, output=3)
    in_flight = opened.keys() - settled.keys()
    assert in_flight
    for request_id in in_flight:
        receipt = found[request_id]
        # One that was settled in the instant before the kill could not be told any more.
        if receipt.outcome == "interrupted":
            assert receipt.usage.estimated
            assert receipt.usage.input == opened[request_id]
    for request_id in found.keys() - opened.keys():
        assert found[request_id].outcome == "interrupted"
    assert total.requests == total.attempts == len(found)
    assert total.billed_nano == sum(r.usage.input * 2_000 + r.usage.output * 10_000 for r in receipts)
    assert sum(path.stat().st_size for path in (data_dir / JOURNAL).iterdir()) == 0

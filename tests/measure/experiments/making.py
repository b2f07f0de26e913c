"""Ledgers of experiments: requests of simulated conversations, entered as the gateway enters them."""

import sqlite3
from collections.abc import Iterable
from typing import Any

import numpy as np

from tenbin.core.receipt import Attempt, Receipt
from tenbin.ledger.migrations import migrate
from tenbin.ledger.rows import Batch
from tests.ledger.making import NOON_MS, a_receipt, an_attempt

NAME = "cheaper"


def a_ledger() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", isolation_level=None)
    migrate(database)
    database.row_factory = sqlite3.Row
    return database


def enter(database: sqlite3.Connection, receipts: Iterable[Receipt]) -> None:
    (last,) = database.execute("SELECT coalesce(max(id), 0) FROM requests").fetchone()
    batch = Batch()
    for row_id, receipt in enumerate(receipts, last + 1):
        batch.add(row_id, receipt)
    batch.enter(database)


def taking_part(request_id: str, unit: str, arm: str, cost: int | None = 1_000, **changes: Any) -> Receipt:
    attempt: Attempt = an_attempt(cost_nano=cost)
    values = {"experiment": NAME, "arm": arm, "unit": unit, "first_byte_ms": 200.0, "total_ms": 900.0}
    return a_receipt(request_id, attempt, **{**values, **changes})


def conversations(
    seed: int, count: int, *, share: float = 0.5, errors: tuple[float, float] = (0.02, 0.02), dearer: float = 1.0
) -> list[Receipt]:
    """Requests of so many conversations, mixed as they would come; the treatment's rates differ from the control's."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        treated = random.random() < share
        usual = random.lognormal(0, 1)
        prone = random.beta(0.5, 0.5 * (1 / errors[treated] - 1)) if errors[treated] else 0.0
        for _ in range(random.geometric(0.4)):
            cost = int(1_000_000 * usual * random.lognormal(0, 0.4) * (dearer if treated else 1))
            rows.append((f"c{number}", "treatment" if treated else "control", cost, bool(random.random() < prone)))
    random.shuffle(rows)
    return [
        taking_part(
            f"req_{seed}_{place}",
            unit,
            arm,
            int(cost),
            arrived_at_ms=NOON_MS + place,
            outcome="failed" if failed else "answered",
        )
        for place, (unit, arm, cost, failed) in enumerate(rows)
    ]

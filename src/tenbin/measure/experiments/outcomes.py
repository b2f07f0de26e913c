"""What came of an experiment's requests, read from the ledger: one row a request, in the order of their settlement.

Read on from where it was left, so that the gateway's own watch over harm costs little.
"""

import sqlite3
from array import array
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tenbin.config.experiments import ARMS

Floats: TypeAlias = NDArray[np.float64]

HUMAN = ("feedback", "accepted", "rejected", "undone", "declined")
"""Signals (core.signal) that count as feedback: what people said of an answer, to the gateway or to the model."""
ERRORS = ("failed", "cut")
"""Outcomes that count as errors. A client that leaves is none."""

_COLUMNS = (
    "unit",
    "arm",
    "billed_nano",
    "error",
    "escalated",
    "gated",
    "passed",
    "first_byte_ms",
    "total_ms",
    "feedback",
    "feedbacks",
)


class Outcomes:
    """All requests of one experiment so far. Unknown figures are NaN."""

    def __init__(self, experiment: str) -> None:
        self.experiment = experiment
        self._clear()

    def _clear(self) -> None:
        self._columns = {name: array("d") for name in _COLUMNS}
        self._units: dict[str, int] = {}
        self._rows: dict[int, int] = {}
        """By the ledger's row, its place here."""
        self._last_request = self._last_signal = 0

    def __len__(self) -> int:
        return len(self._columns["unit"])

    def column(self, name: str) -> Floats:
        """One figure of each request: ``unit`` (its number), ``arm`` (0 control, 1 treatment), ``billed_nano``,
        ``error``, ``escalated``, ``gated`` and ``passed`` (answers), ``first_byte_ms``, ``total_ms``, ``feedback`` (a
        sum) and ``feedbacks`` (how many).
        """
        return np.frombuffer(self._columns[name], dtype=np.float64).copy() if len(self) else np.empty(0)

    @property
    def units(self) -> int:
        """Conversations, of both arms."""
        return len(self._units)

    def read_on(self, database: sqlite3.Connection) -> int:
        """Take in what has been settled since; returns how many requests that were. Raises sqlite3.Error."""
        if self._newest(database) < self._last_request:  # Somebody has deleted the ledger.
            self._clear()
        before = len(self)
        there = {name for _, name, *_ in database.execute("PRAGMA table_info(requests)")}
        if "experiment" not in there:
            return 0  # Written by an older Tenbin, and none of this one's gateways has opened it yet.
        of_attempts = {name for _, name, *_ in database.execute("PRAGMA table_info(attempts)")}
        rungs = "count(DISTINCT a.rung)" if "rung" in of_attempts else "0"
        gated = "count(a.gating), coalesce(sum(json_extract(a.gating, '$.passed')), 0)"
        rows = database.execute(
            f"""
            SELECT r.id, r.unit, r.arm, r.outcome, r.billed_nano, r.first_byte_ms, r.total_ms,
                {rungs}, {gated if "gating" in of_attempts else "0, 0"}
            FROM requests r LEFT JOIN attempts a ON a.request = r.id
            WHERE r.experiment = ? AND r.id > ? GROUP BY r.id ORDER BY r.id
            """,
            (self.experiment, self._last_request),
        )
        for row in rows:
            self._add(*row)
        self._feedback(database)
        return len(self) - before

    def _add(
        self,
        row_id: int,
        unit: str,
        arm: str,
        outcome: str,
        billed: int | None,
        first_byte_ms: float | None,
        total_ms: float,
        rungs: int,
        gated: int,
        passed: int,
    ) -> None:
        self._last_request = row_id
        if arm not in ARMS or outcome in ("cancelled", "interrupted"):
            return  # Neither says anything of a policy: the client left, or the gateway died.
        self._rows[row_id] = len(self)
        values = (
            float(self._units.setdefault(unit, len(self._units))),
            float(arm == "treatment"),
            np.nan if billed is None else float(billed),
            float(outcome in ERRORS),
            float(rungs > 1),
            float(gated),
            float(passed),
            np.nan if first_byte_ms is None else first_byte_ms,
            total_ms if outcome == "answered" else np.nan,
            0.0,
            0.0,
        )
        for name, value in zip(_COLUMNS, values, strict=True):
            self._columns[name].append(value)

    def _feedback(self, database: sqlite3.Connection) -> None:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'signals'").fetchone():
            return
        rows = database.execute(
            f"""
            SELECT s.request, r.id, s.success, s.weight FROM signals s JOIN requests r ON r.request_id = s.about
            WHERE s.request > ? AND s.request <= ? AND r.experiment = ? AND s.kind IN ({", ".join("?" * len(HUMAN))})
            ORDER BY s.request
            """,
            (self._last_signal, self._newest(database), self.experiment, *HUMAN),
        ).fetchall()
        for request, row_id, success, weight in rows:
            self._last_signal = request
            place = self._rows.get(row_id)
            if place is not None:
                sign = -1.0 if weight < 0 else 1.0  # A negative one takes back what was said before.
                self._columns["feedback"][place] += sign * success
                self._columns["feedbacks"][place] += sign

    def _newest(self, database: sqlite3.Connection) -> int:
        (newest,) = database.execute("SELECT coalesce(max(id), 0) FROM requests").fetchone()
        return int(newest)

"""7. A receipt as rows of the database: which column holds what, and the statements that enter many at once."""

import sqlite3
from typing import Any, TypeAlias

import msgspec

from tenbin.core.cached import Cached
from tenbin.core.gating import Climb
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.shadow import Shadow
from tenbin.core.signal import Signal
from tenbin.core.usage import Usage
from tenbin.core.weighing import Weighing
from tenbin.ledger.records import plain
from tenbin.ledger.weighings import packed

Values: TypeAlias = tuple[Any, ...]

BUCKET_COLUMNS = tuple(Usage.__struct_fields__)
"""Each bucket and flag of Usage has the column of its name, in both tables."""

_REQUEST_USUAL = (
    "id",
    "request_id",
    "arrived_at_ms",
    "key_id",
    "dialect",
    "operation",
    "path",
    "requested_model",
    "stream",
    "route",
    "policy",
    "client",
    "outcome",
    "status",
    "provider",
    "model",
    "attempts",
    "queue_ms",
    "first_byte_ms",
    "total_ms",
    *BUCKET_COLUMNS,
    "cost_nano",
    "billed_nano",
    "trace",
)
_REQUEST_RARE = ("session", "failure", "experiment", "arm", "unit", "team", "user")
REQUEST_COLUMNS = (*_REQUEST_USUAL, *_REQUEST_RARE)

_ATTEMPT_USUAL = (
    "request",
    "number",
    "provider",
    "model",
    "dialect",
    "started_at_ms",
    "outcome",
    "status",
    "message",
    *BUCKET_COLUMNS,
    "cost_nano",
    "price",
    "billed_nano",
    "first_byte_ms",
    "total_ms",
    "upstream_request_id",
    "stop_reason",
)
_ATTEMPT_RARE = (
    "failure",
    "provider_cost_nano",
    "service_tier",
    "answered_model",
    "rung",
    "purpose",
    "gating",
    "hedge",
    "reserved_nano",
)
ATTEMPT_COLUMNS = (*_ATTEMPT_USUAL, *_ATTEMPT_RARE)


SIGNAL_COLUMNS = (
    "request",
    "position",
    "at_ms",
    "key_id",
    "kind",
    "about",
    "target",
    "task",
    "domain",
    "band",
    "prior",
    "success",
    "weight",
    "count",
    "source",
)


def request_row(row_id: int, receipt: Receipt) -> tuple[Values, Values]:
    """The values of REQUEST_COLUMNS, in two parts: the second one is mostly None throughout.

    ``provider`` and ``model`` are the last attempt's at a target: who had the last word.
    """
    attempts, last = receipt.attempts, receipt.last
    usual = (
        row_id,
        receipt.request_id,
        receipt.arrived_at_ms,
        receipt.key_id,
        receipt.dialect,
        receipt.operation,
        receipt.path,
        receipt.requested_model,
        1 if receipt.stream else 0,
        receipt.route,
        receipt.policy,
        receipt.client,
        receipt.outcome,
        receipt.status,
        last.provider if last is not None else None,
        last.model if last is not None else None,
        len(attempts),
        receipt.queue_ms,
        receipt.first_byte_ms,
        receipt.total_ms,
        *_buckets(receipt.usage),
        receipt.cost_nano,
        receipt.billed_nano,
        plain(receipt.trace),
    )
    return usual, (
        receipt.session,
        receipt.failure,
        receipt.experiment,
        receipt.arm,
        receipt.unit,
        receipt.team or None,
        receipt.user or None,
    )


def attempt_row(row_id: int, attempt: Attempt) -> tuple[Values, Values]:
    """The values of ATTEMPT_COLUMNS, in two parts: the second one is mostly None throughout."""
    usual = (
        row_id,
        attempt.number,
        attempt.provider,
        attempt.model,
        attempt.dialect,
        attempt.started_at_ms,
        attempt.outcome,
        attempt.status,
        attempt.message,
        *_buckets(attempt.usage),
        attempt.cost_nano,
        attempt.price,
        attempt.billed_nano,
        attempt.first_byte_ms,
        attempt.total_ms,
        attempt.upstream_request_id,
        attempt.stop_reason,
    )
    gating = attempt.gating
    return usual, (
        attempt.failure,
        attempt.provider_cost_nano,
        attempt.service_tier,
        attempt.answered_model,
        attempt.rung or None,
        attempt.purpose or None,
        msgspec.json.encode(gating).decode() if gating is not None else None,
        attempt.hedge or None,
        attempt.reserved_nano,
    )


def climb_row(row_id: int, climb: Climb) -> tuple[int, str, str]:
    """The row of a request with a ladder in ``climbs``: its number, the ladder's name, and the plan as JSON."""
    return row_id, climb.name, msgspec.json.encode(climb).decode()


SHADOW_COLUMNS = ("request", *Shadow.__struct_fields__)


def shadow_row(row_id: int, shadow: Shadow) -> Values:
    """The values of SHADOW_COLUMNS."""
    return (row_id, *[getattr(shadow, name) for name in Shadow.__struct_fields__])


CACHED_COLUMNS = ("request", *Cached.__struct_fields__)


def cached_row(row_id: int, cached: Cached) -> Values:
    """The values of CACHED_COLUMNS."""
    return (row_id, *msgspec.structs.astuple(cached))


WEIGHING_COLUMNS = ("request", "weighing", "category", "task", "packed")


def weighing_row(row_id: int, weighing: Weighing) -> Values:
    """The values of WEIGHING_COLUMNS. ``weighing`` is empty: there older rows have it as JSON."""
    return row_id, "", weighing.features.category, weighing.features.task, packed(weighing)


def signal_row(row_id: int, position: int, receipt: Receipt, signal: Signal) -> Values:
    """The values of SIGNAL_COLUMNS. ``key_id`` is whose evidence it is, also where the receipt is somebody else's."""
    about = signal.about
    return (
        row_id,
        position,
        signal.at_ms or receipt.arrived_at_ms,
        signal.key_id or receipt.key_id,
        signal.kind,
        about.request_id,
        about.target,
        about.task,
        about.domain,
        about.band,
        about.prior,
        signal.success,
        signal.weight,
        signal.count,
        signal.source,
    )


def _buckets(usage: Usage) -> Values:
    return (
        usage.input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.output,
        usage.reasoning,
        usage.audio_input,
        usage.audio_output,
        usage.web_searches,
        1 if usage.input_estimated else 0,
        1 if usage.output_estimated else 0,
    )


class _Inserts:
    """Rows on their way into one table.

    Where the rare columns are all empty they are left out of the statement, so that they become NULL: Python's sqlite3
    takes 0.2 µs to bind a None or a bool, for which it looks for an adapter in vain, ten times as long as for a number.
    """

    def __init__(self, table: str, usual: tuple[str, ...], rare: tuple[str, ...]) -> None:
        self._usual = _insert(table, usual)
        self._full = _insert(table, (*usual, *rare))
        self._empty = (None,) * len(rare)
        self._usual_rows: list[Values] = []
        self._full_rows: list[Values] = []

    def add(self, usual: Values, rare: Values) -> None:
        if rare == self._empty:
            self._usual_rows.append(usual)
        else:
            self._full_rows.append(usual + rare)

    def enter(self, database: sqlite3.Connection) -> None:
        database.executemany(self._usual, self._usual_rows)
        database.executemany(self._full, self._full_rows)


def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


class Batch:
    """Receipts on their way into the database."""

    def __init__(self) -> None:
        self._requests = _Inserts("requests", _REQUEST_USUAL, _REQUEST_RARE)
        self._attempts = _Inserts("attempts", _ATTEMPT_USUAL, _ATTEMPT_RARE)
        self._weighings: list[Values] = []
        self._signals: list[Values] = []
        self._shadows: list[Values] = []
        self._cached: list[Values] = []
        self._climbs: list[tuple[int, str, str]] = []

    def add(self, row_id: int, receipt: Receipt) -> None:
        """One receipt, which becomes the row of this number. Raises what a trace that is no JSON raises."""
        usual, rare = request_row(row_id, receipt)
        self._requests.add(usual, rare)
        for attempt in receipt.attempts:
            usual, rare = attempt_row(row_id, attempt)
            self._attempts.add(usual, rare)
        if receipt.weighing is not None:
            self._weighings.append(weighing_row(row_id, receipt.weighing))
        if receipt.signals:
            self._signals += [signal_row(row_id, place, receipt, one) for place, one in enumerate(receipt.signals)]
        if receipt.shadow is not None:
            self._shadows.append(shadow_row(row_id, receipt.shadow))
        if receipt.climb is not None:
            self._climbs.append(climb_row(row_id, receipt.climb))
        if receipt.cached is not None:
            self._cached.append(cached_row(row_id, receipt.cached))

    def enter(self, database: sqlite3.Connection) -> None:
        """Insert all of them, within the caller's transaction. Raises what sqlite3 does."""
        self._requests.enter(database)
        self._attempts.enter(database)
        if self._weighings:
            database.executemany(_insert("weighings", WEIGHING_COLUMNS), self._weighings)
        if self._shadows:
            database.executemany(_insert("shadows", SHADOW_COLUMNS), self._shadows)
        if self._signals:
            database.executemany(_insert("signals", SIGNAL_COLUMNS), self._signals)
        if self._climbs:
            database.executemany("INSERT INTO climbs (request, name, climb) VALUES (?, ?, ?)", self._climbs)
        if self._cached:
            database.executemany(_insert("cached", CACHED_COLUMNS), self._cached)

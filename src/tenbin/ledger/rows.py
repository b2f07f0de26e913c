"""7. A receipt as rows of the database: which column holds what."""

from typing import Any

import msgspec

from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import Usage
from tenbin.core.weighing import Weighing
from tenbin.ledger.records import plain

BUCKET_COLUMNS = tuple(Usage.__struct_fields__)
"""Each bucket and flag of Usage has the column of its name, in both tables."""

REQUEST_COLUMNS = (
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
    "session",
    "client",
    "outcome",
    "status",
    "failure",
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

ATTEMPT_COLUMNS = (
    "request",
    "number",
    "provider",
    "model",
    "dialect",
    "started_at_ms",
    "outcome",
    "failure",
    "status",
    "message",
    *BUCKET_COLUMNS,
    "cost_nano",
    "price",
    "provider_cost_nano",
    "billed_nano",
    "service_tier",
    "first_byte_ms",
    "total_ms",
    "upstream_request_id",
    "answered_model",
    "stop_reason",
)


def request_row(row_id: int, receipt: Receipt) -> tuple[Any, ...]:
    """The values of REQUEST_COLUMNS. ``provider`` and ``model`` are the last attempt's: who had the last word."""
    last = receipt.attempts[-1] if receipt.attempts else None
    return (
        row_id,
        receipt.request_id,
        receipt.arrived_at_ms,
        receipt.key_id,
        receipt.dialect,
        receipt.operation,
        receipt.path,
        receipt.requested_model,
        receipt.stream,
        receipt.route,
        receipt.policy,
        receipt.session,
        receipt.client,
        receipt.outcome,
        receipt.status,
        receipt.failure,
        last.provider if last is not None else None,
        last.model if last is not None else None,
        len(receipt.attempts),
        receipt.queue_ms,
        receipt.first_byte_ms,
        receipt.total_ms,
        *_buckets(receipt.usage),
        receipt.cost_nano,
        receipt.billed_nano,
        plain(receipt.trace),
    )


def weighing_row(row_id: int, weighing: Weighing) -> tuple[int, str]:
    """The row of a weighed request in ``weighings``: its number, and the weighing as JSON."""
    return row_id, msgspec.json.encode(weighing).decode()


def attempt_row(row_id: int, attempt: Attempt) -> tuple[Any, ...]:
    """The values of ATTEMPT_COLUMNS."""
    return (
        row_id,
        attempt.number,
        attempt.provider,
        attempt.model,
        attempt.dialect,
        attempt.started_at_ms,
        attempt.outcome,
        attempt.failure,
        attempt.status,
        attempt.message,
        *_buckets(attempt.usage),
        attempt.cost_nano,
        attempt.price,
        attempt.provider_cost_nano,
        attempt.billed_nano,
        attempt.service_tier,
        attempt.first_byte_ms,
        attempt.total_ms,
        attempt.upstream_request_id,
        attempt.answered_model,
        attempt.stop_reason,
    )


def _buckets(usage: Usage) -> tuple[int | bool, ...]:
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
        usage.input_estimated,
        usage.output_estimated,
    )

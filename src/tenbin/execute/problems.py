"""6. A provider's failure, as the client is told of it: one row for each kind."""

import re
from typing import NamedTuple

import msgspec

from tenbin.core.problems import BUDGETS_UNREACHABLE, Failure, FailureKind, Fault, Problem
from tenbin.core.target import DialectName


class _Row(NamedTuple):
    status: int
    code: str
    fault: Fault


TOLD: dict[FailureKind, _Row] = {
    "unreachable": _Row(502, "api_error", "provider"),
    "timeout": _Row(504, "timeout_error", "provider"),
    "cut": _Row(502, "api_error", "provider"),
    "malformed": _Row(502, "api_error", "provider"),
    "rate_limited": _Row(429, "rate_limit_error", "provider"),
    "overloaded": _Row(529, "overloaded_error", "provider"),
    "server_error": _Row(500, "api_error", "provider"),
    # The client's own key is fine: a 401 would send its user to log in again, which cures nothing.
    "unauthenticated": _Row(502, "api_error", "gateway"),
    "unpaid": _Row(402, "billing_error", "provider"),
    "not_found": _Row(404, "not_found_error", "caller"),
    "refused": _Row(400, "invalid_request_error", "caller"),
    "context_exceeded": _Row(400, "invalid_request_error", "caller"),
    "too_large": _Row(413, "request_too_large", "caller"),
    "inexpressible": _Row(400, "invalid_request_error", "caller"),
    "cancelled": _Row(499, "api_error", "caller"),
    # What Claude Code takes for a spend cap: it shows the message as it is and does not try again.
    "over_budget": _Row(429, "billing_error", "caller"),
}
"""Status, Anthropic's error type, and whose fault it is, by kind of failure."""

FUTILE: frozenset[FailureKind] = frozenset(
    {
        "unauthenticated",
        "unpaid",
        "not_found",
        "refused",
        "context_exceeded",
        "too_large",
        "inexpressible",
        "over_budget",
    }
)
"""Kinds for which the client's own retry would change nothing: ``x-should-retry: false``."""


def told(failure: Failure, target: str | None) -> Problem:
    """What the client is told of a failure at a target (``provider/model``)."""
    if failure.kind == "over_budget":
        return _not_afforded(failure)
    row = TOLD[failure.kind]
    should_retry = failure.should_retry
    if should_retry is None and failure.kind in FUTILE:
        should_retry = False
    status = row.status
    if failure.kind in ("server_error", "refused") and failure.status is not None and 400 <= failure.status < 600:
        status = failure.status
    return Problem(
        status=status,
        code=row.code,
        message=_message(failure, target),
        fault=row.fault,
        param=failure.param,
        retry_after_ms=failure.retry_after_ms,
        should_retry=should_retry,
        reason=failure.kind,
    )


def _not_afforded(failure: Failure) -> Problem:
    """A budget that is used up is no matter of waiting; one that calls under way have taken all of may be."""
    status, code, fault = TOLD["over_budget"]
    if failure.code == BUDGETS_UNREACHABLE:
        status, code, fault = 503, "api_error", "gateway"
    elif failure.should_retry:
        code = "rate_limit_error"
    return Problem(
        status=status,
        code=code,
        message=failure.message,
        fault=fault,
        retry_after_ms=failure.retry_after_ms,
        should_retry=bool(failure.should_retry),
        reason="over_budget",
        headers=failure.headers,
    )


def _message(failure: Failure, target: str | None) -> str:
    if failure.kind == "context_exceeded":
        return too_long(failure.message)
    if target is None:
        return failure.message
    provider = target.partition("/")[0]
    if failure.kind == "unauthenticated":
        return (
            f"Provider {provider} did not accept Tenbin's API key: {failure.message} "
            f"Set providers.{provider}.api_key to a valid key, then run `tenbin doctor`."
        )
    if failure.kind == "unreachable":
        return f"Provider {provider} cannot be reached: {failure.message}. Run `tenbin doctor` to see why."
    # A codec that cannot say something for a target names it already.
    return failure.message if failure.message.startswith(target) else f"{target}: {failure.message}"


_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+|\d+")


def too_long(message: str) -> str:
    """Anthropic's wording, which clients parse to begin a compaction; the numbers are taken from any wording."""
    if message.startswith("prompt is too long"):
        return message
    numbers = [int(found.replace(",", "")) for found in _NUMBER.findall(message)]
    numbers = sorted({number for number in numbers if number > 16}, reverse=True)
    if len(numbers) < 2:
        return f"prompt is too long: {message}"
    return f"prompt is too long: {numbers[0]} tokens > {numbers[1]} maximum"


class _AnthropicEnvelope(msgspec.Struct):
    type: str
    error: dict[str, object]


class _OpenAIEnvelope(msgspec.Struct):
    error: dict[str, object]


def relayable(failure: Failure, dialect: DialectName) -> bool:
    """The provider's own error body can go to a client of this dialect as it is."""
    if not failure.body or failure.kind in ("unauthenticated", "unpaid") or not 400 <= (failure.status or 0) < 600:
        return False
    envelope = _AnthropicEnvelope if dialect == "anthropic" else _OpenAIEnvelope
    try:
        msgspec.json.decode(failure.body, type=envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True

"""Stage 2, errors as OpenAI's two dialects say them: what a provider's error means, and how a caller is told.

Kinds come from the HTTP status and machine-readable codes. One sentence is read as well: OpenAI's own "maximum
context length is N tokens", since vLLM, DeepSeek and others send it without the code that OpenAI sends beside it.
"""

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from tenbin.core.problems import Failure, FailureKind, Problem

_STATUS_KINDS: dict[int, FailureKind] = {
    400: "refused",
    401: "unauthenticated",
    402: "unpaid",
    403: "unauthenticated",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    422: "refused",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

_CODE_KINDS: dict[str, FailureKind] = {
    "context_length_exceeded": "context_exceeded",
    "exceed_context_size_error": "context_exceeded",
    "model_context_window_exceeded": "context_exceeded",
    "contextwindowexceedederror": "context_exceeded",
    "insufficient_quota": "unpaid",
    "insufficient_credits": "unpaid",
    "billing_hard_limit_reached": "unpaid",
    "billing_not_active": "unpaid",
    "billing_error": "unpaid",
    "payment_required": "unpaid",
    "model_not_found": "not_found",
    "not_found_error": "not_found",
    "invalid_api_key": "unauthenticated",
    "account_deactivated": "unauthenticated",
    "authentication_error": "unauthenticated",
    "permission_error": "unauthenticated",
    "rate_limit_exceeded": "rate_limited",
    "rate_limit_error": "rate_limited",
    "overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "server_overloaded": "overloaded",
    "engine_overloaded": "overloaded",
    "service_unavailable": "overloaded",
    "unavailable_error": "overloaded",
    "server_error": "server_error",
    "internal_server_error": "server_error",
    "api_error": "server_error",
    "timeout": "timeout",
    "timeout_error": "timeout",
    "request_too_large": "too_large",
    "invalid_prompt": "refused",
    "invalid_request_error": "refused",
    "content_policy_violation": "refused",
}

_CONTEXT = re.compile(r"maximum context length is (\d+) tokens(?:.{0,200}?\b(\d+) (?:input )?tokens)?", re.DOTALL)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_DURATION_MS = {"h": 3_600_000.0, "m": 60_000.0, "s": 1_000.0, "ms": 1.0}
_TITLE = re.compile(r"<title>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)
_MOST_MESSAGE = 2_000


def failure(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Failure:
    """What a non-2xx answer means. Never raises: a body that is no JSON is told by its first words."""
    named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    error = _error_object(body)
    if error is None:
        text = body[: 4 * _MOST_MESSAGE].decode("utf-8", "replace")
        title = _TITLE.search(text)
        said = title.group(1) if title is not None else " ".join(text.split())
        error = {"message": f"HTTP {status}: {said}" if said else f"HTTP {status} without a body."}
    found = from_object(error, status=status)
    should_retry = named.get("x-should-retry")
    return msgspec.structs.replace(
        found,
        retry_after_ms=retry_after_ms(named) if found.kind in ("rate_limited", "overloaded", "server_error") else None,
        should_retry=None if should_retry is None else should_retry.lower() == "true",
        body=body,
        headers=tuple(headers),
    )


def _error_object(body: bytes) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    if isinstance(decoded, list) and decoded:
        decoded = decoded[0]  # Gemini's compatible endpoint wraps the object in a list
    return error_in(decoded, always=True)


def error_in(value: Any, *, always: bool = False) -> dict[str, Any] | None:
    """The error that a decoded body or chunk holds: ``{"error": {...}}``, ``{"error": "..."}``, vLLM's
    ``{"object": "error", ...}``. ``always`` takes any object for an error, as after a bad status.
    """
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str) and error:
        return {**value, "message": error}
    if value.get("object") == "error" or value.get("type") == "error":
        return value
    if not always:
        return None
    detail = value.get("detail")
    if isinstance(detail, str) and "message" not in value:
        return {**value, "message": detail}
    return value


def from_object(error: dict[str, Any], *, status: int | None = None) -> Failure:
    """What an error object means; in the middle of a stream there is no status, but some codes are one."""
    code, kind_name = _text(error.get("code")), _text(error.get("type"))
    stated = status
    if stated is None and code.isdigit() and len(code) == 3:
        stated = int(code)
    kind = _CODE_KINDS.get(code.lower()) or _CODE_KINDS.get(kind_name.lower())
    by_status = _STATUS_KINDS.get(stated) if stated is not None else None
    if stated is not None and by_status is None:
        by_status = "server_error" if stated >= 500 else "refused"
    if kind is None or (kind in ("refused", "server_error") and by_status is not None):
        # The status is finer than "invalid request", which OpenAI also says of a wrong key and a missing model.
        kind = by_status or kind or "server_error"
    if kind == "unauthenticated" and _flagged(error):
        kind = "refused"
    message = _message(error)
    tokens, maximum = _count(error.get("n_prompt_tokens")), _count(error.get("n_ctx"))
    if kind in ("refused", "context_exceeded"):
        spoken = _CONTEXT.search(message)
        if spoken is not None:
            kind = "context_exceeded"
            maximum = maximum or int(spoken.group(1))
            tokens = tokens or (int(spoken.group(2)) if spoken.group(2) else None)
    if kind == "context_exceeded" and tokens and maximum and tokens > maximum:
        message = f"prompt is too long: {tokens} tokens > {maximum} maximum"
    return Failure(
        kind=kind,
        message=message,
        status=stated,
        code=(code if code and not code.isdigit() else kind_name) or code or None,
        param=_text(error.get("param")) or None,
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9 else ""


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flagged(error: dict[str, Any]) -> bool:
    """OpenRouter's 403 for a prompt that its moderation refuses, which says nothing of the key."""
    metadata = error.get("metadata")
    return isinstance(metadata, dict) and "flagged_input" in metadata


def _message(error: dict[str, Any]) -> str:
    message = error.get("message")
    said = message if isinstance(message, str) and message else "The provider gave an error without a message."
    metadata = error.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("raw"), str) and metadata["raw"] not in said:
        said = f"{said} ({metadata['raw']})"  # OpenRouter: what the provider behind it said
    return said[:_MOST_MESSAGE]


def retry_after_ms(headers: dict[str, str]) -> int | None:
    """How long a provider asks to wait: ``retry-after-ms``, ``retry-after`` (seconds, or a date read against the
    answer's own ``date``), else the longest ``x-ratelimit-reset-*`` of a limit that has nothing left.
    """
    exact = _number(headers.get("retry-after-ms", ""))
    if exact is not None:
        return round(exact)
    stated = headers.get("retry-after", "")
    seconds = _number(stated)
    if seconds is not None:
        return round(seconds * 1000)
    if stated and "date" in headers:
        try:
            wait = parsedate_to_datetime(stated) - parsedate_to_datetime(headers["date"])
        except (ValueError, TypeError):
            return None
        return max(0, round(wait.total_seconds() * 1000))
    waits = []
    for name in ("requests", "tokens"):
        reset = _duration_ms(headers.get(f"x-ratelimit-reset-{name}", ""))
        if reset is not None and _number(headers.get(f"x-ratelimit-remaining-{name}", "0")) == 0:
            waits.append(reset)
    return max(waits, default=None)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None


def _duration_ms(text: str) -> int | None:
    """``6m0s``, ``1.5s``, ``20ms`` in ms."""
    found = _DURATION.findall(text)
    if not found or "".join(amount + unit for amount, unit in found) != text:
        return None
    return min(round(sum(float(amount) * _DURATION_MS[unit] for amount, unit in found)), 10**12)


_PROBLEM_TYPES = {
    "invalid_request_error": ("invalid_request_error", None),
    "authentication_error": ("invalid_request_error", "invalid_api_key"),
    "permission_error": ("invalid_request_error", "permission_denied"),
    "not_found_error": ("invalid_request_error", "not_found"),
    "request_too_large": ("invalid_request_error", "request_too_large"),
    "billing_error": ("insufficient_quota", "insufficient_quota"),
    "rate_limit_error": ("rate_limit_error", "rate_limit_exceeded"),
    "overloaded_error": ("server_error", "overloaded"),
    "timeout_error": ("server_error", "timeout"),
    "api_error": ("server_error", None),
}


def error_object(problem: Problem) -> dict[str, Any]:
    """A Problem as OpenAI's error object: message, type, param and code."""
    kind, code = _PROBLEM_TYPES.get(
        problem.code, ("invalid_request_error" if problem.status < 500 else "server_error", problem.code)
    )
    if problem.reason == "context_exceeded":
        kind, code = "invalid_request_error", "context_length_exceeded"
    elif problem.code == "not_found_error" and (problem.param == "model" or problem.reason == "not_found"):
        code = "model_not_found"
    return {"message": problem.message, "type": kind, "param": problem.param, "code": code}


def failure_object(failed: Failure) -> dict[str, Any]:
    """A Failure in the middle of a stream as OpenAI's error object, in the provider's own code where it gave one."""
    codes: dict[FailureKind, str] = {
        "context_exceeded": "context_length_exceeded",
        "rate_limited": "rate_limit_exceeded",
        "unpaid": "insufficient_quota",
        "over_budget": "insufficient_quota",
    }
    code = codes.get(failed.kind) or failed.code or failed.kind
    refused = failed.kind in ("refused", "context_exceeded", "too_large", "not_found", "inexpressible")
    kind = "invalid_request_error" if refused else "server_error"
    return {"message": failed.message, "type": kind, "param": failed.param, "code": code}


def envelope(error: dict[str, Any]) -> bytes:
    """``{"error": {...}}``."""
    return msgspec.json.encode({"error": error})

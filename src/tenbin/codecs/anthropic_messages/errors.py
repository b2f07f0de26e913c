"""Stage 2, errors as Anthropic says them: what a provider's error means, and how a caller is told.

Kinds come from the status and ``error.type``, with one exception: "prompt is too long" has no code of its own, its
wording is the protocol, and clients parse it too.
"""

import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from tenbin.codecs import sse
from tenbin.core.problems import Failure, FailureKind, Problem

_KIND_BY_TYPE: Mapping[str, FailureKind] = {
    "invalid_request_error": "refused",
    "authentication_error": "unauthenticated",
    "permission_error": "unauthenticated",
    "billing_error": "unpaid",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limited",
    "timeout_error": "timeout",
    "api_error": "server_error",
    "overloaded_error": "overloaded",
    # llama.cpp, in OpenAI's form
    "exceed_context_size_error": "context_exceeded",
    "unavailable_error": "overloaded",
    "server_error": "server_error",
    "not_supported_error": "refused",
}

_KIND_BY_STATUS: Mapping[int, FailureKind] = {
    401: "unauthenticated",
    402: "unpaid",
    403: "unauthenticated",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    429: "rate_limited",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

_TYPE_BY_KIND: Mapping[FailureKind, str] = {
    "rate_limited": "rate_limit_error",
    "overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "unpaid": "billing_error",
    "over_budget": "billing_error",
    "not_found": "not_found_error",
    "refused": "invalid_request_error",
    "context_exceeded": "invalid_request_error",
    "inexpressible": "invalid_request_error",
    "too_large": "request_too_large",
}
"""Anthropic's error type for a failure; ``api_error`` for every other kind."""

_UNSPECIFIC = frozenset({"invalid_request_error", "api_error", "server_error"})
"""Types that servers other than Anthropic's send with any status: there the status says more."""

_TOO_LONG = re.compile(r"prompt is too long|input is too long", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title>", re.IGNORECASE | re.DOTALL)
_MOST_MESSAGE = 2_000
"""Longest message kept, in characters."""


def failure(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> Failure:
    """What a non-2xx answer means. Never raises: a body that is no JSON is told by its title or first words."""
    named = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    error = _error_object(body)
    if error is None:
        error = {"message": _plain(status, body)}
    found = from_object(error, status)
    should_retry = named.get(b"x-should-retry", "").lower()
    return msgspec.structs.replace(
        found,
        retry_after_ms=retry_after_ms(named),
        should_retry={"true": True, "false": False}.get(should_retry),
        body=body,
        headers=tuple(headers),
    )


def from_object(error: Mapping[str, Any], status: int | None) -> Failure:
    """What an error object means; None for the status of one in the middle of a stream."""
    type_ = error.get("type")
    code = type_ if isinstance(type_, str) else None
    stated = error.get("code")
    if status is None and isinstance(stated, int) and not isinstance(stated, bool) and 400 <= stated <= 599:
        status = stated
    kind = _kind(code, status)
    message = error.get("message")
    words = message if isinstance(message, str) and message else f"The provider gave no reason ({code or status})."
    if kind == "refused" and _TOO_LONG.search(words):
        kind = "context_exceeded"
    tokens, maximum = error.get("n_prompt_tokens"), error.get("n_ctx")
    if kind == "context_exceeded" and isinstance(tokens, int) and isinstance(maximum, int):
        words = f"prompt is too long: {tokens} tokens > {maximum} maximum"
    return Failure(kind=kind, message=words[:_MOST_MESSAGE], status=status, code=code)


def _kind(code: str | None, status: int | None) -> FailureKind:
    by_status: FailureKind | None = None
    if status is not None:
        by_status = _KIND_BY_STATUS.get(status, "server_error" if status >= 500 else "refused")
    by_type = _KIND_BY_TYPE.get(code or "")
    if by_type is None or (by_status is not None and code in _UNSPECIFIC):
        return by_status or "server_error"
    return by_type


def in_answer(value: Any) -> Failure | None:
    """The failure that a decoded event or 200 body tells of, in Anthropic's or OpenAI's form, or None."""
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if isinstance(error, dict):
        return from_object(error, None)
    if value.get("type") == "error" or (isinstance(error, str) and error):
        return from_object({"message": error, "type": "api_error"}, None)
    return None


def retry_after_ms(headers: Mapping[bytes, str]) -> int | None:
    """How long the provider asks to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date, which is
    read against the answer's own ``date``.
    """
    exact = _number(headers.get(b"retry-after-ms", ""))
    if exact is not None:
        return round(exact)
    stated = headers.get(b"retry-after", "")
    seconds = _number(stated)
    if seconds is not None:
        return round(seconds * 1000)
    try:
        wait = parsedate_to_datetime(stated) - parsedate_to_datetime(headers.get(b"date", ""))
    except (ValueError, TypeError):
        return None
    return max(0, round(wait.total_seconds() * 1000))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None


def _error_object(body: bytes) -> dict[str, Any] | None:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    if not isinstance(decoded, dict):
        return None
    error = decoded.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {**decoded, "message": error}
    return {"message": decoded.get("detail"), **decoded}


def _plain(status: int, body: bytes) -> str:
    """The gist of a body that is no JSON, often a proxy's HTML page."""
    text = body[:65_536].decode("utf-8", "replace")
    title = _TITLE.search(text)
    markup = text.lstrip().startswith("<")
    gist = title.group(1) if title is not None else ("" if markup else text)
    gist = " ".join(gist.split())[:300]
    return f"HTTP {status}: {gist}" if gist else f"HTTP {status} without a readable message."


def problem(problem: Problem, request_id: str) -> bytes:
    """The body of an error answer, in Anthropic's envelope."""
    return _envelope(problem.code, problem.message, request_id)


def problem_event(problem: Problem, request_id: str) -> bytes:
    """The same as an event in the middle of a stream."""
    return sse.event(b"error", _envelope(problem.code, problem.message, request_id))


def failure_body(failed: Failure, request_id: str) -> bytes:
    """A failure's envelope, for an answer that broke off while it was being translated."""
    return _envelope(_TYPE_BY_KIND.get(failed.kind, "api_error"), failed.message, request_id)


def _envelope(code: str, message: str, request_id: str) -> bytes:
    error = {"type": code, "message": message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})

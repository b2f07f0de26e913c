"""When something goes wrong: a Failure is what an upstream did, a Problem is what the caller is told.

On the data path a failure is a value with one of a dozen kinds, from status and machine-readable code, never
from prose. Only reading a caller's own bad input raises (Unreadable), and only towards the api stage.
"""

from typing import Literal, TypeAlias

import msgspec

FailureKind: TypeAlias = Literal[
    "unreachable",  # no connection: DNS, refused, TLS
    "timeout",  # connect, first byte, idle or total limit passed
    "cut",  # the connection ended before the answer did
    "malformed",  # bytes that are not of the provider's dialect
    "rate_limited",  # 429
    "overloaded",  # 529, 503, or an overloaded_error event in the stream
    "server_error",  # other 5xx
    "unauthenticated",  # 401, 403: Tenbin's credential for this provider is not accepted
    "unpaid",  # 402: no credit left
    "not_found",  # 404: no such model or endpoint there
    "refused",  # 400, 422: the request itself is not accepted
    "context_exceeded",  # the prompt does not fit the model
    "too_large",  # 413
    "inexpressible",  # the target's dialect cannot say what the request needs
    "cancelled",  # the client went away
    "over_budget",  # not called: a hard budget has no room for what it might cost
]


QUEUE_FULL = "no_place"
"""Code of a failure that is Tenbin's own: the provider was not asked, since its configured limits left no room."""


BUDGETS_UNREACHABLE = "budgets_unreachable"
"""Code of a failure that is Tenbin's own: no call is made while hard budgets cannot be checked."""

NO_PRICE = "no_price"
"""Code of a failure that is Tenbin's own: no bound is known for a call that a hard budget counts."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt at one target failed."""

    kind: FailureKind
    message: str
    """What the provider said, or what happened on the wire; safe to show to the caller."""
    status: int | None = None
    """The HTTP status, where there was one."""
    code: str | None = None
    """The provider's machine-readable code or error type."""
    param: str | None = None
    """The request field at fault, where the provider names one."""
    retry_after_ms: int | None = None
    should_retry: bool | None = None
    """The provider's ``x-should-retry``, where given."""
    body: bytes = b""
    """The provider's own error body, relayed unchanged to a client of the same dialect."""
    headers: tuple[tuple[bytes, bytes], ...] = ()


Fault: TypeAlias = Literal["caller", "gateway", "provider"]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller is told, before a codec says it in their dialect."""

    status: int
    code: str
    """Anthropic's error type for it: ``invalid_request_error``, ``not_found_error``, ``overloaded_error`` ..."""
    message: str
    """One or two sentences: what is wrong, in which field, and how to fix it."""
    fault: Fault = "caller"
    param: str | None = None
    """The request field at fault, as a path: ``messages[2].content[0].type``."""
    retry_after_ms: int | None = None
    should_retry: bool | None = None
    reason: FailureKind | None = None
    """The failure behind it, where there was one: a dialect with finer codes than ``code`` says them by it."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """More that the answer says in its head; names in lower case."""


class Unreadable(Exception):
    """A caller's request that cannot be read; carries the Problem to answer with."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Inexpressible(Exception):
    """A codec cannot write a conversation for a target: it needs a feature that the target's dialect lacks."""

    def __init__(self, feature: str, message: str) -> None:
        super().__init__(message)
        self.feature = feature
        self.message = message


class ContextExceeded(Exception):
    """A codec has counted that the prompt does not fit the target, and the target would cut it silently."""

    def __init__(self, tokens: int, maximum: int) -> None:
        super().__init__(f"prompt is too long: {tokens} tokens > {maximum} maximum")
        self.tokens = tokens
        self.maximum = maximum


def invalid(message: str, *, param: str | None = None, status: int = 400) -> Problem:
    """A Problem of the caller's own making (400 unless said otherwise)."""
    return Problem(status=status, code="invalid_request_error", message=message, param=param)

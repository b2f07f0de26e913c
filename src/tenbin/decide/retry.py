"""What follows a failure: the same target again after a pause, the next target, or the end.

One table says it by kind of failure; it is read top to bottom in ``after``.
"""

from typing import Literal, NamedTuple

from tenbin.config.model import Retries
from tenbin.core.problems import QUEUE_FULL, Failure, FailureKind

Action = Literal["again", "next", "stop"]

AGAIN: frozenset[FailureKind] = frozenset(
    {"unreachable", "timeout", "cut", "malformed", "rate_limited", "overloaded", "server_error"}
)
"""May go away by itself: worth another try at the same target."""

NEXT: frozenset[FailureKind] = frozenset(
    {"unauthenticated", "unpaid", "not_found", "context_exceeded", "too_large", "inexpressible", "over_budget"}
)
"""Will not go away here, but another target may well answer."""

STOP: frozenset[FailureKind] = frozenset({"refused", "cancelled"})
"""The request itself is at fault, or nobody waits for the answer any more."""


class Reaction(NamedTuple):
    """What to do, and how long to wait before it."""

    action: Action
    pause_ms: int = 0


def after(failure: Failure, tries: int, *, others: bool, draw: float, retries: Retries) -> Reaction:
    """The reaction to the ``tries``-th failure in a row (from 1) at one target; ``others``: more targets follow.

    Where another target follows, a long wait or an expired time limit moves on to it; pauses grow as
    ``base x 2^(n-1)`` with jitter between one half and the whole ("equal jitter").
    """
    if failure.kind in STOP:
        return Reaction("stop")
    if failure.code == QUEUE_FULL or failure.kind in NEXT:
        return Reaction("next")
    if tries > retries.per_target or failure.should_retry is False:
        return Reaction("next")
    if failure.kind == "timeout" and others:
        return Reaction("next")
    pause = min(retries.base_ms * 2 ** (tries - 1), retries.max_pause_ms)
    pause = int(pause * (0.5 + draw / 2))
    if failure.retry_after_ms is not None:
        if failure.retry_after_ms > retries.max_pause_ms or others:
            return Reaction("next")
        pause = max(pause, failure.retry_after_ms)
    return Reaction("again", pause)

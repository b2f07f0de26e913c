"""How well each target is: a fold of its attempts' outcomes, the same live and from the ledger.

A target that fails several times in a row is skipped for a while (five minutes by default); then one probe is let
through, and its outcome opens or closes the way. A rate limit closes it for as long as the provider says.
"""

from typing import Literal, TypeAlias

from tenbin.config.model import Cooldown
from tenbin.core.facts import TargetHealth
from tenbin.core.problems import Failure, FailureKind

COUNTS_AGAINST: frozenset[FailureKind] = frozenset(
    {
        "unreachable",
        "timeout",
        "cut",
        "malformed",
        "overloaded",
        "server_error",
        "unauthenticated",
        "unpaid",
    }
)
"""Failures that say something about the target; the others are about the request or the client."""

AT_ONCE: frozenset[FailureKind] = frozenset({"unauthenticated", "unpaid"})
"""Failures that no repetition cures: one is enough."""

WELL = TargetHealth()

Circuit: TypeAlias = Literal["closed", "open", "half_open"]
"""In a circuit breaker's terms. closed: calls go through; open: it is skipped; half_open: the cooldown is over, and
one call, the probe, finds out."""


def fold(health: TargetHealth, failure: Failure | None, now_ms: int, cooldown: Cooldown) -> TargetHealth:
    """Health after one more attempt; ``failure`` is None for an answer."""
    if failure is None:
        return WELL
    if failure.kind == "rate_limited" and failure.retry_after_ms is not None:
        return _closed(health, health.failures, now_ms + failure.retry_after_ms)
    if failure.kind not in COUNTS_AGAINST:
        # The target has spoken, so a probe has done its work.
        return health if health.probing_since_ms == 0 else WELL
    failures = health.failures + 1
    if failures >= cooldown.after_failures or failure.kind in AT_ONCE or health.closed_until_ms:
        return _closed(health, failures, now_ms + int(cooldown.seconds * 1000))
    return TargetHealth(failures=failures)


def circuit(health: TargetHealth | None, now_ms: int) -> Circuit:
    """Which of the three states a target is in."""
    if health is None or health.closed_until_ms == 0:
        return "closed"
    return "open" if now_ms < health.closed_until_ms else "half_open"


def available(health: TargetHealth | None, now_ms: int, cooldown: Cooldown) -> bool:
    """May be called now: it is well, or its cooldown is over and no probe is under way.

    A probe whose outcome never came (the client left first) stands in the way for one cooldown at most.
    """
    state = circuit(health, now_ms)
    if health is None or state != "half_open":
        return state == "closed"
    return health.probing_since_ms == 0 or now_ms - health.probing_since_ms > cooldown.seconds * 1000


def probing(health: TargetHealth, now_ms: int) -> TargetHealth:
    """Health while a call is under way: remembers the one probe after a cooldown."""
    if health.closed_until_ms and now_ms >= health.closed_until_ms:
        return TargetHealth(
            failures=health.failures, closed_until_ms=health.closed_until_ms, probing_since_ms=max(now_ms, 1)
        )
    return health


def _closed(health: TargetHealth, failures: int, until_ms: int) -> TargetHealth:
    return TargetHealth(failures=failures, closed_until_ms=max(until_ms, health.closed_until_ms, 1))

"""How a target has done lately: errors and time to the first byte, as a decaying fold of its attempts.

Where the user says so, a chain is ordered by it; what nobody has measured keeps its place.
"""

from collections.abc import Sequence
from math import log2

from tenbin.core.facts import StandingByTarget, TargetStanding
from tenbin.core.receipt import Attempt
from tenbin.core.target import Target
from tenbin.decide.health import COUNTS_AGAINST

LATEST = 0.1
"""Share of the latest call in a mean, once there have been ten; before, all count alike."""
FORGIVEN_MS = 300_000
"""An error rate halves in this time without a call: a target that is never tried could not show that it is well."""
MEASURED = 5
"""Calls from which on a standing is believed."""
WORST_RATE = 0.95
"""A higher error rate is taken for this one."""


def fold(standing: TargetStanding | None, attempt: Attempt) -> TargetStanding | None:
    """The standing after one more attempt; one that says nothing about the target leaves it as it is."""
    failed = attempt.failure is not None
    if attempt.outcome == "cancelled" or (failed and attempt.failure not in COUNTS_AGAINST and not _limited(attempt)):
        return standing
    at_ms = attempt.started_at_ms + int(attempt.total_ms)
    first_byte_ms = None if failed else attempt.first_byte_ms
    if standing is None:
        return TargetStanding(calls=1, error_rate=float(failed), first_byte_ms=first_byte_ms, at_ms=at_ms)
    share = max(LATEST, 1 / (standing.calls + 1))
    before = standing.first_byte_ms
    if first_byte_ms is None:
        first_byte_ms = before
    elif before is not None:
        first_byte_ms = before + share * (first_byte_ms - before)
    rate = error_rate(standing, at_ms)
    return TargetStanding(
        calls=standing.calls + 1,
        error_rate=rate + share * (failed - rate),
        first_byte_ms=first_byte_ms,
        at_ms=max(at_ms, standing.at_ms),
    )


def error_rate(standing: TargetStanding, now_ms: int) -> float:
    """Share of calls 0..1 that failed lately; old failures fade."""
    return float(standing.error_rate * 0.5 ** (max(now_ms - standing.at_ms, 0) / FORGIVEN_MS))


def ordered(targets: Sequence[Target], standings: StandingByTarget, now_ms: int) -> tuple[Target, ...]:
    """The same targets, the best first: by the time until an answer begins, failed tries included. Only what is about
    twice as quick goes before another; those that are not measured yet keep their places.
    """
    measured = {
        target.name: standing
        for target in targets
        if (standing := standings.get(target.name)) is not None and standing.calls >= MEASURED
    }
    if len(measured) < 2:
        return tuple(targets)
    best = iter(
        sorted(
            (target for target in targets if target.name in measured),
            key=lambda target: _steps(measured[target.name], now_ms),
        )
    )
    return tuple(next(best) if target.name in measured else target for target in targets)


def _steps(standing: TargetStanding, now_ms: int) -> float:
    """Doublings of the expected time to an answer's beginning: what succeeds with chance p is tried 1/p times."""
    if standing.first_byte_ms is None:
        return float("inf")
    success = 1 - min(error_rate(standing, now_ms), WORST_RATE)
    return round(log2(max(standing.first_byte_ms, 1.0) / success))


def _limited(attempt: Attempt) -> bool:
    """The provider itself has refused for want of room; without a status, it was never asked."""
    return attempt.failure == "rate_limited" and attempt.status is not None

"""How a target has done lately: errors and time to the first byte, as a decaying fold of its attempts.

Where the user says so, a chain is ordered by it; what nobody has measured keeps its place.
"""

from collections.abc import Iterable, Sequence
from math import log2

from tenbin.core.facts import StandingByTarget, TargetStanding
from tenbin.core.receipt import Attempt
from tenbin.core.target import Target
from tenbin.decide.health import COUNTS_AGAINST

LATEST = 0.1
"""Share of the latest call in a mean."""
COUNTED_ALIKE = 10
"""So many calls at first count alike."""
FORGIVEN_MS = 300_000
"""An error rate halves in this time without a call: a target that is never tried could not show that it is well."""
MEASURED = 5
"""Calls from which on a standing is believed."""
WORST_RATE = 0.95
"""A higher error rate is taken for this one."""


def fold(standing: TargetStanding | None, attempts: Iterable[Attempt]) -> TargetStanding | None:
    """The standing after more attempts at one target, the oldest first; one that says nothing about the target changes
    nothing. Many at once cost much less than each by itself, and come to the same.
    """
    calls, rate, delay, at_ms = 0, 0.0, None, 0
    if standing is not None:
        calls, rate, delay, at_ms = standing.calls, standing.error_rate, standing.first_byte_ms, standing.at_ms
    for attempt in attempts:
        failure = attempt.failure
        if attempt.outcome == "cancelled":
            continue
        if failure is not None and failure not in COUNTS_AGAINST and not _limited(attempt):
            continue
        ended_ms = attempt.started_at_ms + int(attempt.total_ms)
        calls += 1
        share = LATEST if calls >= COUNTED_ALIKE else 1 / calls
        if rate:
            rate = faded(rate, ended_ms - at_ms) * (1 - share)
        if ended_ms > at_ms:
            at_ms = ended_ms
        if failure is not None:
            rate += share
        elif attempt.first_byte_ms is not None:
            delay = attempt.first_byte_ms if delay is None else delay + share * (attempt.first_byte_ms - delay)
    if not calls:
        return None
    return TargetStanding(calls=calls, error_rate=rate, first_byte_ms=delay, at_ms=at_ms)


def faded(rate: float, ms: int) -> float:
    """An error rate after so long without a call."""
    return float(rate * 0.5 ** (ms / FORGIVEN_MS)) if ms > 0 else rate


def error_rate(standing: TargetStanding, now_ms: int) -> float:
    """Share of calls 0..1 that failed lately; old failures fade."""
    return faded(standing.error_rate, now_ms - standing.at_ms)


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

"""6. All that is known of targets while the gateway runs: their health, what is left of rate limits, the way into those
that have limits, and how they do (decide.standing's fold of settled receipts); bounded.
"""

from collections.abc import Callable, Sequence

import msgspec

from tenbin.core.facts import StandingByTarget, TargetHealth, TargetStanding
from tenbin.core.receipt import Attempt, Receipt
from tenbin.decide.allowance import pool
from tenbin.decide.health import WELL, Circuit, circuit
from tenbin.decide.judging import health_name
from tenbin.decide.standing import error_rate, fold
from tenbin.execute.pacing import Lane

MOST_WAITING = 64
"""Receipts that wait to be folded: nobody needs them before somebody asks, and many at once cost less than each."""
MOST_TARGETS = 1_000
"""Targets that are remembered. Clients may name any model of a provider: past this the oldest goes."""


class TargetNow(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one target at this moment."""

    target: str
    """``provider/model``; ``judge provider/model`` is the same one as a judge."""
    state: Circuit
    failures: int
    """In a row."""
    open_until_ms: int | None = None
    """UTC ms at which the next probe may go; None when the circuit is closed."""
    exhausted_until_ms: int | None = None
    """UTC ms until which its rate limit has nothing left, as its provider said; None when it has."""
    calls: int = 0
    error_rate: float = 0.0
    """0..1, the latest counting most."""
    first_byte_ms: float | None = None


class TargetMemory:
    """The memory of one process. Used from the event loop only."""

    def __init__(self, fold_speed: Callable[[Sequence[Attempt]], None]) -> None:
        """``fold_speed`` is told of one attempt in each handful: how fast a target writes changes little."""
        self.health: dict[str, TargetHealth] = {}
        """By target name; folded after each attempt (execute.target_health)."""
        self.exhausted: dict[str, int] = {}
        """By pool of a rate limit: UTC ms until which nothing is left of it."""
        self.lanes: dict[str, Lane] = {}
        """By provider name, of those that have limits of their own."""
        self._fold_speed = fold_speed
        self._waiting: list[Receipt] = []
        self._standings: dict[str, TargetStanding] = {}

    def add(self, receipt: Receipt) -> None:
        """Learn from a settled receipt, soon."""
        self._waiting.append(receipt)
        if len(self._waiting) >= MOST_WAITING:
            self._add_up()

    @property
    def known(self) -> StandingByTarget:
        """By target, up to the latest receipt."""
        if self._waiting:
            self._add_up()
        return self._standings

    def forget(self, target: str | None) -> None:
        """Take one target (``provider/model``) for well, or all of them, and measure anew."""
        self._add_up()
        if target is None:
            self._standings.clear()
            self.health.clear()
            self.exhausted.clear()
        else:
            self._standings.pop(target, None)
            self.health.pop(target, None)
            self.exhausted.pop(pool(target), None)

    def _add_up(self) -> None:
        waiting, self._waiting = self._waiting, []
        standings, groups = self._standings, dict[tuple[str, str, bool], list[Attempt]]()
        for receipt in waiting:
            for attempt in receipt.attempts:
                key = (attempt.provider, attempt.model, attempt.number == 0)
                group = groups.get(key)
                if group is None:
                    groups[key] = [attempt]
                else:
                    group.append(attempt)
        for (provider, model, judge), attempts in groups.items():
            name = health_name(f"{provider}/{model}") if judge else f"{provider}/{model}"
            after = fold(standings.get(name), attempts)
            if after is not None:
                standings[name] = after
                if len(standings) > MOST_TARGETS:
                    del standings[next(iter(standings))]
            self._fold_speed(attempts[-1:])

    @property
    def queued(self) -> int:
        """Requests that wait for a place at a provider."""
        return sum(lane.waiting for lane in self.lanes.values())

    def now(self, now_ms: int) -> list[TargetNow]:
        """All targets of which anything is known, by name."""
        health, standings = self.health, self.known
        return [
            _row(name, health.get(name, WELL), standings.get(name), self.exhausted.get(pool(name), 0), now_ms)
            for name in sorted({*health, *standings})
        ]


def _row(
    name: str, health: TargetHealth, standing: TargetStanding | None, exhausted_until_ms: int, now_ms: int
) -> TargetNow:
    return TargetNow(
        target=name,
        state=circuit(health, now_ms),
        failures=health.failures,
        open_until_ms=health.closed_until_ms or None,
        exhausted_until_ms=exhausted_until_ms if exhausted_until_ms > now_ms else None,
        calls=standing.calls if standing is not None else 0,
        error_rate=round(error_rate(standing, now_ms), 4) if standing is not None else 0.0,
        first_byte_ms=standing.first_byte_ms if standing is not None else None,
    )

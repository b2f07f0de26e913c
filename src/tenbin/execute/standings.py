"""6. How every target does, kept while the gateway runs: decide.standing's fold of settled receipts, bounded, and the
one page on which health, limits and standings are seen together.
"""

from collections.abc import Callable, Mapping

import msgspec

from tenbin.core.facts import StandingByTarget, TargetHealth, TargetStanding
from tenbin.core.receipt import Receipt
from tenbin.decide.allowance import pool
from tenbin.decide.health import WELL, Circuit, circuit
from tenbin.decide.judging import health_name
from tenbin.decide.standing import error_rate, fold

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


class Standings:
    """The memory of one process. Used from the event loop only."""

    def __init__(self, fold_speed: Callable[[Receipt], None]) -> None:
        """``fold_speed`` is told of the receipts that were not weighed."""
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
        """Begin anew with one target, or with all."""
        self._add_up()
        if target is None:
            self._standings.clear()
        else:
            self._standings.pop(target, None)

    def _add_up(self) -> None:
        waiting, self._waiting = self._waiting, []
        standings = self._standings
        for receipt in waiting:
            if receipt.weighing is None:
                self._fold_speed(receipt)
            for attempt in receipt.attempts:
                name = f"{attempt.provider}/{attempt.model}"
                if not attempt.number:
                    name = health_name(name)
                after = fold(standings.get(name), attempt)
                if after is not None:
                    standings[name] = after
                    if len(standings) > MOST_TARGETS:
                        del standings[next(iter(standings))]


def targets_now(
    health: Mapping[str, TargetHealth], standings: StandingByTarget, exhausted: Mapping[str, int], now_ms: int
) -> list[TargetNow]:
    """All targets of which anything is known, by name."""
    rows = []
    for name in sorted({*health, *standings}):
        well, standing = health.get(name, WELL), standings.get(name)
        empty = exhausted.get(pool(name), 0)
        rows.append(
            TargetNow(
                target=name,
                state=circuit(well, now_ms),
                failures=well.failures,
                open_until_ms=well.closed_until_ms or None,
                exhausted_until_ms=empty if empty > now_ms else None,
                calls=standing.calls if standing is not None else 0,
                error_rate=round(error_rate(standing, now_ms), 4) if standing is not None else 0.0,
                first_byte_ms=standing.first_byte_ms if standing is not None else None,
            )
        )
    return rows

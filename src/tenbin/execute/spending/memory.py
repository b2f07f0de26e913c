"""6. Spending counted in this process alone: nothing is awaited, and nothing of it outlives the process but the ledger.

A counter that is drawn on for the first time begins with what ``spent`` says was spent in its window before.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tenbin.core.budget import Claim, Denied, Granted, Level
from tenbin.core.money import NanoUSD

MOST_COUNTERS = 100_000
"""Counters kept before those of windows that are over are let go."""

MOST_BEGUN = 32
"""Windows of one team, key or the like, before those that are over are looked through."""

KEPT_MS = 86_400_000
"""How long after its end a window may have calls that began in it."""


class _Sums:
    __slots__ = ("ends_at_ms", "reserved", "spent", "starts_at_ms", "whose")

    def __init__(self, claim: Claim, spent: NanoUSD) -> None:
        self.starts_at_ms = claim.starts_at_ms
        self.ends_at_ms = claim.ends_at_ms
        self.whose = claim.whose
        self.spent = spent
        self.reserved = 0


class _Reservation(NamedTuple):
    sums: list[_Sums]
    worst: NanoUSD


def nothing_before(claim: Claim) -> NanoUSD:
    """For a store that begins with nothing."""
    return 0


class MemorySpending:
    """The Spending of one process. A reservation stands until it is settled or voided: its deadline changes nothing."""

    def __init__(self, spent: Callable[[Claim], NanoUSD] = nothing_before) -> None:
        self._spent_before = spent
        self._sums: dict[tuple[str, int], _Sums] = {}
        """By counter and beginning of its window."""
        self._begun_for: dict[str, list[_Sums]] = {}
        """By whose they are."""
        self._reservations: dict[str, _Reservation] = {}

    async def reserve(
        self, reservation: str, claims: tuple[Claim, ...], worst: NanoUSD, now_ms: int, deadline_ms: int
    ) -> Granted | Denied:
        """Set an amount aside on every claim, or nothing anywhere."""
        return self.reserve_now(reservation, claims, worst, now_ms)

    def reserve_now(self, reservation: str, claims: tuple[Claim, ...], worst: NanoUSD, now_ms: int) -> Granted | Denied:
        """The same at once."""
        if reservation in self._reservations:
            return Granted(self.levels_now(claims))
        found = []
        denied: Level | None = None
        for claim in claims:
            sums = self._sums.get((claim.counter, claim.starts_at_ms)) or self._begun(claim, now_ms)
            found.append(sums)
            if claim.hard and sums.spent + sums.reserved + worst > claim.limit:
                level = Level(claim, sums.spent, sums.reserved)
                if denied is None or level.share > denied.share:
                    denied = level
        if denied is not None:
            return Denied(denied, worst)
        for sums in found:
            sums.reserved += worst
        self._reservations[reservation] = _Reservation(found, worst)
        levels = [Level(claim, sums.spent, sums.reserved) for claim, sums in zip(claims, found, strict=True)]
        return Granted(tuple(levels))

    def settle(self, reservation: str, cost: NanoUSD, whose: Sequence[str] = (), at_ms: int = 0) -> None:
        """Replace what was set aside by what the call cost."""
        held = self._reservations.pop(reservation, None)
        drawn = held.sums if held is not None else []
        if held is not None:
            for sums in drawn:
                sums.reserved -= held.worst
                sums.spent += cost
        if cost:
            for name in whose:
                for sums in self._begun_for.get(name, ()):
                    if sums.starts_at_ms <= at_ms < sums.ends_at_ms and not any(sums is one for one in drawn):
                        sums.spent += cost

    def void(self, reservation: str) -> None:
        """What was set aside is free again."""
        self.settle(reservation, 0)

    def count_too(self, reservation: str, claims: tuple[Claim, ...], now_ms: int) -> None:
        """Draw on further claims for a call that is under way: those of a budget that was put in force meanwhile."""
        held = self._reservations.get(reservation)
        if held is None:
            return
        for claim in claims:
            sums = self._sums.get((claim.counter, claim.starts_at_ms)) or self._begun(claim, now_ms)
            if not any(sums is one for one in held.sums):
                sums.reserved += held.worst
                held.sums.append(sums)

    async def levels(self, claims: tuple[Claim, ...], now_ms: int) -> tuple[Level, ...]:
        """How full each is now."""
        return self.levels_now(claims)

    def levels_now(self, claims: tuple[Claim, ...]) -> tuple[Level, ...]:
        """The same at once."""
        levels = []
        for claim in claims:
            sums = self._sums.get((claim.counter, claim.starts_at_ms))
            if sums is None:
                levels.append(Level(claim, self._spent_before(claim), 0))
            else:
                levels.append(Level(claim, sums.spent, sums.reserved))
        return tuple(levels)

    async def close(self) -> None:
        """Nothing is to be told to anybody."""

    def _begun(self, claim: Claim, now_ms: int) -> _Sums:
        if len(self._sums) >= MOST_COUNTERS:
            self._sums = {key: one for key, one in self._sums.items() if one.reserved or one.ends_at_ms > now_ms}
            self._begun_for = {}
            for one in self._sums.values():
                self._begun_for.setdefault(one.whose, []).append(one)
        sums = self._sums[claim.counter, claim.starts_at_ms] = _Sums(claim, self._spent_before(claim))
        begun = self._begun_for.setdefault(claim.whose, [])
        if len(begun) >= MOST_BEGUN:
            # Of windows that are over, those that calls may still be settled in are kept.
            begun[:] = [one for one in begun if one.reserved or one.ends_at_ms + KEPT_MS > now_ms]
        begun.append(sums)
        return sums

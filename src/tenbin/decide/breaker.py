"""Has spending run away? A fold of settled requests, the same live and from the ledger: closed, open, half-open.

It opens when a rule is passed, and refuses everything until it has cooled and no limit is passed any more; then it is
half-open: one request at a time is let through, and what is known when that has ended closes it or opens it again.
"""

from collections import deque
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from tenbin.config.breaker import BreakerConfig, BreakerRules, VelocityConfig
from tenbin.core.money import NanoUSD, nano_from_usd
from tenbin.core.receipt import Receipt
from tenbin.decide.health import Circuit

Rule: TypeAlias = Literal["hourly", "daily", "velocity"]

CHECKPOINT = "breaker"
"""What turned a request away, as its receipt's trace says (``("refused", "breaker", ...)``)."""
EVERYONE = ""
"""The scope of all keys together; every other scope is a key's id."""
MINUTE_MS = 60_000
HOUR, DAY = 60, 1_440
"""In minutes."""
LEAST_STRETCHES = 12
"""Stretches of time with any spending that must be known before a rate is called usual."""
SETTLED_MS = 60_000
"""A tried request that has ended, and whose cost is not known after this, is not waited for any longer."""
MOST_KEYS = 10_000
"""Keys that are counted by themselves; past this the one that has been silent longest is forgotten."""


class Spent(NamedTuple):
    """A settled request."""

    began_ms: int
    """UTC ms at which it arrived."""
    at_ms: int
    """UTC ms at which it had ended."""
    key_id: str
    nano: NanoUSD
    """What its calls cost, as far as that is known."""
    called: bool
    """A provider was called, so that it says something about spending."""
    refused: bool = False
    """By the breaker."""


class Trip(NamedTuple):
    """A rule that was passed."""

    rule: Rule
    spent: NanoUSD
    """In the rule's stretch of time."""
    limit: NanoUSD
    """Of the rule; of ``velocity``, so many times the usual."""
    minutes: int
    """The rule's stretch of time."""
    clear_ms: int
    """UTC ms at which it is not passed any more if nothing else is spent; 0 where only time can tell."""


class Change(NamedTuple):
    """The circuit of a scope has opened or closed."""

    scope: str
    circuit: Literal["open", "closed"]
    at_ms: int
    trip: Trip | None = None
    """Why it has opened."""
    until_ms: int = 0


class Sums(NamedTuple):
    """What was spent lately."""

    hour: NanoUSD
    day: NanoUSD


class Refusal(NamedTuple):
    """A request may not go through."""

    scope: str
    trip: Trip
    until_ms: int
    """UTC ms at which the next request is tried; in the past while one is under way."""


def spent(receipt: Receipt) -> Spent:
    """What a receipt says of spending. It counts when the request ended, by the receipt's own times."""
    nano = sum(attempt.billed_nano or 0 for attempt in receipt.attempts)
    ended = receipt.arrived_at_ms + int(receipt.total_ms)
    called = bool(receipt.attempts)
    return Spent(receipt.arrived_at_ms, ended, receipt.key_id, nano, called, refused_by(receipt) == CHECKPOINT)


def refused_by(receipt: Receipt) -> str:
    """The checkpoint that turned a request away before anything was done for it; empty where none did."""
    if receipt.attempts or not receipt.trace:
        return ""
    first = receipt.trace[0]
    return str(first[1]) if len(first) > 1 and first[0] == "refused" else ""


class Opening(msgspec.Struct, frozen=True):
    """An open or half-open circuit."""

    trip: Trip
    opened_ms: int
    until_ms: int
    refused: int = 0


class Line:
    """The spending of one scope in the last day, by minutes, and its circuit."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, NanoUSD]] = deque()
        self._day: NanoUSD = 0
        self._stretches: deque[tuple[int, NanoUSD]] = deque()
        self._usual: NanoUSD = 0
        self.opening: Opening | None = None
        self.probing = ""
        """The request that is let through to see, until it is settled."""
        self.left_ms = 0
        """UTC ms at which it ended; 0 while it is under way."""

    def circuit(self, now_ms: int) -> Circuit:
        """Which of the three states it is in."""
        if self.opening is None:
            return "closed"
        return "open" if now_ms < self.opening.until_ms else "half_open"

    def sums(self, now_ms: int) -> Sums:
        """What was spent in the last hour and day."""
        minute = now_ms // MINUTE_MS
        return Sums(self._since(minute - HOUR), sum(nano for at, nano in self._minutes if at > minute - DAY))

    def add(self, at_ms: int, nano: NanoUSD, length: int) -> None:
        """Count an amount; ``length``: minutes of a stretch that rates are measured over."""
        minute = at_ms // MINUTE_MS
        if self._minutes:  # a clock that is put back puts no amount before an earlier one
            minute = max(minute, self._minutes[-1][0])
        _onto(self._minutes, minute, nano)
        self._day += nano
        while self._minutes[0][0] <= minute - DAY:
            self._day -= self._minutes.popleft()[1]
        stretch = minute // length
        _onto(self._stretches, stretch, nano)
        self._usual += nano
        while (self._stretches[0][0] + 1) * length <= minute - DAY:
            self._usual -= self._stretches.popleft()[1]

    def forgive(self) -> None:
        """Count anew from here, and close. What is usual stays known."""
        self._minutes.clear()
        self._day = 0
        self.opening = None

    def trips(self, rules: BreakerRules, at_ms: int) -> Trip | None:
        """The rule that is passed now; of several the one that is passed longest."""
        minute = max(at_ms // MINUTE_MS, self._minutes[-1][0] if self._minutes else 0)
        found: list[Trip] = []
        if rules.hourly_usd is not None:
            found += self._over("hourly", self._since(minute - HOUR), rules.hourly_usd, HOUR, minute)
        if rules.daily_usd is not None:
            day = sum(nano for at, nano in self._minutes if at > minute - DAY) if self._stale(minute) else self._day
            found += self._over("daily", day, rules.daily_usd, DAY, minute)
        if not found and rules.velocity is not None:
            found += self._sudden(rules.velocity, minute)
        return max(found, key=lambda trip: trip.clear_ms, default=None)

    def _stale(self, minute: int) -> bool:
        return bool(self._minutes) and self._minutes[0][0] <= minute - DAY

    def _over(self, rule: Rule, amount: NanoUSD, usd: float, length: int, minute: int) -> list[Trip]:
        limit = _nano(usd)
        if amount < limit:
            return []
        left = amount
        for at, nano in self._minutes:
            if at > minute - length:
                left -= nano
                if left < limit:
                    return [Trip(rule, amount, limit, length, (at + length) * MINUTE_MS)]
        raise AssertionError("an amount is the sum of its minutes")

    def _sudden(self, rule: VelocityConfig, minute: int) -> list[Trip]:
        length = rule.minutes
        amount = self._since(minute - length)
        if amount < _nano(rule.floor_usd):
            return []
        count, before = len(self._stretches), self._usual
        for stretch, nano in reversed(self._stretches):
            if (stretch + 1) * length <= minute - length + 1:
                break
            count, before = count - 1, before - nano
        if count < LEAST_STRETCHES:
            return []
        limit = int(rule.times * before / count)
        return [Trip("velocity", amount, limit, length, 0)] if amount > limit else []

    def _since(self, minute: int) -> NanoUSD:
        """Spent after this minute."""
        total = 0
        for at, nano in reversed(self._minutes):
            if at <= minute:
                break
            total += nano
        return total


class Lines:
    """What the fold knows: a line for all keys together, and one for each key where keys have rules of their own.

    The same events in the same order give the same lines; nothing else changes them but who is being tried.
    """

    def __init__(self, settings: BreakerConfig) -> None:
        self.settings = settings
        self.scopes: dict[str, Line] = {EVERYONE: Line()}

    def fold(self, event: Spent) -> tuple[Change, ...]:
        """Take in a settled request; what has changed by it."""
        if event.refused:
            self._count_refused(event)
            return ()
        changes = []
        for scope, rules in self._concerned(event.key_id):
            line = self._line(scope)
            velocity = rules.velocity
            if event.nano:
                line.add(event.at_ms, event.nano, velocity.minutes if velocity is not None else 5)
            change = self._after(scope, line, rules, event) if event.called else None
            if change is not None:
                changes.append(change)
        return tuple(changes)

    def reset(self, scope: str | None, at_ms: int) -> tuple[Change, ...]:
        """A person says that all is well: a scope, or every one, is closed and counts anew from here."""
        named = list(self.scopes) if scope is None else [scope]
        changes = []
        for name in named:
            line = self.scopes.get(name)
            if line is not None:
                if line.opening is not None:
                    changes.append(Change(name, "closed", at_ms))
                line.forgive()
        return tuple(changes)

    def admit(self, request_id: str, key_id: str, now_ms: int) -> Refusal | None:
        """Whether a request may go through; where it is the one to be tried, it is so until ``release``."""
        trying: list[Line] = []
        for scope in (EVERYONE, key_id):
            line = self.scopes.get(scope)
            if line is None or line.opening is None:
                continue
            if line.left_ms and now_ms - line.left_ms >= SETTLED_MS:
                line.probing, line.left_ms = "", 0
            if line.circuit(now_ms) == "open" or line.probing:
                return Refusal(scope, line.opening.trip, line.opening.until_ms)
            trying.append(line)
        for line in trying:
            line.probing, line.left_ms = request_id, 0
        return None

    def tries(self, request_id: str) -> bool:
        """Whether this request is the one to be tried."""
        return any(line.probing == request_id for line in self.scopes.values() if line.opening is not None)

    def left(self, request_id: str, now_ms: int) -> None:
        """The client's side of a request has ended; it is settled soon."""
        for line in self.scopes.values():
            if line.probing == request_id:
                line.left_ms = now_ms

    def closed_for(self, key_id: str) -> bool:
        """Whether work that nobody waits for may spend: it never tries anything out."""
        lines = (self.scopes.get(scope) for scope in (EVERYONE, key_id))
        return all(line is None or line.opening is None for line in lines)

    def release(self, request_id: str) -> None:
        """A request is settled, whatever became of it: another may be tried."""
        for line in self.scopes.values():
            if line.probing == request_id:
                line.probing, line.left_ms = "", 0

    def _concerned(self, key_id: str) -> list[tuple[str, BreakerRules]]:
        found = [(EVERYONE, self.settings.rules)]
        if key_id and self.settings.key != BreakerRules():
            found.append((key_id, self.settings.key))
        return found

    def _line(self, scope: str) -> Line:
        line = self.scopes.pop(scope, None) or Line()
        self.scopes[scope] = line  # the last one is the one that was heard of last
        if len(self.scopes) > MOST_KEYS:
            silent = next((name for name, one in self.scopes.items() if name and one.opening is None), None)
            if silent is not None:
                del self.scopes[silent]
        return line

    def _after(self, scope: str, line: Line, rules: BreakerRules, event: Spent) -> Change | None:
        trip = line.trips(rules, event.at_ms)
        opening = line.opening
        if opening is None:
            return None if trip is None else self._open(scope, line, trip, event.at_ms)
        if event.began_ms < opening.until_ms:  # it was under way when the breaker opened
            if trip is not None and trip.clear_ms > opening.until_ms:
                line.opening = msgspec.structs.replace(opening, until_ms=trip.clear_ms)
            return None
        if trip is not None:
            return self._open(scope, line, trip, event.at_ms)
        line.opening = None
        return Change(scope, "closed", event.at_ms)

    def _open(self, scope: str, line: Line, trip: Trip, at_ms: int) -> Change:
        until = max(at_ms + self.settings.cool_minutes * MINUTE_MS, trip.clear_ms)
        before = line.opening.refused if line.opening is not None else 0
        line.opening = Opening(trip, at_ms, until, before)
        return Change(scope, "open", at_ms, trip, until)

    def _count_refused(self, event: Spent) -> None:
        for scope in (EVERYONE, event.key_id):
            line = self.scopes.get(scope)
            if line is not None and line.opening is not None:
                line.opening = msgspec.structs.replace(line.opening, refused=line.opening.refused + 1)
                return


@lru_cache(maxsize=64)
def _nano(usd: float) -> NanoUSD:
    """A limit as it is configured; no less than the smallest amount there is."""
    return max(nano_from_usd(repr(usd)), 1)


def _onto(sums: deque[tuple[int, NanoUSD]], at: int, nano: NanoUSD) -> None:
    """Add to the last sum, or begin another."""
    if sums and sums[-1][0] == at:
        nano += sums.pop()[1]
    sums.append((at, nano))

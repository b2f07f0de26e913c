"""3. The breaker at work: before a request is decided upon it is asked, from each settled receipt it learns.

``decide.breaker`` is the fold; here are its problem for the client, a person's resets, and who is told of changes.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tenbin.config.breaker import BreakerConfig
from tenbin.core.ask import Ask
from tenbin.core.money import NanoUSD, format_usd
from tenbin.core.problems import Problem
from tenbin.core.receipt import Receipt
from tenbin.decide.breaker import EVERYONE, Change, Line, Lines, Refusal, Rule, Spent, spent
from tenbin.decide.health import Circuit

LOG = logging.getLogger("tenbin.execute")

RESETS = "breaker.json"
"""In the ledger's folder: when a person has last reset which scope."""
KEPT_MS = 2 * 86_400_000
"""Older resets say nothing any more."""

Listener = Callable[[Change], None]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One scope as it is shown."""

    key: str | None
    """A key's id; None for all keys together."""
    state: Circuit
    hour_nano: NanoUSD
    day_nano: NanoUSD
    rule: Rule | None = None
    """What has opened it."""
    spent_nano: NanoUSD | None = None
    limit_nano: NanoUSD | None = None
    opened_at_ms: int | None = None
    until_ms: int | None = None
    """UTC ms from which one request at a time is tried."""
    refused: int = 0
    """Requests since it was last closed."""


class Breaker:
    """The breaker of one gateway. Used from the event loop only."""

    def __init__(self, settings: BreakerConfig, directory: Path) -> None:
        self._directory = directory
        self._lines = Lines(settings)
        self.refused = 0
        """Requests since the start."""
        self.listeners: list[Listener] = []

    @property
    def settings(self) -> BreakerConfig:
        """In force."""
        return self._lines.settings

    def configure(self, settings: BreakerConfig, history: Iterable[Spent], now_ms: int) -> None:
        """Put settings in force and fold what was spent before, the oldest first. Who is being tried stays so."""
        former = {scope: line.probing for scope, line in self._lines.scopes.items() if line.probing}
        self._lines = Lines(settings)
        resets = sorted((at, scope) for scope, at in self._resets(now_ms).items())
        for event in history:
            while resets and resets[0][0] <= event.at_ms:
                self._reset_at(*resets.pop(0))
            self._lines.fold(event)
        for reset in resets:
            self._reset_at(*reset)
        for scope, request_id in former.items():
            self._lines.scopes.setdefault(scope, Line()).probing = request_id

    def _reset_at(self, at_ms: int, scope: str) -> None:
        self._lines.reset(None if scope == "*" else scope, at_ms)

    # -- while requests come and go

    def admit(self, ask: Ask, now_ms: int) -> Problem | None:
        """Why a request is refused; None where it may go on, perhaps as the one that is tried: its receipt says so."""
        refusal = self._lines.admit(ask.request_id, ask.caller.key_id, now_ms)
        return None if refusal is None else refused(refusal, now_ms)

    def lets_own(self, operation: str) -> bool:
        """Whether work of Tenbin's own, which nobody waits for, may spend money now."""
        return self._lines.closed_for(operation)

    def add(self, receipt: Receipt) -> None:
        """Learn from a settled receipt."""
        event = spent(receipt)
        self.refused += event.refused
        changes = self._lines.fold(event)
        self._lines.release(receipt.request_id)
        self._tell(changes)

    def tries(self, ask: Ask) -> bool:
        """Whether an admitted request is the one that is tried: then ``left`` or ``release`` must hear of its end."""
        return self._lines.tries(ask.request_id)

    def left(self, ask: Ask, now_ms: int) -> None:
        """The client has its answer, or is gone; its receipt may come a little later."""
        self._lines.left(ask.request_id, now_ms)

    def release(self, ask: Ask) -> None:
        """A request has ended that nothing was done for."""
        self._lines.release(ask.request_id)

    # -- for people

    def standings(self, now_ms: int) -> tuple[Standing, ...]:
        """All keys together first, then each key whose circuit is not closed."""
        return tuple(
            _standing(scope, line, now_ms)
            for scope, line in sorted(self._lines.scopes.items(), key=lambda item: item[0])
            if scope == EVERYONE or line.opening is not None
        )

    @property
    def open_scopes(self) -> tuple[str, ...]:
        """Scopes that are open or half-open."""
        return tuple(scope for scope, line in self._lines.scopes.items() if line.opening is not None)

    def reset(self, key: str | None, now_ms: int) -> tuple[str, ...]:
        """Close a key's circuit, or every one, and count anew from now on; also after a restart. Returns the scopes
        that were not closed.
        """
        changes = self._lines.reset(key, now_ms)
        known = self._resets(now_ms)
        if key is None:
            known = {"*": now_ms}
        else:
            known[key] = now_ms
        try:
            fresh = self._directory / f"{RESETS}.new"
            fresh.write_bytes(msgspec.json.encode(known))
            os.replace(fresh, self._directory / RESETS)
        except OSError as error:
            LOG.warning("That the breaker was reset is forgotten at the next start: %s", error)
        self._tell(changes)
        return tuple(change.scope for change in changes)

    def _resets(self, now_ms: int) -> dict[str, int]:
        with contextlib.suppress(OSError, msgspec.DecodeError):
            known = msgspec.json.decode((self._directory / RESETS).read_bytes(), type=dict[str, int])
            return {scope: at for scope, at in known.items() if at > now_ms - KEPT_MS}
        return {}

    def _tell(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            whose = f"key {change.scope}" if change.scope else "all keys"
            if change.trip is not None:
                trip = change.trip
                LOG.warning(
                    "The breaker has opened for %s: %s within %d minutes, the %s limit is %s.",
                    whose,
                    format_usd(trip.spent),
                    trip.minutes,
                    trip.rule,
                    format_usd(trip.limit),
                )
            else:
                LOG.info("The breaker has closed for %s.", whose)
            for listener in self.listeners:
                listener(change)


_SETTING = {"hourly": "hourly_usd", "daily": "daily_usd", "velocity": "velocity"}


def refused(refusal: Refusal, now_ms: int) -> Problem:
    """What the client is told. No sums: they are of all keys' traffic."""
    whose = "this key's spending" if refusal.scope else "spending"
    setting = f"spending.breaker.{'key.' if refusal.scope else ''}{_SETTING[refusal.trip.rule]}"
    why = "was suddenly far above the usual" if refusal.trip.rule == "velocity" else "passed its limit"
    if refusal.until_ms > now_ms:
        at = datetime.fromtimestamp(refusal.until_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        wait = max(refusal.until_ms - now_ms, 1_000)
        then = f"From {at} on one request at a time is tried."
    else:
        wait = 10_000
        then = "One request is being tried just now; what it finds decides."
    scope = f" --key {refusal.scope}" if refusal.scope else ""
    return Problem(
        status=429,
        code="billing_error",
        message=(
            f"The breaker has stopped all calls: {whose} within {refusal.trip.minutes} minutes {why} ({setting}). "
            f"{then} Whoever runs this gateway can end it at once: `tenbin breaker reset{scope}`."
        ),
        fault="caller",
        retry_after_ms=wait,
        should_retry=False,
        reason="over_budget",
    )


def _standing(scope: str, line: Line, now_ms: int) -> Standing:
    sums, opening = line.sums(now_ms), line.opening
    if opening is None:
        return Standing(key=scope or None, state="closed", hour_nano=sums.hour, day_nano=sums.day)
    return Standing(
        key=scope or None,
        state=line.circuit(now_ms),
        hour_nano=sums.hour,
        day_nano=sums.day,
        rule=opening.trip.rule,
        spent_nano=opening.trip.spent,
        limit_nano=opening.trip.limit,
        opened_at_ms=opening.opened_ms,
        until_ms=opening.until_ms,
        refused=opening.refused,
    )

"""Everything a decision may know besides the ask and the policy: no decision reads a clock or draws a number."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from tenbin.core.price import Price


class TargetHealth(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered about one target: a fold of its attempts' outcomes."""

    failures: int = 0
    """Failures in a row that count against its health."""
    closed_until_ms: int = 0
    """UTC ms until which it is skipped; 0 when it is well."""
    probing_since_ms: int = 0
    """UTC ms at which one probe was let through after the cooldown; 0 when none is under way."""


class TargetStanding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a target has done lately: means in which the latest call counts most."""

    calls: int
    """Calls that told something, ever."""
    error_rate: float
    """Share of them that failed, 0..1."""
    first_byte_ms: float | None
    """From a call to the first byte of its answer; None as long as nothing has answered."""
    at_ms: int
    """UTC ms of the latest."""


HealthByTarget: TypeAlias = Mapping[str, TargetHealth]
"""By ``provider/model``; a target that is absent is well."""

StandingByTarget: TypeAlias = Mapping[str, TargetStanding]
"""By ``provider/model``; of a target that is absent nothing is known."""

NOTHING_EXHAUSTED: Mapping[str, int] = MappingProxyType({})
UNKNOWN_STANDINGS: StandingByTarget = MappingProxyType({})
NOBODY_SLOW: Mapping[str, int] = MappingProxyType({})


PriceOf: TypeAlias = Callable[[str, str, int], Price | None]
"""(provider, model, UTC ms) -> what it costs then; None when nobody knows. From the dated table, so always the same."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The hidden inputs made visible."""

    now_ms: int
    """UTC, milliseconds since the epoch."""
    draw: float
    """One random number in [0, 1) for the whole decision."""
    health: HealthByTarget
    deadline_ms: int | None = None
    """UTC ms at which the client gives up, where it has said so."""
    standings: StandingByTarget = UNKNOWN_STANDINGS
    """Looked at only where a chain is to be ordered by them."""
    exhausted: Mapping[str, int] = NOTHING_EXHAUSTED
    """By pool of a rate limit (decide.allowance): UTC ms until which nothing is left of it."""
    hedges: bool = False
    """One more request may be hedged."""
    slow_ms: Mapping[str, int] = NOBODY_SLOW
    """By target: after how long without the beginning of an answer it is slow, as it has been measured (ms)."""

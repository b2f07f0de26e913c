"""7. What gates said of an answer that was held back, and what was planned for a ladder: both stand on the receipt."""

from typing import Literal, TypeAlias

import msgspec

from tenbin.core.features import Features
from tenbin.core.money import NanoUSD

Part: TypeAlias = tuple[str, float | None, str]
"""What one gate said: its name, its score 0..1 (None: not judged), its evidence in words."""

Why: TypeAlias = Literal["whole", "prefix", "late"]
"""Of what an answer was judged: all of it; its first tool call or first tokens; nothing, its time was over."""


class Gating(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one held answer was judged, and what became of it."""

    score: float | None
    """Chance 0..1 that it is right, as the gates together have it; None when its time was over before it was judged."""
    accept: float
    """Chance from which on it is given."""
    passed: bool
    """It was good enough."""
    parts: tuple[Part, ...] = ()
    why: Why = "whole"
    given: bool = False
    """The client has this answer."""
    repaired: tuple[str, ...] = ()
    """What was mended in it before it was judged, in words."""
    prior: float = 0.0
    """Chance before any gate had spoken."""


class PlannedRung(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rung as it was planned for one request."""

    target: str
    """``provider/model``."""
    chance: float | None = None
    """Expected chance that its answer is good enough; None when nothing is known."""
    cost_nano: NanoUSD | None = None
    """Expected cost of its answer; None when nobody knows its price."""
    onward_nano: NanoUSD | None = None
    """Expected cost from here on, this rung tried or skipped, whichever is less."""
    skipped: str = ""
    """Why it is not tried at first, in words; empty when it is."""
    accept: float | None = None
    """Chance from which on its answer is given; None: its calibration's threshold."""
    prior: float | None = None
    """Chance before any gate has spoken; None: its calibration's share."""


class Climb(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was planned for a request that goes up a ladder."""

    name: str
    """The cascade's, or ``routing.climb`` where the ladder was made of a weighing."""
    rungs: tuple[PlannedRung, ...]
    """Weakest first."""
    features: Features | None = None
    """What was known of the request; None where its weighing has it."""
    until_ms: int | None = None
    """UTC ms until which answers are held back; None: as long as it takes."""

"""3. A soft landing: what is done to a request since a budget that counts it is nearly spent. It stands on the Ask, on
the answer and in the receipt's trace, so that it can be explained.
"""

from typing import Literal, TypeAlias

import msgspec

from tenbin.core.features import Tier

Effort: TypeAlias = Literal["minimal", "low", "medium", "high"]


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """What the stages that are reached do, taken together."""

    substitutes: tuple[tuple[tuple[str, str], ...], ...] = ()
    """By stage: (pattern of a model's name, the name that stands in for it)."""
    floor: float | None = None
    """Most quality that a weighing may demand, 0..1 of the strongest's; None: as much as it likes."""
    tier: Tier | None = None
    """Strongest tier that a weighing chooses from, as long as somebody in it can serve the request."""
    effort: Effort | None = None
    """Highest effort."""
    max_tokens: int | None = None
    """Most output tokens."""
    relaxed_cache: bool = False
    """The response cache is less strict about questions that are nearly the same."""
    no_background: bool = False
    """Nothing of Tenbin's own is spent: no shadow evaluation, no keep-alive reads, no hedging, no exploration."""
    user_limits: float = 1.0
    """Share of a user's daily limits that is left to it, 0..1."""

    @property
    def degrades(self) -> bool:
        """The answer may be another one than was asked for."""
        chosen = bool(self.substitutes) or self.floor is not None or self.tier is not None
        return chosen or self.effort is not None or self.max_tokens is not None

    @property
    def words(self) -> tuple[str, ...]:
        """One word for each effect that there is."""
        return tuple(
            word
            for word, there in (
                ("substitutes", bool(self.substitutes)),
                ("floor", self.floor is not None),
                ("tier", self.tier is not None),
                ("effort", self.effort is not None),
                ("max_tokens", self.max_tokens is not None),
                ("cache", self.relaxed_cache),
                ("background", self.no_background),
                ("user_limits", self.user_limits < 1),
            )
            if there
        )


NO_EFFECTS = Effects()


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """The landing of one request."""

    stage: int
    """How many stages were reached when it came."""
    turn_stage: int
    """How many choose its model and its effort: those that were reached when its turn began. A turn ends with the model
    that it began with, since another one would have to read the whole prompt anew."""
    effects: Effects
    """Of both."""
    counter: str
    """The fullest of the budgets that count it (core.budget.Claim.counter)."""
    share: float
    """How full, 0..1 and above."""
    until_ms: int
    """UTC ms at which that budget begins anew."""
    asked_body: bytes = b""
    """The body as it was asked, where limits were lowered: what the response cache knows it by."""

    @property
    def trace(self) -> tuple[str, dict[str, object]]:
        """What the receipt keeps: enough to decide the same again."""
        told: dict[str, object] = {
            "stage": self.stage,
            "turn_stage": self.turn_stage,
            "budget": self.counter,
            "share": round(self.share, 4),
            "until_ms": self.until_ms,
            "effects": self.effects.words,
        }
        for name in ("floor", "tier", "effort", "max_tokens"):
            if (value := getattr(self.effects, name)) is not None:
                told[name] = value
        return ("landing", told)

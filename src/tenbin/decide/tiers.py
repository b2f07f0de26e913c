"""4. The tiers where nobody has configured them: from the providers that are there and what is known of their models.

Low: local models, then the smallest of the providers. Medium: from those to the middle ones. High: from the middle ones
to the strongest. Highest: the strongest at once.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tenbin.core.features import TIERS, Tier
from tenbin.decide.abilities import Abilities, plain

LOCAL_PROFILES = frozenset({"ollama", "llamacpp", "vllm"})
"""Servers of models on one's own machine."""
RESELLERS = frozenset({"openrouter", "litellm"})
"""Where the same model is had elsewhere too, it is taken from its maker."""
TOY = -2.0
"""Models below this ability stand in no tier unless there is nothing else."""

BOUNDS: Mapping[Tier, tuple[float, float]] = {
    "low": (float("-inf"), 0.75),
    "medium": (0.25, 2.75),
    "high": (1.25, float("inf")),
    "highest": (2.5, float("inf")),
}
"""(at least, below): abilities of a tier's models. They overlap: a tier's strongest is where the next one begins."""


class Offered(NamedTuple):
    """What one provider has."""

    provider: str
    """Its name in the configuration."""
    profile: str | None
    models: tuple[str, ...] = ()
    """Models that are known to be there: listed in the configuration, or found on the server."""
    local: bool = False
    """It runs on one's own machine, whatever its profile."""


def default_tiers(offered: Iterable[Offered], abilities: Abilities) -> dict[Tier, tuple[str, ...]]:
    """Targets (``provider/model``) of every tier, the weakest first; all tiers empty when nothing is offered.

    A provider whose profile the table knows offers the models that stand for it there (``Row.serves``); any other, and
    every local one, the models that it lists.
    """
    found = _found(offered, abilities)
    sensible = [one for one in found if one[0] >= TOY] or found
    tiers: dict[Tier, tuple[str, ...]] = {}
    for tier in TIERS:
        least, below = BOUNDS[tier]
        tiers[tier] = tuple(
            name for ability, local, name in sensible if least <= ability < below or (local and tier == "low")
        )
    return _filled(tiers, tuple(name for _, _, name in sensible))


def _found(offered: Iterable[Offered], abilities: Abilities) -> list[tuple[float, bool, str]]:
    """(ability, whether it is local, target), the weakest first, each model once."""
    chosen: dict[str, tuple[float, bool, str]] = {}
    for one in sorted(offered, key=lambda one: (one.profile in RESELLERS, one.provider)):
        local = one.local or one.profile in LOCAL_PROFILES
        stand_ins = [
            row.serves[one.profile] for row in abilities.table.rows if one.profile and one.profile in row.serves
        ]
        for model in one.models if local or not stand_ins else stand_ins:
            target = f"{one.provider}/{model}"
            key = target if local else plain(model)
            chosen.setdefault(key, (abilities.ability(target).value, local, target))
    return sorted(chosen.values(), key=lambda one: (one[0], one[2]))


def _filled(tiers: dict[Tier, tuple[str, ...]], weakest_first: tuple[str, ...]) -> dict[Tier, tuple[str, ...]]:
    """An empty tier takes the nearest that there is: the weakest below, the strongest above."""
    for tier in TIERS:
        if not tiers[tier] and weakest_first:
            tiers[tier] = weakest_first[:1] if tier == "low" else weakest_first[-1:]
    return tiers

"""4. How good an answer each candidate would give: ability against difficulty, corrected by one's own evidence.

The learned part says how likely a typical model of each tier suffices; a model's ability says where between the tiers
it stands; what was seen of it in this kind of request moves the figure. docs/quality.md has the formulas and limits.
"""

import math
from functools import lru_cache

from tenbin.core.features import Features
from tenbin.core.weighing import Quality
from tenbin.decide.abilities import Abilities
from tenbin.decide.evidence import Cell, EvidenceTable, Tally, cell, wider

LEAST, MOST = 0.005, 0.995
"""No answer is ever taken for certain."""
STEEPEST_ABOVE = 0.5
"""Logits gained for each step of ability above the highest tier, at most: a better model than the best typical one
helps little with what that one does well."""
FLATTEST_BELOW = 0.75
"""Logits lost for each step of ability below the lowest tier, at least: easy requests too overtax a toy."""
PRIOR_TRIALS = 10.0
"""How many trials the prior weighs as much as, in one kind of request."""
WIDER_TRIALS = 30.0
"""The same for what all of a model's tasks, or all requests of one task, say of one kind of request."""


def expected(
    target: str,
    features: Features,
    evidence: EvidenceTable,
    abilities: Abilities,
    *,
    price: float | None = None,
    now_ms: int = 0,
    heights: tuple[float, ...] | None = None,
) -> Quality:
    """The chance that a target's answer is good enough.

    ``target`` is ``provider/model``; ``price`` (USD per million tokens) helps to place a model of unknown name;
    ``now_ms`` (UTC) lets old evidence fade, 0 takes it as it stands; ``heights`` are those of the request's
    ``suffices``, where they are at hand.
    """
    able = abilities.ability(target, features.task, features.domain, features.language, price, features.options)
    prior = at_heights(heights if heights is not None else heights_of(features.suffices), able.value)
    if not evidence or Cell(target) not in evidence:
        return Quality(value=prior, prior=prior, ability=able.value, source=able.source)
    value, told = _posterior(prior, cell(target, features), evidence, now_ms)
    return Quality(
        value=value,
        prior=prior,
        ability=able.value,
        source=able.source,
        successes=round(told.successes, 3),
        trials=round(told.trials, 3),
    )


def suffices_at(suffices: tuple[float, ...], ability: float) -> float:
    """The chance that a model of this ability suffices, from the chances of the tiers at 0, 1, 2, 3.

    Logits are joined by straight lines (the item-response curve of a request, drawn through its four known points) and
    carried on outside them; never falling in the ability.
    """
    return at_heights(heights_of(suffices), ability)


def at_heights(heights: tuple[float, ...], ability: float) -> float:
    """The same from the logits of the tiers' chances (``heights_of``)."""
    last = len(heights) - 1
    if 0 < ability < last:
        below = int(ability)
        height = heights[below]
        height += (ability - below) * (heights[below + 1] - height)
    elif ability <= 0:
        height = heights[0] + ability * max(heights[1] - heights[0], FLATTEST_BELOW)
    else:
        height = heights[last] + (ability - last) * min(heights[last] - heights[last - 1], STEEPEST_ABOVE)
    return _chance(height)


@lru_cache(maxsize=1_024)
def heights_of(suffices: tuple[float, ...]) -> tuple[float, ...]:
    """The tiers' chances as logits; the same for all candidates of a request."""
    heights = []
    highest = LEAST
    for chance in suffices:
        highest = min(max(chance, highest), MOST)
        heights.append(math.log(highest / (1 - highest)))
    return tuple(heights)


def _posterior(prior: float, narrow: Cell, evidence: EvidenceTable, now_ms: int) -> tuple[float, Tally]:
    """The prior moved by what is known, the widest first; and the narrowest tally that says anything.

    Each trial counts once: what the task says leaves out this kind of request, what the model says leaves out the task.
    """
    everything, task = wider(narrow)
    here = _tally(evidence, narrow, now_ms)
    of_task = _tally(evidence, task, now_ms)
    of_model = _tally(evidence, everything, now_ms)
    value = _corrected(prior, _without(of_model, of_task))
    value = _corrected(value, _without(of_task, here))
    value = (value * PRIOR_TRIALS + here.successes) / (PRIOR_TRIALS + here.trials)
    told = next((tally for tally in (here, of_task) if tally.trials >= 1), of_model)
    return min(max(value, LEAST), MOST), told


def _corrected(value: float, tally: Tally) -> float:
    """A chance shifted (in logits) by how far other requests' outcomes were from what was expected of them."""
    if tally.trials <= 0:
        return value
    said = min(max(tally.expected / tally.trials, LEAST), MOST)
    seen = (tally.successes + WIDER_TRIALS * said) / (tally.trials + WIDER_TRIALS)
    return _chance(_logit(value) + _logit(seen) - _logit(said))


_NOTHING = Tally(0.0, 0.0, 0.0, 0)


def _tally(evidence: EvidenceTable, one: Cell, now_ms: int) -> Tally:
    tally = evidence.get(one)
    return _NOTHING if tally is None else tally.faded(now_ms)


def _without(whole: Tally, part: Tally) -> Tally:
    return Tally(
        max(whole.successes - part.successes, 0.0),
        max(whole.trials - part.trials, 0.0),
        max(whole.expected - part.expected, 0.0),
        whole.at_ms,
    )


def _logit(chance: float) -> float:
    chance = min(max(chance, LEAST), MOST)
    return math.log(chance / (1 - chance))


def _chance(height: float) -> float:
    if height <= -700:
        return LEAST
    chance = 1 / (1 + math.exp(-height))
    return LEAST if chance < LEAST else MOST if chance > MOST else chance

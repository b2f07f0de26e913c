"""4. Exploration inside the floor: now and then another of the models that are good enough, so that more is learned.

Thompson sampling over their chances of success, with propensities that are exact. Pure: the draw comes from Facts.
"""

from functools import lru_cache
from itertools import accumulate
from math import exp, log, sqrt
from statistics import NormalDist

import msgspec

from tenbin.config.experiments import Exploration as Settings
from tenbin.core.money import nano_from_usd
from tenbin.core.weighing import Candidate, Exploration, Weighing
from tenbin.decide.quality import PRIOR_TRIALS
from tenbin.decide.selection import SAME

SAMPLES = 128
"""Points of the quasi-random sequence that stands for the posteriors: propensities are multiples of its inverse."""
FEWEST = 1e-3
"""Successes and failures that a posterior has at least: its logarithm of odds must have a variance."""


def asked(settings: Settings) -> Exploration:
    """What the configuration asks for, ready to be filled in."""
    return Exploration(share=settings.share, most_nano=nano_from_usd(repr(settings.max_usd)))


def explored(weighing: Weighing) -> Weighing:
    """The choice with exploration: who was chosen stays so, or another of those that are good enough comes first.

    Only where nothing holds or prescribes the choice: the first request of a conversation, in mode ``balanced``, with
    no share for the strongest and no router of one's own. The same weighing always gives the same.
    """
    told = weighing.exploration
    if told is None or not weighing.order or not _free(weighing):
        return weighing
    usual = weighing.order[0]
    pool = _pool(weighing, usual, told.most_nano)
    sampled = thompson(pool, weighing.floor)
    propensities = tuple(
        (one.target, (1 - told.share) * (one.target == usual) + told.share * part)
        for one, part in zip(pool, sampled, strict=True)
    )
    chosen = usual
    # The upper end of the draws explores, so that an explanation, whose draw is 0, tells the usual choice.
    beyond = weighing.draw - (1 - told.share)
    if beyond >= 0:
        chosen = _drawn([one.target for one in pool], sampled, beyond / told.share, usual)
    told = msgspec.structs.replace(told, usual=usual, propensities=propensities)
    if chosen == usual:
        return msgspec.structs.replace(weighing, exploration=told)
    chance = dict(propensities)[chosen]
    return msgspec.structs.replace(
        weighing,
        exploration=told,
        order=(chosen, *(name for name in weighing.order if name != chosen)),
        reason=f"explored, one of {len(pool)} that are good enough (chance {chance:.1%}); else {usual}: "
        f"{weighing.reason}",
    )


def propensity(weighing: Weighing) -> float:
    """The chance with which the first of the order was chosen; 1 where there was no exploration."""
    told = weighing.exploration
    if told is None or not told.propensities or not weighing.order:
        return 1.0
    return dict(told.propensities).get(weighing.order[0], 1.0)


def _free(weighing: Weighing) -> bool:
    session = weighing.session
    return (
        weighing.mode == "balanced"
        and weighing.strong is None
        and weighing.opinion is None
        and (session is None or not session.target)
    )


def _pool(weighing: Weighing, usual: str, most_nano: int) -> list[Candidate]:
    """Those whose expected quality reaches the floor and that cost little more than the usual choice, by name."""
    priced = [
        one
        for one in weighing.candidates
        if not one.rejected and not one.slow and one.cost is not None and one.quality is not None
    ]
    best = max((one.quality.value for one in priced if one.quality is not None), default=0.0)
    dearest = next((one.cost.total for one in priced if one.target == usual and one.cost is not None), None)
    if dearest is None:  # nobody knows what the usual choice costs: nothing is compared
        return [one for one in weighing.candidates if one.target == usual]
    dearest += most_nano
    found = [
        one
        for one in priced
        if one.target == usual
        or (_value(one) >= weighing.floor * best - SAME and one.cost is not None and one.cost.total <= dearest)
    ]
    return sorted(found, key=lambda one: one.target)


def _value(one: Candidate) -> float:
    return one.quality.value if one.quality is not None else 0.0


def thompson(pool: list[Candidate], floor: float) -> list[float]:
    """For each, the share of posterior samples in which it would be chosen: the cheapest of those whose sampled quality
    reaches the floor's share of the best sampled one.

    A posterior is Beta(value n, (1 - value) n) with n the trials it rests on, the prior's among them. Its logarithm of
    odds has the mean digamma(a) - digamma(b) and the variance trigamma(a) + trigamma(b), and is sampled as a normal.
    """
    if len(pool) == 1:
        return [1.0]
    columns = []
    for one, normals in zip(pool, _normals(len(pool)), strict=True):
        mean, spread = _log_odds(one)
        columns.append([1 / (1 + exp(-mean - spread * z)) for z in normals])
    least = [floor * best - SAME for best in map(max, *columns)]
    counts, left = [0] * len(pool), list(range(SAMPLES))
    for place in sorted(range(len(pool)), key=lambda number: _cheapness(pool[number])):
        sampled = columns[place]
        below = [point for point in left if sampled[point] < least[point]]
        counts[place] = len(left) - len(below)
        left = below
    return [count / SAMPLES for count in counts]


def _cheapness(one: Candidate) -> tuple[int, str]:
    return one.cost.total if one.cost is not None else 0, one.target


def _log_odds(one: Candidate) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of odds of a success."""
    trials = PRIOR_TRIALS + (one.quality.trials if one.quality is not None else 0.0)
    value = _value(one)
    a, b = max(value * trials, FEWEST), max((1 - value) * trials, FEWEST)
    return _digamma(a) - _digamma(b), sqrt(_trigamma(a) + _trigamma(b))


def _digamma(x: float) -> float:
    """By recurrence to 6, then the asymptotic series (Abramowitz and Stegun 6.3.5, 6.3.18): within 1e-9."""
    below = 0.0
    while x < 6:
        below -= 1 / x
        x += 1
    square = 1 / (x * x)
    return below + log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))


def _trigamma(x: float) -> float:
    """By recurrence to 6, then the asymptotic series (Abramowitz and Stegun 6.4.6, 6.4.12): within 1e-9."""
    below = 0.0
    while x < 6:
        below += 1 / (x * x)
        x += 1
    square = 1 / (x * x)
    series = 1 / 6 - square * (1 / 30 - square * (1 / 42 - square * (1 / 30 - square * 5 / 66)))
    return below + 1 / x + square / 2 + square / x * series


@lru_cache(maxsize=64)
def _normals(dimensions: int) -> tuple[tuple[float, ...], ...]:
    """Points that fill the space evenly, as standard normals, one row a dimension: Roberts' sequence (2018), of the
    root of x^(d+1) = x + 1.
    """
    root = 2.0
    for _ in range(60):
        root = (1 + root) ** (1 / (dimensions + 1))
    inverse = NormalDist().inv_cdf
    steps = [root ** -(place + 1) for place in range(dimensions)]
    return tuple(tuple(inverse((0.5 + step * number) % 1.0) for number in range(1, SAMPLES + 1)) for step in steps)


def _drawn(names: list[str], shares: list[float], draw: float, otherwise: str) -> str:
    """The name in whose part of the line from 0 to 1 the draw falls."""
    return next((name for name, end in zip(names, accumulate(shares), strict=True) if draw < end), otherwise)

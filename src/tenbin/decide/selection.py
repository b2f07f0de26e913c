"""4. Who answers: of the candidates, priced and with their quality expected, the order in which they are tried.

Good enough is a share of what the strongest is expected to reach; of those that are, the cheapest. What follows the
choice is for the case that it fails: first the next better ones.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tenbin.config.routing import Mode, Speed
from tenbin.core.money import NanoUSD, format_usd
from tenbin.core.weighing import Candidate

SLOWER_AT_MOST: dict[Speed, float | None] = {"slow": None, "medium": 4.0, "fast": 1.5}
"""By the speed asked for: how many times as long as the fastest of those that are good enough an answer may take."""
RUNG = 0.1
"""By how much the floor gives way at a time when the price may not."""
SAME = 1e-9
"""Qualities closer than this are the same."""


class Selection(NamedTuple):
    """The outcome."""

    order: tuple[str, ...]
    """Targets (``provider/model``) as they are tried; the first is the choice. Empty when nobody is eligible."""
    reason: str
    """Why the first one, in words."""
    candidates: tuple[Candidate, ...]
    """All of them, those too slow now with that as the reason of their rejection."""
    floor: float = 0.0
    """The share of the strongest's quality that was held to in the end: lower than asked for when it gave way."""


class _Weighed(msgspec.Struct, frozen=True, gc=False):
    """A candidate as it is compared."""

    candidate: Candidate
    quality: float
    cost: NanoUSD | None


def select(
    candidates: Sequence[Candidate],
    *,
    floor: float,
    mode: Mode = "balanced",
    speed: Speed = "slow",
    cap: NanoUSD | None = None,
    strong: bool | None = None,
) -> Selection:
    """Order the candidates that are not rejected.

    ``floor`` is the least quality as a share (0..1) of the strongest's. ``cap`` is what this turn may cost, nano-USD:
    ``budget`` lets the floor give way to it, ``quality`` takes the best within it, ``balanced`` does not look at it.
    ``strong`` says which side of ``StrongShare`` the request is on: True takes the strongest, False the cheapest good
    enough of the others; None where no share is asked for.

    A candidate without a known price comes after all that have one, and its quality sets no floor for them.
    """
    candidates = tuple(candidates)
    eligible = [_weighed(candidate) for candidate in candidates if not candidate.rejected]
    if not eligible:
        return Selection((), "nobody is eligible", candidates, floor)
    priced = [one for one in eligible if one.cost is not None]
    pool = priced or eligible
    strongest = max(one.quality for one in pool)
    pool, slow = _fast_enough(pool, floor * strongest, speed)
    if strong is not None:
        chosen, reason, held = _by_share(pool, floor, strong)
    elif mode == "quality":
        chosen, reason, held = _best(pool, cap)
    else:
        chosen, reason, held = _cheapest(pool, strongest, floor, cap if mode == "budget" else None)
    if not priced:
        reason += "; no candidate's price is known"
    if not slow:
        return Selection(_order(chosen, eligible), reason, candidates, held)
    marked = tuple(
        msgspec.structs.replace(one, rejected=slow[one.target]) if one.target in slow else one for one in candidates
    )
    rest = [one for one in eligible if one.candidate.target not in slow]
    return Selection(_order(chosen, rest), reason, marked, held)


def _weighed(candidate: Candidate) -> _Weighed:
    quality = candidate.quality.value if candidate.quality is not None else 0.0
    cost = candidate.cost.total if candidate.cost is not None else None
    return _Weighed(candidate, quality, cost)


def _cheapness(one: _Weighed) -> tuple[bool, NanoUSD, float, str]:
    """Lowest first: known before unknown, cost, then the better one, then by name."""
    return one.cost is None, one.cost or 0, -one.quality, one.candidate.target


def _strength(one: _Weighed) -> tuple[float, bool, NanoUSD, str]:
    """Lowest first: the better one, then known before unknown price, the cheaper one, by name."""
    return -one.quality, one.cost is None, one.cost or 0, one.candidate.target


def _cheapest(pool: list[_Weighed], strongest: float, floor: float, cap: NanoUSD | None) -> tuple[_Weighed, str, float]:
    """The cheapest that is good enough; with a cap, the floor gives way rung by rung until something fits it."""
    held = floor
    if cap is not None:
        affordable = [
            one for one in pool if one.cost is not None and one.candidate.cost and one.candidate.cost.turn <= cap
        ]
        if not affordable:
            chosen = min(pool, key=_cheapness)
            return chosen, f"nothing costs at most {format_usd(cap)}: the cheapest of all", 0.0
        while held > 0 and not _reaching(affordable, held * strongest):
            held = max(round(held - RUNG, 9), 0.0)
        pool = affordable
    enough = _reaching(pool, held * strongest)
    chosen = min(enough, key=_cheapness)
    if held < floor:
        return (
            chosen,
            f"the cheapest within {format_usd(cap or 0)}: the floor gave way from {floor:.0%} to {held:.0%}",
            held,
        )
    if len(enough) == 1:
        return chosen, f"the only one that reaches {held:.0%} of the strongest's quality", held
    return chosen, f"the cheapest of {len(enough)} that reach {held:.0%} of the strongest's quality", held


def _best(pool: list[_Weighed], cap: NanoUSD | None) -> tuple[_Weighed, str, float]:
    """The strongest, within the cap if there is one that anything fits."""
    if cap is None:
        return min(pool, key=_strength), "the strongest", 1.0
    affordable = [one for one in pool if one.candidate.cost is not None and one.candidate.cost.turn <= cap]
    if affordable:
        return min(affordable, key=_strength), f"the strongest that costs at most {format_usd(cap)}", 1.0
    return (
        min(pool, key=_cheapness),
        f"nothing costs at most {format_usd(cap)}: the cheapest of all",
        0.0,
    )


def _by_share(pool: list[_Weighed], floor: float, strong: bool) -> tuple[_Weighed, str, float]:
    """The strongest for a request among the hardest ones, else the cheapest good enough of the others."""
    strongest = min(pool, key=_strength)
    if strong:
        return strongest, "among the hardest requests: the strongest", 1.0
    others = [one for one in pool if one is not strongest]
    if not others:
        return strongest, "there is nobody else", 1.0
    chosen, reason, held = _cheapest(others, max(one.quality for one in others), floor, None)
    return chosen, f"not among the hardest requests: {reason} but for {strongest.candidate.target}", held


def _fast_enough(pool: list[_Weighed], least: float, speed: Speed) -> tuple[list[_Weighed], dict[str, str]]:
    """Those of the pool that are fast enough, and why the others are not.

    Measured against the fastest of those that are good enough: a fast toy shall not rule everybody else out. Where
    nobody knows how long an answer takes, it is not held against a candidate.
    """
    times = SLOWER_AT_MOST[speed]
    if times is None:
        return pool, {}
    known = [one.candidate.expected_ms for one in _reaching(pool, least) if one.candidate.expected_ms is not None]
    if not known:
        return pool, {}
    limit = max(min(known), 1) * times
    slow = {
        one.candidate.target: f"its answer takes about {one.candidate.expected_ms} ms, more than {limit:.0f}"
        for one in pool
        if one.candidate.expected_ms is not None and one.candidate.expected_ms > limit
    }
    return [one for one in pool if one.candidate.target not in slow], slow


def _reaching(pool: list[_Weighed], least: float) -> list[_Weighed]:
    return [one for one in pool if one.quality >= least - SAME]


def _order(chosen: _Weighed, eligible: list[_Weighed]) -> tuple[str, ...]:
    """The choice, then those with a price: the next better ones upwards, then the others, the best of them first. Those
    without a known price come last, by quality.
    """
    better: list[_Weighed] = []
    others: list[_Weighed] = []
    for one in eligible:
        if one is not chosen:
            (better if one.cost is not None and one.quality > chosen.quality else others).append(one)
    if len(better) > 1:
        better.sort(key=lambda one: (one.quality, one.cost, one.candidate.target))
    if len(others) > 1:
        others.sort(key=lambda one: (one.cost is None, _strength(one)))
    return tuple([one.candidate.target for one in (chosen, *better, *others)])

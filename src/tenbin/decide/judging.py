"""4. A judge for the unsure band: whether a model is asked how hard a request is, and what its word is worth.

A generator like the whole decision. It is asked only where its word can change the choice, and where asking costs no
more than is allowed and than the choice could save. docs/quality.md has the reasons.
"""

from collections.abc import Callable, Generator, Sequence
from itertools import accumulate

import msgspec

from tenbin.core.facts import Facts, PriceOf
from tenbin.core.features import TIERS, Features, Tier
from tenbin.core.money import NanoUSD, format_usd, nano_from_usd
from tenbin.core.price import Price
from tenbin.core.steps import Judge, Judged, Step, StepOutcome
from tenbin.core.target import Target
from tenbin.core.usage import Usage
from tenbin.core.weighing import Candidate, Hearing, Weighing
from tenbin.decide.allowance import exhausted
from tenbin.decide.health import available
from tenbin.decide.policy import Policy
from tenbin.decide.routing import Demand, Routing
from tenbin.decide.selection import SLOWER_AT_MOST

INSTRUCTION_TOKENS = 220
"""Of what a judge is told, and of what a provider puts around it; counted (tests/discern/test_judge.py)."""
SAMPLE_TOKENS = 500
"""Of the request's words that it is shown, at most."""
OUTPUT_TOKENS = 4
"""Of its answer, one word."""
ONE_TIER_OFF = 0.4
"""A word that is one tier off is this much as likely as the right one, each further tier as much less again: the right
word comes in five to six of ten cases. Assumed: how hard a judge finds a prompt agrees but loosely with outcomes."""

WeighAgain = Callable[[Features], Weighing]
"""The weighing of the same request with other features; whoever else was asked is not asked again."""


def judged(
    first: Weighing,
    *,
    policy: Policy,
    routing: Routing,
    facts: Facts,
    demand: Demand,
    price: PriceOf,
    again: WeighAgain,
) -> Generator[Step, StepOutcome, Weighing]:
    """The weighing with the judge's word, or ``first`` where the judge is not in question or says nothing that counts.

    Yields at most one Judge and is sent a Judged.
    """
    judge = routing.judge
    hearing = _in_question(first, routing, again) if judge is not None else None
    if judge is None or hearing is None:
        return first
    cost = expected_cost(price(judge.provider, judge.model, facts.now_ms), first.features)
    reason = (
        demand.forbids(judge.name)
        or _too_dear(cost, hearing.saves_nano, routing)
        or _too_slow(first, routing)
        or _resting(judge, policy, facts)
    )
    hearing = msgspec.structs.replace(hearing, expected_nano=cost, fault=reason)
    if reason:
        return msgspec.structs.replace(first, hearing=hearing)
    outcome = yield Judge(target=judge, timeout_ms=routing.settings.judge.timeout_ms)
    assert type(outcome) is Judged
    hearing = msgspec.structs.replace(
        hearing, asked=outcome.asked, said=outcome.said, fault=outcome.fault, ms=outcome.ms
    )
    if outcome.said == "":
        return msgspec.structs.replace(first, hearing=hearing)
    return msgspec.structs.replace(again(heard(first.features, outcome.said)), hearing=hearing)


def health_name(judge: str) -> str:
    """Under which it is remembered how a target (``provider/model``) does as a judge, apart: it has less time than for
    an answer.
    """
    return f"judge {judge}"


def expected_cost(price: Price | None, features: Features) -> NanoUSD | None:
    """What asking costs; None when nobody knows the judge's price."""
    if price is None:
        return None
    shown = min(features.prompt_tokens, SAMPLE_TOKENS)
    return price.cost(Usage(input=INSTRUCTION_TOKENS + shown, output=OUTPUT_TOKENS))


def heard(features: Features, said: Tier) -> Features:
    """The features with the judge's word counted in."""
    return msgspec.structs.replace(features, suffices=combined(features.suffices, said), judged=said)


def combined(suffices: Sequence[float], said: Tier) -> tuple[float, float, float, float]:
    """The tiers' chances (never falling) after a judge has said which is the weakest one that suffices.

    Bayes' rule over the five things that may be true (each tier is the weakest that suffices, or none does), a word's
    chance falling with its distance from the truth (ONE_TIER_OFF).
    """
    word = TIERS.index(said)
    risen = list(accumulate(suffices, max))
    prior = [high - low for low, high in zip([0.0, *risen], [*risen, 1.0], strict=True)]
    weights = [before * _likelihood(word, truth) for truth, before in enumerate(prior)]
    whole = sum(weights)
    low, medium, high, highest = (
        min(round(part / whole, 6), 1.0) if whole > 0 else before
        for part, before in zip(accumulate(weights[:-1]), risen, strict=True)
    )
    return low, medium, high, highest


def _likelihood(word: int, truth: int) -> float:
    every = [ONE_TIER_OFF ** abs(truth - other) for other in range(len(TIERS))]
    return every[word] / sum(every)


def _in_question(first: Weighing, routing: Routing, again: WeighAgain) -> Hearing | None:
    """What a judge could decide; None when it could decide nothing, or the cheapest choice is in no doubt."""
    features, limits = first.features, routing.settings.judge
    if not features.learned or features.judged or features.in_tool_loop or len(first.order) < 2:
        return None  # Within a loop of tools a conversation stays; a turn that was judged is not judged again.
    if not any(_within(one, limits.least, limits.most) for one in first.candidates):
        return None
    after = {again(heard(features, tier)).order[0] for tier in TIERS}
    plausible = after | {first.order[0]}
    totals = {one.target: one.cost.total for one in first.candidates if one.target in plausible and one.cost}
    if len(totals) < 2:
        return None
    between = tuple(sorted(totals, key=lambda name: (totals[name], name)))
    cheapest = next(one for one in first.candidates if one.target == between[0])
    if cheapest.quality is None or not _within(cheapest, limits.least, limits.most):
        return None
    return Hearing(
        judge=routing.judge.name if routing.judge is not None else "",
        chance=cheapest.quality.value,
        between=between,
        saves_nano=totals[between[-1]] - totals[between[0]],
        suffices=features.suffices,
    )


def _within(one: Candidate, least: float, most: float) -> bool:
    return not one.rejected and one.quality is not None and least <= one.quality.value <= most


def _too_dear(cost: NanoUSD | None, saves: NanoUSD, routing: Routing) -> str:
    if cost is None:
        return "nobody knows its price"
    most = nano_from_usd(repr(routing.settings.judge.max_usd))
    if cost > most:
        return f"asking would cost {format_usd(cost)}, more than {format_usd(most)} (routing.judge.max_usd)"
    if cost > saves:
        return f"asking would cost {format_usd(cost)}, more than the choice could save, {format_usd(saves)}"
    return ""


def _too_slow(first: Weighing, routing: Routing) -> str:
    """Where speed is asked for, the wait for the judge counts as part of the answer's time."""
    times, wait = SLOWER_AT_MOST[first.speed], routing.settings.judge.timeout_ms
    if times is None:
        return ""
    answer = next((one.expected_ms for one in first.candidates if one.target == first.order[0]), None)
    if answer is not None and answer + wait <= times * answer:
        return ""
    return f"it may take {wait} ms, too long for the speed asked for"


def _resting(judge: Target, policy: Policy, facts: Facts) -> str:
    for name in (judge.name, health_name(judge.name)):
        if not available(facts.health.get(name), facts.now_ms, policy.cooldown):
            return "it has failed several times and rests"
    return "its rate limit is used up" if exhausted(judge, facts) else ""

"""4. A ladder planned for one request: what each rung is expected to cost and to be worth, and which are skipped.

Pure. docs/cascade.md has the formula and where it comes from.
"""

from collections.abc import Sequence

import msgspec

from tenbin.config.cascade import CascadeConfig, Rung
from tenbin.config.provider import EMBEDDED
from tenbin.core.ask import Ask
from tenbin.core.features import Features, TaskType
from tenbin.core.gating import Climb, PlannedRung
from tenbin.core.money import NanoUSD, format_usd
from tenbin.core.steps import Hold, Sensed
from tenbin.core.target import Target
from tenbin.core.weighing import Candidate, Weighing
from tenbin.decide import expectation, quality
from tenbin.decide.cost import found, marginal
from tenbin.decide.ladder import Cascades, Ladder, RungInForce
from tenbin.decide.outlook import in_its_conversation
from tenbin.decide.weigh import Known

CLIMB = "routing.climb"
"""Name of the ladder that a weighing makes."""


def planned(ladder: Ladder, cascades: Cascades, ask: Ask, sensed: Sensed, known: Known | None, now_ms: int) -> Climb:
    """What each rung would cost and be worth for this request; ``known`` None: nothing is known of either."""
    features, session = sensed.features, sensed.session
    rungs = [PlannedRung(one.target.name) for one in ladder.rungs]
    if known is not None:
        read = in_its_conversation(features, session)
        answer = expectation.of_request(known.outputs, session, features)
        for place, one in enumerate(ladder.rungs):
            name, kind = one.target.name, cascades.kinds[one.target.name]
            price = known.price(one.target.provider, one.target.model, now_ms)
            tokens = expectation.of_target(answer, known.outputs, features, name, one.target.max_output)
            good = quality.expected(name, read, known.evidence, cascades.abilities, now_ms=now_ms)
            cost = None
            if price is not None:
                rules = found(kind.rules, session, name)
                cost = marginal(price, features, session, name, rules, tokens, now_ms, power=kind.power)
            chance = one.rung.prior if one.rung.prior is not None else good.value
            rungs[place] = PlannedRung(name, round(chance, 4), cost.turn if cost is not None else None)
    return completed(Climb(ladder.name, tuple(rungs), features, _until(ladder.settings, ask)), ladder, features)


def of_weighing(settings: CascadeConfig, weighing: Weighing, candidates: Sequence[Target]) -> Ladder | None:
    """The ladder from what a weighing chose to the next stronger candidates; None where nobody is stronger.

    Each rung is the cheapest of those that are expected to be better than the one before it.
    """
    by_name = {target.name: target for target in candidates}
    able = [
        one
        for one in weighing.candidates
        if not one.rejected and not one.slow and one.quality is not None and one.target in by_name
    ]
    at = next((one for one in able if weighing.order and one.target == weighing.order[0]), None)
    rungs: list[Candidate] = []
    while at is not None and len(rungs) < settings.rungs:
        rungs.append(at)
        better = [one for one in able if _quality(one) > _quality(at) + BETTER]
        at = min(better, key=lambda one: (one.cost is None, one.cost.turn if one.cost else 0, one.target), default=None)
    if len(rungs) < 2:
        return None
    return Ladder(
        name=CLIMB,
        settings=settings,
        rungs=tuple(_rung(by_name[one.target]) for one in rungs),
    )


def _rung(target: Target) -> RungInForce:
    embedded = target.provider == EMBEDDED
    return RungInForce(target=target, rung=Rung(target=target.name), calibrated=embedded, gives_logprobs=embedded)


BETTER = 0.02
"""A candidate whose expected quality is higher by no more than this is no step up."""


def _quality(candidate: Candidate) -> float:
    return candidate.quality.value if candidate.quality is not None else 0.0


def of_candidates(ladder: Ladder, weighing: Weighing, ask: Ask) -> Climb:
    """The plan for a ladder that a weighing made: its costs and chances are the weighing's."""
    by_name = {one.target: one for one in weighing.candidates}
    rungs: list[PlannedRung] = []
    for one in ladder.rungs:
        candidate = by_name[one.target.name]
        cost = candidate.cost.turn if candidate.cost is not None else None
        rungs.append(PlannedRung(one.target.name, round(_quality(candidate), 4), cost))
    climb = Climb(ladder.name, tuple(rungs), None, _until(ladder.settings, ask))
    return completed(climb, ladder, weighing.features)


def completed(climb: Climb, ladder: Ladder, features: Features) -> Climb:
    """With each rung's threshold, and those skipped that are not worth trying."""
    top = climb.rungs[-1].chance
    settings = ladder.settings
    special = [settings.floors[word] for word in (features.category, features.task) if word in settings.floors]
    floor = max(special, default=settings.floor)
    rungs: list[PlannedRung] = []
    for one, plan in zip(ladder.rungs, climb.rungs, strict=True):
        accept, prior = one.rung.accept, one.rung.prior
        if not one.calibrated:
            accept = round(floor * (1.0 if top is None else top), 4) if accept is None else accept
            prior = plan.chance if prior is None else prior
            prior = accept if prior is None else prior  # of an unknown model: what speaks against it decides
        rungs.append(msgspec.structs.replace(plan, accept=accept, prior=prior))
    climb = msgspec.structs.replace(climb, rungs=tuple(rungs))
    return msgspec.structs.replace(climb, rungs=worthwhile(climb.rungs)) if settings.skip else climb


def worthwhile(rungs: tuple[PlannedRung, ...]) -> tuple[PlannedRung, ...]:
    """The rungs with the expected cost from each one on, and those marked that cost more than they save.

    V(top) = cost(top); V(i) = min(V(i+1), cost(i) + (1 - chance(i)) V(i+1)): a rung is tried where its cost is less
    than chance(i) V(i+1), what it is expected to save. A rung of unknown cost or chance is always tried.
    """
    onward: NanoUSD | None = None
    after: list[PlannedRung] = []
    for place in range(len(rungs) - 1, -1, -1):
        rung = msgspec.structs.replace(rungs[place], skipped="", onward_nano=None)
        if place == len(rungs) - 1:
            onward = rung.cost_nano
        elif onward is not None:
            if rung.cost_nano is None or rung.chance is None:
                onward = None
            else:
                tried = rung.cost_nano + round((1 - rung.chance) * onward)
                if tried > onward:
                    saves = format_usd(round(rung.chance * onward))
                    words = f"trying it costs {format_usd(rung.cost_nano)} and is expected to save {saves}"
                    rung = msgspec.structs.replace(rung, skipped=words)
                onward = min(onward, tried)
        after.append(msgspec.structs.replace(rung, onward_nano=onward))
    return tuple(reversed(after))


def hold_of(
    one: RungInForce, plan: PlannedRung, climb: Climb, settings: CascadeConfig, ask: Ask, task: TaskType
) -> Hold:
    """How a rung's answer is held back."""
    return Hold(
        gates=one.gates,
        task=task,
        prior=plan.prior,
        accept=plan.accept,
        calibration=one.rung.calibration or "",
        prefix_tokens=settings.hold_tokens if ask.head.stream and "tools" in ask.head.needs else 0,
        until_ms=climb.until_ms,
        logprobs=one.logprobs,
    )


def _until(settings: CascadeConfig, ask: Ask) -> int | None:
    return ask.arrived_at_ms + settings.max_wait_ms if settings.max_wait_ms else None

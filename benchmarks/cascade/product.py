"""The gateway's own decision on a ladder: which rungs are worth trying, and what follows an answer."""

from collections.abc import Sequence
from functools import cache

import msgspec
import numpy as np

from benchmarks.cascade.climbs import Climbed, Ladder
from tenbin.config.cascade import CascadeConfig, Rung
from tenbin.config.model import Cooldown, Retries
from tenbin.core.ask import Ask, Caller, Head
from tenbin.core.facts import Facts
from tenbin.core.features import Features
from tenbin.core.gating import Climb, PlannedRung
from tenbin.core.steps import Answered, Call, Held, Release, Resumed, StepOutcome
from tenbin.core.target import Target
from tenbin.decide import ladder as in_force
from tenbin.decide.candidates import Chain
from tenbin.decide.cascade import Climber
from tenbin.decide.climbing import worthwhile
from tenbin.decide.policy import Policy
from tenbin.measure.gates.formulas import Flags
from tenbin.measure.routing.formulas import Floats

ASK = Ask(
    request_id="req_1",
    dialect="openai_chat",
    operation="generate",
    path="/v1/chat/completions",
    query=b"",
    headers=(),
    body=b"{}",
    head=Head(model="ladder"),
    caller=Caller(key_id="local"),
    arrived_at_ms=0,
    arrived_ns=0,
)
FACTS = Facts(now_ms=0, draw=0.0, health={})
POLICY = Policy(
    hash="",
    chains={},
    families=(),
    providers={},
    facts={},
    default=(),
    fallback=(),
    retries=Retries(),
    cooldown=Cooldown(),
)


@cache
def _target(model: int) -> Target:
    return Target(provider="routerbench", model=str(model), dialects=("openai_chat",))


@cache
def planned(rungs: tuple[int, ...], chances: tuple[float, ...], costs: tuple[float, ...]) -> tuple[PlannedRung, ...]:
    """The rungs as the gateway plans them: expected chances of being right, expected costs in USD."""
    told = zip(rungs, chances, costs, strict=True)
    return worthwhile(
        tuple(
            PlannedRung(_target(model).name, round(chance, 4), round(cost * 1e9), prior=chance)
            for model, chance, cost in told
        )
    )


def worth_trying(rungs: tuple[int, ...], chances: Floats, costs: Floats) -> bool:
    """Whether the gateway would skip no rung of a ladder, with these chances and costs of all models."""
    plan = planned(rungs, *(tuple(float(each[model]) for model in rungs) for each in (chances, costs)))
    return not any(rung.skipped for rung in plan)


def climb(
    ladder: Ladder,
    good: Flags,
    cost: Floats,
    chance: Floats,
    prior: Floats,
    costs: Floats,
    *,
    best_of: bool = False,
    skip: bool = True,
) -> Climbed:
    """What `ladders.climb` computes of arrays, prompt by prompt by the gateway's own plan (`decide.cascade`).

    ``prior`` (prompts, models) is what is expected of each answer, ``costs`` (models) what each model's answers cost on
    average; rungs that are not worth it are skipped (``skip``). ``best_of``: the gateway's ``judge_top``.
    """
    given, spent = np.zeros(len(good)), np.zeros(len(good))
    judged = np.zeros((2, 2), dtype=np.int64)
    expected = tuple(float(costs[model]) for model in ladder.rungs)
    mine = list(ladder.rungs)
    for row, (chances, priors) in enumerate(zip(chance[:, mine], prior[:, mine], strict=True)):
        plan = planned(ladder.rungs, tuple(priors.tolist()), expected)
        if not skip:
            plan = tuple(msgspec.structs.replace(rung, skipped="") for rung in plan)
        asked, last, escalated = _followed(ladder, plan, chances.tolist(), best_of)
        given[row] = good[row, last]
        spent[row] = cost[row, asked].sum()
        for model, up in escalated:
            judged[int(good[row, model]), int(not up)] += 1
    return Climbed(given, spent, judged)


def _followed(
    ladder: Ladder, plan: tuple[PlannedRung, ...], chances: Sequence[float], best_of: bool
) -> tuple[list[int], int, list[tuple[int, bool]]]:
    """Who was asked, whose answer was given, and of each gated answer whether it was escalated."""
    climber = _climber(ladder, plan, best_of)
    asked, escalated = list[int](), list[tuple[int, bool]]()
    given = -1
    steps = climber.go()
    outcome: StepOutcome | None = None
    try:
        while True:
            step = next(steps) if outcome is None else steps.send(outcome)
            outcome = Resumed()
            if isinstance(step, Release):
                given, outcome = asked[step.of - 1], Answered()
            elif isinstance(step, Call):
                place = step.rung - 1
                asked.append(ladder.rungs[place])
                if step.hold is None:
                    given, outcome = asked[-1], Answered()
                    continue
                outcome = Held(of=step.attempt, why="whole", score=chances[place], accept=ladder.accepts, usable=True)
                if place < len(ladder.rungs) - 1:
                    escalated.append((asked[-1], not outcome.passed))
    except StopIteration:
        return asked, given, escalated


@cache
def _ladder(rungs: tuple[int, ...], best_of: bool) -> in_force.Ladder:
    return in_force.Ladder(
        name="ladder",
        settings=CascadeConfig(judge_top=best_of),
        rungs=tuple(
            in_force.RungInForce(target=_target(model), rung=Rung(target=_target(model).name)) for model in rungs
        ),
    )


def _climber(ladder: Ladder, plan: tuple[PlannedRung, ...], best_of: bool) -> Climber:
    held = _ladder(ladder.rungs, best_of)
    targets = tuple(one.target for one in held.rungs)
    return Climber(
        ASK, FACTS, POLICY, held, Climb("ladder", plan, Features()), Chain("ladder", targets, name="ladder"), None
    )

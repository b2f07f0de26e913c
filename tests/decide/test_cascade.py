"""Playbooks of a ladder, and its laws: it ends, a usable held answer is never lost, and it is replayed step by step."""

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.cascade import CascadeConfig, GateJudge, Rung
from tenbin.config.model import Retries
from tenbin.core.features import Features
from tenbin.core.gating import Climb, PlannedRung
from tenbin.core.price import Price, Rates
from tenbin.core.steps import (
    Answered,
    Call,
    Consult,
    Failed,
    Held,
    Note,
    Pause,
    Release,
    Resumed,
    Step,
    StepOutcome,
    Verdict,
)
from tenbin.decide.candidates import Chain
from tenbin.decide.cascade import Climber
from tenbin.decide.ladder import Ladder, RungInForce
from tests.decide.plans import NOW_MS, ask, facts, failure, failures, policy, target

A, B, C = target("a/x"), target("b/y"), target("c/z")
ACCEPT = 0.7
OVER = NOW_MS + 5_000


def climber(settings: CascadeConfig | None = None, skipped: tuple[int, ...] = (), **more: Any) -> Climber:
    """Three rungs; ``skipped``: those not worth trying, from 0."""
    settings = settings or CascadeConfig()
    rungs = more.pop("rungs", None) or tuple(RungInForce(target=one, rung=Rung(target=one.name)) for one in (A, B, C))
    plans = tuple(
        PlannedRung(one.target.name, 0.8, 1_000, accept=ACCEPT, prior=0.8, skipped="dear" if place in skipped else "")
        for place, one in enumerate(rungs)
    )
    climb = Climb("up", plans, Features(prompt_tokens=100), OVER if settings.max_wait_ms else None)
    ladder = Ladder(name="up", settings=settings, rungs=rungs)
    chain = Chain("model:up", (A, B, C, *more.pop("fallback", ())), name="up")
    given = policy((A, B, C), retries=Retries(per_target=0), **more.pop("policy", {}))
    price = more.pop("price", None)
    return Climber(ask("up"), facts(), given, ladder, climb, chain, price)


def follow(one: Climber, outcome_of: Callable[[Any], StepOutcome]) -> tuple[list[Step], Verdict]:
    plan, steps = one.go(), list[Step]()
    try:
        step = next(plan)
        while True:
            steps.append(step)
            assert len(steps) < 1_000, "it does not end"
            step = plan.send(Resumed() if isinstance(step, Note | Pause) else outcome_of(step))
    except StopIteration as stop:
        return steps, stop.value


def held(of: int, score: float | None, why: Any = "whole", *, usable: bool = True, at_ms: int = NOW_MS) -> Held:
    return Held(of=of, why=why, score=score, accept=ACCEPT, usable=usable, at_ms=at_ms)


def played(one: Climber, **by_target: Any) -> tuple[list[str], Verdict]:
    """What is done, in short: calls as the provider (held ones in capitals), releases as =N; outcomes by provider."""

    def outcome(step: Step) -> StepOutcome:
        if isinstance(step, Call):
            told = by_target.get(step.target.provider, Answered())
            return held(step.attempt, told) if isinstance(told, float) else told
        if isinstance(step, Consult):
            return held(step.of, by_target["opinion"])
        assert isinstance(step, Release)
        told = by_target.get("release", Answered())
        assert isinstance(told, Answered | Failed)
        return told

    steps, verdict = follow(one, outcome)
    said = []
    for step in steps:
        if isinstance(step, Call):
            said.append(step.target.provider.upper() if step.hold is not None else step.target.provider)
        elif isinstance(step, Release):
            said.append(f"={step.of}")
        elif isinstance(step, Consult):
            said.append(f"?{step.purpose}")
    return said, verdict


FAILS = Failed(failure=failure("server_error"))
ANSWERED = Verdict(answered=True)


def test_the_cheapest_answer_that_is_good_enough_is_given() -> None:
    assert played(climber(), a=0.9) == (["A", "=1"], ANSWERED)


def test_a_refused_answer_goes_one_rung_up_and_the_top_is_not_held() -> None:
    assert played(climber(), a=0.1, b=0.8) == (["A", "B", "=2"], ANSWERED)
    assert played(climber(), a=0.1, b=0.2) == (["A", "B", "c"], ANSWERED)


def test_the_top_may_be_judged_too_and_the_best_of_all_is_given() -> None:
    judged = CascadeConfig(judge_top=True)
    assert played(climber(judged), a=0.1, b=0.4, c=0.2) == (["A", "B", "C", "=2"], ANSWERED)
    assert played(climber(judged), a=0.1, b=0.2, c=0.4) == (["A", "B", "C", "=3"], ANSWERED)
    assert played(climber(judged), a=0.1, b=0.4, c=0.9) == (["A", "B", "C", "=3"], ANSWERED)
    assert played(climber(judged), a=0.4, b=0.2, c=FAILS) == (["A", "B", "C", "=1"], ANSWERED)
    assert played(climber(judged), a=FAILS, b=FAILS) == (["A", "B", "c"], ANSWERED), "nothing to compare it with"


def test_the_best_refused_answer_is_given_when_the_rungs_above_fail() -> None:
    assert played(climber(), a=0.4, b=0.2, c=FAILS) == (["A", "B", "c", "=1"], ANSWERED)
    assert played(climber(), a=0.2, b=0.4, c=FAILS) == (["A", "B", "c", "=2"], ANSWERED)
    refused = Failed(failure=failure("refused"))
    assert played(climber(), a=0.4, b=refused) == (["A", "B", "=1"], ANSWERED), "even where nobody else is asked"


def test_an_answer_that_says_nothing_is_no_answer() -> None:
    said, verdict = played(climber(), a=held(1, 0.0, usable=False), b=FAILS, c=FAILS)
    assert said == ["A", "B", "c"]
    assert verdict.failure == FAILS.failure


def test_a_rung_that_fails_is_passed_over() -> None:
    assert played(climber(), a=FAILS, b=0.9) == (["A", "B", "=2"], ANSWERED)


def test_the_fallback_answers_only_where_nothing_usable_is_held() -> None:
    spare = target("d/w")
    given: dict[str, Any] = {"fallback": (spare,), "policy": {"fallback": (spare,)}}
    assert played(climber(**given), a=FAILS, b=FAILS, c=FAILS) == (["A", "B", "c", "d"], ANSWERED)
    assert played(climber(**given), a=0.1, b=FAILS, c=FAILS) == (["A", "B", "c", "=1"], ANSWERED)


def test_skipped_rungs_are_tried_last() -> None:
    assert played(climber(skipped=(0, 1)), c=Answered()) == (["c"], ANSWERED)
    assert played(climber(skipped=(0, 1)), c=FAILS, b=FAILS) == (["c", "b", "a"], ANSWERED)


def test_nothing_follows_content() -> None:
    cut = Failed(failure=failure("cut"), committed=True)
    assert played(climber(), a=0.9, release=cut) == (["A", "=1"], Verdict(answered=False, failure=cut.failure))
    assert played(climber(), a=0.1, b=0.1, c=cut) == (["A", "B", "c"], Verdict(answered=False, failure=cut.failure))


def test_an_answer_whose_rest_does_not_come_leads_on() -> None:
    assert played(climber(), a=held(1, 0.9, "prefix"), b=Answered(), release=FAILS)[0] == ["A", "=1", "B"]


LATE = CascadeConfig(max_wait_ms=5_000)


def test_when_the_time_is_over_the_one_under_way_is_streamed() -> None:
    assert played(climber(LATE), a=held(1, None, "late", at_ms=OVER)) == (["A", "=1"], ANSWERED)


def test_when_the_time_is_over_the_best_so_far_is_given() -> None:
    assert played(climber(LATE), a=0.5, b=held(2, None, "late", at_ms=OVER)) == (["A", "B", "=1"], ANSWERED)
    assert played(climber(LATE), a=held(1, 0.5, at_ms=OVER)) == (["A", "=1"], ANSWERED), "no rung is begun behind it"


def test_when_the_time_is_over_it_goes_straight_up_where_that_is_wanted() -> None:
    up = msgspec.structs.replace(LATE, late="climb")
    assert played(climber(up), a=held(1, None, "late", at_ms=OVER)) == (["A", "c"], ANSWERED)
    assert played(climber(up), a=held(1, 0.5, at_ms=OVER)) == (["A", "c"], ANSWERED)
    assert played(climber(up), a=held(1, None, "late", at_ms=OVER), c=FAILS) == (["A", "c", "=1"], ANSWERED)


def test_the_calls_are_numbered_and_know_their_rung() -> None:
    steps, _ = follow(
        climber(), lambda step: held(step.attempt, 0.1) if isinstance(step, Call) and step.hold else Answered()
    )
    calls = [step for step in steps if isinstance(step, Call)]
    assert [(call.attempt, call.rung) for call in calls] == [(1, 1), (2, 2), (3, 3)]
    assert isinstance(steps[0], Note)


def price(provider: str, model: str, at_ms: int) -> Price:
    one = 1_000_000
    rates = Rates(one, one, one, one, one, one, one, one, None, 0)
    return Price(steps=((0, rates),), label="test")


def judged_ladder(**settings: Any) -> Climber:
    asks = Rung(target="a/x", samples=1, judge=GateJudge(target="c/z"))
    rungs = (RungInForce(target=A, rung=asks, judge=C), RungInForce(target=C, rung=Rung(target="c/z")))
    return climber(CascadeConfig(**settings), rungs=rungs, price=price)


def test_others_are_asked_within_the_money_and_only_where_it_may_matter() -> None:
    assert played(judged_ladder(opinions_usd=1.0), a=0.6, opinion=0.9)[0] == ["A", "?agreement", "?judge", "=1"]
    assert played(judged_ladder(opinions_usd=1.0), a=0.6, opinion=0.1)[0] == ["A", "?agreement", "c"]
    assert played(judged_ladder(opinions_usd=0.0), a=0.6)[0] == ["A", "c"]
    assert played(judged_ladder(opinions_usd=1.0), a=0.1)[0] == ["A", "c"], "too bad to be worth asking about"
    assert played(judged_ladder(opinions_usd=0.000001), a=0.6, opinion=0.9)[0] == ["A", "?agreement", "=1"]


held_ones = st.builds(
    lambda score, why, usable, late: {"score": score, "why": why, "usable": usable, "at_ms": OVER if late else NOW_MS},
    st.floats(0, 1),
    st.sampled_from(["whole", "prefix", "late"]),
    st.booleans(),
    st.booleans(),
)
ends = st.one_of(st.just(Answered()), st.builds(Failed, failure=failures, committed=st.booleans()))


@given(
    st.data(),
    st.sampled_from(["stream", "climb"]),
    st.sampled_from([0, 5_000]),
    st.sets(st.integers(0, 2)),
    st.booleans(),
)
def test_laws_of_every_climb(data: st.DataObject, late: Any, wait: int, skipped: set[int], judge_top: bool) -> None:
    settings = CascadeConfig(late=late, max_wait_ms=wait, judge_top=judge_top)
    told: list[StepOutcome] = []

    def outcome(step: Step) -> StepOutcome:
        if isinstance(step, Call) and step.hold is not None:
            drawn = data.draw(st.one_of(held_ones, ends.filter(lambda one: one != Answered())))
            told.append(Held(of=step.attempt, accept=ACCEPT, **drawn) if isinstance(drawn, dict) else drawn)
        else:
            told.append(data.draw(ends))
        return told[-1]

    steps, verdict = follow(climber(settings, tuple(skipped)), outcome)
    acts = [step for step in steps if isinstance(step, Call | Release)]
    assert len(acts) <= 7
    pairs = list(zip(acts, told, strict=True))
    answers = {one.of: one for one in told if isinstance(one, Held)}
    released = [step.of for step in acts if isinstance(step, Release)]
    assert set(released) <= set(answers)
    assert len(released) == len(set(released)), "nothing is given twice"
    final = [one for _, one in pairs if isinstance(one, Answered) or (isinstance(one, Failed) and one.committed)]
    assert len(final) <= 1
    assert not final or pairs[-1][1] == final[0], "nothing follows content"
    assert verdict.answered == (bool(final) and isinstance(final[0], Answered))
    if not verdict.answered and not (final and final[0] != Answered()):
        left = [one for number, one in answers.items() if one.usable and number not in released]
        best = max((one.score or 0.0 for one in left), default=None)
        assert best is None or any(number in answers for number in released), "a usable answer was given before"
        assert verdict.failure is not None
    again = iter(told)
    assert follow(climber(settings, tuple(skipped)), lambda _: next(again)) == (steps, verdict), "it is replayed"

"""Playbooks of the decision, and its laws: it ends, stays in bounds and order, and never calls after content."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.model import Retries
from tenbin.core.facts import TargetHealth
from tenbin.core.problems import FailureKind
from tenbin.core.steps import Answered, Call, Failed, Pause, Resumed, StepOutcome, Verdict
from tenbin.decide.flow import decide
from tests.decide.plans import KINDS, NOW_MS, ask, decided, facts, failure, failures, healths, policy, retries, target

A, B, C = target("a/x"), target("b/y"), target("c/z")


def call(which: object, attempt: int, route: str = "model:smart") -> Call:
    return Call(target=which, attempt=attempt, route=route)  # type: ignore[arg-type]


def test_the_first_target_answers() -> None:
    plan = decide(ask(), facts(), policy([A, B]))
    assert next(plan) == call(A, 1)
    with pytest.raises(StopIteration) as end:
        plan.send(Answered())
    assert end.value.value == Verdict(answered=True)


def test_again_after_a_pause_that_doubles_then_the_next_target() -> None:
    plan = decide(ask(), facts(draw=0.0), policy([A, B]))
    overloaded = Failed(failure=failure("overloaded"))
    assert next(plan) == call(A, 1)
    assert plan.send(overloaded) == Pause(250)
    assert plan.send(Resumed()) == call(A, 2)
    assert plan.send(overloaded) == Pause(500)
    assert plan.send(Resumed()) == call(A, 3)
    assert plan.send(overloaded) == call(B, 4)


def test_nothing_follows_content() -> None:
    plan = decide(ask(), facts(), policy([A, B]))
    next(plan)
    with pytest.raises(StopIteration) as end:
        plan.send(Failed(failure=failure("cut"), committed=True))
    assert end.value.value == Verdict(answered=False, failure=failure("cut"))


def test_a_refused_request_is_not_carried_to_another_target() -> None:
    plan = decide(ask(), facts(), policy([A, B]))
    next(plan)
    with pytest.raises(StopIteration) as end:
        plan.send(Failed(failure=failure("refused")))
    assert end.value.value.failure.kind == "refused"


def test_a_rate_limit_of_the_only_target_waits_as_long_as_it_says() -> None:
    limited = Failed(failure=failure("rate_limited", retry_after_ms=3_000))
    plan = decide(ask(), facts(draw=0.5), policy([A]))
    next(plan)
    assert plan.send(limited) == Pause(3_000)


def test_a_rate_limit_with_another_target_does_not_wait() -> None:
    limited = Failed(failure=failure("rate_limited", retry_after_ms=3_000))
    plan = decide(ask(), facts(), policy([A, B]))
    next(plan)
    assert plan.send(limited) == call(B, 2)


def test_a_wait_above_the_limit_ends_it_and_is_told() -> None:
    limited = failure("rate_limited", retry_after_ms=9_000)
    steps, verdict = decided(policy([A]), lambda _: Failed(failure=limited))
    assert steps == [call(A, 1)]
    assert verdict == Verdict(answered=False, failure=limited)


def test_a_target_in_cooldown_is_skipped() -> None:
    closed = {"a/x": TargetHealth(failures=3, closed_until_ms=NOW_MS + 1)}
    steps, verdict = decided(policy([A, B]), lambda _: Answered(), health=closed)
    assert steps == [call(B, 1)]
    assert verdict.answered


def test_when_all_are_in_cooldown_all_are_tried_in_order() -> None:
    closed = {name: TargetHealth(failures=3, closed_until_ms=NOW_MS + 1) for name in ("a/x", "b/y")}
    steps, _ = decided(policy([A, B]), lambda _: Failed(failure=failure("unauthenticated")), health=closed)
    assert steps == [call(A, 1), call(B, 2)]


def test_the_first_failure_is_told_unless_a_later_one_says_more() -> None:
    def told(*kinds: FailureKind) -> str:
        given = {one.name: Failed(failure=failure(kind)) for one, kind in zip((A, B, C), kinds, strict=False)}
        chain = [A, B, C][: len(kinds)]
        _, verdict = decided(policy(chain, retries=Retries(per_target=0)), lambda step: given[step.target.name])
        assert verdict.failure is not None
        return verdict.failure.kind

    assert told("overloaded", "server_error") == "overloaded"
    assert told("unreachable", "context_exceeded") == "context_exceeded"
    assert told("unreachable", "unreachable") == "unreachable"
    assert told("inexpressible", "rate_limited", "overloaded") == "rate_limited"
    assert told("inexpressible", "unreachable") == "inexpressible"


def test_without_any_target_the_way_out_is_named() -> None:
    _, verdict = decided(policy([]), lambda _: Answered())
    assert verdict.failure is not None
    assert verdict.failure.kind == "not_found"
    assert "`models`" in verdict.failure.message
    assert "'smart'" in verdict.failure.message


def test_without_an_eligible_target_each_reason_is_named() -> None:
    chain = [target("a/x", tools=False), target("b/y", images=False)]
    plan = decide(ask(needs=frozenset({"tools", "images"})), facts(), policy(chain))
    with pytest.raises(StopIteration) as end:
        next(plan)
    failed = end.value.value.failure
    assert failed.kind == "inexpressible"
    assert "a/x: it takes no tools" in failed.message
    assert "b/y: it takes no images" in failed.message


chains = st.lists(st.sampled_from([A, B, C, target("d/w"), target("a/v")]), max_size=5, unique=True)
outcomes = st.lists(
    st.just(Answered())
    | st.builds(lambda failed, committed: Failed(failure=failed, committed=committed), failures, st.booleans()),
    max_size=40,
)


@given(
    chains,
    outcomes,
    retries,
    st.floats(0, 1, exclude_max=True),
    st.dictionaries(st.sampled_from(["a/x", "b/y", "c/z"]), healths),
)
def test_every_decision_ends_within_its_bounds(
    chain: list, script: list[StepOutcome], tries: Retries, draw: float, health: dict[str, TargetHealth]
) -> None:
    waiting = list(script)
    answers: list[StepOutcome] = []

    def outcome_of(step: Call) -> StepOutcome:
        answers.append(waiting.pop(0) if waiting else Failed(failure=failure("server_error")))
        return answers[-1]

    steps, verdict = decided(policy(chain, retries=tries), outcome_of, draw=draw, health=health)
    calls = [step for step in steps if isinstance(step, Call)]

    assert [step.attempt for step in calls] == list(range(1, len(calls) + 1))
    assert len(calls) <= len(chain) * (1 + tries.per_target)
    if chain:
        assert calls, "somebody has to try"
    # Targets come in the chain's order, each in one run.
    positions = [chain.index(step.target) for step in calls]
    assert positions == sorted(positions)
    # A pause stands only between two calls of the same target, and is bounded.
    for before, after in pairwise([*steps, None]):
        if isinstance(before, Pause):
            assert isinstance(after, Call)
            assert 0 <= before.ms <= tries.max_pause_ms
    # Nothing follows an answer, content, or a failure that is the request's own.
    for answer in answers[:-1]:
        assert isinstance(answer, Failed)
        assert not answer.committed
        assert answer.failure.kind not in ("refused", "cancelled")
    # The verdict is the last answer's, or a failure that really happened.
    assert verdict.answered == bool(answers and isinstance(answers[-1], Answered))
    if answers and not verdict.answered:
        assert any(isinstance(answer, Failed) and answer.failure is verdict.failure for answer in answers)
        if isinstance(answers[-1], Failed) and answers[-1].committed:
            assert verdict.failure is answers[-1].failure


@given(chains, outcomes, st.floats(0, 1, exclude_max=True))
def test_the_same_facts_give_the_same_decision(chain: list, script: list[StepOutcome], draw: float) -> None:
    def once() -> object:
        waiting = list(script)
        return decided(
            policy(chain), lambda _: waiting.pop(0) if waiting else Failed(failure=failure("timeout")), draw=draw
        )

    assert once() == once()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_failure_has_an_end(kind: FailureKind) -> None:
    steps, verdict = decided(policy([A, B]), lambda _: Failed(failure=failure(kind)))
    assert verdict.failure == failure(kind)
    assert len(steps) <= 10

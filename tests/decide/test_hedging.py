"""Who is asked twice, after how long, and what follows when both have failed."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.hedging import HedgingConfig
from tenbin.core.facts import Facts
from tenbin.core.problems import Failure
from tenbin.core.steps import Answered, Call, Failed, StepOutcome
from tenbin.decide.allowance import pool
from tenbin.decide.flow import decide
from tenbin.decide.hedging import MEASURED, slow_after
from tests.decide import plans
from tests.decide.plans import KINDS, NOW_MS, ask, failure, follow, policy, target

CHAIN = [target("a/one"), target("b/two"), target("c/three")]


def calls(
    settings: HedgingConfig, outcome_of: Callable[[Call], StepOutcome] = lambda call: Answered(), **known: Any
) -> list[Call]:
    """The calls of a decision that affords a hedge."""
    asked = ask(**known.pop("head", {}))
    given_facts: Facts = plans.facts(**{"hedges": True, **known})
    steps, _ = follow(decide(asked, given_facts, policy(CHAIN, hedging=settings)), outcome_of)
    return [step for step in steps if isinstance(step, Call)]


def hedge(**settings: Any) -> HedgingConfig:
    return HedgingConfig(**{"after_ms": 900, **settings})


def test_the_next_of_the_chain_is_asked_after_the_time_that_was_set() -> None:
    (call,) = calls(hedge())
    assert call.hedge is not None
    assert (call.hedge.target.name, call.hedge.attempt, call.hedge.after_ms) == ("b/two", 2, 900)


@pytest.mark.parametrize("known", [{"hedges": False}, {"deadline_ms": NOW_MS + 900}])
def test_nobody_is_asked_where_it_is_not_afforded_or_too_late(known: dict[str, Any]) -> None:
    assert calls(hedge(), **known)[0].hedge is None


def test_who_has_nothing_left_is_not_asked() -> None:
    chain = CHAIN[:2]
    spent = {pool(one.name): NOW_MS + 1_000 for one in chain}
    given_facts = plans.facts(hedges=True, exhausted=spent)
    steps, _ = follow(decide(ask(), given_facts, policy(chain, hedging=hedge())), lambda call: Answered())
    (call,) = steps
    assert isinstance(call, Call)
    assert call.hedge is None


def test_only_names_that_were_said_are_hedged() -> None:
    assert calls(hedge(models=["smart"]))[0].hedge is not None
    assert calls(hedge(models=["other"]))[0].hedge is None


def test_what_is_measured_goes_before_what_is_set() -> None:
    (call,) = calls(hedge(percentile=95), slow_ms={"a/one": 1234})
    assert call.hedge is not None
    assert call.hedge.after_ms == 1234
    (call,) = calls(hedge(percentile=95), slow_ms={"b/two": 1234})
    assert call.hedge is not None
    assert call.hedge.after_ms == 900
    (call,) = calls(HedgingConfig(percentile=95))
    assert call.hedge is None


def test_the_last_of_a_chain_has_nobody_beside_it() -> None:
    def fails(call: Call) -> StepOutcome:
        return Failed(failure=failure("unreachable"), at_ms=NOW_MS)

    made = calls(hedge(), fails)
    assert made[-1].target.name == "c/three"
    assert all(call.hedge is None for call in made if call.target.name == "c/three")


def test_a_second_try_at_a_target_is_not_hedged() -> None:
    def fails(call: Call) -> StepOutcome:
        return Failed(failure=failure("overloaded"), at_ms=NOW_MS)

    made = calls(hedge(), fails)
    firsts = {call.target.name: call for call in reversed(made)}
    assert [call.hedge is None for call in made if call not in firsts.values()] == [True] * (len(made) - len(firsts))


def test_when_both_have_failed_the_one_after_them_is_asked() -> None:
    def both_fail(call: Call) -> StepOutcome:
        told = Failed(failure=failure("server_error"), hedged=failure("timeout"), at_ms=NOW_MS)
        return told if call.hedge is not None else Answered()

    first, second = calls(hedge(), both_fail)
    assert (first.target.name, first.attempt) == ("a/one", 1)
    assert (second.target.name, second.attempt, second.hedge) == ("c/three", 3, None)


def test_a_refusal_by_either_ends_it() -> None:
    for kinds in (("refused", "timeout"), ("timeout", "refused")):

        def both_fail(call: Call, kinds: Any = kinds) -> StepOutcome:
            return Failed(failure=failure(kinds[0]), hedged=failure(kinds[1]), at_ms=NOW_MS)

        assert len(calls(hedge(), both_fail)) == 1


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.none() | st.sampled_from(KINDS)), min_size=20, max_size=20))
def test_numbers_are_given_once_whatever_fails(outcomes: list[tuple[Any, Any]]) -> None:
    numbers: list[int] = []
    left = iter(outcomes)

    def fails(call: Call) -> StepOutcome:
        kind, second = next(left)
        numbers.append(call.attempt)
        hedged: Failure | None = None
        if call.hedge is not None and second is not None:
            numbers.append(call.hedge.attempt)
            hedged = failure(second)
        return Failed(failure=failure(kind), hedged=hedged, at_ms=NOW_MS)

    asked_again = calls(hedge(), fails)
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(asked_again) <= len(numbers)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.none() | st.sampled_from(KINDS)), min_size=20, max_size=20))
def test_the_same_outcomes_lead_through_the_same_steps(outcomes: list[tuple[Any, Any]]) -> None:
    def replayed() -> list[Call]:
        left = iter(outcomes)

        def fails(call: Call) -> StepOutcome:
            kind, second = next(left)
            hedged = failure(second) if call.hedge is not None and second is not None else None
            return Failed(failure=failure(kind), hedged=hedged, at_ms=NOW_MS)

        return calls(hedge(), fails)

    assert replayed() == replayed()


@given(st.lists(st.floats(0, 1e6), max_size=300), st.floats(50, 99.9))
def test_a_percentile_is_one_of_the_times_and_that_share_is_no_slower(times: list[float], percentile: float) -> None:
    settings = HedgingConfig(percentile=percentile, least_ms=1)
    after = slow_after(times, settings)
    if len(times) < MEASURED:
        assert after is None
        return
    assert after is not None
    assert sum(each <= after for each in times) >= percentile / 100 * len(times)


def test_a_percentile_is_never_sooner_than_the_least() -> None:
    assert slow_after([1.0] * 50, HedgingConfig(percentile=95, least_ms=700)) == 700

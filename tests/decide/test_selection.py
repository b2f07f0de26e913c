"""Who is chosen: the cheapest good enough, never an unknown price before a known one, and what follows a failure."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.weighing import Candidate, Cost, Quality
from tenbin.decide.selection import SLOWER_AT_MOST, Selection, select


def candidate(target: str, quality: float, cost: int | None, ms: int | None = None, **fields: Any) -> Candidate:
    return Candidate(
        target=target,
        cost=None if cost is None else Cost(output=cost),
        quality=Quality(value=quality, prior=quality, ability=0.0, source="test"),
        expected_ms=ms,
        **fields,
    )


LOCAL = candidate("ollama/q", 0.5, 0, 9_000)
HAIKU = candidate("anthropic/haiku", 0.75, 100, 1_000)
SONNET = candidate("anthropic/sonnet", 0.9, 2_000, 2_000)
OPUS = candidate("anthropic/opus", 0.95, 5_000, 5_000)
ALL = (OPUS, LOCAL, SONNET, HAIKU)


def chosen(candidates: Sequence[Candidate] = ALL, **demand: Any) -> Selection:
    return select(candidates, **{"floor": 0.8, **demand})


@pytest.mark.parametrize(
    ("floor", "choice"),
    [
        (0.0, "ollama/q"),
        (0.5, "ollama/q"),
        (0.75, "anthropic/haiku"),
        (0.8, "anthropic/sonnet"),
        (1.0, "anthropic/opus"),
    ],
)
def test_the_cheapest_that_reaches_the_floor(floor: float, choice: str) -> None:
    selection = chosen(floor=floor)
    assert selection.order[0] == choice
    assert f"{floor:.0%}" in selection.reason


def test_after_the_choice_the_next_better_ones_then_the_rest() -> None:
    assert chosen(floor=0.75).order == ("anthropic/haiku", "anthropic/sonnet", "anthropic/opus", "ollama/q")


def test_the_best_of_all() -> None:
    assert chosen(mode="quality").order == ("anthropic/opus", "anthropic/sonnet", "anthropic/haiku", "ollama/q")
    assert chosen(mode="quality", cap=2_000).order[0] == "anthropic/sonnet"
    nothing = chosen((OPUS, SONNET), mode="quality", cap=10)
    assert nothing.order[0] == "anthropic/sonnet"
    assert "nothing costs at most" in nothing.reason


def test_a_budget_makes_the_floor_give_way_rung_by_rung() -> None:
    assert chosen(mode="budget").order[0] == "anthropic/sonnet", "without a cap the floor holds"
    assert chosen(mode="budget", cap=10_000).floor == 0.8
    given_way = chosen(mode="budget", cap=1_000)
    assert given_way.order[0] == "anthropic/haiku"
    assert given_way.floor == pytest.approx(0.7)
    assert "gave way from 80% to 70%" in given_way.reason
    assert chosen(mode="budget", cap=50).order[0] == "ollama/q"
    assert chosen((OPUS, SONNET), mode="budget", cap=50).order[0] == "anthropic/sonnet"
    assert chosen(mode="balanced", cap=1_000).order[0] == "anthropic/sonnet", "a cap is for the other modes"


def test_the_total_counts_and_not_the_turn_alone() -> None:
    switching = Candidate(target="a/cold", cost=Cost(output=10, coming_back=5_000), quality=HAIKU.quality, price="test")
    assert chosen((switching, HAIKU)).order[0] == "anthropic/haiku"


def test_an_unknown_price_is_never_chosen_over_a_known_one() -> None:
    unknown = candidate("x/wonder", 0.99, None)
    selection = chosen((unknown, *ALL))
    assert selection.order == (*chosen().order, "x/wonder"), "nor does it raise the floor of the others"
    alone = chosen((unknown, candidate("x/other", 0.5, None)))
    assert alone.order == ("x/wonder", "x/other")
    assert "no candidate's price is known" in alone.reason


def test_only_what_is_fast_enough_when_speed_is_asked_for() -> None:
    assert chosen(floor=0.5, speed="fast").order[0] == "anthropic/haiku"
    fast = chosen(floor=0.75, speed="fast")
    assert [one.target for one in fast.candidates if one.rejected] == ["anthropic/opus", "ollama/q", "anthropic/sonnet"]
    assert "2000 ms, more than 1500" in fast.candidates[2].rejected
    assert set(fast.order) == {"anthropic/haiku"}
    medium = chosen(floor=0.75, speed="medium")
    assert set(medium.order) == {"anthropic/haiku", "anthropic/sonnet"}
    assert chosen(floor=0.75, speed="slow").candidates == ALL


def test_a_fast_toy_does_not_rule_everybody_else_out() -> None:
    toy = candidate("local/toy", 0.1, 0, 10)
    assert chosen((toy, *ALL), floor=0.75, speed="fast").order[0] == "anthropic/haiku"


def test_the_floor_stands_when_the_strongest_is_too_slow() -> None:
    quick = candidate("x/quick", 0.8, 50, 100)
    toy = candidate("x/toy", 0.7, 1, 100)
    assert chosen((OPUS, quick, toy), speed="fast").order[0] == "x/quick"


def test_an_unknown_duration_is_not_held_against_anybody() -> None:
    untimed = candidate("x/untimed", 0.8, 1)
    assert chosen((untimed, *ALL), speed="fast").order[0] == "x/untimed"


def test_by_share_the_hardest_go_to_the_strongest_and_the_others_elsewhere() -> None:
    assert chosen(strong=True).order[0] == "anthropic/opus"
    assert chosen(strong=False).order[0] == "anthropic/haiku"
    assert chosen((OPUS,), strong=False).order == ("anthropic/opus",)


def test_the_rejected_are_neither_chosen_nor_tried() -> None:
    out = candidate("x/out", 1.0, 0, rejected="it takes no tools")
    selection = chosen((out, HAIKU))
    assert selection.order == ("anthropic/haiku",)
    assert selection.candidates == (out, HAIKU)
    assert chosen((out,)).order == ()
    assert chosen(()).reason == "nobody is eligible"


def test_ties_go_to_the_better_then_by_name() -> None:
    same = [candidate(name, quality, 10) for name, quality in (("b/x", 0.9), ("a/x", 0.9), ("c/x", 0.95))]
    assert chosen(same).order == ("c/x", "a/x", "b/x")


pools = st.lists(
    st.builds(
        candidate,
        st.sampled_from([f"p/{letter}" for letter in "abcdefgh"]),
        st.floats(0.005, 0.995),
        st.none() | st.integers(0, 10**9),
        st.none() | st.integers(1, 60_000),
        rejected=st.sampled_from(["", "", "", "it takes no images"]),
    ),
    max_size=8,
    unique_by=lambda one: one.target,
)
demands = st.fixed_dictionaries(
    {
        "floor": st.floats(0, 1),
        "mode": st.sampled_from(["balanced", "budget", "quality"]),
        "speed": st.sampled_from(sorted(SLOWER_AT_MOST)),
        "cap": st.none() | st.integers(0, 10**9),
        "strong": st.sampled_from([None, True, False]),
    }
)


@given(pools, demands, st.randoms(use_true_random=False))
def test_whatever_is_asked_the_choice_is_lawful(pool: list[Candidate], demand: dict[str, Any], chance: Any) -> None:
    selection = select(pool, **demand)
    eligible = {one.target: one for one in selection.candidates if not one.rejected}
    assert sorted(selection.order) == sorted(eligible), "everybody eligible is tried, once"
    assert {one.target for one in pool if one.rejected}.isdisjoint(selection.order)
    shuffled = list(pool)
    chance.shuffle(shuffled)
    assert select(shuffled, **demand).order == selection.order, "the order in which they are listed does not matter"
    known = [eligible[target].cost is not None for target in selection.order]
    assert known == sorted(known, reverse=True), "unknown prices come last"


@given(pools, st.floats(0, 1))
def test_nobody_good_enough_is_cheaper_than_the_choice(pool: list[Candidate], floor: float) -> None:
    selection = select(pool, floor=floor)
    priced = [one for one in pool if not one.rejected and one.cost is not None and one.quality is not None]
    if not priced:
        return
    best = max(one.quality.value for one in priced if one.quality)
    enough = [one for one in priced if one.quality and one.quality.value >= floor * best]
    choice = next(one for one in priced if one.target == selection.order[0])
    assert choice.quality is not None
    assert choice.quality.value >= floor * best - 1e-6
    assert choice.cost is not None
    assert choice.cost.total <= min(one.cost.total for one in enough if one.cost)


@given(pools, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_floor_never_costs_less(pool: list[Candidate], one: float, other: float) -> None:
    low, high = sorted((one, other))
    cost = {each.target: each.cost for each in pool}
    choices = [select(pool, floor=floor).order[:1] for floor in (low, high)]
    totals = [cost[target].total for order in choices for target in order if cost[target] is not None]  # type: ignore[union-attr]
    assert totals == sorted(totals)

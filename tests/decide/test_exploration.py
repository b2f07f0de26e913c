"""Exploration stays inside the floor, its propensities are exact, and the same weighing is always chosen alike."""

from math import log

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import Features
from tenbin.core.session import Session
from tenbin.core.weighing import Candidate, Cost, Exploration, Opinion, Quality, Weighing
from tenbin.decide.exploration import SAMPLES, _digamma, _trigamma, propensity, thompson
from tenbin.decide.weigh import choose

FREE = Exploration(share=0.3, most_nano=10**12)


def a_candidate(name: str, cost: int, value: float, trials: float = 0.0) -> Candidate:
    quality = Quality(value=value, prior=value, ability=1.0, source="test", trials=trials)
    return Candidate(target=name, cost=Cost(input=cost), quality=quality)


def weighing_of(candidates: list[Candidate], **fields: object) -> Weighing:
    values = {
        "features": Features(),
        "now_ms": 1,
        "draw": 0.99,
        "floor": 0.8,
        "candidates": tuple(candidates),
        "exploration": FREE,
    }
    return Weighing(**{**values, **fields})  # type: ignore[arg-type]


candidates = st.lists(
    st.builds(
        a_candidate,
        st.just(""),
        st.integers(1, 10**9),
        st.floats(0.01, 0.99),
        st.sampled_from([0.0, 3.0, 200.0]),
    ),
    min_size=1,
    max_size=6,
).map(lambda found: [msgspec.structs.replace(one, target=f"p/m{number}") for number, one in enumerate(found)])


@given(candidates, st.floats(0, 1, exclude_max=True), st.floats(0.01, 1), st.floats(0, 1), st.integers(0, 10**9))
def test_only_what_reaches_the_floor_is_tried_and_chances_are_whole(
    found: list[Candidate], draw: float, share: float, floor: float, most: int
) -> None:
    asked = Exploration(share=share, most_nano=most)
    chosen = choose(weighing_of(found, draw=draw, floor=floor, exploration=asked))
    usual = choose(weighing_of(found, draw=draw, floor=floor, exploration=None))
    told = chosen.exploration
    assert told is not None
    assert told.usual == usual.order[0]
    assert sum(chance for _, chance in told.propensities) == pytest.approx(1)
    assert sorted(chosen.order) == sorted(usual.order)
    by_name = {one.target: one for one in found}
    best = max(one.quality.value for one in found if one.quality)
    for name, _ in told.propensities:
        one = by_name[name]
        assert one.quality is not None
        assert one.cost is not None
        first = by_name[told.usual].cost
        assert first is not None
        assert one.quality.value >= floor * best - 1e-9
        assert one.cost.total <= first.total + most
    assert 0 < propensity(chosen) <= 1
    assert choose(chosen) == chosen, "chosen the same again from the record"


def test_over_all_draws_each_is_chosen_as_often_as_its_chance_says() -> None:
    found = [a_candidate("p/a", 100, 0.85), a_candidate("p/b", 300, 0.9, 5), a_candidate("p/c", 900, 0.95)]
    draws = 4_000
    counts: dict[str, int] = {}
    for place in range(draws):
        chosen = choose(weighing_of(found, draw=(place + 0.5) / draws))
        counts[chosen.order[0]] = counts.get(chosen.order[0], 0) + 1
    told = choose(weighing_of(found)).exploration
    assert told is not None
    assert len(counts) == 3
    for name, chance in told.propensities:
        assert counts[name] / draws == pytest.approx(chance, abs=2 / draws)


def test_what_is_well_known_is_tried_less_often() -> None:
    def others(trials: float) -> float:
        shares = thompson([a_candidate("p/a", 100, 0.85, trials), a_candidate("p/b", 300, 0.95, trials)], 0.8)
        return shares[1]

    assert others(0) > others(30) > others(3_000) == 0


def test_it_is_not_in_question_where_something_holds_or_prescribes_the_choice() -> None:
    found = [a_candidate("p/a", 100, 0.85), a_candidate("p/b", 300, 0.9)]
    held = Session(target="p/a", requests=3)
    for fields in (
        {"session": held},
        {"mode": "quality"},
        {"strong": True},
        {"opinion": Opinion(router="own", order=("p/b",))},
    ):
        chosen = choose(weighing_of(found, draw=0.999, **fields))
        assert chosen.exploration == FREE
        assert propensity(chosen) == 1
        assert chosen.order == choose(weighing_of(found, draw=0.999, **{**fields, "exploration": None})).order


def test_an_explanation_tells_the_usual_choice() -> None:
    found = [a_candidate("p/a", 100, 0.85), a_candidate("p/b", 300, 0.9)]
    told = choose(weighing_of(found, draw=0.0))
    assert told.exploration is not None
    assert told.order[0] == told.exploration.usual


def test_the_moments_of_the_log_odds_are_right() -> None:
    assert _digamma(1) == pytest.approx(-0.5772156649015329, abs=1e-8)
    assert _digamma(0.5) == pytest.approx(-0.5772156649015329 - 2 * log(2), abs=1e-8)
    assert _trigamma(1) == pytest.approx(1.6449340668482264, abs=1e-8)
    assert _trigamma(0.5) == pytest.approx(4.934802200544679, abs=1e-8)


def test_the_samples_are_a_good_part_of_what_is_possible() -> None:
    """Of two alike, the cheaper is chosen unless the other is sampled far better: against a known integral."""
    alike = [a_candidate("p/a", 1, 0.5, 90), a_candidate("p/b", 2, 0.5, 90)]
    # With floor 1 the better one is chosen, each half of the time.
    assert thompson(alike, 1.0)[0] == pytest.approx(0.5, abs=4 / SAMPLES)

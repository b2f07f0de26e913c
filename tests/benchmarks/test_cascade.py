"""The cascade of the benchmark climbs as the gateway does, and scores no prompt that its ladder was chosen by."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.cascade import plot, product, report
from benchmarks.cascade.climbs import Ladder, chances, climb
from benchmarks.cascade.figures import PUBLISHED
from benchmarks.cascade.ladders import play
from benchmarks.cascade.noise import PERFECT, bell, measured
from benchmarks.cascade.outcomes import Outcomes
from tenbin.measure.routing.hull import hull


def table(prompts: int = 400, seed: int = 1, right: tuple[float, ...] = (0.5, 0.7, 0.9)) -> Outcomes:
    """Models that are right as often as told, each ten times dearer than the one before."""
    chance = np.random.default_rng(seed)
    good = chance.random((prompts, len(right))) < np.array(right)
    cost = chance.uniform(0.5, 1.5, good.shape) * 10.0 ** np.arange(-4, len(right) - 4)
    names = tuple(f"maker/model-{number}" for number in range(len(right)))
    fold = chance.integers(0, 5, prompts)
    return Outcomes(names, good, cost, fold, np.tile(right, (prompts, 1)), 0, "none")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.3, 0.999), st.permutations([0, 1, 2]), st.integers(1, 3), st.booleans())
def test_arrays_climb_as_the_gateway_does(
    seed: int, accepts: float, order: list[int], rungs: int, best_of: bool
) -> None:
    of = table(40, seed)
    prior, costs = of.means, of.cost.mean(axis=0)
    chance = chances(prior, bell(0.8).drawn(of.good, np.random.default_rng(seed)))
    chosen = tuple(sorted(order[:rungs]))
    prior = np.tile(of.good.mean(axis=0), (len(of.good), 1))
    told = product.climb(Ladder(chosen, accepts), of.good, of.cost, chance, prior, costs, best_of=best_of)
    # What the gateway skips is not on the ladder.
    plan = product.planned(chosen, *(tuple(float(each[one]) for one in chosen) for each in (prior[0], costs)))
    tried = tuple(one for one, rung in zip(chosen, plan, strict=True) if not rung.skipped)
    same = climb(Ladder(tried, accepts), of.good, of.cost, chance, best_of=best_of)
    np.testing.assert_array_equal(told.good, same.good)
    np.testing.assert_allclose(told.cost, same.cost)
    np.testing.assert_array_equal(told.judged, same.judged)


def test_a_gate_that_knows_pays_for_right_answers_only_once() -> None:
    of = table()
    chance = chances(of.means, PERFECT.drawn(of.good, np.random.default_rng(1)))
    climbed = climb(Ladder((0, 1, 2), 0.9), of.good, of.cost, chance)
    assert climbed.good.mean() == of.good.any(axis=1).mean()
    np.testing.assert_allclose(climbed.cost[of.good[:, 0]], of.cost[of.good[:, 0], 0])
    assert (climbed.precision, climbed.recall) == (1.0, 1.0)


def test_the_best_answer_of_all_is_given_where_the_last_is_judged_too() -> None:
    good = np.array([[True, False]])
    cost, chance = np.array([[1.0, 10.0]]), np.array([[0.6, 0.2]])
    assert climb(Ladder((0, 1), 0.9), good, cost, chance).good.tolist() == [0.0]
    assert climb(Ladder((0, 1), 0.9), good, cost, chance, best_of=True).good.tolist() == [1.0]


def test_nothing_is_chosen_by_the_prompts_that_are_scored() -> None:
    of = table(300)
    played = play(of, bell(0.85), of.means, 1)
    # Other outcomes in one fold change that fold's scores, and no ladder that it was scored with.
    other = of.good.copy()
    other[of.fold == 0] = ~other[of.fold == 0]
    changed = Outcomes(of.models, other, of.cost, of.fold, of.routed, 0, "none")
    prior = of.means
    again = play(changed, bell(0.85), prior, 1)
    assert again.chosen[0] == play(of, bell(0.85), prior, 1).chosen[0] == played.chosen[0]


def test_a_better_gate_buys_the_same_for_less() -> None:
    of = table(600)
    costs = []
    for area in (0.5, 0.8, 0.99):
        played = play(of, bell(area), of.means, 1)
        costs.append(hull(played.cost.mean(axis=0), played.good.mean(axis=0)).cost_of(0.85))
    assert costs[0] > costs[1] > costs[2]


@pytest.mark.parametrize("area", [0.6, 0.8, 0.95])
def test_a_made_up_gate_tells_as_much_apart_as_it_should(area: float) -> None:
    noise = bell(area)
    assert noise.auc == pytest.approx(area, abs=0.002)
    drawn = noise.drawn(np.ones((2000, 1), dtype=np.bool_), np.random.default_rng(1))
    assert drawn.mean() == pytest.approx(noise.right.mean(), abs=0.3)


def test_gates_that_err_together_say_the_same_of_answers_that_are_as_good() -> None:
    of = table(50)
    told = measured()["one-answer"].drawn(of.good, np.random.default_rng(1), shared=True)
    for row, good in zip(told, of.good, strict=True):
        assert len(set(row[good])) <= 1
        assert len(set(row[~good])) <= 1


def test_the_page_and_the_plot_say_what_was_published() -> None:
    result = report.read(PUBLISHED)
    assert report.render(result) in report.PAGE.read_text(encoding="utf-8")
    assert plot.draw(result) == report.PLOT.read_text(encoding="utf-8")
    ET.fromstring(plot.draw(result))
    assert set(result.gate_auc) == set(measured())

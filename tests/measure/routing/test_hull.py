"""AIQ and savings against values computed by hand, and what must hold for any points."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.measure.routing.formulas import Floats
from tenbin.measure.routing.hull import aiq, bought, chosen, hull


def floats(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


def test_a_hull_by_hand() -> None:
    # (2, .5) lies below the line from (1, .4) to (3, .8); (5, .7) is dearer and worse; (3, .6) is worse at its cost.
    of = hull(floats(3, 1, 2, 5, 3), floats(0.8, 0.4, 0.5, 0.7, 0.6))
    assert of.cost.tolist() == [1, 3]
    assert of.quality.tolist() == [0.4, 0.8]
    assert of.at(2) == pytest.approx(0.6)
    assert of.at(9) == pytest.approx(0.8)
    assert of.cost_of(0.7) == pytest.approx(2.5)
    assert of.cost_of(0.1) == 1
    assert math.isnan(of.cost_of(0.9))
    # From 1 to 3 the mean quality is 0.6, from 3 to 5 it stays at 0.8.
    assert aiq(of, 1, 5) == pytest.approx(0.7)


def test_a_single_point() -> None:
    of = hull(floats(2), floats(0.5))
    assert aiq(of, 2, 2) == pytest.approx(0.5)
    assert aiq(of, 2, 4) == pytest.approx(0.5)
    # Below its cost there is nothing to be had: half of the range at 0.5.
    assert aiq(of, 1, 3) == pytest.approx(0.25)


points = st.lists(st.tuples(st.integers(1, 50), st.integers(0, 20)), min_size=1, max_size=12)


@given(points)
def test_a_hull_is_above_its_points_and_bends_one_way(pairs: list[tuple[int, int]]) -> None:
    cost, quality = (np.array([pair[side] for pair in pairs], dtype=np.float64) for side in (0, 1))
    of = hull(cost, quality)
    assert all(of.at(x) >= y - 1e-9 for x, y in pairs)
    assert (np.diff(of.cost) > 0).all()
    assert (np.diff(of.quality) > 0).all()
    assert (np.diff(np.diff(of.quality) / np.diff(of.cost)) < 1e-9).all()
    assert set(zip(of.cost.tolist(), of.quality.tolist(), strict=True)) <= {(float(x), float(y)) for x, y in pairs}
    assert 0 <= aiq(of, float(cost.min()), float(cost.max())) <= quality.max() + 1e-9


@given(points)
def test_more_choice_is_never_worse(pairs: list[tuple[int, int]]) -> None:
    cost, quality = (np.array([pair[side] for pair in pairs], dtype=np.float64) for side in (0, 1))
    low, high = float(cost.min()), float(cost.max())
    fewer = hull(cost[:-1], quality[:-1]) if len(pairs) > 1 else hull(cost, quality)
    assert aiq(hull(cost, quality), low, high) >= aiq(fewer, low, high) - 1e-9


def test_the_knob_reaches_from_the_cheapest_to_the_best() -> None:
    expected = np.array([[0.2, 0.9, 0.5], [0.7, 0.7, 0.7], [0.6, 0.1, 0.95]])
    picks = chosen(expected, floats(3.0, 1.0, 2.0))
    assert picks[:, 0].tolist() == [1, 1, 1]
    # Where all are equally good the cheapest is taken, however much quality is worth.
    assert picks[:, -1].tolist() == [1, 1, 2]


table = st.integers(10, 30).flatmap(
    lambda rows: st.tuples(
        st.lists(st.lists(st.integers(0, 1), min_size=3, max_size=3), min_size=rows, max_size=rows),
        st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=3), min_size=rows, max_size=rows),
    )
)


@given(table)
def test_the_oracle_beats_the_models_alone(outcomes: tuple[list[list[int]], list[list[int]]]) -> None:
    quality, cost = (np.array(each, dtype=np.float64) for each in outcomes)
    none = np.empty((len(quality), 0), dtype=np.int64)
    alone = bought(none, quality, cost, 0, 0, singles=True)
    known = bought(chosen(quality, cost), quality, cost, 0, 0)
    assert known.aiq.value >= alone.aiq.value - 0.02  # the knob has steps


def test_what_is_saved_by_hand() -> None:
    """Half of the questions are easy: both models are right, one at a tenth of the cost."""
    quality = np.array([[1.0, 1.0]] * 50 + [[0.0, 1.0]] * 50)
    cost = np.array([[1.0, 10.0]] * 100)
    knows = bought(chosen(quality, cost.mean(axis=0)), quality, cost, 200, 0)
    # Points: all cheap (1, 0.5), each question to the cheapest that is right (5.5, 1). 0.95 costs 1 + 0.9 x 4.5.
    assert knows.saved.value == pytest.approx(100 * (1 - 5.05 / 10))
    assert knows.saved.low < knows.saved.value < knows.saved.high
    # From 1 to 5.5 the mean is 0.75, from there to 10 it is 1.
    assert knows.aiq.value == pytest.approx(0.875)
    alone = bought(np.empty((100, 0), dtype=np.int64), quality, cost, 0, 0, singles=True)
    assert alone.aiq.value == pytest.approx(0.75)
    assert alone.saved.value == pytest.approx(9)

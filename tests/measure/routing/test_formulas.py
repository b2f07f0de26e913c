"""The measures against values computed by hand, against their definitions, and what must hold for any table."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.measure.routing import formulas
from tenbin.measure.routing.formulas import Floats, apgr, cpt, curve, ranked, ranking

TIES = np.arange(100_000)


def floats(*values: float) -> Floats:
    return np.array(values, dtype=np.float64)


# Ten questions; the strong model is right in five, the weak one never. W = 0, S = 0.5, and a perfect ranking sends the
# five first: quality rises 0.1 with each tenth, up to 0.5 at one half.
NONE = np.zeros(10)
FIVE = floats(1, 1, 1, 1, 1, 0, 0, 0, 0, 0)


def test_a_perfect_ranking_by_hand() -> None:
    of = curve(NONE, FIVE)
    assert of.share.tolist() == pytest.approx([k / 10 for k in range(11)])
    assert of.quality.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    # Area under the quality: 0.5 x 0.5 / 2 + 0.5 x 0.5 = 0.375, of a gap of 0.5.
    assert apgr(of) == pytest.approx(0.75)
    assert cpt(of, 0.5) == pytest.approx(25)
    assert cpt(of, 0.8) == pytest.approx(40)
    assert formulas.quality_at(of, 0.5) == pytest.approx(0.5)
    assert formulas.quality_at(of, 0.25) == pytest.approx(0.25)


def test_the_worst_ranking_by_hand() -> None:
    of = curve(NONE, FIVE[::-1])
    assert apgr(of) == pytest.approx(0.25)
    assert cpt(of, 0.5) == pytest.approx(75)
    assert cpt(of, 0.8) == pytest.approx(90)


def test_shares_where_ten_does_not_divide_the_questions() -> None:
    # 12 questions: thresholds stand at places 0, 1.1, 2.2 ... 9.9 of the ascending scores, counted from 0; the last one
    # is above all of them.
    assert formulas.strong_counts(12).tolist() == [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]


def test_the_first_crossing_counts_where_quality_falls_again() -> None:
    """Strong is right on the first and wrong on the next where weak was right: the curve rises, falls and rises."""
    weak = floats(0, 0, 1, 1, 0, 0, 0, 0, 0, 0)
    strong = floats(1, 1, 0, 0, 1, 1, 1, 1, 0, 0)
    of = curve(weak, strong)
    assert of.quality.tolist() == pytest.approx([0.2, 0.3, 0.4, 0.3, 0.2, 0.3, 0.4, 0.5, 0.6, 0.6, 0.6])
    assert cpt(of, 0.5) == pytest.approx(20)


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    of = curve(FIVE, FIVE)
    assert math.isnan(float(apgr(of)))
    assert math.isnan(float(cpt(of, 0.5)))
    figures = ranked(ranking(FIVE, TIES[:10]), FIVE, NONE, 50, 0)
    assert math.isnan(figures.apgr.value)
    assert math.isnan(figures.apgr.low)


outcomes = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 6)), min_size=10, max_size=80)


@given(outcomes, st.randoms(use_true_random=False))
def test_the_curve_is_that_of_the_definition(rows: list[tuple[int, int, int]], random: Random) -> None:
    """As RouteLLM draws it: thresholds at the deciles of distinct scores, strong where the score is not below."""
    weak, strong = (np.array([row[side] for row in rows], dtype=np.float64) for side in (0, 1))
    scores = np.array(random.sample(range(1000), len(rows)), dtype=np.float64)
    order = ranking(scores, TIES[: len(rows)])
    of = curve(weak[order], strong[order])
    edges = np.round(np.quantile(scores, np.linspace(0, 1, 11)), 6)
    for place, edge in enumerate(edges):
        goes = scores > edge if place == 10 else scores >= edge
        assert of.share[10 - place] == pytest.approx(goes.mean())
        assert of.quality[10 - place] == pytest.approx(np.where(goes, strong, weak).mean())


@given(outcomes)
def test_nothing_beats_the_oracle(rows: list[tuple[int, int, int]]) -> None:
    weak, strong, scores = (np.array([row[side] for row in rows], dtype=np.float64) for side in (0, 1, 2))
    ties = TIES[: len(rows)]
    best = ranking(strong - weak, ties)
    other = ranking(scores, ties)
    assert (curve(weak[best], strong[best]).quality >= curve(weak[other], strong[other]).quality - 1e-12).all()


@given(outcomes, st.randoms(use_true_random=False))
def test_equal_scores_do_not_follow_the_order_of_the_file(rows: list[tuple[int, int, int]], random: Random) -> None:
    scores = np.array([row[2] for row in rows], dtype=np.float64)
    ties = np.array(random.sample(range(len(rows)), len(rows)))
    mixed = np.array(random.sample(range(len(rows)), len(rows)))
    one, other = ranking(scores, ties), ranking(scores[mixed], ties[mixed])
    assert mixed[other].tolist() == one.tolist()


def test_a_random_router_recovers_half() -> None:
    generator = np.random.default_rng(1)
    weak = (generator.random(500) < 0.6).astype(np.float64)
    strong = (generator.random(500) < 0.8).astype(np.float64)
    figures = ranked(None, weak, strong, 300, 0)
    assert figures.apgr.value == pytest.approx(0.5, abs=0.02)
    assert figures.cpt50.value == pytest.approx(50, abs=3)
    assert figures.apgr.low < 0.5 < figures.apgr.high


def test_intervals_hold_the_figure_and_repeat() -> None:
    generator = np.random.default_rng(2)
    scores, weak = generator.random(400), (generator.random(400) < 0.5).astype(np.float64)
    strong = np.maximum(weak, scores > 0.6)
    order = ranking(scores, TIES[:400])
    figures = ranked(order, weak, strong, 500, 7)
    assert figures.apgr.low < figures.apgr.value < figures.apgr.high
    assert ranked(order, weak, strong, 500, 7) == figures
    assert ranked(order, weak, strong, 500, 8).apgr.low != figures.apgr.low
    assert ranked(order, weak, strong, 500, 8).apgr.value == figures.apgr.value


def test_no_resamples_no_interval() -> None:
    figures = ranked(ranking(FIVE, TIES[:10]), NONE, FIVE, 0, 0)
    assert figures.apgr.value == pytest.approx(0.75)
    assert math.isnan(figures.apgr.low)
    assert math.isnan(figures.apgr.high)


def test_the_interval_is_as_wide_as_the_spread_of_the_mean() -> None:
    """Of a mean of n values it is known: 1.96 standard deviations over the root of n, to either side."""
    values = np.random.default_rng(3).random(1000)
    found = formulas.estimated(lambda rows: float(values[rows].mean()), 1000, 2000, 0)
    wide = 1.96 * values.std() / math.sqrt(1000)
    assert found.high - found.value == pytest.approx(wide, rel=0.15)
    assert found.value - found.low == pytest.approx(wide, rel=0.15)


def test_labels_by_hand() -> None:
    true, told = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 3, 3])
    assert formulas.accuracy(true, told) == pytest.approx(3 / 6)
    # Label 0: 2 right of 3 true and 2 told, 4/5. Label 1: 1 right of 2 and 2, 1/2. Label 2: never told, 0.
    assert formulas.macro_f1(true, told, 4) == pytest.approx((4 / 5 + 1 / 2 + 0) / 3)
    assert formulas.macro_f1(true, true, 4) == 1


def test_rank_correlation_by_hand() -> None:
    assert formulas.spearman(floats(1, 2, 3), floats(10, 20, 30)) == pytest.approx(1)
    assert formulas.spearman(floats(1, 2, 3), floats(9, 4, 1)) == pytest.approx(-1)
    # Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4: covariance 4.5, variances 4.5 and 5.
    assert formulas.spearman(floats(1, 5, 5, 9), floats(1, 3, 2, 4)) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert math.isnan(formulas.spearman(floats(1, 1), floats(1, 2)))

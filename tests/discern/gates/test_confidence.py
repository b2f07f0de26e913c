"""Confidence from log-probabilities."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.gates.confidence import confidence, corrected_probability, logprobs_of, mean_probability
from tenbin.discern.gates.gate import Answer, Question

LOGPROBS = st.lists(st.floats(max_value=0, min_value=-50), min_size=1, max_size=200)


@given(LOGPROBS)
def test_it_lies_between_the_whole_and_the_mean(values: list[float]) -> None:
    score = corrected_probability(values)
    assert math.exp(math.fsum(values)) <= score * (1 + 1e-9)
    assert score <= mean_probability(values) * (1 + 1e-9)


def test_one_doubtful_token_is_seen_and_length_costs_less_than_in_the_whole() -> None:
    sure, doubtful = [-0.01] * 50, [-0.01] * 49 + [-3.0]
    assert corrected_probability(doubtful) < 0.7 * corrected_probability(sure)
    assert corrected_probability([-0.1] * 100) > math.exp(-10) * 1000


def test_what_is_no_number_is_left_out() -> None:
    assert confidence(Question(), Answer(text="a")).score is None
    assert confidence(Question(), Answer(logprobs=(math.nan,))).score is None
    assert confidence(Question(), Answer(logprobs=(-math.inf, -0.1))).score == 0.0
    assert confidence(Question(), Answer(logprobs=(0.5,))).score == 1.0


def test_both_ways_of_writing_them_are_read() -> None:
    assert logprobs_of([{"token": "a", "logprob": -0.5}, {"logprob": -1}]) == (-0.5, -1.0)
    assert logprobs_of([-0.5, None, True]) == (-0.5,)
    assert logprobs_of("x") is None
    assert logprobs_of([]) is None

"""Whether two answers come to the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.gates.agreement import agreement, similarity
from tenbin.discern.gates.gate import Answer, Question


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("42", "The answer is 42.", True),
        ("17 + 25 = 42", "It is 42", True),
        ("1,200", "1200.0", True),
        ("42", "43", False),
        ("４２", "42", True),
        ("Positive", "positive.", True),
        ("positive", "negative", False),
        ("(B) because of rain", "b)", True),
        ("答え：東京", "東京", True),
        ("東京です。答えは東京", "答えは大阪", False),
        ('{"a": 1, "b": 2}', '```json\n{"b": 2, "a": 1}\n```', True),
        ('{"a": 1}', '{"a": 2}', False),
        ("", "something", False),
        (
            "The sky is blue because air scatters blue light more than red light.",
            "Because air scatters blue light more than red light, the sky is blue.",
            True,
        ),
        ("Water boils when it is heated enough.", "Cats chase mice around old barns in winter.", False),
    ],
)
def test_agreement(one: str, other: str, agree: bool) -> None:
    assert (similarity(one, other)[0] >= 0.5) is agree


@given(st.text(max_size=200), st.text(max_size=200))
def test_it_is_a_share_and_has_no_direction(one: str, other: str) -> None:
    score, _ = similarity(one, other)
    assert 0 <= score <= 1
    assert abs(score - similarity(other, one)[0]) < 1e-9
    assert similarity(one, one)[0] == pytest.approx(1)


def test_without_a_further_answer_nothing_is_said() -> None:
    assert agreement(Question(), Answer(text="a")).score is None
    assert agreement(Question(), Answer(text="4", others=("4", "5"))).score == pytest.approx(0.5, abs=0.11)

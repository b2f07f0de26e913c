"""A loop is told from what repeats itself for good reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.gates.gate import Answer, Question
from tenbin.discern.gates.repetition import periodic_end, repetition


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 4. " + "I am a model. " * 20,
        "はい。" * 30,
        "ha" * 2000,
        "Start\n" + "\n".join(["The same line of words again."] * 12 + ["and one more"]),
    ],
)
def test_a_loop_fails(text: str) -> None:
    told = repetition(Question(), Answer(text=text))
    assert told.score is not None
    assert told.score < 0.5, told.evidence


@pytest.mark.parametrize(
    "text",
    [
        "One thing is this. Another thing is that. A third is quite different from both.",
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n" * 2,
        "Heading\n" + "-" * 300,
        "\n".join(f"{number}. item number {number}" for number in range(40)),
        "no no no, that is not what was meant here at all",
    ],
)
def test_other_texts_pass(text: str) -> None:
    assert repetition(Question(), Answer(text=text)).score == 1.0


def test_what_was_asked_for_is_no_fault() -> None:
    told = repetition(Question(prompt="Write hello 30 times."), Answer(text="hello " * 30))
    assert told.score is not None
    assert told.score > 0.5


@given(st.text(alphabet="ab ", max_size=30), st.text(alphabet="abc", min_size=1, max_size=6), st.integers(5, 12))
def test_a_piece_said_over_and_over_is_found(before: str, piece: str, times: int) -> None:
    text = before + piece * times
    period, length = periodic_end(text)
    assert length >= len(piece) * times
    end = text[len(text) - length :]
    assert all(end[place] == end[place - period] for place in range(period, length))

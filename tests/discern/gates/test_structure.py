"""Empty, cut off, in the wrong language."""

import pytest

from tenbin.core.conversation import ToolCall
from tenbin.discern.gates.asking import question_of_prompt
from tenbin.discern.gates.gate import Answer, Question
from tenbin.discern.gates.structure import empty, truncated, wrong_language

CALL = ToolCall(id="1", name="look")


@pytest.mark.parametrize("text", ["", " \n\t", "\0\0\0\0\0", "......", "\u200b"])
def test_nothing_said_is_empty(text: str) -> None:
    told = empty(Question(), Answer(text=text))
    assert told.score is not None
    assert told.score <= 0.5


@pytest.mark.parametrize("answer", [Answer(text="42"), Answer(text="はい"), Answer(tool_calls=(CALL,))])
def test_something_said_or_done_is_not(answer: Answer) -> None:
    assert empty(Question(), answer).score == 1.0


@pytest.mark.parametrize("reason", ["max_tokens", "context_exceeded", "pause_turn"])
def test_a_limit_cuts(reason: str) -> None:
    answer = Answer(text="A whole sentence.", stop_reason=reason)  # type: ignore[arg-type]
    assert truncated(Question(), answer).score == 0.0


PROSE = "This is a sentence that says something about the matter at hand, and it goes on. " * 4


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (PROSE, True),
        (PROSE + "And then there was one thing more that nobody had expect", False),
        ("Paris", True),
        ("```python\nx = 1\n```", True),
        ("Here it is:\n```python\nx = 1", False),
        (PROSE + "\n| a | b |\n|---|---|\n| one with many words to it | another one with words |", True),
        (PROSE + "\n- an item of a list that has no stop at its end, as items mostly have", True),
        ("これは文です。" * 40, True),
        (
            "これは文です。" * 40
            + "そしてまだ続きがあるはずなのですがここで突然に終わってしまい文としては完結していない状態のままになって",
            False,
        ),
    ],
)
def test_an_end_is_looked_at(text: str, whole: bool) -> None:
    told = truncated(Question(), Answer(text=text, stop_reason="end_turn"))
    assert told.score is not None
    assert (told.score == 1.0) is whole, told.evidence


@pytest.mark.parametrize(
    ("prompt", "answer", "score"),
    [
        ("Why is the sky blue?", "Because blue light is scattered more than red light.", 1.0),
        ("Why is the sky blue?", "青い光が赤い光よりも強く散乱されるからです。空気の分子が原因です。", 0.1),
        ("空はなぜ青いのですか。", "Because blue light is scattered more than red light.", 0.1),
        ("空はなぜ青いのですか。英語で答えてください。", "Because blue light is scattered more than red.", 1.0),
        ("Answer in Japanese: why is the sky blue?", "青い光が散乱されるからです。", 1.0),
        ("Answer in Japanese: why is the sky blue?", "Because blue light is scattered more.", 0.1),
        ("Translate to French: good morning, my friends", "Bonjour, mes amis, je suis très heureux d'être là.", 1.0),
        ("空はなぜ青いのですか。", "42", None),
        ("Python で書いてください。", "```python\ndef f(x):\n    return x\n```", None),
        ("首都はどこですか。", "Paris", 0.5),
    ],
)
def test_the_language_is_that_which_was_asked_for(prompt: str, answer: str, score: float | None) -> None:
    told = wrong_language(question_of_prompt(prompt), Answer(text=answer))
    assert told.score == score, told.evidence

"""Whether an answer has the form that was asked for."""

import pytest

from tenbin.discern.gates.asking import question_of_prompt
from tenbin.discern.gates.forms import asked_form
from tenbin.discern.gates.gate import Answer

CASES = [
    ("Answer in JSON only.", '{"a": 1}', True),
    ("Answer in JSON only.", '```json\n{"a": 1}\n```', True),
    ("Answer in JSON only.", "The name is Ann.", False),
    ("Answer in JSON only.", '{"a": 1', False),
    ("List three birds.", "1. wren\n2. robin\n3. crow", True),
    ("List three birds.", "Wren, robin and crow", True),
    ("List three birds.", "- wren\n- robin\n- crow\n- owl\n- tit\n- jay", False),
    ("鳥を三つ挙げてください。", "・すずめ\n・からす\n・つばめ", True),
    ("鳥を三つ挙げてください。", "すずめ、からす、つばめ", True),
    ("鳥を三つ挙げてください。", "すずめ", False),
    ("Answer in one word.", "Blue.", True),
    ("Answer in one word.", "It is a kind of blue that I like very much.", False),
    ("一言で答えてください。", "東京", True),
    ("一言で答えてください。", "日本の首都は長い歴史を持つ東京という都市です。", False),
    ("Reply with just the number.", "42", True),
    ("Reply with just the number.", "$1,200.50", True),
    ("Reply with just the number.", "The answer is 42, of course.", False),
    ("数字だけで答えてください。", "４２", True),
    ("Answer yes or no.", "Yes, it is.", True),
    ("Answer yes or no.", "It depends.", False),
    ("「はい」か「いいえ」で答えてください。", "いいえ", True),
    ("Compare them in a table.", "| a | b |\n|---|---|\n| 1 | 2 |", True),
    ("Compare them in a table.", "The first is larger.", False),
    ("Write a Python function that adds.", "```python\ndef add(a, b):\n    return a + b\n```", True),
    ("Write a Python function that adds.", "You take both numbers and add them.", False),
]


@pytest.mark.parametrize(("prompt", "text", "met"), CASES)
def test_forms(prompt: str, text: str, met: bool) -> None:
    told = asked_form(question_of_prompt(prompt), Answer(text=text))
    assert told.score is not None
    assert (told.score >= 0.5) is met, told.evidence


def test_without_a_wish_there_is_nothing_to_judge() -> None:
    assert asked_form(question_of_prompt("Hello!"), Answer(text="Hi")).score is None

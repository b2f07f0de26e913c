"""Gates by name, those of other packages among them, and what any of them may be given."""

import re
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.core.conversation import OutputFormat, Tool, ToolCall
from tenbin.discern.gates import registry
from tenbin.discern.gates.asking import question_of_prompt
from tenbin.discern.gates.gate import Answer, Gate, Judgement, Question
from tenbin.discern.gates.registry import BUILT_IN, DEAR, ENTRY_POINTS, UnknownGate, gate, judge, names

DOCUMENT = Path(__file__).parents[3] / "docs" / "write-a-gate.md"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package folder whose gates `house` and `broken` are installed, as far as entry points go."""
    entries = EntryPoints(
        EntryPoint(name, f"my_gate:{function}", ENTRY_POINTS)
        for name, function in {"house": "price_is_named", "broken": "broken", "beyond": "beyond"}.items()
    )
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **wanted: entries.select(**wanted))
    monkeypatch.syspath_prepend(tmp_path)
    registry.gate.cache_clear()
    return tmp_path


def test_every_built_in_gate_says_its_own_name() -> None:
    told = judge(Question(prompt="Hello there?"), Answer(text="Hello, and welcome."))
    assert [each.gate for each in told] == [name for name in BUILT_IN if name not in DEAR]
    assert all(each.evidence for each in told)


def test_an_unknown_name_is_said() -> None:
    with pytest.raises(UnknownGate, match=r"no gate 'nonsense'; there are agreement"):
        gate("nonsense")


def test_the_example_of_the_documentation_is_a_gate(installed: Path) -> None:
    example = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    more = "\n\ndef broken(question, answer):\n    raise RuntimeError('no')\n"
    more += "\n\ndef beyond(question, answer):\n    return Judgement('beyond', 7.0, 'x')\n"
    (installed / "my_gate.py").write_text(example[1] + more, encoding="utf-8")
    assert names(dear=True)[: len(BUILT_IN)] == tuple(BUILT_IN)
    assert set(names()) - BUILT_IN.keys() == {"house", "broken", "beyond"}
    assert set(names(dear=True)) - set(names()) == DEAR
    house: Gate = gate("house")
    asked = Question(prompt="What does the small one cost?")
    assert house(asked, Answer(text="It costs 12 USD.")).score == 1.0
    assert house(asked, Answer(text="It is not dear.")).score == 0.0
    assert house(Question(prompt="Hello"), Answer(text="Hi")).score is None
    told = {each.gate: each for each in judge(asked, Answer(text="12 USD"), ("house", "broken", "beyond", "empty"))}
    assert told["house"].score == 1.0
    assert told["broken"].score is None
    assert "RuntimeError: no" in told["broken"].evidence
    assert told["beyond"].score is None
    assert told["empty"].score == 1.0


ASKED = Question(
    prompt="Return JSON only, in one word, as a table, list three things. Write a Python function. はいかいいえで",
    language="ja",
    language_named=True,
    asked=question_of_prompt("Return JSON only; list three birds in a table; answer in one word. Only the code.").asked,
    output_format=OutputFormat(mode="json_schema", schema=msgspec.Raw(b'{"type":"object","required":["a"]}')),
    tools=(Tool(name="look", schema=msgspec.Raw(b'{"properties":{"a":{"pattern":"^(a+)+$"}}}')),),
    task="code_generation",
)


def checked(told: tuple[Judgement, ...]) -> None:
    for each in told:
        assert each.score is None or 0 <= each.score <= 1
        assert each.evidence
        assert len(each.evidence) < 2_000


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=300),
    st.text(max_size=300),
    st.lists(st.text(max_size=100), max_size=2),
    st.lists(st.floats(), max_size=20),
    st.sampled_from([None, "end_turn", "max_tokens", "tool_use"]),
)
def test_any_text_is_judged(prompt: str, text: str, others: list[str], logprobs: list[float], reason: Any) -> None:
    answer = Answer(text=text, others=tuple(others), logprobs=tuple(logprobs), stop_reason=reason)
    checked(judge(question_of_prompt(prompt), answer))
    checked(judge(ASKED, answer))


MILLION = 1 << 20
HOSTILE = {
    "a million letters": "a" * MILLION,
    "NULs": "\0" * MILLION,
    "deep arrays": "[" * MILLION,
    "deep objects": '{"a":' * (MILLION // 5),
    "open strings": '{"' * (MILLION // 2),
    "backticks": "`" * MILLION,
    "fences": "```python\n" * (MILLION // 10),
    "open fences of JSON": "```json\n{\n" * (MILLION // 10),
    "table rules": "|-" * (MILLION // 2),
    "dashes": "- " * (MILLION // 2),
    "blanks": " " * MILLION + "a",
    "blank lines": "\n" * MILLION,
    "quotes": "「" * (MILLION // 2) + '"' * (MILLION // 2),
    "apologies": "I'm sorry " * (MILLION // 10),
    "as an AI": "as an ai " * (MILLION // 10),
    "apologies in Japanese": "申し訳" * (MILLION // 3),
    "numbers": "1,000" * (MILLION // 5),
    "digits": "9" * MILLION,
    "at signs": "a@a." * (MILLION // 4),
    "addresses": "http://" * (MILLION // 7),
    "answers": "the answer is " * (MILLION // 14),
    "surrogates": "\ud800" * 10_000,
    "combining": "a" + "\u0301" * MILLION,
    "comments": "```sql\n" + "/*" * 4_000 + "\n```",
    "quoted lines": "> " * (MILLION // 2),
    "a word and blanks": ("list" + " " * 500) * 2_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_are_judged(name: str) -> None:
    """In a time that no size makes grow beyond the bounds: the suite's own limit ends a test that would hang."""
    text = HOSTILE[name]
    call = ToolCall(id="1", name=text[:1000], arguments=text)
    checked(judge(ASKED, Answer(text=text, others=(text,))))
    checked(judge(question_of_prompt(text), Answer(text=text[:5_000])))
    checked(judge(ASKED, Answer(tool_calls=(call,) * 3)))

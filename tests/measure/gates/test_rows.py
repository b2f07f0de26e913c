"""Judged answers are recognised by their columns, in every form of file."""

import json
from pathlib import Path
from typing import Any

import pytest

from tenbin.measure.gates.rows import NothingHere, cases
from tests.measure.routing.making import write


def columns(**more: list[Any]) -> dict[str, list[Any]]:
    return {"prompt": ["What is 1 + 1?", "Name a bird."], "answer": ["2", "Robin"], "correct": [True, False], **more}


def test_what_a_row_may_hold(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
    call = {"id": "c", "function": {"name": "add", "arguments": '{"a": 1}'}}
    more: dict[str, list[Any]] = {
        "task": ["math", "unheard of"],
        "finish_reason": ["length", "stop"],
        "logprobs": [[-0.1, -0.2], None],
        "second_answer": ["3", None],
        "tools": [[tool], None],
        "tool_calls": [[call], None],
        "schema": [{"type": "integer"}, None],
    }
    write(tmp_path, "a.jsonl", columns(**more))
    first, second = cases(tmp_path).cases
    assert (first.question.task, second.question.task) == ("mathematics", "")
    assert (first.answer.stop_reason, second.answer.stop_reason) == ("max_tokens", "end_turn")
    assert first.answer.logprobs == (-0.1, -0.2)
    assert first.answer.others == ("3",)
    assert first.question.tools[0].name == "add"
    assert first.answer.tool_calls[0].arguments == '{"a": 1}'
    assert first.question.output_format is not None
    assert (first.right, second.right) == (True, False)
    assert second.answer.logprobs is None


def test_forms_of_files_and_of_truth(tmp_path: Path) -> None:
    write(tmp_path, "a.parquet", columns())
    (tmp_path / "b.csv").write_text('question,response,label,schema\nq,a,1,"{""type"": ""object""}"\nr,b,no,\n')
    found = cases(tmp_path)
    assert found.files == {"a.parquet": 2, "b.csv": 2}
    assert [case.right for case in found.cases] == [True, False, True, False]
    assert found.cases[2].question.output_format is not None


def test_the_same_prompts_are_learned_from_in_every_file(tmp_path: Path) -> None:
    prompts = [f"Question {number}" for number in range(200)]
    for name, order in (("a.jsonl", prompts), ("b.jsonl", prompts[::-1])):
        write(tmp_path, name, {"prompt": order, "answer": ["x"] * 200, "correct": [1] * 200})
    found = cases(tmp_path).cases
    first = {case.question.prompt: case.learning for case in found[:200]}
    assert first == {case.question.prompt: case.learning for case in found[200:]}
    assert 90 < sum(first.values()) < 150


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"prompt": "a", "answer": "b"}, "no column correct"),
        ({"prompt": "", "answer": "b", "correct": 1}, "no prompt"),
        ({"prompt": "a", "answer": "b", "correct": "perhaps"}, "neither true nor false"),
        ({"prompt": "a", "answer": "b", "correct": 1, "tools": "{"}, "tools is no JSON"),
        ({"prompt": "a", "answer": "b", "correct": 1, "tools": [{}]}, "a tool has no name"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, content: dict[str, Any], says: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(content) + "\n")
    with pytest.raises(NothingHere, match=says):
        cases(tmp_path)

"""Structured output is what the request's parameters ask for, or can be made so."""

import json
from typing import Any

import msgspec
import pytest

from tenbin.core.conversation import OutputFormat
from tenbin.discern.gates.gate import Answer, Question
from tenbin.discern.gates.structured_output import repaired, structured_output

SCHEMA = msgspec.Raw(
    b'{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}'
)
BY_SCHEMA = Question(output_format=OutputFormat(mode="json_schema", schema=SCHEMA))
ANY_OBJECT = Question(output_format=OutputFormat(mode="json_object"))


@pytest.mark.parametrize(
    ("question", "text", "score", "mended"),
    [
        (BY_SCHEMA, '{"a": 1}', 1.0, None),
        (BY_SCHEMA, '```json\n{"a": 1}\n```', 0.3, {"a": 1}),
        (BY_SCHEMA, '{"a": "1"}', 0.1, {"a": 1}),
        (BY_SCHEMA, '{"a": 1, "b": 2}', 0.1, {"a": 1}),
        (BY_SCHEMA, '{"a": 1', 0.0, {"a": 1}),
        (BY_SCHEMA, "{}", 0.1, None),
        (BY_SCHEMA, "none", 0.0, None),
        (ANY_OBJECT, '{"b": [1]}', 1.0, None),
        (ANY_OBJECT, "[1]", 0.1, None),
        (ANY_OBJECT, "Sure! {'b': 1}", 0.0, {"b": 1}),
        (Question(), "anything", None, None),
    ],
)
def test_structured_output(question: Question, text: str, score: float | None, mended: Any) -> None:
    answer = Answer(text=text)
    assert structured_output(question, answer).score == score
    told = repaired(question, answer)
    if mended is None:
        assert told is None
    else:
        assert told is not None
        assert json.loads(told.text) == mended
        assert structured_output(question, Answer(text=told.text)).score == 1.0


def test_what_was_cut_is_not_completed() -> None:
    assert repaired(BY_SCHEMA, Answer(text='{"a": 1', stop_reason="max_tokens")) is None


def test_a_schema_that_cannot_be_used_is_no_fault_of_the_answer() -> None:
    question = Question(output_format=OutputFormat(mode="json_schema", schema=msgspec.Raw(b'{"type":"strin"}')))
    assert structured_output(question, Answer(text='{"a": 1}')).score is None

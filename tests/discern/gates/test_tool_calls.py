"""Tool calls are checked, and repaired where nothing has to be invented."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.conversation import Tool, ToolCall, ToolChoice
from tenbin.discern.gates.gate import Answer, Question
from tenbin.discern.gates.tool_calls import repaired, tool_calls

SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "exact": {"type": "boolean"},
        "unit": {"enum": ["Celsius", "Fahrenheit"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "where": {"$ref": "#/$defs/place"},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"place": {"type": "object", "properties": {"lat": {"type": "number"}}, "required": ["lat"]}},
}
QUESTION = Question(
    prompt="Weather?",
    tools=(Tool(name="get_weather", schema=msgspec.Raw(msgspec.json.encode(SCHEMA))), Tool(name="look")),
)


def called(name: str, arguments: str, **more: Any) -> Answer:
    return Answer(tool_calls=(ToolCall(id="1", name=name, arguments=arguments),), **more)


@pytest.mark.parametrize("arguments", ['{"city": "Oslo"}', '{"city": "Oslo", "days": 2, "where": {"lat": 1.5}}'])
def test_a_right_call_passes_and_is_left_alone(arguments: str) -> None:
    answer = called("get_weather", arguments)
    assert tool_calls(QUESTION, answer).score == 1.0
    assert repaired(QUESTION, answer) is None


@pytest.mark.parametrize(
    ("name", "arguments", "mended"),
    [
        ("Get_Weather", '{"city": "Oslo"}', {"city": "Oslo"}),
        ("functions.getWeather", '{"city": "Oslo"}', {"city": "Oslo"}),
        ("get_weather", '{"city": "Oslo", "days": "2"}', {"city": "Oslo", "days": 2}),
        ("get_weather", '{"city": "Oslo", "exact": "True"}', {"city": "Oslo", "exact": True}),
        ("get_weather", '{"city": "Oslo", "unit": "celsius"}', {"city": "Oslo", "unit": "Celsius"}),
        ("get_weather", '{"city": "Oslo", "tags": "a"}', {"city": "Oslo", "tags": ["a"]}),
        ("get_weather", '{"city": "Oslo", "where": "{\\"lat\\": \\"1.5\\"}"}', {"city": "Oslo", "where": {"lat": 1.5}}),
        ("get_weather", '{"city": "Oslo", "why": "because"}', {"city": "Oslo"}),
        ("get_weather", '{"City": "Oslo"}', {"city": "Oslo"}),
        ("get_weather", '{"city": "Oslo", "days": null}', {"city": "Oslo"}),
        ("get_weather", '{"city": "Oslo"', {"city": "Oslo"}),
        ("get_weather", "{'city': 'Oslo',}", {"city": "Oslo"}),
        ("get_weather", '```json\n{"city": "Oslo"}\n```', {"city": "Oslo"}),
        ("get_weather", '"{\\"city\\": \\"Oslo\\"}"', {"city": "Oslo"}),
    ],
)
def test_a_wrong_call_fails_and_is_repaired(name: str, arguments: str, mended: dict[str, Any]) -> None:
    answer = called(name, arguments)
    assert tool_calls(QUESTION, answer).score == 0.0
    told = repaired(QUESTION, answer)
    assert told is not None
    assert told.changes
    assert [call.name for call in told.calls] == ["get_weather"]
    assert json.loads(told.calls[0].arguments) == mended
    assert told.calls[0].id == "1"
    assert tool_calls(QUESTION, Answer(tool_calls=told.calls)).score == 1.0


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_news", '{"city": "Oslo"}'),
        ("get_weather", "{}"),
        ("get_weather", '{"city": "Oslo", "days": "soon"}'),
        ("get_weather", '{"city": "Oslo", "unit": "Kelvin"}'),
        ("get_weather", "Oslo"),
        ("get_weather", '{"city": "Oslo", "where": {}}'),
    ],
)
def test_nothing_is_invented(name: str, arguments: str) -> None:
    answer = called(name, arguments)
    assert tool_calls(QUESTION, answer).score == 0.0
    assert repaired(QUESTION, answer) is None


def test_a_call_that_was_cut_is_not_completed() -> None:
    assert repaired(QUESTION, called("get_weather", '{"city": "New', stop_reason="max_tokens")) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_called_is_judged_and_a_repair_fits(name: str, arguments: str) -> None:
    answer = called(name, arguments)
    assert tool_calls(QUESTION, answer).score in (0.0, 1.0)
    told = repaired(QUESTION, answer)
    assert told is None or tool_calls(QUESTION, Answer(tool_calls=told.calls)).score == 1.0


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "x"]), st.none() | st.booleans() | st.text(max_size=4)))  # type: ignore[misc]
def test_a_repair_of_any_arguments_fits(arguments: dict[str, Any]) -> None:
    told = repaired(QUESTION, called("get_weather", json.dumps(arguments)))
    assert told is None or tool_calls(QUESTION, Answer(tool_calls=told.calls)).score == 1.0


def test_whether_a_call_was_wanted() -> None:
    demanded = msgspec.structs.replace(QUESTION, tool_choice=ToolChoice(mode="any"))
    unwanted = msgspec.structs.replace(QUESTION, tool_choice=ToolChoice(mode="none"))
    other = msgspec.structs.replace(QUESTION, tool_choice=ToolChoice(mode="tool", name="look"))
    right = called("get_weather", '{"city": "Oslo"}')
    assert tool_calls(demanded, Answer(text="Sunny.")).score == 0.0
    assert tool_calls(unwanted, right).score == 0.0
    assert tool_calls(other, right).score == 0.0
    assert tool_calls(QUESTION, Answer(text="Sunny.")).score is None
    assert tool_calls(Question(), Answer(text="Sunny.")).score is None
    assert tool_calls(QUESTION, Answer(text="", stop_reason="tool_use")).score == 0.0
    as_text = Answer(text='{"name": "get_weather", "arguments": {"city": "Oslo"}}')
    assert tool_calls(QUESTION, as_text).score == 0.1

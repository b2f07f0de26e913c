"""A ladder for agents and programs: tool calls and JSON are judged, and mended before anything dearer is asked."""

import json
from typing import Any

import httpx2
import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, events
from tests.execute.ladders import (  # noqa: F401 - the fixtures are found by their names
    LOW,
    TOP,
    ask,
    chat_ways,
    check_paid_once,
    complete,
    ladder_caller,
    ladder_house,
    rung,
    words,
)
from tests.real.books import House

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}


def tools(dialect: str) -> list[dict[str, Any]]:
    if dialect == "anthropic":
        return [{"name": "get_weather", "description": "weather", "input_schema": WEATHER}]
    return [{"type": "function", "function": {"name": "get_weather", "description": "weather", "parameters": WEATHER}}]


def call_of(response: httpx2.Response, dialect: str, stream: bool) -> tuple[str, Any]:
    """Name and arguments of the only tool call."""
    if not stream:
        body = response.json()
        if dialect == "anthropic":
            block = next(one for one in body["content"] if one["type"] == "tool_use")
            return block["name"], block["input"]
        function = body["choices"][0]["message"]["tool_calls"][0]["function"]
        return function["name"], json.loads(function["arguments"])
    name, pieces = "", []
    for event in events(response):
        if dialect == "anthropic":
            name = event.get("content_block", {}).get("name", name)
            pieces.append(event.get("delta", {}).get("partial_json", ""))
        elif event != "[DONE]":
            for choice in event["choices"]:
                for call in choice["delta"].get("tool_calls") or ():
                    name = call["function"].get("name") or name
                    pieces.append(call["function"].get("arguments") or "")
    return name, json.loads("".join(pieces))


@chat_ways
def test_a_valid_tool_call_is_given(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script(LOW, {"tool": "get_weather", "input": {"city": "Kyoto"}})
    response = ask(caller, dialect, stream, tools=tools(dialect), text="Weather in Kyoto?")
    assert call_of(response, dialect, stream) == ("get_weather", {"city": "Kyoto"})
    receipt = house.books.one()
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert gating.why == ("prefix" if stream else "whole")
    check_paid_once(receipt, simulator)


@chat_ways
def test_a_tool_call_is_mended_rather_than_asked_for_again(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script(LOW, {"tool": "get_weather", "input": {"city": "Kyoto", "days": "3", "mood": "good"}})
    response = ask(caller, dialect, stream, tools=tools(dialect), text="Weather in Kyoto?")
    assert call_of(response, dialect, stream) == ("get_weather", {"city": "Kyoto", "days": 3})
    assert not stream or complete(response, dialect)
    receipt = house.books.one()
    assert len(receipt.attempts) == 1
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert any("mood" in change for change in gating.repaired)
    check_paid_once(receipt, simulator)


@chat_ways
def test_a_tool_call_that_cannot_be_mended_goes_up(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.reset()
    simulator.script(LOW, {"tool": "launch_rocket", "input": {}})
    simulator.script(TOP, {"tool": "get_weather", "input": {"city": "Nara"}})
    response = ask(caller, dialect, stream, tools=tools(dialect), text="Weather in Nara?")
    assert call_of(response, dialect, stream) == ("get_weather", {"city": "Nara"})
    receipt = house.books.one()
    assert receipt.last == rung(receipt, 2)
    check_paid_once(receipt, simulator)


@chat_ways
def test_an_agents_long_answer_is_streamed_once_its_beginning_has_passed(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    parts = ("the parser", "a test", "its docs", "the cache", "one loop", "the index", "a query", "the build", "a lock")
    long = " ".join(f"In step {n} I open {part} and change line {n * n + 7}." for n, part in enumerate(parts * 5))
    simulator.script(LOW, {"text": long, "cut_after_events": 60} if stream else {"text": long})
    response = ask(caller, dialect, stream, tools=tools(dialect), text="Please explain what you do.", max_tokens=2_000)
    receipt = house.books.one()
    check_paid_once(receipt, simulator)
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert gating.given
    if stream:  # the rest was not held: when it breaks off, the client has seen the beginning and is told
        assert gating.why == "prefix"
        assert receipt.outcome == "cut"
        assert "error" in json.dumps(events(response)[-1])


@pytest.mark.parametrize("stream", [False, True])
def test_json_is_mended(house: House, caller: Caller, simulator: RunningSimulator, stream: bool) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "out", "schema": schema}}
    simulator.script(LOW, {"text": 'Sure! Here it is: {"n": "7"', "structured": True})
    response = ask(caller, "openai_chat", stream, response_format=wanted, text="Give me n as JSON.")
    assert json.loads(words(response, "openai_chat", stream)) == {"n": 7}
    receipt = house.books.one()
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert gating.repaired
    check_paid_once(receipt, simulator)

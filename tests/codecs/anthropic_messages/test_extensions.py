"""What only Anthropic understands goes to Anthropic alone, also where nothing else of a request is touched."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.target import Target
from tests.codecs.anthropic_messages.targets import body, claude, local

_SEARCH = {"name": "ToolSearch", "input_schema": {"type": "object"}}
_PLACEHOLDER = {"name": "DeferredToolPlaceholder", "input_schema": {"type": "object"}}
_USER = {"role": "user", "content": "go on"}


def _later(name: str) -> dict[str, Any]:
    return {"name": name, "input_schema": {"type": "object"}, "defer_loading": True}


def _now(name: str) -> dict[str, Any]:
    return {"name": name, "input_schema": {"type": "object"}}


def _splice(request: bytes, target: Target) -> Any:
    return json.loads(ANTHROPIC.splice(request, ANTHROPIC.read_head(request), target))


def _found(name: str) -> list[dict[str, Any]]:
    call = {"type": "tool_use", "id": "t", "name": "ToolSearch", "input": {"query": name}}
    reference = {"type": "tool_reference", "tool_name": name}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [reference, {"type": "text", "text": "x"}], "y": 1}
    return [_USER, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


def test_deferred_tools_come_when_they_are_found_and_a_reference_is_told_in_words() -> None:
    tools = [_SEARCH, _later("Camera"), _later("Hidden"), _PLACEHOLDER, _now("Read")]
    request = body(model="small", tools=tools, messages=_found("Camera"), tags={"team": "a"}, unknown=[1.0])
    assert _splice(request, claude("small")) == json.loads(request)
    left = _splice(request, local())
    assert left["tools"] == [_SEARCH, _now("Camera"), _now("Read")]
    said = json.loads(request)["messages"]
    said[2]["content"][0]["content"][0] = {"type": "text", "text": "The tool Camera is now available."}
    assert left["messages"] == said
    assert "tags" not in left
    assert left["unknown"] == [1.0]


def test_without_a_search_tool_every_tool_is_shown() -> None:
    assert _splice(body(tools=[_later("A"), _PLACEHOLDER]), local())["tools"] == [_now("A")]
    assert "tools" not in _splice(body(tools=[_PLACEHOLDER]), local())


def test_a_tool_that_was_called_stays() -> None:
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Used", "input": {}}]}
    left = _splice(body(tools=[_SEARCH, _later("Used"), _later("New")], messages=[_USER, call, _USER]), local())
    assert [tool["name"] for tool in left["tools"]] == ["ToolSearch", "Used"]


def test_words_that_only_mention_them_are_left_alone() -> None:
    text = '"tool_reference" "defer_loading" DeferredToolPlaceholder {"type":"tool_reference"}'
    request = body(model="small", messages=[{"role": "user", "content": text}], tools=[_now("Read")])
    assert ANTHROPIC.splice(request, ANTHROPIC.read_head(request), local()) == request


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["tool_reference", "tool_result", "", "defer_loading"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "content", "name", "tool_name", "defer_loading"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(tools=_json, content=_json, system=_json)
def test_whatever_they_look_like_nothing_is_raised(tools: Any, content: Any, system: Any) -> None:
    tools = [*(tools if isinstance(tools, list) else [tools]), _later("A")]
    request = body(model="small", tools=tools, system=system, messages=[{"role": "user", "content": content}])
    left = _splice(request, local())
    assert len(left["messages"]) == 1


def test_nesting_without_end_is_passed_on() -> None:
    nested = '{"type":"tool_result","content":[' * 300 + '{"type":"tool_reference"}' + "]}" * 300
    later = json.dumps([_SEARCH, _later("A")])
    messages = f'[{{"role":"user","content":[{nested}]}}]'
    request = f'{{"model":"small","max_tokens":1,"tools":{later},"messages":{messages}}}'.encode()
    spliced = ANTHROPIC.splice(request, ANTHROPIC.read_head(request), local())
    assert spliced.count(b"tool_result") == 300
    assert b"defer_loading" not in spliced

"""The same request reads the same however it is written; what changes the answer never does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.target import DialectName
from tenbin.decide.caching.canonical import IDLE_FIELDS, canonical
from tenbin.decide.caching.partition import Question, partition

TOOL = {"name": "read", "description": "Reads.", "input_schema": {"type": "object", "properties": {"a": {}, "b": {}}}}
ANTHROPIC: dict[str, Any] = {
    "model": "m",
    "max_tokens": 50,
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": [{"type": "text", "text": "What is a heap?"}]},
    ],
    "temperature": 0,
    "tools": [TOOL],
    "tool_choice": {"type": "auto"},
    "thinking": {"type": "enabled", "budget_tokens": 1024},
}
OPENAI: dict[str, Any] = {
    "model": "m",
    "max_tokens": 50,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": "What is a heap?"},
    ],
    "temperature": 0.0,
    "response_format": {"type": "json_object"},
    "tools": [{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}],
    "seed": 7,
}


def material(dialect: DialectName, body: Any, headers: Any = ()) -> bytes:
    found = canonical(dialect, body if isinstance(body, bytes) else json.dumps(body).encode(), headers)
    assert found is not None
    return found.material()


def changed(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**body, **fields}


@pytest.mark.parametrize(
    "change",
    [
        {"model": "n"},
        {"max_tokens": 51},
        {"system": "Be long."},
        {"system": "Be brief. "},
        {"temperature": 0.1},
        {"temperature": None},
        {"tools": []},
        {"tools": [{**TOOL, "description": "Writes."}]},
        {"tools": [{**TOOL, "input_schema": {"type": "object"}}]},
        {"tool_choice": {"type": "any"}},
        {"tool_choice": {"type": "tool", "name": "read"}},
        {"thinking": {"type": "enabled", "budget_tokens": 2048}},
        {"thinking": None},
        {"stop_sequences": ["."]},
        {"top_p": 0.5},
        {"top_k": 3},
        {"output_config": {"effort": "low"}},
        {"output_config": {"format": {"type": "json_schema", "schema": {}}}},
        {"never_heard_of": True},
        {"messages": [*ANTHROPIC["messages"][:2], {"role": "user", "content": "What is a heap"}]},
        {"messages": ANTHROPIC["messages"][2:]},
        {"messages": [ANTHROPIC["messages"][2], *ANTHROPIC["messages"][1:]]},
    ],
)
def test_what_changes_the_answer_changes_the_material(change: dict[str, Any]) -> None:
    assert material("anthropic", changed(ANTHROPIC, **change)) != material("anthropic", ANTHROPIC)


@pytest.mark.parametrize(
    "change",
    [
        {"response_format": None},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}},
        {"seed": 8},
        {"tools": None},
        {"tool_choice": "required"},
        {"n": 2},
        {"logit_bias": {"50256": -100}},
        {"reasoning_effort": "high"},
        {"max_tokens": 49},
        {"messages": OPENAI["messages"][1:]},
        {"messages": [{"role": "system", "content": "Be brief.", "name": "x"}, *OPENAI["messages"][1:]]},
    ],
)
def test_the_same_for_openai(change: dict[str, Any]) -> None:
    assert material("openai_chat", changed(OPENAI, **change)) != material("openai_chat", OPENAI)


def test_fields_that_leave_the_answer_alone_do_not_count() -> None:
    values: dict[str, Any] = {"stream": True, "metadata": {"user_id": "u_1"}, "service_tier": "flex", "user": "u_2"}
    for name in IDLE_FIELDS:
        body = changed(OPENAI, **{name: values.get(name, "x")})
        assert material("openai_chat", body) == material("openai_chat", OPENAI), name


def test_the_two_dialects_meet_where_they_say_the_same() -> None:
    plain = {name: ANTHROPIC[name] for name in ("model", "max_tokens", "system", "messages", "temperature", "tools")}
    function = {"name": "read", "description": "Reads.", "parameters": TOOL["input_schema"]}
    other = {name: OPENAI[name] for name in ("model", "max_tokens", "messages", "temperature")}
    other["tools"] = [{"type": "function", "function": function}]
    assert material("anthropic", plain) == material("openai_chat", other)
    assert material("anthropic", plain) != material("openai_responses", other)


def test_marks_for_prompt_caches_do_not_count_but_a_property_of_that_name_does() -> None:
    marked = json.loads(json.dumps(ANTHROPIC))
    marked["system"] = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    marked["tools"][0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    marked["messages"][2]["content"][0]["cache_control"] = {"type": "ephemeral"}
    assert material("anthropic", marked) == material("anthropic", ANTHROPIC)
    schema = {"type": "object", "properties": {"cache_control": {"type": "string"}}}
    other = changed(ANTHROPIC, tools=[{**TOOL, "input_schema": schema}])
    another = changed(ANTHROPIC, tools=[{**TOOL, "input_schema": {"type": "object", "properties": {}}}])
    assert material("anthropic", other) != material("anthropic", another)


def test_a_pseudo_header_that_changes_with_each_turn_does_not_count() -> None:
    one = changed(ANTHROPIC, system=[{"type": "text", "text": "x-anthropic-billing-header: cch=1;"}, "Be brief."])
    assert material("anthropic", one) == material("anthropic", ANTHROPIC)


def test_headers_that_change_the_answer_count_others_do_not() -> None:
    bare = material("anthropic", ANTHROPIC)
    assert material("anthropic", ANTHROPIC, [(b"user-agent", b"x"), (b"x-request-id", b"1")]) == bare
    betas = material("anthropic", ANTHROPIC, [(b"anthropic-beta", b"a, b")])
    assert betas == material("anthropic", ANTHROPIC, [(b"anthropic-beta", b"b,a")]) != bare
    assert material("anthropic", ANTHROPIC, [(b"x-tenbin-floor", b"0.9")]) != bare
    for version in (b"2023-06-01", b"2026-10-21"):
        assert material("anthropic", ANTHROPIC, [(b"anthropic-version", version)]) == bare
    assert material("anthropic", ANTHROPIC, [(b"anthropic-version", b"2023-01-01")]) != bare


@pytest.mark.parametrize(
    ("body", "drawing"), [({}, "unset"), ({"temperature": 0}, "fixed"), ({"temperature": 0.7}, "drawn")]
)
def test_how_the_answer_is_drawn(body: dict[str, Any], drawing: str) -> None:
    found = canonical("openai_chat", json.dumps({"model": "m", "messages": [], **body}).encode())
    assert found is not None
    assert found.drawing == drawing


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense", b'"x"', b"\xff"])
def test_what_is_no_object_has_no_form(body: bytes) -> None:
    assert canonical("anthropic", body) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
bodies = st.fixed_dictionaries(
    {"model": st.sampled_from(["m", "n"]), "messages": st.just([{"role": "user", "content": "Hello"}])},
    optional={
        "system": st.sampled_from(["a", "b"]),
        "temperature": st.sampled_from([0, 0.5, 1]),
        "max_tokens": st.integers(1, 3),
        "tools": st.just([TOOL]) | st.just([{**TOOL, "name": "write"}]),
        "response_format": st.sampled_from([{"type": "json_object"}, {"type": "text"}]),
        "extra": json_values,
    },
)


def shuffled(value: Any, draw: Any) -> Any:
    if isinstance(value, dict):
        return {key: shuffled(value[key], draw) for key in draw(st.permutations(list(value)))}
    return [shuffled(item, draw) for item in value] if isinstance(value, list) else value


@given(st.data(), bodies, st.sampled_from(["anthropic", "openai_chat", "openai_responses"]))
def test_order_and_white_space_never_count(data: st.DataObject, body: dict[str, Any], dialect: DialectName) -> None:
    other = json.dumps(shuffled(body, data.draw), indent=data.draw(st.sampled_from([None, 1, 4])), ensure_ascii=False)
    assert material(dialect, other.encode()) == material(dialect, body)


@given(bodies, bodies, st.sampled_from(["anthropic", "openai_chat"]))
def test_different_bodies_never_read_the_same(one: Any, other: Any, dialect: DialectName) -> None:
    def plain(body: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in body.items() if value is not None}

    if plain(one) != plain(other):
        assert material(dialect, one) != material(dialect, other)


def test_both_limits_of_an_answer_count() -> None:
    body = {"model": "m", "max_completion_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
    one, other = (material("openai_chat", changed(body, max_tokens=limit)) for limit in (10, 20))
    assert one != other


@pytest.mark.parametrize("content", [[[]], [["text"]], [["text", 5]], [["text", {"a": 1}]]])
def test_parts_that_are_none_have_no_words(content: Any) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    found = canonical("openai_chat", json.dumps(body).encode())
    assert found is not None
    assert found.last_words == ""
    assert not isinstance(partition(found, "en"), Question)

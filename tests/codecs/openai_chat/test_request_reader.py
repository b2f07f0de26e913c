"""Requests of Chat Completions: what is read of them, and what is said of a wrong one."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_chat import OPENAI_CHAT, read_embedding_head
from tenbin.core.conversation import (
    Document,
    Image,
    Opaque,
    Text,
    Thinking,
    Thought,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from tenbin.core.problems import Problem, Unreadable
from tests.codecs.openai_chat.saying import USER, body, read


def test_the_head_is_read_without_the_messages() -> None:
    head = OPENAI_CHAT.read_head(
        body(
            stream=True,
            max_tokens=5,
            max_completion_tokens=7,
            tools=[{"type": "function", "function": {"name": "f"}}],
            tool_choice={"type": "function", "function": {"name": "f"}},
            response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
            messages=[
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.invalid"}}]},
                {"role": "user", "content": [{"type": "file", "file": {"file_data": "x"}}]},
            ],
            prompt_cache_key="s",
            unknown={"field": 1},
        )
    )
    assert (head.model, head.stream, head.max_tokens, head.stream_usage, head.session) == ("m", True, 7, False, "s")
    assert head.needs == {"tools", "forced_tool_choice", "json_schema", "images", "documents"}


@pytest.mark.parametrize(
    ("fields", "session"),
    [
        ({"metadata": {"session_id": "a"}, "user": "u"}, "a"),
        ({"session_id": "b"}, "b"),
        ({"user": "u"}, "u"),
        ({"metadata": None}, None),
        ({"metadata": {"session_id": 5}}, None),
    ],
)
def test_the_session_is_found(fields: dict[str, Any], session: str | None) -> None:
    assert OPENAI_CHAT.read_head(body(**fields)).session == session


def test_needs_are_not_read_out_of_a_users_words() -> None:
    content = '"image_url" "file_data" "web_search" "json_schema"'
    head = OPENAI_CHAT.read_head(body(messages=[{"role": "user", "content": content}], tools=[], tool_choice="auto"))
    assert head.needs == frozenset()
    assert head.stream_usage  # not a stream: usage comes anyway


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": 5}, "model"),
        ({"model": ""}, "model"),
        ({"messages": "x"}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ],
)
def test_a_bad_head_names_the_field(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Unreadable) as caught:
        OPENAI_CHAT.read_head(body(**fields))
    assert caught.value.problem.param == param
    assert param in caught.value.problem.message
    assert caught.value.problem.status == 400


def test_a_missing_field_is_named() -> None:
    with pytest.raises(Unreadable) as caught:
        OPENAI_CHAT.read_head(b'{"messages": []}')
    assert caught.value.problem.param == "model"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (5, "messages[0]"),
        ({"content": "x"}, "messages[0].role"),
        ({"role": "owner", "content": "x"}, "messages[0].role"),
        ({"role": "user", "content": 5}, "messages[0].content"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        ({"role": "user", "content": [{"type": "image_url"}]}, "messages[0].content[0].image_url"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]},
            "messages[0].content[0].image_url.url",
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]},
            "messages[0].content[0].file.file_data",
        ),
        ({"role": "assistant", "tool_calls": [{"id": "c"}]}, "messages[0].tool_calls[0].function"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
        ({"role": "function", "name": "f", "content": "x"}, "messages[0].name"),
    ],
)
def test_a_bad_message_names_the_field(message: Any, param: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(message)
    assert caught.value.problem.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [5]}, "tools[0]"),
        ({"tool_choice": "some"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function.name"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"stop": 5}, "stop"),
        ({"temperature": "hot"}, "temperature"),
    ],
)
def test_a_bad_field_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Unreadable) as caught:
        OPENAI_CHAT.read(body(**fields))
    assert caught.value.problem.param == param


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "image_url", "url", "file", "tool_calls", "function", "name"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = [
    *("model", "messages", "stream", "max_tokens", "tools", "functions", "tool_choice", "function_call", "stop"),
    *("response_format", "reasoning", "thinking", "reasoning_effort", "metadata", "user", "web_search_options", "n"),
]


def refusal(reads: Callable[[bytes], Any], data: bytes) -> Problem | None:
    """What the caller is told of a body that can't be read."""
    try:
        reads(data)
    except Unreadable as error:
        return error.problem
    return None


@given(
    st.binary(max_size=80)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries(
        {"model": st.just("m"), "messages": json_values | st.just([])},
        optional={name: json_values for name in FIELDS if name not in ("model", "messages")},
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_body_makes_the_readers_raise_anything_else(data: bytes) -> None:
    for reads in (OPENAI_CHAT.read_head, OPENAI_CHAT.read, read_embedding_head):
        refused = refusal(reads, data)
        assert refused is None or (refused.message and refused.status == 400)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"model":"m","messages":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"model":"m","messages":[],"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        b'{"model":"\xff","messages":[]}',
        b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"model":"m","messages":[],"temperature":1e999}',
    ],
)
def test_absurd_bodies_are_refused_in_words(data: bytes) -> None:
    assert refusal(OPENAI_CHAT.read, data)


def test_embeddings_need_a_model_and_an_input() -> None:
    assert read_embedding_head(b'{"model":"e","input":["a"]}').model == "e"
    for data, param in (
        (b'{"input":"a"}', "model"),
        (b'{"model":"e"}', "input"),
        (b'{"model":"e","input":5}', "input"),
    ):
        with pytest.raises(Unreadable) as caught:
            read_embedding_head(data)
        assert caught.value.problem.param == param


def test_system_messages_stand_at_the_head_and_in_the_middle() -> None:
    conversation = read(
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}]},
        {"role": "user", "content": "Hi"},
        {"role": "developer", "content": "c"},
    )
    assert conversation.system == (Text(text="a"), Text(text="b"))
    assert conversation.turns == (USER, Turn(role="system", parts=(Text(text="c"),)))


def test_legacy_functions_are_tools() -> None:
    conversation = read(
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "done"},
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
    )
    call, result = conversation.turns[1].parts[0], conversation.turns[2].parts[0]
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert call.id == result.call_id
    assert conversation.tools[0].name == "f"
    assert conversation.tool_choice == ToolChoice(mode="tool", name="f")


def test_parts_are_read() -> None:
    conversation = read(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,aGk=", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}},
                {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}},
                {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
            ],
        },
        {"role": "assistant", "content": "A", "reasoning_content": "T", "refusal": "R"},
    )
    parts = conversation.turns[0].parts
    assert parts[:4] == (
        Text(text="x", cache="1h"),
        Image(media_type="image/jpeg", data="aGk=", detail="low"),
        Document(data="aGk=", title="a.pdf"),
        Document(media_type="text/plain", text="hi", title="a.txt"),
    )
    assert isinstance(parts[4], Opaque)
    assert conversation.turns[1].parts == (Thinking(text="T"), Text(text="A"), Text(text="R"))


@pytest.mark.parametrize(
    ("fields", "thought"),
    [
        ({}, None),
        ({"reasoning_effort": "none"}, Thought(mode="off")),
        ({"reasoning_effort": "high"}, Thought(mode="adaptive", effort="high")),
        ({"reasoning": {"effort": "low", "exclude": True}}, Thought(mode="adaptive", effort="low", show=False)),
        ({"reasoning": {"max_tokens": 2000}}, Thought(mode="on", budget=2000)),
        ({"reasoning": {"enabled": False}}, Thought(mode="off")),
        ({"thinking": {"type": "disabled"}}, Thought(mode="off")),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, Thought(mode="on", budget=9)),
        ({"chat_template_kwargs": {"enable_thinking": False}}, Thought(mode="off")),
    ],
)
def test_every_form_of_asking_for_thinking_is_read(fields: dict[str, Any], thought: Thought | None) -> None:
    assert OPENAI_CHAT.read(body(**fields)).thought == thought


def test_allowed_tools_are_the_tools_there_are() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("a", "b")]
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "b"}}]}
    conversation = OPENAI_CHAT.read(body(tools=tools, tool_choice={"type": "allowed_tools", "allowed_tools": allowed}))
    assert [tool.name for tool in conversation.tools] == ["b"]
    assert conversation.tool_choice == ToolChoice(mode="any")

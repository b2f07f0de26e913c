"""Requests of Responses: what is read of them, and what is written."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.codecs.thinking import mark
from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    Opaque,
    ServerTool,
    Text,
    Thinking,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from tenbin.core.problems import Inexpressible, Problem, Unreadable
from tests.codecs.openai_conversations import comparable, conversations, in_order
from tests.codecs.openai_golden import target

USER = Turn(role="user", parts=(Text(text="Hi"),))


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "input": "Hi", **fields}).encode()


def read(**fields: Any) -> Conversation:
    return OPENAI_RESPONSES.read(body(**fields))


def written(conversation: Conversation, model: str = "m", **quirks: Any) -> dict[str, Any]:
    return json.loads(OPENAI_RESPONSES.write(conversation, target(model, **quirks)))


@given(conversations(chat=False))
def test_what_can_be_said_survives_writing_and_reading(conversation: Conversation) -> None:
    quirks: dict[str, Any] = {
        "reasoning_request": "reasoning_effort",
        "strict_schemas": True,
        "prompt_cache_key": True,
        "documents": True,
    }
    again = OPENAI_RESPONSES.read(OPENAI_RESPONSES.write(conversation, target(**quirks)))
    assert comparable(again) == comparable(in_order(conversation))


def test_the_head_is_read_without_the_items() -> None:
    head = OPENAI_RESPONSES.read_head(
        body(
            stream=True,
            max_output_tokens=7,
            tools=[{"type": "function", "name": "f"}, {"type": "web_search"}],
            tool_choice="required",
            text={"format": {"type": "json_schema", "name": "n", "schema": {}}},
            input=[{"role": "user", "content": [{"type": "input_image"}, {"type": "input_file"}]}],
            conversation={"id": "conv_1"},
        )
    )
    assert (head.model, head.stream, head.max_tokens, head.session) == ("m", True, 7, "conv_1")
    assert head.needs == {"tools", "forced_tool_choice", "json_schema", "images", "documents", "web_search"}
    assert OPENAI_RESPONSES.read_head(b'{"model":"m","previous_response_id":"resp_1"}').needs == frozenset()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": ""}, "model"),
        ({"input": 5}, "input"),
        ({"input": None}, "input"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"stream": 1}, "stream"),
    ],
)
def test_a_bad_head_names_the_field(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Unreadable) as caught:
        OPENAI_RESPONSES.read_head(body(**fields))
    assert caught.value.problem.param == param


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"background": True}, "background"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0]"),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "input[0]"),
        ({"input": [{}]}, "input[0].type"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"role": "owner"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
            "input[0].content[0].image_url",
        ),
        (
            {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
            "input[0].content[0].file_data",
        ),
        ({"input": [{"type": "function_call", "name": "f"}]}, "input[0].call_id"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tool_choice": "some"}, "tool_choice"),
        ({"tool_choice": {"type": "web_search"}}, "tool_choice"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"reasoning": {"effort": 5}}, "reasoning.effort"),
    ],
)
def test_what_cannot_be_read_or_carried_names_the_field(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(**fields)
    assert caught.value.problem.param == param
    assert param.split("[")[0] in caught.value.problem.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "image_url", "output", "call_id", "name", "summary", "format"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = [
    "stream",
    "max_output_tokens",
    "tools",
    "tool_choice",
    "text",
    "reasoning",
    "metadata",
    "user",
    "include",
    "conversation",
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
        {"model": st.just("m"), "input": json_values}, optional=dict.fromkeys(FIELDS, json_values)
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_body_makes_the_readers_raise_anything_else(data: bytes) -> None:
    for reads in (OPENAI_RESPONSES.read_head, OPENAI_RESPONSES.read):
        refused = refusal(reads, data)
        assert refused is None or (refused.message and refused.status == 400)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 200_000,
        b'{"model":"m","input":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"model":"m","input":"\xff"}',
        b'{"model":"m","input":"\\ud800"}',
    ],
)
def test_absurd_bodies_are_refused_in_words(data: bytes) -> None:
    assert refusal(OPENAI_RESPONSES.read, data)


def test_items_become_turns() -> None:
    conversation = read(
        instructions="I",
        input=[
            {"role": "developer", "content": "D"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "T"}],
                "encrypted_content": "E",
            },
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "A", "annotations": []}],
            },
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "g", "arguments": ""},
            {"type": "function_call_output", "call_id": "c2", "output": "r2"},
            {
                "type": "function_call_output",
                "call_id": "c1",
                "output": [{"type": "input_image", "image_url": "data:image/png;base64,aGk="}],
            },
            {"role": "system", "content": "M"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        ],
    )
    assert conversation.system == (Text(text="I"), Text(text="D"))
    assert [turn.role for turn in conversation.turns] == ["user", "assistant", "user", "system", "assistant"]
    assert conversation.turns[1].parts == (
        Thinking(id="rs_1", text="T", redacted="E"),
        Text(text="A"),
        ToolCall(id="c1", name="f"),
        ToolCall(id="c2", name="g"),
    )
    assert conversation.turns[2].parts == (
        ToolResult(call_id="c2", content=(Text(text="r2"),)),
        ToolResult(call_id="c1", content=(Image(media_type="image/png", data="aGk="),)),
    )
    assert isinstance(conversation.turns[4].parts[0], Opaque)


def test_tools_and_thinking_are_read() -> None:
    conversation = read(
        tools=[
            {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True, "defer_loading": True},
            {"type": "function", "name": "g", "parameters": None},
            {"type": "web_search"},
            {"type": "custom", "name": "apply_patch"},
        ],
        tool_choice={"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "f"}]},
        reasoning={"effort": "high", "summary": "auto"},
        include=["message.output_text.logprobs"],
        top_logprobs=2,
    )
    assert [(tool.name, tool.deferred, tool.strict) for tool in conversation.tools] == [("f", True, True)]
    assert [tool.kind for tool in conversation.server_tools] == ["web_search", "custom"]
    assert conversation.tool_choice == ToolChoice(mode="any")
    assert conversation.thought == Thought(mode="adaptive", effort="high")
    assert conversation.sampling.logprobs is True
    assert read(reasoning={"effort": "low"}).thought == Thought(mode="adaptive", effort="low", show=False)


def test_nothing_is_stored_and_reasoning_comes_back_encrypted() -> None:
    sent = written(Conversation(model="m", turns=(USER,), max_tokens=1), reasoning_request="reasoning_effort")
    assert sent["store"] is False
    assert sent["include"] == ["reasoning.encrypted_content"]
    assert sent["max_output_tokens"] == 16  # the API takes no less
    assert "include" not in written(Conversation(model="m", turns=(USER,)))


def test_reasoning_goes_back_as_an_item_to_its_writer_only() -> None:
    thoughts = (
        Thinking(text="T", signature=mark("gpt-x-2026-10-01", "rs_1|E")),
        Thinking(text="foreign", signature=mark("claude", "sig")),
        Thinking(text="unsigned"),
        Thinking(id="rs_2", redacted="own"),
    )
    conversation = Conversation(model="m", turns=(USER, Turn(role="assistant", parts=(*thoughts, Text(text="A")))))
    items = written(conversation, "gpt-x")["input"]
    assert items[1] == {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "T"}],
        "encrypted_content": "E",
    }
    assert items[2] == {"id": "rs_2", "type": "reasoning", "summary": [], "encrypted_content": "own"}
    assert items[3]["content"][0]["text"] == "A"


def test_outputs_follow_their_calls_and_pictures_move() -> None:
    calls = tuple(ToolCall(id=f"c{i}", name="f") for i in range(2))
    results = (
        ToolResult(call_id="c1", content=(Text(text="r1"),), is_error=True),
        ToolResult(call_id="c0", content=(Image(media_type="image/png", data="aGk="),)),
    )
    turns = (USER, Turn(role="assistant", parts=calls), Turn(role="user", parts=results))
    conversation = Conversation(model="m", turns=turns)
    items = written(conversation)["input"]
    assert [item["type"] for item in items] == [
        "message",
        *["function_call"] * 2,
        *["function_call_output"] * 2,
        "message",
    ]
    assert items[3]["call_id"] == "c0"
    assert items[4]["output"] == "Error: r1"
    assert items[5]["content"][1]["type"] == "input_image"
    kept = written(conversation, tool_result_images=True)["input"]
    assert kept[3]["output"][0]["image_url"] == "data:image/png;base64,aGk="
    assert len(kept) == 5


def test_middle_system_turns_are_kept_or_folded() -> None:
    conversation = Conversation(model="m", turns=(USER, Turn(role="system", parts=(Text(text="env"),))))
    assert written(conversation)["input"][1] == {"type": "message", "role": "system", "content": "env"}
    folded = written(conversation, middle_system=False)["input"][1]
    assert folded["role"] == "user"
    assert folded["content"][0]["text"] == "<system-reminder>\nenv\n</system-reminder>"


@pytest.mark.parametrize(
    ("fields", "quirks", "feature"),
    [
        ({"stop": ("x",)}, {}, "stop"),
        (
            {"tools": (Tool(name="t"),), "tool_choice": ToolChoice(mode="any")},
            {"forced_tool_choice": False},
            "forced_tool_choice",
        ),
        (
            {"server_tools": (ServerTool(dialect="anthropic", kind="web_search_20250305", value={}),)},
            {},
            "web_search_20250305",
        ),
        ({"turns": (Turn(role="user", parts=(Document(data="aGk="),)),)}, {}, "documents"),
        ({"turns": (Turn(role="user", parts=(Image(url="https://x.invalid"),)),)}, {"images": False}, "images"),
    ],
)
def test_what_must_not_be_dropped_is_refused(fields: dict[str, Any], quirks: dict[str, Any], feature: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        written(msgspec.structs.replace(Conversation(model="m", turns=(USER,)), **fields), **quirks)
    assert caught.value.feature == feature


def test_splicing_leaves_out_the_thinking_of_strangers() -> None:
    items = (
        b'[{"role":"user",  "content":"say \\"tenbin:\\" please"},'
        b'{"type":"reasoning","id":"rs_9","summary":[],"encrypted_content":"tenbin:claude-x:sig"},'
        b'{"type":"reasoning","id":"rs_8","summary":[],"encrypted_content":"tenbin:gpt-x:rs_1|E"},'
        b'{"type":"reasoning","id":"rs_7","summary":[],"encrypted_content":"gAAA"} ]'
    )
    data = b'{"model":"alias","input":' + items + b',"x": 1}'
    sent = OPENAI_RESPONSES.splice(data, OPENAI_RESPONSES.read_head(data), target("gpt-x"))
    assert sent.startswith(b'{"model":"gpt-x","input":[{"role":"user",  "content":"say \\"tenbin:\\" please"},')
    assert sent.endswith(b',"x": 1}')
    reasoning = [(item["id"], item["encrypted_content"]) for item in json.loads(sent)["input"][1:]]
    assert reasoning == [("rs_1", "E"), ("rs_7", "gAAA")]
    text = b'{"model":"m","input":"tenbin:x"}'
    assert OPENAI_RESPONSES.splice(text, OPENAI_RESPONSES.read_head(text), target("m")) == text
    plain = b'{"model":"m","input":"x", "tools" : []}'
    assert OPENAI_RESPONSES.splice(plain, OPENAI_RESPONSES.read_head(plain), target("m")) is plain

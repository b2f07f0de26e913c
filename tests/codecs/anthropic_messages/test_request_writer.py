"""A conversation of another dialect becomes a request that Anthropic takes."""

import itertools
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    Opaque,
    OutputFormat,
    Part,
    Role,
    Sampling,
    ServerTool,
    Text,
    Thinking,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolReference,
    ToolResult,
    Turn,
)
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Target
from tests.codecs.anthropic_messages.targets import claude, local

_SCHEMA = msgspec.Raw(b'{"type":"object","properties":{"a":{}}}')
_TOOL = Tool(name="Read", description="d", schema=_SCHEMA)


def _turn(role: Role, *parts: Part | str) -> Turn:
    return Turn(role=role, parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def _write(*turns: Turn, target: Target | None = None, **fields: Any) -> dict[str, Any]:
    turns = turns or (_turn("user", "hi"),)
    written = ANTHROPIC.write(Conversation(model="asked", turns=turns, **fields), target or claude())
    decoded: dict[str, Any] = json.loads(written)
    return decoded


def _shape(*turns: Turn, **fields: Any) -> list[tuple[str, list[Any]]]:
    """Role, and for each block its text, or its type and id."""
    return [
        (
            message["role"],
            [
                block.get("text") or (block["type"], block.get("id") or block.get("tool_use_id"))
                for block in message["content"]
            ],
        )
        for message in _write(*turns, **fields)["messages"]
    ]


def test_a_plain_question() -> None:
    assert _write(system=(Text(text="Be brief."),), stream=True, user="u1") == {
        "model": "claude-haiku-5-5",
        "max_tokens": 32_000,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "metadata": {"user_id": "u1"},
        "stream": True,
    }


@pytest.mark.parametrize(
    ("asked", "most", "sent"), [(None, None, 32_000), (None, 8_192, 8_192), (500, 8_192, 500), (9_999, 8_192, 8_192)]
)
def test_the_longest_answer(asked: int | None, most: int | None, sent: int) -> None:
    target = msgspec.structs.replace(claude(), max_output=most)
    assert _write(max_tokens=asked, target=target)["max_tokens"] == sent


def test_results_stand_in_one_message_after_their_calls_in_order() -> None:
    calls = _turn("assistant", "Look:", ToolCall(id="a", name="Read"), ToolCall(id="b", name="Read"))
    turns = (
        _turn("user", "go"),
        calls,
        _turn("user", ToolResult(call_id="b", content=(Text(text="B"),))),
        _turn("system", "Hurry."),
        _turn("user", ToolResult(call_id="a"), "and?"),
    )
    assert _shape(*turns) == [
        ("user", ["go"]),
        ("assistant", ["Look:", ("tool_use", "a"), ("tool_use", "b")]),
        (
            "user",
            [
                ("tool_result", "a"),
                ("tool_result", "b"),
                "<system-reminder>\nHurry.\n</system-reminder>",
                "and?",
            ],
        ),
    ]


def test_late_results_go_back_to_their_call_and_missing_ones_are_told() -> None:
    turns = (
        _turn("user", "go"),
        _turn("assistant", ToolCall(id="a", name="Read"), ToolCall(id="lost", name="Read")),
        _turn("user", "wait"),
        _turn("assistant", "Waiting."),
        _turn("user", ToolResult(call_id="a"), ToolResult(call_id="unknown", content=(Text(text="?"),))),
    )
    assert _shape(*turns) == [
        ("user", ["go"]),
        ("assistant", [("tool_use", "a"), ("tool_use", "lost")]),
        ("user", [("tool_result", "a"), ("tool_result", "lost"), "wait"]),
        ("assistant", ["Waiting."]),
        ("user", ["Result of an earlier tool call (unknown):", "?"]),
    ]
    lost = _write(*turns)["messages"][2]["content"][1]
    assert lost["is_error"] is True


def test_ids_that_come_again_or_hold_odd_characters_are_told_apart() -> None:
    pair = (
        _turn("assistant", ToolCall(id="call:0", name="Read", arguments='{"n":1}')),
        _turn("user", ToolResult(call_id="call:0", content=(Text(text="r"),))),
    )
    written = _write(_turn("user", "go"), *pair, *pair)["messages"]
    ids = [block["id"] for message in written for block in message["content"] if block["type"] == "tool_use"]
    answered = [block["tool_use_id"] for message in written for block in message["content"] if "tool_use_id" in block]
    assert ids == answered == ["call_0", "call_0_2"]


def test_system_turns_lead_fold_or_stay() -> None:
    turns = (_turn("system", "First."), _turn("user", "hi"), _turn("system", "Then."))
    written = _write(*turns)
    assert written["system"] == [{"type": "text", "text": "First."}]
    assert [block["text"] for block in written["messages"][0]["content"]] == [
        "hi",
        "<system-reminder>\nThen.\n</system-reminder>",
    ]
    kept = _write(
        *turns[:2], Turn(role="system", parts=turns[2].parts, effort="high"), target=local(middle_system=True)
    )
    assert kept["messages"][1] == {
        "role": "system",
        "content": [{"type": "text", "text": "Then."}],
        "output_config": {"effort": "high"},
    }
    assert _shape(_turn("system", "Only this.")) == [("user", ["Only this."])]


def test_empty_texts_and_openings() -> None:
    assert _shape(_turn("assistant", "Hello.", "  "), _turn("user", "", "hi"), _turn("assistant", "Yes \n")) == [
        ("user", ["(The conversation begins here.)"]),
        ("assistant", ["Hello."]),
        ("user", ["hi"]),
        ("assistant", ["Yes"]),
        ("user", ["(Go on.)"]),
    ]
    begun = _write(_turn("user", "hi"), _turn("assistant", "Yes \n"), target=claude("claude-haiku-4-5"))
    assert begun["messages"][-1] == {"role": "assistant", "content": [{"type": "text", "text": "Yes"}]}


def test_arguments_are_kept_as_they_are_or_wrapped() -> None:
    for arguments, expected in [
        ('{ "a" : 1e2 }', b'{ "a" : 1e2 }'),
        ("", b"{}"),
        ("{broken", b'{"arguments":"{broken"}'),
        ("[1]", b'{"arguments":"[1]"}'),
    ]:
        conversation = Conversation(
            model="m", turns=(_turn("user", "x"), _turn("assistant", ToolCall(id="a", name="b", arguments=arguments)))
        )
        assert b'"input":' + expected in ANTHROPIC.write(conversation, claude())


def test_tools_and_their_choice() -> None:
    tools = (
        msgspec.structs.replace(_TOOL, strict=True, cache="1h"),
        Tool(name="Any", schema=msgspec.Raw(b"{}"), deferred=True),
    )
    written = _write(tools=tools, tool_choice=ToolChoice(mode="tool", name="Read"), parallel_tool_calls=False)
    assert written["tools"] == [
        {
            "name": "Read",
            "description": "d",
            "input_schema": json.loads(bytes(_SCHEMA)),
            "strict": True,
            "cache_control": {"type": "ephemeral", "ttl": "1h"},
        },
        {"name": "Any", "input_schema": {"type": "object"}, "defer_loading": True},
    ]
    assert written["tool_choice"] == {"type": "tool", "name": "Read", "disable_parallel_tool_use": True}
    assert _write(tools=tools, parallel_tool_calls=False)["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }
    assert [tool["name"] for tool in _write(tools=tools, target=local())["tools"]] == ["Read"]
    found = _turn("user", ToolResult(call_id="x", content=(ToolReference(tool_name="Any"),)))
    calling = _turn("assistant", ToolCall(id="x", name="ToolSearch"))
    shown = _write(_turn("user", "x"), calling, found, tools=tools, target=local())
    assert [tool["name"] for tool in shown["tools"]] == ["Read", "Any"]
    assert shown["messages"][2]["content"][0]["content"] == [{"type": "text", "text": "The tool Any is now available."}]


@pytest.mark.parametrize(
    ("model", "thought", "expected"),
    [
        ("claude-opus-5-5", Thought(mode="adaptive", effort="high"), ({"type": "adaptive"}, {"effort": "high"})),
        ("claude-opus-5-5", Thought(mode="adaptive", effort="minimal"), ({"type": "adaptive"}, {"effort": "low"})),
        (
            "claude-opus-5-5",
            Thought(mode="on", budget=16_000, show=False),
            ({"type": "adaptive", "display": "omitted"}, {"effort": "high"}),
        ),
        ("claude-opus-5-5", Thought(mode="off"), (None, None)),
        ("claude-haiku-5-5", Thought(mode="off", effort="none"), ({"type": "disabled"}, None)),
        (
            "claude-haiku-4-5",
            Thought(mode="adaptive", effort="medium"),
            ({"type": "enabled", "budget_tokens": 8_192}, None),
        ),
        ("claude-haiku-4-5", Thought(mode="on", budget=10), ({"type": "enabled", "budget_tokens": 1_024}, None)),
        ("claude-haiku-4-5", Thought(mode="on", budget=99_999), ({"type": "enabled", "budget_tokens": 9_999}, None)),
        ("claude-3-5-haiku", Thought(mode="on", budget=2_000), (None, None)),
    ],
)
def test_thinking_is_asked_for_as_the_model_takes_it(
    model: str, thought: Thought, expected: tuple[dict[str, Any] | None, dict[str, Any] | None]
) -> None:
    written = _write(thought=thought, max_tokens=10_000, target=claude(model))
    assert (written.get("thinking"), written.get("output_config")) == expected


def test_thinking_gives_way_to_a_forced_tool_and_to_a_tool_loop_without_it() -> None:
    thought = Thought(mode="on", budget=2_000)
    forced = _write(tools=(_TOOL,), tool_choice=ToolChoice(mode="any"), thought=thought)
    assert "thinking" not in forced
    loop = (
        _turn("user", "x"),
        _turn("assistant", ToolCall(id="a", name="Read")),
        _turn("user", ToolResult(call_id="a")),
    )
    assert "thinking" not in _write(*loop, thought=thought, target=claude("claude-haiku-4-5"))
    assert "thinking" in _write(*loop, thought=thought, target=claude("claude-haiku-5-5"))


def test_thinking_goes_back_only_to_the_model_that_wrote_it() -> None:
    thoughts = (
        Thinking(text="own", signature="tenbin:claude-haiku-5-5-20261001:Eq=="),
        Thinking(redacted="tenbin:claude-haiku-5-5:op"),
        Thinking(text="native", signature="Ez=="),
        Thinking(text="unsigned"),
        Thinking(text="other", signature="tenbin:gpt-6-sol:"),
        Thinking(text="other", signature="tenbin:claude-opus-5-5:Ex=="),
        Thinking(redacted="gAAAA", id="rs_1"),
        Thinking(redacted="gAAAA", id=""),
    )
    written = _write(_turn("user", "x"), _turn("assistant", *thoughts, "Hello."))
    assert written["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "own", "signature": "Eq=="},
        {"type": "redacted_thinking", "data": "op"},
        {"type": "thinking", "thinking": "native", "signature": "Ez=="},
        {"type": "text", "text": "Hello."},
    ]


def test_sampling_as_the_model_takes_it() -> None:
    sampling = Sampling(temperature=1.7, top_p=0.5, top_k=3, seed=1, logprobs=True, presence_penalty=0.1)
    names = {"temperature", "top_p", "top_k"}

    def sent(target: Target, **fields: Any) -> dict[str, Any]:
        return {
            name: value for name, value in _write(sampling=sampling, target=target, **fields).items() if name in names
        }

    assert sent(claude("claude-haiku-5-5")) == {}
    assert sent(claude("claude-haiku-4-5")) == {"temperature": 1.0, "top_k": 3}
    assert sent(claude("claude-haiku-4-5"), thought=Thought(mode="on", budget=2_000)) == {}
    assert sent(local()) == {"temperature": 1.0, "top_p": 0.5, "top_k": 3}


def test_structured_output_by_field_or_in_words() -> None:
    with_schema = OutputFormat(mode="json_schema", schema=_SCHEMA)
    assert _write(output_format=with_schema)["output_config"] == {
        "format": {"type": "json_schema", "schema": json.loads(bytes(_SCHEMA))}
    }
    for format_, target in ((with_schema, claude("claude-3-5-haiku")), (OutputFormat(mode="json_object"), claude())):
        written = _write(output_format=format_, target=target, system=(Text(text="Be brief."),))
        assert "output_config" not in written
        assert "one JSON object" in written["system"][1]["text"]


def test_pictures_and_documents() -> None:
    parts = (
        Image(data="/9j/4AA"),
        Image(url="https://e/x"),
        Document(data="JVBER", title="T"),
        Document(text="words"),
        Document(url="https://e/d"),
    )
    result = ToolResult(
        call_id="a", content=(Text(text="x"), Image(data="iVBOR", media_type="image/png")), is_error=True
    )
    turns = (_turn("user", *parts), _turn("assistant", ToolCall(id="a", name="Read")), _turn("user", result))
    written = _write(*turns)["messages"]
    assert [block["source"] for block in written[0]["content"]] == [
        {"type": "base64", "media_type": "image/jpeg", "data": "/9j/4AA"},
        {"type": "url", "url": "https://e/x"},
        {"type": "base64", "media_type": "application/pdf", "data": "JVBER"},
        {"type": "text", "media_type": "text/plain", "data": "words"},
        {"type": "url", "url": "https://e/d"},
    ]
    assert written[2]["content"][0] == {
        "type": "tool_result",
        "tool_use_id": "a",
        "content": [
            {"type": "text", "text": "x"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}},
        ],
        "is_error": True,
    }
    plain = _write(_turn("user", Document(text="words", title="T")), target=local())
    assert plain["messages"][0]["content"][0]["text"] == '<document title="T">\nwords\n</document>'


@pytest.mark.parametrize(
    ("fields", "target", "feature"),
    [
        ({"tools": (_TOOL,), "tool_choice": ToolChoice(mode="any")}, claude("claude-opus-5-5"), "forced_tool_choice"),
        ({"tools": (_TOOL,)}, local(tools=False), "tools"),
        ({"turns": (_turn("user", Image(url="u")),)}, local(images=False), "images"),
        ({"turns": (_turn("user", Image()),)}, claude(), "images"),
        ({"turns": (_turn("user", "x"), _turn("assistant", Image(url="u")))}, claude(), "images"),
        ({"turns": (_turn("user", Document(data="x")),)}, local(), "documents"),
        ({"turns": (_turn("user", Opaque(dialect="openai_chat", kind="input_audio", value={})),)}, claude(),
         "input_audio"),
        ({"stop": ("\n",)}, claude(), "stop"),
        ({"server_tools": (ServerTool(dialect="openai_chat", kind="image_generation", value={}),)}, claude(),
         "image_generation"),
        ({"server_tools": (ServerTool(dialect="openai_chat", kind="web_search", value={}),)}, local(), "web_search"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_by_name(fields: dict[str, Any], target: Target, feature: str) -> None:
    conversation = Conversation(**{"model": "m", "turns": (_turn("user", "hi"),), **fields})
    with pytest.raises(Inexpressible) as caught:
        ANTHROPIC.write(conversation, target)
    assert caught.value.feature == feature
    assert target.name in caught.value.message or feature == "images"


def test_a_web_search_of_another_dialect_is_anthropics_own() -> None:
    own = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    tools = (ServerTool(dialect="openai_chat", kind="web_search", value={}),)
    assert _write(server_tools=tools)["tools"] == [{"type": "web_search_20250305", "name": "web_search"}]
    tools = (ServerTool(dialect="anthropic", kind="web_search_20250305", value=own),)
    assert _write(server_tools=tools)["tools"] == [own]


_IDS = st.sampled_from(["a", "b", "a:b", "c"])
_USER_PARTS = st.builds(Text, text=st.sampled_from(["", " ", "hi"])) | st.builds(
    ToolResult, call_id=_IDS, content=st.just((Text(text="r"),))
)
_ASSISTANT_PARTS = st.builds(Text, text=st.sampled_from(["", "ok"])) | st.builds(ToolCall, id=_IDS, name=st.just("t"))


@given(
    turns=st.lists(
        st.builds(Turn, role=st.just("user"), parts=st.lists(_USER_PARTS, max_size=3).map(tuple))
        | st.builds(Turn, role=st.just("assistant"), parts=st.lists(_ASSISTANT_PARTS, max_size=3).map(tuple))
        | st.builds(Turn, role=st.just("system"), parts=st.just((Text(text="s"),))),
        max_size=8,
    ),
    middle=st.booleans(),
)
def test_any_conversation_is_written_by_anthropics_rules(turns: list[Turn], middle: bool) -> None:
    messages = _write(*turns, target=claude(middle_system=middle))["messages"]
    assert messages[0]["role"] == "user"
    speaking = [message for message in messages if message["role"] != "system"]
    ids: list[str] = []
    for position, message in enumerate(messages):
        content = message["content"]
        assert content
        assert all(block["text"].strip() for block in content if block["type"] == "text")
        results = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
        before = messages[position - 1]["content"] if position else []
        called = [block["id"] for block in before if block["type"] == "tool_use"]
        assert results == called
        assert all(block["type"] == "tool_result" for block in content[: len(results)])
        ids += results
    assert len(ids) == len(set(ids))
    if not middle:
        assert all(a["role"] != b["role"] for a, b in itertools.pairwise(speaking))

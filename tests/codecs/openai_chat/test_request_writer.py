"""Requests of Chat Completions, written for providers with quirks; and what passes through."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.codecs.thinking import mark
from tenbin.codecs.tool_names import fitted
from tenbin.core.conversation import (
    Conversation,
    Document,
    Opaque,
    OutputFormat,
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
from tests.codecs.openai_chat.saying import CALL, PDF, PNG, USER, assistant, talk, user, written
from tests.codecs.openai_conversations import comparable, conversations, in_order
from tests.codecs.openai_golden import target


@given(conversations(chat=True))
def test_what_can_be_said_survives_writing_and_reading(conversation: Conversation) -> None:
    quirks: dict[str, Any] = {
        "max_tokens_field": "max_completion_tokens",
        "reasoning_request": "reasoning_effort",
        "strict_schemas": True,
        "prompt_cache_key": True,
        "documents": True,
        "top_k": True,
    }
    again = OPENAI_CHAT.read(OPENAI_CHAT.write(conversation, target(**quirks)))
    assert comparable(again) == comparable(in_order(conversation))


def test_results_follow_their_calls_in_the_order_of_the_calls() -> None:
    calls = [ToolCall(id=f"c{i}", name=f"t{i}") for i in range(3)]
    results = [ToolResult(call_id=f"c{i}", content=(Text(text=f"r{i}"),)) for i in (2, 0, 1)]
    reminder = Turn(role="system", parts=(Text(text="remember"),))
    messages = written(talk(USER, assistant(*calls), reminder, user(*results, Text(text="go on"))))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "tool", "system", "user"]
    assert [message.get("tool_call_id") for message in messages[2:5]] == ["c0", "c1", "c2"]
    assert [message["content"] for message in messages[2:5]] == ["r0", "r1", "r2"]
    assert messages[6]["content"] == "go on"


def test_ids_that_a_server_counts_anew_belong_to_the_nearest_call() -> None:
    rounds = [
        turn
        for i in range(2)
        for turn in (
            assistant(ToolCall(id="call_0", name="t")),
            user(ToolResult(call_id="call_0", content=(Text(text=str(i)),))),
        )
    ]
    messages = written(talk(USER, *rounds))["messages"]
    assert [message["content"] for message in messages if message["role"] == "tool"] == ["0", "1"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant", "tool"]


def test_a_result_without_its_call_is_refused() -> None:
    with pytest.raises(Inexpressible):
        written(talk(USER, user(ToolResult(call_id="lost"))))


def test_pictures_in_results_move_behind_all_tool_messages() -> None:
    two = ToolCall(id="call_2", name="read")
    turn = user(
        ToolResult(call_id="call_2", content=(Text(text="see"), PNG)),
        ToolResult(call_id="call_1", content=(Text(text="bad"),), is_error=True),
        Text(text="next"),
    )
    messages = written(talk(USER, assistant(CALL, two), turn))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "user"]
    assert messages[2]["content"] == "Error: bad"
    assert messages[3]["content"].startswith("see\n\n(")
    moved = messages[4]["content"]
    assert "read" in moved[0]["text"]
    assert "call_2" in moved[0]["text"]
    assert moved[1]["image_url"]["url"] == "data:image/png;base64,aGk="
    assert moved[2] == {"type": "text", "text": "next"}
    kept = written(talk(USER, assistant(CALL, two), turn), tool_result_images=True)["messages"]
    assert kept[3]["content"][1]["type"] == "image_url"


def test_middle_system_turns_are_folded_where_they_are_not_taken() -> None:
    conversation = talk(
        USER,
        Turn(role="system", parts=(Text(text="env"),)),
        assistant(CALL),
        user(ToolResult(call_id="call_1", content=(Text(text="ok"),))),
        Turn(role="system", parts=(Text(text="more"),)),
        user(Text(text="go")),
        system=(Text(text="S"),),
    )
    messages = written(conversation, middle_system=False)["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "user"]
    assert messages[1]["content"] == "Hi\n\n<system-reminder>\nenv\n</system-reminder>"
    assert messages[4]["content"] == "<system-reminder>\nmore\n</system-reminder>\n\ngo"
    kept = written(conversation, system_role="developer")["messages"]
    assert [message["role"] for message in kept] == [
        "developer",
        "user",
        "developer",
        "assistant",
        "tool",
        "developer",
        "user",
    ]


def test_long_ids_and_names_get_stand_ins_that_agree() -> None:
    long_id, long_name = "call__0_" + "x" * 80, "mcp__" + "server.tool/" * 12
    call = ToolCall(id=long_id, name=long_name)
    conversation = talk(
        USER,
        assistant(call),
        user(ToolResult(call_id=long_id, content=(ToolReference(tool_name=long_name),))),
        tools=(Tool(name=long_name),),
        tool_choice=ToolChoice(mode="tool", name=long_name),
    )
    sent = written(conversation)
    made = sent["messages"][1]["tool_calls"][0]
    assert len(made["id"]) == 40
    assert sent["messages"][2]["tool_call_id"] == made["id"]
    assert made["function"]["name"] == sent["tools"][0]["function"]["name"] == fitted(long_name)
    assert sent["tool_choice"]["function"]["name"] == fitted(long_name)
    assert fitted(long_name) in sent["messages"][2]["content"]
    assert written(conversation, tool_id_limit=0)["messages"][1]["tool_calls"][0]["id"] == long_id


def test_deferred_tools_are_offered_once_found() -> None:
    search, hidden, found = Tool(name="ToolSearch"), Tool(name="a", deferred=True), Tool(name="b", deferred=True)
    placeholder = Tool(name="DeferredToolPlaceholder")
    result = ToolResult(call_id="call_1", content=(ToolReference(tool_name="b"),))
    turns = (USER, assistant(CALL), user(result))
    sent = written(talk(*turns, tools=(search, hidden, found, placeholder)))
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["ToolSearch", "b"]
    assert sent["messages"][2]["content"] == "The tool b is now available."
    # Nothing could ever find them: a search that another provider runs is not there.
    server_side = ServerTool(dialect="anthropic", kind="tool_search_tool_regex_20251119", value={})
    sent = written(talk(USER, tools=(hidden, found), server_tools=(server_side,)))
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("conversation", "quirks", "feature"),
    [
        (
            talk(USER, tools=(Tool(name="t"),), tool_choice=ToolChoice(mode="any")),
            {"forced_tool_choice": False},
            "forced_tool_choice",
        ),
        (talk(USER, tools=(Tool(name="t"),)), {"tools": False}, "tools"),
        (talk(user(PNG)), {"images": False}, "images"),
        (talk(user(PDF)), {}, "documents"),
        (talk(user(Document(url="https://x.invalid/a.pdf"))), {"documents": True}, "documents"),
        (talk(USER, stop=("a", "b", "c", "d", "e")), {}, "stop"),
        (
            talk(USER, server_tools=(ServerTool(dialect="anthropic", kind="web_search_20250305", value={}),)),
            {},
            "web_search_20250305",
        ),
        (talk(user(Opaque(dialect="anthropic", kind="container_upload", value={}))), {}, "container_upload"),
    ],
)
def test_what_must_not_be_dropped_is_refused(conversation: Conversation, quirks: dict[str, Any], feature: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        written(conversation, **quirks)
    assert caught.value.feature == feature


def test_documents_go_as_files_or_as_their_text() -> None:
    sent = written(talk(user(PDF, Document(text="words", title="t"))), documents=True)["messages"][0]["content"]
    assert sent[0]["file"] == {"filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}
    assert sent[1]["text"] == '<document title="t">\nwords\n</document>'


def test_thinking_goes_back_to_its_writer_only() -> None:
    thoughts = (
        Thinking(text="plain"),
        Thinking(text="foreign", signature="sig"),
        Thinking(text="mine", signature=mark("deepseek-v4", "")),
        Thinking(text="other", signature=mark("claude", "sig")),
        Thinking(redacted="xyz"),
    )
    conversation = talk(USER, assistant(*thoughts, Text(text="A")))
    assert "foreign" not in json.dumps(written(conversation))
    assert "reasoning_content" not in written(conversation)["messages"][1]
    deepseek = OPENAI_CHAT.write(conversation, target("deepseek-v4", reasoning_back=True))
    assert json.loads(deepseek)["messages"][1] == {
        "role": "assistant",
        "content": "A",
        "reasoning_content": "plain\n\nmine",
    }


@pytest.mark.parametrize(
    ("how", "thought", "expected"),
    [
        ("none", Thought(mode="on", budget=9000), {}),
        ("reasoning_effort", Thought(mode="off"), {"reasoning_effort": "none"}),
        ("reasoning_effort", Thought(mode="on", budget=31_999), {"reasoning_effort": "high"}),
        ("reasoning_effort", Thought(mode="adaptive"), {}),
        ("reasoning_effort", Thought(mode="adaptive", effort="xhigh"), {"reasoning_effort": "xhigh"}),
        ("reasoning", Thought(mode="off", effort="high"), {"reasoning": {"enabled": False}}),
        ("reasoning", Thought(mode="on", budget=2000, effort="low"), {"reasoning": {"max_tokens": 2000}}),
        ("reasoning", Thought(mode="adaptive", show=False), {"reasoning": {"enabled": True, "exclude": True}}),
        ("thinking", Thought(mode="adaptive", effort="high"), {"thinking": {"type": "enabled"}}),
        ("thinking", Thought(mode="off"), {"thinking": {"type": "disabled"}}),
        ("chat_template", Thought(mode="on"), {"chat_template_kwargs": {"enable_thinking": True}}),
        ("chat_template", None, {}),
    ],
)
def test_thinking_is_asked_for_in_the_providers_way(
    how: str, thought: Thought | None, expected: dict[str, Any]
) -> None:
    sent = written(talk(USER, thought=thought), reasoning_request=how)
    assert {key: value for key, value in sent.items() if key not in ("model", "messages")} == expected


def test_the_last_turn_that_names_an_effort_decides() -> None:
    turn = Turn(role="system", parts=(Text(text="x"),), effort="low")
    sent = written(
        talk(USER, turn, thought=Thought(mode="adaptive", effort="high")), reasoning_request="reasoning_effort"
    )
    assert sent["reasoning_effort"] == "low"


def test_a_schema_goes_as_a_schema_or_in_words() -> None:
    schema = OutputFormat(mode="json_schema", schema=msgspec.Raw(b'{"type":"object"}'))
    conversation = talk(USER, system=(Text(text="S"),), output_format=schema)
    assert written(conversation)["response_format"]["json_schema"]["schema"] == {"type": "object"}
    sent = written(conversation, json_schema=False)
    assert "response_format" not in sent
    assert '{"type":"object"}' in sent["messages"][0]["content"]
    assert sent["messages"][0]["content"].startswith("S\n\n")


def test_sampling_and_limits_follow_the_quirks() -> None:
    sampling = Sampling(temperature=0.5, top_k=3, seed=1, logprobs=True, top_logprobs=2)
    conversation = talk(USER, sampling=sampling, max_tokens=128_000, stream=True, session="s" * 100)
    small = msgspec.structs.replace(target(), max_output=8192)
    sent = json.loads(OPENAI_CHAT.write(conversation, small))
    assert sent["max_tokens"] == 8192
    assert sent["temperature"] == 0.5
    assert "top_k" not in sent
    assert sent["logprobs"] is True
    assert sent["stream_options"] == {"include_usage": True}
    assert "prompt_cache_key" not in sent
    other = written(
        conversation,
        sampling=False,
        logprobs=False,
        stream_usage="always",
        prompt_cache_key=True,
        max_tokens_field="max_completion_tokens",
    )
    assert other["max_completion_tokens"] == 128_000
    assert not {"temperature", "logprobs", "stream_options", "max_tokens"} & set(other)
    assert other["prompt_cache_key"] == "s" * 64


def test_cache_marks_go_where_they_are_taken() -> None:
    result = ToolResult(call_id="call_1", content=(Text(text="r"),), cache="5m")
    conversation = talk(
        USER,
        assistant(CALL),
        user(result, Text(text="x", cache="1h")),
        system=(Text(text="S", cache="5m"),),
        tools=(Tool(name="look", cache="5m"),),
    )
    assert "cache_control" not in json.dumps(written(conversation))
    sent = written(conversation, cache_control=True)
    assert sent["messages"][0]["content"] == [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}]
    assert sent["messages"][3]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert sent["messages"][4]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert sent["tools"][0]["cache_control"] == {"type": "ephemeral"}


def test_an_id_that_tells_the_device_stays_here() -> None:
    conversation = talk(USER, user='{"device_id":"d","account_uuid":"a","session_id":"s"}')
    assert "device_id" not in json.dumps(written(conversation))


def test_splicing_changes_the_model_and_asks_for_usage() -> None:
    options = b'"stream_options": {"include_obfuscation":false} }'
    data = b'{ "x": [1,  2], "model":"alias", "messages": [], "stream" : true, ' + options
    head = OPENAI_CHAT.read_head(data)
    sent = OPENAI_CHAT.splice(data, head, target("real"))
    assert sent == data.replace(b'"alias"', b'"real"').replace(b"false}", b'false,"include_usage":true}')
    assert OPENAI_CHAT.splice(data, head, target("alias", stream_usage="always")) is data
    asked = b'{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}'
    assert OPENAI_CHAT.splice(asked, OPENAI_CHAT.read_head(asked), target("m")) is asked
    quiet = b'{"model":"m","messages":[],"max_tokens":5}'
    assert OPENAI_CHAT.splice(quiet, OPENAI_CHAT.read_head(quiet), target("m")) is quiet
    null = b'{"model":"m","messages":[],"stream":true,"stream_options":null}'
    sent = OPENAI_CHAT.splice(null, OPENAI_CHAT.read_head(null), target("m"))
    assert json.loads(sent)["stream_options"] == {"include_usage": True}

"""Requests of Chat Completions: what is read of them, and what is written for providers with quirks."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_chat import OPENAI_CHAT, read_embedding_head
from tenbin.codecs.thinking import mark
from tenbin.codecs.tool_names import fitted
from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    Opaque,
    OutputFormat,
    Part,
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
from tenbin.core.problems import Inexpressible, Problem, Unreadable
from tests.codecs.openai_conversations import comparable, conversations, in_order
from tests.codecs.openai_golden import target

USER = Turn(role="user", parts=(Text(text="Hi"),))


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}).encode()


def read(*messages: Any, **fields: Any) -> Conversation:
    return OPENAI_CHAT.read(body(messages=list(messages), **fields))


def written(conversation: Conversation, **quirks: Any) -> dict[str, Any]:
    return json.loads(OPENAI_CHAT.write(conversation, target(**quirks)))


def talk(*turns: Turn, **fields: Any) -> Conversation:
    return Conversation(model="m", turns=turns, **fields)


def assistant(*parts: Part) -> Turn:
    return Turn(role="assistant", parts=parts)


def user(*parts: Part) -> Turn:
    return Turn(role="user", parts=parts)


CALL = ToolCall(id="call_1", name="look", arguments='{"x": 1}')
PNG = Image(media_type="image/png", data="aGk=")
PDF = Document(data="aGk=", title="a.pdf")


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

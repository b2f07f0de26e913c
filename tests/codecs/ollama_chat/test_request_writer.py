"""Requests to Ollama: what is written, what is refused, and that no prompt is ever cut unsaid."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.ollama_chat import OLLAMA_CHAT
from tenbin.codecs.ollama_chat.request_writer import SMALLEST_CONTEXT, context_size
from tenbin.codecs.thinking import mark
from tenbin.codecs.tokens import count_conversation
from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
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
from tenbin.core.problems import ContextExceeded, Inexpressible
from tenbin.core.target import Quirks, Target

TARGET = Target(provider="ollama", model="qwen3:8b", dialects=("ollama_chat",), context=32_768)


def user(*parts: Any) -> Turn:
    return Turn(role="user", parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def assistant(*parts: Any) -> Turn:
    return Turn(role="assistant", parts=tuple(Text(text=part) if isinstance(part, str) else part for part in parts))


def conversation(*turns: Turn, **fields: Any) -> Conversation:
    return Conversation(model="any", turns=turns or (user("hello"),), **fields)


def written(asked: Conversation, target: Target = TARGET) -> dict[str, Any]:
    return json.loads(OLLAMA_CHAT.write(asked, target))


def messages(*turns: Turn, **fields: Any) -> list[dict[str, Any]]:
    return written(conversation(*turns, **fields))["messages"]


def test_stream_is_always_written_since_ollama_streams_unless_told_not_to() -> None:
    assert written(conversation())["stream"] is False
    assert written(conversation(stream=True))["stream"] is True


def test_ollama_is_told_neither_to_truncate_nor_to_shift() -> None:
    body = written(conversation())
    assert (body["truncate"], body["shift"]) == (False, False)


def test_options_say_how_tokens_are_drawn() -> None:
    sampling = Sampling(
        temperature=0.5, top_p=0.9, top_k=40, seed=7, presence_penalty=0.1, frequency_penalty=0.2, logprobs=True
    )
    body = written(conversation(sampling=sampling, max_tokens=100, stop=("END", "HALT")))
    assert body["options"] == {
        "num_ctx": SMALLEST_CONTEXT,
        "num_predict": 100,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "seed": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "stop": ["END", "HALT"],
    }
    assert body["logprobs"] is True


def test_the_models_own_limit_of_output_is_not_passed() -> None:
    target = msgspec.structs.replace(TARGET, max_output=2_000)
    assert written(conversation(max_tokens=64_000), target)["options"]["num_predict"] == 2_000


def test_a_system_message_in_the_middle_goes_into_the_user_message() -> None:
    turns = (user("one"), Turn(role="system", parts=(Text(text="the date changed"),)), assistant("two"), user("three"))
    assert messages(*turns, system=(Text(text="be brief"), Text(text="be kind"))) == [
        {"role": "system", "content": "be brief\n\nbe kind"},
        {"role": "user", "content": "one\n\n<system-reminder>\nthe date changed\n</system-reminder>"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]


def test_tool_calls_and_results_come_in_the_order_of_the_calls_with_names() -> None:
    calls = (ToolCall(id="a", name="read", arguments='{"path": "x"}'), ToolCall(id="b", name="run", arguments=""))
    results = (
        ToolResult(call_id="b", content=(Text(text="no such file"),), is_error=True),
        ToolResult(call_id="a", content=(Text(text="one"), Text(text="two"))),
    )
    assert messages(user("go"), assistant("I look.", *calls), user(*results, "and?")) == [
        {"role": "user", "content": "go"},
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {"id": "a", "function": {"name": "read", "arguments": {"path": "x"}}},
                {"id": "b", "function": {"name": "run", "arguments": {}}},
            ],
        },
        {"role": "tool", "content": "one\ntwo", "tool_name": "read", "tool_call_id": "a"},
        {"role": "tool", "content": "Error: no such file", "tool_name": "run", "tool_call_id": "b"},
        {"role": "user", "content": "and?"},
    ]


def test_arguments_that_are_no_object_are_kept_inside_one() -> None:
    (_, called) = messages(user("go"), assistant(ToolCall(id="a", name="read", arguments='{"path": ')))
    assert called["tool_calls"][0]["function"]["arguments"] == {"arguments": '{"path": '}


def test_images_of_a_tool_result_move_to_a_user_message() -> None:
    call = ToolCall(id="a", name="screenshot")
    result = ToolResult(call_id="a", content=(Text(text="done"), Image(data="AAAA", media_type="image/png")))
    said = messages(user("go", Image(data="BBBB")), assistant(call), user(result))
    assert said[0] == {"role": "user", "content": "go", "images": ["BBBB"]}
    assert said[2]["content"].startswith("done\n")
    assert (said[3]["role"], said[3]["images"]) == ("user", ["AAAA"])
    assert "screenshot" in said[3]["content"]


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"turns": (user(Image(url="https://x.invalid/a.png")),)}, "images"),
        ({"turns": (user(Document(data="JVBERi0=")),)}, "documents"),
        ({"turns": (user(Document(url="https://x.invalid/a.pdf")),)}, "documents"),
        ({"turns": (assistant(Opaque(dialect="anthropic", kind="server_tool_use", value={})),)}, "server_tool_use"),
        ({"tool_choice": ToolChoice(mode="any")}, "forced_tool_choice"),
        ({"tool_choice": ToolChoice(mode="tool", name="read")}, "forced_tool_choice"),
        ({"server_tools": (ServerTool(dialect="anthropic", kind="web_search", value={}),)}, "web_search"),
    ],
)
def test_what_ollama_cannot_be_told_is_said_to_be_so(fields: dict[str, Any], feature: str) -> None:
    with pytest.raises(Inexpressible) as raised:
        OLLAMA_CHAT.write(Conversation(**{"model": "any", "turns": (user("hi"),), **fields}), TARGET)
    assert raised.value.feature == feature


def test_documents_of_text_are_put_into_words() -> None:
    data = base64.b64encode("天秤".encode()).decode()
    documents = (Document(text="plain", title="A"), Document(data=data, media_type="text/plain"))
    (said,) = messages(user(*documents))
    assert said["content"] == '<document title="A">\nplain\n</document>\n\n<document>\n天秤\n</document>'


def test_signed_and_redacted_thinking_is_dropped_and_ollamas_own_goes_back() -> None:
    turn = assistant(Thinking(text="secret", signature="sig"), Thinking(redacted="opaque"), "hi")
    assert messages(user("a"), turn)[1] == {"role": "assistant", "content": "hi"}
    for signature in (None, mark("qwen3:8b", "")):
        own = assistant(Thinking(text="hm", signature=signature), "hi")
        assert messages(user("a"), own)[1]["thinking"] == "hm"
    for signature in (mark("llama3.2", ""), mark("claude-opus-5-5", "sig")):
        foreign = assistant(Thinking(text="hm", signature=signature), "hi")
        assert messages(user("a"), foreign)[1] == {"role": "assistant", "content": "hi"}


@pytest.mark.parametrize(
    ("thought", "how", "think"),
    [
        (None, "thinking", None),
        (Thought(mode="off"), "none", False),
        (Thought(mode="adaptive", effort="high"), "none", None),
        (Thought(mode="adaptive", effort="high"), "thinking", True),
        (Thought(mode="on", budget=1024), "reasoning_effort", True),
        (Thought(mode="adaptive", effort="xhigh"), "reasoning_effort", "high"),
    ],
)
def test_thinking_is_asked_for_where_the_model_can_think(thought: Thought | None, how: Any, think: Any) -> None:
    target = msgspec.structs.replace(TARGET, quirks=Quirks(reasoning_request=how))
    assert written(conversation(thought=thought), target).get("think") == think


def test_structured_output() -> None:
    schema = msgspec.Raw(b'{"type":"object","properties":{"a":{"type":"integer"}}}')
    assert written(conversation(output_format=OutputFormat(mode="json_object")))["format"] == "json"
    asked = conversation(output_format=OutputFormat(mode="json_schema", schema=schema))
    assert written(asked)["format"] == json.loads(bytes(schema))
    assert OLLAMA_CHAT.read(OLLAMA_CHAT.write(asked, TARGET)).output_format == asked.output_format


def test_deferred_tools_are_offered_once_found_and_the_placeholder_never() -> None:
    tools = (
        Tool(name="Read", description="reads"),
        Tool(name="ToolSearch"),
        Tool(name="DeferredToolPlaceholder"),
        Tool(name="Found", deferred=True),
        Tool(name="Hidden", deferred=True),
    )
    search = assistant(ToolCall(id="a", name="ToolSearch"))
    result = user(ToolResult(call_id="a", content=(ToolReference(tool_name="Found"),)))
    body = written(conversation(user("go"), search, result, tools=tools))
    assert [tool["function"]["name"] for tool in body["tools"]] == ["Read", "ToolSearch", "Found"]
    assert "Found" in body["messages"][2]["content"]
    assert "tools" not in written(conversation(tools=tools, tool_choice=ToolChoice(mode="none")))


def test_nothing_of_anthropics_own_leaks() -> None:
    asked = conversation(
        user(Text(text="hi", cache="1h")),
        system=(Text(text="be brief", cache="5m"),),
        tools=(Tool(name="Read", deferred=False, cache="5m", strict=True),),
        user="somebody",
        session="a-session",
        service_tier="priority",
    )
    body = OLLAMA_CHAT.write(asked, TARGET)
    for word in (b"cache", b"defer", b"somebody", b"a-session", b"priority", b"strict"):
        assert word not in body


# The context


@given(st.integers(1, 30_000), st.integers(1, 200_000) | st.none(), st.integers(2_048, 300_000) | st.none())
def test_the_context_holds_prompt_and_answer_or_the_prompt_is_refused(
    words: int, most: int | None, context: int | None
) -> None:
    asked = conversation(user("a " * words), max_tokens=most)
    target = msgspec.structs.replace(TARGET, context=context)
    prompt = count_conversation(asked)
    most_of_context = None if context is None else context - min(4_096 if most is None else most, 16_384, context // 16)
    if most_of_context is not None and prompt > most_of_context:
        with pytest.raises(ContextExceeded, match=f"^prompt is too long: {prompt} tokens > {most_of_context} maximum$"):
            context_size(asked, target)
        return
    size = context_size(asked, target)
    assert prompt < size
    assert context is None or size <= context
    assert size == context or (size & (size - 1) == 0 and size >= prompt + min(most or 0, 16_384))


def test_the_context_seldom_changes_while_a_conversation_grows() -> None:
    target = msgspec.structs.replace(TARGET, context=131_072)
    turns: list[Turn] = []
    sizes = []
    for _ in range(50):
        turns += [user("tell me more " * 300), assistant("so be it " * 300)]
        sizes.append(context_size(conversation(*turns, max_tokens=32_000), target))
    assert sizes == sorted(sizes)
    assert len(set(sizes)) <= 3

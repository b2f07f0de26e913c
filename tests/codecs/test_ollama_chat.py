"""Ollama's native dialect: what is written, what is read in any cutting, and that no prompt is cut unsaid."""

import base64
import contextlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.ollama_chat import OLLAMA_CHAT
from tenbin.codecs.ollama_chat.request_writer import SMALLEST_CONTEXT, context_size
from tenbin.codecs.thinking import mark
from tenbin.codecs.tokens import count_conversation
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.ask import Head
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
from tenbin.core.problems import ContextExceeded, Inexpressible, Unreadable
from tenbin.core.target import Quirks, Target
from tenbin.core.usage import NOTHING, Usage

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


# Writing requests


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


# Reading answers


def lines(*objects: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in objects)


def said(**message: Any) -> dict[str, Any]:
    return {
        "model": "qwen3:8b",
        "created_at": "2026-11-21T10:00:00.123456789Z",
        "message": {"role": "assistant", "content": "", **message},
        "done": False,
    }


def done(**fields: Any) -> dict[str, Any]:
    return {**said(), "done": True, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 9, **fields}


CALL = {"function": {"index": 0, "name": "weather", "arguments": {"city": "東京"}}}
STREAM = lines(
    said(thinking="Hm"),
    said(thinking="m."),
    said(content="Let me"),
    said(content=" see 🙂"),
    said(tool_calls=[CALL, CALL]),
    done(),
)


def read(*pieces: bytes, streamed: bool = True) -> list[Delta]:
    reader = OLLAMA_CHAT.reader(streamed=streamed, target=TARGET)
    deltas = [delta for piece in pieces for delta in reader.feed(piece)] + reader.finish()
    assert reader.feed(STREAM) == []  # after the end there is nothing
    return deltas


def test_a_streamed_answer() -> None:
    deltas = read(STREAM)
    first, second = (delta for delta in deltas if isinstance(delta, BlockStarted) and delta.kind == "tool_call")
    assert first.id != second.id
    assert first.id.startswith("call_0_")
    assert isinstance(deltas[0], AnswerStarted)
    assert deltas[1:] == [
        BlockStarted(index=0, kind="thinking"),
        ThinkingDelta(0, "Hm"),
        ThinkingDelta(0, "m."),
        BlockStopped(0),
        BlockStarted(index=1, kind="text"),
        TextDelta(1, "Let me"),
        TextDelta(1, " see 🙂"),
        BlockStopped(1),
        first,
        ArgumentsDelta(2, '{"city": "\\u6771\\u4eac"}'),
        BlockStopped(2),
        second,
        ArgumentsDelta(3, '{"city": "\\u6771\\u4eac"}'),
        BlockStopped(3),
        AnswerFinished("tool_use", Usage(input=26, output=9)),
    ]


@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_any_cutting_gives_the_same_deltas(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert read(*(STREAM[a:b] for a, b in pairwise(edges))) == read(STREAM)


@given(st.integers(0, len(STREAM) - 3))
def test_an_answer_that_breaks_off_fails_as_cut(end: int) -> None:
    last = read(STREAM[:end])[-1]
    assert isinstance(last, AnswerFailed)
    assert last.failure.kind == "cut"


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode), st.booleans())
def test_no_bytes_make_a_reader_raise(data: bytes, streamed: bool) -> None:
    for prefix in (b"", STREAM[: STREAM.index(b"\n") + 1]):
        assert isinstance(read(prefix + data, streamed=streamed)[-1], AnswerFailed)


@pytest.mark.parametrize(
    "line",
    [
        b'{"model":"m","message":{"tool_calls":[{"function":{"name":"a","arguments":"\\ud800"}}]}}',
        b'{"model":"m","message":{"tool_calls":[{"function":{"name":"a","arguments":{"x":"\xff"}}}]}}',
        b'{"model":"m","done":true,"eval_count":99999999999999999999999}',
        b'{"model":"m","message":{"content":"\\ud800"}}',
        b'{"model":' + b"[" * 100_000,
        b'{"model":"m","done":true,"eval_count":-1}',
        b"data: {}",
        b"[]",
        b"<html>",
    ],
)
def test_lines_that_make_no_sense(line: bytes) -> None:
    last = read(line + b"\n")[-1]
    assert isinstance(last, AnswerFailed)
    assert last.failure.kind == "malformed"


def test_an_unstreamed_answer_gives_the_same_as_a_stream() -> None:
    whole = done(
        message={"role": "assistant", "content": "Let me see 🙂", "thinking": "Hmm.", "tool_calls": [CALL, CALL]}
    )
    for body in (json.dumps(whole), json.dumps(whole, indent=2)):
        deltas = read(body[:40].encode(), body[40:].encode(), streamed=False)
        assert [d for d in deltas if isinstance(d, AnswerFinished)] == [
            AnswerFinished("tool_use", Usage(input=26, output=9))
        ]
        assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == "Let me see 🙂"


def test_stop_reasons() -> None:
    assert read(lines(said(content="a"), done()))[-1] == AnswerFinished("end_turn", Usage(input=26, output=9))
    cut = read(lines(said(tool_calls=[CALL]), done(done_reason="length")))[-1]
    assert cut == AnswerFinished("max_tokens", Usage(input=26, output=9))
    loaded = {"model": "m", "message": {"role": "assistant"}, "done": True, "done_reason": "load"}
    assert read(lines(loaded))[-1] == AnswerFinished("end_turn", NOTHING)


def test_counts_that_ollama_left_out_are_marked_as_not_stated() -> None:
    line = done()
    del line["prompt_eval_count"]
    last = read(lines(said(content="a"), line))[-1]
    assert isinstance(last, AnswerFinished)
    assert (last.usage.input_estimated, last.usage.output_estimated) == (True, False)


def test_ids_differ_between_answers_and_repeat_when_read_again() -> None:
    def ids(created: str) -> list[str]:
        line = {**said(tool_calls=[CALL, CALL]), "created_at": created}
        return [d.id for d in read(lines(line, done())) if isinstance(d, BlockStarted)]

    monday, tuesday = ids("2026-11-21T10:00:00.1Z"), ids("2026-11-21T10:00:00.2Z")
    assert len({*monday, *tuesday}) == 4
    assert monday == ids("2026-11-21T10:00:00.1Z")
    own = {**CALL, "id": "call_abcd1234"}
    assert [d.id for d in read(lines(said(tool_calls=[own]))) if isinstance(d, BlockStarted)] == ["call_abcd1234"]


def test_arguments_written_as_a_string_are_taken_as_they_are() -> None:
    call = {"function": {"name": "a", "arguments": '{"x": 1}'}}
    (arguments,) = (d for d in read(lines(said(tool_calls=[call]))) if isinstance(d, ArgumentsDelta))
    assert arguments.json == '{"x": 1}'


def test_an_error_in_the_middle_of_a_stream() -> None:
    *_, last = read(lines(said(content="a"), {"error": "model runner has unexpectedly stopped"}), b'{"done":true}\n')
    assert isinstance(last, AnswerFailed)
    assert (last.failure.kind, last.failure.message) == ("server_error", "model runner has unexpectedly stopped")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b'{"error":"model \'x\' not found"}', "not_found"),
        (400, b'{"error":"\\"x\\" does not support thinking"}', "refused"),
        (400, b'{"error":"the input length exceeds the context length"}', "context_exceeded"),
        (500, b'{"error":"something about context length"}', "server_error"),
        (503, b'{"error":"server busy, please try again.  maximum pending requests exceeded"}', "overloaded"),
        (401, b'{"error":"unauthorized","signin_url":"https://x.invalid"}', "unauthenticated"),
        (429, b"slow down", "rate_limited"),
        (502, b"<html>\xff", "server_error"),
    ],
)
def test_failures_by_status(status: int, body: bytes, kind: str) -> None:
    failure = OLLAMA_CHAT.failure(status, [(b"retry-after", b"3")], body)
    assert (failure.kind, failure.status, failure.retry_after_ms, failure.body) == (kind, status, 3000, body)
    assert failure.message


def test_the_golden_transcript() -> None:
    golden = Path(__file__).parents[1] / "golden" / "ollama"
    deltas = read((golden / "chat_thinking_and_tools.ndjson").read_bytes())
    assert "".join(d.text for d in deltas if isinstance(d, ThinkingDelta)) == "The user wants the weather.\n"
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == "Let me look — 東京"
    calls = [d for d in deltas if isinstance(d, BlockStarted) and d.kind == "tool_call"]
    assert [(call.name, call.id[:7]) for call in calls] == [("get_weather", "call_9x"), ("get_time", "call_1_")]
    assert [d.json for d in deltas if isinstance(d, ArgumentsDelta)] == ['{"city":"東京","days":[1,2]}', "{}"]
    assert deltas[-1] == AnswerFinished("tool_use", Usage(input=126, output=58))
    assert isinstance(read((golden / "chat_error_in_stream.ndjson").read_bytes())[-1], AnswerFailed)


# Watching answers and reading requests


@given(st.lists(st.integers(0, len(STREAM)), max_size=10))
def test_the_observer_forwards_every_byte_and_learns_the_usage(cuts: list[int]) -> None:
    observer = OLLAMA_CHAT.observer(streamed=True, head=Head(model="m"), target=TARGET)
    edges = [0, *sorted(cuts), len(STREAM)]
    forwarded = b"".join(observer.feed(STREAM[a:b]) for a, b in pairwise(edges))
    assert forwarded + observer.finish() == STREAM
    assert (observer.ended, observer.started, observer.stop_reason) == (True, True, "tool_use")
    assert (observer.usage, observer.model, observer.failure) == (Usage(input=26, output=9), "qwen3:8b", None)
    assert observer.produced().startswith("Hmm.Let me see 🙂weather")


def test_a_spliced_body_changes_its_model_only() -> None:
    body = b'{ "model" : "mine",\n "messages": [], "keep_alive": "1h", "options": {"num_ctx": 4096, "mirostat": 2} }'
    spliced = OLLAMA_CHAT.splice(body, OLLAMA_CHAT.read_head(body), TARGET)
    assert spliced == body.replace(b'"mine"', b'"qwen3:8b"')


@given(st.binary(max_size=200))
def test_no_request_makes_reading_raise_anything_but_unreadable(data: bytes) -> None:
    for body in (data, b'{"model":"m","messages":' + data + b"}"):
        for reading in (OLLAMA_CHAT.read, OLLAMA_CHAT.read_head):
            with contextlib.suppress(Unreadable):
                reading(body)

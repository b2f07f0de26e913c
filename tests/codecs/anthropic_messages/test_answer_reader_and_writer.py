"""Answers are read into deltas and written from them: golden transcripts, cuts, order, ids and marks."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import anthropic.types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs import sse
from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    LogprobsDelta,
    Ping,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.ask import Head
from tenbin.core.problems import Failure
from tenbin.core.usage import Usage
from tests.codecs.anthropic_messages.targets import claude, golden

_TARGET = claude("claude-opus-5-5")
_ANSWERED = "claude-opus-5-5-20261001"
_USAGE = Usage(input=5, cache_read=7, cache_write_1h=2, output=11, reasoning=3, web_searches=1)


def _read(data: bytes, cuts: list[int] | None = None, *, streamed: bool = True) -> list[Delta]:
    reader = ANTHROPIC.reader(streamed=streamed, target=_TARGET)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    deltas: list[Delta] = []
    for start, end in itertools.pairwise(edges):
        deltas += reader.feed(data[start:end])
    return deltas + reader.finish()


def _written(deltas: Sequence[Delta]) -> list[dict[str, Any]]:
    writer = ANTHROPIC.writer(streamed=True, request_id="req_01ABC", head=Head(model="asked", stream=True))
    data = writer.write(deltas) + writer.close()
    reader = sse.SSEReader()
    events = reader.feed(data) + reader.finish()
    decoded = [json.loads(event.data) for event in events]
    assert [event.name.decode() for event in events] == [event["type"] for event in decoded]
    return decoded


def _whole(deltas: Sequence[Delta]) -> dict[str, Any]:
    writer = ANTHROPIC.writer(streamed=False, request_id="req_01ABC", head=Head(model="asked"))
    assert writer.write(deltas) == b""
    decoded: dict[str, Any] = json.loads(writer.close())
    return decoded


def _assembled(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that a client makes of a stream, by Anthropic's rules: one block open at a time, in order."""
    message: dict[str, Any] = {}
    open_block: int | None = None
    for event in events:
        match event["type"]:
            case "message_start":
                assert not message
                message = event["message"]
            case "content_block_start":
                assert open_block is None
                open_block = event["index"]
                assert open_block == len(message["content"])
                message["content"].append({**event["content_block"], "json": ""})
            case "content_block_delta":
                assert event["index"] == open_block
                block, delta = message["content"][-1], event["delta"]
                for name, text in delta.items():
                    if name != "type":
                        key = "json" if name == "partial_json" else name
                        block[key] = block[key] + text if name != "signature" else text
            case "content_block_stop":
                assert event["index"] == open_block
                block = message["content"][-1]
                open_block = None
                streamed = block.pop("json")
                if block["type"] == "tool_use" and streamed:
                    block["input"] = json.loads(streamed)
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
    assert open_block is None
    return message


def test_a_stream_is_read() -> None:
    assert _read(golden("thinking_and_tools.sse")) == [
        AnswerStarted(
            "msg_01A",
            _ANSWERED,
            Usage(input=12, cache_read=30_000, cache_write_5m=500, cache_write_1h=1_500, output=1),
        ),
        BlockStarted(index=0, kind="thinking"),
        Ping(),
        ThinkingDelta(0, 'Which "usage" is "message_delta"?'),
        SignatureDelta(0, f"tenbin:{_ANSWERED}:EqQBCkYIBx=="),
        BlockStopped(0),
        BlockStarted(index=1, kind="redacted_thinking", data=f"tenbin:{_ANSWERED}:opaque=="),
        BlockStopped(1),
        BlockStarted(index=2, kind="text"),
        TextDelta(2, 'I\'ll look — 日本 "error": {}'),
        BlockStopped(2),
        BlockStarted(index=3, kind="tool_call", id="toolu_01A", name="Read"),
        ArgumentsDelta(3, '{"path": "/a'),
        ArgumentsDelta(3, '.txt"}'),
        BlockStopped(3),
        BlockStarted(index=4, kind="tool_call", id="toolu_01B", name="ListAgents"),
        BlockStopped(4),
        AnswerFinished(
            stop_reason="tool_use",
            usage=Usage(
                input=14, cache_read=30_000, cache_write_5m=500, cache_write_1h=1_500, output=321, reasoning=200
            ),
            service_tier="standard",
        ),
    ]


@pytest.mark.parametrize("name", ["thinking_and_tools.sse", "web_search.sse", "overloaded.sse", "llamacpp.sse"])
@given(cuts=st.lists(st.integers(min_value=0), max_size=30), end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_cutting_gives_the_same_deltas(name: str, cuts: list[int], end: bytes) -> None:
    assert _read(golden(name).replace(b"\n", end), cuts) == _read(golden(name))


def test_streamed_and_whole_say_and_cost_the_same() -> None:
    streamed = [delta for delta in _read(golden("thinking_and_tools.sse")) if not isinstance(delta, Ping)]
    whole = _read(golden("thinking_and_tools.json"), streamed=False)
    assert _whole(streamed) == _whole(whole) == _assembled(_written(streamed)) == _assembled(_written(whole))
    assert streamed[-1] == whole[-1]


def test_a_server_tool_is_told_as_a_block_of_its_own_when_it_is_whole() -> None:
    deltas = _read(golden("web_search.sse"))
    opaque = [delta.value for delta in deltas if isinstance(delta, BlockStarted) and delta.kind == "opaque"]
    assert [(block["type"], block.get("input")) for block in opaque] == [
        ("server_tool_use", {"query": "tenbin"}),
        ("web_search_tool_result", None),
    ]
    finished = deltas[-1]
    assert isinstance(finished, AnswerFinished)
    assert finished.usage == Usage(input=900, cache_write_5m=700, output=40, web_searches=2)
    assert [block["text"] for block in _whole(deltas)["content"]] == ["Scales."]


def test_an_error_event_ends_the_answer() -> None:
    deltas = _read(golden("overloaded.sse") + golden("llamacpp.sse"))
    failed = deltas[-1]
    assert isinstance(failed, AnswerFailed)
    assert (failed.failure.kind, failed.usage) == ("overloaded", Usage(input=50, output=1))
    assert _written(deltas)[-1] == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_01ABC",
    }


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (golden("thinking_and_tools.sse")[:-200], "cut"),
        (golden("thinking_and_tools.sse")[:700], "cut"),
        (b"", "cut"),
        (b"data: {broken\n\n", "malformed"),
        (b"data: 5\n\n", "malformed"),
        (b'data: {"type":"content_block_start","index":"0"}\n\n', "malformed"),
        (b'data: {"type":"content_block_start","index":0}\n\n', "malformed"),
    ],
)
def test_an_answer_without_its_end_or_sense_fails(data: bytes, kind: str) -> None:
    failed = _read(data)[-1]
    assert isinstance(failed, AnswerFailed)
    assert failed.failure.kind == kind


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"type":"message"}', b'{"type":"message","content":5}'])
def test_a_whole_answer_that_is_none_fails(body: bytes) -> None:
    deltas = _read(body, streamed=False)
    assert [type(delta) for delta in deltas] == [AnswerFailed]
    assert _whole(deltas)["error"]["type"] == "api_error"


@pytest.mark.parametrize(
    ("said", "read", "written"),
    [
        ("end_turn", "end_turn", "end_turn"),
        ("max_tokens", "max_tokens", "max_tokens"),
        ("stop_sequence", "stop_sequence", "stop_sequence"),
        ("refusal", "refusal", "refusal"),
        ("pause_turn", "pause_turn", "pause_turn"),
        ("model_context_window_exceeded", "context_exceeded", "model_context_window_exceeded"),
        ("of_the_future", "end_turn", "end_turn"),
        (None, "end_turn", "end_turn"),
    ],
)
def test_stop_reasons(said: str | None, read: str, written: str) -> None:
    body: dict[str, Any] = {"type": "message", "id": "x", "model": "m", "content": [], "stop_reason": said, "usage": {}}
    deltas = _read(json.dumps(body).encode(), streamed=False)
    finished = deltas[-1]
    assert isinstance(finished, AnswerFinished)
    assert finished.stop_reason == read
    assert _whole(deltas)["stop_reason"] == written
    filtered = AnswerFinished("content_filter", _USAGE)
    assert _whole([filtered])["stop_reason"] == "refusal"


_START = AnswerStarted("chatcmpl-1", "gpt-6-sol", Usage())


def test_an_answer_of_another_dialect_is_written() -> None:
    deltas: list[Delta] = [
        _START,
        BlockStarted(index=0, kind="thinking"),
        ThinkingDelta(0, "hm"),
        BlockStopped(0),
        BlockStarted(index=1, kind="text"),
        TextDelta(1, "Hi"),
        LogprobsDelta(1, []),
        BlockStopped(1),
        BlockStarted(index=2, kind="tool_call", id="call:1", name="Read"),
        ArgumentsDelta(2, "{}"),
        BlockStopped(2),
        BlockStarted(index=3, kind="tool_call", name="List"),
        BlockStopped(3),
        AnswerFinished("end_turn", _USAGE),
    ]
    events = _written(deltas)
    assert events[0] == {
        "type": "message_start",
        "message": {
            "id": "msg_01ABC",
            "type": "message",
            "role": "assistant",
            "model": "gpt-6-sol",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 0,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
                "output_tokens": 0,
            },
        },
    }
    assert events[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 2,
            "cache_read_input_tokens": 7,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 2},
            "output_tokens": 11,
            "output_tokens_details": {"thinking_tokens": 3},
            "server_tool_use": {"web_search_requests": 1},
        },
    }
    assert events[-1] == {"type": "message_stop"}
    whole = _assembled(events)
    assert whole["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "tenbin:gpt-6-sol:"},
        {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "call_1", "name": "Read", "input": {}},
        {"type": "tool_use", "id": "toolu_01ABC_2", "name": "List", "input": {}},
    ]
    assert _whole(deltas) == whole


def test_the_official_types_take_what_is_written() -> None:
    deltas = _read(golden("thinking_and_tools.sse"))
    message = anthropic.types.Message.model_validate(_whole(deltas), strict=True)
    assert [block.type for block in message.content] == [
        "thinking",
        "redacted_thinking",
        "text",
        "tool_use",
        "tool_use",
    ]
    assert message.usage.input_tokens == 14


def test_arguments_stream_as_they_come() -> None:
    writer = ANTHROPIC.writer(streamed=True, request_id="req_1", head=Head(model="m", stream=True))
    assert b"message_start" in writer.write([_START])
    assert b'"tool_use"' in writer.write([BlockStarted(index=0, kind="tool_call", id="a", name="Read")])
    assert b'"partial_json":"{\\"a"' in writer.write([ArgumentsDelta(0, '{"a')])
    assert writer.ping() == b'event: ping\ndata: {"type": "ping"}\n\n'


def test_blocks_that_come_mingled_are_written_one_after_the_other() -> None:
    deltas: list[Delta] = [
        _START,
        BlockStarted(index=7, kind="tool_call", id="a", name="A"),
        BlockStarted(index=3, kind="tool_call", id="b", name="B"),
        ArgumentsDelta(3, '{"b":'),
        ArgumentsDelta(7, '{"a":'),
        ArgumentsDelta(3, "1}"),
        BlockStopped(3),
        ArgumentsDelta(7, "2}"),
        AnswerFinished("tool_use", _USAGE),
    ]
    expected = [
        {"type": "tool_use", "id": "a", "name": "A", "input": {"a": 2}},
        {"type": "tool_use", "id": "b", "name": "B", "input": {"b": 1}},
    ]
    assert _assembled(_written(deltas))["content"] == expected == _whole(deltas)["content"]


def test_a_failure_is_told_in_the_envelope_and_nothing_follows_it() -> None:
    failed = AnswerFailed(Failure(kind="rate_limited", message="slow down"), Usage())
    events = _written([_START, BlockStarted(index=0, kind="text"), failed, TextDelta(0, "x"), failed])
    assert [event["type"] for event in events] == ["message_start", "content_block_start", "error"]
    assert events[-1]["error"] == {"type": "rate_limit_error", "message": "slow down"}
    assert _whole([_START, failed])["error"]["type"] == "rate_limit_error"
    assert [event["type"] for event in _written([])] == ["error"]


_TEXTS = st.text(min_size=1, max_size=8)


@st.composite
def _answers(draw: st.DrawFn) -> list[Delta]:
    """Any answer that keeps the order of core.answer, its blocks mingled."""
    kinds = draw(st.lists(st.sampled_from(["text", "thinking", "tool_call", "refusal", "opaque"]), max_size=4))
    queues: list[list[Delta]] = []
    for index, kind in enumerate(kinds):
        begin = BlockStarted(index=index, kind=kind, id=f"id{index}", name="n")  # type: ignore[arg-type]
        pieces = draw(st.lists(_TEXTS, max_size=3))
        if kind == "tool_call":
            text = json.dumps({"a": "".join(pieces)})
            cut = draw(st.integers(0, len(text)))
            said: list[Delta] = [ArgumentsDelta(index, text[:cut]), ArgumentsDelta(index, text[cut:])]
        else:
            said = [TextDelta(index, piece) for piece in pieces] if kind in ("text", "refusal") else []
            said += [ThinkingDelta(index, piece) for piece in pieces] if kind == "thinking" else []
        queues.append([begin, *said, BlockStopped(index)])
    deltas: list[Delta] = [_START]
    begun = 0
    while any(queues):
        choices = [place for place, queue in enumerate(queues) if queue and place <= begun]
        place = draw(st.sampled_from(choices))
        begun = max(begun, place + 1)
        deltas.append(queues[place].pop(0))
    return [*deltas, AnswerFinished("end_turn", _USAGE)]


@given(deltas=_answers())
def test_any_answer_is_written_by_anthropics_rules_and_reads_back(deltas: list[Delta]) -> None:
    whole = _whole(deltas)
    assert _assembled(_written(deltas)) == whole
    again = _read(json.dumps(whole).encode(), streamed=False)
    assert _whole(again)["content"] == whole["content"]
    finished = again[-1]
    assert isinstance(finished, AnswerFinished)
    assert finished.usage == _USAGE


@given(data=st.lists(st.sampled_from([
    b"data: ", b"event: ping\n", b'{"type":"message_start","message":{"usage":{"input_tokens":"x"}}}', b"\n\n", b"5",
    b'{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","input":{"a":1}}}', b"\xff", b"[DONE]",
    b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":5}}', b'{"type":"ping"}',
    b'{"type":"content_block_start","index":1,"content_block":{"type":5,"input":[]}}', b"[" * 2_000,
    b'{"type":"content_block_delta","index":1,"delta":{"partial_json":"{"}}',
    b'{"type":"content_block_stop","index":1}',
    b'{"type":"message_delta","delta":{"stop_reason":[]},"usage":5}', b'{"type":"message_stop"}', b"{}", b"null",
])).map(b"".join), streamed=st.booleans())  # fmt: skip
def test_no_bytes_make_it_fail(data: bytes, streamed: bool) -> None:
    deltas = _read(data, streamed=streamed)
    assert isinstance(deltas[-1], AnswerFinished | AnswerFailed)
    assert sum(isinstance(delta, AnswerFinished | AnswerFailed) for delta in deltas) == 1
    assert _read(data, list(range(0, len(data), 7)), streamed=streamed) == deltas
    _written(deltas)
    _whole(deltas)

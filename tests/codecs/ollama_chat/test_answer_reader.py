"""Answers of Ollama: the same deltas in any cutting, ids that stay, and failures that are values."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.ollama_chat import OLLAMA_CHAT
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
from tenbin.core.usage import NOTHING, Usage
from tests.codecs.ollama_chat.transcript import CALL, STREAM, TARGET, done, lines, said


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
    golden = Path(__file__).parents[2] / "golden" / "ollama"
    deltas = read((golden / "chat_thinking_and_tools.ndjson").read_bytes())
    assert "".join(d.text for d in deltas if isinstance(d, ThinkingDelta)) == "The user wants the weather.\n"
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == "Let me look — 東京"
    calls = [d for d in deltas if isinstance(d, BlockStarted) and d.kind == "tool_call"]
    assert [(call.name, call.id[:7]) for call in calls] == [("get_weather", "call_9x"), ("get_time", "call_1_")]
    assert [d.json for d in deltas if isinstance(d, ArgumentsDelta)] == ['{"city":"東京","days":[1,2]}', "{}"]
    assert deltas[-1] == AnswerFinished("tool_use", Usage(input=126, output=58))
    assert isinstance(read((golden / "chat_error_in_stream.ndjson").read_bytes())[-1], AnswerFailed)

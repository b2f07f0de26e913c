"""Answers of Chat Completions: read in any cutting, watched in passing, written for the official client."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.codecs.openai_chat.answer_observer import Observer
from tenbin.codecs.openai_watching import MOST_RETAINED
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    LogprobsDelta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.ask import Head
from tenbin.core.problems import Failure
from tenbin.core.usage import Usage
from tests.codecs.openai_golden import CHAT_STREAMS, FOLDER, as_json, cut, deltas_of, expected, stream, target

HEAD = Head(model="asked", stream=True, stream_usage=True)
SILENT = Head(model="asked", stream=True, stream_usage=False)
REQUEST_ID = "req_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def observed(pieces: Any, head: Head = HEAD, streamed: bool = True, **quirks: Any) -> tuple[Observer, bytes]:
    observer = OPENAI_CHAT.observer(streamed=streamed, head=head, target=target(**quirks))
    forwarded = b"".join([observer.feed(piece) for piece in pieces])
    forwarded += observer.finish()
    assert isinstance(observer, Observer)
    return observer, forwarded


@pytest.mark.parametrize("name", CHAT_STREAMS)
def test_a_stream_becomes_these_deltas(name: str) -> None:
    assert as_json(deltas_of(OPENAI_CHAT, [stream(name)])) == expected(name)


@given(st.sampled_from(CHAT_STREAMS), st.lists(st.integers(0, 20_000), max_size=30))
def test_any_cutting_gives_the_same_deltas(name: str, places: list[int]) -> None:
    assert as_json(deltas_of(OPENAI_CHAT, cut(stream(name), places))) == expected(name)


@pytest.mark.parametrize("name", CHAT_STREAMS)
def test_byte_by_byte_gives_the_same_deltas(name: str) -> None:
    data = stream(name)
    assert as_json(deltas_of(OPENAI_CHAT, (data[i : i + 1] for i in range(len(data))))) == expected(name)


@given(st.sampled_from(CHAT_STREAMS), st.lists(st.integers(0, 20_000), max_size=30), st.booleans())
def test_any_cutting_forwards_the_same_bytes_and_sees_the_same(name: str, places: list[int], asked: bool) -> None:
    head = HEAD if asked else SILENT
    whole, sent = observed([stream(name)], head)
    pieces, sent_in_pieces = observed(cut(stream(name), places), head)
    assert sent_in_pieces == sent
    if asked:
        assert sent == stream(name)
    for field in ("usage", "started", "ended", "failure", "model", "stop_reason", "provider_cost", "service_tier"):
        assert getattr(pieces, field) == getattr(whole, field), field
    assert pieces.produced() == whole.produced()


@pytest.mark.parametrize("name", CHAT_STREAMS)
def test_what_is_watched_is_what_is_read(name: str) -> None:
    observer, _ = observed([stream(name)])
    last = deltas_of(OPENAI_CHAT, [stream(name)])[-1]
    assert isinstance(last, AnswerFinished | AnswerFailed)
    assert observer.usage == last.usage
    assert observer.ended == isinstance(last, AnswerFinished)
    if isinstance(last, AnswerFinished):
        assert (observer.provider_cost, observer.service_tier) == (last.provider_cost, last.service_tier)
    elif last.failure.kind != "cut":
        assert observer.failure == last.failure


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_only_the_chunk_of_usage_that_the_client_did_not_ask_for_is_left_out(line_end: bytes) -> None:
    data = stream("chat_openai_tools").replace(b"\n", line_end)
    events = data.split(line_end * 2)
    usage = next(event for event in events if b'"choices":[]' in event)
    observer, sent = observed([data], SILENT)
    assert sent == data.replace(usage + line_end * 2, b"")
    assert observer.usage.prompt == 2006
    assert observer.ended
    assert observed([data], HEAD)[1] == data
    # A provider that states usage unasked did not do it for Tenbin: its bytes stay.
    assert observed([data], SILENT, stream_usage="always")[1] == data


def test_usage_in_the_last_choice_stays() -> None:
    assert observed([stream("chat_deepseek")], SILENT)[1] == stream("chat_deepseek")


@pytest.mark.parametrize("name", ["chat_openai_tools", "chat_llamacpp", "chat_openrouter", "chat_deepseek"])
def test_the_buckets_sum_to_the_total_that_the_provider_states(name: str) -> None:
    totals = [json.loads(line[6:])["usage"] for line in stream(name).splitlines() if b'"usage":{' in line]
    usage = observed([stream(name)])[0].usage
    assert usage.prompt + usage.output == totals[-1]["total_tokens"]
    assert usage.prompt == totals[-1]["prompt_tokens"]


def test_thinking_that_a_provider_leaves_out_of_the_completion_is_output() -> None:
    usage = observed([stream("chat_gemini")])[0].usage
    assert usage == Usage(input=60, output=70, reasoning=50)


def test_a_stated_cost_is_kept_digit_by_digit() -> None:
    assert observed([stream("chat_openrouter")])[0].provider_cost == "0.00014150000000000002"
    last = deltas_of(OPENAI_CHAT, [stream("chat_openrouter")])[-1]
    assert isinstance(last, AnswerFinished)
    assert last.provider_cost == "0.00014150000000000002"


def test_content_is_what_starts_an_answer() -> None:
    data = stream("chat_openrouter")
    first_event = data.index(b"data:")
    observer = OPENAI_CHAT.observer(streamed=True, head=HEAD, target=target())
    observer.feed(data[:first_event])
    assert not observer.started
    observer.feed(b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n')
    assert not observer.started
    observer.feed(b'data: {"choices":[{"index":0,"delta":{"content":"\\""},"finish_reason":null}]}\n\n')
    assert observer.started


def test_words_that_look_like_fields_are_not_taken_for_them() -> None:
    text = (
        'data: {"usage":{"prompt_tokens":9},"error":{"message":"x"}} [DONE] "finish_reason":"stop"\n\ndata: [DONE]\n\n'
    )
    chunk = b"data: " + msgspec.json.encode({"choices": [{"index": 0, "delta": {"content": text}}]}) + b"\n\n"
    observer, sent = observed([chunk], SILENT)
    assert sent == chunk
    assert observer.usage == Usage()
    assert observer.failure is None
    assert not observer.ended
    assert observer.produced() == text


def test_a_long_answer_is_kept_as_words_only() -> None:
    chunk = b'data: {"choices":[{"index":0,"delta":{"content":"ab "},"finish_reason":null}],"pad":"%s"}\n\n' % (
        b"x" * 4000
    )
    observer = OPENAI_CHAT.observer(streamed=True, head=HEAD, target=target())
    for _ in range(200):
        observer.feed(chunk)
    assert isinstance(observer, Observer)
    assert observer._retained_bytes <= MOST_RETAINED + len(chunk)
    assert observer.produced() == "ab " * 200


def test_an_unstreamed_answer_costs_the_same_as_its_stream() -> None:
    body = (FOLDER / "chat_llamacpp.json").read_bytes()
    stated = json.loads(body)["usage"]
    observer, sent = observed([body[:100], body[100:]], HEAD, streamed=False)
    assert sent == body
    assert observer.started
    assert observer.ended
    assert observer.model == "smollm2-135m"
    assert observer.usage.prompt + observer.usage.output == stated["total_tokens"]
    last = deltas_of(OPENAI_CHAT, [body], streamed=False)[-1]
    assert isinstance(last, AnswerFinished)
    assert last.usage == observer.usage
    words = "".join(delta.text for delta in deltas_of(OPENAI_CHAT, [body], False) if isinstance(delta, TextDelta))
    assert observer.produced() == words == json.loads(body)["choices"][0]["message"]["content"]


def test_a_body_cut_in_the_middle_still_tells_what_was_produced() -> None:
    body = b'{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hello \\u65e5 wor'
    observer, _ = observed([body], streamed=False)
    assert observer.failure is not None
    assert not observer.ended
    assert observer.produced() == "Hello 日 wor"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "cut"),
        (b"<html>", "malformed"),
        (b"[]", "malformed"),
        (b'{"id":"x"}', "malformed"),
        (b'{"choices":[]}', "malformed"),
        (b'{"error":{"message":"no","code":"insufficient_quota"}}', "unpaid"),
    ],
)
def test_an_unstreamed_answer_that_is_none_is_a_failure(body: bytes, kind: str) -> None:
    last = deltas_of(OPENAI_CHAT, [body], streamed=False)[-1]
    assert isinstance(last, AnswerFailed)
    assert last.failure.kind == kind


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"data: ", b'{"choices":', b"\n\n", b"[DONE]", b"}"]), max_size=20
    )
)
def test_no_bytes_make_the_readers_raise(pieces: list[bytes]) -> None:
    for streamed in (True, False):
        last = deltas_of(OPENAI_CHAT, pieces, streamed)[-1]
        assert isinstance(last, AnswerFinished | AnswerFailed)
        observed(pieces, SILENT, streamed)[0].produced()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TEXT_FIELDS = ("role", "content", "reasoning", "reasoning_content", "refusal", "function_call")
chunk_fields = st.fixed_dictionaries(
    {},
    optional={
        "choices": json_values
        | st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "index": json_values,
                    "delta": json_values
                    | st.fixed_dictionaries(
                        {},
                        optional=dict.fromkeys(TEXT_FIELDS, json_values)
                        | {
                            "tool_calls": json_values
                            | st.lists(
                                st.fixed_dictionaries(
                                    {},
                                    optional={
                                        "index": json_values,
                                        "id": json_values,
                                        "function": json_values
                                        | st.fixed_dictionaries(
                                            {}, optional={"name": json_values, "arguments": json_values}
                                        ),
                                    },
                                ),
                                max_size=3,
                            )
                        },
                    ),
                    "finish_reason": json_values,
                    "logprobs": json_values,
                },
            ),
            max_size=2,
        ),
        "usage": json_values
        | st.dictionaries(
            st.sampled_from(
                ["prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "cost", "cached_tokens"]
            ),
            json_values,
        ),
        "error": json_values,
        "id": json_values,
        "model": json_values,
        "service_tier": json_values,
    },
)


@given(st.lists(chunk_fields, max_size=5), st.booleans())
def test_whatever_a_provider_sends_becomes_a_well_formed_answer(chunks: list[Any], done: bool) -> None:
    data = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    deltas = deltas_of(OPENAI_CHAT, [data + b"data: [DONE]\n\n" * done])
    check_order(deltas)
    observed([data], SILENT)[0].produced()
    for streamed in (True, False):
        writer = OPENAI_CHAT.writer(streamed=streamed, request_id=REQUEST_ID, head=HEAD)
        written = writer.write(deltas) + writer.close()
        if streamed and isinstance(deltas[-1], AnswerFinished):
            assert plain(deltas_of(OPENAI_CHAT, [written])) == plain(deltas)


def check_order(deltas: list[Delta]) -> None:
    """The order that core.answer promises."""
    opened: dict[int, bool] = {}
    for position, delta in enumerate(deltas):
        assert isinstance(delta, AnswerFinished | AnswerFailed) == (position == len(deltas) - 1)
        assert not isinstance(delta, AnswerStarted) or position == 0
        if isinstance(delta, BlockStarted):
            assert delta.index not in opened
            opened[delta.index] = True
        elif isinstance(delta, BlockStopped):
            assert opened[delta.index]
            opened[delta.index] = False
        elif isinstance(delta, TextDelta | ThinkingDelta | ArgumentsDelta | LogprobsDelta):
            assert opened[delta.index]
    if isinstance(deltas[-1], AnswerFinished):
        assert not any(opened.values())


def plain(deltas: list[Delta]) -> dict[str, Any]:
    """What an answer says, however it is cut into deltas."""
    said: dict[str, Any] = {"text": "", "thinking": "", "refusal": "", "calls": []}
    kinds: dict[int, str] = {}
    calls: dict[int, list[str]] = {}
    for delta in deltas:
        if isinstance(delta, BlockStarted):
            kinds[delta.index] = delta.kind
            if delta.kind == "tool_call":
                calls[delta.index] = [delta.id, delta.name, ""]
        elif isinstance(delta, TextDelta):
            said[kinds[delta.index]] += delta.text
        elif isinstance(delta, ThinkingDelta):
            said["thinking"] += delta.text
        elif isinstance(delta, ArgumentsDelta):
            calls[delta.index][2] += delta.json
        elif isinstance(delta, AnswerFinished):
            said["usage"] = delta.usage
    said["calls"] = [(call_id, name, arguments.strip()) for call_id, name, arguments in calls.values()]
    return said


FINISHED = [name for name in CHAT_STREAMS if expected(name)[-1]["delta"] == "AnswerFinished"]


@pytest.mark.parametrize("name", FINISHED)
def test_what_was_read_is_what_is_written(name: str) -> None:
    deltas = deltas_of(OPENAI_CHAT, [stream(name)])
    writer = OPENAI_CHAT.writer(streamed=True, request_id=REQUEST_ID, head=HEAD)
    written = b"".join(writer.write([delta]) for delta in deltas) + writer.close()
    again = deltas_of(OPENAI_CHAT, [written])
    assert plain(again) == plain(deltas)
    whole = OPENAI_CHAT.writer(streamed=False, request_id=REQUEST_ID, head=HEAD)
    assert whole.write(deltas) == b""
    unstreamed = deltas_of(OPENAI_CHAT, [whole.close()], streamed=False)
    assert plain(unstreamed) == plain(deltas)
    last, first, stated = again[-1], deltas[-1], unstreamed[-1]
    assert isinstance(last, AnswerFinished)
    assert isinstance(first, AnswerFinished)
    assert isinstance(stated, AnswerFinished)
    assert last.stop_reason == first.stop_reason == stated.stop_reason


def written_chunks(deltas: list[Delta], head: Head = HEAD) -> list[dict[str, Any]]:
    writer = OPENAI_CHAT.writer(streamed=True, request_id=REQUEST_ID, head=head)
    data = writer.write(deltas) + writer.close()
    assert data.endswith(b"data: [DONE]\n\n")
    return [json.loads(line[6:]) for line in data.decode().split("\n\n")[:-2]]


def test_a_written_stream_is_one_that_the_official_client_would_accept() -> None:
    from openai.types.chat import ChatCompletionChunk

    chunks = written_chunks(deltas_of(OPENAI_CHAT, [stream("chat_openai_tools")]))
    for chunk in chunks:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks} == {
        ("chatcmpl-01ARZ3NDEKTSV4RRFFQ69G5FAV", 1469922850, "openai_tools")
    }
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    calls = [call for chunk in chunks for choice in chunk["choices"] for call in choice["delta"].get("tool_calls", [])]
    assert [call["index"] for call in calls] == [0, 0, 0, 1, 1]  # text stands before them, and is not counted
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["prompt_tokens"] == 2006
    assert chunks[-1]["usage"]["prompt_tokens_details"] == {
        "cached_tokens": 1920,
        "cache_write_tokens": 50,
        "audio_tokens": 0,
    }
    silent = written_chunks(deltas_of(OPENAI_CHAT, [stream("chat_openai_tools")]), SILENT)
    assert silent == chunks[:-1]


def test_a_completion_is_one_that_the_official_client_would_accept() -> None:
    from openai.types.chat import ChatCompletion

    writer = OPENAI_CHAT.writer(streamed=False, request_id=REQUEST_ID, head=HEAD)
    writer.write(deltas_of(OPENAI_CHAT, [stream("chat_openai_tools")]))
    completion = ChatCompletion.model_validate(json.loads(writer.close()), strict=True)
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    assert [(call.id, call.type) for call in calls] == [("call_A1b2", "function"), ("call_C3d4", "function")]
    assert completion.usage is not None
    assert completion.usage.total_tokens == 2306


def test_logprobs_come_through() -> None:
    deltas = deltas_of(OPENAI_CHAT, [stream("chat_llamacpp")])
    tokens = [
        token["token"]
        for chunk in written_chunks(deltas)
        for choice in chunk["choices"]
        for token in (choice["logprobs"] or {"content": []})["content"]
    ]
    assert tokens == ["That", " would", " be", ":", " Red", ",", " Blue", ","]


def test_an_answer_that_broke_off_ends_with_an_error_and_no_done() -> None:
    failed = AnswerFailed(Failure(kind="overloaded", message="Too busy."), Usage())
    writer = OPENAI_CHAT.writer(streamed=True, request_id=REQUEST_ID, head=HEAD)
    data = writer.write([AnswerStarted("x", "m", Usage()), failed]) + writer.close()
    assert json.loads(data[6:]) == {
        "error": {"message": "Too busy.", "type": "server_error", "param": None, "code": "overloaded"}
    }
    whole = OPENAI_CHAT.writer(streamed=False, request_id=REQUEST_ID, head=HEAD)
    whole.write([failed])
    assert json.loads(whole.close())["error"]["message"] == "Too busy."


def test_a_ping_is_no_event() -> None:
    ping = OPENAI_CHAT.writer(streamed=True, request_id=REQUEST_ID, head=HEAD).ping()
    data = stream("chat_openai_tools")
    assert as_json(deltas_of(OPENAI_CHAT, [ping, data])) == expected("chat_openai_tools")

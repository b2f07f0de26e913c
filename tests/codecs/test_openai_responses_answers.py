"""Answers of Responses: read in any cutting, watched in passing, written so that the official client's helper works."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.codecs.openai_responses.answer_observer import Observer
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    BlockStarted,
    BlockStopped,
    Delta,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.ask import Head
from tenbin.core.problems import Failure
from tenbin.core.usage import Usage
from tests.codecs.openai_golden import (
    CHAT_STREAMS,
    FOLDER,
    RESPONSES_STREAMS,
    as_json,
    cut,
    deltas_of,
    expected,
    stream,
    target,
)
from tests.codecs.test_openai_chat_answers import check_order, plain

HEAD = Head(model="asked", stream=True)
REQUEST_ID = "req_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def observed(pieces: Any, streamed: bool = True) -> tuple[Observer, bytes]:
    observer = OPENAI_RESPONSES.observer(streamed=streamed, head=HEAD, target=target())
    forwarded = b"".join([observer.feed(piece) for piece in pieces])
    forwarded += observer.finish()
    assert isinstance(observer, Observer)
    return observer, forwarded


def written(deltas: list[Delta], streamed: bool = True) -> bytes:
    writer = OPENAI_RESPONSES.writer(streamed=streamed, request_id=REQUEST_ID, head=HEAD)
    return b"".join([writer.write([delta]) for delta in deltas]) + writer.close()


def events_of(data: bytes) -> list[dict[str, Any]]:
    events = []
    for block in data.decode().split("\n\n")[:-1]:
        name, _, value = block.partition("\ndata: ")
        events.append(json.loads(value))
        assert name == f"event: {events[-1]['type']}"
    return events


@pytest.mark.parametrize("name", RESPONSES_STREAMS)
def test_a_stream_becomes_these_deltas(name: str) -> None:
    deltas = deltas_of(OPENAI_RESPONSES, [stream(name)])
    assert as_json(deltas) == expected(name)
    check_order(deltas)


@given(st.sampled_from(RESPONSES_STREAMS), st.lists(st.integers(0, 20_000), max_size=30))
def test_any_cutting_gives_the_same(name: str, places: list[int]) -> None:
    assert as_json(deltas_of(OPENAI_RESPONSES, cut(stream(name), places))) == expected(name)
    whole, sent = observed([stream(name)])
    pieces, sent_in_pieces = observed(cut(stream(name), places))
    assert sent == sent_in_pieces == stream(name)
    for field in ("usage", "started", "ended", "failure", "model", "stop_reason", "provider_cost", "service_tier"):
        assert getattr(pieces, field) == getattr(whole, field), field
    assert pieces.produced() == whole.produced()


@pytest.mark.parametrize("name", RESPONSES_STREAMS)
def test_what_is_watched_is_what_is_read(name: str) -> None:
    observer, _ = observed([stream(name)])
    last = deltas_of(OPENAI_RESPONSES, [stream(name)])[-1]
    assert isinstance(last, AnswerFinished | AnswerFailed)
    assert observer.usage == last.usage
    assert observer.ended == isinstance(last, AnswerFinished)
    if isinstance(last, AnswerFinished):
        assert observer.stop_reason == last.stop_reason
        assert observer.service_tier == last.service_tier
    elif last.failure.kind != "cut":
        assert observer.failure == last.failure


def test_an_unstreamed_answer_says_and_costs_the_same_as_its_stream() -> None:
    body = (FOLDER / "responses_openai_full.json").read_bytes()
    streamed = deltas_of(OPENAI_RESPONSES, [stream("responses_openai_full")])
    whole = deltas_of(OPENAI_RESPONSES, [body], streamed=False)
    check_order(whole)
    assert plain(whole) == plain(streamed)
    assert whole[-1] == streamed[-1]
    observer, sent = observed([body], streamed=False)
    assert sent == body
    last = whole[-1]
    assert isinstance(last, AnswerFinished)
    assert (observer.usage, observer.stop_reason) == (last.usage, "tool_use")
    assert observer.ended
    assert observer.usage.prompt + observer.usage.output == json.loads(body)["usage"]["total_tokens"]
    assert observer.usage == Usage(
        input=100, cache_read=100, cache_write_5m=50, cache_write_1h=250, output=90, reasoning=64, web_searches=1
    )


def test_an_answer_that_only_its_last_event_tells_is_read_whole() -> None:
    full = deltas_of(OPENAI_RESPONSES, [stream("responses_openai_full")])
    only = deltas_of(OPENAI_RESPONSES, [stream("responses_only_completed")])
    assert plain(only) == plain(full)


@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([b"data: ", b'{"type":"response.', b"\n\n", b"error", b'"}']),
        max_size=20,
    )
)
def test_no_bytes_make_the_readers_raise(pieces: list[bytes]) -> None:
    for streamed in (True, False):
        assert isinstance(deltas_of(OPENAI_RESPONSES, pieces, streamed)[-1], AnswerFinished | AnswerFailed)
        observed(pieces, streamed)[0].produced()


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "id", "text", "content", "summary", "refusal", "arguments", "name", "usage"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=5,
)
items = values | st.fixed_dictionaries(
    {
        "type": st.sampled_from(["message", "function_call", "reasoning", "web_search_call"]),
        "id": st.sampled_from(["a", "b"]),
    },
    optional={
        "content": values,
        "summary": values,
        "arguments": values,
        "call_id": values,
        "encrypted_content": values,
    },
)
responses = values | st.fixed_dictionaries(
    {},
    optional={
        "id": values,
        "model": values,
        "usage": values,
        "output": values | st.lists(items, max_size=2),
        "error": values,
    },
)
EVENTS = [
    *("response.created", "response.output_item.added", "response.output_item.done", "response.output_text.delta"),
    *("response.refusal.delta", "response.function_call_arguments.delta", "response.function_call_arguments.done"),
    *("response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.completed"),
    *("response.incomplete", "response.failed", "error", "response.brand_new.delta"),
]
provider_events = st.fixed_dictionaries(
    {"type": st.sampled_from(EVENTS) | values},
    optional={
        "response": responses,
        "item": items,
        "item_id": st.sampled_from(["a", "b"]) | values,
        "output_index": values,
        "content_index": values,
        "delta": st.text(max_size=4) | values,
        "arguments": values,
        "error": values,
        "code": values,
        "message": values,
    },
)


@given(st.lists(provider_events, max_size=8))
def test_whatever_a_provider_sends_becomes_a_well_formed_answer(events: list[Any]) -> None:
    data = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    deltas = deltas_of(OPENAI_RESPONSES, [data])
    check_order(deltas)
    observed([data])[0].produced()
    written(deltas, streamed=False)
    if isinstance(deltas[-1], AnswerFinished):
        assert plain(deltas_of(OPENAI_RESPONSES, [written(deltas)])) == with_arguments(plain(deltas))


def with_arguments(said: dict[str, Any]) -> dict[str, Any]:
    """Responses always gives a call its arguments: an empty object for none."""
    return {**said, "calls": [(call_id, name, arguments or "{}") for call_id, name, arguments in said["calls"]]}


FINISHED = [name for name in CHAT_STREAMS + RESPONSES_STREAMS if expected(name)[-1]["delta"] == "AnswerFinished"]


@pytest.mark.parametrize("name", FINISHED)
def test_what_was_read_is_what_is_written(name: str) -> None:
    source = OPENAI_CHAT if name.startswith("chat_") else OPENAI_RESPONSES
    deltas = deltas_of(source, [stream(name)])
    assert plain(deltas_of(OPENAI_RESPONSES, [written(deltas)])) == plain(deltas)
    assert plain(deltas_of(OPENAI_RESPONSES, [written(deltas, streamed=False)], streamed=False)) == plain(deltas)


def test_every_event_is_numbered_and_says_what_it_belongs_to() -> None:
    events = events_of(written(deltas_of(OPENAI_RESPONSES, [stream("responses_openai_full")])))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    added = [event for event in events if event["type"] == "response.output_item.added"]
    assert [(event["output_index"], event["item"]["type"]) for event in added] == [
        (0, "reasoning"),
        (1, "message"),
        (2, "function_call"),
    ]
    for event in events:
        if "item_id" in event:
            assert event["item_id"] == added[event["output_index"]]["item"]["id"]
        if "output_text" in event["type"]:
            assert event["content_index"] == 0
    final = events[-1]["response"]
    assert events[-1]["type"] == "response.completed"
    assert final["created_at"] == 1469922850
    assert [item["id"] for item in final["output"]] == [event["item"]["id"] for event in added]
    assert final["usage"]["total_tokens"] == 590
    assert final["usage"]["input_tokens_details"]["cache_write_tokens_details"] == {
        "ttl_30m_tokens": 50,
        "ttl_12h_tokens": 250,
    }


class _Answer(BaseHTTPRequestHandler):
    answer = b""
    content_type = "text/event-stream"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", self.content_type)
        self.send_header("content-length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with openai.OpenAI(api_key="x", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=0) as made:
            yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("name", FINISHED)
def test_the_official_clients_stream_helper_takes_every_written_answer(name: str, client: openai.OpenAI) -> None:
    """Among them what llama.cpp's own events, passed on as they are, make it die of."""
    source = OPENAI_CHAT if name.startswith("chat_") else OPENAI_RESPONSES
    deltas = deltas_of(source, [stream(name)])
    _Answer.answer = written(deltas)
    with client.responses.stream(model="m", input="x") as events:
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        said = plain(deltas)
        assert text == said["text"]
        if events_of(_Answer.answer)[-1]["type"] == "response.completed":
            final = events.get_final_response()
            assert final.output_text == said["text"]
            calls = [
                (item.call_id, item.name, item.arguments.strip())
                for item in final.output
                if item.type == "function_call"
            ]
            assert calls == said["calls"]
            assert final.usage is not None
            assert final.usage.input_tokens == said["usage"].prompt


def test_an_unstreamed_answer_is_taken_by_the_official_client(client: openai.OpenAI) -> None:
    deltas = deltas_of(OPENAI_RESPONSES, [stream("responses_openai_full")])
    _Answer.answer, _Answer.content_type = written(deltas, streamed=False), "application/json"
    try:
        response = client.responses.create(model="m", input="x")
    finally:
        _Answer.content_type = "text/event-stream"
    assert response.output_text == "Hello 世界"
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]


def test_a_broken_answer_is_an_error_that_the_official_client_raises(client: openai.OpenAI) -> None:
    failed = AnswerFailed(Failure(kind="rate_limited", message="Slow down."), Usage())
    _Answer.answer = written([AnswerStarted("x", "m", Usage()), failed])
    events = events_of(_Answer.answer)
    assert (events[-1]["type"], events[-1]["code"], events[-1]["sequence_number"]) == (
        "error",
        "rate_limit_exceeded",
        2,
    )
    with pytest.raises(openai.APIError, match="Slow down"), client.responses.stream(model="m", input="x") as stream_:
        stream_.until_done()


def test_an_answer_cut_at_its_limit_is_incomplete() -> None:
    deltas = deltas_of(OPENAI_RESPONSES, [stream("responses_incomplete")])
    event = events_of(written(deltas))[-1]
    assert event["type"] == "response.incomplete"
    assert event["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert json.loads(written(deltas, streamed=False))["status"] == "incomplete"


def test_signed_and_redacted_thinking_travels_marked_with_its_writer() -> None:
    deltas: list[Delta] = [
        AnswerStarted("x", "claude-x", Usage()),
        BlockStarted(index=0, kind="thinking"),
        ThinkingDelta(0, "hm"),
        SignatureDelta(0, "sig"),
        BlockStopped(0),
        BlockStarted(index=1, kind="redacted_thinking", data="secret"),
        BlockStopped(1),
        BlockStarted(index=2, kind="text"),
        TextDelta(2, "A"),
        BlockStopped(2),
        AnswerFinished("end_turn", Usage()),
    ]
    output = events_of(written(deltas))[-1]["response"]["output"]
    assert output[0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert output[0]["encrypted_content"] == "tenbin:claude-x:sig"
    assert output[1]["encrypted_content"] == "tenbin:claude-x:redacted:secret"
    body = json.dumps({"model": "m", "input": [{"role": "user", "content": "x"}, *output]}).encode()
    signed, redacted, text = OPENAI_RESPONSES.read(body).turns[1].parts
    assert (signed.text, signed.signature) == ("hm", "tenbin:claude-x:sig")  # type: ignore[union-attr]
    assert redacted.redacted == "tenbin:claude-x:secret"  # type: ignore[union-attr]
    assert text.text == "A"  # type: ignore[union-attr]

"""Clients that read slowly, or not at all, and what they are given in silent gaps; bodies and answers on the wire."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tenbin.api import client_side
from tenbin.api.client_side import JOINED_BYTES, Request
from tenbin.config.model import Limits
from tenbin.simulator import RunningSimulator
from tests.api.raw import Raw, post
from tests.api.wire import Application, Wire, echo, server
from tests.execute.conftest import Caller, chained, events, said
from tests.real.books import Books, House, serving, wait_until

BODY = json.dumps(
    {"model": "one", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
).encode()


def long_stream(megabytes: int) -> str:
    """An Anthropic stream of about that size."""
    usage = {"input_tokens": 7, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "usage": usage}
    start: list[dict] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    delta: dict = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x" * 10_000}}
    end: list[dict] = [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 99}},
        {"type": "message_stop"},
    ]
    listed: list[dict] = [*start, *[delta] * (megabytes * 100), *end]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in listed)


def test_a_slow_client_gets_every_byte(url: str, books: Books, simulator: RunningSimulator) -> None:
    text = long_stream(12)
    simulator.script(raw=text, content_type="text/event-stream")
    with Raw(url, seconds=30) as raw:
        raw.send(post("/v1/messages", BODY))
        time.sleep(1)  # longer than the idle limit: it is not the provider who is silent
        response, body = raw.answer()
        assert response.status == 200
        assert body == text.encode()
    receipt = books.one()
    assert receipt.outcome == "answered"
    assert (receipt.usage.input, receipt.usage.output) == (7, 99)


def test_a_client_that_never_reads_is_let_go(
    url: str, books: Books, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_side, "STUCK_SECONDS", 0.5)
    simulator.script(raw=long_stream(25), content_type="text/event-stream")
    with Raw(url) as raw:
        raw.send(post("/v1/messages", BODY))
        wait_until(lambda: bool(simulator.requests()), "the request", 5)
        receipt = books.one()
    assert receipt.outcome == "cancelled"
    assert receipt.usage.output > 1_000
    assert receipt.usage.output_estimated


@pytest.fixture(scope="module")
def chatty(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    config = chained(simulator_running.url, ping_seconds=0.2, timeouts={"idle": 5})
    with serving(config, tmp_path_factory.mktemp("chatty")) as running:
        yield running


@pytest.mark.parametrize("place", [2, 8])
@pytest.mark.parametrize("model", ["one", "chat"])
@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
def test_a_silent_gap_is_filled_with_pings(
    chatty: House, simulator: RunningSimulator, dialect: str, model: str, place: int
) -> None:
    chatty.books.new()
    caller = Caller(chatty.url)
    simulator.script(text="One two three four five six seven.", chunk_tokens=1, stall_after_events=place, stall_ms=700)
    response = caller.ask(dialect, model, stream=True)
    caller.http.close()
    assert said(response, dialect, True) == "One two three four five six seven."
    mark = "event: ping\n" if dialect == "anthropic" else ": ping\n"
    assert response.text.count(mark) >= 2
    if dialect == "anthropic":
        assert {"type": "ping"} in events(response)
    assert chatty.books.one().outcome == "answered"


# -- the request itself, at a server whose application the test gives


def talk(application: Application, *pieces: bytes, **limits: Any) -> Wire:
    """The wire behind the answers to these pieces, and the end of the connection."""

    async def scenario() -> Wire:
        wire = Wire(server(application, Limits(**limits)))
        await wire.feed(*pieces)
        wire.ended = wire.ended or wire.closed
        wire.close()
        await wire.settle()
        return wire

    return asyncio.run(scenario())


async def hasty(request: Request) -> None:
    """Answers without a look at the body."""
    await request.respond(404, [(b"x-path", request.path.encode())], b"no")


def test_an_answer_before_the_body_leaves_the_connection_good_for_the_next_request() -> None:
    first, second = post("/one", b"x" * 100), post("/two", b"")
    wire = talk(hasty, first[:-60], first[-60:-20], first[-20:] + second)
    assert not wire.ended
    assert wire.written.count(b"HTTP/1.1 404 Not Found\r\n") == 2
    assert b"x-path: /two\r\n" in wire.written


def test_a_client_that_waits_to_be_asked_for_its_body_is_not_asked_behind_an_answer() -> None:
    wire = talk(hasty, post("/one", b"x" * 100, b"expect: 100-continue")[:-100])
    assert wire.written.startswith(b"HTTP/1.1 404 ")
    assert b" 100 " not in wire.written
    assert wire.ended


def test_a_client_is_asked_for_its_body_once_and_only_when_it_waits() -> None:
    request = post("/one", b"hello", b"expect: 100-Continue")
    assert talk(echo, request[:-5], b"hel", b"lo").written.count(b"HTTP/1.1 100 Continue\r\n\r\n") == 1
    assert b" 100 " not in talk(echo, request).written
    assert b" 100 " not in talk(echo, request.replace(b"HTTP/1.1", b"HTTP/1.0")[:-5], b"hello").written
    refused = talk(echo, request[:-5], body_bytes=4).written
    assert refused.startswith(b"HTTP/1.1 413 ")
    assert b" 100 " not in refused


def test_a_chunked_body_over_the_limit_is_refused_as_soon_as_it_is_over() -> None:
    head = b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
    wire = talk(echo, head, *[b"5\r\nhello\r\n"] * 3, body_bytes=14)
    assert wire.written.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close\r\n" in wire.written
    assert wire.ended
    assert talk(echo, head, *[b"5\r\nhello\r\n"] * 2, b"0\r\n\r\n", body_bytes=14).written.startswith(b"HTTP/1.1 200 ")


def test_the_answer_to_head_has_a_length_and_no_body() -> None:
    wire = talk(hasty, b"HEAD /one HTTP/1.1\r\n\r\nGET /two HTTP/1.1\r\n\r\n")
    first, second = wire.written.split(b"HTTP/1.1 404 Not Found\r\n")[1:]
    assert first == b"x-path: /one\r\ncontent-length: 2\r\n\r\n"
    assert second == b"x-path: /two\r\ncontent-length: 2\r\n\r\nno"


@pytest.mark.parametrize("status", [404, 529, 599, 999])
@pytest.mark.parametrize("size", [0, 10, JOINED_BYTES, JOINED_BYTES + 1])
def test_an_answer_of_any_status_and_size(status: int, size: int) -> None:
    async def application(request: Request) -> None:
        await request.respond(status, [], b"x" * size)

    head, _, body = talk(application, post("/", b"")).written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert body == b"x" * size


def test_http_1_0_is_streamed_to_without_chunks_until_the_end() -> None:
    async def application(request: Request) -> None:
        await request.start(200, [])
        await request.write(b"one ")
        await request.write(b"")
        await request.finish(b"two")

    for request, body in [
        (post("/", b"").replace(b"1.1", b"1.0"), b"connection: close\r\n\r\none two"),
        (post("/", b""), b"transfer-encoding: chunked\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"),
    ]:
        wire = talk(application, request)
        assert wire.written == b"HTTP/1.1 200 OK\r\n" + body
        assert wire.ended == (b"close" in body)

"""Nothing that a client can send harms the gateway; a mistake is told in the client's dialect, with its field."""

import json
import socket
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.api.conftest import LIMITS
from tests.api.raw import Raw, post
from tests.execute.conftest import Caller
from tests.real.books import Books, wait_until

PATHS = ["/v1/messages", "/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages/count_tokens"]
GOOD = json.dumps({"model": "one", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}).encode()


def check_error(path: str, status: int, body: bytes, headers: Any) -> dict[str, Any]:
    """An error answer in the dialect of a path; its error object."""
    assert 400 <= status < 600
    told: dict[str, Any] = json.loads(body)
    error: dict[str, Any] = told["error"]
    assert error["message"]
    assert error["type"]
    assert headers["x-tenbin-request-id"].startswith("req_")
    if "messages" in path:
        assert told["type"] == "error"
        assert headers["request-id"] == headers["x-tenbin-request-id"]
    else:
        assert "type" not in told
        assert headers["x-request-id"] == headers["x-tenbin-request-id"]
    return error


def test_an_unknown_path(caller: Caller) -> None:
    for path in (
        "/nothing",
        "/v1/completions",
        "/v1/messages/batches",
        "/v1//messages",
        "/%00",
        "/日本",
        "/v1/messages/",
    ):
        for method in ("GET", "POST", "DELETE"):
            response = caller.http.request(method, path)
            assert response.status_code == 404
            error = check_error(path, 404, response.content, response.headers)
            assert "/v1/chat/completions" in error["message"]


def test_a_wrong_method(caller: Caller) -> None:
    for path, method, allowed in [
        ("/v1/messages", "GET", "POST"),
        ("/v1/chat/completions", "PUT", "POST"),
        ("/v1/models", "POST", "GET"),
        ("/metrics", "DELETE", "GET"),
        ("/health/readiness", "POST", "GET"),
    ]:
        response = caller.http.request(method, path)
        assert response.status_code == 405
        assert response.headers["allow"] == allowed
        assert allowed in check_error(path, 405, response.content, response.headers)["message"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"words"',
        b"{}",
        b"\xff\xfe{}",
        b'{"model": 5}',
        b'{"model": null, "messages": []}',
        b'{"model": "\xff", "messages": []}',
        b'{"model": "\\ud800", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}',
        b'{"model": "one", "messages": "x"',
        b'{"model": "one" "messages": []}',
        b'{"model": "one", "x": \x00}',
        b'{"model": "one", "x": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"model": "one", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"model": "one", "x": ' + b"9" * 100_000 + b".e}",
    ],
    ids=lambda body: body[:30].decode("latin-1"),
)
def test_a_body_that_cannot_be_read(caller: Caller, simulator: RunningSimulator, path: str, body: bytes) -> None:
    response = caller.http.post(path, content=body)
    assert 400 <= response.status_code < 500
    check_error(path, response.status_code, response.content, response.headers)
    assert simulator.requests() == []
    assert caller.ask("anthropic", "one").status_code == 200


@pytest.mark.parametrize("model", ["one", "chat"])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/messages", {"messages": "x"}),
        ("/v1/messages", {"messages": [5]}),
        ("/v1/messages", {"messages": [{"role": "user", "content": 5}]}),
        ("/v1/messages", {"max_tokens": "many"}),
        ("/v1/messages", {"stream": "yes"}),
        ("/v1/messages", {"tools": "hammer"}),
        ("/v1/chat/completions", {"messages": {}}),
        ("/v1/chat/completions", {"messages": [{"role": 5}]}),
        ("/v1/chat/completions", {"stream": 1}),
        ("/v1/chat/completions", {"tools": [5]}),
    ],
)
def test_wrong_types(caller: Caller, path: str, fields: dict[str, Any], model: str) -> None:
    body = {"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "x"}], **fields}
    response = caller.http.post(path, json=body)
    assert response.status_code == 400, response.text
    assert next(iter(fields)) in json.dumps(response.json()["error"])


# -- sizes


def test_a_body_over_the_limit_is_refused_before_it_comes(url: str) -> None:
    with Raw(url) as raw:
        raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: 30000001\r\n\r\n")
        response, body = raw.answer()
        assert response.status == 413
        assert "30000000" in check_error("/v1/messages", 413, body, response.headers)["message"]
        assert raw.closed()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_all_of_it_still_reads_why_it_was_refused(url: str, chunked: bool) -> None:
    """Most clients send the whole body before they read: a connection that is reset then tells them nothing."""
    size = 31_000_000
    with Raw(url) as raw:
        raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n")
        if chunked:
            raw.send(b"transfer-encoding: chunked\r\n\r\n")
            for _ in range(size // 100_000):
                raw.send(b"186a0\r\n" + b"x" * 100_000 + b"\r\n")
            raw.send(b"0\r\n\r\n")
        else:
            raw.send(b"content-length: %d\r\n\r\n" % size)
            for _ in range(size // 100_000):
                raw.send(b"x" * 100_000)
        response, body = raw.answer()
        assert response.status == 413
        check_error("/v1/messages", 413, body, response.headers)


def test_a_body_of_exactly_the_limit_passes(caller: Caller, simulator: RunningSimulator) -> None:
    start, end = b'{"model":"one","max_tokens":1,"x":"', b'","messages":[{"role":"user","content":"Hi"}]}'
    body = start + b"x" * (30_000_000 - len(start) - len(end)) + end
    assert caller.http.post("/v1/messages", content=body).status_code == 200
    assert len(simulator.simulator.log[0].body) == 30_000_000 - len("one") + len("claude-sonnet-4-6")


@pytest.mark.parametrize(
    "head",
    [
        b"x-large: " + b"y" * 25_000 + b"\r\n",
        b"".join(b"x-%d: y\r\n" % number for number in range(3_000)),
    ],
    ids=["one", "many"],
)
def test_headers_over_the_limit(url: str, head: bytes) -> None:
    with Raw(url) as raw:
        raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n" + head + b"content-length: 0\r\n\r\n")
        response, body = raw.answer()
        assert response.status == 431
        assert str(LIMITS["header_bytes"]) in json.loads(body)["error"]["message"]
        assert raw.closed()


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nx-endless: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_without_end(url: str, start: bytes) -> None:
    more = b"x-more: y\r\n" * 100 if start.endswith(b"\n") else b"y" * 1_000
    with Raw(url) as raw:
        raw.send(start)
        answer = b""
        try:
            for _ in range(100_000):
                raw.send(more)
        except ConnectionError:
            pass
        else:
            pytest.fail("the gateway takes a head without end")
        answer = raw.rest()
        assert answer == b"" or b" 431 " in answer


def test_a_long_url_is_a_part_of_the_head(url: str) -> None:
    with Raw(url) as raw:
        raw.send(b"GET /" + b"x" * 30_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert raw.answer("GET")[0].status == 431


# -- slowness


def test_a_slow_loris(url: str) -> None:
    with Raw(url) as raw:
        raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: local")
        response, body = raw.answer()
        assert response.status == 408
        assert json.loads(body)["error"]["message"]
        assert raw.closed()


def test_a_slow_loris_on_a_connection_that_has_served_before(url: str) -> None:
    with Raw(url) as raw:
        raw.send(post("/v1/messages", GOOD))
        assert raw.answer()[0].status == 200
        raw.send(b"POST /v1/mess")
        assert raw.answer()[0].status == 408


def test_a_connection_that_asks_nothing_is_closed(url: str) -> None:
    with Raw(url) as raw:
        assert raw.closed()


@pytest.mark.parametrize("begun", [b"", b"{"])
def test_a_body_that_does_not_come(url: str, begun: bytes) -> None:
    with Raw(url) as raw:
        raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n" + begun)
        response, body = raw.answer()
        assert response.status == 408
        assert "body_seconds" in check_error("/v1/messages", 408, body, response.headers)["message"]
        assert raw.closed()


def test_a_chunked_body_in_pieces(url: str) -> None:
    with Raw(url) as raw:
        raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n")
        for byte in GOOD:
            raw.send(b"1\r\n%c\r\n" % byte)
        raw.send(b"0\r\n\r\n")
        assert raw.answer()[0].status == 200


def test_a_client_that_leaves_in_the_middle_of_its_body(url: str, books: Books) -> None:
    with Raw(url) as raw:
        raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{")
    assert books.new(0) == []


# -- the odd ones


def test_a_compressed_body(caller: Caller) -> None:
    for encoding in ("gzip", "br", "zstd", "nonsense"):
        response = caller.http.post("/v1/messages", content=b"x", headers={"content-encoding": encoding})
        assert response.status_code == 415
        check_error("/v1/messages", 415, response.content, response.headers)
    assert caller.http.post("/v1/messages", content=GOOD, headers={"content-encoding": "identity"}).status_code == 200


def test_probes(caller: Caller) -> None:
    for path in ("/", "/api/hello"):
        for method in ("HEAD", "GET"):
            response = caller.http.request(method, path)
            assert response.status_code == 200
            assert bool(response.content) == (method == "GET")
    assert caller.http.head("/v1/models").status_code == 200
    assert caller.http.head("/v1/messages").status_code == 405


def test_telemetry_is_taken_and_dropped(caller: Caller) -> None:
    for path in ("/v1/metrics", "/v1/logs", "/v1/traces"):
        assert caller.http.post(path, content=b"\x0a\xff").status_code == 200


def test_a_query_is_no_part_of_the_path(caller: Caller, simulator: RunningSimulator) -> None:
    assert caller.http.post("/v1/messages?beta=true&x=%20%ff", content=GOOD).status_code == 200
    assert simulator.requests()[0]["query"] == "beta=true&x=%20%ff"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        b"POST /v1/messages HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nhello",
        b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/messages HTTP/1.1\r\nx: a\x00b\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nno colon\r\n\r\n",
        b"CONNECT provider.test:443 HTTP/1.1\r\nhost: provider.test\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"GET http://localhost/v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ],
    ids=lambda garbage: garbage[:20].decode("latin-1"),
)
def test_garbage_is_answered_or_closed_and_the_next_request_is_served(url: str, caller: Caller, garbage: bytes) -> None:
    with Raw(url) as raw:
        raw.send(garbage)
        raw.socket.shutdown(socket.SHUT_WR)
        answer = raw.rest()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert caller.ask("anthropic", "one").status_code == 200


def test_pipelined_requests_are_answered_in_order(url: str, books: Books) -> None:
    with Raw(url) as raw:
        unknown = b"GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n"
        raw.send(post("/v1/messages", GOOD) + unknown + post("/v1/messages", b"{"))
        assert [raw.answer()[0].status for _ in range(3)] == [200, 404, 400]
    assert len(books.new(1)) == 1


def test_a_client_that_leaves_pipelined_requests_behind(
    url: str, caller: Caller, books: Books, simulator: RunningSimulator
) -> None:
    simulator.script(delay_ms=600)
    with Raw(url) as raw:
        raw.send(post("/v1/messages", GOOD) * 3)
        wait_until(lambda: len(simulator.requests()) == 1, "the first request", 5)
    assert [receipt.outcome for receipt in books.new(1)] == ["cancelled"]
    wait_until(lambda: simulator.requests()[0]["outcome"] == "client_gone", "the provider to see it", 5)
    assert caller.ask("anthropic", "one").status_code == 200


def test_a_second_request_whose_head_is_late_does_not_harm_the_first(
    url: str, books: Books, simulator: RunningSimulator
) -> None:
    """While an answer streams, the client has sent half of its next request: the answer comes whole all the same."""
    simulator.script(output_tokens=60, tick_ms=60)
    streamed = json.dumps({**json.loads(GOOD), "stream": True}).encode()
    with Raw(url) as raw:
        raw.send(post("/v1/messages", streamed) + b"POST /v1/mess")
        response, body = raw.answer()
        assert response.status == 200
        assert body.rstrip().endswith(b'{"type":"message_stop"}')
    assert books.one().outcome == "answered"


def test_http_1_0(url: str, simulator: RunningSimulator) -> None:
    for stream in (False, True):
        body = json.dumps({**json.loads(GOOD), "stream": stream}).encode()
        with Raw(url) as raw:
            raw.send(post("/v1/messages", body).replace(b"HTTP/1.1", b"HTTP/1.0"))
            response, answer = raw.answer()
            assert response.status == 200
            assert response.headers["transfer-encoding"] is None
            assert b"text" in answer
            assert raw.closed()


def test_expect_100_continue(url: str) -> None:
    with Raw(url) as raw:
        raw.send(post("/v1/messages", GOOD, b"expect: 100-continue")[: -len(GOOD)])
        assert raw.socket.recv(100).startswith(b"HTTP/1.1 100 ")
        raw.send(GOOD)
        assert raw.answer()[0].status == 200

"""Attacks by clients: requests that say one thing to us and another to the provider, or that should stop us."""

import json
import socket
from typing import Any

import pytest

from tests.api.raw import Raw, post
from tests.execute.conftest import Caller
from tests.real.books import House
from tests.security.listener import Listener

MESSAGES = [{"role": "user", "content": "Hi"}]
PATHS: dict[str, tuple[str, dict[str, Any]]] = {
    "/v1/messages": ("one", {"max_tokens": 5, "messages": MESSAGES}),
    "/v1/messages/count_tokens": ("one", {"messages": MESSAGES}),
    "/v1/chat/completions": ("chat", {"messages": MESSAGES}),
    "/v1/responses": ("told", {"input": "Hi"}),
    "/v1/embeddings": ("chat", {"input": "Hi"}),
}
POSTS = [*PATHS, "/v1/feedback"]


def body_of(path: str) -> dict[str, Any]:
    model, fields = PATHS[path]
    return {"model": model, **fields}


def refused(response: Any) -> str:
    """What a client is told; fails unless it is a 4xx in JSON."""
    assert 400 <= response.status_code < 500, (response.status_code, response.text[:300])
    error = response.json()["error"]
    assert "Traceback" not in response.text
    return str(error["message"])


# -- one thing said to us, another to the provider


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("extra", ["model", "max_tokens", "stream", "n", "service_tier", "tools"])
def test_a_field_that_stands_twice(
    caller: Caller, provider: Listener, path: str, separators: tuple[str, str], extra: str
) -> None:
    values = {"model": '"dear"', "max_tokens": "100000", "stream": "true", "n": "128", "service_tier": '"priority"'}
    whole = json.dumps({extra: json.loads(values.get(extra, "[]")), **body_of(path)}, separators=separators)
    for twice in (
        whole[:-1] + f',"{extra}":{values.get(extra, "[]")}}}',
        f'{{"{extra}":{values.get(extra, "[]")},' + whole[1:],
        whole[:-1] + f',"\\u{ord(extra[0]):04x}{extra[1:]}":{values.get(extra, "[]")}}}',
    ):
        assert extra in refused(caller.http.post(path, content=twice.encode()))
    assert provider.requests == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", ["Model", "MODEL", "Stream", "ſtream", "Max_Tokens", "N", "Tools"])
def test_a_field_in_a_spelling_that_some_readers_take_for_it(
    caller: Caller, provider: Listener, path: str, key: str
) -> None:
    assert "write " in refused(caller.http.post(path, json={**body_of(path), key: 1}))
    assert provider.requests == []


def test_of_two_limits_the_larger_one_counts(caller: Caller, house: House, provider: Listener) -> None:
    from tenbin.codecs.openai_chat.request_reader import read_head

    body = {"model": "chat", "messages": MESSAGES, "max_tokens": 90_000, "max_completion_tokens": 10}
    assert read_head(json.dumps(body).encode()).max_tokens == 90_000


@pytest.mark.parametrize(
    "number",
    [
        "-1",
        "1e3",
        "1E400",
        "-0.0",
        "NaN",
        "Infinity",
        "9" * 19,
        "9" * 5_000,
        "9223372036854775808",
        '"5"',
        "true",
        "[5]",
    ],
)
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/messages", "max_tokens"),
        ("/v1/chat/completions", "max_tokens"),
        ("/v1/chat/completions", "max_completion_tokens"),
        ("/v1/responses", "max_output_tokens"),
    ],
)
def test_numbers_that_no_ledger_could_hold(
    caller: Caller, provider: Listener, path: str, field: str, number: str
) -> None:
    whole = json.dumps({**body_of(path), field: 0}).replace(f'"{field}": 0', f'"{field}": {number}')
    refused(caller.http.post(path, content=whole.encode()))
    assert provider.requests == []


@pytest.mark.parametrize("value", ["true", "1", '"yes"'])
def test_no_answer_is_made_that_nobody_could_meter(caller: Caller, provider: Listener, value: str) -> None:
    whole = json.dumps(body_of("/v1/responses"))[:-1] + f', "background": {value}}}'
    assert "background" in refused(caller.http.post("/v1/responses", content=whole.encode()))
    assert provider.requests == []


# -- JSON that should stop us

DEEP = 200_000


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("inside", ["messages", "input", "tools", "metadata", "request_id", "unknown"])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_depth_bomb(caller: Caller, provider: Listener, path: str, inside: str, opening: str, closing: str) -> None:
    fields = dict(body_of(path)) if path in PATHS else {"request_id": "x", "score": "good"}
    fields[inside] = "BOMB"
    bomb = opening * DEEP + "1" + closing * DEEP
    response = caller.http.post(path, content=json.dumps(fields).replace('"BOMB"', bomb).encode())
    refused(response)
    assert provider.requests == []
    assert caller.ask("anthropic", "one").status_code == 200


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "value",
    [
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        b'"\\ud800"',
        b'"\\udfff\\ud800"',
        b'"\\u12"',
        b"\x00",
        b"NaN",
        b"nul",
    ],
)
def test_what_is_no_json_in_utf_8(caller: Caller, provider: Listener, path: str, value: bytes) -> None:
    names = [b"model"] if path in PATHS else [b"request_id", b"source"]
    for name in names:
        refused(caller.http.post(path, content=b'{"' + name + b'":' + value + b',"score":"good"}'))
    assert provider.requests == []


@pytest.mark.parametrize("path", PATHS)
def test_bytes_that_are_no_utf_8_anywhere_in_a_body_do_not_cross(caller: Caller, provider: Listener, path: str) -> None:
    whole = json.dumps({**body_of(path), "unknown": "HERE"}).encode().replace(b"HERE", b"\xc3\x28")
    refused(caller.http.post(path, content=whole))
    assert provider.requests == []


def test_pages_take_no_body_and_no_query_by_storm(caller: Caller) -> None:
    for path in ("/v1/models", "/v1/models/x", "/health/targets", "/cache", "/cache/entries", "/metrics"):
        query = "limit=" + "9" * 5_000 + "&limit=-1&after_id=%00%ff&entry[]=%f0%28&" + "a=b&" * 2_000
        response = caller.http.request("GET", f"{path}?{query}", content=b"[" * 100_000)
        assert response.status_code in (200, 404), (path, response.text[:200])
    assert caller.http.get("/v1/models/" + "%0d%0aset-cookie:%20a=b" * 50).status_code == 404


# -- heads


def test_what_is_for_the_next_hop_or_tells_of_this_one_stays_here(caller: Caller, provider: Listener) -> None:
    meant_for_us = {
        "connection": "x-private, keep-alive",
        "x-private": "1",
        "keep-alive": "timeout=5",
        "te": "trailers",
        "trailer": "x-late",
        "proxy-authorization": "Basic c2VjcmV0",
        "proxy-connection": "keep-alive",
        "authorization": "Bearer somebodys-own-key",
        "cookie": "session=1",
        "x-goog-api-key": "k",
        "api-key": "k",
        "openai-organization": "org-other",
        "openai-project": "proj-other",
        "forwarded": "for=10.1.2.3",
        "via": "1.1 inner",
        "x-forwarded-for": "10.1.2.3",
        "x-forwarded-host": "inner.example",
        "x-real-ip": "10.1.2.3",
        "x-http-method-override": "DELETE",
        "x-original-url": "/v1/files",
        "x-rewrite-url": "/v1/files",
        "content-encoding": "identity",
        "x-tenbin-session": "s",
        "x-tenbin-anything": "1",
        "expect": "",
    }
    crossing = {"anthropic-beta": "some-beta-2026", "x-my-own": "kept"}
    assert caller.ask("anthropic", "one", headers={**meant_for_us, **crossing}).status_code == 200
    (head,) = provider.heads
    names = {line.partition(b":")[0].decode() for line in head[1:]}
    assert names & meant_for_us.keys() == set()
    assert crossing.keys() <= names
    assert b"x-api-key: sk-own-of-the-gateway" in head
    assert [name for name in names if [line.partition(b":")[0] for line in head[1:]].count(name.encode()) > 1] == []


@pytest.mark.parametrize(
    "name",
    [b"x-tenbin-session", b"x-session-id", b"user-agent", b"x-my-own", b"anthropic-beta", b"x-stainless-timeout"],
)
@pytest.mark.parametrize(
    "value", [b"a\x00b", b"a\rset-cookie: b", b"a\nset-cookie: b", b"a\x0bb", b"a\x7fb", b"\xff\xfe", b"a\x85b"]
)
def test_no_value_of_a_header_breaks_a_head(house: House, provider: Listener, name: bytes, value: bytes) -> None:
    body = json.dumps(body_of("/v1/messages")).encode()
    with Raw(house.url) as raw:
        raw.send(post("/v1/messages", body, name + b": " + value, b"connection: close"))
        said = raw.rest()
    assert b"set-cookie" not in said.partition(b"\r\n\r\n")[0]
    if said.startswith(b"HTTP/1.1 200"):
        (head,) = provider.heads
        assert not [line for line in head if line.startswith(b"set-cookie") or b"\x00" in line or b"\n" in line]
    else:
        assert said.startswith(b"HTTP/1.1 400")
        assert provider.requests == []


@pytest.mark.parametrize("model", ["a\r\nset-cookie: b=c", "a\x00b", "\u2028x", "one\r\n\r\nHTTP/1.1 200 OK", "é" * 50])
def test_no_name_of_a_model_breaks_a_head(house: House, provider: Listener, model: str) -> None:
    for path in ("/v1/messages", "/v1/chat/completions"):
        with Raw(house.url) as raw:
            raw.send(post(path, json.dumps({**body_of(path), "model": model}).encode(), b"connection: close"))
            head = raw.rest().partition(b"\r\n\r\n")[0]
        assert b"set-cookie" not in head.lower().replace(b"%0d%0aset-cookie", b"")
        assert head.count(b"HTTP/1.1") == 1
    assert not [line for head in provider.heads for line in head if b"set-cookie" in line]


@pytest.mark.parametrize("query", [b"?a=%0d%0ax:%20y", b"?a=b?c", b"?" + b"q" * 4_000])
def test_no_query_breaks_a_head(house: House, provider: Listener, query: bytes) -> None:
    body = json.dumps(body_of("/v1/messages")).encode()
    with Raw(house.url) as raw:
        raw.send(post("/v1/messages" + query.decode(), body))
        assert raw.answer()[0].status == 200
    assert provider.heads[0][0] == b"POST /v1/messages" + query + b" HTTP/1.1"


@pytest.mark.parametrize(
    "target", [b"/v1/../v1/messages", b"//v1/messages", b"/v1/messages/", b"/v1/messages%00", b"/v1/%2e%2e/metrics"]
)
def test_a_path_is_taken_as_it_stands(house: House, provider: Listener, target: bytes) -> None:
    body = json.dumps(body_of("/v1/messages")).encode()
    with Raw(house.url) as raw:
        raw.send(post(target.decode(), body))
        assert raw.answer()[0].status in (400, 404, 405)
    assert provider.requests == []


def test_headers_by_the_thousand(house: House, provider: Listener) -> None:
    body = json.dumps(body_of("/v1/messages")).encode()
    many = [b"x%d:" % number for number in range(7_000)]
    with Raw(house.url) as raw:
        raw.send(post("/v1/messages", body, *many))
        assert raw.answer()[0].status == 200
    with Raw(house.url) as raw:
        raw.send(post("/v1/messages", body, *many, *many))
        assert raw.answer()[0].status == 431
    assert len(provider.requests) == 1


# -- framing, in front of a provider


def test_a_second_request_in_a_body_that_is_refused_is_not_served(house: House, provider: Listener) -> None:
    hidden = post("/v1/messages", json.dumps(body_of("/v1/messages")).encode())
    for refusing in (
        b"POST /v1/messages HTTP/1.1\r\nhost: evil.example\r\ncontent-length: %d\r\n\r\n" % len(hidden),
        b"POST /nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(hidden),
        b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
        % len(hidden),
        b"DELETE /v1/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(hidden),
        b"GET /health HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(hidden),
        b"POST /v1/feedback HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(hidden),
    ):
        with Raw(house.url) as raw:
            raw.send(refusing + hidden)
            raw.socket.shutdown(socket.SHUT_WR)
            assert raw.rest().count(b"HTTP/1.1 ") == 1
    assert provider.requests == []


def test_what_is_sent_on_is_framed_anew(house: House, provider: Listener) -> None:
    body = json.dumps(body_of("/v1/messages")).encode()
    chunked = b"".join(b'%x;ext="a"\r\n%b\r\n' % (1, body[at : at + 1]) for at in range(len(body)))
    with Raw(house.url) as raw:
        raw.send(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n" + chunked)
        raw.send(b"0\r\nx-late: 1\r\nauthorization: Bearer late\r\n\r\n")
        assert raw.answer()[0].status == 200
    (head,) = provider.heads
    assert [line for line in head if line.startswith((b"content-length", b"transfer-encoding"))] == [
        b"content-length: %d" % len(provider.requests[0].partition(b"\r\n\r\n")[2])
    ]
    assert not [line for line in head if b"late" in line]


def test_who_sends_slowly_or_too_many_heads_holds_up_nobody(house: House, caller: Caller) -> None:
    held = [Raw(house.url) for _ in range(200)]
    try:
        for one in held:
            one.send(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx: ")
        assert caller.ask("anthropic", "one").status_code == 200
        for one in held:
            assert one.rest()[:12] in (b"HTTP/1.1 408", b"")
    finally:
        for one in held:
            one.socket.close()
    assert caller.ask("anthropic", "one").status_code == 200


# -- web pages


@pytest.mark.parametrize(
    "headers",
    [
        [b"host: evil.example"],
        [b"host: localhost", b"host: evil.example"],
        [b"host: 2130706433"],
        [b"host: 127.0.0.1.nip.example"],
        [b"host: localhost.evil.example:4000"],
        [b"host: [::1].evil.example"],
        [b"host: localhost", b"origin: https://evil.example"],
        [b"host: localhost", b"origin: null"],
        [b"host: localhost", b"origin: http://localhost", b"origin: https://evil.example"],
        [b"host: localhost", b"origin: http://localhost.evil.example"],
        [b"host: localhost", b"sec-fetch-site: cross-site"],
        [b"host: localhost", b"sec-fetch-site: cross-site", b"content-type: text/plain"],
    ],
)
def test_no_web_page_reaches_a_gateway_without_keys(house: House, provider: Listener, headers: list[bytes]) -> None:
    body = json.dumps(body_of("/v1/messages")).encode()
    for first, content in ((b"POST /v1/messages", body), (b"DELETE /health/targets", b""), (b"GET /metrics", b"")):
        with Raw(house.url) as raw:
            raw.send(b"\r\n".join([first + b" HTTP/1.1", *headers, b"content-length: %d" % len(content), b"", content]))
            response, _ = raw.answer()
        assert response.status == 403
        assert not [name for name in response.headers if name.lower().startswith("access-control-")]
    assert provider.requests == []


def test_what_a_browser_is_shown_is_neither_kept_nor_run(caller: Caller) -> None:
    for method, path in (
        ("GET", "/v1/models"),
        ("GET", "/metrics"),
        ("GET", "/health"),
        ("GET", "/health/targets"),
        ("GET", "/<script>alert(1)</script>"),
        ("GET", "/v1/messages"),
        ("POST", "/v1/messages"),
        ("POST", "/v1/feedback"),
    ):
        response = caller.http.request(method, path)
        assert response.headers["x-content-type-options"] == "nosniff", path
        assert response.headers["cache-control"] == "no-store", path
        assert "default-src 'none'" in response.headers["content-security-policy"], path
        assert response.headers["content-type"].partition(";")[0] in ("application/json", "text/plain"), path
        assert "<script>" not in response.text

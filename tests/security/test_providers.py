"""Attacks by providers, or whoever answers at their address: heads that say more than they should, redirects, bombs."""

import gzip
import json

import pytest

from tests.api.raw import Raw, post
from tests.execute.conftest import Caller
from tests.real.books import House
from tests.security.listener import OK, Listener, answer_of

BODY = json.dumps({"model": "one", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}).encode()
KEY = b"sk-own-of-the-gateway"


def head_of(house: House, path: str = "/v1/messages") -> bytes:
    """The head of the answer, as it is on the wire."""
    with Raw(house.url) as raw:
        raw.send(post(path, BODY, b"connection: close"))
        return raw.rest().partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    "header",
    [
        b"x-a: b\rset-cookie: c=d",
        b"x-a: b\nset-cookie: c=d",
        b"x-a: b\r\n set-cookie: c=d",
        b"x-a: b\x00set-cookie: c=d",
        b"x-a\nset-cookie: c=d",
        b"x-a \r\nset-cookie: c=d",
        b": set-cookie",
    ],
)
def test_no_header_of_a_provider_breaks_a_head(house: House, provider: Listener, header: bytes) -> None:
    provider.answer = answer_of(OK, header)
    head = head_of(house)
    assert not [line for line in head.split(b"\r\n") if line.startswith(b"set-cookie")]
    assert not {0, 13, 10} & set(head.replace(b"\r\n", b""))


def test_what_a_provider_must_not_tell_a_client_stays_here(house: House, provider: Listener) -> None:
    said = [
        b"set-cookie: a=b",
        b"set-cookie2: a=b",
        b"clear-site-data: *",
        b"location: https://evil.example",
        b"refresh: 0; url=https://evil.example",
        b"www-authenticate: Basic",
        b"access-control-allow-origin: *",
        b"access-control-allow-credentials: true",
        b"x-tenbin-cost: 0",
        b"x-tenbin-model: another",
        b"strict-transport-security: max-age=1",
        b"alt-svc: h3=evil.example",
        b"keep-alive: timeout=9",
        b"upgrade: h2c",
        b"trailer: x",
    ]
    provider.answer = answer_of(OK, *said, b"x-crosses: yes")
    lines = head_of(house).split(b"\r\n")
    assert b"x-crosses: yes" in lines
    assert set(lines) & set(said) == set()
    assert len([line for line in lines if line.startswith(b"content-length")]) == 1


def test_two_lengths_and_more_than_was_promised_are_no_answer(house: House, provider: Listener, caller: Caller) -> None:
    for answer in (
        answer_of(OK, b"content-length: 5"),
        answer_of(OK, b"transfer-encoding: chunked"),
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    ):
        provider.answer = answer
        assert caller.ask("anthropic", "one").status_code >= 500
    provider.answer = answer_of() + answer_of(b'{"smuggled":1}')
    for _ in range(3):
        assert "smuggled" not in caller.ask("anthropic", "one").text
    provider.answer = answer_of()
    assert caller.ask("anthropic", "one").json()["content"][0]["text"] == "Hi"


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"303 See Other", b"307 Temporary", b"308 Permanent"])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_no_redirect_is_followed(house: House, provider: Listener, status: bytes, path: str) -> None:
    with Listener() as elsewhere:
        provider.answer = answer_of(b"{}", b"location: " + elsewhere.url.encode() + b"/v1/messages", status=status)
        head = head_of(house, path)
        assert not head.startswith(b"http/1.1 2 ")
        assert b"\r\nlocation:" not in head
        assert elsewhere.connections == 0


def test_a_bomb_that_came_compressed_is_not_unpacked(house: House, provider: Listener, caller: Caller) -> None:
    bomb = gzip.compress(b'{"a":"' + b" " * 200_000_000 + b'"}', 9)
    provider.answer = answer_of(bomb, b"content-encoding: gzip")
    assert caller.ask("anthropic", "one").status_code >= 500
    provider.answer = answer_of(gzip.compress(OK), b"content-encoding: gzip")
    assert caller.ask("anthropic", "one").status_code == 200


def test_a_provider_that_repeats_its_key_is_cut_short(house: House, provider: Listener, caller: Caller) -> None:
    for status in (b"401 Unauthorized", b"400 Bad Request", b"500 Oops"):
        wrong = b'{"type":"error","error":{"type":"authentication_error","message":"invalid key: ' + KEY + b'"}}'
        provider.answer = answer_of(wrong, b"x-debug: " + KEY, status=status)
        response = caller.ask("anthropic", "one")
        assert response.status_code >= 400
        assert KEY.decode() not in response.text + str(response.headers)


def test_depth_bombs_of_providers_are_failures(house: House, provider: Listener, caller: Caller) -> None:
    for bomb in (b"[" * 200_000, b'{"content":' * 200_000, b'{"usage":' + b"[" * 200_000 + b"]" * 200_000 + b"}"):
        for dialect, model in (("anthropic", "one"), ("openai_chat", "one"), ("anthropic", "chat")):
            provider.answer = answer_of(bomb)
            response = caller.ask(dialect, model)
            assert "Traceback" not in response.text
    provider.answer = answer_of()
    assert caller.ask("anthropic", "one").status_code == 200


def test_a_provider_that_repeats_the_prompt_does_not_bring_it_into_the_ledger(
    house: House, provider: Listener, caller: Caller
) -> None:
    prompt = "my neighbour's secret is that she writes novels about quincunxes"
    for words in (f"invalid content: {prompt}", f"rejected: {prompt!r} in messages[0]"):
        wrong = {"type": "error", "error": {"type": "invalid_request_error", "message": words}}
        provider.answer = answer_of(json.dumps(wrong).encode(), status=b"400 Bad Request")
        assert caller.ask("anthropic", "one", text=prompt).status_code == 400
        message = house.books.one().attempts[0].message
        assert message.startswith(words[:8])
        assert "quincunx" not in message

"""What the server says to a client before any application has seen its request, and that it takes a request as it is,
however its bytes are cut.
"""

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.api.client_side import Request
from tenbin.api.server_protocol import WAITING_BYTES
from tenbin.config.model import Limits
from tenbin.running import RunningGateway
from tests.api.raw import Raw, post
from tests.api.wire import Echoed, Wire, echo, server
from tests.real.books import configured

ASK = b"GET /health/liveliness HTTP/1.1\r\nhost: localhost\r\n\r\n"


def test_one_client_too_many_is_told_so_and_the_others_are_served(tmp_path: Path) -> None:
    config = configured(providers={}, limits={"connections": 2})
    with RunningGateway(config, tmp_path) as gateway, Raw(gateway.url) as first, Raw(gateway.url) as second:
        for client in (first, second):
            client.send(ASK)
            assert client.answer("GET")[0].status == 200
        with Raw(gateway.url) as third:
            third.send(ASK)
            answer, body = third.answer("GET")
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert "limits.connections" in json.loads(body)["error"]["message"]
        first.send(ASK)
        assert first.answer("GET")[0].status == 200


# -- whatever the cut


def answers(written: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each answer."""
    found = []
    while written:
        head, _, rest = written.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        found.append((int(head.split()[1]), rest[:length]))
        written = rest[length:]
    return found


def echoed(written: bytes) -> list[Echoed]:
    """What the application was given, by the answers of ``echo``."""
    found = answers(written)
    assert all(status == 200 for status, _ in found), found
    return [msgspec.json.decode(body, type=Echoed) for _, body in found]


async def said(*pieces: bytes, **limits: Any) -> bytes:
    """What is answered to these pieces; the connection is let go then."""
    wire = Wire(server(limits=Limits(**limits)))
    await wire.feed(*pieces)
    written = wire.written
    wire.close()
    await wire.settle()
    return written


tokens = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=8)
words = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), max_size=20)
bodies = st.binary(max_size=60).map(lambda body: body + b"\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"[: len(body)])


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, Echoed]:
    """A request on the wire, and what is to be understood."""
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"]))
    path, query = "/" + draw(tokens), draw(tokens | st.just(""))
    named = draw(st.lists(st.tuples(tokens.map("x-{}".format), words), max_size=3))
    body = draw(bodies)
    lines = [f"{name}:{draw(st.sampled_from(['', ' ', '  ']))}{value}" for name, value in named]
    if draw(st.booleans()):
        framing = ("transfer-encoding", "chunked")
        sent, left = b"", body
        while left:
            size = draw(st.integers(1, len(left)))
            sent += b"%x%b\r\n%b\r\n" % (size, draw(st.sampled_from([b"", b";a=b"])), left[:size])
            left = left[size:]
        sent += b"0\r\n" + draw(st.sampled_from([b"", b"authorization: late\r\n"])) + b"\r\n"
    else:
        framing, sent = ("content-length", str(len(body))), body
    lines.insert(draw(st.integers(0, len(lines))), ": ".join(framing))
    position = lines.index(": ".join(framing))
    named.insert(position, framing)
    target = path + ("?" + query if query else "")
    data = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode() + sent
    return data, Echoed(method, path, query, [(name.lower(), value) for name, value in named], body.decode("latin-1"))


@given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(0, 600), max_size=12))
def test_requests_are_understood_and_answered_in_order_whatever_the_cut(
    sent: list[tuple[bytes, Echoed]], cuts: list[int]
) -> None:
    data = b"".join(request for request, _ in sent)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[start:end] for start, end in pairwise(places)]
    expected = [request for _, request in sent]
    assert echoed(asyncio.run(said(*pieces))) == expected
    assert echoed(asyncio.run(said(data))) == expected


@given(requests())
def test_a_request_byte_by_byte(sent: tuple[bytes, Echoed]) -> None:
    data, expected = sent
    assert echoed(asyncio.run(said(*(bytes([byte]) for byte in data)))) == [expected]


# -- what another server might take for something else (RFC 9112, 11.2)

HEAD = b"POST /first HTTP/1.1\r\nhost: localhost\r\n"
SECOND = b"GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        HEAD + b"content-length: 0\r\ncontent-length: 5\r\n\r\n",
        HEAD + b"content-length: 5\r\ncontent-length: 5\r\n\r\nhello",
        HEAD + b"content-length: 5, 5\r\n\r\nhello",
        HEAD + b"content-length: +5\r\n\r\nhello",
        HEAD + b"content-length: 0x5\r\n\r\nhello",
        HEAD + b"content-length: 5 5\r\n\r\nhello",
        HEAD + b"content-length:\r\n\r\n",
        HEAD + b"content-length : 5\r\n\r\nhello",
        HEAD + b"content-length: \r\n 5\r\n\r\nhello",
        HEAD + b"x-folded: a\r\n b\r\ncontent-length: 0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: identity\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n1\na\n0\n\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
        HEAD.replace(b"1.1", b"1.0") + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"x: a\rtransfer-encoding: chunked\r\n\r\n",
        HEAD + b"x: a\ntransfer-encoding: chunked\r\n\r\n",
        HEAD + b"x\x00: a\r\n\r\n",
        HEAD + b": a\r\n\r\n",
        b"POST /first HTTP/1.1\r\n host: localhost\r\n\r\n",
        b"POST /first HTTP/1.1\nhost: localhost\n\n",
        b"POST /first second HTTP/1.1\r\nhost: localhost\r\n\r\n",
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_what_could_smuggle_a_request_is_refused_and_nothing_behind_it_is_served(
    request_bytes: bytes, cut: bool
) -> None:
    data = request_bytes + SECOND
    written = asyncio.run(said(*(bytes([byte]) for byte in data)) if cut else said(data))
    ((status, _),) = answers(written)
    assert status in (400, 501)
    assert b"connection: close\r\n" in written
    assert b"smuggled" not in written


def test_of_transfer_encodings_only_chunked_is_taken() -> None:
    ((status, message),) = answers(asyncio.run(said(HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n")))
    assert status == 501
    assert b"transfer-encoding" in message


@pytest.mark.parametrize("version", [b"0.9", b"2.0"])
def test_another_http_is_refused(version: bytes) -> None:
    ((status, _),) = answers(asyncio.run(said(b"GET / HTTP/" + version + b"\r\n\r\n")))
    assert status == 505


def test_an_endless_frame_around_a_small_body_is_not_waited_for() -> None:
    head = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    flood = [b"1;" + b"x" * 1000] + [b"x" * 1000] * 100
    ((status, _),) = answers(asyncio.run(said(head, *flood, header_bytes=10_000)))
    assert status == 400
    ((status, _),) = answers(asyncio.run(said(head, b"0\r\nx: ", *flood, header_bytes=10_000)))
    assert status == 400


def test_a_large_body_before_it_does_not_count_as_a_part_of_a_head() -> None:
    first, second = post("/first", b"x" * 50_000), post("/second", b"y")
    seen = echoed(asyncio.run(said(first + second[:30], second[30:], header_bytes=1_000)))
    assert [one.path for one in seen] == ["/first", "/second"]
    large = b"GET / HTTP/1.1\r\nx: " + b"y" * 1_000 + b"\r\n\r\n"
    written = asyncio.run(said(first + large[:30], large[30:], header_bytes=1_000))
    assert [status for status, _ in answers(written)] == [200, 431]


# -- the order of things


def test_behind_a_request_that_closes_nothing_is_served() -> None:
    closing = post("/last", b"", b"connection: close")
    for pieces in ([post("/one", b"") + closing + SECOND], [post("/one", b""), closing, SECOND]):
        written = asyncio.run(said(*pieces))
        assert [one.path for one in echoed(written)] == ["/one", "/last"]
        assert written.count(b"connection: close\r\n") == 1


def test_a_request_for_another_protocol_is_served_as_it_stands_with_its_body() -> None:
    upgrade = post("/one", b"hello", b"connection: upgrade, http2-settings", b"upgrade: h2c", b"http2-settings: AAA")
    for pieces in ([upgrade + SECOND], [upgrade[:-5], upgrade[-5:-2], upgrade[-2:]], [upgrade[:-3], upgrade[-3:]]):
        written = asyncio.run(said(*pieces))
        (seen,) = echoed(written)
        assert (seen.path, seen.body) == ("/one", "hello")
        assert b"connection: close\r\n" in written


class Gate:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.asked: list[str] = []
        self.cancelled: list[str] = []

    async def __call__(self, request: Request) -> None:
        self.asked.append(request.path)
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.path)
            raise
        await echo(request)


def test_one_request_of_a_connection_at_a_time_and_what_comes_ahead_is_bounded() -> None:
    async def scenario() -> None:
        gate = Gate()
        wire = Wire(server(gate))
        await wire.feed(post("/one", b""), post("/two", b"x" * 1000))
        assert gate.asked == ["/one"]
        assert wire.pauses == 0
        await wire.feed(post("/three", b"x" * WAITING_BYTES))
        assert (wire.pauses, wire.resumes) == (1, 0)
        gate.open.set()
        await wire.settle()
        assert (wire.pauses, wire.resumes) == (1, 1)
        assert [one.path for one in echoed(wire.written)] == ["/one", "/two", "/three"]
        wire.close()

    asyncio.run(scenario())


def test_a_client_that_leaves_cancels_what_is_served_and_what_waits_is_never_served() -> None:
    async def scenario() -> None:
        gate = Gate()
        wire = Wire(server(gate))
        await wire.feed(post("/one", b"") + post("/two", b""))
        wire.connection.connection_lost(None)
        await wire.settle()
        assert gate.asked == gate.cancelled == ["/one"]

    asyncio.run(scenario())


def test_a_bad_head_behind_a_request_waits_for_the_answer_to_it() -> None:
    async def scenario() -> None:
        gate = Gate()
        wire = Wire(server(gate))
        await wire.feed(post("/one", b"") + b"nonsense\r\n\r\n", SECOND)
        assert wire.written == b""
        gate.open.set()
        await wire.settle()
        assert [status for status, _ in answers(wire.written)] == [200, 400]
        assert wire.ended
        wire.close()

    asyncio.run(scenario())


def test_an_answer_that_is_never_ended_ends_its_connection() -> None:
    async def half(request: Request) -> None:
        await request.start(200, [])
        await request.write(b"half")

    async def scenario() -> None:
        wire = Wire(server(half))
        await wire.feed(post("/one", b"") * 2)
        assert wire.written.endswith(b"4\r\nhalf\r\n")
        assert wire.closed

    asyncio.run(scenario())

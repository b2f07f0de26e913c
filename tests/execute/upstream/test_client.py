"""The client against a server that misbehaves."""

import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable

import pytest

from tenbin.execute.upstream.client import UpstreamClient
from tenbin.execute.upstream.connection import MAX_HEAD_BYTES, UpstreamFailed
from tests.execute.upstream.raw_server import BODY, HEAD, Peer, RawServer, answer_of, ask, served, whole


def failing(play: Callable[[Peer], Awaitable[object]], **limits: float) -> tuple[str, str]:
    """The kind and message of the failure that a play ends in."""
    seen = []

    async def work(client: UpstreamClient, server: RawServer) -> None:
        with pytest.raises(UpstreamFailed) as failed:
            await whole(client, server.origin, **limits)
        seen.append(failed.value.failure)

    served(play, work)
    return seen[0].kind, seen[0].message


def answering(raw: bytes, *, close: bool = False) -> tuple[int, bytes]:
    """What the client reads of raw bytes."""
    seen = []

    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(raw)
        if not close:
            await peer.gone()

    async def work(client: UpstreamClient, server: RawServer) -> None:
        seen.append(await whole(client, server.origin))

    served(play, work)
    return seen[0]


# -- answers that are right


def test_a_plain_answer() -> None:
    assert answering(answer_of(b"hello", status=b"418 I'm a teapot")) == (418, b"hello")


def test_chunked_with_extensions_and_trailers() -> None:
    raw = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nx-after: 1\r\n\r\n"
    assert answering(raw) == (200, b"hello!")


def test_a_body_until_the_connection_closes() -> None:
    assert answering(b"HTTP/1.1 200 OK\r\n\r\nhello", close=True) == (200, b"hello")
    assert answering(b"HTTP/1.0 200 OK\r\n\r\nhello", close=True) == (200, b"hello")


def test_no_body() -> None:
    assert answering(answer_of(b"")) == (200, b"")
    assert answering(b"HTTP/1.1 204 No Content\r\n\r\n") == (204, b"")


def test_informational_answers_are_passed_over() -> None:
    raw = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + answer_of(b"real")
    assert answering(raw) == (200, b"real")


@pytest.mark.parametrize("name", [b"gzip", b"x-gzip", b"deflate"])
def test_compressed_although_not_asked_for(name: bytes) -> None:
    body = zlib.compress(b"hello" * 100) if name == b"deflate" else gzip.compress(b"hello" * 100)
    assert answering(answer_of(body, b"content-encoding: " + name)) == (200, b"hello" * 100)


def test_the_request_arrives_byte_for_byte() -> None:
    large = bytes(range(256)) * 4_000
    seen = []

    async def play(peer: Peer) -> None:
        seen.append(await peer.request())
        seen.append(await peer.request())
        await peer.send(answer_of(b""))

    async def work(client: UpstreamClient, server: RawServer) -> None:
        head = b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(large)
        answer = await client.send(server.origin, head + large + HEAD, BODY, first_byte=5, idle=5, total=5)
        await answer.whole(10)
        client.release(answer)
        assert seen == [head + large, HEAD + BODY]

    served(play, work)


# -- answers that are wrong


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\x00b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_what_is_not_sensible_http_is_malformed(raw: bytes) -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(raw)
        await peer.gone()

    assert failing(play)[0] == "malformed"


def test_a_compressed_body_that_ends_too_early_is_malformed() -> None:
    body = gzip.compress(bytes(range(256)) * 20)[:-30]

    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer_of(body, b"content-encoding: gzip"))
        await peer.gone()

    assert failing(play)[0] == "malformed"


def test_a_head_without_end_is_given_up() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.send(b"x-more: " + b"y" * 8_000 + b"\r\n")

    kind, message = failing(play)
    assert kind == "malformed"
    assert str(MAX_HEAD_BYTES) in message


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_a_cut(before: bytes, reset: bool) -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(before)
        if reset:
            peer.reset()

    assert failing(play)[0] == "cut"


def test_a_reset_is_no_end_for_a_body_until_close() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await asyncio.sleep(0.05)
        peer.reset()

    assert failing(play)[0] == "cut"


def test_what_came_before_a_cut_is_read_first() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf")

    async def work(client: UpstreamClient, server: RawServer) -> None:
        answer = await ask(client, server.origin)
        await asyncio.sleep(0.05)
        assert await answer.read() == b"half"
        with pytest.raises(UpstreamFailed):
            await answer.read()
        client.release(answer)

    served(play, work)


def test_more_than_the_limit_is_not_buffered() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(b"x" * 65_536)

    async def work(client: UpstreamClient, server: RawServer) -> None:
        answer = await ask(client, server.origin)
        with pytest.raises(UpstreamFailed) as failed:
            await answer.whole(1_000_000)
        assert failed.value.failure.kind == "malformed"
        client.release(answer)

    served(play, work)


# -- time


def test_no_answer_in_time() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    assert failing(play, first_byte=0.2) == ("timeout", "no byte of an answer came in time")


def test_a_head_that_stalls() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n")
        await peer.gone()

    assert failing(play, idle=0.2) == ("timeout", "the answer stalled")


def test_a_body_that_stalls_and_the_connection_is_closed_then() -> None:
    left = asyncio.Event()

    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf")
        await peer.gone()
        left.set()

    async def work(client: UpstreamClient, server: RawServer) -> None:
        with pytest.raises(UpstreamFailed) as failed:
            await whole(client, server.origin, idle=0.2)
        assert failed.value.failure.kind == "timeout"
        await asyncio.wait_for(left.wait(), 5)

    served(play, work)


def test_an_answer_that_flows_for_ever_meets_the_total_limit() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(b": ping\n\n")
            await asyncio.sleep(0.02)

    assert failing(play, total=0.3, idle=5)[0] == "timeout"


def test_a_slow_but_steady_answer_meets_no_limit() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        for byte in answer_of(b"steady"):
            await peer.send(bytes([byte]))
            await asyncio.sleep(0.02)

    async def work(client: UpstreamClient, server: RawServer) -> None:
        assert await whole(client, server.origin, first_byte=0.5, idle=0.5) == (200, b"steady")

    served(play, work)


def test_silence_is_told_to_a_reader_that_asks_for_it() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        await asyncio.sleep(0.8)
        await peer.send(b"5\r\nhello\r\n0\r\n\r\n")
        await peer.gone()

    async def work(client: UpstreamClient, server: RawServer) -> None:
        answer = await ask(client, server.origin)
        answer.quiet_after = 0.2
        seen = []
        while (data := await answer.read()) is not None:
            seen.append(data)
        assert b"".join(seen) == b"hello"
        assert seen.count(b"") >= 2
        client.release(answer)

    served(play, work)

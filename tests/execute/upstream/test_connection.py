"""One connection: however its bytes are cut, the answer is the same; whatever they are, it has an end."""

import asyncio
import contextlib
import gzip
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.execute.upstream.client import UpstreamClient
from tenbin.execute.upstream.connection import UpstreamFailed
from tests.execute.upstream.raw_server import Peer, RawServer, answer_of, run, whole


def chunked(body: bytes, sizes: list[int]) -> bytes:
    parts, start = [], 0
    for size in [*sizes, len(body)]:
        part = body[start : start + size]
        if part:
            parts.append(b"%x\r\n%b\r\n" % (len(part), part))
        start += size
    return b"".join(parts) + b"0\r\n\r\n"


def framed(body: bytes, framing: str, sizes: list[int], compressed: bool) -> bytes:
    head = [b"HTTP/1.1 200 OK", b"content-type: text/event-stream"]
    if compressed:
        head.append(b"content-encoding: gzip")
        body = gzip.compress(body, mtime=0)
    if framing == "length":
        head.append(b"Content-Length: %d" % len(body))
    elif framing == "chunked":
        head.append(b"Transfer-Encoding: chunked")
        body = chunked(body, sizes)
    return b"\r\n".join([*head, b"", b""]) + body


@settings(max_examples=80)
@given(
    body=st.binary(max_size=300),
    framing=st.sampled_from(["length", "chunked", "until close"]),
    sizes=st.lists(st.integers(1, 50), max_size=10),
    compressed=st.booleans(),
    informational=st.booleans(),
    cuts=st.lists(st.integers(0, 600), max_size=40),
)
def test_any_cutting_gives_the_same_answer(
    body: bytes, framing: str, sizes: list[int], compressed: bool, informational: bool, cuts: list[int]
) -> None:
    raw = framed(body, framing, sizes, compressed)
    if informational:
        raw = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + raw

    async def play(peer: Peer) -> None:
        await peer.request()
        for start, end in pairwise(sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})):
            await peer.send(raw[start:end])
            await asyncio.sleep(0)
        if framing != "until close":
            await peer.gone()

    async def main() -> None:
        client = UpstreamClient()
        async with RawServer(play) as server:
            assert await whole(client, server.origin) == (200, body)
            client.close()

    run(main())


_LINES = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n",
    b"HTTP/1.0 999 ?\r\n",
    b"content-length: 3\r\n",
    b"content-length: 99999999999999999999\r\n",
    b"transfer-encoding: chunked\r\n",
    b"content-encoding: gzip\r\n",
    b"connection: close\r\n",
    b"upgrade: x\r\nconnection: upgrade\r\n",
    b"\r\n",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"data: {}\n\n",
]


@settings(max_examples=80)
@given(st.lists(st.sampled_from(_LINES) | st.binary(max_size=12), max_size=12), st.booleans())
def test_whatever_comes_there_is_an_end_and_the_next_request_is_served(pieces: list[bytes], keep_open: bool) -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        if peer.number > 1:
            await peer.send(answer_of(b"next"))
            await peer.gone()
            return
        for piece in pieces:
            await peer.send(piece)
            await asyncio.sleep(0)
        if keep_open:
            await asyncio.sleep(0.02)

    async def main() -> None:
        client = UpstreamClient()
        async with RawServer(play) as server:
            with contextlib.suppress(UpstreamFailed):
                status, _ = await whole(client, server.origin, first_byte=0.2, idle=0.2)
                assert status >= 200
            assert await whole(client, server.origin) == (200, b"next")
            assert client.open_answers == 0
            client.close()

    run(main())

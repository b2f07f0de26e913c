"""Connections: kept, replaced once when stale, never trusted with another's answer; opened, given up, held back."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from tenbin.execute.upstream.address import Origin, reach
from tenbin.execute.upstream.client import UpstreamClient
from tenbin.execute.upstream.connection import HIGH_WATER_BYTES, UpstreamFailed
from tests.execute.upstream.raw_server import Peer, RawServer, answer_of, ask, run, served, whole


def echo_and_stay(answers: int) -> Callable[[Peer], Awaitable[object]]:
    """Answers so many requests on each connection with the connection's number, then closes it."""

    async def play(peer: Peer) -> None:
        for _ in range(answers):
            await peer.request()
            await peer.send(answer_of(b"%d" % peer.number))

    return play


def test_a_connection_is_used_again() -> None:
    async def work(client: UpstreamClient, server: RawServer) -> None:
        for _ in range(5):
            assert await whole(client, server.origin) == (200, b"1")

    assert served(echo_and_stay(5), work).connections == 1


def test_a_connection_that_the_provider_will_close_is_not() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer_of(b"%d" % peer.number, b"connection: close"))
        await peer.gone()

    async def work(client: UpstreamClient, server: RawServer) -> None:
        assert [await whole(client, server.origin) for _ in range(2)] == [(200, b"1"), (200, b"2")]

    served(play, work)


def test_an_answer_that_was_given_up_takes_its_connection_with_it() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n%d" % peer.number)
        await peer.gone()

    async def work(client: UpstreamClient, server: RawServer) -> None:
        for number in (b"1", b"2"):
            answer = await ask(client, server.origin)
            assert await answer.read() == number
            client.release(answer)

    served(play, work)


def test_a_stale_connection_is_replaced_without_a_word() -> None:
    async def work(client: UpstreamClient, server: RawServer) -> None:
        assert await whole(client, server.origin) == (200, b"1")
        # The server has closed it, or is about to, while the client still believes in it.
        assert await whole(client, server.origin) == (200, b"2")

    served(echo_and_stay(1), work)


def test_a_connection_that_dies_under_a_request_is_replaced_once_never_twice() -> None:
    requests = []

    async def play(peer: Peer) -> None:
        requests.append(await peer.request())
        if peer.number == 1:
            await peer.send(answer_of(b"1"))
            requests.append(await peer.request())
        # closed without an answer: on the old connection, and again on the new one

    async def work(client: UpstreamClient, server: RawServer) -> None:
        assert await whole(client, server.origin) == (200, b"1")
        with pytest.raises(UpstreamFailed) as failed:
            await whole(client, server.origin)
        assert failed.value.failure.kind == "cut"

    assert served(play, work).connections == 2
    assert len(requests) == 3


def test_a_fresh_connection_that_dies_is_not_replaced() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()

    async def work(client: UpstreamClient, server: RawServer) -> None:
        with pytest.raises(UpstreamFailed):
            await whole(client, server.origin)

    assert served(play, work).connections == 1


def test_an_answer_that_had_begun_is_never_asked_for_again() -> None:
    async def play(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer_of(b"1"))
        await peer.request()
        await peer.send(b"HTTP/1.1 2")

    async def work(client: UpstreamClient, server: RawServer) -> None:
        await whole(client, server.origin)
        with pytest.raises(UpstreamFailed):
            await whole(client, server.origin)

    assert served(play, work).connections == 1


@pytest.mark.parametrize(
    "extra",
    [
        answer_of(b"somebody else's answer"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 22\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"H",
    ],
)
def test_bytes_that_nobody_asked_for_are_never_an_answer(extra: bytes) -> None:
    """A provider, or a proxy before it, that answers one request twice: the next one must not get the second."""

    async def play(peer: Peer) -> None:
        await peer.request()
        if peer.number == 1:
            await peer.send(answer_of(b"1") + extra)
            await peer.request()
            await peer.send(b"somebody else's answer")
        await peer.send(answer_of(b"%d" % peer.number))
        await peer.gone()

    async def work(client: UpstreamClient, server: RawServer) -> None:
        assert await whole(client, server.origin) == (200, b"1")
        assert await whole(client, server.origin) == (200, b"2")

    served(play, work)


def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    async def main() -> None:
        client = UpstreamClient()
        with pytest.raises(UpstreamFailed) as failed:
            await whole(client, reach(f"http://127.0.0.1:{port}").origin)
        assert failed.value.failure.kind == "unreachable"
        assert str(port) in failed.value.failure.message
        client.close()

    run(main())


def test_a_name_that_does_not_exist() -> None:
    async def main() -> None:
        client = UpstreamClient()
        with pytest.raises(UpstreamFailed) as failed:
            await whole(client, reach("http://provider.invalid").origin)
        assert failed.value.failure.kind in ("unreachable", "timeout")
        client.close()

    run(main())


def test_a_connection_that_is_never_accepted_meets_the_connect_limit() -> None:
    async def main() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            waiting = [socket.socket() for _ in range(3)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(address)
            client = UpstreamClient(connect_seconds=0.3)
            with pytest.raises(UpstreamFailed) as failed:
                await whole(client, reach(f"http://127.0.0.1:{address[1]}").origin)
            assert failed.value.failure.kind == "timeout"
            client.close()
            for one in waiting:
                one.close()

    run(main())


def test_a_cancelled_request_leaves_at_once() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def play(peer: Peer) -> None:
        await peer.request()
        asked.set()
        await peer.gone()
        left.set()

    async def work(client: UpstreamClient, server: RawServer) -> None:
        waiting = asyncio.ensure_future(ask(client, server.origin))
        await asyncio.wait_for(asked.wait(), 5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.wait_for(left.wait(), 5)

    served(play, work)


def test_a_slow_reader_holds_the_provider_back_and_loses_nothing() -> None:
    size = 60 * HIGH_WATER_BYTES // 4
    sent = 0

    async def play(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        piece = b"x" * 65_536
        while sent < size:
            await peer.send(piece[: size - sent])
            sent += min(len(piece), size - sent)
        await peer.gone()

    async def work(client: UpstreamClient, server: RawServer) -> None:
        answer = await ask(client, server.origin, idle=0.3, total=30)
        await asyncio.sleep(0.8)  # longer than the idle limit: the provider is not the one who is silent
        assert sent < size, "the provider was not held back"
        received = 0
        while (data := await answer.read()) is not None:
            assert len(data) <= 2 * HIGH_WATER_BYTES
            received += len(data)
        assert received == size
        client.release(answer)

    served(play, work)


def test_many_at_once_get_each_their_own() -> None:
    async def play(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await asyncio.sleep(0)
            await peer.send(answer_of(request[-6:]))

    async def one(client: UpstreamClient, origin: Origin, number: int) -> None:
        body = b"%06d" % number
        head = b"POST / HTTP/1.1\r\ncontent-length: 6\r\n\r\n"
        answer = await client.send(origin, head, body, first_byte=5, idle=5, total=5)
        assert await answer.whole(100) == body
        client.release(answer)

    async def work(client: UpstreamClient, server: RawServer) -> None:
        for start in range(0, 300, 100):
            await asyncio.gather(*(one(client, server.origin, number) for number in range(start, start + 100)))

    assert served(play, work).connections <= 100


def test_a_request_that_was_worked_at_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider may charge for it: whoever tries again makes another attempt of it."""
    monkeypatch.setattr("tenbin.execute.upstream.client.STALE_SECONDS", 0.05)
    requests = []

    async def play(peer: Peer) -> None:
        requests.append(await peer.request())
        await peer.send(answer_of(b"1"))
        requests.append(await peer.request())
        await asyncio.sleep(0.1)

    async def work(client: UpstreamClient, server: RawServer) -> None:
        assert await whole(client, server.origin) == (200, b"1")
        with pytest.raises(UpstreamFailed, match="without an answer"):
            await whole(client, server.origin)
        assert len(requests) == 2

    served(play, work)

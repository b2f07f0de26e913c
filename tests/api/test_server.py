"""The server ends without breaking off an answer, and does end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tenbin.api import client_side, server_protocol
from tenbin.api.client_side import Request
from tenbin.api.server import Server
from tests.api.raw import post
from tests.api.wire import echo, listening, server

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def connected(one: Server) -> tuple[Callable[[], Awaitable[Streams]], Streams]:
    host, port = await listening(one)

    async def connect() -> Streams:
        return await asyncio.open_connection(host, port)

    return connect, await connect()


def test_stopping_waits_for_running_answers_and_takes_no_more() -> None:
    async def scenario() -> None:
        asked, go = asyncio.Event(), asyncio.Event()

        async def slow(request: Request) -> None:
            asked.set()
            await go.wait()
            await echo(request)

        one = server(slow)
        connect, (reader, writer) = await connected(one)
        idle_reader, idle_writer = await connect()
        writer.write(post("/one", b"hello") + post("/two", b""))
        await asked.wait()
        stopping = asyncio.ensure_future(one.stop(30))
        assert await idle_reader.read() == b"", "an idle connection ends at once"
        with pytest.raises(ConnectionError):
            await connect()
        assert not stopping.done()
        go.set()
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"connection: close\r\n" in answer
        assert b"/one" in answer
        assert b"/two" not in answer
        await asyncio.wait_for(stopping, 5)
        assert one.connections == set()
        writer.close()
        idle_writer.close()

    asyncio.run(scenario())


def test_what_does_not_end_in_time_is_cancelled_and_may_clear_up() -> None:
    async def scenario() -> None:
        asked = asyncio.Event()
        told: list[str] = []

        async def endless(request: Request) -> None:
            asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.01)
                told.append(request.path)

        one = server(endless)
        _, (reader, writer) = await connected(one)
        writer.write(post("/one", b""))
        await asked.wait()
        await asyncio.wait_for(one.stop(0.01), 5)
        assert told == ["/one"]
        assert await reader.read() == b""
        writer.close()

    asyncio.run(scenario())


def test_nothing_to_wait_for() -> None:
    async def scenario() -> None:
        one = server()
        await listening(one)
        await asyncio.wait_for(one.stop(30), 5)

    asyncio.run(scenario())


@pytest.mark.parametrize("closing", [False, True])
def test_a_client_that_never_reads_its_answer_is_let_go(monkeypatch: pytest.MonkeyPatch, closing: bool) -> None:
    monkeypatch.setattr(client_side, "STUCK_SECONDS", 0.1)
    monkeypatch.setattr(server_protocol, "LINGER_SECONDS", 0.1)

    asked = asyncio.Event()

    async def large(request: Request) -> None:
        asked.set()
        request.keep_alive = not closing
        await request.respond(200, [], b"x" * 50_000_000)

    async def scenario() -> None:
        one = server(large)
        _, (_reader, writer) = await connected(one)
        writer.write(post("/one", b""))
        await asked.wait()
        await asyncio.wait_for(one.stop(30), 10)
        assert one.connections == set()
        writer.close()

    asyncio.run(scenario())

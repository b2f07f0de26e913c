"""What the tests are promised: nothing beyond this machine is reached, and no real key is seen."""

import asyncio
import os
import socket
import urllib.request

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "2001:db8::1"])
def test_nothing_beyond_this_machine_is_reached(host: str) -> None:
    with pytest.raises(RuntimeError, match="this machine only"):
        socket.create_connection((host, 443), timeout=1)


def test_nor_through_a_library() -> None:
    with pytest.raises(RuntimeError, match="this machine only"):
        urllib.request.urlopen("http://198.51.100.7/", timeout=1)


@pytest.mark.anyio
async def test_nor_through_the_event_loop() -> None:
    with pytest.raises(RuntimeError, match="this machine only"):
        await asyncio.open_connection("198.51.100.7", 443)


@pytest.mark.anyio
async def test_this_machine_is_reached() -> None:
    answered = asyncio.Event()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        writer.close()
        answered.set()

    server = await asyncio.start_server(answer, "localhost", 0)
    async with server:
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        assert await reader.read() == b"here"
        writer.close()
        await writer.wait_closed()
    assert answered.is_set()


def test_no_real_key_is_seen() -> None:
    assert not [name for name in os.environ if name.upper().endswith("_API_KEY")]

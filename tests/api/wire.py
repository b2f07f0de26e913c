"""A server whose application a test gives: on a real socket, or with a transport that keeps what is written."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from tenbin.api.client_side import Request
from tenbin.api.server import Server
from tenbin.api.server_protocol import ClientConnection
from tenbin.config.model import Limits
from tenbin.core.problems import Problem
from tenbin.running import listening_socket

Application = Callable[[Request], Awaitable[None]]


class Echoed(msgspec.Struct):
    """What ``echo`` saw."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: str


async def echo(request: Request) -> None:
    """Answers with the request, or with the status of the Problem with its body."""
    body = await request.body(dict(request.headers))
    if isinstance(body, Problem):
        request.keep_alive = False
        await request.respond(body.status, [], body.message.encode())
        return
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
    seen = Echoed(
        request.method.decode(), request.path, request.query.decode("latin-1"), headers, body.decode("latin-1")
    )
    await request.respond(200, [(b"content-type", b"application/json")], msgspec.json.encode(seen))


def server(application: Application = echo, limits: Limits | None = None) -> Server:
    """A server on the running loop that does not listen yet."""
    bounds = limits or Limits()
    return Server(application, bounds, lambda: bounds)


async def listening(one: Server) -> tuple[str, int]:
    """Listen at a free port; the address."""
    listener = listening_socket("127.0.0.1", 0)
    await one.listen(listener)
    host, port = listener.getsockname()
    return host, port


class Wire(asyncio.Transport):
    """What a connection writes to, and a hand on its reading."""

    def __init__(self, one: Server) -> None:
        super().__init__()
        self.written = b""
        self.pauses = 0
        self.resumes = 0
        self.ended = False
        self.closed = False
        self.connection = ClientConnection(one)
        self.connection.connection_made(self)

    async def feed(self, *pieces: bytes) -> None:
        """Give the connection these pieces, each in a turn of the loop, and let what they wake come to its end."""
        for piece in pieces:
            if not self.closed:
                self.connection.data_received(piece)
            await asyncio.sleep(0)
        await self.settle()

    async def settle(self) -> None:
        """Let what is ready run."""
        for _ in range(5):
            await asyncio.sleep(0)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.connection.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        assert self.pauses == self.resumes
        self.pauses += 1

    def resume_reading(self) -> None:
        self.resumes += 1

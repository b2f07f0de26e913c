"""1. A client's request, and the way to answer it: its body read within limits, its answer written to the connection.

What the parser found is taken as it came; nothing here is done for a request that does not need it.
"""

import asyncio
from http import HTTPStatus
from typing import Protocol

from tenbin.config.model import Limits
from tenbin.core.problems import Problem

Headers = list[tuple[bytes, bytes]]
Named = dict[bytes, bytes]

STUCK_SECONDS = 120.0
"""A client that takes no byte of a streamed answer for this long is let go."""

JOINED_BYTES = 32_768
"""A body up to this size goes out in one piece with its head; a larger one is not copied for that."""


class Connection(Protocol):
    """What a request needs of the connection that it came on."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    write_paused: bool

    async def drained(self) -> None:
        """Return when the client has read some of what waits for it."""
        ...


class Request:
    """One request of a client (the Client of execute.world, for whoever answers it).

    Header names are in lower case. Of an answer's headers, the names are too; they are Tenbin's own or have been
    through an HTTP parser.
    """

    __slots__ = (
        "_chunked",
        "_connection",
        "_waiter",
        "body_size",
        "broken",
        "complete",
        "ended",
        "headers",
        "keep_alive",
        "limits",
        "method",
        "parts",
        "path",
        "query",
        "received_bytes",
        "started",
        "version",
    )

    def __init__(
        self,
        connection: Connection,
        limits: Limits,
        method: bytes,
        path: str,
        query: bytes,
        headers: Headers,
        version: str,
    ) -> None:
        self._connection = connection
        self.limits = limits
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.version = version
        """``1.1`` or ``1.0``."""
        self.keep_alive = True
        """The connection may be used again behind the answer."""
        self.parts: list[bytes] = []
        """The body, as far as it has come."""
        self.body_size = 0
        """Bytes of the body that have come, kept or not."""
        self.received_bytes = 0
        """The same with what frames it, while it is waited for."""
        self.complete = False
        """The body has come as a whole."""
        self.broken = False
        """What should be the rest of the body is not HTTP."""
        self.started = False
        """The head of the answer is written."""
        self.ended = False
        """The answer is written as a whole."""
        self._chunked = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def address(self) -> str:
        """Where its connection comes from: an IP address; empty where that is not known."""
        peer = self._connection.transport.get_extra_info("peername")
        return str(peer[0]) if isinstance(peer, tuple) else ""

    # -- its body

    def progressed(self) -> None:
        """Called by the connection when the body is complete, broken or larger than any that is taken."""
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def body(self, named: Named) -> bytes | Problem:
        """The whole body, or why it is not taken. ``named``: the request's headers, by name."""
        problem = self._refused(named)
        if problem is not None:
            return problem
        if not self.complete:
            if self.version == "1.1" and not self.parts and self._expects_to_be_asked():
                self._connection.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if not await self._come():
                return _too_slow(self.limits)
        if self.body_size > self.limits.body_bytes:
            return too_large(self.limits)
        if self.broken:
            return BROKEN
        parts = self.parts
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _come(self) -> bool:
        """Wait for the body, complete or for some reason not to be; False when it takes too long."""
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                while not self.complete and not self.broken and self.body_size <= self.limits.body_bytes:
                    self._waiter = self._connection.loop.create_future()
                    await self._waiter
        except TimeoutError:
            return False
        finally:
            self._waiter = None
        return True

    def _refused(self, named: Named) -> Problem | None:
        """Why the body is not taken, as far as the headers tell."""
        if b"content-encoding" in named and named[b"content-encoding"].strip().lower() not in (b"", b"identity"):
            return COMPRESSED
        length = named.get(b"content-length")
        if length is not None:
            return too_large(self.limits) if int(length) > self.limits.body_bytes else None
        if b"transfer-encoding" in named and named[b"transfer-encoding"].strip().lower() != b"chunked":
            return RECODED
        return None

    def _expects_to_be_asked(self) -> bool:
        return any(name == b"expect" and value.strip().lower() == b"100-continue" for name, value in self.headers)

    async def pass_over(self) -> bool:
        """Let the rest of the body go by, behind an answer; False when it will not come to its end."""
        self.parts.clear()
        if self._refused(dict(self.headers)) is not None or self._expects_to_be_asked():
            return False
        return await self._come() and self.complete

    # -- its answer

    async def start(self, status: int, headers: Headers) -> None:
        """Write the head of a streamed answer."""
        if self.version == "1.1":
            self._chunked = True
            head = self._head(status, headers, b"transfer-encoding: chunked\r\n")
        else:
            self.keep_alive = False
            head = self._head(status, headers, b"")
        self._connection.transport.write(head)

    async def write(self, data: bytes) -> None:
        """Write a piece of the body; waits while the client is slow."""
        connection = self._connection
        if connection.write_paused:
            await self.taken()
        if data:
            connection.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def taken(self) -> None:
        """Return when the client has read some; one that reads nothing for long counts as gone."""
        connection = self._connection
        try:
            async with asyncio.timeout(STUCK_SECONDS):
                await connection.drained()
        except TimeoutError:
            connection.transport.abort()  # which cancels this request
            await asyncio.sleep(0)

    async def finish(self, data: bytes = b"") -> None:
        """Write the last piece."""
        if self._chunked:
            data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        if data:
            self._connection.transport.write(data)
        self.ended = True

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Write a whole answer."""
        head = self._head(status, headers, b"content-length: %d\r\n" % len(body))
        transport = self._connection.transport
        if self.method == b"HEAD":
            transport.write(head)
        elif len(body) <= JOINED_BYTES:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        self.ended = True

    def _head(self, status: int, headers: Headers, framing: bytes) -> bytes:
        self.started = True
        parts = [_STATUS_LINES.get(status) or _status_line(status)]
        for name, value in headers:
            parts += (name, b": ", value, b"\r\n")
        parts += (framing, b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n")
        return b"".join(parts)


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase.encode())


_STATUS_LINES = {status.value: _status_line(status) for status in HTTPStatus}

COMPRESSED = Problem(
    status=415,
    code="invalid_request_error",
    message="Compressed request bodies are not taken: send the body without content-encoding.",
    param="content-encoding",
)
RECODED = Problem(
    status=501,
    code="invalid_request_error",
    message="Of transfer-encoding only `chunked` is taken: send the body with it or with content-length.",
    param="transfer-encoding",
)
BROKEN = Problem(
    status=400,
    code="invalid_request_error",
    message="The request's body is not chunked as HTTP/1.1 wants it.",
    param="body",
    should_retry=False,
)


def too_large(limits: Limits) -> Problem:
    """The Problem of a body over the limit."""
    return Problem(
        status=413,
        code="request_too_large",
        message=f"The request's body is larger than {limits.body_bytes} bytes. Send less, or raise limits.body_bytes.",
        param="body",
        should_retry=False,
    )


def _too_slow(limits: Limits) -> Problem:
    return Problem(
        status=408,
        code="invalid_request_error",
        message=f"The request's body was not complete after {limits.body_seconds:g} s (limits.body_seconds).",
        param="body",
    )

"""1. The client's side of a request, over ASGI: its body read within limits, its answer sent, its leaving noticed."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from tenbin.api.server_protocol import CONNECTION_KEY, CYCLE_KEY
from tenbin.config.model import Limits
from tenbin.core.problems import Problem
from tenbin.execute.clock import start_task

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


STUCK_SECONDS = 120.0
"""A client that takes no byte of a streamed answer for this long is let go."""


class ClientGone(Exception):
    """The client left before its request was complete."""


class AsgiClient:
    """Sends an answer (the Client of execute.world)."""

    __slots__ = ("_send", "started")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head of a streamed answer."""
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece."""
        await self._send({"type": "http.response.body", "body": data})

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        self.started = True
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


class DirectClient:
    """Sends an answer straight to the transport of Tenbin's own server: the same bytes that uvicorn would write, in
    one piece, without a dictionary and a check of each header for each message (a tenth of a small request's cost).

    The headers are Tenbin's own or have been through an HTTP parser; names are in lower case.
    """

    __slots__ = ("_cycle", "_version", "started")

    def __init__(self, cycle: Any, http_version: str) -> None:
        self._cycle = cycle
        self._version = http_version
        self.started = False

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head of a streamed answer."""
        cycle = self._cycle
        if self._version == "1.0":
            cycle.keep_alive = False
            framing = b""
        else:
            cycle.chunked_encoding = True
            framing = b"transfer-encoding: chunked\r\n"
        self._put(self._head(status, headers, framing))

    async def write(self, data: bytes) -> None:
        """Send a piece of the body."""
        cycle = self._cycle
        if cycle.flow.write_paused and not cycle.disconnected:
            await self._wait_for_client()
        if data:
            self._put(b"%x\r\n%b\r\n" % (len(data), data) if cycle.chunked_encoding else data)

    async def _wait_for_client(self) -> None:
        """Until it has read some; one that reads nothing for long counts as gone, or it would hold on for ever."""
        try:
            async with asyncio.timeout(STUCK_SECONDS):
                await self._cycle.flow.drain()
        except TimeoutError:
            self._cycle.transport.abort()  # its Presence then cancels the request
            await asyncio.sleep(0)

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece."""
        if self._cycle.chunked_encoding:
            data = b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data) if data else b"0\r\n\r\n"
        self._put(data)
        self._end()

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        self._put(self._head(status, headers, b"content-length: %d\r\n" % len(body)) + body)
        self._end()

    def _head(self, status: int, headers: Headers, framing: bytes) -> bytes:
        cycle = self._cycle
        self.started = cycle.response_started = True
        cycle.waiting_for_100_continue = False
        parts = [STATUS_LINE[status]]
        for name, value in headers:
            if name == b"connection":
                cycle.keep_alive = cycle.keep_alive and value != b"close"
            else:
                parts += (name, b": ", value, b"\r\n")
        parts += (framing, b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
        return b"".join(parts)

    def _put(self, data: bytes) -> None:
        if data and not self._cycle.disconnected:
            self._cycle.transport.write(data)

    def _end(self) -> None:
        cycle = self._cycle
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            if cycle.more_body:
                cycle.transport.get_protocol().linger()
            else:
                cycle.transport.close()
        cycle.on_response()


ClientSide = AsgiClient | DirectClient


def client_of(scope: Scope, send: Send) -> ClientSide:
    """The client's side of a request: direct on Tenbin's own server, by ASGI messages on any other."""
    cycle = scope.get(CYCLE_KEY)
    if cycle is None or scope["method"] == "HEAD":
        return AsgiClient(send)
    return DirectClient(cycle, scope["http_version"])


def let_go(scope: Scope) -> None:
    """The request is over. Tenbin's server put into the scope what holds the scope in turn: take it out, or all of it,
    and the headers with it, waits in memory for the collector."""
    scope.pop(CYCLE_KEY, None)
    scope.pop(CONNECTION_KEY, None)


async def read_body(scope: Scope, receive: Receive, limits: Limits) -> bytes | Problem:
    """The request's whole body, or why it is not taken. Raises ClientGone."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limits.body_bytes:
            return too_large(limits)
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            return Problem(
                status=415,
                code="invalid_request_error",
                message="Compressed request bodies are not taken: send the body without content-encoding.",
                param="content-encoding",
            )
    cycle = scope.get(CYCLE_KEY)
    if cycle is not None and not cycle.more_body and not cycle.disconnected:  # all there, as it mostly is: no timer
        body: bytes = (await receive()).get("body", b"")
        return too_large(limits) if len(body) > limits.body_bytes else body
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                size += len(part)
                if size > limits.body_bytes:
                    return too_large(limits)
                parts.append(part)
                more = message.get("more_body", False)
    except TimeoutError:
        return Problem(
            status=408,
            code="invalid_request_error",
            message=f"The request's body was not complete after {limits.body_seconds:g} s (limits.body_seconds).",
            param="body",
        )
    return b"".join(parts)


def too_large(limits: Limits) -> Problem:
    """The Problem of a body over the limit."""
    return Problem(
        status=413,
        code="request_too_large",
        message=f"The request's body is larger than {limits.body_bytes} bytes. Send less, or raise limits.body_bytes.",
        param="body",
        should_retry=False,
    )


class Presence:
    """Cancels the running request when its client leaves: ``with Presence(scope, receive): ...``.

    Tenbin's own server says so by a callback. Another ASGI server is listened to by a task, which costs more.
    """

    __slots__ = ("_connection", "_cycle", "_receive", "_task", "_watcher", "left")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._connection = scope.get(CONNECTION_KEY)
        self._cycle = scope.get(CYCLE_KEY)
        self._receive = receive
        self._task: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.left = False

    def __enter__(self) -> "Presence":
        self._task = asyncio.current_task()
        if self._connection is not None:
            self._connection.on_lost = self._leave
        else:
            self._watcher = start_task(self._listen(), name="client presence")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._connection is not None:
            self._connection.on_lost = None
        if self._watcher is not None:
            self._watcher.cancel()

    def _leave(self) -> None:
        self.left = True
        if self._cycle is not None:
            self._cycle.disconnected = True  # of several pipelined requests uvicorn tells only the last
        if self._task is not None:
            self._task.cancel()

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

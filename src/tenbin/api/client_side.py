"""1. The client's side of a request, over ASGI: its body read within limits, its answer sent, its leaving noticed."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tenbin.api.server_protocol import CONNECTION_KEY
from tenbin.config.model import Limits
from tenbin.core.problems import Problem
from tenbin.execute.clock import start_task

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]


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
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientGone
    if not message.get("more_body"):
        return too_large(limits) if len(body) > limits.body_bytes else body
    parts, size = [body], len(body)
    try:
        async with asyncio.timeout(limits.body_seconds):
            while message.get("more_body"):
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                size += len(part)
                if size > limits.body_bytes:
                    return too_large(limits)
                parts.append(part)
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

    __slots__ = ("_connection", "_receive", "_task", "_watcher", "left")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._connection = scope.get(CONNECTION_KEY)
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
        if self._task is not None:
            self._task.cancel()

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

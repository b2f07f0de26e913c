"""The wire to one client: writes heads and pieces as scripted, notices when the client leaves, and cuts on "
"request."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tenbin.simulator.scripts import Script

Headers = Sequence[tuple[str, str]]
Message = MutableMapping[str, Any]


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also hands the transport to the application so that it can be cut."""

    def on_message_begin(self) -> None:
        """Put the transport into the scope of each new request."""
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]


class Gone(Exception):
    """The client has closed the connection."""


class Wire:
    """One response on its way out; every write takes the script's splitting, compression and slowness into "
    "account."""

    def __init__(
        self,
        transport: asyncio.Transport,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        script: Script,
    ) -> None:
        self._transport, self._receive, self._send, self._script = transport, receive, send, script
        self._leaving: asyncio.Task[None] | None = None
        self._compressor = zlib.compressobj(wbits=31) if script.gzip else None
        self._raw = bool(script.slow_headers)
        self.started = False

    @property
    def closed(self) -> bool:
        """Whether the connection is gone."""
        return self._transport.is_closing()

    async def start(self, status: int, headers: Headers) -> None:
        """Send the head. With `slow_headers` it goes out byte by byte over that many milliseconds."""
        sent = [*headers, *self._script.headers.items()]
        if self._compressor:
            sent = [(name, value) for name, value in sent if name.lower() != "content-length"]
            sent.append(("content-encoding", "gzip"))
        if self._script.connection_close or self._raw:
            sent.append(("connection", "close"))
        self.started = True
        if self._raw:
            await self._start_slowly(status, sent)
            return
        encoded = [(name.lower().encode(), value.encode("utf-8", "replace")) for name, value in sent]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _start_slowly(self, status: int, headers: Headers) -> None:
        kept = [(name, value) for name, value in headers if name.lower() not in ("content-length", "transfer-encoding")]
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            *(f"{name}: {value}" for name, value in kept),
            "",
            "",
        ]
        head = "\r\n".join(lines).encode()
        steps = 20
        size = -(-len(head) // steps)
        for start in range(0, len(head), size):
            self._transport.write(head[start : start + size])
            await self.sleep(self._script.slow_headers / 1000 / steps)

    async def write(self, data: bytes) -> None:
        """Send a piece of the body. Raises Gone if the client has left."""
        if self._compressor:
            data = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        await self._put(data)

    async def _put(self, data: bytes) -> None:
        size = self._script.split_bytes
        for part in _split(data, size) if size > 0 else (data,):
            if self._transport.is_closing():
                raise Gone
            if self._raw:
                self._transport.write(part)
            else:
                await self._send({"type": "http.response.body", "body": part, "more_body": True})
            if size > 0:
                await asyncio.sleep(0)

    async def finish(self, data: bytes = b"") -> None:
        """Send the last piece and end the response."""
        if self._compressor:
            data = self._compressor.compress(data) + self._compressor.flush()
        if self._script.split_bytes and data:
            await self._put(data)
            data = b""
        if self._raw:
            self._transport.write(data)
            self._transport.close()
            await self._wait_until_gone(None)
        else:
            await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def cut(self, reset: bool) -> None:
        """Break the connection in the middle: a plain close (FIN), or with `reset` a TCP reset (RST)."""
        await asyncio.sleep(0.02)  # what was written so far must have left before a reset throws it away
        if reset:
            duplicate = socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno()))
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            duplicate.close()
            self._transport.abort()
        else:
            self._transport.close()
        await self._wait_until_gone(None)

    async def sleep(self, seconds: float) -> None:
        """Wait; raises Gone as soon as the client leaves."""
        if seconds <= 0:
            return
        if seconds < 0.02:
            await asyncio.sleep(seconds)
        else:
            await self._wait_until_gone(seconds)
        if self._transport.is_closing():
            raise Gone

    async def hang(self) -> None:
        """Stay silent until the client leaves; then raises Gone."""
        await self._wait_until_gone(None)
        raise Gone

    async def _wait_until_gone(self, seconds: float | None) -> None:
        if self._leaving is None:
            self._leaving = asyncio.get_running_loop().create_task(self._watch())
        await asyncio.wait({self._leaving}, timeout=seconds)

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def release(self) -> None:
        """Stop watching the client."""
        if self._leaving is not None:
            self._leaving.cancel()


def _split(data: bytes, size: int) -> Iterable[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))

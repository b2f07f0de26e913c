"""1. The first to see a client's bytes: one connection of HTTP/1.1, parsed by httptools, its requests served in order.

A slow or endless head is answered with 408 or 431 before anybody has seen it, and a client's leaving cancels its
request at once. What a refused client still sends is read and thrown away: a reset would lose it the answer.
"""

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

import httptools

from tenbin.api.client_side import Headers, Request
from tenbin.api.head_rules import (
    BadHead,
    body_parser,
    check_size,
    check_version,
    path_and_query,
    refusal,
    too_large_head,
    too_many_clients,
    too_slow_head,
)
from tenbin.execute.clock import start_task

if TYPE_CHECKING:
    from tenbin.api.server import Server

LOG = logging.getLogger("tenbin.api")

KEEP_ALIVE_SECONDS = 75.0
"""A connection on which nothing is asked for this long is closed."""

LINGER_SECONDS = 30.0
"""How long the rest of a refused request is read."""
LINGER_BYTES = 64 * 1024 * 1024
"""How much of it at most."""

MOST_FRAMING = 8
"""Bytes received for each byte of a chunked body, beside as many as a head may have: chunks of a byte take six."""

WAITING_BYTES = 65_536
"""What a client may send ahead, behind a request that is still being answered; then it is not read for a while."""

_SPENT = httptools.HttpRequestParser(None)
"""Stands for the parser of a closed connection: that one holds the connection which holds it, and the two would stay in
memory until the collector comes by."""


class _LastRequest(Exception):
    """Ends the parsing of what a client has sent: behind a last request nothing is read."""


class ClientConnection(asyncio.Protocol):
    """One client's connection.

    One task serves its requests, one after the other: it ends with the connection, and the request that is being
    served is cancelled with it.
    """

    # fmt: off
    __slots__ = (
        "_ahead_bytes", "_deaf", "_first_bytes", "_head_began", "_head_bytes", "_head_timer", "_headers",
        "_idle_since", "_idle_timer", "_in_head", "_incoming", "_lingering", "_parser", "_piece_bytes", "_queue",
        "_read_paused", "_refusal", "_server", "_surplus", "_url", "_waiter", "_write_waiter", "loop", "serving",
        "task", "transport", "write_paused",
    )
    # fmt: on

    transport: asyncio.Transport

    def __init__(self, server: "Server") -> None:
        self.loop = server.loop
        self.serving: Request | None = None
        self.write_paused = False
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self.task: asyncio.Task[None] | None = None
        """Serves the requests; there is none before the first."""
        self._queue: deque[Request] = deque()
        """Requests whose head is complete and that wait for their turn."""
        self._waiter: asyncio.Future[None] | None = None
        self._write_waiter: asyncio.Future[None] | None = None
        self._incoming: Request | None = None
        """The request whose body is coming."""
        self._url = b""
        self._headers: Headers = []
        self._in_head = True
        """A head is expected or coming, and the time for it runs."""
        self._head_began = False
        self._piece_bytes = 0
        self._first_bytes = 0
        """Of the piece in which the head that is coming began, and not always as its first byte."""
        self._head_bytes = 0
        """Of all pieces with that head, but for the last one that completes it."""
        self._ahead_bytes = 0
        """Received while a request was being answered that was complete already."""
        self._surplus = False
        self._deaf = False
        """Nothing that comes is of interest any more: the connection ends with the answers that are still owed."""
        self._lingering = False
        self._read_paused = False
        self._refusal: BadHead | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._idle_since = 0.0

    # -- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self.transport = transport  # type: ignore[assignment]
        connections = self._server.connections
        connections.add(self)
        self._surplus = len(connections) > self._server.limits.connections
        self._head_timer = self.loop.call_later(self._server.limits.header_seconds, self._head_late)
        if self._server.stopping:
            self.transport.close()  # taken from the kernel's queue as the listener was closed

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self._server.connections.discard(self)
        self._parser = _SPENT
        self._queue.clear()
        self._incoming = None
        for timer in (self._head_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._idle_timer = None
        self._refusal = None
        self.resume_writing()
        task, self.task = self.task, None  # what it is cancelled with holds this connection
        if task is not None:
            task.cancel()
        self._server.lost()

    def data_received(self, data: bytes) -> None:  # noqa: D102
        if self._deaf:
            self._ahead_bytes += len(data)
            if self._ahead_bytes > LINGER_BYTES:
                self.transport.abort()
            return
        self._piece_bytes = len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay_with_http_1(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if not self._deaf:
                self._not_http(error)
        if self._in_head:
            self._watch_head()
        elif self.serving is not None:
            self._watch_amount(self.serving)

    def eof_received(self) -> None:
        """The client has left, or says that it will ask nothing more: what is not answered yet has no reader then."""

    def pause_writing(self) -> None:  # noqa: D102
        self.write_paused = True

    def resume_writing(self) -> None:  # noqa: D102
        self.write_paused = False
        waiter, self._write_waiter = self._write_waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # -- what the parser calls

    def on_message_begin(self) -> None:  # noqa: D102
        self._in_head = self._head_began = True
        self._head_bytes = 0
        self._first_bytes = self._piece_bytes
        self._url = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:  # noqa: D102
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102
        if self._in_head:  # a trailer behind a chunked body is of no interest
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:  # noqa: D102
        self._in_head = self._head_began = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        server, parser, headers = self._server, self._parser, self._headers
        version = parser.get_http_version()
        try:
            if self._surplus:
                raise too_many_clients(server.limits.connections)
            if self._head_bytes + self._piece_bytes > server.limits.header_bytes:
                check_size(self._url, headers, server.limits.header_bytes)
            if version != "1.1":
                check_version(version, headers)
            path, query = path_and_query(self._url)
        except BadHead as bad:
            self._refuse(bad)
            raise
        request = Request(self, server.body_limits(), parser.get_method(), path, query, headers, version)
        if version == "1.0" or not parser.should_keep_alive():
            request.keep_alive = False
        self._incoming = request
        self._queue.append(request)
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
        elif self.task is None:
            self.task = start_task(self._serve(), name="client connection")

    def on_body(self, body: bytes) -> None:  # noqa: D102
        request = self._incoming
        if request is None:
            return
        request.body_size += len(body)
        if request.body_size > request.limits.body_bytes:
            request.parts.clear()
            request.progressed()
        elif not request.ended:
            request.parts.append(body)

    def on_message_complete(self) -> None:  # noqa: D102
        request, self._incoming = self._incoming, None
        if request is not None:
            request.complete = True
            request.progressed()
            if not request.keep_alive:
                self._deaf = True
                raise _LastRequest

    # -- the life of its requests

    async def _serve(self) -> None:
        """Serve the requests in their order until the connection ends."""
        application, queue = self._server.application, self._queue
        try:
            while True:
                if not queue:
                    self.serving = None
                    if self._ends_between_requests():
                        return
                    self._waiter = self.loop.create_future()
                    await self._waiter
                request = self.serving = queue.popleft()
                if self._read_paused and not queue:
                    self._resume_reading()
                await application(request)
                if self.write_paused:
                    await request.taken()
                if not request.ended:
                    return  # broken off: that no end was written tells the client
                if not request.complete and not (request.keep_alive and await request.pass_over()):
                    self._linger()
                    return
                if not request.keep_alive:
                    return
                del request  # or it stays in memory until the next one comes
        finally:
            self.serving = None
            if not self._lingering:
                self._close()

    def _ends_between_requests(self) -> bool:
        """Nothing is to be answered: the connection is idle from now on, or ends."""
        if self._refusal is not None:
            self._refuse(self._refusal)
            return True
        if self._server.stopping:
            return True
        self._ahead_bytes = 0
        if self._read_paused:
            self._resume_reading()
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(KEEP_ALIVE_SECONDS, self._look_whether_idle)
        return False

    def stop(self) -> None:
        """Take no further request: an idle connection ends now, another one behind the answer."""
        if self.serving is None and not self._queue:
            self.transport.close()
        elif self.serving is not None:
            self.serving.keep_alive = False

    async def drained(self) -> None:
        """Return when the client has read some of what waits for it."""
        while self.write_paused and not self.transport.is_closing():
            self._write_waiter = self.loop.create_future()
            await self._write_waiter

    def _look_whether_idle(self) -> None:
        self._idle_timer = None
        if self.transport.is_closing():
            return
        busy = self.serving is not None or self._in_head or bool(self._queue)
        remaining = KEEP_ALIVE_SECONDS if busy else self._idle_since + KEEP_ALIVE_SECONDS - self.loop.time()
        if remaining > 0:
            self._idle_timer = self.loop.call_later(max(remaining, 1.0), self._look_whether_idle)
        else:
            self._close()

    def _close(self) -> None:
        """Close behind what is written; a client that does not read it is not waited for without end."""
        if not self.transport.is_closing() and self.transport.get_write_buffer_size():
            self.loop.call_later(LINGER_SECONDS, self.transport.abort)
        self.transport.close()

    # -- what is watched over

    def _watch_head(self) -> None:
        """A part of a head has come: it may not be endless, in bytes or in time."""
        if self._deaf:
            return
        limits = self._server.limits
        self._head_bytes += self._piece_bytes
        if self._head_bytes - self._first_bytes > limits.header_bytes:
            self._refuse(too_large_head(limits.header_bytes))
        elif self._head_timer is None and self._head_began and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(limits.header_seconds, self._head_late)

    def _head_late(self) -> None:
        self._head_timer = None
        if not self._in_head or self._deaf or self.transport.is_closing():
            return
        limit = self._server.limits.header_seconds
        if not self._head_began:
            self.transport.close()  # nothing was asked: an idle connection simply ends
        elif self._answering():
            self._head_timer = self.loop.call_later(limit, self._head_late)
        else:
            self._refuse(too_slow_head(limit))

    def _watch_amount(self, serving: Request) -> None:
        """Something has come while a request is served."""
        if serving is not self._incoming:
            self._ahead_bytes += self._piece_bytes
            if self._ahead_bytes > WAITING_BYTES and not self._read_paused:
                self._read_paused = True
                self.transport.pause_reading()
            return
        serving.received_bytes += self._piece_bytes
        if serving.received_bytes > MOST_FRAMING * serving.body_size + self._server.limits.header_bytes:
            self._break(serving)

    def _resume_reading(self) -> None:
        self._ahead_bytes = 0
        self._read_paused = False
        if not self.transport.is_closing():
            self.transport.resume_reading()

    # -- what is not served

    def _stay_with_http_1(self, rest: bytes) -> None:
        """A client asks for another protocol (``upgrade: h2c``): the request is served as it stands, the last one here.
        The parser took what is behind its head for that protocol; it is the body.
        """
        request = self._queue[-1]
        request.keep_alive = False
        try:
            parser = body_parser(request.headers, self.on_body, self.on_message_complete)
            if parser is None or request.method == b"CONNECT":
                self._deaf = True
                return
            request.complete = False
            self._parser, self._incoming = parser, request
            parser.feed_data(rest)
        except httptools.HttpParserError as error:
            if not self._deaf:
                self._not_http(error)

    def _not_http(self, error: httptools.HttpParserError) -> None:
        if isinstance(error, httptools.HttpParserCallbackError):
            LOG.error("A request could not be taken.", exc_info=error)
        if self._incoming is not None:
            self._break(self._incoming)
        else:
            self._refuse(BadHead(b"400 Bad Request", "this is not a request in HTTP/1.1"))

    def _break(self, request: Request) -> None:
        """The rest of a body is none: whoever waits for it is told."""
        self._deaf = True
        self._incoming = None
        request.broken = True
        request.keep_alive = False
        request.progressed()

    def _answering(self) -> bool:
        return self.serving is not None or bool(self._queue)

    def _refuse(self, bad: BadHead) -> None:
        """Answer without an application and close.

        Answers that are owed to earlier requests of this connection are not disturbed: the refusal waits for them.
        """
        self._deaf = True
        self._in_head = False
        if self.transport.is_closing() or self._lingering:
            return
        if self._answering():
            self._refusal = bad
            return
        self.transport.write(refusal(bad))
        self._linger()

    def _linger(self) -> None:
        """Close behind an answer to a request of which more may come, once the client has read the answer."""
        if self.transport.is_closing():
            return
        self._lingering = self._deaf = True
        self._resume_reading()
        self.transport.write_eof()
        if self._head_timer is not None:
            self._head_timer.cancel()
        self._head_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

"""1. The first to see a client's bytes: uvicorn's HTTP protocol with limits on heads, and a word when a client leaves.

uvicorn itself waits for ever for a head and keeps any number of headers; and it tells an application that its
client has gone only when asked. Here a slow or endless head is answered with 408 or 431, and the running request
is told at once. What a refused client still sends is read and thrown away: a reset would lose it the answer.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tenbin.config.model import Limits

CONNECTION_KEY = "tenbin.connection"
"""In an ASGI scope: the LimitedProtocol that it came on."""

CYCLE_KEY = "tenbin.cycle"
"""In an ASGI scope: uvicorn's RequestResponseCycle of this very request (of several pipelined ones)."""

LINGER_SECONDS = 30.0
"""How long the rest of a refused request is read."""
LINGER_BYTES = 64 * 1024 * 1024
"""How much of it at most."""


class LimitedProtocol(HttpToolsProtocol):
    """One client connection. ``limits`` is set on a subclass made for a server (``limited``)."""

    limits = Limits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.on_lost: Callable[[], object] | None = None
        self._head_bytes = 0
        """Of the headers that are complete."""
        self._raw_bytes = 0
        """Received since the head began, while it is not complete."""
        self._in_head = True
        self._refusal: tuple[bytes, str] | None = None
        self._lingering = False
        self._surplus = False
        self._head_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # noqa: D102
        super().connection_made(transport)
        self._surplus = len(self.connections) > self.limits.connections
        self._head_timer = self.loop.call_later(self.limits.header_seconds, self._head_late)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self._stop_timer()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        super().connection_lost(exc)
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost()

    def data_received(self, data: bytes) -> None:  # noqa: D102
        if self._lingering:
            self._raw_bytes += len(data)
            if self._raw_bytes > LINGER_BYTES:
                self.transport.abort()
            return
        super().data_received(data)
        if not self._in_head:
            return
        self._raw_bytes += len(data)
        if self._raw_bytes > self.limits.header_bytes:
            self._refuse_head()
        elif self._head_timer is None and self._head_bytes and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.limits.header_seconds, self._head_late)

    def on_response_complete(self) -> None:
        """The connection is idle, or takes the next of several pipelined requests.

        uvicorn arms and cancels a timer for each request here; one timer that looks when the last answer ended does.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self._refusal is not None and not self.pipeline:
            self._refuse(*self._refusal)
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, application = self.pipeline.pop()
            self._start_asgi_task(cycle, application)
            return
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _look_whether_idle(self) -> None:
        self._idle_timer = None
        if self.transport.is_closing():
            return
        remaining = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if self._in_head or not self.cycle.response_complete:
            remaining = self.timeout_keep_alive  # busy, or watched by the timer for heads
        if remaining > 0:
            self._idle_timer = self.loop.call_later(max(remaining, 1.0), self._look_whether_idle)
        else:
            self.transport.close()

    def on_message_begin(self) -> None:  # noqa: D102
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = 1
        self._raw_bytes = 0
        cast(dict[str, Any], self.scope)[CONNECTION_KEY] = self

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102
        # uvicorn's own, without the detour: clients send twenty headers and more.
        self._head_bytes += len(name) + len(value) + 4
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:  # noqa: D102
        self._in_head = False
        if self._head_timer is not None:
            self._stop_timer()
        if self._head_bytes + len(self.url) > self.limits.header_bytes:
            self._refuse_head()
            return
        if self._surplus:
            message = f"more than {self.limits.connections} clients are connected (limits.connections); try again soon"
            self._refuse(b"503 Service Unavailable\r\nretry-after: 1", message)
            return
        super().on_headers_complete()
        cast(dict[str, Any], self.scope)[CYCLE_KEY] = self.cycle

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if not self._in_head or self.transport.is_closing():
            return
        if self._head_bytes == 0:
            self.transport.close()  # nothing was asked: an idle connection simply ends
            return
        if self._answering():
            self._head_timer = self.loop.call_later(self.limits.header_seconds, self._head_late)
            return
        self._refuse(
            b"408 Request Timeout", f"the request's head was not complete after {self.limits.header_seconds:g} s"
        )

    def _refuse_head(self) -> None:
        self._refuse(
            b"431 Request Header Fields Too Large",
            f"the request's headers are larger than limits.header_bytes ({self.limits.header_bytes} bytes)",
        )

    def _refuse(self, status: bytes, message: str) -> None:
        """Answer without an application and close. JSON that both dialects' clients can show.

        An answer under way to an earlier request of this connection is not disturbed: the refusal waits for its end.
        """
        if self.transport.is_closing() or self._lingering:
            return
        if self._answering():
            self._refusal = (status, message)
            self.flow.pause_reading()
            return
        if cast("RequestResponseCycle | None", self.cycle) is None:
            self.cycle = cast("RequestResponseCycle", _Refused())
        body = b'{"type":"error","error":{"type":"invalid_request_error","message":"' + message.encode() + b'"}}'
        self.transport.write(
            b"HTTP/1.1 "
            + status
            + b"\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: "
            + str(len(body)).encode()
            + b"\r\n\r\n"
            + body
        )
        self.linger()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for bytes that are not HTTP."""
        self._refuse(b"400 Bad Request", "this is not a request in HTTP/1.1")

    def _answering(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def linger(self) -> None:
        """Close behind an answer to a request of which more may come, once the client has read the answer."""
        if self._lingering or self.transport.is_closing():
            return
        self._lingering = True
        self._raw_bytes = 0
        self._stop_timer()
        self.transport.write_eof()
        self.flow.resume_reading()
        self._head_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)


class _Refused:
    """Stands for the cycle of a request that none was made for: what else comes of it is passed over."""

    response_complete = True

    def __init__(self) -> None:
        self.message_event = asyncio.Event()


def limited(limits: Limits) -> type[LimitedProtocol]:
    """A protocol class with these limits, for ``uvicorn.Config(http=...)``."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})

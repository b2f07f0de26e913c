"""One HTTP/1.1 connection to a provider, and the one answer that is on it.

Callbacks from the transport fill the answer; a reader takes everything that is ready in one piece. No task, no
lock and no timer belongs to a connection: the client's ticker watches all deadlines.
"""

import asyncio
import zlib
from collections.abc import Callable

import httptools

from tenbin.core.problems import Failure, FailureKind

MAX_HEAD_BYTES = 262_144
"""A provider whose answer's head is larger than this is not speaking HTTP sensibly."""

HIGH_WATER_BYTES = 1_048_576
"""Reading from the provider pauses while this much waits for a slow client."""

MOST_UNPACKED_BYTES = 16_777_216
"""Of one piece that came compressed (which nobody asked for): more is made to fill the memory."""

_SPENT = httptools.HttpResponseParser(None)
"""Stands for the parser of a closed connection: that one holds the connection which holds it, and the two would stay in
memory until the collector comes by."""


class UpstreamFailed(Exception):
    """The exchange broke on the wire; carries the Failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Connection(asyncio.Protocol):
    """A connection; between answers it is idle and may be given another request."""

    __slots__ = (
        "_head_bytes",
        "_parser",
        "answer",
        "closed",
        "idle_since",
        "loop",
        "on_idle",
        "origin",
        "reused",
        "transport",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, origin: str, on_idle: "Callable[[Connection], None]") -> None:
        self.loop = loop
        self.origin = origin
        self.on_idle = on_idle
        self.transport: asyncio.Transport | None = None
        self.answer: UpstreamAnswer | None = None
        self.closed = False
        self.reused = False
        self.idle_since = 0.0
        self._head_bytes = 0
        self._parser = httptools.HttpResponseParser(self)

    # -- what the client calls

    def send(self, head: bytes, body: bytes, deadline: float) -> "UpstreamAnswer":
        """Write a request; ``deadline`` is in loop time, for the first byte of the answer."""
        assert self.answer is None
        assert self.transport is not None
        answer = UpstreamAnswer(self, deadline)
        self.answer = answer
        self._head_bytes = 0
        if len(body) > 32_768:
            self.transport.write(head)
            self.transport.write(body)
        else:
            self.transport.write(head + body)
        return answer

    def abort(self) -> None:
        """Close at once; whatever the provider still sends is of no interest."""
        self.closed = True
        if self.transport is not None:
            self.transport.abort()

    # -- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:  # noqa: D102
        answer = self.answer
        if answer is None:
            self.abort()  # bytes that nobody asked for: not a connection to trust with another request
            return
        answer.touched = True
        answer.deadline = self.loop.time() + answer.idle_limit
        if answer.status == 0:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._break("malformed", "the provider wants to switch protocols")
        except httptools.HttpParserError as error:
            self._break("malformed", f"the provider's answer is not HTTP: {error}")
        else:
            if answer.status == 0 and self._head_bytes > MAX_HEAD_BYTES:
                self._break("malformed", f"the head of the provider's answer is larger than {MAX_HEAD_BYTES} bytes")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self.closed = True
        self._parser = _SPENT
        answer = self.answer
        if answer is not None:
            self.answer = None
            if answer.until_close and answer.status and exc is None:
                answer.finish()
            elif answer.touched:
                answer.fail("cut", "the provider closed the connection before the answer was complete")
            else:
                answer.fail("cut", "the provider closed the connection without an answer")

    def pause_writing(self) -> None:  # noqa: D102
        pass  # a request is one piece that is in memory already

    def resume_writing(self) -> None:  # noqa: D102
        pass

    # -- what the parser calls

    def on_message_begin(self) -> None:  # noqa: D102
        if self.answer is None:
            # Behind a complete answer more has come: were the connection kept, the next request would get it.
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102
        answer = self.answer
        if answer is not None:
            answer.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:  # noqa: D102
        answer = self.answer
        if answer is None:
            return
        status = self._parser.get_status_code()
        if status < 200:
            answer.headers.clear()
            return
        answer.begin(status)

    def on_body(self, data: bytes) -> None:  # noqa: D102
        answer = self.answer
        if answer is not None:
            answer.take(data)

    def on_message_complete(self) -> None:  # noqa: D102
        answer = self.answer
        if answer is None or answer.status == 0:
            return  # an informational answer (1xx): the real one follows
        self.answer = None
        keep = self._parser.should_keep_alive() and not answer.until_close
        answer.finish()
        if keep and answer.complete and not self.closed:
            self.reused = True
            self.on_idle(self)
        else:
            self.abort()

    def _break(self, kind: FailureKind, message: str) -> None:
        answer, self.answer = self.answer, None
        self.abort()
        if answer is not None:
            answer.fail(kind, message)


class UpstreamAnswer:
    """The answer on a connection: its head, and its body as it comes."""

    __slots__ = (
        "_chunks",
        "_compressed",
        "_decompress",
        "_size",
        "_waiter",
        "complete",
        "connection",
        "deadline",
        "failure",
        "give_up_at",
        "headers",
        "idle_limit",
        "paused",
        "quiet_after",
        "quiet_until",
        "status",
        "torn",
        "touched",
        "until_close",
    )

    def __init__(self, connection: Connection, deadline: float) -> None:
        self.connection = connection
        self.deadline = deadline
        """Loop time at which the client's ticker gives this answer up."""
        self.idle_limit = 120.0
        self.give_up_at = float("inf")
        """Loop time at which even an answer that still flows is given up."""
        self.quiet_after = 0.0
        """Seconds of silence after which a waiting ``read`` returns empty-handed, so that the client can be pinged,
        and again after as many more; 0: never."""
        self.quiet_until = 0.0
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.touched = False
        """At least one byte of an answer has come."""
        self.complete = False
        self.failure: Failure | None = None
        self.torn = b""
        """Of a body that was to be read whole and broke off: what came of it."""
        self.until_close = False
        self.paused = False
        self._chunks: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._decompress: zlib._Decompress | None = None
        self._compressed = False

    # -- filled by the connection

    def begin(self, status: int) -> None:
        """The head is complete."""
        self.status = status
        framed = status in (204, 304)
        for name, value in self.headers:
            if name == b"content-length" or (name == b"transfer-encoding" and b"chunked" in value.lower()):
                framed = True
            elif name == b"content-encoding":
                encoding = value.strip().lower()
                if encoding in (b"gzip", b"x-gzip", b"deflate"):
                    self._decompress = zlib.decompressobj(zlib.MAX_WBITS | 32)
                elif encoding != b"identity":
                    self.connection._break("malformed", f"the provider used the encoding {encoding!r}, not asked for")
                    return
        self.until_close = not framed
        self._wake()

    def take(self, data: bytes) -> None:
        """A piece of the body."""
        if self._decompress is not None:
            self._compressed = True
            try:
                data = self._decompress.decompress(data, MOST_UNPACKED_BYTES)
            except zlib.error as error:
                self.connection._break("malformed", f"the provider's compressed answer is broken: {error}")
                return
            if self._decompress.unconsumed_tail:
                self.connection._break("malformed", "the provider's compressed answer is out of all proportion")
                return
            if not data:
                return
        self._chunks.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER_BYTES and not self.paused and self.connection.transport is not None:
            self.paused = True
            self.connection.transport.pause_reading()
        self._wake()

    def finish(self) -> None:
        """The body is complete."""
        if self._decompress is not None and self._compressed and not self._decompress.eof:
            self.fail("malformed", "the provider's compressed answer ends too early")
            return
        self.complete = True
        if self.paused and self.connection.transport is not None and not self.connection.closed:
            self.paused = False
            self.connection.transport.resume_reading()
        self._wake()

    def fail(self, kind: FailureKind, message: str) -> None:
        """The answer will not be completed."""
        if self.failure is None and not self.complete:
            self.failure = Failure(kind=kind, message=message, status=self.status or None)
            self._wake()

    def expire(self, now: float) -> None:
        """Called by the ticker when the deadline has passed."""
        message = "no byte of an answer came in time" if not self.touched else "the answer stalled"
        self.connection.answer = None
        self.connection.abort()
        self.fail("timeout", message)

    def hush(self, now: float) -> None:
        """Called by the ticker: when nothing has come for a while, wake the reader with nothing."""
        if now >= max(self.deadline - self.idle_limit + self.quiet_after, self.quiet_until):
            self.quiet_until = now + self.quiet_after
            self._wake()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    # -- read by the pipeline

    async def head(self) -> None:
        """Wait for status and headers. Raises UpstreamFailed."""
        while self.status == 0:
            if self.failure is not None:
                raise UpstreamFailed(self.failure)
            await self._wait()

    async def read(self) -> bytes | None:
        """Everything that is ready; ``None`` at the end; ``b""`` when the provider has been quiet for a while.

        Raises UpstreamFailed once all that came before the failure has been read.
        """
        if not self._chunks and not self.complete and self.failure is None:
            await self._wait()
        chunks = self._chunks
        if chunks:
            self._chunks = []
            self._size = 0
            if self.paused and self.connection.transport is not None:
                self.paused = False
                if not self.connection.closed:
                    self.connection.transport.resume_reading()
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if self.failure is not None:
            raise UpstreamFailed(self.failure)
        return None if self.complete else b""

    async def whole(self, limit: int) -> bytes:
        """The rest of the body, of at most ``limit`` bytes. Raises UpstreamFailed."""
        parts: list[bytes] = []
        size = 0
        while True:
            try:
                part = await self.read()
            except UpstreamFailed:
                self.torn = b"".join(parts)
                raise
            if part is None:
                break
            size += len(part)
            if size > limit:
                self.close()
                failure = Failure(kind="malformed", message=f"the provider's answer is larger than {limit} bytes")
                raise UpstreamFailed(failure)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Done with it: an answer that is not complete takes its connection with it."""
        if not self.complete:
            connection = self.connection
            if connection.answer is self:
                connection.answer = None
            connection.abort()

    def header(self, name: bytes) -> bytes | None:
        """The first header of that (lower-case) name."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    async def _wait(self) -> None:
        waiter = self.connection.loop.create_future()
        self._waiter = waiter
        try:
            await waiter
        finally:
            self._waiter = None

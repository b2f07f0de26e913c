"""Stage 2, server-sent events as every streaming dialect uses them: bytes in any cutting to events, and back.

The reader follows the HTML standard (section 9.2.6, "Interpreting an event stream"), with one leniency: an event
that the end of the stream leaves without its blank line is still given, as several servers end that way.
"""

import msgspec

from tenbin.core.problems import Failure

MAX_EVENT_BYTES = 32 * 1024 * 1024
"""Longest event that is read, in bytes: more than the largest body that a client may send."""

_BOM = b"\xef\xbb\xbf"


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event: its name (empty when it has none) and its data, lines joined by a newline."""

    name: bytes
    data: bytes


class SSEReader:
    """Cuts a stream of bytes into events. State: the bytes of the event that is not complete yet."""

    __slots__ = ("_buffer", "_limit", "_scanned", "_skip_newline", "_started", "failure")

    failure: Failure | None
    """Set (``malformed``) once an event is longer than the limit; nothing more is read from then on."""

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._buffer = bytearray()
        self._limit = limit
        self._scanned = 0
        self._skip_newline = False
        self._started = False
        self.failure = None

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. Line ends may be LF, CR LF or CR, and may be cut in two."""
        if self._skip_newline and data:
            self._skip_newline = False
            if data[0] == 0x0A:
                data = data[1:]
        if b"\r" in data:
            # The LF of a CR LF may come with the next bytes: the CR ends the line already, the LF is then skipped.
            self._skip_newline = data[-1] == 0x0D
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if self.failure is not None or not data:
            return []
        if not self._buffer and self._started and data.endswith(b"\n\n"):
            return self._events(data[:-2].split(b"\n\n"))
        return self._collect(data)

    def finish(self) -> list[Event]:
        """The stream has ended: the last event, if its blank line is missing. Its data may have been cut short."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        if self.failure is not None:
            return []
        return self._events([rest.removeprefix(_BOM) if not self._started else rest])

    def _collect(self, data: bytes) -> list[Event]:
        buffer = self._buffer
        buffer += data
        if not self._started:
            if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
                return []
            self._started = True
            if buffer.startswith(_BOM):
                del buffer[: len(_BOM)]
        if buffer[:1] == b"\n":  # blank lines before an event are no part of it
            del buffer[: len(buffer) - len(buffer.lstrip(b"\n"))]
            self._scanned = 0
        end = buffer.rfind(b"\n\n", max(self._scanned - 1, 0))
        if end < 0:
            self._scanned = len(buffer)
            if len(buffer) > self._limit + 1:
                self._fail()
            return []
        blocks = bytes(buffer[:end]).split(b"\n\n")
        del buffer[: end + 2]
        self._scanned = len(buffer)
        events = self._events(blocks)
        if len(buffer) > self._limit + 1:
            self._fail()
        return events

    def _events(self, blocks: list[bytes]) -> list[Event]:
        events = []
        for block in blocks:
            if len(block) > self._limit and len(block.strip(b"\n")) > self._limit:
                self._fail()
                break
            event_read = _read_block(block)
            if event_read is not None:
                events.append(event_read)
        return events

    def _fail(self) -> None:
        self._buffer.clear()
        self.failure = Failure(
            kind="malformed", message=f"The provider sent an event of more than {self._limit} bytes, which is too long."
        )


def _read_block(block: bytes) -> Event | None:
    """The event in the lines between two blank ones; None when they hold no data (comments, a lone name)."""
    name = b""
    data: bytes | None = None
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            if value[:1] == b" ":
                value = value[1:]
            data = value if data is None else data + b"\n" + value
        elif field == b"event":
            name = value[1:] if value[:1] == b" " else value
    return None if data is None else Event(name, data)


def event(name: bytes | None, data: bytes) -> bytes:
    """An event's bytes. Newlines in the data become several ``data`` lines."""
    if b"\n" in data or b"\r" in data:
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        data = b"\ndata: ".join(lines)
    if name:
        return b"event: " + name + b"\ndata: " + data + b"\n\n"
    return b"data: " + data + b"\n\n"


def comment(text: str) -> bytes:
    """A comment, which every reader skips: it keeps a silent connection alive."""
    return b": " + text.replace("\r", " ").replace("\n", " ").encode() + b"\n\n"

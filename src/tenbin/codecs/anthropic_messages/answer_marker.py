"""Stage 2, an answer of a model that stands in for another passes through, but for a mark on its signed thinking.

The conversation goes back to the model that was meant, which would refuse thinking that is not its own: the mark
tells whose it is (tenbin.codecs.thinking, docs/decisions/0003-thinking-across-models.md).
"""

from typing import Any

import msgspec

from tenbin.codecs import splice, thinking
from tenbin.codecs.anthropic_messages.answer_observer import BodyObserver, StreamObserver
from tenbin.core.problems import Unreadable

_MOST_HELD = 8 * 1024 * 1024
"""Bytes of one line of a stream: a longer one goes on as it is."""

_SIGNED = (b"signature", b"redacted_thinking")

_decoder = msgspec.json.Decoder()


class StreamMarker(StreamObserver):
    """Watches a stream of events and marks signatures."""

    def __init__(self, model: str, *, cache_1h: bool = False) -> None:
        super().__init__(cache_1h=cache_1h)
        self._writer = model
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """The same bytes up to the last whole line, signatures marked."""
        super().feed(data)
        data = self._held + data
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if len(data) - end > _MOST_HELD:
            end = len(data)
        self._held = data[end:]
        return self._marked(data[:end])

    def finish(self) -> bytes:
        """What was held back of a last line."""
        rest, self._held = self._held, b""
        return super().finish() + self._marked(rest)

    def _marked(self, data: bytes) -> bytes:
        if not any(word in data for word in _SIGNED):
            return data
        return b"".join(self._line_marked(line) for line in data.splitlines(keepends=True))

    def _line_marked(self, line: bytes) -> bytes:
        if not line.startswith(b"data:") or not any(word in line for word in _SIGNED):
            return line
        start = line.find(b"{")
        end = line.rfind(b"}") + 1
        if start < 0:
            return line
        for holder in ("delta", "content_block"):
            changed = _changed(line[start:end], holder, self._writer)
            if changed is not None:
                return line[:start] + changed + line[end:]
        return line


class BodyMarker(BodyObserver):
    """Watches an answer that is one JSON object and marks its signatures."""

    def __init__(self, model: str, *, cache_1h: bool = False) -> None:
        super().__init__(cache_1h=cache_1h)
        self._writer = model

    def feed(self, data: bytes) -> bytes:
        """Nothing yet: the answer is marked as a whole."""
        super().feed(data)
        return b""

    def finish(self) -> bytes:
        """The answer, signatures marked."""
        super().finish()
        body = b"".join(self._pieces)
        if self.failure is not None or not any(word in body for word in _SIGNED):
            return body
        try:
            content = bytes(splice.fields(body)["content"])
            blocks = {at: new for at, raw in enumerate(splice.items(content)) if (new := _signed(raw, self._writer))}
            return splice.splice(body, {"content": splice.splice_items(content, blocks)}) if blocks else body
        except (Unreadable, KeyError):
            return body


def _changed(event: bytes, holder: str, model: str) -> bytes | None:
    """The event with its delta or block marked; None when there is nothing to mark."""
    try:
        held = splice.fields(event).get(holder)
        block = _signed(held, model) if held is not None else None
        return None if block is None else splice.splice(event, {holder: block})
    except Unreadable:
        return None


def _signed(raw: msgspec.Raw, model: str) -> bytes | None:
    """A block or delta with its signature marked; None when it has none."""
    value: Any = _decoder.decode(raw)
    if not isinstance(value, dict):
        return None
    field = {"thinking": "signature", "signature_delta": "signature", "redacted_thinking": "data"}.get(
        str(value.get("type"))
    )
    opaque = value.get(field) if field is not None else None
    if field is None or not isinstance(opaque, str) or not opaque:
        return None
    return splice.splice(bytes(raw), {field: msgspec.json.encode(thinking.mark(model, opaque))})

"""Stage 2, an answer of Anthropic's that passes through untranslated is watched, by the lines that tell usage.

The stream's hot path: for each piece of it two searches in its bytes, and no parsing but of three lines an answer.
"""

from typing import Any

import msgspec

from tenbin.codecs.anthropic_messages import errors, wire
from tenbin.codecs.sse import SSEReader
from tenbin.core.problems import Failure
from tenbin.core.usage import NOTHING, Usage

KEPT_BYTES = 4 * 1024 * 1024
"""Pieces of the stream that are kept as they came, in bytes; older ones are folded into the text they hold."""

LONGEST_LINE = 1024 * 1024
"""Bytes of a line that is waited for; a longer one holds content, never usage."""


class _Body(msgspec.Struct):
    """An unstreamed answer's fields, content unread."""

    type: Any = None
    model: Any = None
    stop_reason: Any = None
    usage: Any = None
    error: Any = None
    content: msgspec.Raw = msgspec.Raw(b"[]")


_body_decoder = msgspec.json.Decoder(_Body)
_decoder = msgspec.json.Decoder()


class _Watched:
    """What both observers have seen so far."""

    def __init__(self, *, cache_1h: bool) -> None:
        self.started = False
        self.ended = False
        self.failure: Failure | None = None
        self.model: str | None = None
        self.stop_reason: str | None = None
        self.provider_cost: str | None = None
        self.service_tier: str | None = None
        self.usage: Usage = NOTHING
        self._stated: dict[str, Any] = {}
        self._cache_1h = cache_1h

    def _note_usage(self, stated: object) -> None:
        wire.merge_usage(self._stated, stated)
        self.usage = wire.usage_from(self._stated, cache_1h=self._cache_1h)
        self.service_tier = wire.service_tier_of(self._stated)
        cost = self._stated.get("cost")  # OpenRouter
        if isinstance(cost, int | float) and not isinstance(cost, bool):
            self.provider_cost = format(cost, ".12f")


class StreamObserver(_Watched):
    """Watches a stream of events."""

    def __init__(self, *, cache_1h: bool = False) -> None:
        super().__init__(cache_1h=cache_1h)
        self._line = b""
        self._skipping = False
        self._pieces: list[bytes] = []
        self._size = 0
        self._words = Words()
        self._output_stated = False
        """Behind the beginning, whose count of output is that of the first token."""

    def feed(self, data: bytes) -> bytes:
        """The same bytes, after a look at the lines that they complete."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size > KEPT_BYTES:
            self._fold()
        if self._line or data[-1:] != b"\n":
            self._cut(data)
        elif b'"message_' in data or b'"error"' in data:
            self._lines(data)
        elif not self.started:
            self.started = b"content_block" in data
        return data

    def finish(self) -> bytes:
        """Nothing was held back."""
        if self._line:
            self._lines(self._line)
            self._line = b""
        # Some servers leave message_stop out: a stop reason says that the answer is complete.
        self.ended = self.failure is None and (self.ended or self.stop_reason is not None)
        if self.ended and not self._output_stated:
            self.usage = msgspec.structs.replace(self.usage, output=0, reasoning=0)  # what it came to was not said
        return b""

    def produced(self) -> str:
        """All text, thinking and tool arguments seen so far."""
        self._fold()
        return self._words.text()

    def _cut(self, data: bytes) -> None:
        """Look at the complete lines, and keep the beginning of the one that these bytes end in."""
        if self._skipping:
            end = max(data.find(b"\n"), data.find(b"\r"))
            if end < 0:
                return
            self._skipping = False
            data = data[end:]
        data = self._line + data
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        self._line = data[end:]
        if end:
            self._lines(data[:end])
        if len(self._line) > LONGEST_LINE:
            self.started = self.started or b"content_block" in self._line
            self._line = b""
            self._skipping = True

    def _lines(self, data: bytes) -> None:
        if not self.started:
            self.started = b"content_block" in data
        for line in data.splitlines():
            if b'"message_' not in line and b'"error"' not in line:
                continue
            if line.startswith(b"data:"):
                line = line[5:]
            elif not line.startswith(b"{"):  # an error body where a stream was due
                continue
            try:
                self._note(_decoder.decode(line))
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                # Not this dialect's doing: a line of content that only looks like one of ours is left alone.
                continue

    def _note(self, event: Any) -> None:
        if not isinstance(event, dict):
            return
        kind = event.get("type")
        if kind == "message_start":
            message = event.get("message")
            if isinstance(message, dict):
                self.model = wire.text_or_none(message.get("model"))
                self._note_usage(message.get("usage"))
        elif kind == "message_delta":
            delta = event.get("delta")
            if isinstance(delta, dict):
                self.stop_reason = wire.text_or_none(delta.get("stop_reason")) or self.stop_reason
            stated = event.get("usage")
            self._note_usage(stated)
            self._output_stated = self._output_stated or (isinstance(stated, dict) and "output_tokens" in stated)
        elif kind == "message_stop":
            self.ended = self.failure is None
        elif kind in ("error", None):
            failed = errors.in_answer(event)
            if failed is not None:
                self.failure, self.ended = failed, False

    def _fold(self) -> None:
        for piece in self._pieces:
            self._words.feed(piece)
        self._pieces.clear()
        self._size = 0


class BodyObserver(_Watched):
    """Watches an answer that is one JSON object."""

    def __init__(self, *, cache_1h: bool = False) -> None:
        super().__init__(cache_1h=cache_1h)
        self._pieces: list[bytes] = []
        self._content = b""

    def feed(self, data: bytes) -> bytes:
        """The same bytes; they are read at the end."""
        self._pieces.append(data)
        return data

    def finish(self) -> bytes:
        """Nothing was held back."""
        try:
            body = _body_decoder.decode(b"".join(self._pieces))
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            self.failure = Failure(kind="malformed", message=f"The provider's answer is not a JSON object: {error}.")
            return b""
        self._content = bytes(body.content)
        self.model = wire.text_or_none(body.model)
        self.stop_reason = wire.text_or_none(body.stop_reason)
        self._note_usage(body.usage)
        self.failure = errors.in_answer({"type": body.type, "error": body.error})
        if self.failure is None and body.type != "message":
            self.failure = Failure(kind="malformed", message="The provider's answer is not a message.")
        self.started = self.ended = self.failure is None
        return b""

    def produced(self) -> str:
        """All text, thinking and tool arguments of the answer."""
        try:
            blocks = _decoder.decode(self._content or b"[]")
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return ""
        words: list[str] = []
        for block in blocks if isinstance(blocks, list) else ():
            if isinstance(block, dict):
                words += [block[name] for name in ("text", "thinking", "name") if isinstance(block.get(name), str)]
                if "input" in block:
                    words.append(msgspec.json.encode(block["input"]).decode())
        return "".join(words)


class Words:
    """Gathers what a stream says: text, thinking, names and arguments of tool calls."""

    def __init__(self) -> None:
        self._reader = SSEReader()
        self._words: list[str] = []

    def feed(self, data: bytes) -> None:
        """Read further."""
        for event in self._reader.feed(data):
            if b"content_block" not in event.data:
                continue
            try:
                decoded = _decoder.decode(event.data)
            except (msgspec.DecodeError, RecursionError, UnicodeError):
                continue
            if isinstance(decoded, dict):
                self._gather(decoded.get("content_block"), ("text", "thinking", "name"))
                self._gather(decoded.get("delta"), ("text", "thinking", "partial_json"))

    def text(self) -> str:
        """All of it, joined."""
        return "".join(self._words)

    def _gather(self, holder: object, names: tuple[str, ...]) -> None:
        if isinstance(holder, dict):
            self._words += [holder[name] for name in names if isinstance(holder.get(name), str)]

"""Stages 6 and 7, what OpenAI's two dialects share of watching an answer that passes through: whole lines out of any
cutting, and the words said so far, for an estimate when an answer breaks off.
"""

import re
from collections.abc import Callable

from tenbin.codecs.dialect import AnswerReader
from tenbin.codecs.openai_json import decoded
from tenbin.core.answer import AnswerFailed, ArgumentsDelta, BlockStarted, TextDelta, ThinkingDelta
from tenbin.core.problems import Failure
from tenbin.core.usage import NOTHING, Usage

LINE_END = re.compile(rb"\r\n?|\n")

_SPOKEN = re.compile(
    rb'"(?:content|reasoning_content|reasoning|refusal|arguments|text)"[ \t\r\n]*:[ \t\r\n]*("(?:[^"\\]|\\.)*"?)'
)

MOST_RETAINED = 262_144
"""Bytes of a stream that are kept as they came before they are boiled down to their text."""


class Watcher:
    """Watches one answer. A dialect says which lines tell something (``scan``, ``read_object``)."""

    def __init__(self, *, streamed: bool, reader: Callable[[bool], AnswerReader]) -> None:
        self.started = False
        self.ended = False
        self.failure: Failure | None = None
        self.model: str | None = None
        self.stop_reason: str | None = None
        self.provider_cost: str | None = None
        self.service_tier: str | None = None
        self.usage: Usage = NOTHING
        self._streamed = streamed
        self._new_reader = reader
        self._reader: AnswerReader | None = None
        self._tail: list[bytes] = []
        self._retained: list[bytes] = []
        self._retained_bytes = 0
        self._spoken: list[str] = []

    def scan(self, lines: bytes) -> None:
        """Looks at whole lines of a stream."""
        raise NotImplementedError

    def read_object(self, value: object, data: bytes) -> None:
        """Takes what a decoded chunk, event or body tells."""
        raise NotImplementedError

    def feed(self, data: bytes) -> bytes:
        """Bytes to forward now: these."""
        self._retain(data)
        if self._streamed:
            self._scan_whole_lines(data)
        return data

    def finish(self) -> bytes:
        """The body has ended."""
        if self._streamed:
            self.scan(self._joined(b""))
        else:
            self._read_whole(b"".join(self._retained))
        return b""

    def produced(self) -> str:
        """All text, thinking and tool arguments seen so far."""
        if self._streamed:
            self._boil_down()
            return "".join(self._spoken)
        pieces = []
        for quoted in _SPOKEN.findall(b"".join(self._retained)):
            closed = quoted.endswith(b'"') and len(quoted) > 1
            text = decoded(quoted if closed else quoted.rstrip(b"\\") + b'"')
            pieces.append(text if isinstance(text, str) else "")
        return "".join(pieces)

    def _retain(self, data: bytes) -> None:
        self._retained.append(data)
        self._retained_bytes += len(data)
        if self._retained_bytes > MOST_RETAINED and self._streamed:
            self._boil_down()

    def _scan_whole_lines(self, data: bytes) -> None:
        if data.endswith(b"\n") and not self._tail:
            self.scan(data)
            return
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1
        if end:
            self.scan(self._joined(data[:end]))
        if end < len(data):
            self._tail.append(data[end:])

    def _joined(self, data: bytes) -> bytes:
        """The bytes that waited for their line's or event's end, and these; nothing waits any more."""
        if not self._tail:
            return data
        self._tail.append(data)
        joined = b"".join(self._tail)
        self._tail = []
        return joined

    def _read_whole(self, body: bytes) -> None:
        value = decoded(body)
        self.read_object(value, body)
        if self.failure is None and self.is_whole(value):
            self.started = self.ended = True
            return
        reader = self._new_reader(False)
        reader.feed(body)
        last = reader.finish()[-1]
        if isinstance(last, AnswerFailed):
            self.failure = last.failure
        else:
            self.started = self.ended = True

    def is_whole(self, value: object) -> bool:
        """Whether an unstreamed body is plainly a complete answer, so that it need not be read to know that."""
        return False

    def _boil_down(self) -> None:
        """Reads what was retained, and keeps only its words."""
        if self._reader is None:
            self._reader = self._new_reader(True)
        retained, self._retained, self._retained_bytes = self._retained, [], 0
        for data in retained:
            for delta in self._reader.feed(data):
                if isinstance(delta, TextDelta | ThinkingDelta):
                    self._spoken.append(delta.text)
                elif isinstance(delta, ArgumentsDelta):
                    self._spoken.append(delta.json)
                elif isinstance(delta, BlockStarted) and delta.name:
                    self._spoken.append(delta.name)

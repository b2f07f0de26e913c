"""Stages 6 and 7, watches a Chat Completions answer that passes through, without parsing its chunks: only the lines
that tell usage, an error or the finish reason are read.
"""

import re
from typing import Any

from tenbin.codecs import openai_errors, openai_usage
from tenbin.codecs.openai_chat.answer_reader import STOP_REASONS, AnswerReader
from tenbin.codecs.openai_json import decoded
from tenbin.core.answer import AnswerFailed, ArgumentsDelta, BlockStarted, TextDelta, ThinkingDelta
from tenbin.core.ask import Head
from tenbin.core.problems import Failure
from tenbin.core.target import Target
from tenbin.core.usage import NOTHING, Usage

# A quoted name can't stand inside an answer's own text, where quotes are escaped.
_TELLING = re.compile(rb'"(?:usage|error)"[ \t]*:[ \t]*[{"]|"finish_reason"[ \t]*:[ \t]*"|"object"[ \t]*:[ \t]*"error"')
_CONTENT = re.compile(
    rb'"(?:content|reasoning_content|reasoning|refusal|text|arguments)"[ \t]*:[ \t]*"[^"]'
    rb'|"(?:tool_calls|content)"[ \t]*:[ \t]*\[[ \t]*\{|"(?:function_call|audio)"[ \t]*:[ \t]*\{'
)
_DONE = re.compile(rb"^data:[ \t]*\[DONE\]", re.MULTILINE)
_LINE_END = re.compile(rb"\r\n?|\n")
# The blank line that ends an event; a CR at the end of the bytes may be half of a CR LF, so it waits.
_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?=[^\n]))(?:\r\n|\n|\r(?=[^\n]))")
_SPOKEN = re.compile(rb'"(?:content|reasoning_content|reasoning|refusal|arguments)"[ \t]*:[ \t]*("(?:[^"\\]|\\.)*"?)')

MOST_RETAINED = 262_144
"""Bytes of chunks that are kept for an estimate before they are boiled down to their text."""


class Observer:
    """Watches one answer."""

    def __init__(self, *, streamed: bool, head: Head, target: Target) -> None:
        self.started = False
        self.ended = False
        self.failure: Failure | None = None
        self.model: str | None = None
        self.stop_reason: str | None = None
        self.provider_cost: str | None = None
        self.service_tier: str | None = None
        self.usage: Usage = NOTHING
        self._streamed = streamed
        self._target = target
        # The client did not ask for usage, Tenbin did: its chunk is for Tenbin alone.
        self._hides_usage = streamed and not head.stream_usage and target.quirks.stream_usage == "option"
        self._tail: list[bytes] = []
        self._retained: list[bytes] = []
        self._retained_bytes = 0
        self._spoken: list[str] = []
        self._reader = AnswerReader(streamed=True, target=target)

    def feed(self, data: bytes) -> bytes:
        """Bytes to forward: the same object, unless a chunk of usage is to be left out: then whole events only."""
        self._retained.append(data)
        self._retained_bytes += len(data)
        if not self._streamed:
            return data
        if self._retained_bytes > MOST_RETAINED:
            self._boil_down()
        if self._hides_usage:
            return self._filtered(data)
        if data.endswith(b"\n") and not self._tail:
            self._scan(data)
        else:
            end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1
            if end:
                self._scan(self._joined(data[:end]))
            if end < len(data):
                self._tail.append(data[end:])
        return data

    def finish(self) -> bytes:
        """The body has ended; what was held back of an event that never came to its end."""
        rest = self._joined(b"")
        if self._streamed:
            self._scan(rest)
            self.ended = self.ended or (self.stop_reason is not None and self.failure is None)
            return rest if self._hides_usage else b""
        self._read_whole(b"".join(self._retained))
        return b""

    def produced(self) -> str:
        """All text, thinking and tool arguments seen so far, for an estimate."""
        if self._streamed:
            self._boil_down()
            return "".join(self._spoken)
        body = b"".join(self._retained)
        pieces = []
        for quoted in _SPOKEN.findall(body):
            text = decoded(quoted if quoted.endswith(b'"') and len(quoted) > 1 else quoted.rstrip(b"\\") + b'"')
            pieces.append(text if isinstance(text, str) else "")
        return "".join(pieces)

    def _filtered(self, data: bytes) -> bytes:
        """Forwards whole events only, so that one can be left out whatever the cutting."""
        if not data.endswith(b"\n\n"):
            if b"\n" not in data and b"\r" not in data:
                self._tail.append(data)
                return b""
            data = self._joined(data)
            ends = [found.end() for found in _EVENT_END.finditer(data)]
            end = ends[-1] if ends else 0
            if end < len(data):
                self._tail.append(data[end:])
                data = data[:end]
        elif self._tail:
            data = self._joined(data)
        self._scan(data)
        if not _tells_usage(data):
            return data
        kept: list[bytes] = []
        start = 0
        for found in _EVENT_END.finditer(data):
            event = data[start : found.end()]
            start = found.end()
            if not _only_usage(event):
                kept.append(event)
        kept.append(data[start:])
        return b"".join(kept)

    def _joined(self, data: bytes) -> bytes:
        """The bytes that waited for their line's or event's end, and these; nothing waits any more."""
        if not self._tail:
            return data
        self._tail.append(data)
        joined = b"".join(self._tail)
        self._tail = []
        return joined

    def _scan(self, lines: bytes) -> None:
        if not lines:
            return
        if not self.started and _CONTENT.search(lines):
            self.started = True
        if (
            _tells_usage(lines)
            or b'"error"' in lines
            or b'"finish_reason":"' in lines
            or b'"finish_reason": "' in lines
        ):
            for line in _LINE_END.split(lines):
                if line.startswith(b"data:") and _TELLING.search(line):
                    self._read_line(line[5:])
        if b"[DONE]" in lines and _DONE.search(lines):
            self.ended = self.failure is None

    def _read_line(self, data: bytes) -> None:
        chunk = decoded(data)
        if isinstance(chunk, dict):
            self._read_object(chunk, data)

    def _read_object(self, chunk: dict[str, Any], data: bytes) -> None:
        error = openai_errors.error_in(chunk)
        if error is not None and self.failure is None:
            self.failure = openai_errors.from_object(error)
            self.ended = False
        model, tier = chunk.get("model"), chunk.get("service_tier")
        if isinstance(model, str) and model:
            self.model = model
        if isinstance(tier, str):
            self.service_tier = tier
        choices = chunk.get("choices")
        first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            if "cost" in usage:
                self.provider_cost = openai_usage.cost_in(data)
        else:
            usage = first.get("usage")
        if isinstance(usage, dict):
            self.usage = openai_usage.from_stated(usage)
        reason = first.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.stop_reason = STOP_REASONS.get(reason, "end_turn")

    def _read_whole(self, body: bytes) -> None:
        completion = decoded(body)
        if isinstance(completion, dict):
            self._read_object(completion, body)
        reader = AnswerReader(streamed=False, target=self._target)
        reader.feed(body)
        last = reader.finish()[-1]
        if isinstance(last, AnswerFailed):
            self.failure = last.failure
        else:
            self.started = self.ended = True

    def _boil_down(self) -> None:
        """Reads what was retained, and keeps only its words."""
        retained, self._retained, self._retained_bytes = self._retained, [], 0
        for data in retained:
            for delta in self._reader.feed(data):
                if isinstance(delta, TextDelta | ThinkingDelta):
                    self._spoken.append(delta.text)
                elif isinstance(delta, ArgumentsDelta):
                    self._spoken.append(delta.json)
                elif isinstance(delta, BlockStarted) and delta.name:
                    self._spoken.append(delta.name)


def _tells_usage(lines: bytes) -> bool:
    """Whether there is a usage object (OpenAI also writes ``"usage":null`` into every other chunk). Looked for in the
    two spellings that JSON encoders have, since this runs for every chunk.
    """
    return b'"usage":{' in lines or b'"usage": {' in lines


def _only_usage(event: bytes) -> bool:
    """Whether this is the chunk that ``include_usage`` adds: usage, and no choices."""
    if not _tells_usage(event):
        return False
    for line in _LINE_END.split(event):
        if line.startswith(b"data:"):
            chunk = decoded(line[5:])
            return isinstance(chunk, dict) and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)
    return False

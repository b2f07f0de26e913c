"""Stages 6 and 7, watches a Chat Completions answer that passes through, without parsing its chunks: only the lines
that tell usage, an error or the finish reason are read.
"""

import re

from tenbin.codecs import openai_errors, openai_usage
from tenbin.codecs.openai_chat.answer_reader import STOP_REASONS, AnswerReader
from tenbin.codecs.openai_json import decoded
from tenbin.codecs.openai_watching import LINE_END, Watcher
from tenbin.core.ask import Head
from tenbin.core.target import Target

# A quoted name can't stand inside an answer's own text, where quotes are escaped.
_TELLING = re.compile(rb'"(?:usage|error)"[ \t]*:[ \t]*[{"]|"finish_reason"[ \t]*:[ \t]*"|"object"[ \t]*:[ \t]*"error"')
_CONTENT = re.compile(
    rb'"(?:content|reasoning_content|reasoning|refusal|text|arguments)"[ \t]*:[ \t]*"[^"]'
    rb'|"(?:tool_calls|content)"[ \t]*:[ \t]*\[[ \t]*\{|"(?:function_call|audio)"[ \t]*:[ \t]*\{'
)
_DONE = re.compile(rb"^data:[ \t]*\[DONE\]", re.MULTILINE)
# The blank line that ends an event; a CR at the end of the bytes may be half of a CR LF, so it waits.
_EVENT_END = re.compile(rb"(?:\r\n|\n|\r(?=[^\n]))(?:\r\n|\n|\r(?=[^\n]))")


class Observer(Watcher):
    """Watches one answer."""

    def __init__(self, *, streamed: bool, head: Head, target: Target) -> None:
        super().__init__(streamed=streamed, reader=lambda stream: AnswerReader(streamed=stream, target=target))
        # The client did not ask for usage, Tenbin did: its chunk is for Tenbin alone.
        self._hides_usage = streamed and not head.stream_usage and target.quirks.stream_usage == "option"

    def feed(self, data: bytes) -> bytes:
        """Bytes to forward: the same object, unless a chunk of usage is to be left out: then whole events only."""
        if self._hides_usage:
            self._retain(data)
            return self._filtered(data)
        return super().feed(data)

    def finish(self) -> bytes:
        """The body has ended; what was held back of an event that never came to its end."""
        if not self._streamed:
            return super().finish()
        held = self._joined(b"") if self._hides_usage else b""
        self.scan(held)
        super().finish()
        self.ended = self.ended or (self.stop_reason is not None and self.failure is None)
        return b"" if _only_usage(held) else held

    def _filtered(self, data: bytes) -> bytes:
        """Forwards whole events only, so that one can be left out whatever the cutting."""
        if b"\n" not in data and b"\r" not in data:
            self._tail.append(data)
            return b""
        if self._tail:
            data = self._joined(data)
        if data.endswith(b"\n\n") and not _tells_usage(data):
            self.scan(data)
            return data
        kept: list[bytes] = []
        start = 0
        for found in _EVENT_END.finditer(data):
            event = data[start : found.end()]
            start = found.end()
            if not _only_usage(event):
                kept.append(event)
        self.scan(data[:start])
        if start < len(data):
            self._tail.append(data[start:])
        return b"".join(kept)

    def scan(self, lines: bytes) -> None:
        """Looks for content, usage, errors, the finish reason and the end."""
        if not self.started and _CONTENT.search(lines):
            self.started = True
        if (
            _tells_usage(lines)
            or b'"error"' in lines
            or b'"finish_reason":"' in lines
            or b'"finish_reason": "' in lines
        ):
            for line in LINE_END.split(lines):
                if line.startswith(b"data:") and _TELLING.search(line):
                    self.read_object(decoded(line[5:]), line[5:])
        if b"[DONE]" in lines and _DONE.search(lines):
            self.ended = self.failure is None

    def read_object(self, value: object, data: bytes) -> None:
        """Takes what a chunk or a completion tells."""
        if not isinstance(value, dict):
            return
        error = openai_errors.error_in(value)
        if error is not None and self.failure is None:
            self.failure = openai_errors.from_object(error)
            self.ended = False
        model, tier = value.get("model"), value.get("service_tier")
        if isinstance(model, str) and model:
            self.model = model
        if isinstance(tier, str):
            self.service_tier = tier
        choices = value.get("choices")
        first = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        usage = value.get("usage")
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

    def is_whole(self, value: object) -> bool:
        """It has a choice with a message."""
        choices = value.get("choices") if isinstance(value, dict) else None
        first = choices[0] if isinstance(choices, list) and choices else None
        return isinstance(first, dict) and isinstance(first.get("message"), dict)


def _tells_usage(lines: bytes) -> bool:
    """Whether there is a usage object (OpenAI also writes ``"usage":null`` into every other chunk). Looked for in the
    two spellings that JSON encoders have, since this runs for every chunk.
    """
    return b'"usage":{' in lines or b'"usage": {' in lines


def _only_usage(event: bytes) -> bool:
    """Whether this is the chunk that ``include_usage`` adds: usage, and no choices."""
    if not _tells_usage(event):
        return False
    for line in LINE_END.split(event):
        if line.startswith(b"data:"):
            chunk = decoded(line[5:])
            return isinstance(chunk, dict) and chunk.get("choices") == [] and isinstance(chunk.get("usage"), dict)
    return False

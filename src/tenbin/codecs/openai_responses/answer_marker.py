"""Stages 6 and 7, a Responses answer of a model that stands in for another passes through, but for a mark on its
encrypted reasoning: the conversation goes back to the model that was meant, which is given its own alone.
"""

from typing import Any

import msgspec

from tenbin.codecs.openai_responses import reasoning
from tenbin.codecs.openai_responses.answer_observer import Observer
from tenbin.core.ask import Head
from tenbin.core.target import Target

_ENCRYPTED = b'"encrypted_content"'

_decoder = msgspec.json.Decoder()


class Marker(Observer):
    """Watches one answer and marks its reasoning."""

    def __init__(self, *, streamed: bool, head: Head, target: Target) -> None:
        super().__init__(streamed=streamed, head=head, target=target)
        self._writer = target.model
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Of a stream the same bytes up to the last whole line, reasoning marked; an answer in one piece waits."""
        super().feed(data)
        data = self._held + data
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1 if self._streamed else 0
        self._held = data[end:]
        return self._marked(data[:end])

    def finish(self) -> bytes:
        """What was held back."""
        rest, self._held = self._held, b""
        super().finish()
        return self._marked(rest)

    def _marked(self, data: bytes) -> bytes:
        if _ENCRYPTED not in data:
            return data
        if not self._streamed:
            return self._event_marked(data)
        return b"".join(
            self._line_marked(line) if _ENCRYPTED in line else line for line in data.splitlines(keepends=True)
        )

    def _line_marked(self, line: bytes) -> bytes:
        start, end = line.find(b"{"), line.rfind(b"}") + 1
        return line[:start] + self._event_marked(line[start:end]) + line[end:] if start >= 0 else line

    def _event_marked(self, event: bytes) -> bytes:
        try:
            value: Any = _decoder.decode(event)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return event
        if not isinstance(value, dict):
            return event
        response = value.get("response")
        holder = response if isinstance(response, dict) else value
        output = holder.get("output")
        items = [value.get("item"), *(output if isinstance(output, list) else ())]
        changed = [self._mark(item) for item in items if isinstance(item, dict)]
        return msgspec.json.encode(value) if any(changed) else event

    def _mark(self, item: dict[str, Any]) -> bool:
        encrypted = item.get("encrypted_content")
        if item.get("type") != "reasoning" or not isinstance(encrypted, str) or not encrypted:
            return False
        item["encrypted_content"] = reasoning.marked(self._writer, reasoning.packed(str(item.get("id", "")), encrypted))
        return True

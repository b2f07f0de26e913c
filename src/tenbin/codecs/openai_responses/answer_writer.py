"""Stages 6 and 7, deltas are written as a Responses answer: the full sequence of events, every one with its number,
item and indexes, or one response.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tenbin.codecs import openai_errors, openai_usage
from tenbin.codecs.lowering import told_tier
from tenbin.codecs.openai_responses.output_items import OutputItem, item_for
from tenbin.codecs.sse import comment, event
from tenbin.core import request_id as request_ids
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    LogprobsDelta,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.ask import Head
from tenbin.core.problems import Failure

_INCOMPLETE = {
    "max_tokens": "max_output_tokens",
    "context_exceeded": "max_output_tokens",
    "content_filter": "content_filter",
}
"""Why a response is incomplete, by stop reason; one that is not listed leaves it complete, as does a refusal in words
of its own."""


class AnswerWriter:
    """Writes one answer. State: the items so far, and the number of the next event."""

    def __init__(self, *, streamed: bool, request_id: str, head: Head) -> None:
        self.content_type = "text/event-stream; charset=utf-8" if streamed else "application/json"
        self._streamed = streamed
        self._suffix = request_id.removeprefix(request_ids.PREFIX)
        self._created = request_ids.millis(request_id) // 1000
        self._head = head
        self._model = head.model
        self._number = 0
        self._started = False
        self._refused = False
        self._items: dict[int, OutputItem] = {}
        self._output: list[OutputItem] = []
        self._finished: AnswerFinished | None = None
        self._failure: Failure | None = None

    def write(self, deltas: Sequence[Delta]) -> bytes:
        """Bytes for the client; none for an unstreamed answer."""
        pieces: list[bytes] = []
        for delta in deltas:
            self._write(delta, pieces)
        return b"".join(pieces) if self._streamed else b""

    def close(self) -> bytes:
        """Nothing more of a stream, which its last event has ended; else the response, or the error's body."""
        if self._streamed:
            return b""
        if self._failure is not None:
            return openai_errors.envelope(openai_errors.failure_object(self._failure))
        return msgspec.json.encode(self._response(self._status()))

    def ping(self) -> bytes:
        """A comment: the dialect has no event for it."""
        return comment("ping")

    def _write(self, delta: Delta, pieces: list[bytes]) -> None:
        if isinstance(delta, AnswerStarted):
            self._model = delta.model or self._model
            self._start(pieces)
        elif isinstance(delta, BlockStarted):
            self._start(pieces)
            self._refused = self._refused or delta.kind == "refusal"
            item = item_for(delta, len(self._output), self._suffix, self._model)
            if item is not None:
                self._items[delta.index] = item
                self._output.append(item)
                self._emit(item.opening(), pieces)
        elif isinstance(delta, TextDelta | ThinkingDelta):
            self._extend(delta.index, delta.text, pieces)
        elif isinstance(delta, ArgumentsDelta):
            self._extend(delta.index, delta.json, pieces)
        elif isinstance(delta, SignatureDelta):
            if delta.index in self._items:
                self._items[delta.index].sign(delta.signature)
        elif isinstance(delta, LogprobsDelta):
            if delta.index in self._items:
                self._items[delta.index].logprobs += delta.content if isinstance(delta.content, list) else []
        elif isinstance(delta, BlockStopped):
            item = self._items.get(delta.index)
            if item is not None and not item.done:
                self._emit(item.closing(), pieces)
        elif isinstance(delta, AnswerFinished):
            self._end(delta, pieces)
        elif isinstance(delta, AnswerFailed):
            self._fail(delta, pieces)

    def _start(self, pieces: list[bytes]) -> None:
        if not self._started:
            self._started = True
            for kind in ("response.created", "response.in_progress"):
                self._emit([{"type": kind, "response": self._response("in_progress")}], pieces)

    def _extend(self, index: int, text: str, pieces: list[bytes]) -> None:
        item = self._items.get(index)
        if item is not None and text:
            self._emit([item.extend(text)], pieces)

    def _end(self, finished: AnswerFinished, pieces: list[bytes]) -> None:
        self._start(pieces)
        self._finished = finished
        for item in self._output:
            if not item.done:
                self._emit(item.closing(), pieces)
        status = self._status()
        self._emit([{"type": f"response.{status}", "response": self._response(status)}], pieces)

    def _fail(self, failed: AnswerFailed, pieces: list[bytes]) -> None:
        """``error``, which the official client raises."""
        self._failure = failed.failure
        pieces.append(self.error_event(openai_errors.failure_object(failed.failure)))

    def error_event(self, error: dict[str, Any]) -> bytes:
        """An ``error`` event in the sequence of this answer's events.

        The API's own form is flat; the ``error`` object beside it is what the official client looks for.
        """
        value = {
            "type": "error",
            "code": error["code"],
            "message": error["message"],
            "param": error["param"],
            "error": error,
            "sequence_number": self._number,
        }
        self._number += 1
        return event(b"error", msgspec.json.encode(value))

    def _emit(self, events: Sequence[dict[str, Any]], pieces: list[bytes]) -> None:
        if not self._streamed:
            return
        for value in events:
            value["sequence_number"] = self._number
            self._number += 1
            pieces.append(event(value["type"].encode(), msgspec.json.encode(value)))

    def _status(self) -> str:
        return "completed" if self._incomplete() is None else "incomplete"

    def _incomplete(self) -> str | None:
        """Why the response is incomplete. A refusal is complete when it has words of its own."""
        if self._finished is None:
            return None
        reason = self._finished.stop_reason
        return "content_filter" if reason == "refusal" and not self._refused else _INCOMPLETE.get(reason)

    def _response(self, status: str) -> dict[str, Any]:
        finished = self._finished
        incomplete = self._incomplete()
        searches = finished.usage.web_searches if finished is not None else 0
        return {
            "id": f"resp_{self._suffix}",
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": incomplete} if incomplete is not None else None,
            "instructions": None,
            "max_output_tokens": self._head.max_tokens,
            "model": self._model,
            "output": [item.whole() for item in self._output] if finished is not None else [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "service_tier": told_tier(finished.service_tier) if finished is not None else None,
            "store": False,
            "temperature": None,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": None,
            "truncation": "disabled",
            "usage": openai_usage.as_responses(finished.usage) if finished is not None else None,
            **({"tool_usage": {"web_search": {"num_requests": searches}}} if searches else {}),
            "user": None,
            "metadata": {},
        }

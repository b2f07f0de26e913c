"""Stages 6 and 7, deltas are written as a Chat Completions answer: chunks of a stream, or one completion."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tenbin.codecs import openai_errors, openai_usage
from tenbin.codecs.lowering import told_tier
from tenbin.codecs.sse import comment
from tenbin.core import request_id as request_ids
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    Delta,
    LogprobsDelta,
    StopReason,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.ask import Head
from tenbin.core.problems import Failure

FINISH_REASONS: dict[StopReason, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "context_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "content_filter": "content_filter",
}
"""What the dialect can say of each stop reason."""

THINKING_FIELD = "reasoning_content"
"""Where DeepSeek, vLLM, llama.cpp and LiteLLM put thinking, which OpenAI itself never shows."""

_encode = msgspec.json.encode
_DONE = b"data: [DONE]\n\n"


class AnswerWriter:
    """Writes one answer. State: what the chunks' common head says, which block is which, and for an unstreamed
    answer all of it.
    """

    def __init__(self, *, streamed: bool, request_id: str, head: Head) -> None:
        self.content_type = "text/event-stream; charset=utf-8" if streamed else "application/json"
        self._streamed = streamed
        self._id = "chatcmpl-" + request_id.removeprefix(request_ids.PREFIX)
        self._created = request_ids.millis(request_id) // 1000
        self._model = head.model
        self._states_usage = head.stream_usage
        self._kinds: dict[int, str] = {}
        self._calls: dict[int, int] = {}
        self._first = True
        self._head = b""
        self._refused = False
        self._failure: Failure | None = None
        self._finished: AnswerFinished | None = None
        self._texts: dict[str, list[str]] = {"text": [], "thinking": [], "refusal": []}
        self._written_calls: list[dict[str, Any]] = []
        self._arguments: list[list[str]] = []
        self._logprobs: list[Any] = []

    def write(self, deltas: Sequence[Delta]) -> bytes:
        """Bytes for the client; none for an unstreamed answer."""
        pieces: list[bytes] = []
        for delta in deltas:
            if self._streamed:
                self._write_chunk(delta, pieces)
            else:
                self._collect(delta)
        return b"".join(pieces)

    def close(self) -> bytes:
        """``[DONE]``, or the completion. After a failure nothing more, or the error's body."""
        if self._failure is not None:
            return b"" if self._streamed else openai_errors.envelope(openai_errors.failure_object(self._failure))
        return _DONE if self._streamed else self._completion()

    def ping(self) -> bytes:
        """A comment: the dialect has no event for it."""
        return comment("ping")

    def _write_chunk(self, delta: Delta, pieces: list[bytes]) -> None:
        if isinstance(delta, TextDelta):
            field = b'{"refusal":' if self._kinds.get(delta.index) == "refusal" else b'{"content":'
            pieces.append(self._chunk(field + _encode(delta.text) + b"}"))
        elif isinstance(delta, ThinkingDelta):
            pieces.append(self._chunk(b'{"reasoning_content":' + _encode(delta.text) + b"}"))
        elif isinstance(delta, ArgumentsDelta):
            position = self._calls.get(delta.index)
            if position is not None:
                arguments = b'{"tool_calls":[{"index":%d,"function":{"arguments":' % position + _encode(delta.json)
                pieces.append(self._chunk(arguments + b"}}]}"))
        elif isinstance(delta, BlockStarted):
            self._kinds[delta.index] = delta.kind
            self._refused = self._refused or delta.kind == "refusal"
            if delta.kind == "tool_call":
                pieces.append(self._chunk(_encode({"tool_calls": [self._begin_call(delta)]})))
        elif isinstance(delta, AnswerStarted):
            self._model = delta.model or self._model
        elif isinstance(delta, LogprobsDelta):
            pieces.append(self._chunk(b"{}", logprobs=_encode({"content": delta.content, "refusal": None})))
        elif isinstance(delta, AnswerFinished):
            reason = _encode(self._finish_reason(delta))
            pieces.append(self._chunk(b"{}", finish=reason))
            if self._states_usage:
                pieces.append(self._usage_chunk(delta))
        elif isinstance(delta, AnswerFailed):
            self._failure = delta.failure
            error = openai_errors.failure_object(delta.failure)
            pieces.append(b"data: " + openai_errors.envelope(error) + b"\n\n")

    def _begin_call(self, delta: BlockStarted) -> dict[str, Any]:
        position = len(self._calls)
        self._calls[delta.index] = position
        return {
            "index": position,
            "id": delta.id,
            "type": "function",
            "function": {"name": delta.name, "arguments": ""},
        }

    def _chunk(self, delta: bytes, *, finish: bytes = b"null", logprobs: bytes = b"null") -> bytes:
        """One chunk; the first one that a stream holds says the role."""
        if not self._head:
            self._head = self._opening("chat.completion.chunk")
        if self._first:
            self._first = False
            role = b'{"role":"assistant","content":""}'
            if delta == b"{}" and finish == b"null":
                delta = role
            else:
                return self._line(role, b"null", b"null") + self._line(delta, finish, logprobs)
        return self._line(delta, finish, logprobs)

    def _line(self, delta: bytes, finish: bytes, logprobs: bytes) -> bytes:
        return b'data: %b,"choices":[{"index":0,"delta":%b,"logprobs":%b,"finish_reason":%b}]}\n\n' % (
            self._head,
            delta,
            logprobs,
            finish,
        )

    def _usage_chunk(self, finished: AnswerFinished) -> bytes:
        usage = _encode(openai_usage.as_chat(finished.usage))
        told = told_tier(finished.service_tier)
        tier = b',"service_tier":' + _encode(told) if told else b""
        return b'data: %b%b,"choices":[],"usage":%b}\n\n' % (self._head, tier, usage)

    def _opening(self, kind: str) -> bytes:
        """The fields that every chunk begins with, without the closing brace."""
        fields = {"id": self._id, "object": kind, "created": self._created, "model": self._model}
        return _encode(fields)[:-1]

    def _finish_reason(self, finished: AnswerFinished) -> str:
        if finished.stop_reason == "refusal" and self._refused:
            return "stop"  # the refusal has a field of its own
        return FINISH_REASONS[finished.stop_reason]

    def _collect(self, delta: Delta) -> None:
        if isinstance(delta, TextDelta):
            kind = self._kinds.get(delta.index, "text")
            self._texts["refusal" if kind == "refusal" else "text"].append(delta.text)
        elif isinstance(delta, ThinkingDelta):
            self._texts["thinking"].append(delta.text)
        elif isinstance(delta, ArgumentsDelta):
            position = self._calls.get(delta.index)
            if position is not None:
                self._arguments[position].append(delta.json)
        elif isinstance(delta, BlockStarted):
            self._kinds[delta.index] = delta.kind
            self._refused = self._refused or delta.kind == "refusal"
            if delta.kind == "tool_call":
                call = self._begin_call(delta)
                del call["index"]
                self._written_calls.append(call)
                self._arguments.append([])
        elif isinstance(delta, AnswerStarted):
            self._model = delta.model or self._model
        elif isinstance(delta, LogprobsDelta):
            self._logprobs += delta.content if isinstance(delta.content, list) else []
        elif isinstance(delta, AnswerFinished):
            self._finished = delta
        elif isinstance(delta, AnswerFailed):
            self._failure = delta.failure

    def _completion(self) -> bytes:
        for call, arguments in zip(self._written_calls, self._arguments, strict=True):
            call["function"]["arguments"] = "".join(arguments) or "{}"
        texts = {kind: "".join(pieces) for kind, pieces in self._texts.items()}
        silent = bool(self._written_calls or texts["refusal"])
        message: dict[str, Any] = {
            "role": "assistant",
            "content": texts["text"] or (None if silent else ""),
            "refusal": texts["refusal"] or None,
        }
        if texts["thinking"]:
            message[THINKING_FIELD] = texts["thinking"]
        if self._written_calls:
            message["tool_calls"] = self._written_calls
        finished = self._finished
        choice = {
            "index": 0,
            "message": message,
            "logprobs": {"content": self._logprobs, "refusal": None} if self._logprobs else None,
            "finish_reason": self._finish_reason(finished) if finished is not None else "stop",
        }
        body: dict[str, Any] = {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": self._model,
            "choices": [choice],
        }
        if finished is not None:
            body["usage"] = openai_usage.as_chat(finished.usage)
            tier = told_tier(finished.service_tier)
            if tier:
                body["service_tier"] = tier
        return _encode(body)

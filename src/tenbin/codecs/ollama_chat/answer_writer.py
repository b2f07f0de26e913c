"""Stage 2, an answer is written as Ollama writes it: lines of JSON, or one object.

No client speaks Ollama's dialect to Tenbin; this is what proves, in tests, that its reader reads what it should.
``created_at`` and the durations are left out: no clock reaches a codec.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    LogprobsDelta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.problems import Failure
from tenbin.core.usage import Usage

_encode = msgspec.json.encode


class AnswerWriter:
    """Writes one answer. Tool calls go out whole, since Ollama's arguments are objects."""

    def __init__(self, *, streamed: bool, model: str) -> None:
        self.content_type = "application/x-ndjson" if streamed else "application/json; charset=utf-8"
        self._streamed = streamed
        self._model = model
        self._calls: dict[int, tuple[str, str, list[str]]] = {}
        self._message: dict[str, Any] = {"role": "assistant", "content": ""}
        self._logprobs: list[Any] = []
        self._last: dict[str, Any] | None = None

    def write(self, deltas: Sequence[Delta]) -> bytes:
        """The lines that these deltas complete; nothing for an unstreamed answer."""
        out = bytearray()
        for delta in deltas:
            line = self._line(delta)
            if line is not None and self._streamed:
                out += _encode({"model": self._model, **line}) + b"\n"
        return bytes(out)

    def close(self) -> bytes:
        """The body of an unstreamed answer."""
        if self._streamed:
            return b""
        last = self._last or {"done": False}
        if "error" in last:
            return _encode(last)
        whole = {"model": self._model, "message": self._message, **last}
        return _encode({**whole, "logprobs": self._logprobs} if self._logprobs else whole)

    def ping(self) -> bytes:
        """Ollama has no word for it; an empty line is skipped by readers of NDJSON."""
        return b"\n" if self._streamed else b""

    def _line(self, delta: Delta) -> dict[str, Any] | None:
        match delta:
            case AnswerStarted():
                self._model = delta.model or self._model
            case TextDelta():
                return self._said("content", delta.text)
            case ThinkingDelta():
                return self._said("thinking", delta.text)
            case LogprobsDelta():
                self._logprobs += delta.content
                return {"message": {"role": "assistant", "content": ""}, "logprobs": delta.content, "done": False}
            case BlockStarted(kind="tool_call"):
                self._calls[delta.index] = (delta.id, delta.name, [])
            case ArgumentsDelta() if delta.index in self._calls:
                self._calls[delta.index][2].append(delta.json)
            case BlockStopped() if delta.index in self._calls:
                return self._called(*self._calls.pop(delta.index))
            case AnswerFinished():
                self._last = {"done": True, "done_reason": _done_reason(delta), **_counts(delta.usage)}
                return {"message": {"role": "assistant", "content": ""}, **self._last}
            case AnswerFailed():
                self._last = error(delta.failure)
                return self._last
            case _:
                pass
        return None

    def _said(self, field: str, text: str) -> dict[str, Any]:
        self._message[field] = self._message.get(field, "") + text
        return {"message": {"role": "assistant", "content": "", field: text}, "done": False}

    def _called(self, call_id: str, name: str, pieces: list[str]) -> dict[str, Any]:
        # On one line: a model's own line breaks between the arguments would end the line of the answer.
        arguments = msgspec.Raw(msgspec.json.format("".join(pieces) or "{}", indent=-1).encode())
        call = {"id": call_id, "function": {"name": name, "arguments": arguments}}
        self._message.setdefault("tool_calls", []).append(call)
        return {"message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False}


def error(failure: Failure) -> dict[str, Any]:
    """An error in Ollama's form."""
    return {"error": failure.message}


def _done_reason(delta: AnswerFinished) -> str:
    return "length" if delta.stop_reason in ("max_tokens", "context_exceeded") else "stop"


def _counts(usage: Usage) -> dict[str, int]:
    return {"prompt_eval_count": usage.prompt, "eval_count": usage.output}

"""Stages 6 and 7, a provider's Chat Completions answer, streamed or whole, becomes deltas.

Providers that copy the dialect differ most here: calls without index or id, ids and names repeated in each delta,
nulls everywhere, thinking in several fields, usage in the last chunk, an earlier one, or never.
"""

from typing import Any

from tenbin.codecs import openai_errors, openai_usage
from tenbin.codecs.openai_chat.spoken_blocks import SpokenBlocks
from tenbin.codecs.openai_chat.tool_call_reader import ToolCallReader
from tenbin.codecs.openai_json import decoded
from tenbin.codecs.sse import SSEReader
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    Delta,
    LogprobsDelta,
    StopReason,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.problems import Failure
from tenbin.core.target import Target
from tenbin.core.usage import NOTHING, Usage

STOP_REASONS: dict[str, StopReason] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "max_tokens": "max_tokens",
    "model_length": "context_exceeded",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filter",
}
"""By ``finish_reason``; one that is not listed ends the turn."""

_FAILED_REASONS = frozenset({"error", "abort", "insufficient_system_resource"})
"""With these the provider gave up: OpenRouter, vLLM, DeepSeek."""


class AnswerReader:
    """Reads one answer. State: which blocks are open, the finish reason, the last usage."""

    def __init__(self, *, streamed: bool, target: Target) -> None:
        self.usage: Usage = NOTHING
        self._sse = SSEReader() if streamed else None
        self._body: list[bytes] = []
        self._reasoning_fields = target.quirks.reasoning_answer
        self._started = False
        self._over = False
        self._blocks = SpokenBlocks()
        self._refused = False
        self._finish_reason: str | None = None
        self._cost: str | None = None
        self._tier: str | None = None
        self._calls = ToolCallReader(self._blocks)

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that these bytes complete."""
        if self._sse is None:
            self._body.append(data)
            return []
        deltas: list[Delta] = []
        for event in self._sse.feed(data):
            if not self._over:
                self._read_event(event.data, deltas)
        if self._sse.failure is not None and not self._over:
            self._fail(self._sse.failure, deltas)
        return deltas

    def finish(self) -> list[Delta]:
        """The body has ended. An answer without a finish reason or ``[DONE]`` was cut."""
        deltas: list[Delta] = []
        if self._sse is None:
            self._read_whole(b"".join(self._body), deltas)
            return deltas
        for event in self._sse.finish():
            # An event that the end left without its blank line may itself be cut: then it is no JSON, and no fault.
            if not self._over and (event.data.strip() == b"[DONE]" or decoded(event.data) is not None):
                self._read_event(event.data, deltas)
        if self._over:
            return deltas
        if self._finish_reason is not None:
            self._end(deltas)
        else:
            self._fail(Failure(kind="cut", message="The provider's answer broke off before its end."), deltas)
        return deltas

    def _read_event(self, data: bytes, deltas: list[Delta]) -> None:
        if data[:6] == b"[DONE]":
            self._end(deltas)
            return
        chunk = decoded(data)
        if not isinstance(chunk, dict):
            if data.strip():
                self._fail(
                    Failure(kind="malformed", message="The provider sent an event that is no JSON object."), deltas
                )
            return
        self._read_chunk(chunk, data, deltas)

    def _read_chunk(self, chunk: dict[str, Any], data: bytes, deltas: list[Delta]) -> None:
        choices = chunk.get("choices")
        choice = next((one for one in choices if _is_first(one)), None) if isinstance(choices, list) else None
        self._read_usage(chunk, choice, data)
        error = openai_errors.error_in(chunk)
        if error is not None:
            self._fail(openai_errors.from_object(error), deltas)
            return
        if not self._started:
            self._started = True
            deltas.append(AnswerStarted(_string(chunk.get("id")), _string(chunk.get("model")), self.usage))
        tier = chunk.get("service_tier")
        if isinstance(tier, str):
            self._tier = tier
        if choice is None:
            return
        delta = choice.get("delta") or choice.get("message")
        if isinstance(delta, dict):
            self._read_delta(delta, choice.get("logprobs"), chunk, deltas)
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finish_reason = reason
            if reason in _FAILED_REASONS:
                message = f"The provider gave up in the middle of its answer ({reason})."
                self._fail(
                    Failure(kind="overloaded" if "resource" in reason else "server_error", message=message), deltas
                )

    def _read_delta(self, delta: dict[str, Any], logprobs: Any, chunk: dict[str, Any], deltas: list[Delta]) -> None:
        for field in self._reasoning_fields:
            thought = delta.get(field)
            if thought and isinstance(thought, str):
                index = self._blocks.index_of("thinking", deltas)
                deltas.append(ThinkingDelta(index, thought))
                break
        content = delta.get("content")
        if content:
            self._read_content(content, deltas)
        refusal = delta.get("refusal")
        if refusal and isinstance(refusal, str):
            self._refused = True
            deltas.append(TextDelta(self._blocks.index_of("refusal", deltas), refusal))
        if (
            isinstance(logprobs, dict)
            and logprobs.get("content")
            and self._blocks.open is not None
            and self._blocks.open[0] == "text"
        ):
            deltas.append(LogprobsDelta(self._blocks.open[1], logprobs["content"]))
        calls = delta.get("tool_calls")
        if calls and isinstance(calls, list):
            self._calls.read(calls, _string(chunk.get("id")), deltas)
        elif delta.get("function_call"):
            self._calls.read_legacy(delta["function_call"], _string(chunk.get("id")), deltas)

    def _read_content(self, content: Any, deltas: list[Delta]) -> None:
        """Text, or a list of parts as Mistral's models give it."""
        if isinstance(content, str):
            deltas.append(TextDelta(self._blocks.index_of("text", deltas), content))
            return
        for part in content if isinstance(content, list) else ():
            if not isinstance(part, dict):
                continue
            if isinstance(part.get("text"), str) and part["text"]:
                deltas.append(TextDelta(self._blocks.index_of("text", deltas), part["text"]))
            elif isinstance(part.get("thinking"), list):
                for piece in part["thinking"]:
                    if isinstance(piece, dict) and isinstance(piece.get("text"), str):
                        deltas.append(ThinkingDelta(self._blocks.index_of("thinking", deltas), piece["text"]))

    def _read_usage(self, chunk: dict[str, Any], choice: Any, data: bytes) -> None:
        usage = chunk.get("usage")
        if not isinstance(usage, dict) and isinstance(choice, dict):
            usage = choice.get("usage")  # Moonshot's place for it
        if not isinstance(usage, dict):
            return
        self.usage = openai_usage.from_stated(usage)
        if "cost" in usage:
            self._cost = openai_usage.cost_in(data)

    def _end(self, deltas: list[Delta]) -> None:
        if not self._started:
            self._fail(Failure(kind="malformed", message="The provider's answer ended before it began."), deltas)
            return
        self._over = True
        self._blocks.close(deltas)
        called = self._calls.finish(deltas)
        reason: StopReason = STOP_REASONS.get(self._finish_reason or "", "end_turn")
        if reason == "end_turn" and called:
            reason = "tool_use"
        elif reason == "end_turn" and self._refused:
            reason = "refusal"
        deltas.append(
            AnswerFinished(reason, self.usage, provider_cost=self._cost, service_tier=self._tier),
        )

    def _fail(self, failure: Failure, deltas: list[Delta]) -> None:
        self._over = True
        deltas.append(AnswerFailed(failure, self.usage))

    def _read_whole(self, body: bytes, deltas: list[Delta]) -> None:
        completion = decoded(body)
        if not isinstance(completion, dict):
            text = "The provider's answer is no JSON object."
            self._fail(Failure(kind="malformed" if body.strip() else "cut", message=text), deltas)
            return
        self._read_chunk(completion, body, deltas)
        if self._over:
            return
        if not isinstance(completion.get("choices"), list) or not completion["choices"]:
            self._fail(Failure(kind="malformed", message="The provider's answer holds no choices."), deltas)
            return
        self._end(deltas)


def _is_first(choice: Any) -> bool:
    """Whether this is the choice that is read: the first of several."""
    return isinstance(choice, dict) and choice.get("index") in (0, None)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""

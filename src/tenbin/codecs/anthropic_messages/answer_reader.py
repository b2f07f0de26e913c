"""Stage 2, an answer of Anthropic's is read into deltas, to be said in another dialect.

A reader never raises: bytes that make no sense become AnswerFailed(malformed), a missing end AnswerFailed(cut).
"""

from typing import Any

import msgspec

from tenbin.codecs import thinking
from tenbin.codecs.anthropic_messages import errors, wire
from tenbin.codecs.openai_json import decoded
from tenbin.codecs.sse import Event, SSEReader
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    Ping,
    SignatureDelta,
    StopReason,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.problems import Failure
from tenbin.core.usage import NOTHING, Usage

_CUT = Failure(kind="cut", message="The provider's answer ended before it was complete.")


class _Answer:
    """What both readers know of the answer so far."""

    def __init__(self, target_model: str) -> None:
        self._model = target_model
        self._stated: dict[str, Any] = {}
        self._called = False
        self._done = False
        self.usage: Usage = NOTHING

    def _note_usage(self, stated: object) -> None:
        wire.merge_usage(self._stated, stated)
        self.usage = wire.usage_from(self._stated)

    def _started(self, message: dict[str, Any]) -> AnswerStarted:
        self._model = wire.text_or_none(message.get("model")) or self._model
        self._note_usage(message.get("usage"))
        return AnswerStarted(wire.text_or_none(message.get("id")) or "", self._model, self.usage)

    def _finished(self, stop_reason: object, stop_sequence: object) -> AnswerFinished:
        self._done = True
        # A stop reason that is missing, or newer than this code, says no more than that the answer is over.
        over: StopReason = "tool_use" if self._called else "end_turn"
        return AnswerFinished(
            stop_reason=wire.STOP_REASONS.get(stop_reason, over) if isinstance(stop_reason, str) else over,
            usage=self.usage,
            stop_sequence=wire.text_or_none(stop_sequence),
            service_tier=wire.service_tier_of(self._stated),
        )

    def _failed(self, failure: Failure) -> AnswerFailed:
        self._done = True
        return AnswerFailed(failure, self.usage)

    def _malformed(self, what: str) -> AnswerFailed:
        return self._failed(Failure(kind="malformed", message=f"The provider's answer makes no sense: {what}."))

    def _block_started(self, index: int, block: dict[str, Any]) -> list[Delta]:
        """The beginning of a block and what it holds already."""
        match block.get("type"):
            case "text":
                return [BlockStarted(index=index, kind="text"), *_text(index, block.get("text"))]
            case "thinking":
                begun: list[Delta] = [BlockStarted(index=index, kind="thinking")]
                return begun + self._thought(index, block.get("thinking"), block.get("signature"))
            case "redacted_thinking":
                data = thinking.mark(self._model, _string(block.get("data")))
                return [BlockStarted(index=index, kind="redacted_thinking", data=data)]
            case "tool_use":
                self._called = True
                started = BlockStarted(
                    index=index, kind="tool_call", id=_string(block.get("id")), name=_string(block.get("name"))
                )
                arguments = block.get("input")
                if not arguments:
                    return [started]
                return [started, ArgumentsDelta(index, msgspec.json.encode(arguments).decode())]
            case _:
                return []

    def _thought(self, index: int, text: object, signature: object) -> list[Delta]:
        deltas: list[Delta] = []
        if isinstance(text, str) and text:
            deltas.append(ThinkingDelta(index, text))
        if isinstance(signature, str) and signature:
            deltas.append(SignatureDelta(index, thinking.mark(self._model, signature)))
        return deltas


class StreamReader(_Answer):
    """Reads a stream of events."""

    def __init__(self, target_model: str) -> None:
        super().__init__(target_model)
        self._events = SSEReader()
        self._open: dict[int, _OpenBlock] = {}
        self._has_started = False
        self._stop: tuple[object, object] = (None, None)

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that these bytes complete."""
        deltas = self._read(self._events.feed(data))
        if self._events.failure is not None and not self._done:
            deltas.append(self._failed(self._events.failure))
        return deltas

    def finish(self) -> list[Delta]:
        """The body has ended; a stop reason without message_stop will do, anything less is a cut."""
        last = self._events.finish()
        if last and decoded(last[0].data) is None:
            last = []  # the bytes ended in the middle of an event
        deltas = self._read(last)
        if not self._done:
            deltas += self._end() if self._stop[0] is not None else [self._failed(_CUT)]
        return deltas

    def _read(self, events: list[Event]) -> list[Delta]:
        deltas: list[Delta] = []
        for event in events:
            if self._done:
                break
            value = decoded(event.data)
            if isinstance(value, dict):
                deltas += self._event(value)
            elif event.data.strip() != b"[DONE]":  # some OpenAI-shaped servers end every stream so
                deltas.append(self._malformed("an event is not a JSON object"))
        return deltas

    def _event(self, event: dict[str, Any]) -> list[Delta]:
        kind = event.get("type")
        if kind in ("content_block_delta", "content_block_start", "content_block_stop"):
            index = event.get("index")
            if not isinstance(index, int) or isinstance(index, bool):
                return [self._malformed(f"a {kind} event has no index")]
            return self._start() + self._block_event(kind, index, event)
        match kind:
            case "ping":
                return [Ping()]
            case "message_start":
                message = event.get("message")
                return self._start(message if isinstance(message, dict) else {})
            case "message_delta":
                delta = event.get("delta")
                if isinstance(delta, dict) and delta.get("stop_reason") is not None:
                    self._stop = (delta["stop_reason"], delta.get("stop_sequence"))
                self._note_usage(event.get("usage"))
                return []
            case "message_stop":
                return self._start() + self._end()
        failed = errors.in_answer(event)
        return [] if failed is None else [self._failed(failed)]

    def _start(self, message: dict[str, Any] | None = None) -> list[Delta]:
        if self._has_started:
            return []
        self._has_started = True
        return [self._started(message or {})]

    def _end(self) -> list[Delta]:
        stops: list[Delta] = [BlockStopped(index) for index, block in self._open.items() if block.opaque is None]
        return [*stops, self._finished(*self._stop)]

    def _block_event(self, kind: str, index: int, event: dict[str, Any]) -> list[Delta]:
        if kind == "content_block_start":
            block = event.get("content_block")
            if not isinstance(block, dict):
                return [self._malformed("a content_block_start event holds no block")]
            deltas = self._block_started(index, block)
            self._open[index] = _OpenBlock(None if deltas else block)
            return deltas
        open_block = self._open.get(index)
        if open_block is None:
            return []
        if kind == "content_block_stop":
            del self._open[index]
            if open_block.opaque is None:
                return [BlockStopped(index)]
            return [BlockStarted(index=index, kind="opaque", value=open_block.whole()), BlockStopped(index)]
        delta = event.get("delta")
        if not isinstance(delta, dict):
            return []
        if open_block.opaque is not None:
            open_block.json += _string(delta.get("partial_json"))
            return []
        return self._delta(index, delta)

    def _delta(self, index: int, delta: dict[str, Any]) -> list[Delta]:
        match delta.get("type"):
            case "text_delta":
                return _text(index, delta.get("text"))
            case "input_json_delta":
                json = delta.get("partial_json")
                return [ArgumentsDelta(index, json)] if isinstance(json, str) and json else []
            case "thinking_delta":
                return self._thought(index, delta.get("thinking"), None)
            case "signature_delta":
                return self._thought(index, None, delta.get("signature"))
            case _:  # citations and what is to come: the words stand in the text
                return []


class _OpenBlock(msgspec.Struct):
    """A block that has begun; one of a kind that is not modelled is gathered until it is whole."""

    opaque: dict[str, Any] | None
    json: str = ""

    def whole(self) -> dict[str, Any]:
        """The opaque block, with the input that came in pieces."""
        streamed = decoded(self.json.encode()) if self.json else None
        return {**(self.opaque or {}), **({"input": streamed} if streamed is not None else {})}


class BodyReader(_Answer):
    """Reads an answer that is one JSON object; all of its deltas come at the end."""

    def __init__(self, target_model: str) -> None:
        super().__init__(target_model)
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> list[Delta]:
        """Nothing yet."""
        self._pieces.append(data)
        return []

    def finish(self) -> list[Delta]:
        """The whole answer."""
        body = decoded(b"".join(self._pieces))
        if not isinstance(body, dict):
            return [self._malformed("it is not a JSON object")]
        failed = errors.in_answer(body)
        if failed is not None:
            return [self._failed(failed)]
        content = body.get("content")
        if body.get("type") != "message" or not isinstance(content, list):
            return [self._malformed("it is not a message")]
        deltas: list[Delta] = [self._started(body)]
        for index, block in enumerate(content):
            if isinstance(block, dict):
                begun = self._block_started(index, block)
                deltas += begun or [BlockStarted(index=index, kind="opaque", value=block)]
                deltas.append(BlockStopped(index))
        deltas.append(self._finished(body.get("stop_reason"), body.get("stop_sequence")))
        return deltas


def _text(index: int, text: object) -> list[Delta]:
    return [TextDelta(index, text)] if isinstance(text, str) and text else []


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""

"""Stage 2, deltas are written as Anthropic's answer: a stream of events, or one object.

Usage stands in message_delta in full, since other dialects tell it last; clients let it overwrite message_start's.
Thinking gets no signature but a mark that says who wrote it (docs/decisions/0003-thinking-across-models.md).
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from tenbin.codecs import sse, thinking
from tenbin.codecs.anthropic_messages import errors, wire
from tenbin.codecs.anthropic_messages.content_writer import arguments
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
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.problems import Failure
from tenbin.core.usage import NOTHING, Usage

_PING = b'event: ping\ndata: {"type": "ping"}\n\n'
_NOT_IN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_CUT = Failure(kind="cut", message="The provider's answer ended before it was complete.")


class _Block(msgspec.Struct):
    """A block as it is written: its deltas as Anthropic's, until they may be sent."""

    content: dict[str, Any]
    """As in content_block_start."""
    deltas: list[dict[str, Any]] = []
    signed: bool = False
    stopped: bool = False


class _Written:
    """What both writers keep: the blocks in the order in which they began, by the index of their deltas."""

    def __init__(self, request_id: str, model: str) -> None:
        self._request_id = request_id
        self._id = "msg_" + request_id.removeprefix("req_")
        self._model = model
        self._usage: Usage = NOTHING
        self._blocks: dict[int, _Block] = {}
        self._called = 0
        self._over = False

    def _start(self, delta: AnswerStarted) -> None:
        self._model = delta.model or self._model
        self._usage = delta.usage

    def _begun(self, delta: BlockStarted) -> _Block | None:
        """The block that begins; None for one that Anthropic's dialect has no word for."""
        match delta.kind:
            case "text" | "refusal":
                return _Block({"type": "text", "text": ""})
            case "thinking":
                return _Block({"type": "thinking", "thinking": "", "signature": ""})
            case "redacted_thinking":
                return _Block({"type": "redacted_thinking", "data": thinking.mark(self._model, delta.data)})
            case "tool_call":
                self._called += 1
                call_id = _NOT_IN_ID.sub("_", delta.id) or f"toolu_{self._id[4:]}_{self._called}"
                return _Block({"type": "tool_use", "id": call_id, "name": delta.name, "input": {}})
            case _:
                return None

    def _delta(self, delta: Delta) -> tuple[int, dict[str, Any]] | None:
        """Index and Anthropic's form of a delta within a block."""
        match delta:
            case TextDelta():
                return delta.index, {"type": "text_delta", "text": delta.text}
            case ThinkingDelta():
                return delta.index, {"type": "thinking_delta", "thinking": delta.text}
            case SignatureDelta():
                signature = thinking.mark(self._model, delta.signature)
                return delta.index, {"type": "signature_delta", "signature": signature}
            case ArgumentsDelta():
                return delta.index, {"type": "input_json_delta", "partial_json": delta.json}
            case _:
                return None

    def _stop(self, block: _Block) -> dict[str, Any] | None:
        """What still has to be said as a block ends: the mark of thinking that brought no signature."""
        block.stopped = True
        if block.content["type"] != "thinking" or block.signed:
            return None
        return {"type": "signature_delta", "signature": thinking.mark(self._model, "")}

    def _end(self, delta: AnswerFinished) -> dict[str, Any]:
        word = wire.STOP_REASON_WORDS[delta.stop_reason]
        if self._called and word == "end_turn":
            word = "tool_use"  # some servers call tools and say "stop"
        return {"stop_reason": word, "stop_sequence": delta.stop_sequence}

    def _message(self, usage: Usage) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": wire.usage_words(usage),
        }


class StreamWriter(_Written):
    """Writes events. Only one block is open at a time: what comes for a later one waits for those before it."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, request_id: str, model: str) -> None:
        super().__init__(request_id, model)
        self._started = False
        self._next = 0
        self._waiting: list[int] = []
        """Blocks that have begun and are not at an end, the open one first."""
        self._out: list[bytes] = []

    def write(self, deltas: Sequence[Delta]) -> bytes:
        """The events for these deltas."""
        for delta in deltas:
            if self._over:
                break
            self._write(delta)
        written = b"".join(self._out)
        self._out.clear()
        return written

    def close(self) -> bytes:
        """The error event, if the answer has come to no end; nothing else is left to say."""
        return b"" if self._over else self.write([AnswerFailed(_CUT, self._usage)])

    def ping(self) -> bytes:
        """Anthropic's own ping event."""
        return _PING

    def _write(self, delta: Delta) -> None:
        written = self._delta(delta)
        if written is not None:
            index, said = written
            block = self._blocks.get(index)
            if block is not None and not block.stopped:
                block.signed = block.signed or said["type"] == "signature_delta"
                self._say(index, block, said)
            return
        match delta:
            case AnswerStarted():
                self._start(delta)
                self._ensure_started()
            case BlockStarted():
                begun = self._begun(delta)
                if begun is not None:
                    self._ensure_started()
                    self._blocks[delta.index] = begun
                    self._waiting.append(delta.index)
                    if len(self._waiting) == 1:
                        self._open(begun)
            case BlockStopped():
                self._stop_block(delta.index)
            case Ping():
                self._out.append(_PING)
            case AnswerFinished():
                self._finish(delta)
            case AnswerFailed():
                self._over = True
                self._out.append(sse.event(b"error", errors.failure_body(delta.failure, self._request_id)))

    def _ensure_started(self) -> None:
        if not self._started:
            self._started = True
            self._event("message_start", message=self._message(self._usage))

    def _open(self, block: _Block) -> None:
        self._event("content_block_start", index=self._next, content_block=block.content)
        for said in block.deltas:
            self._event("content_block_delta", index=self._next, delta=said)
        block.deltas = []

    def _say(self, index: int, block: _Block, said: dict[str, Any]) -> None:
        if self._waiting and self._waiting[0] == index:
            self._event("content_block_delta", index=self._next, delta=said)
        else:
            block.deltas.append(said)

    def _stop_block(self, index: int) -> None:
        block = self._blocks.get(index)
        if block is None or block.stopped:
            return
        last = self._stop(block)
        if last is not None:
            self._say(index, block, last)
        while self._waiting and self._blocks[self._waiting[0]].stopped:
            self._event("content_block_stop", index=self._next)
            self._waiting.pop(0)
            self._next += 1
            if self._waiting:
                self._open(self._blocks[self._waiting[0]])

    def _finish(self, delta: AnswerFinished) -> None:
        self._ensure_started()
        for index in list(self._waiting):
            self._stop_block(index)
        self._event("message_delta", delta=self._end(delta), usage=wire.usage_words(delta.usage))
        self._event("message_stop")
        self._over = True

    def _event(self, kind: str, **fields: Any) -> None:
        self._out.append(sse.event(kind.encode(), msgspec.json.encode({"type": kind, **fields})))


class BodyWriter(_Written):
    """Writes one object, at the end."""

    content_type = "application/json"

    def __init__(self, request_id: str, model: str) -> None:
        super().__init__(request_id, model)
        self._order: list[_Block] = []
        self._finish: AnswerFinished | None = None
        self._failure: Failure | None = None

    def write(self, deltas: Sequence[Delta]) -> bytes:
        """Nothing yet."""
        for delta in deltas:
            if not self._over:
                self._gather(delta)
        return b""

    def close(self) -> bytes:
        """The whole answer, or the error that it came to."""
        finish = self._finish
        if finish is None:
            return errors.failure_body(self._failure or _CUT, self._request_id)
        message = self._message(finish.usage) | self._end(finish)
        message["content"] = [_whole(block) for block in self._order]
        return msgspec.json.encode(message)

    def ping(self) -> bytes:
        """White space, which may stand before a JSON object."""
        return b"\n"

    def _gather(self, delta: Delta) -> None:
        written = self._delta(delta)
        if written is not None:
            block = self._blocks.get(written[0])
            if block is not None and not block.stopped:
                block.signed = block.signed or written[1]["type"] == "signature_delta"
                block.deltas.append(written[1])
            return
        match delta:
            case AnswerStarted():
                self._start(delta)
            case BlockStarted():
                begun = self._begun(delta)
                if begun is not None:
                    self._blocks[delta.index] = begun
                    self._order.append(begun)
            case BlockStopped():
                self._stop_block(self._blocks.get(delta.index))
            case AnswerFinished():
                for block in self._order:
                    self._stop_block(block)
                self._finish, self._over = delta, True
            case AnswerFailed():
                self._failure, self._over = delta.failure, True

    def _stop_block(self, block: _Block | None) -> None:
        if block is not None and not block.stopped:
            last = self._stop(block)
            if last is not None:
                block.deltas.append(last)


def _whole(block: _Block) -> dict[str, Any]:
    """The block with all that came for it."""
    content = dict(block.content)
    for name, kind in (("text", "text_delta"), ("thinking", "thinking_delta"), ("signature", "signature_delta")):
        if name in content:
            content[name] = "".join(said[name] for said in block.deltas if said["type"] == kind)
    if content["type"] == "tool_use":
        json = "".join(said["partial_json"] for said in block.deltas if said["type"] == "input_json_delta")
        content["input"] = arguments(json)
    return content

"""Stage 2, an answer of Ollama's is read: lines of JSON, in any cutting of their bytes, to deltas.

A reader never raises: bytes that make no sense become AnswerFailed(malformed), a missing end AnswerFailed(cut).
"""

from hashlib import blake2b

import msgspec

from tenbin.codecs.ollama_chat import wire
from tenbin.core.answer import (
    AnswerFailed,
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    LogprobsDelta,
    StopReason,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.problems import Failure, FailureKind
from tenbin.core.usage import NOTHING, Usage

MAX_LINE_BYTES = 32 * 1024 * 1024
"""Longest line that is read, in bytes: more than the largest body that a client may send."""

_STOP_REASONS: dict[str | None, StopReason] = {"length": "max_tokens"}
_line_decoder = msgspec.json.Decoder(wire.Line)


class AnswerReader:
    """Reads one answer. An unstreamed answer is one line, however many lines its JSON is written on."""

    __slots__ = ("_block", "_buffer", "_calls", "_ended", "_next", "_one_line", "_seed", "usage")

    usage: Usage
    """What Ollama has stated; it states everything at the end only."""

    def __init__(self, *, streamed: bool) -> None:
        self.usage = NOTHING
        self._one_line = not streamed
        self._buffer = bytearray()
        self._block: str | None = None
        self._next = 0
        self._calls = 0
        self._seed: bytes | None = None
        self._ended = False

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that these bytes complete."""
        if self._ended:
            return []
        self._buffer += data
        deltas: list[Delta] = []
        if not self._one_line and b"\n" in data:
            *lines, rest = bytes(self._buffer).split(b"\n")
            self._buffer = bytearray(rest)
            for line in lines:
                deltas += self._read(line)
        if len(self._buffer) > MAX_LINE_BYTES and not self._ended:
            deltas += self._fail("malformed", f"Ollama sent a line of more than {MAX_LINE_BYTES} bytes.")
        return deltas

    def finish(self) -> list[Delta]:
        """The body has ended: its last line may lack its newline, or its end. Half a line was cut, not malformed."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        deltas = self._read(rest) if self._one_line or _is_whole(rest) else []
        if not self._ended:
            deltas += self._fail("cut", "Ollama's answer broke off before its end.")
        return deltas

    def _read(self, data: bytes) -> list[Delta]:
        if self._ended or not data.strip():
            return []
        try:
            data.decode()  # the decoder does not look into the arguments, which stay raw
            return self._deltas(_line_decoder.decode(data))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return self._fail("malformed", f"Ollama sent a line that is not of its dialect: {error}.")

    def _deltas(self, line: wire.Line) -> list[Delta]:
        if line.error is not None:
            status = line.status if isinstance(line.status, int) else None
            return self._end(wire.failure(line.error, status))
        deltas: list[Delta] = []
        if self._seed is None:
            self._seed = f"{line.model}\n{line.created_at}".encode()
            deltas.append(AnswerStarted(f"ollama_{self._digest(b'')}", line.model, NOTHING))
        if line.message is not None:
            self._content(line.message, deltas)
        if line.logprobs:
            self._open("text", deltas)
            deltas.append(LogprobsDelta(self._next, line.logprobs))
        if line.done:
            self._done(line, deltas)
        return deltas

    def _content(self, piece: wire.Piece, deltas: list[Delta]) -> None:
        if piece.thinking:
            self._open("thinking", deltas)
            deltas.append(ThinkingDelta(self._next, piece.thinking))
        if piece.content:
            self._open("text", deltas)
            deltas.append(TextDelta(self._next, piece.content))
        for call in piece.tool_calls or ():
            self._close(deltas)
            deltas.append(BlockStarted(index=self._next, kind="tool_call", id=self._id(call), name=call.function.name))
            deltas.append(ArgumentsDelta(self._next, _arguments(call.function.arguments)))
            deltas.append(BlockStopped(self._next))
            self._next += 1
            self._calls += 1

    def _open(self, kind: str, deltas: list[Delta]) -> None:
        if self._block == kind:
            return
        self._close(deltas)
        self._block = kind
        deltas.append(BlockStarted(index=self._next, kind="thinking" if kind == "thinking" else "text"))

    def _close(self, deltas: list[Delta]) -> None:
        if self._block is not None:
            deltas.append(BlockStopped(self._next))
            self._block = None
            self._next += 1

    def _id(self, call: wire.ToolCall) -> str:
        """The call's own id, or one that the answer's bytes give: the same at each reading, another in each answer.

        Ollama dates each answer to the nanosecond, so equal calls in two answers of a conversation get two ids.
        """
        if call.id:
            return call.id
        what = call.function.name.encode() + b"\n" + bytes(call.function.arguments)
        return f"call_{self._calls}_{self._digest(what)}"

    def _digest(self, what: bytes) -> str:
        return blake2b((self._seed or b"") + b"\n" + what, digest_size=8).hexdigest()

    def _done(self, line: wire.Line, deltas: list[Delta]) -> None:
        self._close(deltas)
        self._ended = True
        loaded_only = line.done_reason in ("load", "unload")
        prompt, output = line.prompt_eval_count, line.eval_count
        self.usage = Usage(
            input=prompt or 0,
            output=output or 0,
            input_estimated=prompt is None and not loaded_only,
            output_estimated=output is None and not loaded_only,
        )
        reason = _STOP_REASONS.get(line.done_reason, "tool_use" if self._calls else "end_turn")
        deltas.append(AnswerFinished(reason, self.usage))

    def _fail(self, kind: FailureKind, message: str) -> list[Delta]:
        return self._end(Failure(kind=kind, message=message))

    def _end(self, failure: Failure) -> list[Delta]:
        self._ended = True
        self._buffer.clear()
        return [AnswerFailed(failure, self.usage)]


def _is_whole(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return True


def _arguments(raw: msgspec.Raw) -> str:
    """The JSON text of the arguments, also where a server wrote that text as a string."""
    text = bytes(raw).decode()
    if text.startswith('"'):
        return msgspec.json.decode(text, type=str)
    return "{}" if text == "null" else text

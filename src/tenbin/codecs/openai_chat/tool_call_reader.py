"""Stages 6 and 7, the tool calls of a streamed Chat Completions answer, however a provider numbers and repeats them."""

from typing import Any

import msgspec

from tenbin.codecs.openai_chat.spoken_blocks import SpokenBlocks
from tenbin.codecs.tool_names import made_id
from tenbin.core.answer import ArgumentsDelta, BlockStarted, BlockStopped, Delta


class _Call:
    """One call on its way: its block's index once its name is known, and what has come so far."""

    __slots__ = ("arguments", "block", "closed", "id", "index", "name", "waiting")

    def __init__(self, index: int | None) -> None:
        self.index = index
        self.id = ""
        self.name = ""
        self.block: int | None = None
        self.closed = False
        self.waiting: list[str] = []
        self.arguments: list[str] = []

    def complete(self) -> bool:
        """Whether the arguments so far are a whole JSON value."""
        try:
            msgspec.json.decode("".join(self.arguments), type=msgspec.Raw)
        except (msgspec.DecodeError, RecursionError):
            return False
        return True


class ToolCallReader:
    """Reads ``tool_calls`` deltas. A call ends when the next begins, if its arguments are whole; else with the answer,
    so that nothing is lost where a provider sends several calls in turns.
    """

    def __init__(self, blocks: SpokenBlocks) -> None:
        self._blocks = blocks
        self._calls: list[_Call] = []
        self._legacy = False
        self._answer_id = ""

    def read(self, entries: list[Any], answer_id: str, deltas: list[Delta]) -> None:
        """One delta's list of calls. A legacy ``function_call`` beside it is the same call said twice."""
        self._answer_id = self._answer_id or answer_id
        if self._legacy:
            return
        for entry in entries:
            if not isinstance(entry, dict):
                continue
            function = entry.get("function")
            function = function if isinstance(function, dict) else {}
            name, call_id = _string(function.get("name")), _string(entry.get("id"))
            call = self._find(entry.get("index"), call_id, name, deltas)
            call.id = call.id or call_id
            self._extend(call, name, function.get("arguments"), deltas)

    def read_legacy(self, value: Any, answer_id: str, deltas: list[Delta]) -> None:
        """A ``function_call`` of the dialect's first version, where nothing newer was said."""
        if not isinstance(value, dict) or (self._calls and not self._legacy):
            return
        self._answer_id = self._answer_id or answer_id
        self._legacy = True
        call = self._calls[0] if self._calls else self._begin(0, deltas)
        self._extend(call, _string(value.get("name")), value.get("arguments"), deltas)

    def finish(self, deltas: list[Delta]) -> bool:
        """Ends all calls; whether there were any."""
        for call in self._calls:
            if call.block is None:
                # Arguments without a name: nobody can run that, but it was said and it is billed.
                call.name = "unknown"
                self._start(call, deltas)
            self._stop(call, deltas)
        return bool(self._calls)

    def _find(self, index: Any, call_id: str, name: str, deltas: list[Delta]) -> _Call:
        """The call that a delta belongs to. An index that is given anew to another id and name is another call
        (Gemini numbers all of them 0); without an index the id decides, else the last call goes on.
        """
        if isinstance(index, int) and not isinstance(index, bool):
            for call in reversed(self._calls):
                if call.index == index:
                    if name and call_id and call.id and call.id != call_id and (call.complete() or not call.arguments):
                        break
                    return call
            return self._begin(index, deltas)
        if call_id:
            for call in self._calls:
                if call.id == call_id:
                    return call
        last = self._calls[-1] if self._calls else None
        if last is None or (call_id and last.id) or (name and not call_id and last.complete()):
            return self._begin(None, deltas)
        return last

    def _begin(self, index: int | None, deltas: list[Delta]) -> _Call:
        if self._calls and self._calls[-1].block is not None and self._calls[-1].complete():
            self._stop(self._calls[-1], deltas)
        call = _Call(index)
        self._calls.append(call)
        return call

    def _extend(self, call: _Call, name: str, arguments: Any, deltas: list[Delta]) -> None:
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if call.block is None and name:
            call.name = name
            self._start(call, deltas)
        if not isinstance(arguments, str) or not arguments or call.closed:
            return
        call.arguments.append(arguments)
        if call.block is None:
            call.waiting.append(arguments)
        else:
            deltas.append(ArgumentsDelta(call.block, arguments))

    def _start(self, call: _Call, deltas: list[Delta]) -> None:
        call.block = self._blocks.take(deltas)
        call_id = call.id or made_id(self._answer_id, self._calls.index(call))
        call.id = call_id
        deltas.append(BlockStarted(index=call.block, kind="tool_call", id=call_id, name=call.name))
        deltas += [ArgumentsDelta(call.block, piece) for piece in call.waiting]
        call.waiting.clear()

    def _stop(self, call: _Call, deltas: list[Delta]) -> None:
        if call.block is not None and not call.closed:
            call.closed = True
            deltas.append(BlockStopped(call.block))


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""

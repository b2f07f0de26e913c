"""Stages 6 and 7, the output items of a streamed Responses answer become blocks, whatever indexes their events lack."""

from typing import Any

from tenbin.codecs.openai_responses import reasoning
from tenbin.codecs.tool_names import made_id
from tenbin.core.answer import (
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    LogprobsDelta,
    SignatureDelta,
    TextDelta,
    ThinkingDelta,
)


class _Item:
    """One output item: its open block, and what was said of it so far."""

    __slots__ = ("block", "closed", "id", "kind", "output_index", "part", "said", "summary_index")

    def __init__(self, item_id: str, output_index: Any, kind: str) -> None:
        self.id = item_id
        self.output_index = output_index
        self.kind = kind
        self.block: tuple[str, int] | None = None
        self.part: Any = None
        self.said = False
        self.closed = False
        self.summary_index: Any = None


class ItemBlocks:
    """Opens, fills and ends blocks as the events of their items come."""

    def __init__(self) -> None:
        self.called = False
        """A function was called."""
        self.refused = False
        """The model refused in words of their own."""
        self._items: list[_Item] = []
        self._next_index = 0

    def read(self, kind: str, event: dict[str, Any], deltas: list[Delta]) -> None:
        """One event of an item; those that add nothing to the deltas are passed over."""
        if kind == "response.output_item.added":
            if isinstance(event.get("item"), dict):
                self._add(event["item"], event.get("output_index"), deltas)
        elif kind == "response.output_item.done":
            if isinstance(event.get("item"), dict):
                self._finish_item(self._of(event, event["item"], deltas), event["item"], deltas)
        elif kind.endswith(".delta") and isinstance(event.get("delta"), str):
            self._read_delta(kind, event, deltas)
        elif kind == "response.function_call_arguments.done":
            item = self._of(event, {}, deltas)
            self._say_arguments(item, event.get("arguments"), deltas)

    def finish(self, output: list[Any], deltas: list[Delta]) -> None:
        """The answer is complete: what no event has said of its output is said, and every block ends."""
        for index, value in enumerate(output):
            if isinstance(value, dict):
                known = self._known(_string(value.get("id")), index)
                if known is None or not known.closed:
                    self._finish_item(known or self._add(value, index, deltas), value, deltas)
        for item in self._items:
            self._close(item, deltas)

    def _known(self, item_id: str, output_index: Any) -> _Item | None:
        for item in reversed(self._items):
            if item_id and item.id == item_id:
                return item
        for item in self._items:
            if output_index is not None and item.output_index == output_index:
                return item
        return None

    def _of(self, event: dict[str, Any], value: dict[str, Any], deltas: list[Delta]) -> _Item:
        """The item that an event belongs to: by its id, else its index, else the last one."""
        item_id = _string(event.get("item_id")) or _string(value.get("id"))
        known = self._known(item_id, event.get("output_index"))
        if known is not None:
            return known
        if self._items and not item_id and event.get("output_index") is None and not self._items[-1].closed:
            return self._items[-1]
        kind = "function_call" if "function_call" in str(event.get("type")) else "message"
        return self._add({"type": kind, **value, "id": item_id}, event.get("output_index"), deltas)

    def _add(self, value: dict[str, Any], output_index: Any, deltas: list[Delta]) -> _Item:
        for before in self._items:
            if before.kind != "function_call":
                self._close(before, deltas)
        item = _Item(_string(value.get("id")), output_index, _string(value.get("type")))
        self._items.append(item)
        if item.kind == "function_call":
            self.called = True
            call_id = _string(value.get("call_id")) or item.id or made_id("", len(self._items))
            self._open(item, "tool_call", deltas, call_id, _string(value.get("name")))
        return item

    def _open(self, item: _Item, kind: Any, deltas: list[Delta], call_id: str = "", name: str = "") -> int:
        if item.block is not None:
            if item.block[0] == kind:
                return item.block[1]
            deltas.append(BlockStopped(item.block[1]))
        item.block = (kind, self._next_index)
        self._next_index += 1
        deltas.append(BlockStarted(index=item.block[1], kind=kind, id=call_id, name=name))
        return item.block[1]

    def _close(self, item: _Item, deltas: list[Delta]) -> None:
        if item.block is not None and not item.closed:
            deltas.append(BlockStopped(item.block[1]))
        item.closed = True

    def _read_delta(self, kind: str, event: dict[str, Any], deltas: list[Delta]) -> None:
        item, text = self._of(event, {}, deltas), event["delta"]
        if item.closed:
            return
        item.said = True
        if kind == "response.output_text.delta":
            self._next_part(item, event.get("content_index"), deltas)
            index = self._open(item, "text", deltas)
            deltas.append(TextDelta(index, text))
            logprobs = event.get("logprobs")
            if logprobs and isinstance(logprobs, list):
                deltas.append(LogprobsDelta(index, logprobs))
        elif kind == "response.refusal.delta":
            self.refused = True
            deltas.append(TextDelta(self._open(item, "refusal", deltas), text))
        elif kind == "response.function_call_arguments.delta":
            if item.block is not None and item.block[0] == "tool_call":
                deltas.append(ArgumentsDelta(item.block[1], text))
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            index = self._open(item, "thinking", deltas)
            part = event.get("summary_index", event.get("content_index"))
            if item.summary_index is not None and part != item.summary_index:
                text = f"\n\n{text}"
            item.summary_index = part if part is not None else item.summary_index
            deltas.append(ThinkingDelta(index, text))

    def _next_part(self, item: _Item, content_index: Any, deltas: list[Delta]) -> None:
        """Another part of one message is another block."""
        if (
            content_index is not None
            and item.part is not None
            and content_index != item.part
            and item.block is not None
        ):
            deltas.append(BlockStopped(item.block[1]))
            item.block = None
        item.part = content_index if content_index is not None else item.part

    def _say_arguments(self, item: _Item, arguments: Any, deltas: list[Delta]) -> None:
        if not item.said and item.block is not None and isinstance(arguments, str) and arguments and not item.closed:
            item.said = True
            deltas.append(ArgumentsDelta(item.block[1], arguments))

    def _finish_item(self, item: _Item, value: dict[str, Any], deltas: list[Delta]) -> None:
        """An item is complete: what no delta has said of it is said now."""
        if item.closed:
            return
        if item.kind == "function_call":
            self._say_arguments(item, value.get("arguments"), deltas)
        elif item.kind == "message":
            if not item.said:
                self._say_content(item, value.get("content"), deltas)
        elif item.kind == "reasoning":
            self._say_reasoning(item, value, deltas)
        elif item.block is None:
            item.block = ("opaque", self._next_index)
            self._next_index += 1
            deltas.append(BlockStarted(index=item.block[1], kind="opaque", value=value))
        self._close(item, deltas)

    def _say_content(self, item: _Item, content: Any, deltas: list[Delta]) -> None:
        for position, part in enumerate(content if isinstance(content, list) else ()):
            if not isinstance(part, dict):
                continue
            if isinstance(part.get("text"), str):
                self._next_part(item, position, deltas)
                index = self._open(item, "text", deltas)
                deltas.append(TextDelta(index, part["text"]))
                if part.get("logprobs") and isinstance(part["logprobs"], list):
                    deltas.append(LogprobsDelta(index, part["logprobs"]))
            elif isinstance(part.get("refusal"), str):
                self.refused = True
                deltas.append(TextDelta(self._open(item, "refusal", deltas), part["refusal"]))

    def _say_reasoning(self, item: _Item, value: dict[str, Any], deltas: list[Delta]) -> None:
        summary, content = value.get("summary"), value.get("content")
        text = reasoning.text_of(
            summary if isinstance(summary, list) else [], content if isinstance(content, list) else []
        )
        encrypted = _string(value.get("encrypted_content"))
        if not item.said and text:
            deltas.append(ThinkingDelta(self._open(item, "thinking", deltas), text))
        if encrypted:
            index = self._open(item, "thinking", deltas)
            deltas.append(SignatureDelta(index, reasoning.packed(_string(value.get("id")) or item.id, encrypted)))


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""

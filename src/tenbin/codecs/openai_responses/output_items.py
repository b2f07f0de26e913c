"""Stages 6 and 7, the output items of a Responses answer, each with the events that open, extend and close it."""

from typing import Any

from tenbin.codecs.openai_responses import reasoning
from tenbin.core.answer import BlockStarted

Event = dict[str, Any]


class OutputItem:
    """What every kind of item has: where it stands, its id, and its text so far."""

    prefix = "item"

    def __init__(self, position: int, suffix: str) -> None:
        self.id = f"{self.prefix}_{suffix}_{position}"
        self.position = position
        self.texts: list[str] = []
        self.logprobs: list[Any] = []
        self.done = False

    @property
    def text(self) -> str:
        """All that was said so far."""
        return "".join(self.texts)

    def sign(self, signature: str) -> None:
        """Takes a signature; only thinking has one."""

    def fields(self, status: str) -> dict[str, Any]:
        """The item as it stands."""
        raise NotImplementedError

    def whole(self) -> dict[str, Any]:
        """The complete item."""
        return self.fields("completed")

    def opening(self) -> list[Event]:
        """The events that begin it."""
        return [
            {"type": "response.output_item.added", "output_index": self.position, "item": self.fields("in_progress")}
        ]

    def extend(self, text: str) -> Event:
        """The event for more of its text."""
        self.texts.append(text)
        return self.event(self.delta_type(), delta=text)

    def delta_type(self) -> str:
        """The type of its delta events."""
        raise NotImplementedError

    def closing(self) -> list[Event]:
        """The events that end it."""
        self.done = True
        return [
            *self.finished(),
            {"type": "response.output_item.done", "output_index": self.position, "item": self.whole()},
        ]

    def finished(self) -> list[Event]:
        """The events between the last delta and the item's end."""
        return []

    def event(self, kind: str, **fields: Any) -> Event:
        """An event of this item."""
        return {"type": kind, "item_id": self.id, "output_index": self.position, **fields}


class _Message(OutputItem):
    prefix = "msg"

    def fields(self, status: str) -> dict[str, Any]:
        content = [] if status == "in_progress" else [self.part(self.text)]
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}

    def part(self, text: str) -> dict[str, Any]:
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": self.logprobs}

    def opening(self) -> list[Event]:
        return [*super().opening(), self.event("response.content_part.added", content_index=0, part=self.part(""))]

    def delta_type(self) -> str:
        return "response.output_text.delta"

    def extend(self, text: str) -> Event:
        written = super().extend(text)
        written["content_index"] = 0
        written["logprobs"] = []
        return written

    def finished(self) -> list[Event]:
        text = self.text
        done = self.event("response.output_text.done", content_index=0, text=text, logprobs=self.logprobs)
        return [done, self.event("response.content_part.done", content_index=0, part=self.part(text))]


class _Refusal(_Message):
    def part(self, text: str) -> dict[str, Any]:
        return {"type": "refusal", "refusal": text}

    def delta_type(self) -> str:
        return "response.refusal.delta"

    def extend(self, text: str) -> Event:
        written = super().extend(text)
        del written["logprobs"]
        return written

    def finished(self) -> list[Event]:
        text = self.text
        done = self.event("response.refusal.done", content_index=0, refusal=text)
        return [done, self.event("response.content_part.done", content_index=0, part=self.part(text))]


class _FunctionCall(OutputItem):
    prefix = "fc"

    def __init__(self, position: int, suffix: str, call_id: str, name: str) -> None:
        super().__init__(position, suffix)
        self.call_id = call_id
        self.name = name

    def fields(self, status: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "call_id": self.call_id,
            "name": self.name,
            "arguments": self.text if status == "in_progress" else self.text or "{}",
        }

    def delta_type(self) -> str:
        return "response.function_call_arguments.delta"

    def finished(self) -> list[Event]:
        return [self.event("response.function_call_arguments.done", name=self.name, arguments=self.text or "{}")]


class _Reasoning(OutputItem):
    """Thinking is shown as a summary, since that is what clients show. What signs it travels as encrypted content,
    marked with the model that wrote it.
    """

    prefix = "rs"

    def __init__(self, position: int, suffix: str, model: str, redacted: str | None) -> None:
        super().__init__(position, suffix)
        self.model = model
        self.encrypted = reasoning.marked(model, redacted, redacted=True) if redacted is not None else None
        self.redacted = redacted is not None

    def sign(self, signature: str) -> None:
        self.encrypted = reasoning.marked(self.model, signature)

    def fields(self, status: str) -> dict[str, Any]:
        text = self.text
        written: dict[str, Any] = {"id": self.id, "type": "reasoning"}
        if status == "in_progress":
            return {**written, "summary": []}
        written["summary"] = [{"type": "summary_text", "text": text}] if text else []
        # Unsigned thinking is marked too: some models want their own back (DeepSeek).
        written["encrypted_content"] = self.encrypted or reasoning.marked(self.model, "")
        return written

    def opening(self) -> list[Event]:
        if self.redacted:
            return super().opening()
        part = {"type": "summary_text", "text": ""}
        return [*super().opening(), self.event("response.reasoning_summary_part.added", summary_index=0, part=part)]

    def delta_type(self) -> str:
        return "response.reasoning_summary_text.delta"

    def extend(self, text: str) -> Event:
        written = super().extend(text)
        written["summary_index"] = 0
        return written

    def finished(self) -> list[Event]:
        if self.redacted:
            return []
        text = self.text
        part = {"type": "summary_text", "text": text}
        return [
            self.event("response.reasoning_summary_text.done", summary_index=0, text=text),
            self.event("response.reasoning_summary_part.done", summary_index=0, part=part),
        ]


def item_for(block: BlockStarted, position: int, suffix: str, model: str) -> OutputItem | None:
    """The item that a block becomes; None for a block that the dialect has no item for."""
    match block.kind:
        case "text":
            return _Message(position, suffix)
        case "refusal":
            return _Refusal(position, suffix)
        case "tool_call":
            return _FunctionCall(position, suffix, block.id, block.name)
        case "thinking":
            return _Reasoning(position, suffix, model, None)
        case "redacted_thinking":
            return _Reasoning(position, suffix, model, block.data)
        case _:
            return None

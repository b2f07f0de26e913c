"""Stage 2, reasoning items: their id and encrypted content travel as one opaque text through other dialects, and come
back as an item only for the model that wrote them.
"""

from collections.abc import Sequence
from typing import Any

from tenbin.codecs.thinking import mark, same_model, unmark
from tenbin.core.conversation import Thinking

_REDACTED = "redacted:"
_SEPARATOR = "|"


def packed(item_id: str, encrypted: str) -> str:
    """A reasoning item's id and encrypted content as one opaque text (no id has a bar in it)."""
    return f"{item_id}{_SEPARATOR}{encrypted}"


def unpacked(opaque: str) -> tuple[str, str]:
    """The id (empty when it was not known) and the encrypted content."""
    item_id, bar, encrypted = opaque.partition(_SEPARATOR)
    return (item_id, encrypted) if bar else ("", opaque)


def marked(model: str, opaque: str, *, redacted: bool = False) -> str:
    """Another model's opaque thinking as an item's ``encrypted_content``."""
    return mark(model, _REDACTED + opaque if redacted else opaque)


def thinking(item_id: str | None, text: str, encrypted: str | None) -> Thinking:
    """What a reasoning item of a request holds: OpenAI's own, or another model's that was marked."""
    model, opaque = unmark(encrypted)
    if model is None:
        return Thinking(id=item_id, text=text, redacted=encrypted)
    if opaque is not None and opaque.startswith(_REDACTED):
        return Thinking(text=text, redacted=mark(model, opaque.removeprefix(_REDACTED)))
    return Thinking(text=text, signature=encrypted)


def item(part: Thinking, model: str) -> dict[str, Any] | None:
    """The reasoning item for the model that is asked; None for what it did not write or can't be given back."""
    writer, opaque = unmark(part.signature)
    if part.id is not None and part.redacted is not None:
        item_id, encrypted = part.id, part.redacted
    elif opaque and same_model(writer, model):
        item_id, encrypted = unpacked(opaque)
    else:
        return None
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    written: dict[str, Any] = {"type": "reasoning", "summary": summary, "encrypted_content": encrypted}
    return {"id": item_id, **written} if item_id else written


def text_of(summary: Sequence[Any], content: Sequence[Any]) -> str:
    """The words of a reasoning item: its summary, else its text where the model shows it."""
    for parts in (summary, content):
        texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
        if texts:
            return "\n\n".join(texts)
    return ""

"""Stage 2, turns become the input items of a Responses request."""

from collections.abc import Iterable
from typing import Any

from tenbin.codecs.lowering import (
    as_error,
    call_id,
    document_words,
    reminder,
    results_by_turn,
    split_attachments,
    system_words,
)
from tenbin.codecs.openai_responses import reasoning
from tenbin.codecs.tool_names import fitted, fitted_id
from tenbin.core.conversation import (
    Conversation,
    Document,
    Image,
    Opaque,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolReference,
    ToolResult,
    Turn,
)
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Target

DIALECT = "openai_responses"

Item = dict[str, Any]


def items(conversation: Conversation, target: Target) -> list[Item]:
    """All items, each call's output right after the calls of its turn. Raises Inexpressible for images, documents and
    blocks that the target can't be given.
    """
    written: list[Item] = []
    turns = conversation.turns
    results = results_by_turn(turns, DIALECT)
    moved: list[Part] = []
    for index, turn in enumerate(turns):
        if turn.role == "assistant":
            _add_user(written, moved, target)
            written += _assistant(turn, target)
            for part in turn.parts:
                for result in results.get(index, {}).pop(call_id(part, DIALECT) or "", ()):
                    name = part.name if isinstance(part, ToolCall) else "the tool"
                    written.append(_output(result, name, moved, target))
        elif turn.role == "user":
            outputs = [part for part in turn.parts if isinstance(part, Opaque) and part.kind.endswith("_output")]
            written += [_own(part, target) for part in outputs]
            said = [part for part in turn.parts if not isinstance(part, ToolResult) and part not in outputs]
            moved += said
            _add_user(written, moved, target)
        elif target.quirks.middle_system:
            _add_user(written, moved, target)
            role = target.quirks.system_role
            written.append({"type": "message", "role": role, "content": system_words(turn.parts, target)})
        else:
            moved.append(Text(text=reminder(system_words(turn.parts, target))))
            _add_user(written, moved, target)
    _add_user(written, moved, target)
    return written


def _add_user(written: list[Item], parts: list[Part], target: Target) -> None:
    """A user message of these parts, if there are any; then there are none left."""
    if parts:
        written.append({"type": "message", "role": "user", "content": _content(parts, target)})
        parts.clear()


def _content(parts: Iterable[Part], target: Target) -> list[Item]:
    return [_part(part, target) for part in parts]


def _part(part: Part, target: Target) -> Item:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, Image):
        if not target.quirks.images:
            raise Inexpressible("images", f"{target.name} takes no images.")
        url = part.url if part.data is None else f"data:{part.media_type or 'image/png'};base64,{part.data}"
        return {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}
    if isinstance(part, Document):
        return _document(part, target)
    if isinstance(part, ToolReference):
        return {"type": "input_text", "text": f"The tool {fitted(part.tool_name)} is now available."}
    if isinstance(part, Opaque):
        return _own(part, target)
    return {"type": "input_text", "text": ""}


def _own(part: Opaque, target: Target) -> Item:
    """A block that only this dialect knows, as the client wrote it."""
    if part.dialect == DIALECT and isinstance(part.value, dict):
        return part.value
    raise Inexpressible(part.kind, f"{target.name} can't be given a block of type {part.kind}.")


def _document(document: Document, target: Target) -> Item:
    if document.text is not None:
        return {"type": "input_text", "text": document_words(document)}
    if not target.quirks.documents:
        raise Inexpressible("documents", f"{target.name} takes no documents but plain text.")
    if document.data is None:
        return {"type": "input_file", "file_url": document.url}
    return {
        "type": "input_file",
        "filename": document.title or "document.pdf",
        "file_data": f"data:{document.media_type};base64,{document.data}",
    }


def _assistant(turn: Turn, target: Target) -> list[Item]:
    """The items of an assistant turn, in its own order. Blocks of another provider's own doings are left out: what the
    model made of them stands in its text.
    """
    written: list[Item] = []
    for part in turn.parts:
        if isinstance(part, Text):
            text = {"type": "output_text", "text": part.text, "annotations": []}
            written.append({"type": "message", "role": "assistant", "status": "completed", "content": [text]})
        elif isinstance(part, ToolCall):
            called = {
                "type": "function_call",
                "call_id": fitted_id(part.id, target.quirks.tool_id_limit),
                "name": fitted(part.name),
                "arguments": part.arguments or "{}",
            }
            written.append(called)
        elif isinstance(part, Thinking):
            item = reasoning.item(part, target.model)
            if item is not None:
                written.append(item)
        elif isinstance(part, Opaque) and part.dialect == DIALECT:
            written.append(part.value)
    return written


def _output(result: ToolResult, name: str, moved: list[Part], target: Target) -> Item:
    kept, taken = split_attachments(result, target)
    fitting_id = fitted_id(result.call_id, target.quirks.tool_id_limit)
    if taken:
        moved += [Text(text=f"Attachments of the result of {fitted(name)} (call {fitting_id}):"), *taken]
    if result.is_error:
        kept = as_error(kept)
    parts = _content(kept, target)
    only_text = all(part["type"] == "input_text" for part in parts)
    output: Any = "\n\n".join(part["text"] for part in parts) if only_text else parts
    return {"type": "function_call_output", "call_id": fitting_id, "output": output}

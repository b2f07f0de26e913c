"""Stage 2, one part of a conversation is written as a content block of Anthropic's."""

from typing import Any

import msgspec

from tenbin.codecs import thinking
from tenbin.core.conversation import Document, Image, Opaque, Part, Text, Thinking, ToolCall, ToolReference, ToolResult
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Target

Block = dict[str, Any]

BLANK = " \t\r\n\f\v"
"""A text of nothing else is refused as empty."""

_MEDIA_TYPES = (("iVBOR", "image/png"), ("/9j/", "image/jpeg"), ("R0lG", "image/gif"), ("UklGR", "image/webp"))
"""How the base64 data of each kind of image begins."""


def cache_control(life: str) -> dict[str, str]:
    """The mark after which the prompt is cached."""
    return {"type": "ephemeral", "ttl": "1h"} if life == "1h" else {"type": "ephemeral"}


def written_part(part: Part, target: Target) -> Block | None:
    """The block; None for what is safely left out: empty text, thinking that the target's model did not write.

    Raises Inexpressible for what it cannot be given.
    """
    block = _block(part, target)
    if block is not None and part.cache is not None and target.quirks.cache_control:
        block["cache_control"] = cache_control(part.cache)
    return block


def text_block(text: str) -> Block:
    """A text block."""
    return {"type": "text", "text": text}


def _block(part: Part, target: Target) -> Block | None:
    match part:
        case Text():
            return text_block(part.text) if part.text.strip(BLANK) else None
        case Image():
            return _image(part, target)
        case Document():
            return _document(part, target)
        case Thinking():
            return _thinking(part, target)
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments(part.arguments)}
        case ToolResult():
            return _tool_result(part, target)
        case ToolReference():
            if target.quirks.deferred_tools:
                return {"type": "tool_reference", "tool_name": part.tool_name}
            return text_block(f"The tool {part.tool_name} is now available.")
        case Opaque():
            return _opaque(part, target)


def arguments(text: str) -> Any:
    """A tool call's arguments as the object that Anthropic wants; what is no JSON object is wrapped in one."""
    try:
        decoded = msgspec.json.decode(text) if text.strip() else None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        decoded = text
    if isinstance(decoded, dict):
        return msgspec.Raw(text.encode())
    return {} if decoded is None else {"arguments": text}


def _image(image: Image, target: Target) -> Block:
    if not target.quirks.images:
        raise Inexpressible("images", f"{target.name} takes no images.")
    if image.data is not None:
        guessed = next((name for start, name in _MEDIA_TYPES if image.data.startswith(start)), "image/png")
        source = {"type": "base64", "media_type": image.media_type or guessed, "data": image.data}
    elif image.url is not None:
        source = {"type": "url", "url": image.url}
    else:
        raise Inexpressible("images", "An image without data and without address can't be sent on.")
    return {"type": "image", "source": source}


def _document(document: Document, target: Target) -> Block:
    if document.text is not None:
        if not target.quirks.documents:
            title = f' title="{document.title}"' if document.title else ""
            return text_block(f"<document{title}>\n{document.text}\n</document>")
        source = {"type": "text", "media_type": "text/plain", "data": document.text}
    elif not target.quirks.documents:
        raise Inexpressible("documents", f"{target.name} takes no documents but plain text.")
    elif document.data is not None:
        source = {"type": "base64", "media_type": document.media_type, "data": document.data}
    elif document.url is not None:
        source = {"type": "url", "url": document.url}
    else:
        raise Inexpressible("documents", "A document without data and without address can't be sent on.")
    return {"type": "document", "source": source, **({"title": document.title} if document.title else {})}


def _thinking(part: Thinking, target: Target) -> Block | None:
    """Thinking goes back only to the model that wrote it, with its own signature."""
    opaque = part.redacted if part.redacted is not None else part.signature
    writer, genuine = thinking.unmark(opaque)
    if not genuine:
        return None
    if writer is None and part.id is not None:  # a Responses item that no answer of Tenbin's put there
        return None
    if writer is not None and not thinking.same_model(writer, target.model):
        return None
    if part.redacted is not None and part.signature is None and not part.text:
        return {"type": "redacted_thinking", "data": genuine}
    return {"type": "thinking", "thinking": part.text, "signature": genuine}


def _tool_result(result: ToolResult, target: Target) -> Block:
    written = [inner for part in result.content if (inner := written_part(part, target)) is not None]
    block: Block = {"type": "tool_result", "tool_use_id": result.call_id}
    if written:
        block["content"] = written
    if result.is_error:
        block["is_error"] = True
        if not written:
            block["content"] = "The tool failed and said nothing."
    return block


def _opaque(part: Opaque, target: Target) -> Block:
    if part.dialect == "anthropic" and target.quirks.safeguards and isinstance(part.value, dict):
        return dict(part.value)
    raise Inexpressible(part.kind, f"{target.name} can't be given a block of type {part.kind}.")

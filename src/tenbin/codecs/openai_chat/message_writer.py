"""Stage 2, turns become Chat Completions messages, in the order and the forms that providers insist on."""

from collections.abc import Iterable, Sequence
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
from tenbin.codecs.thinking import same_model, unmark
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

DIALECT = "openai_chat"

Message = dict[str, Any]


def messages(conversation: Conversation, target: Target, instructions: str | None = None) -> list[Message]:
    """All messages, system first; ``instructions`` are words of Tenbin's own that end the system message.

    Raises Inexpressible for images, documents and blocks that the target can't be given.
    """
    written: list[Message] = []
    quirks = target.quirks
    system = [*conversation.system, *([Text(text=instructions)] if instructions else ())]
    turns = conversation.turns
    if system:
        written.append({"role": quirks.system_role, "content": _system_content(system, target)})
    results = results_by_turn(turns, DIALECT)
    moved: list[Part] = []
    for index, turn in enumerate(turns):
        if turn.role == "assistant":
            _flush(written, moved, target)
            message = _assistant(turn, target)
            if message is not None:
                written.append(message)
            for part in turn.parts:
                for result in results.get(index, {}).pop(call_id(part, DIALECT) or "", ()):
                    name = part.name if isinstance(part, ToolCall) else "the tool"
                    written.append(_tool_message(result, name, moved, target))
        elif turn.role == "user":
            parts: list[Part] = [part for part in turn.parts if not isinstance(part, ToolResult)]
            parts = [*moved, *parts]
            moved.clear()
            if parts or not turn.parts:
                written.append({"role": "user", "content": _content(parts, target)})
        else:
            _flush(written, moved, target)
            written.append(_middle_system(turn, target))
    _flush(written, moved, target)
    return written if quirks.middle_system else _merged_users(written)


def _flush(written: list[Message], moved: list[Part], target: Target) -> None:
    """Puts pictures that came out of tool results into a user message, after all the tool messages."""
    if moved:
        written.append({"role": "user", "content": _content(moved, target)})
        moved.clear()


def _merged_users(written: list[Message]) -> list[Message]:
    """User messages that follow each other as one: templates without system turns often want strict alternation."""
    merged: list[Message] = []
    for message in written:
        last = merged[-1] if merged else None
        if last is None or last["role"] != "user" or message["role"] != "user":
            merged.append(message)
            continue
        before, after = last["content"], message["content"]
        if isinstance(before, str) and isinstance(after, str):
            merged[-1] = {"role": "user", "content": f"{before}\n\n{after}" if before and after else before or after}
        else:
            merged[-1] = {"role": "user", "content": [*_as_parts(before), *_as_parts(after)]}
    return merged


def _as_parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _system_content(parts: Sequence[Part], target: Target) -> Any:
    system_words(parts, target)
    return _content(parts, target)


def _middle_system(turn: Turn, target: Target) -> Message:
    if target.quirks.middle_system:
        return {"role": target.quirks.system_role, "content": _system_content(turn.parts, target)}
    return {"role": "user", "content": reminder(system_words(turn.parts, target))}


def _content(parts: Iterable[Part], target: Target) -> Any:
    """A string when there is only text, which every provider takes; else a list of parts."""
    written = [_part(part, target) for part in parts]
    if all(part["type"] == "text" and "cache_control" not in part for part in written):
        return "\n\n".join(part["text"] for part in written)
    return written


def _part(part: Part, target: Target) -> Message:
    written = _plain_part(part, target)
    if part.cache is not None and target.quirks.cache_control:
        written = {**written, "cache_control": cache_control(part.cache)}
    return written


def cache_control(life: str) -> dict[str, str]:
    """Anthropic's mark, as OpenRouter and LiteLLM pass it on."""
    return {"type": "ephemeral", "ttl": "1h"} if life == "1h" else {"type": "ephemeral"}


def _plain_part(part: Part, target: Target) -> Message:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        return _image(part, target)
    if isinstance(part, Document):
        return _document(part, target)
    if isinstance(part, ToolReference):
        return {"type": "text", "text": f"The tool {fitted(part.tool_name)} is now available."}
    if isinstance(part, Opaque):
        if part.dialect == DIALECT and isinstance(part.value, dict) and "type" in part.value:
            return part.value
        raise Inexpressible(part.kind, f"{target.name} can't be given a block of type {part.kind}.")
    return {"type": "text", "text": ""}


def _image(image: Image, target: Target) -> Message:
    if not target.quirks.images:
        raise Inexpressible("images", f"{target.name} takes no images.")
    url = image.url if image.data is None else f"data:{image.media_type or 'image/png'};base64,{image.data}"
    if url is None:
        raise Inexpressible("images", "An image without data and without address can't be sent on.")
    return {"type": "image_url", "image_url": {"url": url} | ({"detail": image.detail} if image.detail else {})}


def _document(document: Document, target: Target) -> Message:
    if document.text is not None:
        return {"type": "text", "text": document_words(document)}
    if not target.quirks.documents:
        raise Inexpressible("documents", f"{target.name} takes no documents but plain text.")
    if document.data is None:
        raise Inexpressible("documents", f"{target.name} takes documents as data only, not by address.")
    name = document.title or "document.pdf"
    data = f"data:{document.media_type};base64,{document.data}"
    return {"type": "file", "file": {"filename": name, "file_data": data}}


def _assistant(turn: Turn, target: Target) -> Message | None:
    """Text and calls of an assistant turn; None for one of which nothing can be said here.

    Blocks of a provider's own doings (its web search and the like) are left out: what the model made of them stands
    in its text.
    """
    text, thoughts = "", []
    apart = False
    calls: list[Message] = []
    for part in turn.parts:
        if isinstance(part, Text):
            # Adjacent blocks are one text cut in pieces (by citations); others stood apart on the screen.
            text += f"\n\n{part.text}" if apart and text else part.text
            apart = False
            continue
        apart = True
        if isinstance(part, ToolCall):
            calls.append(_tool_call(part, target))
        elif isinstance(part, Opaque) and part.dialect == DIALECT:
            calls.append(part.value)
        elif isinstance(part, Thinking) and part.text and _goes_back(part, target):
            thoughts.append(part.text)
    message: Message = {"role": "assistant", "content": text or None}
    if thoughts:
        message[target.quirks.reasoning_answer[0]] = "\n\n".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    elif not text:
        if not thoughts:
            return None
        message["content"] = ""
    return message


def _goes_back(part: Thinking, target: Target) -> bool:
    """Whether this thinking goes back: only where it is wanted, and only to the model that wrote it."""
    if not target.quirks.reasoning_back:
        return False
    if part.signature is None and part.redacted is None:
        return True
    return same_model(unmark(part.signature)[0], target.model)


def _tool_call(call: ToolCall, target: Target) -> Message:
    function = {"name": fitted(call.name), "arguments": call.arguments or "{}"}
    return {"id": fitted_id(call.id, target.quirks.tool_id_limit), "type": "function", "function": function}


def _tool_message(result: ToolResult, name: str, moved: list[Part], target: Target) -> Message:
    """A tool message. What it can't hold (pictures, files) is added to ``moved``, with words on where it belongs."""
    kept, taken = split_attachments(result, target)
    fitting_id = fitted_id(result.call_id, target.quirks.tool_id_limit)
    if taken:
        moved += [Text(text=f"Attachments of the result of {fitted(name)} (call {fitting_id}):"), *taken]
    if result.is_error:
        kept = as_error(kept)
    written = _content(kept, target)
    if isinstance(written, str) and result.cache is not None and target.quirks.cache_control:
        written = [{"type": "text", "text": written, "cache_control": cache_control(result.cache)}]
    return {"role": "tool", "tool_call_id": fitting_id, "content": written}

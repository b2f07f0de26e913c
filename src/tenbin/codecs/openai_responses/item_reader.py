"""Stage 2, the input items of a Responses request become turns."""

from typing import Any, TypeVar

import msgspec

from tenbin.codecs.openai_fields import document, fault, get, image, objects, optional
from tenbin.codecs.openai_responses import reasoning
from tenbin.core.conversation import (
    Document,
    Image,
    Opaque,
    Part,
    Role,
    Text,
    ToolCall,
    ToolReference,
    ToolResult,
    Turn,
)

DIALECT = "openai_responses"

Marked = TypeVar("Marked", Text, Image, Document)

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_NOT_CARRIED = frozenset({"compaction", "compaction_trigger", "configuration_update", "additional_tools"})
"""Items that mean something to OpenAI alone, and without which the conversation would be another one."""


def read(items: list[Any] | None) -> tuple[tuple[Part, ...], tuple[Turn, ...]]:
    """System parts from the head, and the turns: what the model said and did in one go is one turn, and so are tool
    results that follow each other. Raises Unreadable.
    """
    system: list[Part] = []
    turns: list[Turn] = []
    role: Role | None = None
    parts: list[Part] = []
    results = False
    for index, item in enumerate(objects(items or [], "input")):
        where = f"input[{index}]"
        item_role, item_parts, is_result = _item(item, where)
        if item_role == "system" and not turns and not parts:
            system += item_parts
            continue
        together = item_role == "assistant" or (is_result and results)
        if role is not None and (item_role != role or not together):
            turns.append(Turn(role=role, parts=tuple(parts)))
            parts = []
        role, results = item_role, is_result
        parts += item_parts
    if role is not None:
        turns.append(Turn(role=role, parts=tuple(parts)))
    return tuple(system), tuple(turns)


def _item(item: dict[str, Any], where: str) -> tuple[Role, list[Part], bool]:
    """Whose turn an item belongs to, its parts, and whether it is a tool's result."""
    kind = optional(item, "type", str, where)
    if kind is None and "role" not in item:
        raise fault(f"{where}.type", "is missing. Give the item's type, such as message or function_call_output.")
    if kind in (None, "message"):
        role = _ROLES.get(get(item, "role", str, where))
        if role is None:
            raise fault(f"{where}.role", "must be user, assistant, system or developer.")
        return role, list(_content(item.get("content"), f"{where}.content")), False
    if kind == "function_call":
        call = ToolCall(
            id=get(item, "call_id", str, where),
            name=get(item, "name", str, where),
            arguments=optional(item, "arguments", str, where) or "{}",
        )
        return "assistant", [call], False
    if kind == "function_call_output":
        return "user", [_result(item, where)], True
    if kind == "reasoning":
        return "assistant", [_reasoning(item, where)], False
    if kind == "item_reference":
        raise fault(
            where,
            "refers to an item that is stored at its provider, which this model's provider can't see. Send the item "
            "itself (with store: false).",
        )
    if kind in _NOT_CARRIED:
        raise fault(where, f"of type {kind} can't be carried to this model's provider. Send plain messages instead.")
    value = Opaque(dialect=DIALECT, kind=str(kind), value=item)
    is_result = str(kind).endswith("_output")
    return ("user" if is_result else "assistant"), [value], is_result


def _content(content: Any, where: str) -> tuple[Text | Image | Document | Opaque, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(text=content),)
    if not isinstance(content, list):
        raise fault(where, "must be a string or a list of parts.")
    return tuple(_part(part, f"{where}[{index}]") for index, part in enumerate(objects(content, where)))


def _part(part: dict[str, Any], where: str) -> Text | Image | Document | Opaque:
    kind = get(part, "type", str, where)
    if kind in ("input_text", "output_text", "text", "summary_text", "reasoning_text"):
        return _marked(Text(text=get(part, "text", str, where)), part)
    if kind == "refusal":
        return Text(text=get(part, "refusal", str, where))
    if kind == "input_image":
        url = optional(part, "image_url", str, where)
        if url is None:
            raise _stored_file(f"{where}.image_url", "an http(s) address or a data URI in image_url")
        return _marked(image(url, optional(part, "detail", str, where), f"{where}.image_url"), part)
    if kind == "input_file":
        url = optional(part, "file_url", str, where)
        title = optional(part, "filename", str, where)
        if url is not None:
            return Document(url=url, title=title)
        data = optional(part, "file_data", str, where)
        if data is None:
            raise _stored_file(f"{where}.file_data", "a data URI in file_data")
        return _marked(document(data, title, f"{where}.file_data"), part)
    return Opaque(dialect=DIALECT, kind=kind, value=part)


def _marked(read_part: Marked, part: dict[str, Any]) -> Marked:
    """The part with its prompt-cache breakpoint, whose longer life is 12 hours."""
    breakpoint_ = part.get("prompt_cache_breakpoint")
    if not isinstance(breakpoint_, dict):
        return read_part
    return msgspec.structs.replace(read_part, cache="1h" if breakpoint_.get("ttl") == "12h" else "5m")


def _stored_file(where: str, fix: str) -> Exception:
    return fault(
        where,
        f"is missing. Files that lie at a provider (file_id) can't be sent to another; give the content as {fix}.",
    )


def _result(item: dict[str, Any], where: str) -> ToolResult:
    content: list[Text | Image | Document | ToolReference | Opaque] = []
    content += _content(item.get("output"), f"{where}.output")
    return ToolResult(call_id=get(item, "call_id", str, where), content=tuple(content))


def _reasoning(item: dict[str, Any], where: str) -> Part:
    summary = optional(item, "summary", list, where) or []
    content = optional(item, "content", list, where) or []
    encrypted = optional(item, "encrypted_content", str, where)
    return reasoning.thinking(optional(item, "id", str, where), reasoning.text_of(summary, content), encrypted)

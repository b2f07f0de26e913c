"""Stage 2, what Anthropic alone understands, taken out of a request that passes through to somebody who copies its
dialect: safeguards and tags, the billing pseudo-header, tools that are loaded later and references to them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.anthropic_messages.request_reader import BILLING_HEADER, PLACEHOLDER_TOOL, without_billing_header

_FIELDS = ("safeguards", "tags")
"""Of a request: the former tells of the user's machine, either is refused by others."""

_BILLING_HEADER = BILLING_HEADER.encode()
_PLACEHOLDER = PLACEHOLDER_TOOL.encode()
_DEFERRED = b'"defer_loading"'
_REFERENCE = b'"tool_reference"'

_any_decoder = msgspec.json.Decoder()
_raw_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def without_extensions(fields: Mapping[str, msgspec.Raw], messages: bytes | None) -> dict[str, bytes | None]:
    """What changes at the top of a body of these fields, for somebody who is not Anthropic; ``messages`` are those that
    go out, if they are not the body's own.
    """
    changes: dict[str, bytes | None] = {name: None for name in _FIELDS if name in fields}
    system = bytes(fields.get("system", b""))
    if _BILLING_HEADER in system:
        changes["system"] = _without_billing_header(system)
    tools = bytes(fields.get("tools", b""))
    # The messages, nearly all of a large body, are searched only where tools are loaded later.
    return (
        changes | without_deferred_tools(fields, messages) if _PLACEHOLDER in tools or _DEFERRED in tools else changes
    )


def without_deferred_tools(fields: Mapping[str, msgspec.Raw], messages: bytes | None) -> dict[str, bytes | None]:
    """The same, for a model that takes no tools that are loaded later."""
    changes: dict[str, bytes | None] = {}
    tools = bytes(fields.get("tools", b""))
    messages = bytes(fields["messages"]) if messages is None else messages
    if _PLACEHOLDER in tools or _DEFERRED in tools:
        changes["tools"] = _offered(tools, messages)
    if _REFERENCE in messages:
        changes["messages"] = _in_messages(messages)
    return changes


def _without_billing_header(system: bytes) -> bytes | None:
    """The system prompt without the pseudo-header; None when nothing is left of it."""
    if system[:1] == b'"':
        text = _decoded(system)
        kept = without_billing_header(text)
        return system if kept is text else None if kept is None else msgspec.json.encode(kept)
    if system[:1] != b"[":
        return system
    blocks = splice.items(system)
    changes: dict[int, bytes | None] = {}
    for index, raw in enumerate(blocks):
        block = _decoded(bytes(raw)) if _BILLING_HEADER in bytes(raw) else None
        text = block.get("text") if isinstance(block, dict) else None
        if not isinstance(text, str):
            continue
        kept = without_billing_header(text)
        if kept is None:
            changes[index] = None
        elif kept is not text:
            changes[index] = splice.splice(bytes(raw), {"text": msgspec.json.encode(kept)})
    if len(blocks) == sum(changed is None for changed in changes.values()):
        return None
    return splice.splice_items(system, changes) if changes else system


def _offered(tools: bytes, messages: bytes) -> bytes | None:
    """The tools without Claude Code's placeholder, which is never to be called, and without those that no tool search
    has found yet; where there is no search tool, nothing could find one, so all are shown. None when none is left.
    """
    if tools[:1] != b"[":
        return tools
    raws = splice.items(tools)
    values = [_decoded(bytes(raw)) for raw in raws]
    names = [str(value.get("name", "")) if isinstance(value, dict) else "" for value in values]
    searched = any(name.lower().replace("_", "").startswith("toolsearch") for name in names)
    found = _found(messages) if searched else set(names)
    changes: dict[int, bytes | None] = {}
    for index, (raw, value, name) in enumerate(zip(raws, values, names, strict=True)):
        if name == PLACEHOLDER_TOOL:
            changes[index] = None
        elif isinstance(value, dict) and "defer_loading" in value:
            hidden = value["defer_loading"] is True and name not in found
            changes[index] = None if hidden else splice.splice(bytes(raw), {"defer_loading": None})
    if len(raws) == sum(changed is None for changed in changes.values()):
        return None
    return splice.splice_items(tools, changes) if changes else tools


def _found(messages: bytes) -> set[str]:
    """Names of the tools that the conversation has called or found."""
    found: set[str] = set()
    pending: list[Any] = [_decoded(messages)]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        elif isinstance(value, dict):
            if value.get("type") == "tool_use":
                found.add(str(value.get("name")))
            elif value.get("type") == "tool_reference":
                found.add(str(value.get("tool_name")))
            else:
                pending.append(value.get("content"))
    return found


def _in_messages(messages: bytes) -> bytes:
    """The messages with references to tools in words: those in a message, and those in a tool's result in it."""
    return _in_items(messages, lambda message: _in_content(message, _block_in_words))


def _block_in_words(block: bytes) -> bytes:
    return _in_content(block, _reference_in_words) if _kind(block) == "tool_result" else _reference_in_words(block)


def _reference_in_words(block: bytes) -> bytes:
    if _kind(block) != "tool_reference":
        return block
    name = _decoded(block).get("tool_name")
    return msgspec.json.encode({"type": "text", "text": f"The tool {name} is now available."})


def _kind(block: bytes) -> Any:
    value = _decoded(block)
    return value.get("type") if isinstance(value, dict) else None


def _in_content(holder: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A message or a tool's result with each block of its content changed."""
    try:
        content = bytes(_raw_decoder.decode(holder).get("content", b""))
    except (msgspec.DecodeError, RecursionError):
        return holder
    if content[:1] != b"[" or _REFERENCE not in content:
        return holder
    return splice.splice(holder, {"content": _in_items(content, change)})


def _in_items(array: bytes, change: Callable[[bytes], bytes]) -> bytes:
    if array[:1] != b"[":
        return array
    changes: dict[int, bytes | None] = {
        index: change(bytes(raw)) for index, raw in enumerate(splice.items(array)) if _REFERENCE in bytes(raw)
    }
    return splice.splice_items(array, changes)


def _decoded(raw: bytes) -> Any:
    """The value; an empty text for what the provider will refuse anyway."""
    try:
        return _any_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""

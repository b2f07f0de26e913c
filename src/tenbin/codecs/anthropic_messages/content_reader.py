"""Stage 2, the content of a message is read: a text, or a list of blocks, each by its type."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import msgspec

from tenbin.codecs.anthropic_messages.typed import expect, wrong
from tenbin.core.conversation import (
    Document,
    Image,
    Opaque,
    Part,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolReference,
    ToolResult,
)

DIALECT = "anthropic"
_NULL = msgspec.Raw(b"null")


class _Kind(msgspec.Struct):
    type: str


class _Marked(msgspec.Struct, kw_only=True):
    cache_control: dict[str, Any] | None = None


class _Text(_Marked, kw_only=True):
    text: str


class _Image(_Marked, kw_only=True):
    source: msgspec.Raw


class _Document(_Marked, kw_only=True):
    source: msgspec.Raw
    title: str | None = None
    context: str | None = None


class _SearchResult(_Marked, kw_only=True):
    content: msgspec.Raw
    source: str = ""
    title: str = ""


class _Thinking(msgspec.Struct):
    thinking: str
    signature: str | None = None


class _RedactedThinking(msgspec.Struct):
    data: str


class _ToolUse(_Marked, kw_only=True):
    id: str
    name: str
    input: msgspec.Raw


class _ToolResult(_Marked, kw_only=True):
    tool_use_id: str
    content: msgspec.Raw = _NULL
    is_error: bool | None = None


class _ToolReference(_Marked, kw_only=True):
    tool_name: str


class _Source(msgspec.Struct):
    """Where an image or document is."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    content: msgspec.Raw = _NULL


_T = TypeVar("_T")
_kind_decoder = msgspec.json.Decoder(_Kind)
_blocks_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)
_any_decoder = msgspec.json.Decoder()
_source_decoder = msgspec.json.Decoder(_Source)
_decoders: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind)
    for kind in (
        _Text,
        _Image,
        _Document,
        _SearchResult,
        _Thinking,
        _RedactedThinking,
        _ToolUse,
        _ToolResult,
        _ToolReference,
    )
}


def ttl(cache_control: dict[str, Any] | None) -> Literal["5m", "1h"] | None:
    """How long a ``cache_control`` mark asks to keep; five minutes when it does not say."""
    if cache_control is None:
        return None
    return "1h" if cache_control.get("ttl") == "1h" else "5m"


def read_content(content: bytes, path: str, role: Role, *, in_result: bool = False) -> tuple[Part, ...]:
    """The parts of a message's content, or of a tool result's. Raises Unreadable with the path of what is wrong."""
    if content[:1] == b'"':
        text = _decode(_text_decoder, content, path)
        return (Text(text=text),)
    if content[:1] != b"[":
        raise expect(path, "must be a string or a list of blocks", "Send the message's words as one of these")
    parts: list[Part] = []
    blocks: list[msgspec.Raw] = _decode(_blocks_decoder, content, path)
    for index, raw in enumerate(blocks):
        block_path = f"{path}[{index}]"
        kind = _decode(_kind_decoder, raw, block_path).type
        if in_result and kind in _ONLY_IN:  # said before going deeper: nothing nests without end
            raise expect(block_path, f"a {kind} block may not stand in a tool result", "Use text, image or document")
        read = _READERS.get(kind)
        if read is None or (kind in _ONLY_IN and _ONLY_IN[kind] != role):
            if kind in _ONLY_IN:
                fix = f"It may stand only in messages of role {_ONLY_IN[kind]}"
                raise expect(block_path, f"is a {kind} block in a message of role {role}", fix)
            parts.append(_opaque(raw, kind))
            continue
        parts.append(read(bytes(raw), block_path))
    return tuple(parts)


def read_texts(content: bytes, path: str) -> tuple[Text, ...]:
    """A system prompt: a string, or a list of text blocks."""
    parts = read_content(content, path, "system")
    for index, part in enumerate(parts):
        if not isinstance(part, Text):
            raise expect(f"{path}[{index}]", "is not a text block", "A system prompt holds text only")
    return tuple(part for part in parts if isinstance(part, Text))


def _only_text(content: bytes, path: str) -> str | None:
    """The words of a string or of text blocks, joined; None when there is anything but text."""
    if content[:1] == b'"':
        return _decode(_text_decoder, content, path)
    blocks: list[msgspec.Raw] = _decode(_blocks_decoder, content, path)
    if any(_decode(_kind_decoder, raw, f"{path}[{index}]").type != "text" for index, raw in enumerate(blocks)):
        return None
    texts = [_block(_Text, bytes(raw), f"{path}[{index}]").text for index, raw in enumerate(blocks)]
    return "\n\n".join(texts)


def _opaque(raw: msgspec.Raw, kind: str) -> Opaque:
    return Opaque(dialect=DIALECT, kind=kind, value=_any_decoder.decode(raw))


def _read_text(raw: bytes, path: str) -> Part:
    block = _block(_Text, raw, path)
    return Text(text=block.text, cache=ttl(block.cache_control))


def _read_image(raw: bytes, path: str) -> Part:
    block = _block(_Image, raw, path)
    source = _read_source(block.source, f"{path}.source")
    cache = ttl(block.cache_control)
    match source.type:
        case "base64":
            media_type, data = _base64(source, f"{path}.source")
            return Image(media_type=media_type, data=data, cache=cache)
        case "url":
            return Image(url=_needed(source.url, f"{path}.source.url"), cache=cache)
        case _:
            return _opaque(msgspec.Raw(raw), "image")


def _read_document(raw: bytes, path: str) -> Part:
    block = _block(_Document, raw, path)
    source = _read_source(block.source, f"{path}.source")
    title, cache = block.title, ttl(block.cache_control)
    match source.type:
        case "base64":
            media_type, data = _base64(source, f"{path}.source")
            return Document(media_type=media_type, data=data, title=title, cache=cache)
        case "text":
            text = _needed(source.data, f"{path}.source.data")
            return Document(media_type=source.media_type or "text/plain", text=text, title=title, cache=cache)
        case "url":
            return Document(url=_needed(source.url, f"{path}.source.url"), title=title, cache=cache)
        case "content":
            words = _only_text(bytes(source.content), f"{path}.source.content")
            if words is not None:
                return Document(media_type="text/plain", text=words, title=title, cache=cache)
    return _opaque(msgspec.Raw(raw), "document")


def _read_search_result(raw: bytes, path: str) -> Part:
    block = _block(_SearchResult, raw, path)
    text = _only_text(bytes(block.content), f"{path}.content")
    if text is None:
        return _opaque(msgspec.Raw(raw), "search_result")
    heading = " ".join(filter(None, (block.title, f"({block.source})" if block.source else "")))
    return Text(text=f"{heading}\n\n{text}" if heading else text, cache=ttl(block.cache_control))


def _read_thinking(raw: bytes, path: str) -> Part:
    block = _block(_Thinking, raw, path)
    return Thinking(text=block.thinking, signature=block.signature or None)


def _read_redacted_thinking(raw: bytes, path: str) -> Part:
    return Thinking(redacted=_block(_RedactedThinking, raw, path).data)


def _read_tool_use(raw: bytes, path: str) -> Part:
    block = _block(_ToolUse, raw, path)
    arguments = bytes(block.input)
    if arguments[:1] != b"{":
        raise expect(f"{path}.input", "must be an object", "Send the tool's arguments as a JSON object")
    return ToolCall(id=block.id, name=block.name, arguments=arguments.decode(), cache=ttl(block.cache_control))


def _read_tool_result(raw: bytes, path: str) -> Part:
    block = _block(_ToolResult, raw, path)
    parts: tuple[Part, ...] = ()
    if bytes(block.content) != b"null":
        parts = read_content(bytes(block.content), f"{path}.content", "user", in_result=True)
    content = tuple(part for part in parts if isinstance(part, Text | Image | Document | ToolReference | Opaque))
    cache = ttl(block.cache_control)
    return ToolResult(call_id=block.tool_use_id, content=content, is_error=bool(block.is_error), cache=cache)


def _read_tool_reference(raw: bytes, path: str) -> Part:
    block = _block(_ToolReference, raw, path)
    return ToolReference(tool_name=block.tool_name, cache=ttl(block.cache_control))


_READERS: dict[str, Callable[[bytes, str], Part]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
    "search_result": _read_search_result,
    "thinking": _read_thinking,
    "redacted_thinking": _read_redacted_thinking,
    "tool_use": _read_tool_use,
    "tool_result": _read_tool_result,
    "tool_reference": _read_tool_reference,
}

_ONLY_IN: dict[str, Role] = {
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "tool_use": "assistant",
    "tool_result": "user",
}
"""Blocks that may stand only in one role's messages."""


def _read_source(raw: msgspec.Raw, path: str) -> _Source:
    return _decode(_source_decoder, raw, path)


def _base64(source: _Source, path: str) -> tuple[str, str]:
    return _needed(source.media_type, f"{path}.media_type"), _needed(source.data, f"{path}.data")


def _needed(value: str | None, path: str) -> str:
    if value is None:
        raise expect(path, "is missing", "Add this field")
    return value


def _block(kind: type[_T], raw: bytes, path: str) -> _T:
    block: _T = _decode(_decoders[kind], raw, path)
    return block


def _decode(decoder: msgspec.json.Decoder[_T], raw: bytes | msgspec.Raw, path: str) -> _T:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise wrong(error, path) from error

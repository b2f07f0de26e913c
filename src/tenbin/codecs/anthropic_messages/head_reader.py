"""Stage 2, the few facts of a Messages request that it is judged by, read without decoding its messages.

On the hot path of every request: one typed decode that skips over messages, system and tools, and searches in bytes.
"""

import re
from typing import Any

import msgspec

from tenbin.codecs.splice import check_utf8, fields
from tenbin.core.ask import Head, Need, Operation
from tenbin.core.problems import Unreadable, invalid

_NOTHING = msgspec.Raw(b"null")


class _Head(msgspec.Struct, gc=False):
    model: str
    messages: msgspec.Raw
    max_tokens: int | None = None
    stream: bool | None = None
    system: msgspec.Raw = _NOTHING
    tools: msgspec.Raw = _NOTHING
    tool_choice: msgspec.Raw = _NOTHING
    metadata: msgspec.Raw = _NOTHING
    output_config: msgspec.Raw = _NOTHING
    output_format: msgspec.Raw = _NOTHING


_head_decoder = msgspec.json.Decoder(_Head)
_any_decoder = msgspec.json.Decoder()
_IMAGE = re.compile(rb'"type"\s*:\s*"image"')
_DOCUMENT = re.compile(rb'"type"\s*:\s*"document"')
_WEB_SEARCH = re.compile(rb'"type"\s*:\s*"web_search_')
_OLD_SESSION = re.compile(r"_session_([0-9A-Za-z-]+)$")
_LAST_MESSAGE = 4096
"""Bytes at the end of the messages in which the last cache mark is looked for."""
_MOST_TOKENS = 10_000_000
_KINDS = {b'"': "a string", b"{": "an object", b"[": "a list", b"t": "true", b"f": "false", b"n": "null"}


def read_head(body: bytes, operation: Operation = "generate") -> Head:
    """The head of a request. Raises Unreadable, naming the field and the fix. Counting tokens needs no max_tokens."""
    check_utf8(body)
    try:
        head = _head_decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise _explain(body, operation) from None
    if not head.model or (head.max_tokens is None and operation == "generate"):
        raise _explain(body, operation)
    if head.max_tokens is not None and not 0 <= head.max_tokens <= _MOST_TOKENS:
        raise _explain(body, operation)
    messages = bytes(head.messages)
    if messages[:1] != b"[":
        raise _explain(body, operation)
    tools = bytes(head.tools)
    return Head(
        model=head.model,
        stream=bool(head.stream),
        max_tokens=head.max_tokens,
        needs=_needs(head, messages, tools),
        session=_session(head.metadata),
        # Marks stand on the system prompt and on the last message: no need to look at the rest.
        cache_1h=b'"1h"' in bytes(head.system) or b'"1h"' in messages[-_LAST_MESSAGE:],
    )


_NO_NEEDS: frozenset[Need] = frozenset()
_TOOLS_ONLY: frozenset[Need] = frozenset({"tools"})


def _needs(head: _Head, messages: bytes, tools: bytes) -> frozenset[Need]:
    needs: set[Need] = set()
    if len(tools) > 2 and tools[:1] == b"[":
        if b'"web_search_' in tools and _WEB_SEARCH.search(tools):
            needs.add("web_search")
        # A client's own tool has a schema; without one and without a web search it is another built-in tool.
        if "web_search" not in needs or b'"input_schema"' in tools:
            needs.add("tools")
        choice = bytes(head.tool_choice)
        if b'"any"' in choice or b'"tool"' in choice:
            needs.add("forced_tool_choice")
    if b'"source"' in messages:  # both images and documents have one, and one search is cheaper than two
        if _IMAGE.search(messages):
            needs.add("images")
        if _DOCUMENT.search(messages):
            needs.add("documents")
    if b'"json_schema"' in bytes(head.output_config) or b'"json_schema"' in bytes(head.output_format):
        needs.add("json_schema")
    if not needs:
        return _NO_NEEDS
    return _TOOLS_ONLY if needs == _TOOLS_ONLY else frozenset(needs)


def _session(metadata: msgspec.Raw) -> str | None:
    return session_of(user_of(bytes(metadata)))


def user_of(metadata: bytes) -> str | None:
    """``user_id`` of the metadata, where it is a text."""
    if b'"user_id"' not in metadata:
        return None
    decoded = _any_decoder.decode(metadata)
    user = decoded.get("user_id") if isinstance(decoded, dict) else None
    return user if isinstance(user, str) else None


def session_of(user: str | None) -> str | None:
    """The conversation's id in a ``user_id`` of Claude Code: JSON that holds ``session_id``, before
    ``user_..._session_ID``; None in any other.
    """
    if user is None:
        return None
    if user.startswith("{"):
        try:
            decoded: Any = _any_decoder.decode(user.encode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError):
            return None
        session = decoded.get("session_id")
        return session if isinstance(session, str) and session else None
    old = _OLD_SESSION.search(user)
    return old.group(1) if old is not None else None


def _explain(body: bytes, operation: Operation) -> Unreadable:
    """What is wrong with a head that could not be read: off the hot path, field by field."""
    try:
        values = {key: bytes(value) for key, value in fields(body).items()}
    except Unreadable as error:
        return error
    model, messages = values.get("model"), values.get("messages")
    if model is None:
        return _wrong("model", 'is missing. Name a model, e.g. "model": "claude-sonnet-5-5".')
    if model[:1] != b'"' or model == b'""':
        return _wrong("model", f"must be a string that names a model, not {_kind(model)}.")
    if messages is None:
        return _wrong("messages", "is missing. Send the conversation as a list of messages.")
    if messages[:1] != b"[":
        return _wrong("messages", f"must be a list of messages, not {_kind(messages)}.")
    stream = values.get("stream", b"null")
    if stream not in (b"true", b"false", b"null"):
        return _wrong("stream", f"must be true or false, not {_kind(stream)}.")
    most = values.get("max_tokens", b"null")
    if most == b"null" and operation == "generate":
        return _wrong("max_tokens", 'is missing. Say how long the answer may be at most, e.g. "max_tokens": 4096.')
    return _wrong(
        "max_tokens",
        f"must be a whole number of tokens from 1 to {_MOST_TOKENS} (0 only warms the cache), not {_kind(most)}.",
    )


def _wrong(field: str, words: str) -> Unreadable:
    return Unreadable(invalid(f"{field}: {words}", param=field))


def _kind(value: bytes) -> str:
    """What a raw JSON value is, in words."""
    if value == b'""':
        return "an empty string"
    return _KINDS.get(value[:1]) or value[:40].decode("ascii", "replace")

"""Stage 2, the few facts of a Messages request that it is judged by, read without decoding its words.

On the hot path of every request: one typed decode that skips over all but the kinds of blocks and tools. Searching the
body's bytes for each fact would take longer than the decode (0.5 to 1 ns a byte and search).
"""

import re
from typing import Any, Literal

import msgspec

from tenbin.codecs.escapes import unescaped, whole_number, word
from tenbin.codecs.splice import check_utf8, fields
from tenbin.codecs.thinking import MARK, is_marked
from tenbin.core.ask import Head, Need, Operation
from tenbin.core.budget import PLAIN, UNSTATED_SEARCHES, Dearness
from tenbin.core.problems import Unreadable, invalid

_NOTHING = msgspec.Raw(b"null")


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    content: msgspec.Raw = _NOTHING
    signature: str = ""
    data: str = ""
    cache_control: msgspec.Raw = _NOTHING


class _Message(msgspec.Struct, gc=False):
    content: str | list[_Block] = ""
    role: Literal["user", "assistant", "system"] = "user"


class _Tool(msgspec.Struct, gc=False):
    type: str | None = None
    cache_control: msgspec.Raw = _NOTHING
    max_uses: msgspec.Raw = _NOTHING


class _Fields(msgspec.Struct, gc=False, kw_only=True):
    model: str
    max_tokens: int | None = None
    stream: bool | None = None
    system: msgspec.Raw = _NOTHING
    tool_choice: msgspec.Raw = _NOTHING
    metadata: msgspec.Raw = _NOTHING
    output_config: msgspec.Raw = _NOTHING
    output_format: msgspec.Raw = _NOTHING
    cache_control: msgspec.Raw = _NOTHING
    speed: msgspec.Raw = _NOTHING
    inference_geo: msgspec.Raw = _NOTHING
    mcp_servers: msgspec.Raw = _NOTHING
    thinking: msgspec.Raw = _NOTHING


class _Head(_Fields, gc=False, kw_only=True):
    messages: list[_Message]
    tools: list[_Tool] | None = None


class _LooseHead(_Fields, gc=False, kw_only=True):
    """For a request whose messages or tools are of a shape unknown here: to say so is the provider's part."""

    messages: msgspec.Raw
    tools: msgspec.Raw = _NOTHING


_head_decoder = msgspec.json.Decoder(_Head)
_loose_decoder = msgspec.json.Decoder(_LooseHead)
_blocks_decoder = msgspec.json.Decoder(list[_Block])
_any_decoder = msgspec.json.Decoder()
_OLD_SESSION = re.compile(r"_session_([0-9A-Za-z-]+)$")
_HOUR = b'"1h"'
_MOST_TOKENS = 10_000_000
_MOST_USES = 100_000
_KINDS = {b'"': "a string", b"{": "an object", b"[": "a list", b"t": "true", b"f": "false", b"n": "null"}


def read_head(body: bytes, operation: Operation = "generate") -> Head:
    """The head of a request. Raises Unreadable, naming the field and the fix. Counting tokens needs no max_tokens."""
    check_utf8(body)
    head: _Head | _LooseHead
    try:
        head = _head_decoder.decode(body)
        needs, marked, hour = _needs(head)
    except msgspec.ValidationError:
        try:
            head = _loose_decoder.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            raise _explain(body, operation) from None
        if bytes(head.messages)[:1] != b"[":
            raise _explain(body, operation) from None
        needs, marked, hour = _searched(head), MARK in body, _HOUR in body
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise _explain(body, operation) from None
    if not head.model or (head.max_tokens is None and operation == "generate"):
        raise _explain(body, operation)
    if head.max_tokens is not None and not 0 <= head.max_tokens <= _MOST_TOKENS:
        raise _explain(body, operation)
    return Head(
        model=head.model,
        stream=bool(head.stream),
        max_tokens=head.max_tokens,
        needs=needs,
        session=_session(head.metadata),
        cache_1h=hour or _HOUR in bytes(head.system) or _HOUR in bytes(head.cache_control),
        marked_thinking=marked,
        dear=_dear(head),
    )


_NO_NEEDS: frozenset[Need] = frozenset()
_TOOLS_ONLY: frozenset[Need] = frozenset({"tools"})


def _needs(head: _Head) -> tuple[frozenset[Need], bool, bool]:
    """What the request needs, whether it holds marked thinking, and whether it asks for an hour of cache."""
    needs: set[Need] = set()
    kinds: set[str] = set()
    marked = False
    marks = [tool.cache_control for tool in head.tools or () if tool.cache_control is not _NOTHING]
    for message in head.messages:
        content = message.content
        if type(content) is list:
            for block in content:
                kinds.add(block.type)
                if block.cache_control is not _NOTHING:
                    marks.append(block.cache_control)
                if block.type == "tool_result":
                    inner = bytes(block.content)
                    if inner[:1] == b"[":
                        blocks = _blocks_decoder.decode(inner)
                        kinds.update([within.type for within in blocks])
                        marks += [within.cache_control for within in blocks if within.cache_control is not _NOTHING]
                elif is_marked(block.signature) or is_marked(block.data):
                    marked = True
                elif block.type == "thinking" and not block.signature:
                    marked = True  # somebody's who signs nothing: to be looked at as well
    if head.messages and _begun(head.messages[-1]):
        needs.add("prefill")
    if "image" in kinds:
        needs.add("images")
    if "document" in kinds:
        needs.add("documents")
    if head.tools:
        # Besides web search, tools of Anthropic's own kinds are the model's to know and the client's to run.
        searches = [tool for tool in head.tools if tool.type is not None and tool.type.startswith("web_search_")]
        if searches:
            needs.add("web_search")
        if len(searches) < len(head.tools):
            needs.add("tools")
    return _with_the_rest(needs, head), marked, any(_HOUR in bytes(mark) for mark in marks)


def _dear(head: _Head | _LooseHead) -> Dearness:
    """Fast answers, a region of choice, and tools that Anthropic itself runs, each of which reads the prompt again."""
    tools = head.tools
    ran: tuple[int, ...] = ()
    fetches = False
    if type(tools) is list:
        ran = tuple([_uses(tool) for tool in tools if tool.type is not None and tool.type.startswith(_RUN_THERE)])
        fetches = bool(ran) and any(tool.type is not None and tool.type.startswith(_FETCHES) for tool in tools)
    elif isinstance(tools, msgspec.Raw):
        offered = unescaped(bytes(tools))
        ran = (UNSTATED_SEARCHES,) if any(kind.encode() in offered for kind in _RUN_THERE) else ()
        fetches = _FETCHES.encode() in offered
    output = 0 if head.thinking is _NOTHING else _thinks(head)
    if not ran and not output and head.speed is head.inference_geo is head.mcp_servers is _NOTHING:
        return PLAIN
    if bytes(head.mcp_servers)[:1] == b"[" and len(bytes(head.mcp_servers)) > 2:
        ran += (UNSTATED_SEARCHES,)
    words = ("fast" if word(head.speed) == "fast" else "", "us" if word(head.inference_geo) == "us" else "")
    tier = "+".join(one for one in words if one)
    return Dearness(tiers=(tier,) if tier else (), searches=sum(ran), refers=fetches, output=output)


def _thinks(head: _Fields) -> int:
    """Tokens of an answer whose thinking may be longer than its limit says: where it goes on between tool calls."""
    asked = _thinking(head.thinking)
    return asked + (head.max_tokens or 0) if asked > (head.max_tokens or 0) else 0


def _thinking(thinking: msgspec.Raw) -> int:
    try:
        asked = _any_decoder.decode(thinking)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return 0
    budget = asked.get("budget_tokens") if isinstance(asked, dict) else None
    return min(budget, _MOST_TOKENS) if type(budget) is int else 0


_RUN_THERE = ("web_search_", "web_fetch_", "code_execution_", "advisor_")
"""How the kinds of tools begin that Anthropic runs while it answers."""
_FETCHES = "web_fetch_"
"""Of those, what reads pages and documents of any length."""


def _uses(tool: _Tool) -> int:
    most = whole_number(bytes(tool.max_uses))
    return UNSTATED_SEARCHES if most is None else min(max(most, 0), _MOST_USES)


def _begun(last: _Message) -> bool:
    """The last message is the beginning of the answer. (A server's tool that is to go on ends with its own block.)"""
    content = last.content
    return last.role == "assistant" and (type(content) is str or bool(content and content[-1].type == "text"))  # type: ignore[union-attr]


def _searched(head: _LooseHead) -> frozenset[Need]:
    """The same by searches, which may see more than there is."""
    needs: set[Need] = set()
    messages, tools = unescaped(bytes(head.messages)), bytes(head.tools)
    if b'"image"' in messages:
        needs.add("images")
    if b'"document"' in messages:
        needs.add("documents")
    if len(tools) > 2 and tools[:1] == b"[":
        needs.add("tools")
    return _with_the_rest(needs, head)


def _with_the_rest(needs: set[Need], head: _Fields) -> frozenset[Need]:
    choice = bytes(head.tool_choice)
    if ("tools" in needs or "web_search" in needs) and (b'"any"' in choice or b'"tool"' in choice):
        needs.add("forced_tool_choice")
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

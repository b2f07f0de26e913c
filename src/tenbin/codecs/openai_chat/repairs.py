"""Stage 2, a chat request made for one model goes to another: what the other would refuse is changed, nothing else.

Every change is a function of a message and those before it, so that prompt caches go on to hit. Which model takes what:
tenbin.config.quirks. Why so: docs/decisions/0007.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.lowering import nearest_effort, reminder, schema_in_words
from tenbin.codecs.tool_names import fitted_id
from tenbin.core.ask import Head
from tenbin.core.target import Quirks, Target

Changes = dict[str, bytes | None]
Fields = Mapping[str, msgspec.Raw]

_LIMITS = ("max_tokens", "max_completion_tokens")
_DEFAULTS = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
"""Sampling, and the values that a model without it takes all the same."""
_OTHERS_FIELDS = (
    "top_k",
    "min_p",
    "top_a",
    "repetition_penalty",
    "chat_template_kwargs",
    "enable_thinking",
    "thinking",
    "reasoning",
    "provider",
    "transforms",
    "plugins",
)
"""Of vLLM, llama.cpp, DeepSeek, Qwen and OpenRouter: OpenAI refuses fields that it does not know."""
_REASONING = ("reasoning_content", "reasoning", "reasoning_details")
"""Where other servers put a message's thinking."""
_NULL = b"null"

_any_decoder = msgspec.json.Decoder()


def repaired(fields: Fields, head: Head, target: Target) -> Changes:
    """Changes at the top of the body."""
    quirks = target.quirks
    changes = fitted(fields, head, target)
    if not quirks.sampling:
        changes |= {name: None for name, usual in _DEFAULTS.items() if _given(fields, name) not in (None, usual)}
    if not quirks.parallel_tool_calls_field and "parallel_tool_calls" in fields:
        changes["parallel_tool_calls"] = None
    if not quirks.unknown_fields:
        changes |= {name: None for name in _OTHERS_FIELDS if name in fields}
    before = bytes(fields.get("messages", b""))  # none where texts are embedded
    after = _messages(before, target)
    words = _schema_words(fields, quirks)
    if words is not None:
        changes["response_format"] = b'{"type":"json_object"}'
        after = _instructed(after, words)
    if after is not before:
        changes["messages"] = after
    return changes


def fitted(fields: Fields, head: Head, target: Target) -> Changes:
    """The longest answer and the effort as the target takes them: under the name and in the words that it knows."""
    changes = _limit(fields, head, target)
    effort = _decoded(fields.get("reasoning_effort"))
    if isinstance(effort, str) and (nearest := nearest_effort(effort, target.quirks)) != effort:
        changes["reasoning_effort"] = None if nearest is None else msgspec.json.encode(nearest)
    return changes


def _limit(fields: Fields, head: Head, target: Target) -> Changes:
    """The longest answer under the name that the model knows, and no longer than it can be."""
    quirks = target.quirks
    given = {field: limit for field in _LIMITS if isinstance(limit := _given(fields, field), int)}
    if not given or head.max_tokens is None:
        return {}
    # OpenAI takes the newer name for every model, others may know the older one only.
    either = quirks.max_tokens_field == "max_tokens" and not quirks.unknown_fields and len(given) == 1
    name = next(iter(given)) if either else quirks.max_tokens_field
    limit = min(head.max_tokens, target.max_output or quirks.most_output or head.max_tokens)
    changes: Changes = {field: None for field in given if field != name}
    return changes if given.get(name) == limit else changes | {name: str(limit).encode()}


def _schema_words(fields: Fields, quirks: Quirks) -> str | None:
    """The answer's schema as an instruction, for a model that can't be held to one."""
    if quirks.json_schema or "response_format" not in fields:
        return None
    asked = _decoded(fields["response_format"])
    schema = asked.get("json_schema") if isinstance(asked, dict) and asked.get("type") == "json_schema" else None
    found = schema.get("schema") if isinstance(schema, dict) else None
    return schema_in_words(msgspec.json.encode(found)) if found is not None else None


def _instructed(messages: bytes, words: str) -> bytes:
    """The messages, the words at the end of the first system message."""
    raws = splice.items(messages) if messages[:1] == b"[" else []
    first = _decoded(raws[0]) if raws else None
    if not isinstance(first, dict):
        return messages
    content = first.get("content")
    if first.get("role") not in ("system", "developer") or not isinstance(content, str):
        said = msgspec.json.encode({"role": "system", "content": words})
        return splice.splice_items(messages, {0: said + b"," + bytes(raws[0])})
    told = msgspec.json.encode(f"{content}\n\n{words}")
    return splice.splice_items(messages, {0: splice.splice(bytes(raws[0]), {"content": told})})


def _messages(messages: bytes, target: Target) -> bytes:
    if messages[:1] != b"[":
        return messages
    quirks = target.quirks
    watched: list[bytes] = []
    if not quirks.developer_role or not quirks.middle_system:
        watched.append(b'"developer"')
    if not quirks.middle_system:
        watched.append(b'"system"')
    if not quirks.unknown_fields:
        watched += [b'"reasoning', b'"cache_control"']
    if quirks.tool_id_limit:
        watched.append(b'"tool_call')
    watched = [word for word in watched if word in messages]
    if not watched:
        return messages
    changes: dict[int, bytes | None] = {}
    led = True
    for at, raw in enumerate(splice.items(messages)):
        text = bytes(raw)
        message = _decoded(raw) if led or any(word in text for word in watched) else None
        if not isinstance(message, dict):
            continue
        system = message.get("role") in ("system", "developer")
        changed = _message(message, quirks, leading=led)
        led = led and system
        if changed:
            encoded = {name: None if value is None else msgspec.json.encode(value) for name, value in changed.items()}
            changes[at] = splice.splice(text, encoded)
    return splice.splice_items(messages, changes) if changes else messages


def _message(message: dict[str, Any], quirks: Quirks, *, leading: bool) -> dict[str, Any]:
    """What changes of one message."""
    changed: dict[str, Any] = {}
    role, content = message.get("role"), message.get("content")
    if role in ("system", "developer"):
        if not leading and not quirks.middle_system:
            changed["role"], changed["content"] = "user", reminder(_words(content))
        elif role == "developer" and not quirks.developer_role:
            changed["role"] = "system"
    if not quirks.unknown_fields:
        changed |= {name: None for name in _REASONING if name in message}
        if isinstance(content, list) and any(isinstance(part, dict) and "cache_control" in part for part in content):
            changed["content"] = [
                {name: value for name, value in part.items() if name != "cache_control"}
                if isinstance(part, dict)
                else part
                for part in content
            ]
    limit = quirks.tool_id_limit
    if limit:
        answered, calls = message.get("tool_call_id"), message.get("tool_calls")
        if isinstance(answered, str) and len(answered) > limit:
            changed["tool_call_id"] = fitted_id(answered, limit)
        if isinstance(calls, list) and any(len(_id(call)) > limit for call in calls):
            changed["tool_calls"] = [
                call | {"id": fitted_id(_id(call), limit)} if len(_id(call)) > limit else call for call in calls
            ]
    return changed


def _id(call: Any) -> str:
    found = call.get("id") if isinstance(call, dict) else None
    return found if isinstance(found, str) else ""


def _words(content: Any) -> str:
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "\n\n".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""


def _given(fields: Fields, name: str) -> Any:
    return _decoded(fields[name]) if name in fields else None


def _decoded(raw: msgspec.Raw | bytes | None) -> Any:
    """The value; None for one that is not there, and for what the provider will refuse anyway."""
    try:
        return _any_decoder.decode(raw) if raw is not None else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None

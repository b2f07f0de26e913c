"""2. A model tag that was followed is taken out of the request's own bytes before it goes upstream; all others stay.

It is looked for where sampling reads it: at the head of system texts, and of the first user turn.
"""

from typing import Any

import msgspec

from tenbin.codecs import splice
from tenbin.codecs.client_words import without_client_words, without_tag
from tenbin.codecs.openai_json import decoded

_MARK = b"-SUBAGENT-MODEL"
_SYSTEM_ROLES = ("system", "developer")


def untagged(body: bytes, system: str | None, messages: str) -> bytes:
    """The body without the tag. ``system`` and ``messages`` name the fields in which the dialect keeps them (None: the
    system prompt stands among the messages). Where nothing would be left of a user turn, its tag stays.
    """
    if _MARK not in body:
        return body
    fields = splice.fields(body)
    changes: dict[str, bytes | None] = {}
    if system is not None and _MARK in (raw := bytes(fields.get(system, b""))):
        changes[system] = _content(raw, every=True)
    raw = bytes(fields.get(messages, b""))
    if _MARK in raw:
        changes[messages] = _text(raw) or raw if raw[:1] == b'"' else _messages(raw)
    return splice.splice(body, changes) if changes else body


def _messages(array: bytes) -> bytes:
    """The messages, up to the first that a person wrote looked through."""
    if array[:1] != b"[":
        return array
    changes: dict[int, bytes | None] = {}
    leading = True
    for index, item in enumerate(splice.items(array)):
        raw = bytes(item)
        message = decoded(raw) if len(raw) < 1_000_000 or _MARK in raw else None
        if not isinstance(message, dict):
            continue
        role = message.get("role")
        leading = leading and role in _SYSTEM_ROLES
        written = role == "user" and _has_words(message.get("content"))
        if (leading or written) and _MARK in raw:
            before = bytes(splice.fields(raw).get("content", b"null"))
            after = _content(before, every=leading)
            if after is None and leading:
                changes[index] = None
            elif after is not None and after != before:
                changes[index] = splice.splice(raw, {"content": after})
        if written:
            break
    return splice.splice_items(array, changes) if changes else array


def _has_words(content: Any) -> bool:
    if isinstance(content, str):
        return bool(without_client_words(content))
    blocks = content if isinstance(content, list) else []
    texts = [block.get("text") for block in blocks if isinstance(block, dict)]
    return any(isinstance(text, str) and without_client_words(text) for text in texts)


def _content(raw: bytes, *, every: bool) -> bytes | None:
    """A text or a list of blocks without the tag; None when nothing would be left. ``every``: each block may begin
    with one, not only the first that holds words.
    """
    if raw[:1] == b'"':
        return _text(raw)
    if raw[:1] != b"[":
        return raw
    blocks = splice.items(raw)
    changes: dict[int, bytes | None] = {}
    for index, item in enumerate(blocks):
        block = decoded(bytes(item))
        text = block.get("text") if isinstance(block, dict) else None
        if not isinstance(text, str) or not (every or without_client_words(text)):
            continue
        kept = _kept(text)
        if kept != text:
            changes[index] = splice.splice(bytes(item), {"text": msgspec.json.encode(kept)}) if kept else None
        if not every:
            break
    if len(blocks) == sum(change is None for change in changes.values()):
        return None
    return splice.splice_items(raw, changes) if changes else raw


def _text(raw: bytes) -> bytes | None:
    text = decoded(raw)
    if not isinstance(text, str):
        return raw
    kept = _kept(text)
    return raw if kept == text else msgspec.json.encode(kept) if kept else None


def _kept(text: str) -> str:
    words = without_client_words(text)
    without = without_tag(words)
    if without == words:
        return text
    start = text.index(words)
    return text[:start] + without + text[start + len(words) :]

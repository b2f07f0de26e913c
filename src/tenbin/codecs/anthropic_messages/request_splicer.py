"""Stage 2, a Messages request that passes through: in its own bytes, only what must change for the target changes."""

import msgspec

from tenbin.codecs import splice, thinking
from tenbin.codecs.anthropic_messages.request_reader import BILLING_HEADER, without_billing_header
from tenbin.core.ask import Head
from tenbin.core.target import Target

_BILLING_HEADER = BILLING_HEADER.encode()


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""
    signature: str = ""
    data: str = ""


class _Message(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw(b"null")


_block_decoder = msgspec.json.Decoder(_Block)
_message_decoder = msgspec.json.Decoder(_Message)
_text_decoder = msgspec.json.Decoder(str)


def spliced(body: bytes, head: Head, target: Target) -> bytes:
    """The client's body for this target.

    Another model: its name. Not Anthropic itself: no ``safeguards`` (they tell of the user's machine) and no billing
    pseudo-header (it would change the prompt's beginning, and with it what is cached). Anthropic itself: no thinking
    that another model wrote (it is marked), which it would refuse.
    """
    changes: dict[str, bytes | None] = {}
    if head.model != target.model:
        changes["model"] = msgspec.json.encode(target.model)
    if target.quirks.safeguards:
        if head.marked_thinking:
            changes["messages"] = _without_marked_thinking(bytes(splice.fields(body)["messages"]))
    else:
        if b'"safeguards"' in body:
            changes["safeguards"] = None
        if _BILLING_HEADER in body:
            system = splice.fields(body).get("system")
            if system is not None:
                changes["system"] = _without_billing_header(bytes(system))
    if not changes:
        return body
    if len(changes) == 1 and "model" in changes:
        return splice.replace_model(body, head.model, target.model)
    return splice.splice(body, changes, checked=True)


def _without_billing_header(system: bytes) -> bytes | None:
    """The system prompt without the pseudo-header; None when nothing is left of it."""
    if system[:1] == b'"':
        text = _decode_text(system)
        kept = without_billing_header(text)
        return system if kept is text else None if kept is None else msgspec.json.encode(kept)
    if system[:1] != b"[":
        return system
    blocks = splice.items(system)
    changes: dict[int, bytes | None] = {}
    for index, raw in enumerate(blocks):
        if _BILLING_HEADER not in bytes(raw):
            continue
        text = _block(raw).text
        kept = without_billing_header(text)
        if kept is None:
            changes[index] = None
        elif kept is not text:
            changes[index] = splice.splice(bytes(raw), {"text": msgspec.json.encode(kept)})
    if len(blocks) == sum(changed is None for changed in changes.values()):
        return None
    return splice.splice_items(system, changes) if changes else system


def _without_marked_thinking(messages: bytes) -> bytes:
    """The messages without thinking blocks that bear another model's mark; a message that held nothing else goes."""
    changes: dict[int, bytes | None] = {}
    for index, raw in enumerate(splice.items(messages)):
        message = bytes(raw)
        if thinking.MARK not in message:
            continue
        content = _content(raw)
        if content[:1] != b"[":
            continue
        blocks = splice.items(content)
        gone: dict[int, bytes | None] = {at: None for at, block in enumerate(blocks) if _is_marked(block)}
        if gone:
            whole = len(gone) == len(blocks)
            changed = splice.splice_items(content, gone)
            changes[index] = None if whole else splice.splice(message, {"content": changed})
    return splice.splice_items(messages, changes) if changes else messages


def _is_marked(raw: msgspec.Raw) -> bool:
    if thinking.MARK not in bytes(raw):
        return False
    block = _block(raw)
    opaque = {"thinking": block.signature, "redacted_thinking": block.data}.get(block.type)
    return thinking.unmark(opaque)[0] is not None


def _block(raw: msgspec.Raw) -> _Block:
    """A block's few fields that matter here; an empty one for what the provider will refuse anyway."""
    try:
        return _block_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError):
        return _Block()


def _content(raw: msgspec.Raw) -> bytes:
    try:
        return bytes(_message_decoder.decode(raw).content)
    except (msgspec.DecodeError, UnicodeError):
        return b""


def _decode_text(raw: bytes) -> str:
    try:
        return _text_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeError):
        return ""

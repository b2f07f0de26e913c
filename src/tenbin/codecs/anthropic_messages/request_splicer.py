"""Stage 2, a Messages request that passes through: in its own bytes, only what must change for the target changes."""

import msgspec

from tenbin.codecs import splice, thinking
from tenbin.codecs.anthropic_messages.extensions import without_extensions
from tenbin.core.ask import Head
from tenbin.core.target import Target


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""
    signature: str = ""
    data: str = ""


class _Message(msgspec.Struct):
    content: msgspec.Raw = msgspec.Raw(b"null")


_block_decoder = msgspec.json.Decoder(_Block)
_message_decoder = msgspec.json.Decoder(_Message)


def spliced(body: bytes, head: Head, target: Target) -> bytes:
    """The client's body for this target.

    Another model: its name, and no thinking that is not its own, which it would refuse: what bears another's mark, and
    what bears none where the target stands in for the model that the conversation was with. Not Anthropic itself:
    nothing that only Anthropic understands (extensions).
    """
    changes: dict[str, bytes | None] = {}
    if head.model != target.model:
        changes["model"] = msgspec.json.encode(target.model)
    if head.marked_thinking or (target.stand_in and b'thinking"' in body):
        changes.update(_own_thinking(body, target))
    if not target.quirks.safeguards:
        changes.update(without_extensions(body, changes.get("messages")))
    if not changes:
        return body
    if len(changes) == 1 and "model" in changes:
        return splice.replace_model(body, head.model, target.model)
    return splice.splice(body, changes, checked=True)


def _own_thinking(body: bytes, target: Target) -> dict[str, bytes | None]:
    """What changes so that all thinking in the messages is the target's own: blocks that are not are left out, and
    with them a message that held nothing else; a mark of the target's own model is taken off.
    """
    fields = splice.fields(body)
    messages = bytes(fields["messages"])
    if messages[:1] != b"[":
        return {}
    changes: dict[int, bytes | None] = {}
    lost = False
    raws = splice.items(messages)
    for index, raw in enumerate(raws):
        message = bytes(raw)
        if b'thinking"' not in message:
            continue
        content = _content(raw)
        if content[:1] != b"[":
            continue
        blocks = splice.items(content)
        written = {at: new for at, block in enumerate(blocks) if (new := _for_target(block, target)) != bytes(block)}
        if written:
            lost = lost or None in written.values()
            whole = len(written) == len(blocks) and not any(written.values())
            changed = splice.splice_items(content, written)
            changes[index] = None if whole else splice.splice(message, {"content": changed})
    if not changes:
        return {}
    found: dict[str, bytes | None] = {"messages": splice.splice_items(messages, changes)}
    if lost and b'"enabled"' in bytes(fields.get("thinking", b"")) and b'"tool_result"' in bytes(raws[-1]):
        # Within a tool loop, thinking on a budget wants the loop's own thinking before its calls.
        found |= {"thinking": None, "context_management": None}
    return found


def _for_target(raw: msgspec.Raw, target: Target) -> bytes | None:
    """A block as the target takes it; None for thinking that is not its own."""
    block = _block(raw)
    field = {"thinking": "signature", "redacted_thinking": "data"}.get(block.type)
    if field is None:
        return bytes(raw)
    writer, opaque = thinking.unmark(block.signature if field == "signature" else block.data)
    if writer is None:
        # Without a signature it is nobody's: Anthropic takes none of that.
        foreign = target.stand_in or (not opaque and target.quirks.safeguards)
        return None if foreign else bytes(raw)
    if opaque is None or not thinking.same_model(writer, target.model):
        return None
    return splice.splice(bytes(raw), {field: msgspec.json.encode(opaque)})


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

"""Stage 2, a Messages request that passes through: in its own bytes, only what must change for the target changes."""

import msgspec

from tenbin.codecs import splice, thinking
from tenbin.codecs.anthropic_messages.extensions import without_deferred_tools, without_extensions
from tenbin.codecs.anthropic_messages.repairs import repaired, repaired_messages
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

    Another model than the one that was meant: its name, nothing that it would refuse (repairs), and no thinking that is
    not its own: what bears another's mark, and what bears none where the target stands in for the model that the
    conversation was with. Not Anthropic itself: nothing that only Anthropic understands (extensions).
    """
    quirks = target.quirks
    meant = head.model == target.model and not target.stand_in
    foreign = head.marked_thinking or (target.stand_in and b'thinking"' in body)
    if meant and not foreign and quirks.safeguards:
        return body
    fields = splice.fields(body, checked=True)
    changes: dict[str, bytes | None] = {}
    if head.model != target.model:
        changes["model"] = msgspec.json.encode(target.model)
    before = after = bytes(fields["messages"])
    if foreign:
        after = _own_thinking(after, target)
    if not quirks.safeguards:
        changes.update(without_extensions(fields, after))
    elif not meant and not quirks.deferred_tools:
        changes.update(without_deferred_tools(fields, after))
    if not meant or not quirks.safeguards:
        after = repaired_messages(changes.get("messages") or after, quirks)
    if not meant or after is not before:
        changes.update(repaired(fields, after, head, target))
    changes.pop("messages", None)
    if after is not before:
        changes["messages"] = after
    if not changes:
        return body
    if len(changes) == 1 and "model" in changes and len(body) <= splice.SMALL:
        return splice.replace_model(body, head.model, target.model)
    return splice.splice(body, changes, known=fields)


def _own_thinking(messages: bytes, target: Target) -> bytes:
    """The messages, all thinking in them the target's own: blocks that are not are left out, and with them a message
    that held nothing else; a mark of the target's own model is taken off.
    """
    if messages[:1] != b"[":
        return messages
    changes: dict[int, bytes | None] = {}
    for index, raw in enumerate(splice.items(messages)):
        message = bytes(raw)
        if b'thinking"' not in message:
            continue
        content = _content(raw)
        if content[:1] != b"[":
            continue
        blocks = splice.items(content)
        written = {at: new for at, block in enumerate(blocks) if (new := _for_target(block, target)) != bytes(block)}
        if written:
            whole = len(written) == len(blocks) and not any(written.values())
            changed = splice.splice_items(content, written)
            changes[index] = None if whole else splice.splice(message, {"content": changed}, checked=True)
    return splice.splice_items(messages, changes) if changes else messages


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

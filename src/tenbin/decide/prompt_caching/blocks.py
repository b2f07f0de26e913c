"""4. A request as the blocks that a prompt cache sees, in its order: tools, system, turns. Hashes only, no words."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from tenbin.core.conversation import Conversation, Document, Image, Text, Tool, ToolCall, ToolResult
from tenbin.core.sketch import BYTES_PER_TOKEN, DOCUMENT_BYTES_PER_TOKEN, IMAGE_TOKENS, TOKENS_PER_WIDE_CHARACTER

Kind: TypeAlias = Literal["tool", "system", "turn"]
Mark: TypeAlias = Literal["5m", "1h"] | None
"""A breakpoint and how long what it writes is to live; None for no breakpoint."""

DIGEST_BYTES = 8
"""Of a block: chance collisions only cost a wrong forecast, and a record of a long conversation stays small."""

_WIDE_LEAD = 0xE0
"""First bytes from which on a character takes three bytes or more as UTF-8."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class Place(NamedTuple):
    """Where a block stands in a Conversation."""

    kind: Kind
    at: int
    """Of the tool, the part of ``system``, or the turn."""
    part: int = 0
    """Of the turn."""


class Block(NamedTuple):
    """One piece of a prompt that is cached whole or not at all."""

    place: Place
    digest: bytes
    """Of what it holds, its mark left out."""
    prefix: bytes
    """Of everything up to its end."""
    tokens: int
    """Estimated, up to its end."""
    mark: Mark
    """What the client set after it."""
    markable: bool
    """Anthropic takes a mark here: not behind thinking, empty words, or what Tenbin does not model."""


def blocks(conversation: Conversation) -> tuple[Block, ...]:
    """The prompt's blocks in the order in which providers cache it."""
    found: list[Block] = []
    prefix, tokens = b"", 0.0
    for place, value, mark in _pieces(conversation):
        encoded = _encode(value)
        digest = blake2b(encoded, digest_size=DIGEST_BYTES).digest()
        prefix = blake2b(prefix + digest, digest_size=DIGEST_BYTES).digest()
        tokens += _tokens(value, encoded)
        found.append(Block(place, digest, prefix, round(tokens), mark, _markable(value)))
    return tuple(found)


def static_end(found: Sequence[Block]) -> Block | None:
    """The last block before the first turn that takes a mark: what all conversations of one application share."""
    return next((one for one in reversed(found) if one.markable and one.place.kind != "turn"), None)


def turns_end(found: Sequence[Block]) -> Block | None:
    """The last block of the turns that takes a mark."""
    return next((one for one in reversed(found) if one.markable and one.place.kind == "turn"), None)


def shared_length(before: tuple[bytes, ...], after: tuple[bytes, ...]) -> int:
    """How many digests two prompts share from their beginnings on."""
    for position, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            return position
    return min(len(before), len(after))


def _pieces(conversation: Conversation) -> Iterator[tuple[Place, Any, Mark]]:
    for index, tool in enumerate(conversation.tools):
        yield Place("tool", index), _unmarked(tool), tool.cache
    for index, server_tool in enumerate(conversation.server_tools, len(conversation.tools)):
        yield Place("tool", index), server_tool, None
    for index, part in enumerate(conversation.system):
        yield Place("system", index), _unmarked(part), part.cache
    for index, turn in enumerate(conversation.turns):
        for position, part in enumerate(turn.parts):
            yield Place("turn", index, position), (turn.role, _unmarked(part)), part.cache


def _unmarked(value: Any) -> Any:
    return msgspec.structs.replace(value, cache=None) if value.cache is not None else value


def _markable(value: Any) -> bool:
    part = value[1] if isinstance(value, tuple) else value
    if isinstance(part, Text):
        return bool(part.text.strip())
    return isinstance(part, Tool | Image | Document | ToolCall | ToolResult)


def _tokens(value: Any, encoded: bytes) -> float:
    part = value[1] if isinstance(value, tuple) else value
    if isinstance(part, Image):
        return IMAGE_TOKENS
    if isinstance(part, Document):
        return len(part.data or part.text or "") / (DOCUMENT_BYTES_PER_TOKEN if part.data else BYTES_PER_TOKEN)
    if isinstance(part, ToolResult) and any(isinstance(one, Image | Document) for one in part.content):
        return sum(_tokens(one, _encode(one)) for one in part.content)
    wide = 0 if encoded.isascii() else sum(1 for byte in encoded if byte >= _WIDE_LEAD)
    return (len(encoded) - 3 * wide) / BYTES_PER_TOKEN + wide * TOKENS_PER_WIDE_CHARACTER

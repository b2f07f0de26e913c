"""An answer in no dialect: a stream of deltas. An unstreamed answer is a stream that comes all at once.

Order: AnswerStarted, then for each block BlockStarted, its deltas, BlockStopped (blocks don't overlap within one
index; several indexes may be open at once), then AnswerFinished or AnswerFailed, exactly one of the two, last.
"""

from typing import Any, Literal, TypeAlias

import msgspec

from tenbin.core.problems import Failure
from tenbin.core.usage import Usage

StopReason: TypeAlias = Literal[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "refusal",
    "pause_turn",
    "context_exceeded",
    "content_filter",
]


class AnswerStarted(msgspec.Struct, frozen=True, gc=False, tag="started"):
    """The provider has begun; usage holds what is known so far (often only the prompt side, or nothing)."""

    id: str
    model: str
    usage: Usage


class BlockStarted(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag="block"):
    """A block of content begins. ``id`` and ``name`` are set for tool calls."""

    index: int
    kind: Literal["text", "thinking", "redacted_thinking", "tool_call", "refusal", "opaque"]
    id: str = ""
    name: str = ""
    data: str = ""
    """Redacted thinking's opaque data."""
    value: Any = None
    """A block of a kind that Tenbin does not model, decoded."""


class TextDelta(msgspec.Struct, frozen=True, gc=False, tag="text"):
    """More words of a text (or refusal) block."""

    index: int
    text: str


class ThinkingDelta(msgspec.Struct, frozen=True, gc=False, tag="thinking"):
    """More of a thinking block."""

    index: int
    text: str


class SignatureDelta(msgspec.Struct, frozen=True, gc=False, tag="signature"):
    """The signature of a thinking block (or a reasoning item's encrypted content)."""

    index: int
    signature: str


class ArgumentsDelta(msgspec.Struct, frozen=True, gc=False, tag="arguments"):
    """More of a tool call's arguments: a piece of JSON text."""

    index: int
    json: str


class LogprobsDelta(msgspec.Struct, frozen=True, gc=False, tag="logprobs"):
    """Log-probabilities in OpenAI Chat's form (a list of token objects), decoded."""

    index: int
    content: Any


class BlockStopped(msgspec.Struct, frozen=True, gc=False, tag="stopped"):
    """A block is complete."""

    index: int


class Ping(msgspec.Struct, frozen=True, gc=False, tag="ping"):
    """The provider is alive but has nothing to say."""


class AnswerFinished(msgspec.Struct, frozen=True, gc=False, tag="finished"):
    """The answer is complete, with its final usage."""

    stop_reason: StopReason
    usage: Usage
    stop_sequence: str | None = None
    provider_cost: str | None = None
    """What the provider says it costs, USD as a decimal string, where it does."""
    service_tier: str | None = None


class AnswerFailed(msgspec.Struct, frozen=True, gc=False, tag="failed"):
    """The answer broke off: an error event, a cut, bytes that make no sense."""

    failure: Failure
    usage: Usage


Delta: TypeAlias = (
    AnswerStarted
    | BlockStarted
    | TextDelta
    | ThinkingDelta
    | SignatureDelta
    | ArgumentsDelta
    | LogprobsDelta
    | BlockStopped
    | Ping
    | AnswerFinished
    | AnswerFailed
)

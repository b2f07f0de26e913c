"""2. What the model's last answer led to: its tool calls and what they brought, as they are written in the request.

Nothing is decoded here: what stands in a trail is read only where signals are looked for (codecs.tool_outcomes).
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from tenbin.core.sketch import MOST_CALLS, MOST_RESULTS, ToolCall, ToolResult, Trail

Words: TypeAlias = str | msgspec.Raw
"""A text, or the JSON string that it is still written as."""

Speaker: TypeAlias = Literal["user", "assistant", "system", "tool"]


class Said(msgspec.Struct, gc=False):
    """One message, as far as sampling looks at it."""

    role: Speaker
    """``tool``: it brings results of tools and nothing else."""
    words: Sequence[Words] = ()
    results: int = 0
    """Tool results in it."""
    failed: int = 0
    """Of these, those marked as errors."""
    images: int = 0
    calls: Sequence[ToolCall] = ()
    """Tool calls in it."""
    brought: Sequence[ToolResult] = ()
    """The tool results themselves."""


def trail_of(said: Sequence[Said], turn: int) -> Trail | None:
    """The trail of the last answer; ``turn`` is the index of the last message that a person wrote, -1 for none."""
    results: list[ToolResult] = []
    place = len(said) - 1
    while place >= 0 and said[place].role != "assistant":
        results[:0] = said[place].brought
        place -= 1
    if place < 0:
        return None
    calls: list[ToolCall] = []
    last_calls, still, spoken = 0, True, turn > place
    while place > (-1 if spoken else turn) and len(calls) < MOST_CALLS:
        message = said[place]
        if message.role == "assistant":
            calls[:0] = message.calls
            last_calls += len(message.calls) if still else 0
        elif message.role != "system":
            still = False
            if spoken:
                break  # The turn is over: only its last answer is looked at.
        place -= 1
    return Trail(tuple(calls[-MOST_CALLS:]), min(last_calls, MOST_CALLS), tuple(results[-MOST_RESULTS:]))

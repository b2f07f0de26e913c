"""A request as it arrived: its raw body, and the few facts about it that every stage needs.

The body is decoded no further than its head here; a codec reads the whole of it only to translate.
"""

from typing import Literal, TypeAlias

import msgspec

from tenbin.core.account import Account
from tenbin.core.budget import PLAIN, Dearness
from tenbin.core.landing import Landing
from tenbin.core.target import DialectName

Operation: TypeAlias = Literal["generate", "count_tokens", "embed", "shadow", "keep_alive"]
"""``shadow``: Tenbin's own, a request answered again to compare the answers."""

Need: TypeAlias = Literal["tools", "forced_tool_choice", "images", "documents", "web_search", "json_schema", "prefill"]
"""``prefill``: the answer has been begun, and the model is to go on with it."""


class Head(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a codec reads of a request without decoding its messages."""

    model: str
    stream: bool = False
    max_tokens: int | None = None
    stream_usage: bool = True
    """False for an OpenAI Chat stream whose client did not ask for usage."""
    needs: frozenset[Need] = frozenset()
    session: str | None = None
    """The conversation's id, where the body names one."""
    marked_thinking: bool = False
    """Holds thinking that bears the mark of the model that wrote it (docs/decisions/0003)."""
    cache_1h: bool = False
    """Asks for prompt-cache entries of one hour: how writes that a provider does not tell apart are counted."""
    lowered: bool = False
    """Tenbin has lowered its limits: they are still to be said as its target takes them, whichever was meant."""
    dear: Dearness = PLAIN
    """What makes its answer dearer than its length tells."""


class Caller(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Who is asking. ``key_id`` is ``local`` on loopback without a key, ``master``, or a key's public id."""

    key_id: str
    name: str = ""
    team: str = ""
    user: str = ""
    plan: str = ""
    account: Account | None = None
    """What the key may do; None where it may do everything (no key, the master key, keys of the configuration)."""


class Assigned(msgspec.Struct, frozen=True, gc=False):
    """The part that a request takes in an experiment."""

    experiment: str
    arm: str
    unit: str
    """What the experiment takes as one: a digest of the conversation, else of the request."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request from a client, frozen; everything decided about it refers back to this."""

    request_id: str
    dialect: DialectName
    operation: Operation
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    """As received, names in lower case."""
    body: bytes
    head: Head
    caller: Caller
    arrived_at_ms: int
    """UTC, milliseconds since the epoch."""
    arrived_ns: int
    """Monotonic nanoseconds, for latencies."""
    session: str | None = None
    """The conversation's id, from a header or the body."""
    client: str = ""
    """The client's User-Agent."""
    patience_ms: int | None = None
    """How long after its arrival the client gives up, where it says so; milliseconds."""
    steered: bool = False
    """Its headers ask something of the choice, or a sub-agent sends it, whose prompt may."""
    assigned: Assigned | None = None
    """Its part in an experiment, where one is running and it takes part."""
    told: tuple[tuple[bytes, bytes], ...] = ()
    """Headers that the answer is to bear: how much is left of a limit or a budget. Names in lower case; they take the
    place of a provider's own."""
    landing: Landing | None = None
    """What is done with less for it, since a budget that counts its caller is nearly spent; None: nothing."""

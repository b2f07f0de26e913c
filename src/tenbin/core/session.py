"""4. What is remembered of a conversation between its turns: which prefix is warm where, how it went so far.

A fold of its receipts (decide.affinity.fold), the same live and from the ledger.
"""

import msgspec

from tenbin.core.signal import Decided


class Warm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A prefix of the conversation in one target's prompt cache."""

    target: str
    """``provider/model``."""
    tokens: int
    """Length of the cached prefix; 0 where a read was due and did not come."""
    until_ms: int
    """UTC ms at which it lapses unless it is read before."""
    life_ms: int
    """How long each read keeps it."""
    effort: str | None = None
    """The effort it was written at; None where that is not known."""


class LastDecision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The decision that the next request of a conversation may tell something of."""

    decided: Decided
    model_turns: int = 0
    """Answers of the model that its request held."""
    at_ms: int = 0
    """When it was answered, UTC ms."""
    heard: bool = False
    """Something has been said of it: what comes again (a request sent twice) counts once."""


class Stepped(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """How a conversation stands on the ladder of ``routing.step_up``."""

    rung: str = ""
    """The target that it has stepped up to; empty when it has not."""
    failed: int = 0
    """Answers in a row that failed."""
    calm: int = 0
    """Answers in a row since then, or since the step, that did not."""
    ups: int = 0
    """Steps up so far: each but the first makes the way back twice as long."""


class Session(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One conversation of one key (and of one agent within it)."""

    target: str = ""
    """Who answered last, ``provider/model``."""
    at_ms: int = 0
    """When, UTC ms."""
    requests: int = 0
    """Answered so far."""
    prompt_tokens: int = 0
    """Of the last request."""
    output_tokens: int = 0
    """Of all answers together."""
    growth_tokens: int = 0
    """By how much the prompt has grown over all requests together."""
    switches: int = 0
    """How often the target changed."""
    warm: tuple[Warm, ...] = ()
    """At most a few, the latest first."""
    tokens_per_estimate: float = 1.0
    """What the providers count of this conversation's prompts, for each token that is estimated of them."""
    weighed: int = 0
    """Requests whose features are known."""
    by_tools: float = 0.0
    """Share of those, the latest counting most, that brought tools' results."""
    suffices: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Their mean ``Features.suffices``: how hard the conversation is."""
    last: LastDecision | None = None
    """What signals in the next request are about."""
    stepped: Stepped | None = None
    """None as long as nothing has failed."""


NEW = Session()
"""A conversation of which nothing is known yet."""

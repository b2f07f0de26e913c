"""What happened, for good: one Receipt for each request, one Attempt for each call to a provider."""

from typing import Any, Literal, TypeAlias

import msgspec

from tenbin.core.cached import Cached
from tenbin.core.gating import Climb, Gating
from tenbin.core.money import NanoUSD
from tenbin.core.problems import FailureKind
from tenbin.core.shadow import Shadow
from tenbin.core.signal import Signal
from tenbin.core.usage import NOTHING, Usage
from tenbin.core.weighing import Weighing

Outcome: TypeAlias = Literal[
    "answered",  # the client has the whole answer
    "failed",  # an error was given
    "cut",  # the answer broke off after the client had seen some of it
    "cancelled",  # the client went away
    "interrupted",  # the gateway died; settled from its journal, estimated
]


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call to a provider, whatever became of it."""

    number: int
    """Counts from 1 within the request; 0 is a judge's, who was asked about it before."""
    provider: str
    model: str
    dialect: str
    started_at_ms: int
    """UTC, milliseconds since the epoch."""
    outcome: Outcome
    failure: FailureKind | None = None
    status: int | None = None
    message: str = ""
    """What the provider said when it failed, at most 500 characters."""
    usage: Usage = NOTHING
    cost_nano: NanoUSD | None = None
    """Computed from ``usage`` and ``price``; None when the model's price is unknown (never zero for that)."""
    price: str = ""
    """Which price was used (source, version, model, date), or ``unknown``."""
    provider_cost_nano: NanoUSD | None = None
    """What the provider itself said that it costs."""
    service_tier: str | None = None
    first_byte_ms: float | None = None
    total_ms: float = 0.0
    upstream_request_id: str | None = None
    answered_model: str | None = None
    """The model that the answer names, where it differs from the one asked for."""
    stop_reason: str | None = None
    rung: int = 0
    """Of a ladder, from 1; 0: there is none."""
    gating: Gating | None = None
    """How its answer was judged before the client saw any of it; None where it was not held back."""
    purpose: Literal["", "agreement", "judge"] = ""
    """What a call beside the answer's own was for: a further sample, or a mark. Empty: its answer is for the client."""
    hedge: Literal[0, 1, 2] = 0
    """1: it was slow to begin, and another target was asked meanwhile; 2: it is that other one. 0: neither."""
    reserved_nano: NanoUSD | None = None
    """Of an interrupted attempt under a budget: what was set aside for it. Budgets count that much, as nobody knows how
    far the provider went on."""

    @property
    def billed_nano(self) -> NanoUSD | None:
        """What it is taken to cost: what the provider stated, where it did, since it is the one who bills; else what
        was computed. None when neither is known although tokens were used.
        """
        if self.provider_cost_nano is not None:
            return self.provider_cost_nano
        return 0 if self.cost_nano is None and self.usage == NOTHING else self.cost_nano


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request: who asked what, where it went and why, what it used and cost, how long it took."""

    request_id: str
    arrived_at_ms: int
    """UTC, milliseconds since the epoch."""
    key_id: str
    dialect: str
    operation: str
    path: str
    requested_model: str
    stream: bool
    route: str
    """Which rule chose the chain of targets: ``model:NAME``, ``provider``, ``family``, ``default`` ..."""
    outcome: Outcome
    status: int
    """The HTTP status that the client got (or would have got)."""
    policy: str
    """Hash of the configuration in force."""
    attempts: tuple[Attempt, ...] = ()
    session: str | None = None
    client: str = ""
    failure: FailureKind | None = None
    queue_ms: float = 0.0
    """From arrival to the first upstream call."""
    first_byte_ms: float | None = None
    """From arrival to the first byte of the answer that the client was given."""
    total_ms: float = 0.0
    trace: tuple[Any, ...] = ()
    """The decision's steps and outcomes, as plain data, for explain and replay."""
    weighing: Weighing | None = None
    """How its target was chosen, where the request was weighed."""
    signals: tuple[Signal, ...] = ()
    """What it told of earlier answers, or of its own: what evidence is made of."""
    experiment: str | None = None
    """The experiment that it took part in."""
    arm: str | None = None
    """Under which of its policies."""
    unit: str | None = None
    """What the experiment takes as one: a digest of the conversation, else of the request."""
    shadow: Shadow | None = None
    """Of a shadow evaluation: what was compared, and what came of it."""
    cached: Cached | None = None
    """What the response cache did for it, where it is switched on for such requests."""
    climb: Climb | None = None
    """What was planned for it, where it goes up a ladder."""
    team: str = ""
    """The caller's at that time; empty where the key has none."""
    user: str = ""
    """The caller's at that time; empty where the key has none."""

    @property
    def last(self) -> Attempt | None:
        """The attempt at a target that had the last word; None when none was tried. A judge's is not meant."""
        last = self.attempts[-1] if self.attempts else None
        if last is not None and last.rung:
            return given(self.attempts)
        if last is not None and last.hedge:
            return next((one for one in self.attempts if one.hedge and one.outcome in ("answered", "cut")), last)
        return last if last is not None and last.number else None

    @property
    def usage(self) -> Usage:
        """The buckets of all attempts together."""
        return total_usage(self.attempts)

    @property
    def billed_nano(self) -> NanoUSD | None:
        """What the request is taken to cost: the sum over its attempts; None when any of them is unknown."""
        total = 0
        for attempt in self.attempts:
            amount = attempt.billed_nano
            if amount is None:
                return None
            total += amount
        return total

    @property
    def cost_nano(self) -> NanoUSD | None:
        """What all attempts cost together; None when any attempt that used tokens has no known price."""
        total = 0
        for attempt in self.attempts:
            if attempt.cost_nano is None:
                if attempt.usage != NOTHING:
                    return None
            else:
                total += attempt.cost_nano
        return total


def given(attempts: tuple[Attempt, ...]) -> Attempt:
    """Of a ladder's attempts (at least one) the one whose answer, or failure, the client was given."""
    answers = [one for one in attempts if not one.purpose] or list(attempts)
    return max(answers, key=lambda one: (one.gating is not None and one.gating.given, one.number))


def total_usage(attempts: tuple[Attempt, ...]) -> Usage:
    """Sum of the attempts' buckets; estimated if any of them is."""
    if len(attempts) == 1:
        return attempts[0].usage
    sums: dict[str, Any] = {}
    for attempt in attempts:
        for name in Usage.__struct_fields__:
            value = getattr(attempt.usage, name)
            sums[name] = value or sums.get(name, value) if isinstance(value, bool) else sums.get(name, 0) + value
    return Usage(**sums)

"""4. What tells later how good an answer was: a tool's result, a person's word, a gate, a judge, feedback.

A signal is a kind and numbers, never text. It stands on the receipt of the request that showed it.
"""

from typing import Literal, TypeAlias, get_args

import msgspec

from tenbin.core.features import Domain, TaskType, Tier

SignalKind: TypeAlias = Literal[
    "tests_passed",  # a test run that the answer asked for, or that came after its work, was green
    "tests_failed",
    "edit_applied",  # the client could make the change that the answer asked for
    "edit_failed",
    "tool_misused",  # a tool that is not offered, or arguments that do not fit it
    "command_failed",  # exit code other than 0, of a command from which that is no answer
    "read_again",  # the same file once more, nothing changed in between
    "declined",  # the person did not let the tool call happen
    "rejected",  # the person says that it is wrong
    "undone",  # the person wants it taken back
    "accepted",  # the person is content
    "committed",  # a commit was made
    "feedback",  # POST /v1/feedback, `tenbin feedback`
    "gate",  # a quality gate's score
    "shadow",  # a judge's verdict on an answer that was given again
]
SIGNAL_KINDS: tuple[SignalKind, ...] = get_args(SignalKind)


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """What a request shows of the answer before it, before it is known whose answer that was."""

    kind: SignalKind
    count: int = 1


class Decided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The decision that a signal is about: who answered, what kind of request it was, what was expected."""

    request_id: str
    target: str
    """``provider/model``."""
    task: TaskType | Literal[""] = ""
    domain: Domain | Literal[""] = ""
    band: Tier | Literal[""] = ""
    """How hard it was (decide.evidence.band)."""
    prior: float | None = None
    """The chance 0..1 that it would be good enough, before any evidence; None where nothing was weighed: such a signal
    is kept and teaches nothing."""


class Signal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A sign of how good an earlier answer was."""

    kind: SignalKind
    about: Decided
    success: float
    """0 (bad) to 1 (good)."""
    weight: float
    """Trials that it counts as; 0 for none, negative takes back what was said before."""
    count: int = 1
    """How often it was seen in one request; it counts once."""
    key_id: str = ""
    """Whose evidence it is, where that is not the receipt's caller."""
    at_ms: int = 0
    """From when it is, UTC ms, where that is not its receipt's arrival: what is taken back is as old as it was."""
    source: str = ""
    """Who said so, where it was said: the caller of ``/v1/feedback``, a judge."""

"""What deciding asks to be done (Steps, imperatives) and is told (Outcomes, participles).

``decide`` yields Steps and is sent Outcomes; the live driver performs them, the replay driver looks them up.
"""

from typing import TypeAlias

import msgspec

from tenbin.core.problems import Failure
from tenbin.core.target import Target


class Call(msgspec.Struct, frozen=True, tag="call", kw_only=True):
    """Send the ask to a target and, once content comes, hand the answer to the client."""

    target: Target
    attempt: int
    """Counts from 1 within the request."""
    route: str = ""
    """Which rule chose the chain that this target stands in."""


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    """Wait before the next try."""

    ms: int


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """The client has the whole answer."""


class Failed(msgspec.Struct, frozen=True, tag="failed", kw_only=True):
    """The attempt failed. When ``committed``, the client has seen content and nothing may be tried again."""

    failure: Failure
    committed: bool = False


class Resumed(msgspec.Struct, frozen=True, tag="resumed"):
    """The pause is over."""


class Verdict(msgspec.Struct, frozen=True, tag="verdict", kw_only=True):
    """How the decision ended: answered, or the failure that the client is told of."""

    answered: bool
    failure: Failure | None = None


Step: TypeAlias = Call | Pause
StepOutcome: TypeAlias = Answered | Failed | Resumed

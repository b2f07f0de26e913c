"""What deciding asks to be done (Steps, imperatives) and is told (Outcomes, participles).

``decide`` yields Steps and is sent Outcomes; the live driver performs them, the replay driver looks them up.
"""

from typing import Literal, TypeAlias

import msgspec

from tenbin.core.cached import CacheTier, SemanticMode
from tenbin.core.features import Features, TaskType, Tier
from tenbin.core.gating import Climb, Why
from tenbin.core.problems import Failure
from tenbin.core.session import Session
from tenbin.core.signal import Signal
from tenbin.core.target import Target
from tenbin.core.weighing import Weighing


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Keep an answer back until it has been judged."""

    gates: tuple[str, ...]
    task: TaskType | Literal[""] = ""
    """The request's, where it is known."""
    prior: float | None = None
    """Chance that the answer is right before any gate has spoken; None: the calibration's share."""
    accept: float | None = None
    """Chance from which on it is good enough; None: the calibration's threshold."""
    calibration: str = ""
    """File of a calibration; empty: the one that comes along."""
    prefix_tokens: int = 0
    """Judge a streamed answer by its first complete tool call, or so many tokens; 0: by all of it."""
    until_ms: int | None = None
    """UTC ms until which it is kept back; None: as long as it takes."""
    logprobs: bool = False
    """Ask for log-probabilities."""


class Hedge(msgspec.Struct, frozen=True, kw_only=True):
    """Who else is asked when an answer has not begun in time; the first to begin answers the client."""

    target: Target
    attempt: int
    """Its number, if it is asked."""
    after_ms: int


class Call(msgspec.Struct, frozen=True, tag="call", kw_only=True):
    """Send the ask to a target and, once content comes, hand the answer to the client."""

    target: Target
    attempt: int
    """Counts from 1 within the request; 0 is a judge's."""
    route: str = ""
    """Which rule chose the chain that this target stands in."""
    tagged: bool = False
    """The prompt's model tag has done its work and does not go upstream."""
    rung: int = 0
    """Of a ladder, from 1; 0: there is none."""
    hold: Hold | None = None
    """The answer is kept back; None: the client has it as it comes."""
    hedge: Hedge | None = None
    """None: nobody else is asked meanwhile."""


class Consult(msgspec.Struct, frozen=True, tag="consult", kw_only=True):
    """Ask a model about a held answer, then judge the answer again."""

    of: int
    """The attempt that gave the answer."""
    purpose: Literal["agreement", "judge"]
    """``agreement``: answer the same again; ``judge``: mark it by a rubric."""
    target: Target
    attempt: int
    rung: int
    rubric: tuple[str, ...] = ()
    timeout_ms: int | None = None


class Release(msgspec.Struct, frozen=True, tag="release", kw_only=True):
    """Give the client a held answer, and whatever of it is still to come."""

    of: int
    """The attempt that gave it."""


class Pause(msgspec.Struct, frozen=True, tag="pause"):
    """Wait before the next try."""

    ms: int


class Sense(msgspec.Struct, frozen=True, tag="sense"):
    """Find out more about the request."""

    name: Literal["request", "complexity"]
    """``request``: what rules can tell, and the conversation so far. ``complexity``: what was learned to read out of
    its words."""


class Note(msgspec.Struct, frozen=True, tag="note"):
    """Keep on the receipt how the target was chosen, or what was planned for a ladder."""

    weighing: Weighing | None = None
    climb: Climb | None = None


class Judge(msgspec.Struct, frozen=True, tag="judge", kw_only=True):
    """Ask a model how hard the request is."""

    target: Target
    timeout_ms: int
    """After this the decision goes on without it."""


class Lookup(msgspec.Struct, frozen=True, tag="lookup", kw_only=True):
    """Look whether the answer is in the response cache, and if so, give it to the client."""

    scope: str
    """Whose entries count: ``key:NAME``, ``team:NAME`` or ``everyone``."""
    exact: bool = True
    """Look for the same request."""
    semantic: SemanticMode = "off"
    """Look for the same question in other words."""
    bypass: str = ""
    """Why the cache is passed by; it is then neither looked into nor added to."""
    refresh: bool = False
    """Do not look: the client wants it anew; the answer is kept."""
    max_age_ms: int | None = None
    """Older entries do not count."""
    ttl_seconds: int | None = None
    """How long the answer is kept; None: as its kind has it."""
    tags: tuple[str, ...] = ()
    """Words under which the answer can be purged."""
    relaxed: bool = False
    """A budget is nearly spent: what is found by meaning may be less alike."""
    keeps: bool = True
    """The answer may be kept, where it is fit for it."""


class Sensed(msgspec.Struct, frozen=True, tag="sensed", kw_only=True):
    """What is known of the request now."""

    features: Features
    session_key: str = ""
    """The conversation's, within its caller's key."""
    session: Session | None = None
    """None when nothing of it is remembered."""
    model_tag: str = ""
    """The model that a tag at the head of the prompt asks for, where it counts (decide.overrides)."""
    signals: tuple[Signal, ...] = ()
    """What the request tells of the conversation's last answer."""


class Noted(msgspec.Struct, frozen=True, tag="noted"):
    """It is kept."""


class Judged(msgspec.Struct, frozen=True, tag="judged", kw_only=True):
    """What the judge said, or why it said nothing. The request goes on in any case."""

    asked: bool = True
    """False where nobody is called: the decision is only explained."""
    said: Tier | Literal[""] = ""
    """The weakest tier that suffices, as the judge has it; empty when it said nothing that counts."""
    fault: str = ""
    """Why not, in words."""
    ms: int = 0
    """How long it took."""


class Hit(msgspec.Struct, frozen=True, tag="hit", kw_only=True):
    """The client has the answer out of the cache."""

    tier: CacheTier
    entry: str


class Miss(msgspec.Struct, frozen=True, tag="miss", kw_only=True):
    """A model is to be asked."""

    why: str = ""


class Held(msgspec.Struct, frozen=True, tag="held", kw_only=True):
    """An answer is there and kept back, all of it or its beginning."""

    of: int
    """The attempt that gave it."""
    why: Why
    score: float | None = None
    """Chance that it is right; None where it was not judged."""
    accept: float = 1.0
    """Chance from which on it is good enough."""
    usable: bool = False
    """It says or calls something: better than none."""
    at_ms: int = 0
    """UTC ms."""

    @property
    def passed(self) -> bool:
        """It is good enough."""
        return self.score is not None and self.score >= self.accept


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """The client has the whole answer."""


class Failed(msgspec.Struct, frozen=True, tag="failed", kw_only=True):
    """The attempt failed. When ``committed``, the client has seen content and nothing may be tried again."""

    failure: Failure
    committed: bool = False
    at_ms: int = 0
    hedged: Failure | None = None
    """What became of the second target, where that was asked too."""
    """UTC ms; looked at only where the client has said how long it waits."""


class Resumed(msgspec.Struct, frozen=True, tag="resumed"):
    """The pause is over."""


class Verdict(msgspec.Struct, frozen=True, tag="verdict", kw_only=True):
    """How the decision ended: answered, or the failure that the client is told of."""

    answered: bool
    failure: Failure | None = None


Step: TypeAlias = Call | Pause | Sense | Judge | Note | Lookup | Consult | Release
StepOutcome: TypeAlias = Answered | Failed | Resumed | Sensed | Judged | Noted | Hit | Miss | Held

"""What can be configured of cascades: ladders of models, each rung judged by gates before the client sees anything."""

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

from tenbin.config.problem import KeyPath
from tenbin.config.section import OneOrMore, Price, Section, TargetName, Whole
from tenbin.config.shape import suggestion
from tenbin.core.features import CATEGORIES, TASK_TYPES

Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""0 to 1."""

GATES = (
    "empty",
    "truncated",
    "repetition",
    "refusal",
    "language",
    "format",
    "tool_calls",
    "json",
    "code",
    "confidence",
    "agreement",
    "relevance",
    "meaning",
)
"""The gates that are built in (docs/gates.md)."""
STANDARD_GATES = tuple(name for name in GATES if name not in ("agreement", "meaning"))
"""Those that ask nobody and take no embedder."""
ENTRY_POINTS = "tenbin.gates"


class GateJudge(Section, frozen=True):
    """A model that marks a rung's answer by a rubric."""

    target: TargetName
    """Who is asked."""
    rubric: list[str] = []
    """What is judged, point by point. Default: docs/gates.md."""
    timeout_ms: OneOrMore = 10_000
    """After this the answer is judged without it."""


class Rung(Section, frozen=True):
    """One model of a ladder."""

    target: TargetName
    """Who answers."""
    accept: Share | None = None
    """Chance of being right from which on its answer is given. Default: ``floor`` of what the top rung is expected to
    reach; for the embedded model, and with a ``calibration``, the threshold learned for the task type."""
    gates: list[str] | None = None
    """What judges its answer. Default: all gates of docs/gates.md that ask nobody."""
    prior: Share | None = None
    """How often it is right on such requests. Default: the quality that is expected of it; for the embedded model, and
    with a ``calibration``, the share learned for the task type."""
    calibration: str | None = None
    """File that ``tenbin eval gates --calibrate`` wrote of this model's answers. Default: the one that comes along."""
    logprobs: bool | None = None
    """Ask for log-probabilities, for the gate ``confidence``; a client that did not ask for them does not see them.
    Default: of llama.cpp and vLLM, which give them."""
    samples: Annotated[int, msgspec.Meta(ge=0, le=8)] = 0
    """Further answers of the same model that are compared with the first one (the gate ``agreement``)."""
    judge: GateJudge | None = None
    """A model that marks the answer. Default: nobody."""


class CascadeConfig(Section, frozen=True):
    """A ladder of models, cheapest first: each answer is judged before the client sees it, and the next rung answers
    when it is not good enough."""

    ladder: list[Rung] = []
    """The rungs, weakest first. The last one's answer is given as it comes, unjudged, but for ``judge_top``."""
    rungs: OneOrMore = 2
    """Under ``routing.climb``: how many targets may answer one request, the chosen one counted."""
    floor: Share = 0.8
    """Good enough is this share of what the top rung is expected to reach."""
    floors: dict[str, Share] = msgspec.field(default_factory=lambda: {"contract_analysis": 0.95})
    """The same for single task types and categories; of several, the highest counts."""
    skip: bool = True
    """Skip rungs that cost more to try than they save: docs/cascade.md has the formula."""
    max_wait_ms: Whole = 0
    """Longest time from a request's arrival for which its answer is held back; 0: as long as it takes."""
    late: Literal["stream", "climb"] = "stream"
    """When that time is over: ``stream`` gives the best answer so far, or the one under way as it comes; ``climb`` goes
    straight to the top rung, unjudged."""
    hold_tokens: Whole = 64
    """With tools offered, only so much of a streamed answer is held: its first complete tool call, or so many tokens.
    0: the whole answer is."""
    opinions_usd: Price = 0.002
    """What further samples and judges of one request may cost together, as expected, USD."""
    judge_top: bool = False
    """Where a rung's answer was refused, hold the last rung's back and judge it too, and give the best of all answers.
    The last one is then not streamed as it comes."""


Mistake: TypeAlias = tuple[KeyPath, str, str]
"""Where, what is wrong, how to mend it."""


def cascade_mistakes(path: KeyPath, cascade: CascadeConfig, *, has_ladder: bool) -> Iterator[Mistake]:
    """All mistakes of one block that do not concern targets."""
    if has_ladder and not cascade.ladder:
        yield path, "this cascade has no rung", "Give it a ladder: [{target: provider/model}, ...]."
    if not has_ladder and cascade.ladder:
        where: KeyPath = (*path, "ladder")
        yield where, "what is weighed has no fixed ladder", "Remove it, or write it under `cascades`."
    known = {*CATEGORIES, *TASK_TYPES}
    for word in cascade.floors:
        if word not in known:
            message = f"{word} is neither a category nor a task type"
            yield (*path, "floors", word), message, suggestion(word, known)
    for number, rung in enumerate(cascade.ladder):
        for place, name in enumerate(rung.gates or ()):
            if name not in (found := gate_names()):
                yield (*path, "ladder", number, "gates", place), f"there is no gate {name}", suggestion(name, found)
        if rung.calibration is not None and not Path(rung.calibration).is_file():
            message = f"there is no file {rung.calibration}"
            fix = "Write it with `tenbin eval gates --data DIR --calibrate FILE`."
            yield (*path, "ladder", number, "calibration"), message, fix


def gate_names() -> set[str]:
    """The gates that are built in or installed."""
    return {*GATES, *(entry.name for entry in entry_points(group=ENTRY_POINTS))}

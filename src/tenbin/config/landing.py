"""The soft landing as it is configured: what is done with less as a budget empties, and when no turn is begun.

docs/landing.md says what each effect does, and what the standard stages are.
"""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from tenbin.config.problem import KeyPath
from tenbin.config.section import OneOrMore, Section
from tenbin.core.features import Tier
from tenbin.core.landing import Effort

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Pace = Annotated[float, msgspec.Meta(gt=0)]

Mistake = tuple[KeyPath, str, str]
"""Where, what is wrong, how to mend it."""


class LandingPause(Section, frozen=True):
    """Requests that are not needed and wait until the window begins anew. One match is enough; they are told by 429
    until when. In all of them ``*`` stands for any characters."""

    keys: list[str] = []
    """Names or ids of keys; ``local`` is a caller without one."""
    tags: list[str] = []
    """Tags of keys."""
    names: list[str] = []
    """Requested model names."""
    paths: list[str] = []
    """Paths, such as ``/v1/embeddings``."""
    clients: list[str] = []
    """User-Agents."""

    @property
    def anything(self) -> bool:
        """Whether anything is named at all."""
        return bool(self.keys or self.tags or self.names or self.paths or self.clients)


class LandingStage(Section, frozen=True):
    """What is done from a certain point on. Whoever reaches a stage has reached those before it; a stage only adds."""

    at: Share
    """Share of a budget, spent or set aside, from which on it holds for everybody whom that budget counts."""
    pace: Pace | None = None
    """Of a budget of a week or a month: only while it is spent so many times faster than the window passes."""
    models: dict[str, str] = {}
    """Models and what stands in for them: a name or ``provider/model`` in which ``*`` stands for any characters, and a
    name or ``provider/model``. Only what is cheaper stands in for anything."""
    floor: Share | None = None
    """Most quality that weighing demands, whatever rules and headers say."""
    tier: Tier | None = None
    """Strongest tier that weighing chooses from, where anybody in it can serve the request."""
    effort: Effort | None = None
    """Highest effort."""
    max_tokens: OneOrMore | None = None
    """Most output tokens of an answer."""
    cache: bool = False
    """The response cache answers questions that are less alike: ``strict`` becomes ``balanced`` (0.95 becomes 0.90)."""
    background: bool = False
    """Spend nothing on shadow evaluation, keep-alive reads, hedging and exploration."""
    user_limits: Share = 1.0
    """Share of their plans' daily limits that is left to users."""
    pause: LandingPause = LandingPause()
    """What waits until the window begins anew."""
    inside_turns: bool = False
    """``models``, ``floor``, ``tier`` and ``effort`` also change turns that had begun before the stage was reached.
    Default: only new turns, since another model has to read the whole prompt anew."""


class LandingConfig(Section, frozen=True):
    """What is done as a budget empties."""

    stages: list[LandingStage] = []
    """What is done from when on. Nothing given: the standard stages of docs/landing.md."""
    stop_at: Share = 0.97
    """Share of a hard budget from which on no new turn is begun. A turn under way (its last message brings results of
    tools) goes on up to the limit itself. 1: it is stopped by the limit alone."""


STANDARD = (
    LandingStage(at=0.7, cache=True, background=True),
    LandingStage(
        at=0.8,
        models={
            "*opus*": "claude-sonnet-5-5",
            "*fable*": "claude-sonnet-5-5",
            "gpt-6-astra*": "gpt-6.1-sol",
        },
        floor=0.7,
        tier="high",
        effort="medium",
    ),
    LandingStage(
        at=0.9,
        models={
            "*opus*": "claude-haiku-5-5",
            "*fable*": "claude-haiku-5-5",
            "*sonnet*": "claude-haiku-5-5",
            "gpt-6*": "gpt-6-luna",
            "gemini-4-argon*": "gemini-3.8-flash",
        },
        floor=0.5,
        tier="medium",
        effort="low",
        max_tokens=16_000,
        user_limits=0.5,
        pause=LandingPause(tags=["nonessential"]),
        inside_turns=True,
    ),
)
"""The stages where none are given."""


def landing_of(settings: bool | LandingConfig) -> LandingConfig | None:
    """The settings in force, the standard stages filled in; None where it is switched off."""
    if isinstance(settings, bool):
        return LandingConfig(stages=list(STANDARD)) if settings else None
    return settings if settings.stages else msgspec.structs.replace(settings, stages=list(STANDARD))


def landing_mistakes(settings: bool | LandingConfig, path: KeyPath = ("spending", "landing")) -> Iterator[Mistake]:
    """All mistakes of the block."""
    if isinstance(settings, bool):
        return
    before = 0.0
    for number, stage in enumerate(settings.stages):
        where = (*path, "stages", number)
        if stage.at < before:
            message = f"this stage begins at {stage.at:g}, the one before it at {before:g}"
            yield (*where, "at"), message, "Put the stages in the order in which they are reached."
        before = max(before, stage.at)
        if stage.at > settings.stop_at:
            message = f"new turns are refused from {settings.stop_at:g} on: this stage would change nothing"
            yield (*where, "at"), message, "Let it begin before `stop_at`."
        if _does_nothing(stage):
            yield where, "this stage changes nothing", "Give it an effect: models, floor, effort, pause ..."
        for pattern, name in stage.models.items():
            if not pattern or not name or "*" in name:
                message = "what stands in for a model must be one name"
                yield (*where, "models", pattern), message, 'Write it like `"*opus*": claude-sonnet-5-5`.'


def _does_nothing(stage: LandingStage) -> bool:
    plain = msgspec.structs.replace(stage, at=0.0, pace=None, inside_turns=False)
    return plain == LandingStage(at=0.0)

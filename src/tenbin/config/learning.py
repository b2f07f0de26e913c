"""What can be configured of learning from one's own traffic, and of stepping up while a conversation goes wrong."""

from typing import Annotated

import msgspec

from tenbin.config.section import OneOrMore, Price, Section, TargetName, Whole

Weight = Annotated[float, msgspec.Meta(ge=0, le=10)]
"""Trials that a signal counts as."""


class Learning(Section, frozen=True):
    """What is learned of models in one's own traffic (docs/evidence.md)."""

    evidence: bool = False
    """Count what tool results, people, gates and feedback say of earlier answers, and let it move the expected quality
    of models."""
    pooled: bool = False
    """One key's evidence counts for all keys. Takes effect at the next start."""
    weights: dict[str, Weight] = {}
    """By kind of signal, trials that it counts as, in place of those of docs/evidence.md; 0 for not at all."""
    comments: bool = False
    """Keep the comments of feedback in the ledger. They are content; without this they are dropped."""


class StepUp(Section, frozen=True):
    """Moves a conversation up a ladder of models while tool results say that the present one fails
    (docs/evidence.md). For requests that are weighed."""

    ladder: list[TargetName] = []
    """The rungs, the weakest first. Default: nobody steps up."""
    after: OneOrMore = 2
    """Answers in a row that failed until the next rung is taken."""
    back_after: Whole = 8
    """Answers in a row that did not fail until it goes down one rung again, at a turn of the person's or when nothing
    is warm. Doubles each time that it had to come up again. 0: never within the conversation."""
    max_usd: Price | None = None
    """A step is not taken when the first answer there, its cache written anew, is expected to cost more than this.
    Default: no limit."""

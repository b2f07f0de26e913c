"""4. What flow and cascade have in common when a target fails: is there time for another try, and what is told."""

from tenbin.core.facts import Facts
from tenbin.core.problems import Failure
from tenbin.core.steps import Failed


def too_late(failed: Failed, pause_ms: int, facts: Facts) -> bool:
    """Nobody would wait for the next try."""
    return facts.deadline_ms is not None and failed.at_ms + pause_ms >= facts.deadline_ms


def worth_telling(before: Failure | None, failure: Failure) -> Failure:
    """Of several targets' failures the one that the caller is told: the first, unless only a later one helps them.

    The first target is the one that was meant; but that it cannot be spoken to says less than that a prompt is
    too long or a limit is reached somewhere.
    """
    if before is None or (before.kind in ("unreachable", "inexpressible") and failure.kind != "unreachable"):
        return failure
    return before

"""4. The error budget of answers served by meaning: how many were confirmed wrong, and whether a scope may go on.

Pure folds over verdicts: the same verdicts in the same order always lead to the same standing, so that it can be built
again from the ledger.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["right", "wrong"]
"""What came of comparing a served, or would-be served, answer with a fresh one, or of a caller's word."""

BUDGET = 0.02
"""Share of wrong answers among those served that is put up with, unless configured."""
Z = 1.96
"""Wilson's interval at 95 %."""
LEAST = 200
"""Verdicts from which on a share is taken at its word, and that a scope in shadow needs before it serves again."""
FORGETTING = 2_000
"""Verdicts after which the older ones count half: what was wrong a month ago may be mended."""
RAISE = 0.01
"""By so much above the similarity of a bad hit an entry's question must be alike from then on."""
UNREACHABLE = 1.01
"""More than any cosine: the entry is served no more."""


class Standing(msgspec.Struct, frozen=True):
    """What is known of a scope's answers by meaning."""

    right: float = 0.0
    wrong: float = 0.0
    serving: bool = True
    """False: fallen back to shadow."""

    @property
    def judged(self) -> float:
        """Verdicts, older ones counting less."""
        return self.right + self.wrong


def wilson(wrong: float, judged: float, z: float = Z) -> tuple[float, float]:
    """The interval of a share (Wilson 1927), 0..1; (0, 1) where nothing was judged."""
    if judged <= 0:
        return 0.0, 1.0
    share = wrong / judged
    middle = (share + z * z / (2 * judged)) / (1 + z * z / judged)
    spread = z / (1 + z * z / judged) * math.sqrt(share * (1 - share) / judged + z * z / (4 * judged * judged))
    return max(0.0, middle - spread), min(1.0, middle + spread)


def told(standing: Standing, verdict: Verdict, budget: float = BUDGET) -> Standing:
    """The standing after one more verdict, of a served answer or of one that would have been.

    A scope stops serving when its error is surely past the budget (Wilson's lower bound: one wrong answer among the
    first eight is enough at 2 %), or after LEAST verdicts when it is past it. It serves again when the error is surely
    within it (the upper bound), so that it does not waver between the two.
    """
    fade = 0.5 ** (1 / FORGETTING)
    right = standing.right * fade + (verdict == "right")
    wrong = standing.wrong * fade + (verdict == "wrong")
    judged = right + wrong
    low, high = wilson(wrong, judged)
    enough = judged >= LEAST
    if standing.serving:
        serving = low <= budget and not (enough and wrong > budget * judged)
    else:
        serving = enough and high <= budget
    return Standing(right, wrong, serving)


def fold(verdicts: Iterable[Verdict], budget: float = BUDGET, begin: Standing | None = None) -> Standing:
    """The standing after all of these verdicts, in order."""
    standing = begin or Standing()
    for verdict in verdicts:
        standing = told(standing, verdict, budget)
    return standing


def may_serve(verdicts: Iterable[Verdict], budget: float = BUDGET) -> bool:
    """Whether a scope with these verdicts may serve; if not, it is in shadow."""
    return fold(verdicts, budget).serving


class BadHit(msgspec.Struct, frozen=True):
    """A served answer that was confirmed to be wrong."""

    entry: str
    similarity: float
    """Of the question that it was served for, cosine."""


def demands(bad_hits: Iterable[BadHit], drop: bool = True) -> Mapping[str, float]:
    """Entry -> least cosine that it demands from now on. With ``drop`` a bad hit kills the entry; otherwise it must be
    more alike than the question it failed.
    """
    found: dict[str, float] = {}
    for hit in bad_hits:
        least = UNREACHABLE if drop else min(UNREACHABLE, hit.similarity + RAISE)
        found[hit.entry] = max(found.get(hit.entry, 0.0), least)
    return found

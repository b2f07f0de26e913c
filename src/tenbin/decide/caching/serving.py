"""4. Whether a cached answer is served for another question: the guard's word first, then how alike the two are.

Pure. Everything that decides is an argument, so that a receipt can tell why, and a replay decides the same.
"""

import math

import msgspec

from tenbin.core.agreement import Agreement
from tenbin.decide.caching.thresholds import DECLARED, RELAXED, Chance, Profile, thresholds

_MOST_LEFT = 6


class Serving(msgspec.Struct, frozen=True, gc=False):
    """Whether the answer is served, and why."""

    serve: bool
    why: str
    """`served`, or what stood against it: `not alike enough`, `number: 2023 / 2024`."""
    threshold: float
    """Least cosine that was asked for."""
    chance: float
    """That the answer is right, 0..1, as estimated; the cosine itself where nothing was learned of the embedder."""


def judge(
    similarity: float,
    agreement: Agreement,
    *,
    embedder: str,
    language: str,
    profile: Profile = "balanced",
    least_similarity: float = 0.0,
    least_chance: float = 0.0,
    budget_critical: bool = False,
) -> Serving:
    """Decide on one candidate.

    ``similarity`` is the cosine, -1..1; ``least_similarity`` only raises what the profile demands (an operator's floor,
    or what an entry demands after a bad hit); so does ``least_chance``, which is off unless asked for: measured, it
    tells no more than cosine and guard do. ``budget_critical`` relaxes `strict` to `balanced`.
    """
    if budget_critical:
        profile = RELAXED[profile]
    learned = thresholds(embedder, language)
    least = max(least_similarity, learned.similarity[profile] if learned else DECLARED[profile])
    chance = chance_of(similarity, agreement, learned.score) if learned else max(0.0, min(1.0, similarity))
    if not agreement.agrees:
        first = agreement.differences[0]
        return Serving(False, f"{first.kind}: {first.words}", least, chance)
    if not similarity >= least:
        return Serving(False, "not alike enough", least, chance)
    if chance < least_chance:
        return Serving(False, "not sure enough", least, chance)
    return Serving(True, "served", least, chance)


def chance_of(similarity: float, agreement: Agreement, score: Chance) -> float:
    """The chance that the answer is right, 0..1, by the logistic score."""
    odds = (
        score.intercept
        + score.similarity * 10 * (similarity - 0.9)
        + score.overlap * agreement.overlap
        + score.agrees * agreement.agrees
        + score.left * min(agreement.left_known + agreement.left_asked, _MOST_LEFT)
    )
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def features(similarity: float, agreement: Agreement) -> tuple[float, float, float, float]:
    """What the score weighs, in the order of Chance's weights: what a training script fits."""
    return (
        10 * (similarity - 0.9),
        agreement.overlap,
        float(agreement.agrees),
        float(min(agreement.left_known + agreement.left_asked, _MOST_LEFT)),
    )

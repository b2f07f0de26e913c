"""4. "Send x per cent to the strong model": a threshold that follows the difficulty of one's own recent requests.

A fold of the scores that were seen: a ring of the latest ones, and the quantile above which the share lies. No chance
is drawn; where many requests have the same score, every so-manieth of them goes to the strong model.
"""

import msgspec

from tenbin.core.features import Features

REMEMBERED = 1_000
"""Latest scores that the threshold is taken from."""
RENEWED = 16
"""The threshold is taken anew after so many scores (after each one at first)."""

MOST_CREDIT = 10.0
"""Requests by which the share may lag or lead before it is let go."""


class StrongShare(msgspec.Struct, frozen=True, gc=False):
    """What is remembered of recent requests."""

    scores: tuple[float, ...] = ()
    """A ring: the oldest one is overwritten."""
    seen: int = 0
    """Scores ever folded in."""
    threshold: float = 0.0
    """Requests above it are among the hardest, those below are not."""
    credit: float = 0.0
    """How many more requests should have gone to the strong model than did, while equal scores are shared out."""


NOTHING_SEEN = StrongShare()


def score(features: Features) -> float:
    """How hard a request is, 0..1: the chance that a typical model fails, averaged over the tiers but the highest."""
    low, medium, high, _ = features.suffices
    return round(1 - (low + medium + high) / 3, 6)


def strong(state: StrongShare, share: float, score: float) -> bool:
    """Whether a request of this score goes to the strong model. ``share`` is 0..1."""
    if share <= 0 or share >= 1:
        return share >= 1
    if state.seen and score != state.threshold:
        return score > state.threshold
    return state.credit + share >= 0.5


def fold(state: StrongShare, share: float, score: float) -> StrongShare:
    """The state after a request of this score was decided with ``strong``."""
    sent = strong(state, share, score)
    if state.seen < REMEMBERED:
        scores = (*state.scores, score)
    else:
        place = state.seen % REMEMBERED
        scores = (*state.scores[:place], score, *state.scores[place + 1 :])
    seen = state.seen + 1
    threshold = state.threshold
    if seen <= RENEWED or seen % RENEWED == 0:
        threshold = _quantile(scores, share)
    # Bounded: a long stretch in which all scores lie on one side of the threshold is not made up for later.
    credit = min(max(state.credit + share - sent, -MOST_CREDIT), MOST_CREDIT)
    return StrongShare(scores, seen, threshold, credit)


def _quantile(scores: tuple[float, ...], share: float) -> float:
    """The score that the share lies above."""
    ordered = sorted(scores)
    return ordered[min(int(len(ordered) * (1 - share)), len(ordered) - 1)]

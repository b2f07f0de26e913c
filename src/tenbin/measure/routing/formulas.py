"""The measures of a router between two models (RouteLLM's), and bootstrap intervals over questions.

Definitions: RouteLLM (arXiv 2406.18665, section 5.1) and its ``evaluate.py``. Everything is over arrays whose last axis
runs over questions, or over the eleven points of a curve; axes before it are resamples.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHARES = 10
"""Thresholds stand at the deciles of the scores: eleven points of a curve, nobody to the strong model ... everybody."""
FEWEST_ROWS = 10
"""Below this there is no decile, and nothing to be said."""
RANDOM_ORDERS = 200
"""Random rankings whose mean stands for a random router."""
CHUNK = 4_000_000
"""Resampled values held at once: 32 MB."""


class Estimate(NamedTuple):
    """A measure with its 95 % bootstrap interval; ``low`` and ``high`` are NaN where none was drawn."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


class Curve(NamedTuple):
    """Mean quality against the share of questions that go to the strong model."""

    share: Floats
    """0..1, rising, from none to all."""
    quality: Floats
    """(..., 11)."""
    weak: Floats
    """(...): mean quality of always-weak."""
    strong: Floats
    """(...): mean quality of always-strong."""


def ranking(scores: Floats, ties: Ints) -> Ints:
    """Question numbers, those that need the strong model most first; equal scores in the order of ``ties``.

    RouteLLM's thresholds cannot be placed among equal scores (``pandas.qcut`` fails). What breaks the ties must know
    nothing of the outcome, the order of the file included: a digest of the prompt does.
    """
    return np.lexsort((ties, -scores))


def strong_counts(questions: int) -> Ints:
    """How many questions go to the strong model at each of the eleven thresholds, fewest first.

    The thresholds are the deciles of the scores, lowest and highest included, and a question goes to the strong model
    when its score is not below; at the highest threshold none does.
    """
    below = [-(-(questions - 1) * decile // SHARES) for decile in range(SHARES)]
    return np.array([questions - count for count in below] + [0], dtype=np.int64)[::-1]


def curve(weak: Floats, strong: Floats) -> Curve:
    """The curve of questions (..., n) that stand in the order of their ranking."""
    questions = weak.shape[-1]
    counts = strong_counts(questions)
    won = np.cumsum(strong - weak, axis=-1)
    won = np.concatenate([np.zeros((*won.shape[:-1], 1)), won], axis=-1)
    always_weak = weak.mean(axis=-1)
    quality = always_weak[..., None] + won[..., counts] / questions
    return Curve(counts / questions, quality, always_weak, strong.mean(axis=-1))


def recovered(quality: Floats, weak: Floats, strong: Floats) -> Floats:
    """PGR: the part of the gap between weak and strong that a quality recovers; NaN where there is no gap."""
    gap = np.asarray(strong - weak, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        part: Floats = np.where(gap > 0, (quality - weak) / gap, np.nan)
    return part


def apgr(of: Curve) -> Floats:
    """APGR: the gap recovered, averaged over all shares of strong calls. A random router has 0.5.

    NaN where the strong model is not better.
    """
    return recovered(np.asarray(np.trapezoid(of.quality, of.share, axis=-1)), of.weak, of.strong)


def cpt(of: Curve, part: float) -> Floats:
    """CPT: the least share of strong calls, in per cent, with which this part (0..1) of the gap is recovered.

    Linear between the points. RouteLLM interpolates with ``np.interp``, which needs a quality that only rises; where
    it does, this is the same. Where it does not, this is the first crossing. NaN where the strong model is not better.
    """
    gap = of.strong - of.weak
    wanted = (of.weak + part * gap)[..., None]
    reached = of.quality >= wanted
    last = np.argmax(reached, axis=-1)[..., None]
    first = np.maximum(last - 1, 0)
    low = np.take_along_axis(of.quality, first, axis=-1)
    rise = np.take_along_axis(of.quality, last, axis=-1) - low
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.where(rise > 0, (wanted - low) / rise, 0.0)
    share = of.share[first] + along * (of.share[last] - of.share[first])
    return np.where((gap > 0) & reached.any(axis=-1), 100.0 * share[..., 0], np.nan)


def quality_at(of: Curve, share: float) -> Floats:
    """Mean quality with this share (0..1) of the questions sent to the strong model, linear between the points."""
    above = int(np.clip(np.searchsorted(of.share, share), 1, len(of.share) - 1))
    along = (share - of.share[above - 1]) / (of.share[above] - of.share[above - 1])
    quality: Floats = of.quality[..., above - 1] * (1 - along) + of.quality[..., above] * along
    return quality


def resamples(questions: int, draws: int, generator: np.random.Generator) -> Iterator[Ints]:
    """Question numbers drawn with replacement, (some of the draws, n) at a time."""
    at_once = max(1, CHUNK // questions)
    for begun in range(0, draws, at_once):
        yield generator.integers(0, questions, (min(at_once, draws - begun), questions))


def interval(value: float, drawn: Floats) -> Estimate:
    """A measure and the middle 95 % of what resamples gave. None where one resample in twenty has no value."""
    known = drawn[np.isfinite(drawn)]
    if len(known) < 0.95 * max(len(drawn), 1) or len(known) < 2 or not np.isfinite(value):
        return Estimate(value)
    low, high = np.quantile(known, (0.025, 0.975))
    return Estimate(value, float(low), float(high))


class Ranked(NamedTuple):
    """What is measured of a ranking, each with its interval."""

    apgr: Estimate
    cpt50: Estimate
    cpt80: Estimate
    half: Estimate
    """Mean quality with half of the questions sent to the strong model."""


MEASURED: tuple[Callable[[Curve], Floats], ...] = (
    apgr,
    lambda of: cpt(of, 0.5),
    lambda of: cpt(of, 0.8),
    lambda of: quality_at(of, 0.5),
)


def ranked(order: Ints | None, weak: Floats, strong: Floats, draws: int, seed: int) -> Ranked:
    """The measures of a ranking of the questions, or of random ones (None): of these the mean over many.

    The same seed draws the same questions for every ranking, so that intervals can be compared.
    """
    generator = np.random.default_rng(seed)
    place = np.empty(len(weak), dtype=np.int64)
    if order is not None:
        place[order] = np.arange(len(weak))
        weak, strong = weak[order], strong[order]
    drawn: list[list[Any]] = [[] for _ in MEASURED]
    for chosen in resamples(len(weak), draws, generator):
        # Drawn numbers stand in a random order: for a random ranking nothing else is needed.
        rows = np.sort(place[chosen], axis=-1) if order is not None else chosen
        of = curve(weak[rows], strong[rows])
        for values, measure in zip(drawn, MEASURED, strict=True):
            values.append(measure(of))
    samples = [np.concatenate(values) if values else np.empty(0) for values in drawn]
    if order is None:
        shuffled = generator.permuted(np.tile(np.arange(len(weak)), (RANDOM_ORDERS, 1)), axis=1)
        of = curve(weak[shuffled], strong[shuffled])
        values = [float(np.mean(measure(of))) for measure in MEASURED]
    else:
        values = [float(measure(curve(weak, strong))) for measure in MEASURED]
    return Ranked(*(interval(value, each) for value, each in zip(values, samples, strict=True)))


# Labels


def accuracy(true: Ints, told: Ints) -> float:
    """Share of questions whose label was told right."""
    return float((true == told).mean())


def macro_f1(true: Ints, told: Ints, labels: int) -> float:
    """Mean over the labels that occur in truth of the harmonic mean of precision and recall.

    Labels are 0 ... ``labels`` - 1; a label that is told but never true costs the others their precision or recall and
    is not averaged itself.
    """
    pairs = np.bincount(true * labels + told, minlength=labels * labels).reshape(labels, labels)
    right, of_truth, of_told = pairs.diagonal(), pairs.sum(axis=1), pairs.sum(axis=0)
    occurs = of_truth > 0
    return float((2 * right[occurs] / (of_truth + of_told)[occurs]).mean())


def spearman(first: Floats, second: Floats) -> float:
    """Correlation of the ranks, equal values sharing their mean rank; NaN where one side is all equal."""
    one, other = _ranks(first), _ranks(second)
    one, other = one - one.mean(), other - other.mean()
    spread = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / spread if spread > 0 else float("nan")


def _ranks(values: Floats) -> Floats:
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[which]


def estimated(measure: Callable[[Ints], float], questions: int, draws: int, seed: int) -> Estimate:
    """A measure over chosen question numbers, with its interval."""
    generator = np.random.default_rng(seed)
    drawn = [measure(row) for chosen in resamples(questions, draws, generator) for row in chosen]
    return interval(measure(np.arange(questions)), np.array(drawn))

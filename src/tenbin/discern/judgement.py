"""2. From a text's numbers to what is thought of it: task, domain, and how much a strong model would gain.

Imports numpy: only what was asked to discern imports this module. Pure: the same numbers, the same judgement.
"""

from typing import NamedTuple

import numpy as np

from tenbin.core.features import TASK_TYPES
from tenbin.discern.features import NAMES, Reading
from tenbin.discern.weights import EXAM, HEADS, LABELLED, MATHEMATICS, TASKS, Floats, Weights

FARTHEST = 4.0
"""Standard deviations beyond which a count tells no more."""
FEWEST_OPTIONS = 3
"""From which on a question with lettered options is taken for an exam's."""
_CHARACTERS = NAMES.index("characters")
_OPTIONS = NAMES.index("options")
_SIGNAL_COUNTS = [
    NAMES.index(name)
    for name in ("characters", "words", "numbers", "group_hard", "group_reason", "group_quantity", "group_code")
]
SIGNALS = 7 + len(_SIGNAL_COUNTS)
"""Signals of the tiers beside the tasks' and domains' chances."""
_CODING = [
    TASK_TYPES.index(task) for task in ("code_generation", "refactoring", "test_writing", "debugging", "planning")
]
_HARD = NAMES.index("group_hard")
_MATHEMATICAL = TASK_TYPES.index("mathematics")


class Judgement(NamedTuple):
    """What is thought of a text."""

    tasks: Floats
    """Chance of each task."""
    domains: Floats
    """Chance of each domain."""
    gain: float
    """How much better a strong model is expected to do, about 0..1: what requests are ranked by."""
    signals: Floats
    """What the tiers' chances are computed from."""


def judged(reading: Reading, weights: Weights) -> Judgement:
    """Task, domain and gain of a text."""
    standard = (reading.counts - weights.centre) * weights.scale
    np.minimum(np.maximum(standard, -FARTHEST), FARTHEST, out=standard)
    summed = weights.grams[reading.grams].sum(axis=0)
    linear = summed[:HEADS] / max(float(summed[HEADS]), 1e-6) ** 0.5
    logits = linear + standard @ weights.counts + weights.intercept
    tasks = _softmax(logits[TASKS] * weights.temperature[0])
    domains = _softmax(logits[LABELLED] * weights.temperature[1])
    logarithms = np.log(tasks + np.float32(1e-3))
    mathematical = float(tasks[_MATHEMATICAL])
    exam = (
        float(weights.blend[0])
        + float(weights.blend[1]) * trees(reading.counts, weights)
        + float(weights.blend[2]) * float(linear[EXAM])
        + float(weights.blend[3]) * float(reading.counts[_CHARACTERS])
    )
    problem = (
        float(weights.blend[4])
        + float(weights.blend[5]) * float(linear[MATHEMATICS])
        + float(weights.blend[6]) * float(reading.counts[_CHARACTERS])
    )
    if reading.options >= FEWEST_OPTIONS:
        gain = exam
    elif reading.language == "ja":
        gain = float(tasks @ weights.prior + weights.japanese[0] + logarithms @ weights.japanese[1:])
    else:
        gain = float(tasks @ weights.prior + standard @ weights.emphasis) + mathematical * problem
    is_exam = reading.options >= FEWEST_OPTIONS
    is_japanese = reading.language == "ja"
    kinds = [is_exam, is_exam * exam, is_japanese, is_japanese * gain, (not (is_exam or is_japanese)) * gain]
    coding = float(tasks[_CODING].sum())
    kinds += [coding * float(standard[_HARD]), coding * float(standard[_CHARACTERS])]
    signals = np.concatenate(
        (
            logarithms,
            domains,
            np.array(kinds, np.float32),
            standard[_SIGNAL_COUNTS],
        )
    )
    return Judgement(tasks, domains, gain, signals)


def trees(counts: Floats, weights: Weights) -> float:
    """The sum of all regression trees, each of three levels."""
    features, thresholds = weights.tree_features, weights.tree_thresholds
    rows = np.arange(len(features))
    node = np.zeros(len(features), np.intp)
    for _ in range(3):
        node = 2 * node + 1 + (counts[features[rows, node]] > thresholds[rows, node])
    return float(weights.tree_leaves[8 * rows + node - 7].sum())


def tier_chances(judgement: Judgement, weights: Weights) -> tuple[float, float, float, float]:
    """For each tier, weakest first, the chance that a typical model of it answers well enough. Never falling."""
    height = float(weights.tiers[0] + judgement.signals @ weights.tiers[1:])
    low, medium, high, highest = (1 / (1 + np.exp(-np.clip(height + weights.ability, -30, 30)))).tolist()
    return low, max(low, medium), max(low, medium, high), max(low, medium, high, highest)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max())
    chances: Floats = powers / powers.sum()
    return chances

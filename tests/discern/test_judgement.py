"""From numbers to a judgement: the trees, the gate between exam and open request, the tiers' chances."""

import numpy as np

from tenbin.discern.features import NAMES, read
from tenbin.discern.judgement import SIGNALS, judged, tier_chances, trees
from tenbin.discern.weights import load

EXAM = "What is the pH of pure water?\nA. 1\nB. 5\nC. 7\nD. 14\nAnswer:"


def walked(counts: np.ndarray, features: np.ndarray, thresholds: np.ndarray, leaves: np.ndarray) -> float:
    """One tree, node by node."""
    node = 0
    while node < 7:
        node = 2 * node + (2 if counts[features[node]] > thresholds[node] else 1)
    return float(leaves[node - 7])


def test_all_trees_at_once_say_what_each_says() -> None:
    weights = load()
    leaves = weights.tree_leaves.reshape(-1, 8)
    for text in (EXAM, "hello", "", "Prove that 2 + 2 = 4. " * 40):
        counts = read(text).counts
        one_by_one = sum(
            walked(counts, *tree) for tree in zip(weights.tree_features, weights.tree_thresholds, leaves, strict=True)
        )
        assert np.isclose(trees(counts, weights), one_by_one, atol=1e-4)


def test_places_agree_with_the_lists() -> None:
    weights = load()
    judgement = judged(read(EXAM), weights)
    assert judgement.signals.shape == weights.tiers[1:].shape
    assert len(judgement.signals) == len(judgement.tasks) + len(judgement.domains) + SIGNALS
    assert np.isclose(judgement.tasks.sum(), 1)
    assert np.isclose(judgement.domains.sum(), 1)


def test_an_exam_question_is_ranked_by_what_was_learned_of_exams() -> None:
    weights = load()
    other = weights._replace(prior=weights.prior + 1)
    assert judged(read(EXAM), weights).gain == judged(read(EXAM), other).gain
    assert judged(read("Write a poem"), weights).gain != judged(read("Write a poem"), other).gain


def test_tiers_never_fall_whatever_the_weights_say() -> None:
    weights = load()._replace(ability=np.array([0.0, 1.0, -1.0, 5.0], np.float32))
    chances = tier_chances(judged(read(EXAM), weights), weights)
    assert list(chances) == sorted(chances)
    assert all(0 <= chance <= 1 for chance in chances)


def test_counts_far_outside_what_was_trained_on_are_bounded() -> None:
    weights = load()
    strange = read("\n" * 5_000 + "$" * 900)
    assert np.isfinite(judged(strange, weights).signals).all()
    assert NAMES[0] == "characters"

"""Fitting of each part: linear heads for tasks and domains, gains of exams, word problems and Japanese requests, tiers."""

from collections import Counter
from typing import NamedTuple

import lightgbm
import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge

from tenbin.discern.features import NAMES
from training.readings import Floats, Readings, Scaling

COUNT_WEIGHT = 0.04
"""How loud a standard deviation of a count is beside a unit-length row of letter groups."""
SEED = 20261122
CHARACTERS = NAMES.index("characters")


class Linear(NamedTuple):
    """Weights of several heads."""

    grams: Floats
    """(buckets, heads), for rows of unit length."""
    counts: Floats
    """(counts, heads), for standardised counts."""
    intercept: Floats

    def heights(self, found: Readings, scaling: Scaling) -> Floats:
        """Logits, (rows, heads)."""
        heights: Floats = scaling.grams(found) @ self.grams + scaling.counts(found) @ self.counts + self.intercept
        return heights


def label_weights(labels: list[str], sources: list[str]) -> Floats:
    """Weights by which neither a large template nor a large class drowns the others."""
    rows = Counter(sources)
    weights = np.array([rows[source] ** -0.7 for source in sources])
    total: dict[str, float] = {}
    for label, weight in zip(labels, weights, strict=True):
        total[label] = total.get(label, 0.0) + weight
    weights *= np.array([total[label] ** -0.5 for label in labels])
    weights *= np.array([0.6 if source.startswith("own:") else 1.0 for source in sources])
    return weights / weights.mean()


def classifier(
    found: Readings, labels: list[str], sources: list[str], classes: tuple[str, ...], scaling: Scaling, c: float
) -> Linear:
    """A multinomial logistic regression; a class without rows is never chosen."""
    design = sparse.hstack([scaling.grams(found), sparse.csr_matrix(scaling.counts(found) * COUNT_WEIGHT)]).tocsr()
    fitted = LogisticRegression(C=c, max_iter=300, tol=1e-3)
    fitted.fit(design, labels, sample_weight=label_weights(labels, sources))
    buckets = found.grams.shape[1]
    weights = np.zeros((design.shape[1], len(classes)))
    intercept = np.full(len(classes), -20.0)
    for row, label in enumerate(fitted.classes_):
        weights[:, classes.index(label)] = fitted.coef_[row]
        intercept[classes.index(label)] = fitted.intercept_[row]
    return Linear(weights[:buckets], weights[buckets:] * COUNT_WEIGHT, intercept)


def softmax(heights: Floats) -> Floats:
    """Chances of logits, row by row."""
    powers = np.exp(heights - heights.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def temperature(heights: Floats, labels: NDArray[np.intp], weights: Floats) -> float:
    """By what logits are multiplied so that the likelihood of held-out labels is greatest."""
    choices = np.geomspace(0.3, 4, 60)
    rows = np.arange(len(labels))
    losses = [
        -(weights * np.log(softmax(heights * choice)[rows, labels] + 1e-9)).sum() / weights.sum() for choice in choices
    ]
    return float(choices[int(np.argmin(losses))])


def gram_ridge(found: Readings, target: Floats, scaling: Scaling, strength: float) -> tuple[Floats, float]:
    """Weights of the buckets, and an intercept, for a number to be foretold."""
    fitted = Ridge(strength, solver="lsqr", tol=1e-5).fit(scaling.grams(found), target)
    return fitted.coef_, float(fitted.intercept_)


class Trees(NamedTuple):
    """Regression trees of three levels, all nodes present."""

    features: NDArray[np.intp]
    """(trees, 7)"""
    thresholds: Floats
    """(trees, 7)"""
    leaves: Floats
    """(trees, 8)"""

    def sums(self, counts: NDArray[np.float32]) -> Floats:
        """What all trees say together of each row."""
        total = np.zeros(len(counts))
        rows = np.arange(len(counts))
        for features, thresholds, leaves in zip(
            self.features, self.thresholds.astype(np.float32), self.leaves.astype(np.float32), strict=True
        ):
            node = np.zeros(len(counts), np.intp)
            for _ in range(3):
                node = 2 * node + 1 + (counts[rows, features[node]] > thresholds[node])
            total += leaves[node - 7]
        return total


def exam_trees(counts: NDArray[np.float32], target: Floats, number: int = 150) -> Trees:
    """Gradient-boosted trees of an exam question's counts."""
    parameters = {
        "objective": "regression",
        "num_leaves": 8,
        "max_depth": 3,
        "learning_rate": 0.03,
        "min_child_samples": 100,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "lambda_l2": 20,
        "verbose": -1,
        "seed": 1,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
    }
    booster = lightgbm.train(parameters, lightgbm.Dataset(counts, target), number)
    return unrolled([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]])


def unrolled(roots: list[dict]) -> Trees:  # type: ignore[type-arg]
    """Trees as arrays: a node that is a leaf early stands for all below it."""
    features = np.zeros((len(roots), 7), np.intp)
    thresholds = np.full((len(roots), 7), np.inf)
    leaves = np.zeros((len(roots), 8))
    for number, root in enumerate(roots):
        todo = [(root, 0)]
        while todo:
            node, place = todo.pop()
            if place >= 7:
                leaves[number, place - 7] = node["leaf_value"]
            elif "leaf_value" in node:
                todo += [(node, 2 * place + 1), (node, 2 * place + 2)]
            else:
                features[number, place] = node["split_feature"]
                thresholds[number, place] = node["threshold"]
                todo += [(node["left_child"], 2 * place + 1), (node["right_child"], 2 * place + 2)]
    return Trees(features, thresholds, leaves)


class Problem(NamedTuple):
    """The gain of a word problem."""

    grams: Floats
    blend: Floats
    """Intercept, and the weights of letter groups and logarithmic length."""

    def gains(self, found: Readings, scaling: Scaling) -> Floats:
        """Of each row."""
        length = found.counts[:, CHARACTERS]
        return np.asarray(self.blend[0] + self.blend[1] * (scaling.grams(found) @ self.grams) + self.blend[2] * length)


PROBLEM_SPREAD = 0.09
"""Standard deviation of what the letter groups foretell of unseen problems; of seen ones it is nearly twice that."""


def problem(found: Readings, target: Floats, others: Readings, of_others: Floats, scaling: Scaling) -> Problem:
    """Letter groups, learned of these problems and, at half weight, of ``others`` that other models answered; and
    length, at three tenths of their weight. Centred: it is what is added to the prior of mathematics."""
    design = sparse.vstack([scaling.grams(found), scaling.grams(others)]).tocsr()
    centred = np.concatenate([target - target.mean(), of_others - of_others.mean()])
    weights = np.concatenate([np.ones(len(target)), np.full(len(of_others), 0.5)])
    fitted = Ridge(3.0, solver="lsqr", tol=1e-5).fit(design, centred, sample_weight=weights)
    length = found.counts[:, CHARACTERS]
    slope = 0.3 * PROBLEM_SPREAD / float(length.std())
    mean = float((scaling.grams(found) @ fitted.coef_).mean()) + slope * float(length.mean())
    return Problem(fitted.coef_, np.array([-mean, 1.0, slope]))


class Exam(NamedTuple):
    """The gain of an exam question."""

    grams: Floats
    trees: Trees
    blend: Floats
    """Intercept, and the weights of trees, letter groups and logarithmic length."""

    def gains(self, found: Readings, scaling: Scaling) -> Floats:
        """Of each row."""
        parts = np.column_stack(
            [self.trees.sums(found.counts), scaling.grams(found) @ self.grams, found.counts[:, CHARACTERS]]
        )
        return np.asarray(self.blend[0] + parts @ self.blend[1:])


def exam(found: Readings, target: Floats, scaling: Scaling) -> Exam:
    """Trees and letter groups, of equal weight, and length at half of it: longer questions gain more in every
    collection, and it is the only one of the three that holds for any subject. The whole is brought to the measure of
    the target's spread by what the parts explain out of sample (about 7 %)."""
    trees = exam_trees(found.counts, target)
    grams, _ = gram_ridge(found, target, scaling, 10.0)
    parts = np.column_stack([trees.sums(found.counts), scaling.grams(found) @ grams, found.counts[:, CHARACTERS]])
    spread = parts.std(axis=0)
    weights = np.array([1.0, 1.0, 0.5]) / spread
    together = parts @ weights
    slope = 0.07 / together.std()
    return Exam(grams, trees, np.concatenate(([target.mean() - slope * together.mean()], slope * weights)))

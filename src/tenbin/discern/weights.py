"""2. The learned numbers: what the weights' file holds, read once.

Imports numpy: only what was asked to discern imports this module.
"""

import hashlib
import io
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tenbin.core.features import DOMAINS, TASK_TYPES

FILE = "weights/routing.npz"
"""Beside this module; ``python -m training.train`` writes it."""

Floats = NDArray[np.float32]

TASKS = slice(0, len(TASK_TYPES))
LABELLED = slice(len(TASK_TYPES), len(TASK_TYPES) + len(DOMAINS))
EXAM = LABELLED.stop
MATHEMATICS = LABELLED.stop + 1
HEADS = LABELLED.stop + 2
"""Columns of the linear heads: each task's and each domain's logit, and the two learned gains."""


class Weights(NamedTuple):
    """Arrays of the weights' file, ready for use."""

    grams: Floats
    """(buckets, HEADS + 1): each bucket's weight in each head, times its inverse document frequency; the last column is
    the square of that frequency."""
    counts: Floats
    """(counts, HEADS): for standardised counts."""
    intercept: Floats
    """(HEADS,)"""
    centre: Floats
    """(counts,): what is taken off each count."""
    scale: Floats
    """(counts,): what each count is then multiplied by."""
    tree_features: NDArray[np.intp]
    """(trees, 7): which count each inner node looks at, level by level."""
    tree_thresholds: Floats
    """(trees, 7): beyond which it goes right."""
    tree_leaves: Floats
    """(trees * 8,)"""
    blend: Floats
    """Of an exam question's gain: intercept, and the weights of trees, letter groups and logarithmic length; of a word
    problem's: intercept, and the weights of letter groups and logarithmic length."""
    prior: Floats
    """(tasks,): what a strong model gains on each task, by common knowledge: training/priors.py."""
    japanese: Floats
    """(1 + tasks,): what is added to the prior for a Japanese request: intercept, and the weights of the tasks' log
    chances."""
    emphasis: Floats
    """(counts,): what standardised counts add to the gain of an open request."""
    tiers: Floats
    """(1 + signals,): of the chance that a model of ability 0 suffices: intercept and weights of the signals."""
    ability: Floats
    """(4,): what each tier adds to that."""
    temperature: Floats
    """(2,): what the logits of tasks and of domains are multiplied by so that their chances are calibrated."""
    trained_on: NDArray[np.uint32]
    """Digests of the prompts they were trained on, rising."""
    version: str
    """Date and digest of the file."""


def load() -> Weights:
    """Read the weights' file of this package.

    Raises FileNotFoundError when the package was built without it, and KeyError when it is of another version.
    """
    content = files("tenbin.discern").joinpath(FILE).read_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return unpacked({name: stored[name] for name in stored.files}, hashlib.sha256(content).hexdigest())


def unpacked(stored: dict[str, NDArray[Any]], digest: str) -> Weights:
    """The arrays of a weights' file, as they are computed with."""
    idf = stored["idf"].astype(np.float32)
    grams = np.empty((len(idf), HEADS + 1), np.float32)
    np.multiply(stored["grams"], stored["gram_scale"], out=grams[:, :HEADS])
    grams[:, :HEADS] *= idf[:, None]
    grams[:, HEADS] = idf * idf
    return Weights(
        grams=grams,
        counts=stored["counts"].astype(np.float32),
        intercept=stored["intercept"].astype(np.float32),
        centre=stored["centre"].astype(np.float32),
        scale=stored["scale"].astype(np.float32),
        tree_features=stored["tree_features"].astype(np.intp),
        tree_thresholds=stored["tree_thresholds"].astype(np.float32),
        tree_leaves=stored["tree_leaves"].astype(np.float32).ravel(),
        blend=stored["blend"].astype(np.float32),
        prior=stored["prior"].astype(np.float32),
        japanese=stored["japanese"].astype(np.float32),
        emphasis=stored["emphasis"].astype(np.float32),
        tiers=stored["tiers"].astype(np.float32),
        ability=stored["ability"].astype(np.float32),
        temperature=stored["temperature"].astype(np.float32),
        trained_on=stored["trained_on"],
        version=f"{stored['date']}+{digest[:8]}",
    )


def prompt_digest(prompt: str) -> int:
    """32 bits that stand for a prompt whatever its blanks and capitals."""
    normal = " ".join(prompt.lower().split()).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(normal, digest_size=4).digest(), "big")

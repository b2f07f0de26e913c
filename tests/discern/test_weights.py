"""The weights' file: small, complete, of the shapes that the code computes with."""

from importlib.resources import files

import numpy as np

from tenbin.core.features import DOMAINS, TASK_TYPES
from tenbin.discern.features import BITS, NAMES
from tenbin.discern.weights import FILE, HEADS, load, prompt_digest

MOST_BYTES = 2_000_000


def test_all_weights_together_are_small() -> None:
    folder = files("tenbin.discern").joinpath("weights")
    assert sum(len(file.read_bytes()) for file in folder.iterdir()) < MOST_BYTES
    assert FILE == "weights/routing.npz"


def test_shapes_fit_the_code() -> None:
    weights = load()
    assert weights.grams.shape == (1 << BITS, HEADS + 1)
    assert weights.counts.shape == (len(NAMES), HEADS)
    assert weights.prior.shape == (len(TASK_TYPES),)
    assert weights.japanese.shape == (len(TASK_TYPES) + 1,)
    assert len(TASK_TYPES) + len(DOMAINS) + 2 == HEADS
    assert (np.diff(weights.ability) >= 0).all(), "a stronger tier does not do worse"
    for array in weights[:-1]:
        if isinstance(array, np.ndarray):
            assert not np.isnan(array).any()


def test_digests_pass_over_blanks_and_capitals() -> None:
    assert prompt_digest("Hello  World\n") == prompt_digest("hello world")
    assert prompt_digest("hello world") != prompt_digest("hello word")
    assert 0 <= prompt_digest("\ud800") < 1 << 32

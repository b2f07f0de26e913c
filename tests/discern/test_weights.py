"""The weights' file: small, complete, of the shapes that the code computes with."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np

from tenbin.core.features import DOMAINS, TASK_TYPES
from tenbin.discern.features import BITS, NAMES, read
from tenbin.discern.judgement import judged
from tenbin.discern.weights import FILE, HEADS, load, prompt_digest
from training.card import card
from training.seeds import seeds

ROOT = Path(__file__).parents[2]
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


def test_the_model_card_is_written_from_the_results_of_the_shipped_weights() -> None:
    results = json.loads((ROOT / "training" / "results.json").read_text(encoding="utf-8"))
    content = files("tenbin.discern").joinpath(FILE).read_bytes()
    assert results["weights"] == hashlib.sha256(content).hexdigest(), "train anew: python -m training.train"
    assert (ROOT / "docs" / "routing-model.md").read_text(encoding="utf-8") == card(results, len(content))


def test_templates_left_out_of_training_are_mostly_told_apart() -> None:
    weights = load()
    unseen = [seed for seed in seeds() if seed.unseen]
    told = [TASK_TYPES[int(judged(read(seed.prompt), weights).tasks.argmax())] for seed in unseen]
    right = sum(seed.task == task for seed, task in zip(unseen, told, strict=True))
    assert len(unseen) > 100
    assert right / len(unseen) > 0.6, "of 19 kinds"

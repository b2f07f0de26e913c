"""What a router knows of prompts, with and without evidence."""

import numpy as np

from tenbin.core.features import Features
from tenbin.decide.evidence import NO_EVIDENCE, Cell, EvidenceTable, cell, fold
from tenbin.measure.routing import readings
from tests.measure.routing.making import ByLength, prompts


def test_every_prompt_is_read_once_and_progress_adds_up() -> None:
    asked = [*prompts(130), *prompts(130)]
    steps: list[int] = []
    read: list[str] = []

    class Counting(ByLength):
        def read(self, prompt: str) -> readings.Reading:
            read.append(prompt)
            return super().read(prompt)

    found = readings.read_all(Counting(), asked, steps.append)
    assert sum(steps) == len(found) == 260
    assert read == prompts(130)
    assert found[0] == found[130]


def test_a_stronger_model_is_expected_to_be_better() -> None:
    read = readings.read_all(ByLength(), prompts(40), lambda _: None)
    expected = readings.expected_qualities(read, ("mistral-7b", "gpt-4-1106-preview"), NO_EVIDENCE)
    assert expected.shape == (40, 2)
    assert (expected[:, 1] > expected[:, 0]).all()


def test_evidence_is_what_folding_the_same_outcomes_gives() -> None:
    read = readings.read_all(ByLength(), prompts(30), lambda _: None)
    models = ("mistral-7b", "gpt-4-1106-preview")
    outcomes = np.random.default_rng(0).integers(0, 2, (30, 2)).astype(np.float64)
    priors = readings.expected_qualities(read, models, NO_EVIDENCE)
    folded: EvidenceTable = {}
    for row, reading in enumerate(read):
        for place, model in enumerate(models):
            narrow = cell(model, reading.features)
            folded = fold(folded, narrow, outcomes[row, place], priors[row, place], 0)
    found = readings._evidence(read, models, outcomes, priors, np.arange(30))
    assert found.keys() == folded.keys()
    for one in found:
        np.testing.assert_allclose(
            (found[one].successes, found[one].trials, found[one].expected),
            (folded[one].successes, folded[one].trials, folded[one].expected),
        )
    assert Cell("mistral-7b") in found


def test_cross_validation_learns_which_model_is_good_at_what_and_sees_no_answer_of_its_own() -> None:
    """The model that is thought weaker is the one that can do code (here: what is long)."""
    asked = prompts(200)
    read = readings.read_all(ByLength(), asked, lambda _: None)
    is_code = np.array([reading.features.task == "code_generation" for reading in read])
    outcomes = np.stack([is_code, ~is_code], axis=1).astype(np.float64)
    models = ("mistral-7b", "gpt-4-1106-preview")
    ties = np.arange(200)
    told = readings.cross_validated(read, models, outcomes, ties)
    right = told.argmax(axis=1) == outcomes.argmax(axis=1)
    assert right.mean() > 0.95
    # A row's own outcomes do not touch its own estimate.
    other = outcomes.copy()
    other[17] = 1 - other[17]
    assert (readings.cross_validated(read, models, other, ties)[17] == told[17]).all()
    assert isinstance(read[0].features, Features)

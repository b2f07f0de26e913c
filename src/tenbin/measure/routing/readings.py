"""What the router itself would have known of a prompt, and what it would expect of each model: no second opinion.

A prompt is put into a request as a client would send it, and read by the same code that reads requests.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from tenbin.core.features import Features
from tenbin.decide.abilities import Abilities, shipped
from tenbin.decide.evidence import NO_EVIDENCE, Cell, EvidenceTable, Tally, cell, wider
from tenbin.decide.quality import expected
from tenbin.measure.routing.formulas import Floats, Ints

FOLDS = 5
"""Of cross-validation."""


class Reading(NamedTuple):
    """What was read out of one prompt."""

    features: Features
    gain: float
    """How much a strong model is needed: for ranking only."""


class Reader(Protocol):
    """Something that reads prompts."""

    @property
    def version(self) -> str:
        """Of what was learned."""
        ...

    def read(self, prompt: str) -> Reading:
        """What a prompt says of itself. The same prompt gives the same reading."""
        ...

    def was_trained_on(self, prompt: str) -> bool:
        """Whether this prompt is known to have been among those it learned from."""
        ...


def read_all(reader: Reader, prompts: Sequence[str], step: Callable[[int], None]) -> list[Reading]:
    """Every prompt's reading; ``step`` is told now and then how many more were read."""
    readings: dict[str, Reading] = {}
    for number, prompt in enumerate(prompts, 1):
        if prompt not in readings:
            readings[prompt] = reader.read(prompt)
        if number % 100 == 0:
            step(100)
    step(len(prompts) % 100)
    return [readings[prompt] for prompt in prompts]


def expected_qualities(readings: Sequence[Reading], models: Sequence[str], evidence: EvidenceTable) -> Floats:
    """The chance 0..1 that each model's answer to each prompt is good enough, (prompts, models)."""
    abilities = Abilities(shipped())
    return np.array(
        [[expected(model, reading.features, evidence, abilities).value for model in models] for reading in readings],
        dtype=np.float64,
    ).reshape(len(readings), len(models))


def cross_validated(readings: Sequence[Reading], models: Sequence[str], quality: Floats, ties: Ints) -> Floats:
    """The same, where each prompt's estimate rests on the outcomes of the other folds' prompts as evidence.

    This is what the router knows of models once their answers to requests of the same kind have been judged; outcomes
    outside 0..1 are brought there by their range.
    """
    low, high = float(quality.min()), float(quality.max())
    unit = quality if low >= 0 and high <= 1 else (quality - low) / (high - low)
    priors = expected_qualities(readings, models, NO_EVIDENCE)
    fold = ties % FOLDS
    told = np.empty_like(priors)
    for held_out in range(FOLDS):
        evidence = _evidence(readings, models, unit, priors, np.flatnonzero(fold != held_out))
        rows = np.flatnonzero(fold == held_out)
        told[rows] = expected_qualities([readings[row] for row in rows.tolist()], models, evidence)
    return told


def _evidence(
    readings: Sequence[Reading], models: Sequence[str], unit: Floats, priors: Floats, rows: Ints
) -> EvidenceTable:
    """What ``decide.evidence.fold`` would make of these outcomes, all at one moment, in one pass."""
    sums: dict[Cell, list[float]] = {}
    for row in rows.tolist():
        for place, model in enumerate(models):
            narrow = cell(model, readings[row].features)
            for one in (*wider(narrow), narrow):
                so_far = sums.setdefault(one, [0.0, 0.0, 0.0])
                so_far[0] += unit[row, place]
                so_far[1] += 1
                so_far[2] += priors[row, place]
    return {one: Tally(successes, trials, said, 0) for one, (successes, trials, said) in sums.items()}

"""Train the shipped weights: ``python -m training.train --data DIR`` (about five minutes on one core).

Writes src/tenbin/discern/weights/routing.npz, training/results.json and docs/routing-model.md. Cross-validated figures
refit every part that saw the rows in question with the same code. ``--check`` trains and compares instead of writing.
"""

import argparse
import hashlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tenbin.core.features import DOMAINS, TASK_TYPES
from tenbin.discern.features import NAMES
from tenbin.discern.judgement import SIGNALS, judged
from tenbin.discern.weights import HEADS, LABELLED, TASKS, Weights, prompt_digest, unpacked
from training import data, heads, tiers
from training.priors import EMPHASIS, GAIN_UNIT, STRONG_GAIN
from training.readings import Floats, Scaling, joined, readings, scaling

DATE = "2026-11-22"
"""Of the weights: raised by hand when they are trained anew to be shipped."""
ROOT = Path(__file__).parents[1]
WEIGHTS = ROOT / "src/tenbin/discern/weights/routing.npz"
RESULTS = ROOT / "training/results.json"
TASK_C = 10.0
"""Inverse strength of regularisation of the task head; of the domain head half of it."""


class Collections:
    """Everything that is trained on, read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tasks = data.tasks(folder)
        self.domains = data.domains(folder)
        self.exam = data.pair(folder, "routellm_mmlu")
        self.problems = data.pair(folder, "routellm_gsm8k")
        self.japanese_prompts, self.japanese_scores = data.japanese(folder)
        self.outcomes = tiers.outcomes(folder)
        self.read_tasks = readings(self.tasks.prompts)
        self.read_domains = readings(self.domains.prompts)
        self.read_exam = readings(self.exam.prompts)
        self.read_problems = readings(self.problems.prompts)
        other_prompts, self.others = data.other_problems(folder)
        self.read_others = readings(other_prompts)
        self.read_japanese = readings(self.japanese_prompts)

    def prompts(self) -> list[str]:
        """Every prompt whose label or outcome is learned from."""
        return [
            *self.tasks.prompts,
            *self.domains.prompts,
            *self.exam.prompts,
            *self.problems.prompts,
            *(outcome.prompt for outcome, _ in self.outcomes),
        ]


def common_scaling(found: Collections) -> Scaling:
    """One scaling for all heads, from a sample in which no collection prevails."""
    random = np.random.default_rng(0)
    rows = random.permutation(len(found.read_exam.all))[:2500]
    return scaling(joined(found.read_tasks, found.read_domains, found.read_exam[rows], found.read_problems))


def packed(linear: Floats) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Weights as whole numbers of -127..127, and what one is worth in each column."""
    scale = np.abs(linear).max(axis=0) / 127
    scale[scale == 0] = 1
    return np.round(linear / scale).astype(np.int8), scale.astype(np.float32)


def trained(found: Collections) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    """Everything that the weights' file holds."""
    common = common_scaling(found)
    task_head = heads.classifier(found.read_tasks, found.tasks.labels, found.tasks.sources, TASK_TYPES, common, TASK_C)
    domain_head = heads.classifier(
        found.read_domains, found.domains.labels, found.domains.sources, DOMAINS, common, TASK_C / 2
    )
    gain = found.exam.strong - found.exam.weak
    exam = heads.exam(found.read_exam, gain, common)
    problem = heads.problem(
        found.read_problems, found.problems.strong - found.problems.weak, found.read_others, found.others, common
    )
    grams = np.column_stack([task_head.grams, domain_head.grams, exam.grams, problem.grams])
    counts = np.zeros((len(NAMES), HEADS))
    counts[:, TASKS], counts[:, LABELLED] = task_head.counts, domain_head.counts
    intercept = np.zeros(HEADS)
    intercept[TASKS], intercept[LABELLED] = task_head.intercept, domain_head.intercept
    whole, unit = packed(grams)
    stored: dict[str, Any] = {
        "grams": whole,
        "gram_scale": unit,
        "idf": common.idf.astype(np.float16),
        "counts": counts.astype(np.float32),
        "intercept": intercept.astype(np.float32),
        "centre": common.centre.astype(np.float32),
        "scale": common.scale.astype(np.float32),
        "tree_features": exam.trees.features.astype(np.uint8),
        "tree_thresholds": exam.trees.thresholds.astype(np.float32),
        "tree_leaves": exam.trees.leaves.astype(np.float32),
        "blend": np.concatenate([exam.blend, problem.blend]).astype(np.float32),
        "prior": (GAIN_UNIT * np.array([STRONG_GAIN[task] for task in TASK_TYPES])).astype(np.float32),
        "emphasis": (GAIN_UNIT * np.array([EMPHASIS.get(name, 0.0) for name in NAMES])).astype(np.float32),
        "japanese": np.zeros(1 + len(TASK_TYPES), np.float32),
        "tiers": np.zeros(1 + len(TASK_TYPES) + len(DOMAINS) + SIGNALS, np.float32),
        "ability": np.zeros(4, np.float32),
        "temperature": temperatures(found, common),
        "trained_on": np.unique(np.array([prompt_digest(prompt) for prompt in found.prompts()], np.uint32)),
        "date": np.array(DATE),
    }
    so_far = unpacked(stored, "0" * 8)
    stored["japanese"] = japanese_head(found, so_far)
    curve = fitted_tiers(found, unpacked(stored, "0" * 8))
    stored["tiers"] = curve.weights.astype(np.float32)
    stored["ability"] = (curve.slope * np.arange(4)).astype(np.float32)
    return stored


def temperatures(found: Collections, common: Scaling) -> "np.ndarray":  # type: ignore[type-arg]
    """By what the logits of tasks and domains are multiplied, from predictions of rows held out by source."""
    chosen = []
    for labelled, read, classes, c in (
        (found.tasks, found.read_tasks, TASK_TYPES, TASK_C),
        (found.domains, found.read_domains, DOMAINS, TASK_C / 2),
    ):
        fold = source_folds(labelled.sources, 3)
        heights = np.zeros((len(fold), len(classes)))
        for held_out in range(3):
            rows, known = np.flatnonzero(fold == held_out), np.flatnonzero(fold != held_out)
            head = heads.classifier(
                read[known], [labelled.labels[row] for row in known], [labelled.sources[row] for row in known],
                classes, common, c,
            )  # fmt: skip
            heights[rows] = head.heights(read[rows], common)
        labels = np.array([classes.index(label) for label in labelled.labels])
        chosen.append(heads.temperature(heights, labels, heads.label_weights(labelled.labels, labelled.sources)))
    return np.array(chosen, np.float32)


def source_folds(sources: list[str], folds: int, seed: int = 0) -> "np.ndarray":  # type: ignore[type-arg]
    """A fold for each row, the same for all rows of a source."""
    names = sorted(set(sources))
    order = np.random.default_rng(seed).permutation(len(names))
    of_name = {names[place]: number % folds for number, place in enumerate(order)}
    return np.array([of_name[source] for source in sources])


def japanese_target(scores: dict[str, "np.ndarray"]) -> Floats:  # type: ignore[type-arg]
    """How much better the strongest 14 models answered than the 31 after them: less noisy than any one pair."""
    order = sorted(scores, key=lambda model: (float(np.nanmean(scores[model])), model))
    strong = np.nanmean([scores[model] for model in order[-14:]], axis=0)
    return np.asarray(strong - np.nanmean([scores[model] for model in order[-45:-14]], axis=0))


JAPANESE_UNIT = 0.2
"""Judge's points, of 1, that the prior's unit of gain is worth."""
FEWEST_JAPANESE = 3
"""Prompts of a task from which on something is learned of it."""


def japanese_head(found: Collections, weights: Weights) -> "np.ndarray":  # type: ignore[type-arg]
    """What is added to the prior for a Japanese request, in the prior's unit."""
    chances = np.array([judged(reading, weights).tasks for reading in found.read_japanese.all], np.float64)
    coefficients, _ = japanese_correction(chances, weights.prior, japanese_target(found.japanese_scores))
    mean = float((np.log(chances + 1e-3) @ coefficients).mean())
    return (np.concatenate(([-mean], coefficients)) / JAPANESE_UNIT).astype(np.float32)


def japanese_correction(chances: Floats, prior: Floats, target: Floats) -> tuple[Floats, float]:
    """Ridge regression of what the prior leaves unexplained, on the log chances of those tasks that occur."""
    from sklearn.linear_model import Ridge

    occurring = np.bincount(chances.argmax(axis=1), minlength=chances.shape[1]) >= FEWEST_JAPANESE
    logarithms = np.log(chances + 1e-3) * occurring
    fitted = Ridge(100.0).fit(logarithms, target - JAPANESE_UNIT * (chances @ prior))
    return fitted.coef_ * occurring, float(fitted.intercept_)


def unseen_gains(found: Collections) -> dict[str, tuple[int, float]]:
    """For each prompt of the exam and of the word problems, which signal its learned gain is and what it would be had
    the prompt not been trained on: subject by subject for the exam. The tiers must not trust more than that."""
    first = len(TASK_TYPES) + len(DOMAINS)
    prior = GAIN_UNIT * STRONG_GAIN["mathematics"]
    unseen: dict[str, tuple[int, float]] = {}
    for place, pair, gains in (
        (first + 1, found.exam, exam_out_of_fold(found)),
        (first + 4, found.problems, prior + problems_out_of_fold(found)),
    ):
        unseen |= {prompt: (place, float(gain)) for prompt, gain in zip(pair.prompts, gains, strict=True)}
    return unseen


def exam_out_of_fold(found: Collections, folds: int = 5, seed: int = 0) -> Floats:
    """Each exam question's gain, foretold by what was learned of other subjects only."""
    target = found.exam.strong - found.exam.weak
    fold = source_folds(found.exam.groups, folds, seed)
    gains = np.zeros(len(target))
    for held_out in range(folds):
        known, asked = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
        own = scaling(found.read_exam[known])
        gains[asked] = heads.exam(found.read_exam[known], target[known], own).gains(found.read_exam[asked], own)
    return gains


def problems_out_of_fold(found: Collections, folds: int = 10, seed: int = 0) -> Floats:
    """Each word problem's gain, foretold by what was learned of the others."""
    target = found.problems.strong - found.problems.weak
    fold = np.random.default_rng(seed).permutation(len(target)) % folds
    gains = np.zeros(len(target))
    for held_out in range(folds):
        known, asked = np.flatnonzero(fold != held_out), np.flatnonzero(fold == held_out)
        own = scaling(found.read_problems[known])
        problem = heads.problem(found.read_problems[known], target[known], found.read_others, found.others, own)
        gains[asked] = problem.gains(found.read_problems[asked], own)
    return gains


def tier_rows(found: Collections, weights: Weights) -> tuple[Floats, Floats, Floats, Floats, "np.ndarray"]:  # type: ignore[type-arg]
    """Signals, ability, score, weight and prompt number of every known outcome."""
    numbers: dict[str, int] = {}
    for outcome, _ in found.outcomes:
        numbers.setdefault(outcome.prompt, len(numbers))
    signals = np.array([judged(reading, weights).signals for reading in readings(list(numbers)).all], np.float64)
    for prompt, (place, gain) in unseen_gains(found).items():
        signals[numbers[prompt], place] = gain
    prompts = np.array([numbers[outcome.prompt] for outcome, _ in found.outcomes])
    return (
        signals[prompts],
        np.array([ability for _, ability in found.outcomes]),
        np.array([outcome.score for outcome, _ in found.outcomes]),
        np.array([outcome.weight for outcome, _ in found.outcomes]),
        prompts,
    )


def fitted_tiers(found: Collections, weights: Weights) -> tiers.Tiers:
    """The curve of all known outcomes."""
    signals, ability, score, weight, _ = tier_rows(found, weights)
    return tiers.fit(signals, ability, score, weight)


def archive(stored: dict[str, Any]) -> bytes:
    """The weights' file: the same arrays give the same bytes."""
    content = io.BytesIO()
    np.savez_compressed(content, **{name: stored[name] for name in sorted(stored)})
    return content.getvalue()


def main() -> int:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the parquet files")
    parser.add_argument("--check", action="store_true", help="compare with the shipped weights, write nothing")
    parser.add_argument("--weights-only", action="store_true", help="leave out the cross-validated figures")
    chosen = parser.parse_args()
    began = time.monotonic()
    found = Collections(chosen.data)
    stored = trained(found)
    content = archive(stored)
    print(f"trained in {time.monotonic() - began:.0f} s, {len(content)} bytes")
    if chosen.check:
        same = WEIGHTS.read_bytes() == content
        print("the shipped weights, byte for byte" if same else "these are not the shipped weights")
        return 0 if same else 1
    WEIGHTS.parent.mkdir(exist_ok=True)
    WEIGHTS.write_bytes(content)
    if not chosen.weights_only:
        from training.card import card
        from training.evaluate import evaluated

        results = evaluated(found, stored)
        results["weights"] = hashlib.sha256(content).hexdigest()
        results["seconds"] = round(time.monotonic() - began)
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        (ROOT / "docs/routing-model.md").write_text(card(results, len(content)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

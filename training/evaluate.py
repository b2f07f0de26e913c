"""Cross-validated figures of every part, with baselines and intervals: what results.json and the model card say."""

from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from tenbin.core.features import DOMAINS, TASK_TYPES
from tenbin.discern.judgement import judged
from tenbin.discern.weights import unpacked
from training import heads, tiers
from training.figures import calibration, interval, routing, routing_with_interval
from training.readings import Floats, readings
from training.seeds import seeds
from training.train import (
    JAPANESE_UNIT,
    TASK_C,
    Collections,
    common_scaling,
    exam_out_of_fold,
    japanese_correction,
    japanese_target,
    problems_out_of_fold,
    source_folds,
    tier_rows,
)

SPLITS = 3
"""Over how many ways of splitting a figure is averaged."""
DOMINATING = "professional_law"
"""The subject that makes the largest part (25 %) of the gap between the two models of the shared subjects."""
PAIRS = (
    ("claude-3-haiku-20240307", "claude-3-opus-20240229"),
    ("gpt-4o-mini", "gpt-4-turbo-2024-04-09"),
    ("gpt-4o-mini", "gpt-4o-2024-05-13"),
    ("gemini-1.5-flash", "gemini-1.5-pro"),
    ("gpt-3.5-turbo-0125", "gpt-4-turbo-preview"),
)
"""Japanese judgements: cheap and strong."""


def evaluated(found: Collections, stored: dict[str, Any]) -> dict[str, Any]:
    """All figures."""
    return {
        "exam": exam(found),
        "problems": problems(found),
        "japanese": japanese(found, stored),
        "tasks": tasks(found, float(stored["temperature"][0])),
        "domains": domains(found),
        "tiers": calibrated(found, stored),
    }


def two_models(scores: list[Floats], lengths: Floats, weak: Floats, strong: Floats) -> dict[str, Any]:
    """One ranking (over several splits) beside the baselines."""
    each = [routing(score, weak, strong) for score in scores]
    figures: dict[str, Any] = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    figures["apgr_interval"] = routing_with_interval(scores[0], weak, strong)["apgr_interval"]
    figures["length"] = routing(lengths, weak, strong)
    figures["random"] = {"apgr": 0.5, "cpt50": 50.0, "cpt80": 80.0}
    figures["oracle"] = routing(strong - weak, weak, strong)
    figures["rows"], figures["cheapest"], figures["strongest"] = len(weak), float(weak.mean()), float(strong.mean())
    return figures


def exam(found: Collections) -> dict[str, Any]:
    """MMLU, subjects never trained on."""
    pair = found.exam
    lengths = np.array([len(prompt) for prompt in pair.prompts], float)
    scores = [exam_out_of_fold(found, seed=seed) for seed in range(SPLITS)]
    others = np.array(pair.groups) != DOMINATING
    gain = pair.strong - pair.weak
    of_subject = {group: gain[np.array(pair.groups) == group].mean() for group in set(pair.groups)}
    return {
        "all": two_models(scores, lengths, pair.weak, pair.strong),
        "without_dominating": two_models(
            [score[others] for score in scores], lengths[others], pair.weak[others], pair.strong[others]
        ),
        "true_subject_in_sample": routing(
            np.array([of_subject[group] for group in pair.groups]), pair.weak, pair.strong
        ),
        "dominating": DOMINATING,
        "within_subjects": within(scores[0], pair.groups, pair.weak, pair.strong),
    }


def within(score: Floats, groups: list[str], weak: Floats, strong: Floats) -> float:
    """APGR of the score's ranks inside each subject: what is known beyond the subject."""
    names = np.array(groups)
    ranks = np.zeros(len(score))
    for group in set(groups):
        rows = np.flatnonzero(names == group)
        ranks[rows] = np.argsort(np.argsort(score[rows])) / len(rows)
    return routing(ranks, weak, strong)["apgr"]


def problems(found: Collections) -> dict[str, Any]:
    """GSM8K, ten-fold."""
    pair = found.problems
    lengths = np.array([len(prompt) for prompt in pair.prompts], float)
    scores = [problems_out_of_fold(found, seed=seed) for seed in range(SPLITS)]
    return {"all": two_models(scores, lengths, pair.weak, pair.strong)}


def japanese(found: Collections, stored: dict[str, Any]) -> dict[str, Any]:
    """Japanese pairs, ten-fold: the prompt asked about is left out of what the head learns."""
    weights = unpacked(stored, "0" * 8)
    chances = np.array([judged(read, weights).tasks for read in found.read_japanese.all], np.float64)
    prior = chances @ weights.prior
    target = japanese_target(found.japanese_scores)
    scores = []
    for seed in range(SPLITS):
        fold = np.random.default_rng(seed).permutation(len(target)) % 10
        score = np.zeros(len(target))
        for held_out in range(10):
            known = fold != held_out
            coefficients, intercept = japanese_correction(chances[known], weights.prior, target[known])
            learned = np.log(chances[~known] + 1e-3) @ coefficients + intercept
            score[~known] = JAPANESE_UNIT * prior[~known] + learned
        scores.append(score)
    lengths = np.array([len(prompt) for prompt in found.japanese_prompts], float)
    figures: dict[str, Any] = {}
    for cheap, able in PAIRS:
        weak, strong = found.japanese_scores[cheap], found.japanese_scores[able]
        rows = np.isfinite(weak) & np.isfinite(strong)
        figures[f"{cheap} / {able}"] = two_models(
            [score[rows] for score in scores], lengths[rows], weak[rows], strong[rows]
        ) | {"prior_alone": routing(prior[rows], weak[rows], strong[rows])["apgr"]}
    figures["mean_apgr"] = float(np.mean([pair["apgr"] for pair in figures.values()]))
    return figures


def tasks(found: Collections, temperature: float) -> dict[str, Any]:
    """Task types of templates never trained on, and of our own templates that were left out."""
    labelled = found.tasks
    labels, sources = np.array(labelled.labels), np.array(labelled.sources)
    collection = np.flatnonzero(labelled.shared)
    others = np.flatnonzero(~labelled.shared)
    told = np.empty(len(labels), object)
    chance = np.zeros(len(labels))
    fold = np.full(len(labels), -1)
    fold[collection] = balanced_folds(labels[collection].tolist(), sources[collection].tolist(), 5)
    common = common_scaling(found)
    for held_out in range(5):
        rows, known = np.flatnonzero(fold == held_out), np.flatnonzero(fold != held_out)
        head = heads.classifier(
            found.read_tasks[known], labels[known].tolist(), sources[known].tolist(), TASK_TYPES, common, TASK_C
        )
        chances = heads.softmax(temperature * head.heights(found.read_tasks[rows], common))
        told[rows] = np.array(TASK_TYPES)[chances.argmax(axis=1)]
        chance[rows] = chances.max(axis=1)
    true, told, chance = labels[collection], told[collection].astype(str), chance[collection]
    right = (true == told).astype(float)
    names = sorted(set(true))
    sizes = {name: int((true == name).sum()) for name in names}
    left_out = [seed for seed in seeds() if seed.unseen]
    head = heads.classifier(found.read_tasks, labels.tolist(), sources.tolist(), TASK_TYPES, common, TASK_C)
    own = np.array(TASK_TYPES)[head.heights(readings([seed.prompt for seed in left_out]), common).argmax(axis=1)]
    hits = np.array([seed.task for seed in left_out]) == own
    language = np.array([seed.source.split(":")[1] for seed in left_out])
    return {
        "rows": len(true),
        "templates": len(set(sources[collection])),
        "accuracy": float(right.mean()),
        "accuracy_interval": interval(lambda rows: float(right[rows].mean()), len(right)),
        "macro_f1": float(f1_score(true, told, labels=names, average="macro")),
        "f1": dict(zip(names, f1_score(true, told, labels=names, average=None).tolist(), strict=True)),
        "most_frequent": max(sizes.values()) / len(true),
        "calibration": calibration(chance, right),
        "own_left_out": {
            "rows": len(hits),
            "templates": len({seed.source for seed in left_out}),
            "accuracy": float(hits.mean()),
            "en": float(hits[language == "en"].mean()),
            "ja": float(hits[language == "ja"].mean()),
        },
        "own_templates": len({seed.source for seed in seeds()}),
        "other_rows": len(others),
    }


def balanced_folds(labels: list[str], sources: list[str], folds: int) -> "np.ndarray":  # type: ignore[type-arg]
    """A fold for each row: sources stay whole, and every label's sources are dealt out evenly, largest first."""
    rows: dict[str, int] = {}
    kind = dict(zip(sources, labels, strict=True))
    for source in sources:
        rows[source] = rows.get(source, 0) + 1
    fold: dict[str, int] = {}
    for label in sorted(set(labels)):
        filled = [0] * folds
        for source in sorted((name for name in rows if kind[name] == label), key=lambda name: (-rows[name], name)):
            place = int(np.argmin(filled))
            fold[source] = place
            filled[place] += rows[source]
    return np.array([fold[source] for source in sources])


def domains(found: Collections) -> dict[str, Any]:
    """Domains: of exemplars (five-fold), and of MMLU's subjects never trained on."""
    labelled = found.domains
    labels, sources = np.array(labelled.labels), np.array(labelled.sources)
    common = common_scaling(found)
    kinds = [f"row{row}" if labelled.shared[row] else source for row, source in enumerate(sources)]
    fold = source_folds(kinds, 5)
    told = np.empty(len(labels), object)
    for held_out in range(5):
        rows, known = np.flatnonzero(fold == held_out), np.flatnonzero(fold != held_out)
        head = heads.classifier(
            found.read_domains[known], labels[known].tolist(), sources[known].tolist(), DOMAINS, common, TASK_C / 2
        )
        told[rows] = np.array(DOMAINS)[head.heights(found.read_domains[rows], common).argmax(axis=1)]
    right = labels == told
    subjects = ~labelled.shared & (sources != "own")
    return {
        "exemplars": {"rows": int(labelled.shared.sum()), "accuracy": float(right[labelled.shared].mean())},
        "unseen_subjects": {"rows": int(subjects.sum()), "accuracy": float(right[subjects].mean())},
    }


def calibrated(found: Collections, stored: dict[str, Any]) -> dict[str, Any]:
    """The chance that a model of known ability suffices, five-fold by prompt."""
    signals, ability, score, weight, prompts = tier_rows(found, unpacked(stored, "0" * 8))
    chance = tiers.cross_validated(signals, ability, score, weight, prompts)
    return tiers.report(chance, score, [outcome.collection for outcome, _ in found.outcomes]) | {
        "slope": float(stored["ability"][1])
    }

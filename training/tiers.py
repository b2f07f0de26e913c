"""The chance that each tier suffices: one logistic curve over a model's ability, fitted to models of known ability.

Item response: logit P(good enough) = a * ability + (signals of the prompt) * w. Abilities are those of
decide/abilities.json, so that the tiers (0, 1, 2, 3 on that scale) and every model are placed on one curve.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression

from tenbin.decide.abilities import Abilities, shipped
from training import data
from training.data import Outcome
from training.figures import calibration
from training.priors import HIGH_SUFFICES, LOW_SUFFICES
from training.readings import Floats
from training.seeds import seeds

COLLECTION_WEIGHT = {
    "mmlu": 2000.0,
    "gsm8k": 600.0,
    "routerbench": 1500.0,
    "llmrouter": 800.0,
    "shaberi": 1500.0,
    "coding": 600.0,
    "own": 2000.0,
}
"""Sum of the weights of each collection's rows: how much of a gateway's traffic is thought to be like it."""
SOUND = {
    "llmrouter": (
        ("agentverse-mgsm", "arc_challenge", "commonsense_qa", "gsm8k", "human_eval", "math", "mbpp", "openbook_qa"),
        ("qwen2.5-7b-instruct", "gemma-2-9b-it", "llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"),
    )
}
"""Tasks and models of which the recorded score follows the answer rather than its form."""
GOOD_ENOUGH = 0.8
"""Judge's score, of 1, from which a Japanese answer counts as good enough."""
CODING = {"LOW": (0.92, 0.96, 0.98, 0.99), "MID": (0.5, 0.88, 0.95, 0.98), "HIGH": (0.2, 0.5, 0.85, 0.95)}
"""What a judged tier of a coding request is taken to say of each tier."""


class Tiers(NamedTuple):
    """The fitted curve."""

    weights: Floats
    """(1 + signals,): intercept, and the signals'."""
    slope: float
    """Of ability."""

    def chances(self, signals: Floats, ability: Floats) -> Floats:
        """P(good enough) of each row."""
        height = self.weights[0] + signals @ self.weights[1:] + self.slope * ability
        return np.asarray(1 / (1 + np.exp(-height)))


def outcomes(folder: Path) -> list[tuple[Outcome, float]]:
    """Every known outcome with the ability of its model; scores between 0 and 1 stand for so much of a success."""
    abilities = Abilities(shipped())
    found: list[tuple[str, str, float, float]] = []  # collection, prompt, score, ability

    def able(model: str) -> float:
        return abilities.ability(model.replace("__", "/")).value

    for collection, name in (("mmlu", "routellm_mmlu"), ("gsm8k", "routellm_gsm8k")):
        pair = data.pair(folder, name)
        for model, scores in (("mixtral-8x7b-instruct", pair.weak), ("gpt-4-1106-preview", pair.strong)):
            found += [
                (collection, prompt, score, able(model)) for prompt, score in zip(pair.prompts, scores, strict=True)
            ]
    for collection, name in (("routerbench", "routerbench_11models_3tasks"), ("llmrouter", "llmrouter_9models")):
        rows = data.table(folder, name)
        tasks, models = SOUND.get(collection, (None, None))
        for column, values in rows.items():
            model = column.removeprefix("score|")
            if model == column or (models and model not in models):
                continue
            found += [
                (collection, prompt, float(value), able(model))
                for prompt, task, value in zip(rows["prompt"], rows["task"], values, strict=True)
                if value is not None and (tasks is None or task in tasks)
            ]
    prompts, scores = data.japanese(folder)
    for model, column in scores.items():
        found += [
            ("shaberi", prompt, float(score >= GOOD_ENOUGH), able(model))
            for prompt, score in zip(prompts, column, strict=True)
            if np.isfinite(score)
        ]
    rows = data.table(folder, "coding_agent_tiers")
    for prompt, tier in zip(rows["prompt"], rows["tier"], strict=True):
        found += [("coding", prompt, chance, float(level)) for level, chance in enumerate(CODING[tier])]
    for seed in seeds():
        if not seed.unseen:
            found += [
                ("own", seed.prompt, LOW_SUFFICES[seed.task], 0.0),
                ("own", seed.prompt, HIGH_SUFFICES[seed.task], 2.0),
            ]
    total: dict[str, int] = {}
    for collection, *_ in found:
        total[collection] = total.get(collection, 0) + 1
    return [
        (Outcome(prompt, "", score, COLLECTION_WEIGHT[collection] / total[collection], collection), ability)
        for collection, prompt, score, ability in found
    ]


def fit(signals: Floats, ability: Floats, score: Floats, weight: Floats) -> Tiers:
    """The curve; a score between 0 and 1 counts as that much success and the rest failure."""
    design = np.column_stack([signals, ability])
    spread = design.std(axis=0) + 0.05
    both = np.vstack([design, design]) / spread
    labels = np.concatenate([np.ones(len(score)), np.zeros(len(score))])
    shares = np.concatenate([weight * score, weight * (1 - score)])
    kept = shares > 0
    fitted = LogisticRegression(C=0.1, max_iter=500)
    fitted.fit(both[kept], labels[kept], sample_weight=shares[kept])
    coefficients = fitted.coef_[0] / spread
    return Tiers(np.concatenate([fitted.intercept_, coefficients[:-1]]), float(coefficients[-1]))


def cross_validated(
    signals: Floats, ability: Floats, score: Floats, weight: Floats, prompts: NDArray[np.intp], folds: int = 5
) -> Floats:
    """Every row's chance as foretold by a curve that has not seen its prompt."""
    chance = np.zeros(len(score))
    fold = np.random.default_rng(0).permutation(int(prompts.max()) + 1)[prompts] % folds
    for held_out in range(folds):
        known, asked = fold != held_out, fold == held_out
        chance[asked] = fit(signals[known], ability[known], score[known], weight[known]).chances(
            signals[asked], ability[asked]
        )
    return chance


def report(chance: Floats, score: Floats, collections: list[str]) -> dict[str, dict[str, float]]:
    """Calibration of each collection with measured outcomes."""
    names = np.array(collections)
    figures = {}
    for name in ("mmlu", "gsm8k", "routerbench", "llmrouter", "shaberi"):
        rows = names == name
        figures[name] = calibration(chance[rows], score[rows]) | {
            "mean_chance": float(chance[rows].mean()),
            "mean_outcome": float(score[rows].mean()),
            "brier_of_mean": float(((score[rows].mean() - score[rows]) ** 2).mean()),
        }
    rows = names == "coding"
    figures["coding"] = {
        "rows": int(rows.sum()) // 4,
        "spearman": float(spearmanr(chance[rows][::4], score[rows][::4])[0]),
    }
    return figures

"""How able models are, overall and in groups of tasks, by what public outcome tables say of them.

A regularised item-response fit of every table whose licence allows it: logit P(right) = SLOPE * (ability of the model +
its offset in the group) - difficulty of the part of the table. The slope is the one with which the gateway carries its
curve below the lowest tier, where all these models stand, so that a fitted ability means the same there. Difficulties
are free: only differences between models of the same questions count, and offsets of a group are about 0 on average.
No learned weight is looked at, as these are trained on abilities.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from tenbin.decide.quality import FLATTEST_BELOW as SLOPE

# Which group of tasks (decide/abilities.py) a part of a table stands for; the others say something of the overall
# ability only: of these the form of the answer or the mixture of subjects is unclear.
GROUPS: Mapping[str, str] = {
    "routellm_mmlu": "multiple_choice",
    "routellm_gsm8k": "mathematics",
    "routerbench_11models_3tasks/arc-challenge": "multiple_choice",
    "routerbench_11models_3tasks/winogrande": "multiple_choice",
    "routerbench_11models_3tasks/mbpp": "code",
    "llmrouter_9models/agentverse-mgsm": "mathematics",
    "llmrouter_9models/gsm8k": "mathematics",
    "llmrouter_9models/math": "mathematics",
    "llmrouter_9models/human_eval": "code",
    "llmrouter_9models/mbpp": "code",
    "llmrouter_9models/arc_challenge": "question",
    "llmrouter_9models/commonsense_qa": "question",
    "llmrouter_9models/natural_qa": "question",
    "llmrouter_9models/openbook_qa": "question",
    "llmrouter_9models/trivia_qa": "question",
}

KNOWN_WIDTH, UNKNOWN_WIDTH = 0.25, 1.0
"""Standard deviations around the ability of a model on the index, or placed by hand beside one, and of one not known.
The first is narrow: a model's siblings, which stand in no table of outcomes, do not move along with it."""
UNKNOWN = -1.5
"""What a model of these tables is expected to be when nothing else is known."""
OFFSET_WIDTH = 1.0
"""Of offsets: what shrinks those of few questions to the overall ability."""
DISPERSION = 0.25
"""Logits by which parts differ for a model beyond the binomial."""
FREEDOM = 4.0
"""Of the t distributions of residuals and offsets: where a model was not tuned for a form it fails by far, which says
little of its ability, and must not make all others look able."""
FEWEST = 20
"""Questions below which a part is left out."""


class Part(NamedTuple):
    """What one model made of one benchmark of a table."""

    part: str
    model: str
    mean: float
    questions: int


class Known(NamedTuple):
    """What is known of a model beforehand."""

    ability: float
    width: float
    offsets: Mapping[str, float]


class Fitted(NamedTuple):
    """What the tables say of a model."""

    ability: float
    offsets: Mapping[str, float]
    parts: int


def parts(data: Path, named: Callable[[str], str], keep: Mapping[str, "np.ndarray"] | None = None) -> list[Part]:  # type: ignore[type-arg]
    """The outcomes in a folder, by part and model as ``named``; of the tables in ``keep`` only those rows."""
    found = []
    pair = {"weak": "mixtral-8x7b-instruct-v0.1", "strong": "gpt-4-1106-preview"}
    for table in ("routellm_mmlu", "routellm_gsm8k", "routerbench_11models_3tasks", "llmrouter_9models"):
        frame = pd.read_parquet(data / f"{table}.parquet")
        if keep is not None and table in keep:
            frame = frame[keep[table]]
        if "contaminated" in frame:
            frame = frame[~frame["contaminated"]]
        benchmarks = frame.groupby("task") if "task" in frame else [("", frame)]
        scores = {name: pair.get(name, name.removeprefix("score|")) for name in frame if name.startswith("score|")}
        for benchmark, rows in benchmarks:
            for name, model in (scores or pair).items():
                outcomes = rows[name].dropna().astype(float)
                if len(outcomes) >= FEWEST:
                    found.append(
                        Part(f"{table}/{benchmark}".rstrip("/"), named(model), float(outcomes.mean()), len(outcomes))
                    )
    return found


def fit(found: Iterable[Part], known: Mapping[str, Known]) -> dict[str, Fitted]:
    """Each model's ability, and its offsets in the groups in which it was seen."""
    cells = list(found)
    tables, models = sorted({cell.part for cell in cells}), sorted({cell.model for cell in cells})
    pairs = sorted({(cell.model, GROUPS[cell.part]) for cell in cells if cell.part in GROUPS})
    t = np.array([tables.index(cell.part) for cell in cells])
    m = np.array([models.index(cell.model) for cell in cells])
    o = np.array([pairs.index((c.model, GROUPS[c.part])) if c.part in GROUPS else len(pairs) for c in cells])
    share = np.clip(np.array([cell.mean for cell in cells]), 0.01, 0.99)
    questions = np.array([cell.questions for cell in cells])
    seen = np.log(share / (1 - share))
    variance = 1 / (questions * share * (1 - share)) + DISPERSION**2
    nothing = Known(UNKNOWN, UNKNOWN_WIDTH, {})
    before = [known.get(model, nothing) for model in models]
    centre, width = np.array([one.ability for one in before]), np.array([one.width for one in before])
    expected = np.array([known.get(model, nothing).offsets.get(group, 0.0) for model, group in pairs])
    ends = np.cumsum([len(models), len(pairs)])

    def loss(x: np.ndarray) -> tuple[float, np.ndarray]:  # type: ignore[type-arg]
        ability, offset, difficulty = np.split(x, ends)
        residual = SLOPE * (ability[m] + np.append(offset, 0.0)[o]) - difficulty[t] - seen
        off_ability, off_offset = (ability - centre) / width, (offset - expected) / OFFSET_WIDTH
        tails = (FREEDOM + 1) / 2 * np.log1p(residual**2 / (FREEDOM * variance))
        outlying = (FREEDOM + 1) / 2 * np.log1p(off_offset**2 / FREEDOM)
        value = tails.sum() + (off_ability**2).sum() / 2 + outlying.sum() + (difficulty**2).sum() / 18
        back = (FREEDOM + 1) * off_offset / (FREEDOM + off_offset**2)
        pull = (FREEDOM + 1) * residual / (FREEDOM * variance + residual**2)
        slopes = (
            SLOPE * np.bincount(m, pull, len(models)) + off_ability / width,
            SLOPE * np.bincount(o, pull, len(pairs) + 1)[:-1] + back / OFFSET_WIDTH,
            difficulty / 9 - np.bincount(t, pull, len(tables)),
        )
        return float(value), np.concatenate(slopes)

    start = np.concatenate([centre, expected, -1.1 - np.zeros(len(tables))])
    solved = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 20_000, "maxfun": 10**6})
    assert solved.success, solved.message
    ability, offset, _ = np.split(solved.x, ends)
    return {
        model: Fitted(
            float(ability[place]),
            {group: float(offset[pair]) for pair, (of, group) in enumerate(pairs) if of == model},
            int((m == place).sum()),
        )
        for place, model in enumerate(models)
    }

"""The collections that are trained on, read from a folder of parquet files that is never committed.

Licences: RouteLLM Apache-2.0 (MMLU, GSM8K MIT), RouterBench MIT, LLMRouter MIT, self-instruct Apache-2.0, legalbench
CC BY 4.0, shaberi Apache-2.0, ja-vicuna-qa Apache-2.0, semantic-router Apache-2.0, the coding prompts and label set MIT.
AlpacaEval (non-commercial) and RouterDC (no licence) are never read here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from tenbin.core.features import TASK_TYPES
from tenbin.discern.labels import DOMAIN_LABELS, SUBJECT_DOMAINS, TASK_LABELS
from training.seeds import seeds

MAY_TRAIN = frozenset(
    {
        "routellm_mmlu", "routellm_gsm8k", "routerbench_11models_3tasks", "llmrouter_9models", "ja_shaberi_scores",
        "ja_vicuna_qa", "task_type_prompts", "coding_agent_tiers", "domain_labels_mmlupro_exemplars",
        "domain_labels_vllmsr_e2e", "labelset_cheap_strong",
    }
)  # fmt: skip
"""Files whose licence lets weights trained on them be shipped."""


def table(folder: Path, name: str) -> dict[str, list[Any]]:
    """The columns of one file. Raises ValueError for one whose licence does not allow it."""
    if name not in MAY_TRAIN:
        raise ValueError(f"{name} may be measured on, not trained on")
    columns: dict[str, list[Any]] = parquet.read_table(folder / f"{name}.parquet").to_pydict()
    return columns


@dataclass
class Labelled:
    """Prompts with a label."""

    prompts: list[str]
    labels: list[str]
    sources: list[str]
    """Template or collection: what a split must not tear apart."""
    shared: NDArray[np.bool_]
    """Of the task-type collection itself, on which accuracy is measured."""


@dataclass
class Pair:
    """Prompts with outcomes of a weak and a strong model, 0..1."""

    prompts: list[str]
    weak: NDArray[np.float64]
    strong: NDArray[np.float64]
    groups: list[str]


@dataclass
class Outcome:
    """One prompt's outcome with one model."""

    prompt: str
    model: str
    score: float
    weight: float
    collection: str


def tasks(folder: Path, with_unseen: bool = False) -> Labelled:
    """Prompts with task types: the collection's, our own (``with_unseen``: those left out too), and other collections
    of one kind of task."""
    rows = table(folder, "task_type_prompts")
    found = [
        (prompt, TASK_LABELS[label], source, True)
        for prompt, label, source in zip(rows["prompt"], rows["task_type"], rows["source"], strict=True)
        if label in TASK_LABELS
    ]
    found += [(seed.prompt, seed.task, seed.source, False) for seed in seeds() if with_unseen or not seed.unseen]
    random = np.random.default_rng(0)
    arithmetic = table(folder, "routellm_gsm8k")["prompt"]
    found += [(arithmetic[row], "mathematics", "gsm8k", False) for row in random.permutation(len(arithmetic))[:150]]
    router = table(folder, "llmrouter_9models")
    for task in ("trivia_qa", "natural_qa", "commonsense_qa", "openbook_qa"):
        of_task = [prompt for prompt, kind in zip(router["prompt"], router["task"], strict=True) if kind == task]
        found += [(of_task[row], "short_answer", task, False) for row in random.permutation(len(of_task))[:60]]
    graded = table(folder, "labelset_cheap_strong")
    kinds = {"coding": "code_generation", "math": "mathematics", "qa": "short_answer"}
    found += [
        (prompt, kinds[kind], f"labelset:{kind}", False)
        for prompt, kind in zip(graded["prompt"], graded["discipline"], strict=True)
    ]
    prompts, labels, sources, shared = zip(*found, strict=True)
    assert set(labels) <= set(TASK_TYPES)
    return Labelled(list(prompts), list(labels), list(sources), np.array(shared))


def domains(folder: Path) -> Labelled:
    """Prompts with domains: exemplars, and MMLU's questions by subject (at most 120 of each)."""
    found = []
    for name in ("domain_labels_mmlupro_exemplars", "domain_labels_vllmsr_e2e"):
        rows = table(folder, name)
        found += [
            (prompt, DOMAIN_LABELS[label], name, True)
            for prompt, label in zip(rows["prompt"], rows["category"], strict=True)
        ]
    rows = table(folder, "routellm_mmlu")
    taken: dict[str, int] = {}
    for row in np.random.default_rng(0).permutation(len(rows["prompt"])):
        subject = rows["subject"][row]
        if taken.get(subject, 0) < 120:
            taken[subject] = taken.get(subject, 0) + 1
            found.append((rows["prompt"][row], SUBJECT_DOMAINS[subject], subject, False))
    everyday = [
        seed for seed in seeds() if seed.task in ("chat", "creative_writing", "content_generation", "rewriting")
    ]
    found += [(seed.prompt, "other", "own", False) for seed in everyday[::2]]
    technical = ("code_generation", "debugging", "refactoring", "test_writing", "comment_generation")
    found += [(seed.prompt, "computer_science", "own", False) for seed in seeds() if seed.task in technical][::2]
    found += [(seed.prompt, "law", "own", False) for seed in seeds() if seed.task == "contract_analysis"]
    found += [(seed.prompt, "mathematics", "own", False) for seed in seeds() if seed.task == "mathematics"]
    prompts, labels, sources, shared = zip(*found, strict=True)
    return Labelled(list(prompts), list(labels), list(sources), np.array(shared))


def pair(folder: Path, name: str) -> Pair:
    """RouteLLM's outcomes of one benchmark, contaminated rows left out."""
    rows = table(folder, name)
    kept = [row for row, bad in enumerate(rows["contaminated"]) if not bad]
    groups = rows.get("subject", rows["prompt"])
    return Pair(
        [rows["prompt"][row] for row in kept],
        np.array([float(rows["weak"][row]) for row in kept]),
        np.array([float(rows["strong"][row]) for row in kept]),
        [groups[row] for row in kept],
    )


ABLE = (
    "llama-3.1-nemotron-51b-instruct",
    "llama-3.3-nemotron-super-49b-v1",
    "qwen2.5-7b-instruct",
    "llama-3.1-8b-instruct",
)
LESS_ABLE = ("mistral-7b-instruct-v0.3", "codegemma-7b", "llama3-chatqa-1.5-70b")
"""Of LLMRouter's models those that solve most of its word problems, and those that solve fewer than half."""


def other_problems(folder: Path) -> tuple[list[str], NDArray[np.float64]]:
    """Word problems that other models answered, and how much better the able ones did, -1..1."""
    rows = table(folder, "llmrouter_9models")
    kept = [place for place, task in enumerate(rows["task"]) if task in ("gsm8k", "agentverse-mgsm")]

    def mean(models: tuple[str, ...]) -> NDArray[np.float64]:
        scores = [[rows[f"score|{model}"][place] for place in kept] for model in models]
        return np.asarray(np.mean(np.array(scores, np.float64), axis=0))

    return [rows["prompt"][place] for place in kept], mean(ABLE) - mean(LESS_ABLE)


JUDGE = "gpt-4-turbo-preview"
"""The judge of the Japanese answers with the most models."""


def japanese(folder: Path) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Japanese prompts and, for each model that answered nearly all, its scores from 0 to 1."""
    rows = table(folder, "ja_shaberi_scores")
    full = np.where(np.array(rows["bench"]) == "elyza100", 5.0, 10.0)
    scores = {}
    for name, values in rows.items():
        parts = name.split("|")
        if parts[0] == "score" and parts[1] == JUDGE:
            score = np.array([np.nan if value is None else float(value) for value in values]) / full
            if np.isfinite(score).mean() > 0.97:
                scores[parts[2]] = score
    return rows["prompt"], scores

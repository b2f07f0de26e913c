"""Writes src/tenbin/decide/abilities.json: how able models are, on the scale of the tiers.

    python training/abilities.py --data DIR [--date YYYY-MM-DD]

Two sources are merged. ``abilities.csv`` (beside this file) names models with their place on a public index of some
hundred benchmarks (whatmodel.sh, as of November 2026; ``between neighbours`` marks a place estimated by hand from the
models that rank next to it, by family, size and price). Models that stand in no index but in outcome tables are placed
by a two-parameter logistic (item-response) fit of the tables in DIR whose licences allow it: RouteLLM, RouterBench and
LLMRouter. The Japanese judgements give an offset for Japanese, and a place to models that stand nowhere else.

Context windows and longest outputs are LiteLLM's (1.109.1) and genai-prices' (0.2.3); the few speeds are medians that
Artificial Analysis published, or tokens billed over latency in the outcomes of llm-model-routing-benchmark.

Needs numpy, pandas, pyarrow and scipy; nothing of it at run time.
"""

import argparse
import csv
import json
import math
import sys
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from genai_prices.data import providers
from scipy.optimize import minimize

from tenbin.decide.abilities import parameters, spellings

HERE = Path(__file__).parent
TARGET = HERE.parent / "src" / "tenbin" / "decide" / "abilities.json"

# The scale's marks: (place on the index, ability). They put the models of the default tiers (docs/quality.md) where the
# tiers want them: a 30B coder and Haiku 5.5 around 0, Sonnet 5.5 at 2, Opus 5.5 at 3. Above the last mark the last
# slope goes on; the lowest one is where the index has models of some hundred million parameters.
MARKS = ((27.4, -3.0), (57.4, -0.5), (75.3, 0.5), (81.7, 2.0), (84.7, 3.0))

# Ability by a word of size in a name that stands nowhere: about the middle of the current models that bear it. The
# smaller word comes first: a flash-lite is a lite.
SIZES = {"nano": -0.2, "tiny": -2.0, "lite": -0.3, "mini": 0.0, "flash": 0.3, "small": -0.4, "haiku": 0.5, "luna": 0.5,
         "air": 0.0, "fast": 0.0, "medium": 0.2, "plus": 0.4, "sonnet": 2.0, "terra": 2.0, "large": 0.4, "pro": 1.0,
         "max": 0.7, "ultra": 1.0, "opus": 3.0, "sol": 2.4, "astra": 3.0, "fable": 2.2}  # fmt: skip

# Formats that some models were not tuned for say nothing of their ability: tasks of LLMRouter in which a model that is
# right elsewhere scores nothing at all are left out for it.
BROKEN = 0.03


class Entry(NamedTuple):
    """One line of abilities.csv."""

    match: tuple[str, ...]
    index: float | None
    basis: str
    offsets: dict[str, float]
    context: int | None
    max_output: int | None
    serves: dict[str, str]
    date: str
    tokens_per_second: float | None


def entries() -> list[Entry]:
    """The lines of abilities.csv."""
    with (HERE / "abilities.csv").open(encoding="utf-8", newline="") as file:
        return [
            Entry(
                tuple(row["match"].split()),
                float(row["index"]) if row["index"] else None,
                row["basis"],
                {name: float(value) for name, value in (pair.split(":") for pair in row["offsets"].split())},
                int(row["context"]) if row["context"] else None,
                int(row["max_output"]) if row["max_output"] else None,
                dict(pair.split("=") for pair in row["serves"].split()),
                row["date"],
                float(row["tokens_per_second"]) if row["tokens_per_second"] else None,
            )
            for row in csv.DictReader(file)
        ]


def scale(index: float) -> float:
    """A place on the index as ability: straight lines between the marks, the outer ones going on."""
    for (x0, y0), (x1, y1) in pairwise(MARKS):
        if index <= x1 or (x1, y1) == MARKS[-1]:
            return y0 + (index - x0) * (y1 - y0) / (x1 - x0)
    raise AssertionError


def named(model: str, known: Mapping[str, str]) -> str:
    """A model as abilities.csv names it, where it does."""
    names = list(spellings(model))
    return next((known[name] for name in names if name in known), names[0])


def outcome_table(data: Path, alias: Mapping[str, str]) -> dict[tuple[str, str], tuple[float, int]]:
    """(task, plain model name) -> (mean score, questions), of tables whose licences allow shipping it."""
    means: dict[tuple[str, str], tuple[float, int]] = {}

    def add(task: str, model: str, scores: pd.Series) -> None:
        scores = scores.dropna()
        if len(scores) >= 20:
            means[task, named(model, alias)] = (float(scores.mean()), len(scores))

    pair = {"weak": "mixtral-8x7b-instruct-v0.1", "strong": "gpt-4-1106-preview"}
    for name in ("routellm_mmlu", "routellm_gsm8k"):
        frame = pd.read_parquet(data / f"{name}.parquet")
        for group, rows in frame.groupby("domain") if "domain" in frame else [("gsm8k", frame)]:
            for column, model in pair.items():
                add(f"{name}/{group}", model, rows[column].astype(float))
    for name in ("routerbench_11models_3tasks", "llmrouter_9models"):
        frame = pd.read_parquet(data / f"{name}.parquet")
        for task, rows in frame.groupby("task"):
            for column in (one for one in frame if one.startswith("score|")):
                add(f"{name}/{task}", column.removeprefix("score|"), rows[column])
    return means


def fit(means: Mapping[tuple[str, str], tuple[float, int]], known: Mapping[str, float]) -> dict[str, tuple[float, int]]:
    """Two-parameter logistic fit: P(right) = 1 / (1 + exp(-a_task (ability_model - b_task))).

    Models with a known ability are held near it (standard deviation 0.4), which ties the fit to the scale; the others
    have a wide prior (-1.5, 1.0). Over-dispersion beyond the binomial is taken as 0.25 logits. Gives each fitted
    model's ability and in how many tasks it was seen.
    """
    broken = {(task, model) for (task, model), (mean, _) in means.items() if mean < BROKEN}
    cells = [(task, model, *value) for (task, model), value in means.items() if (task, model) not in broken]
    tasks = sorted({cell[0] for cell in cells})
    models = sorted({cell[1] for cell in cells})
    t = np.array([tasks.index(cell[0]) for cell in cells])
    m = np.array([models.index(cell[1]) for cell in cells])
    p = np.clip(np.array([cell[2] for cell in cells]), 0.01, 0.99)
    n = np.array([cell[3] for cell in cells])
    seen = np.log(p / (1 - p))
    weight = 1 / (1 / (n * p * (1 - p)) + 0.25**2)
    centre = np.array([known.get(model, -1.5) for model in models])
    width = np.array([0.4 if model in known else 1.0 for model in models])

    def loss(x: np.ndarray) -> float:
        ability, b, log_a = x[: len(models)], x[len(models) : len(models) + len(tasks)], x[len(models) + len(tasks) :]
        said = np.exp(log_a)[t] * (ability[m] - b[t])
        return float(
            (weight * (said - seen) ** 2 / 2).sum()
            + (((ability - centre) / width) ** 2 / 2).sum()
            + ((b + 1.5) ** 2 / 18).sum()
            + (log_a**2 / 0.5).sum()
        )

    start = np.concatenate([centre, np.full(len(tasks), -1.5), np.zeros(len(tasks))])
    found = minimize(loss, start, method="L-BFGS-B", options={"maxiter": 5_000, "maxfun": 10**6})
    assert found.success, found.message
    return {model: (float(found.x[index]), int((m == index).sum())) for index, model in enumerate(models)}


def japanese(data: Path, ability: Mapping[str, float], alias: Mapping[str, str]) -> dict[str, float]:
    """How able models are by Japanese judgements alone.

    Each judge's mean (ELYZA-tasks-100, Tengu-Bench, both on 0..1, as logits) is regressed on ability over the models
    whose ability is known; what a judgement stands for is read off that line, and averaged over judges.
    """
    frame = pd.read_parquet(data / "ja_shaberi_scores.parquet")
    places: dict[str, list[float]] = {}
    columns = [column for column in frame if column.startswith("score|")]
    for judge in sorted({column.split("|")[1] for column in columns}):
        for bench, lowest, highest in (("elyza100", 1, 5), ("tengu", 0, 10)):
            rows = frame[frame["bench"] == bench]
            heights: dict[str, float] = {}
            for column in columns:
                _, by, model = column.split("|")
                if by == judge and rows[column].notna().sum() >= 50:
                    share = min(max((rows[column].mean() - lowest) / (highest - lowest), 0.02), 0.98)
                    heights[named(model, alias)] = math.log(share / (1 - share))
            seen = [name for name in heights if name in ability]
            slope, intercept = np.polyfit([ability[name] for name in seen], [heights[name] for name in seen], 1)
            for name, height in heights.items():
                places.setdefault(name, []).append((height - intercept) / slope)
    return {name: float(np.mean(values)) for name, values in places.items()}


def judged_only(in_japanese: Mapping[str, float], ability: Mapping[str, float], date: str) -> list[dict[str, Any]]:
    """Rows of models that only the Japanese judgements know: mostly made for Japanese, and weaker in other tasks by
    what a judgement of that language does not show. Runs that gave next to nothing but rubbish are left out.
    """
    rows, taken = [], set(ability)
    for name, place in sorted(in_japanese.items()):
        if name in ability or place < -4:
            continue
        shortest = list(spellings(name))[-1]
        match = name if shortest in taken else shortest
        taken.add(match)
        value = round(float(np.clip(place, -3.0, 1.0)), 2)
        rows.append({"match": [match], "ability": value, "source": "fit of Japanese judgements", "date": date[:7]})
    return rows


def line(points: list[tuple[float, float]]) -> list[float]:
    """Least squares of ability over the natural logarithm."""
    slope, intercept = np.polyfit([math.log(x) for x, _ in points], [y for _, y in points], 1)
    return [round(float(intercept), 3), round(float(slope), 3)]


# Sold today and not about to be withdrawn (November 2026): what a price says of a model changes with the years.
CURRENT = (
    "claude-fable-5-1 claude-opus-5-5 claude-opus-5 claude-opus-4-8 claude-sonnet-5-5 claude-sonnet-5 claude-haiku-5-5 "
    "claude-haiku-4-5 gpt-6-astra gpt-6-1-sol gpt-6-1-terra gpt-6-sol gpt-6-luna gpt-5-6-sol gpt-5-6-terra "
    "gpt-5-6-luna gpt-5-4-mini gpt-5-4-nano gpt-5-mini gpt-5-nano gemini-4-argon gemini-3-8-flash gemini-3-7-flash "
    "gemini-3-1-pro gemini-3-5-flash-lite gemini-2-5-flash-lite deepseek-v4-pro deepseek-v4-flash kimi-k3 "
    "kimi-k2-7-code glm-5-3 glm-5-3-flash grok-4-7 mistral-large-4 mistral-small-2603 ministral-3-8b ministral-3-3b"
)


def priced(ability: Mapping[str, float], alias: Mapping[str, str]) -> list[tuple[float, float]]:
    """(USD per million tokens, three of input for one of output; ability) of the models whose makers sell them."""
    points: dict[str, tuple[float, float]] = {}
    for provider in providers:
        if provider.id not in ("anthropic", "openai", "google", "deepseek", "x-ai", "moonshotai", "zai", "mistral"):
            continue
        for model in provider.models:
            name = named(model.id, alias)
            if name not in CURRENT.split():
                continue
            prices = model.prices[-1].prices if isinstance(model.prices, list) else model.prices
            sides = [getattr(side, "base", side) for side in (prices.input_mtok, prices.output_mtok)]
            if all(sides):
                points[name] = (float(sides[0] * 3 + sides[1]) / 4, ability[name])
    return list(points.values())


def main() -> None:
    """Merge, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the outcome tables")
    parser.add_argument("--date", default="2026-11-22", help="version written into the file")
    options = parser.parse_args()
    table = entries()
    alias = {name: entry.match[0] for entry in table for name in entry.match}
    known = {entry.match[0]: scale(entry.index) for entry in table if entry.index is not None}
    fitted = fit(outcome_table(options.data, alias), known)
    ability = {**known, **{name: value for name, (value, _) in fitted.items() if name not in known}}
    in_japanese = japanese(options.data, ability, alias)
    rows: list[dict[str, Any]] = []
    open_models: list[tuple[float, float]] = []
    for entry in table:
        first = entry.match[0]
        row: dict[str, Any] = {"match": list(entry.match)}
        if entry.index is not None:
            value = scale(entry.index)
            source = f"{entry.basis}: {entry.index}" if entry.basis == "whatmodel.sh" else entry.basis
            if entry.basis == "between neighbours":
                source = "estimate between neighbours on whatmodel.sh"
        else:
            value, count = fitted[first]
            source = f"fit of outcome tables, {count} tasks"
        row["ability"] = round(value, 2)
        row["source"] = source
        row["date"] = entry.date
        offsets = dict(entry.offsets)
        if first in in_japanese:
            # Halved towards nothing: two hundred prompts and a judge's taste are not a language.
            offset = round(float(np.clip((in_japanese[first] - value) / 2, -0.8, 0.8)), 2)
            if abs(offset) >= 0.1:
                offsets["japanese"] = offset
        if offsets:
            row["offsets"] = offsets
        if entry.basis.startswith("family"):
            row["family"] = True
            row["source"] = entry.basis.removeprefix("family: ")
        for name in ("serves", "context", "max_output", "tokens_per_second"):
            if found := getattr(entry, name):
                row[name] = found
        rows.append(row)
        billions = next((size for name in entry.match if (size := parameters(name.replace("-5b", ".5b")))), None)
        if billions is not None and "family" not in row:
            open_models.append((billions, value))
    rows += judged_only(in_japanese, {**dict.fromkeys(alias, 0.0), **ability}, options.date)
    document = {
        "version": options.date,
        "scale": "0: a typical low-tier model, 1: medium, 2: high, 3: highest",
        "by_word": SIZES,
        "by_parameters": line(open_models),
        "by_price": line(priced(ability, alias)),
    }
    head = json.dumps(document, indent=1, ensure_ascii=False).removesuffix("\n}")
    body = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
    TARGET.write_text(f'{head},\n "rows": [\n  {body}\n ]\n}}\n', encoding="utf-8")
    for name, (value, count) in sorted(fitted.items(), key=lambda hit: -hit[1][0]):
        beside = f"  (index {known[name]:.2f})" if name in known else ""
        sys.stdout.write(f"{name:45} {value:6.2f}  {count:2} tasks{beside}\n")
    sys.stdout.write(f"{len(rows)} rows in {TARGET}\n")


if __name__ == "__main__":
    main()

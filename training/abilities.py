"""Writes src/tenbin/decide/abilities.json: how able models are, on the scale of the tiers.

    python -m training.abilities --data DIR [--date YYYY-MM-DD]

Two sources are merged. ``abilities.csv`` (beside this file) names models with their place on a public index of some
hundred benchmarks (whatmodel.sh, as of November 2026; ``between neighbours`` marks a place estimated by hand from the
models that rank next to it, by family, size and price). Models that stand in outcome tables get offsets by groups of
tasks from an item-response fit of the tables in DIR whose licences allow it (RouteLLM, RouterBench, LLMRouter:
item_response.py), and those that the index does not hold their place. The Japanese judgements give an offset for
Japanese, and a place to models that stand nowhere else.

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

from tenbin.decide.abilities import parameters, spellings
from training.item_response import (
    KNOWN_WIDTH,
    UNKNOWN,
    UNKNOWN_WIDTH,
    Fitted,
    Known,
    fit,
    parts,
)

DATE = "2026-11-22"
"""Version of the shipped table."""
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

LEAST_OFFSET, LARGEST_OFFSET = 0.1, 1.5
"""Smaller offsets are left out of the table; beyond the larger a model fails at a benchmark's form, not at its task."""


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


def beforehand(table: list[Entry]) -> dict[str, Known]:
    """What abilities.csv says of models, before the outcome tables have been looked at."""
    return {
        entry.match[0]: Known(UNKNOWN, UNKNOWN_WIDTH, entry.offsets)
        if entry.index is None
        else Known(scale(entry.index), KNOWN_WIDTH, entry.offsets)
        for entry in table
    }


def placed(entry: Entry, fitted: Fitted | None) -> tuple[float, str]:
    """A model's overall ability and where it comes from: the index goes first, then outcomes, then the estimate."""
    if entry.index is None:
        assert fitted is not None, entry.match
        return fitted.ability, f"fit of outcome tables, {fitted.parts} parts"
    if entry.basis == "whatmodel.sh":
        return scale(entry.index), f"whatmodel.sh: {entry.index}"
    if fitted is not None:
        return fitted.ability, f"estimate between neighbours on whatmodel.sh, moved by {fitted.parts} parts of outcomes"
    if entry.basis == "between neighbours":
        return scale(entry.index), "estimate between neighbours on whatmodel.sh"
    return scale(entry.index), entry.basis.removeprefix("family: ")


def offsets_of(entry: Entry, value: float, fitted: Fitted | None, in_japanese: float | None) -> dict[str, float]:
    """What is added to a model's overall ability in groups of tasks, and for Japanese."""
    offsets = dict(entry.offsets)
    if fitted is not None:
        offsets |= {group: fitted.ability + offset - value for group, offset in fitted.offsets.items()}
    if in_japanese is not None:
        # Halved towards nothing: two hundred prompts and a judge's taste are not a language.
        offsets["japanese"] = float(np.clip((in_japanese - value) / 2, -0.8, 0.8))
    bounded = {name: round(min(max(offset, -LARGEST_OFFSET), LARGEST_OFFSET), 2) for name, offset in offsets.items()}
    return {name: offset for name, offset in bounded.items() if abs(offset) >= LEAST_OFFSET}


def rows_of(table: list[Entry], fitted: Mapping[str, Fitted], in_japanese: Mapping[str, float]) -> list[dict[str, Any]]:
    """The rows of the models that abilities.csv names."""
    rows = []
    for entry in table:
        first = entry.match[0]
        value, source = placed(entry, fitted.get(first))
        row: dict[str, Any] = {
            "match": list(entry.match), "ability": round(value, 2), "source": source, "date": entry.date
        }  # fmt: skip
        if offsets := offsets_of(entry, value, fitted.get(first), in_japanese.get(first)):
            row["offsets"] = offsets
        if entry.basis.startswith("family"):
            row["family"] = True
        for name in ("serves", "context", "max_output", "tokens_per_second"):
            if found := getattr(entry, name):
                row[name] = found
        rows.append(row)
    return rows


def document(data: Path, date: str, keep: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The whole table; ``keep``: rows of outcome tables that may be looked at (all, where it does not say)."""
    table = entries()
    alias = {name: entry.match[0] for entry in table for name in entry.match}
    fitted = fit(parts(data, lambda model: named(model, alias), keep), beforehand(table))
    ability = {entry.match[0]: placed(entry, fitted.get(entry.match[0]))[0] for entry in table}
    in_japanese = japanese(data, ability, alias)
    open_models = []
    for entry in table:
        sizes = [size for name in entry.match if (size := parameters(name.replace("-5b", ".5b")))]
        if sizes and not entry.basis.startswith("family"):
            open_models.append((sizes[0], ability[entry.match[0]]))
    return {
        "version": date,
        "scale": "0: a typical low-tier model, 1: medium, 2: high, 3: highest",
        "by_word": SIZES,
        "by_parameters": line(open_models),
        "by_price": line(priced(ability, alias)),
        "rows": rows_of(table, fitted, in_japanese)
        + judged_only(in_japanese, {**dict.fromkeys(alias, 0.0), **ability}, date),
    }


def written(found: Mapping[str, Any]) -> str:
    """The table as the file holds it: a row a line."""
    head = json.dumps({name: found[name] for name in found if name != "rows"}, indent=1, ensure_ascii=False)
    body = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in found["rows"])
    return head.removesuffix("\n}") + f',\n "rows": [\n  {body}\n ]\n}}\n'


def main() -> int:
    """Merge, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the outcome tables")
    parser.add_argument("--date", default=DATE, help="version written into the file")
    parser.add_argument("--check", action="store_true", help="compare with the shipped table, write nothing")
    options = parser.parse_args()
    content = written(document(options.data, options.date))
    if options.check:
        same = TARGET.read_text(encoding="utf-8") == content
        sys.stdout.write("the shipped table, byte for byte\n" if same else "this is not the shipped table\n")
        return 0 if same else 1
    TARGET.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

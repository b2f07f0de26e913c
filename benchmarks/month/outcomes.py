"""How often each class of model answers well, in public per-question results: who was right on which question.

`python -m benchmarks.month.outcomes --data DIR` writes outcomes.json, which holds no question and no answer. A judged
answer of the month counts for its class's share of good ones in the table of its kind of work.
"""

import argparse
import json
import random
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("outcomes.json")

CLASSES = ("local", "low", "high", "highest")

CODE = {
    "local": "score|meta/code-llama-instruct-34b-chat",
    "low": "score|claude-instant-v1",
    "high": "score|claude-v2",
    "highest": "score|gpt-4-1106-preview",
}
"""MBPP in RouterBench, models of 2023: a local coder of 34 billion parameters, Anthropic's small and its large model of
that year, and the strongest of the table.
"""

_JUDGE = "score|gpt-4-turbo-preview|"
LANGUAGE = {
    "local": f"{_JUDGE}Qwen__Qwen1.5-32B-Chat",
    "low": f"{_JUDGE}claude-3-haiku-20240307",
    "high": f"{_JUDGE}claude-3-sonnet-20240229",
    "highest": f"{_JUDGE}claude-3-opus-20240229",
}
"""ELYZA-tasks-100 and Tengu-Bench (Japanese instructions of many kinds) judged by GPT-4 Turbo, models of early 2024: a
local Qwen of 32 billion parameters, and the Haiku, Sonnet and Opus of that year.
"""

GOOD = {"elyza100": 4.0, "tengu": 7.0}
"""From which mark on an answer counts as good (of 5, of 10)."""

LANGUAGE_TASKS = frozenset(
    {
        "classification",
        "summarization",
        "translation",
        "data_extraction",
        "short_answer",
        "planning",
        "comment_generation",
    }
)
"""Task types that are judged by that table; the others by the one of code."""

RESAMPLES = 2_000


def table_of(task: str) -> str:
    """Which table a task type is judged by."""
    return "language" if task in LANGUAGE_TASKS else "code"


@cache
def tables() -> dict[str, Any]:
    """The tables as they are kept."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


Rates = Mapping[str, tuple[float, ...]]
"""By table: for each of CLASSES, the share of questions that it answered well."""


def _shares(rows: list[str]) -> tuple[float, ...]:
    return tuple(sum(row[number] == "1" for row in rows) / len(rows) for number in range(len(CLASSES)))


@cache
def rates() -> Rates:
    """The shares of good answers in the whole tables."""
    return {name: _shares(tables()[name]["rows"]) for name in ("code", "language")}


@cache
def resampled(seed: int = 1) -> tuple[Rates, ...]:
    """The same in tables whose rows were drawn anew, with replacement: what another set of questions may have said.

    One draw serves all classes and all policies, so that their differences are those of the same questions.
    """
    chance = random.Random(seed)
    return tuple(
        {name: _shares(chance.choices(rows, k=len(rows))) for name, rows in _rows_of().items()}
        for _ in range(RESAMPLES)
    )


def _rows_of() -> dict[str, list[str]]:
    return {name: tables()[name]["rows"] for name in ("code", "language")}


def _read(
    path: Path, columns: dict[str, str], good: Callable[[dict[str, Any], float], bool], task: str | None = None
) -> list[str]:
    import pyarrow.parquet as parquet

    found = []
    for row in parquet.read_table(path).to_pylist():
        if task is not None and row["task"] != task:
            continue
        marks = [row.get(column) for column in columns.values()]
        if all(mark is not None for mark in marks):
            found.append("".join("1" if good(row, mark) else "0" for mark in marks))
    return found


def build(data: Path) -> dict[str, Any]:
    """The tables from the folder of public results (routerbench_11models_3tasks, ja_shaberi_scores)."""
    code = _read(data / "routerbench_11models_3tasks.parquet", CODE, lambda row, mark: mark >= 0.5, task="mbpp")
    language = _read(data / "ja_shaberi_scores.parquet", LANGUAGE, lambda row, mark: mark >= GOOD[row["bench"]])
    return {
        "classes": CLASSES,
        "code": {"from": "RouterBench, MBPP", "models": [name[6:] for name in CODE.values()], "rows": code},
        "language": {
            "from": "shisa-ai/shaberi, ELYZA-tasks-100 and Tengu-Bench",
            "models": [name.removeprefix(_JUDGE) for name in LANGUAGE.values()],
            "rows": language,
        },
    }


def main() -> None:
    """Writes the tables from a folder of public results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public results")
    found = build(parser.parse_args().data)
    FILE.write_text(json.dumps(found, indent=None) + "\n", encoding="utf-8")
    for name in ("code", "language"):
        print(name, len(found[name]["rows"]), [round(share, 3) for share in _shares(found[name]["rows"])])


if __name__ == "__main__":
    main()

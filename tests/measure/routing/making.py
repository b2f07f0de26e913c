"""Tables for the tests, and a reader that needs nothing learned: what is longer needs the strong model more."""

import json
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from tenbin.core.features import Features
from tenbin.measure.routing.readings import Reading


class ByLength:
    """Reads the length of a prompt, and takes a long one for code."""

    version = "length"

    def __init__(self, seen: frozenset[str] = frozenset()) -> None:
        self._seen = seen

    def read(self, prompt: str) -> Reading:
        hard = min(len(prompt) / 1000, 1.0)
        suffices = (0.9 - 0.6 * hard, 0.92 - 0.4 * hard, 0.95 - 0.1 * hard, 0.97)
        return Reading(Features(task="code_generation" if hard > 0.25 else "short_answer", suffices=suffices), hard)

    def was_trained_on(self, prompt: str) -> bool:
        return prompt in self._seen


def prompts(count: int) -> list[str]:
    """Different prompts, each one word longer than the one before."""
    return [f"Question {number}: " + "why " * number for number in range(count)]


def write(folder: Path, name: str, columns: dict[str, list[Any]]) -> Path:
    """A file of these columns in the form that its name says."""
    path = folder / name
    if name.endswith(".parquet"):
        parquet.write_table(pyarrow.table(columns), path)
    else:
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path

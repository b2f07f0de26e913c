"""What a file of rows can be measured on, recognised by its columns alone: never by its name.

Prompts with outcomes of two models, of many (``score|MODEL``, ``cost|MODEL``), of many by judges
(``score|JUDGE|MODEL``), preferences against a reference (``pref|MODEL``), or with labels.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from tenbin.measure.routing.files import Columns
from tenbin.measure.routing.formulas import FEWEST_ROWS, Floats, Ints
from tenbin.measure.routing.labels import domain_of, task_of, tier_of

PROMPTS = (
    "prompt", "prompt_turn1", "prompt_1", "first_prompt", "first_turn", "turn1", "turn_1", "question", "query",
    "instruction", "input", "turns", "messages", "conversation", "text",
)  # fmt: skip
"""Names of the column that holds what was asked; of several the first one here. A list's first user turn counts."""

GROUPS = ("subject", "bench", "benchmark", "task", "dataset", "category", "source", "domain")
"""Names of a column that says which part of a table a row belongs to."""

MOST_LABELS_LOST = 0.5
"""Of the rows of a column of labels: where more have a label that means nothing here, it is no column of labels."""


LARGEST = 1e12
"""A number beyond this is no outcome, cost or price."""


class Unfit(Exception):
    """Nothing can be measured on this file; the message says why."""


@dataclass(frozen=True)
class Outcomes:
    """What two models made of the same prompts."""

    name: str
    rows: Ints
    """Places in Table.prompts."""
    weak: Floats
    strong: Floats
    groups: tuple[str, ...] = ()
    """For each row the part of the table it belongs to; empty where the table has no parts."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelOutcomes:
    """What several models made of the same prompts, and perhaps at what cost."""

    rows: Ints
    models: tuple[str, ...]
    quality: Floats
    """(rows, models)."""
    cost: Floats | None
    """(rows, models), USD for each answer."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labels:
    """Prompts with the name of their kind, in the words of core.features."""

    what: str
    """``task type`` or ``domain``."""
    rows: Ints
    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difficulty:
    """Prompts with somebody's judgement of how hard they are: any rising numbers."""

    name: str
    rows: Ints
    degree: Floats


@dataclass
class Table:
    """One file: its prompts, and everything that can be measured on them."""

    prompts: list[str]
    ties: Ints
    """For each prompt its place in an order that depends on its words only."""
    dropped: dict[str, int]
    """Why rows were left out -> how many."""
    pairs: list[Outcomes] = field(default_factory=list)
    models: list[ModelOutcomes] = field(default_factory=list)
    labels: list[Labels] = field(default_factory=list)
    difficulties: list[Difficulty] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Nothing can be measured."""
        return not (self.pairs or self.models or self.labels or self.difficulties)


@dataclass(frozen=True)
class Rows:
    """The columns of the rows that are kept."""

    columns: Columns
    prompts: list[str]
    groups: tuple[str, ...]

    @property
    def all(self) -> Ints:
        """Every row."""
        return np.arange(len(self.prompts))

    def numbers(self, name: str) -> Floats:
        """A column's values; NaN for what is no finite number."""
        return np.array([number(value) for value in self.columns[name]], dtype=np.float64)

    def group_of(self, rows: Ints) -> tuple[str, ...]:
        """The parts of the table these rows belong to."""
        return tuple(self.groups[row] for row in rows) if self.groups else ()


def rows_of(columns: Columns, limit: int | None) -> tuple[Rows, dict[str, int]]:
    """The rows that have a prompt and are not marked as ``contaminated``, at most ``limit``; what was dropped and why.

    Raises Unfit where there is no column of prompts, or too few rows are left.
    """
    names = {name.lower(): name for name in reversed(list(columns))}
    asked = next((names[name] for name in PROMPTS if name in names), None)
    if asked is None:
        raise Unfit(f"it has no column of prompts ({', '.join(PROMPTS[:3])}, question ...), but {_listed(columns)}")
    # Half of a surrogate pair cannot be sent anywhere: it is read as a replacement character.
    prompts = [first_turn(value).encode("utf-8", "replace").decode() for value in columns[asked]]
    marked = [number(value) == 1 for value in columns[names["contaminated"]]] if "contaminated" in names else []
    dropped: Counter[str] = Counter()
    kept = []
    for row, prompt in enumerate(prompts):
        if not prompt.strip():
            dropped["the prompt is not text"] += 1
        elif marked and marked[row]:
            dropped["marked as contaminated"] += 1
        else:
            kept.append(row)
    if limit is not None and len(kept) > limit:
        dropped["left out by --limit"] = len(kept) - limit
        kept = sorted(sorted(kept, key=lambda row: _digest(prompts[row]))[:limit])
    if len(kept) < FEWEST_ROWS:
        raise Unfit(
            f"only {len(kept)} of its {len(prompts)} rows can be used{_because(dropped)}; "
            f"at least {FEWEST_ROWS} are needed"
        )
    chosen = {name: [values[row] for row in kept] for name, values in columns.items()}
    rows = Rows(chosen, [prompts[row] for row in kept], _groups(chosen, names, len(kept)))
    return rows, dict(dropped)


def first_turn(value: Any) -> str:
    """What the user said first: the text, or the first user turn of a list of texts or messages; empty if none."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return first_turn(value.get("content")) if value.get("role", "user") in ("user", "human") else ""
    if isinstance(value, list):
        return next((text for each in value if (text := first_turn(each))), "")
    return ""


def order_of(prompts: list[str]) -> Ints:
    """For each prompt its place in an order that depends on the words only, not on the file's order."""
    places = np.empty(len(prompts), dtype=np.int64)
    places[sorted(range(len(prompts)), key=lambda row: (_digest(prompts[row]), row))] = np.arange(len(prompts))
    return places


def labels_of(rows: Rows) -> tuple[list[Labels], list[Difficulty]]:
    """Columns of task types, domains and degrees of difficulty."""
    named = {name.lower(): name for name in reversed(list(rows.columns))}
    labels: list[Labels] = []
    for column in ("task_type", "category", "domain", "discipline"):
        if column not in named:
            continue
        values = rows.columns[named[column]]
        kinds: tuple[tuple[str, Callable[[object], str | None]], ...] = (
            ("task type", task_of), ("domain", domain_of),
        )  # fmt: skip
        found = [label for what, meaning in kinds if (label := _labels(what, column, values, meaning)) is not None]
        if found:
            labels.append(max(found, key=lambda each: len(each.rows)))
    difficulties = []
    for column in ("tier", "difficulty", "complexity"):
        if column in named:
            degree = np.array(
                [place if (place := tier_of(value)) is not None else number(value)
                 for value in rows.columns[named[column]]], dtype=np.float64,
            )  # fmt: skip
            difficulties.append(_difficulty(column, degree))
    if difficulties and "score" in named:
        difficulties.append(_difficulty("score", rows.numbers(named["score"])))
    return labels, [each for each in difficulties if each is not None]


def _labels(what: str, column: str, values: list[Any], meaning: Callable[[object], str | None]) -> Labels | None:
    meant = [meaning(value) for value in values]
    rows = np.array([row for row, label in enumerate(meant) if label is not None], dtype=np.int64)
    known = tuple(label for label in meant if label is not None)
    least = len(values) * (0.0 if column == "task_type" else MOST_LABELS_LOST)
    if len(rows) < max(FEWEST_ROWS, least) or len(set(known)) < 2:
        return None
    lost = Counter(str(value) for value, label in zip(values, meant, strict=True) if label is None)
    notes = (f"{lost.total()} rows have labels that mean no single {what}: {_listed(lost)}",) if lost else ()
    return Labels(what, rows, known, notes)


def _difficulty(name: str, degree: Floats) -> Difficulty | None:
    rows = np.flatnonzero(np.isfinite(degree))
    if len(rows) < FEWEST_ROWS or len(set(degree[rows].tolist())) < 2:
        return None
    return Difficulty(name, rows, degree[rows])


def _groups(columns: Columns, names: Mapping[str, str], rows: int) -> tuple[str, ...]:
    for name in GROUPS:
        if name in names:
            values = tuple("" if value is None else str(value) for value in columns[names[name]])
            if 2 <= len(set(values)) <= max(2, rows // 5):
                return values
    return ()


def number(value: Any) -> float:
    """A value as a number, the mean of a list of them; NaN for what is none."""
    if isinstance(value, list):
        return sum(map(number, value)) / len(value) if value else float("nan")
    if isinstance(value, str):
        said = value.strip().lower()
        if said in ("true", "false"):
            return float(said == "true")
    elif not isinstance(value, bool | int | float | Decimal):
        return float("nan")
    try:
        figure = float(value)
    except (ValueError, OverflowError):
        return float("nan")
    return figure if abs(figure) <= LARGEST else float("nan")


def _digest(prompt: str) -> bytes:
    return hashlib.blake2b(prompt.encode(), digest_size=16).digest()


def _because(dropped: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{count}: {why}' for why, count in dropped.items())})" if dropped else ""


def _listed(names: Any, most: int = 6) -> str:
    names = [str(name) for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

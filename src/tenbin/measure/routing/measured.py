"""What came of an evaluation: plain figures, for people (report.py) and for programs (JSON)."""

import math
from typing import Literal

import msgspec

from tenbin.measure.routing.formulas import Estimate

FORMAT = 1
"""Of the JSON; grows when a field changes its meaning or goes."""


class Value(msgspec.Struct, frozen=True):
    """A figure with its 95 % bootstrap interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of everything that was compared."""

    name: str
    """``apgr``, ``cpt50`` (per cent), ``cpt80`` (per cent), ``quality_at_half``, ``aiq``, ``saved_at_95`` (per cent),
    ``quality_at_any_cost``, ``quality``, ``cost_usd`` (of one answer), ``accuracy``, ``macro_f1``, ``spearman``."""
    better: Literal["higher", "lower"]
    values: dict[str, Value]
    """Who -> figure: ``tenbin``, ``tenbin_cross_validated``, ``length``, ``random``, ``cheapest``, ``strongest``,
    ``single_models``, ``most_frequent``, ``oracle``."""


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a file was measured on."""

    kind: Literal["two_models", "many_models", "labels", "difficulty"]
    name: str
    rows: int
    measures: tuple[Measure, ...]
    notes: tuple[str, ...] = ()


class EvaluatedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    file: str
    rows: int
    """In the file."""
    used: int
    """With a prompt that could be used."""
    trained_on: int
    """How many of these prompts are known to be among those the router's weights were trained on."""
    dropped: dict[str, int]
    """Why rows were left out -> how many."""
    evaluations: tuple[Evaluation, ...]
    notes: tuple[str, ...] = ()


class UnusedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file on which nothing was measured."""

    file: str
    why: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. The same files, router, seed, bootstrap and limit give the same figures."""

    format: int = FORMAT
    folder: str
    router: str
    """Version of what was learned."""
    seed: int
    bootstrap: int
    """Resamples for each interval."""
    limit: int | None
    """Most rows of a file."""
    files: tuple[EvaluatedFile, ...]
    unused: tuple[UnusedFile, ...]


def value(of: Estimate | float) -> Value:
    """A figure as it is kept: no NaN."""
    figures = of if isinstance(of, Estimate) else Estimate(of)
    return Value(*(None if math.isnan(figure) else round(float(figure), 8) for figure in figures))

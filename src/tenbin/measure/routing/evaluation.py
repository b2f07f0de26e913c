"""A folder of tables, each measured on all that its columns allow.

A file that fits nothing is named, with the reason.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tenbin.decide.abilities import plain
from tenbin.measure.routing import comparison, outcomes
from tenbin.measure.routing.comparison import Asked, Settings
from tenbin.measure.routing.files import FORMS, Columns, Unreadable, form_of, read
from tenbin.measure.routing.measured import EvaluatedFile, Evaluation, Report, UnusedFile
from tenbin.measure.routing.readings import Reader, read_all
from tenbin.measure.routing.tables import Table, Unfit, labels_of, number, order_of, rows_of

Prices = dict[str, tuple[float, float]]

PRICES = (
    ("usd_per_mtok_in", "usd_per_mtok_out"),
    ("input_usd_per_mtok", "output_usd_per_mtok"),
    ("usd_per_mtok_input", "usd_per_mtok_output"),
)
"""Columns that, beside ``model``, make a table of prices: USD per million tokens of input and of output."""

PUBLISHED = {
    "mmlu": "0.603 / 35.4 / 71.6 (SW ranking trained with 1,500 of its questions, on all 57 subjects)",
    "gsm8k": "0.622 / 33.6 / 63.3 (causal LLM 8B, on all its questions)",
    "mt_bench": "0.802 / 13.4 / 31.3 (matrix factorisation, on 72 questions)",
}
"""RouteLLM's best APGR / CPT(50) / CPT(80) on a benchmark (arXiv 2406.18665 v4, tables 1-3; Mixtral-8x7B and
gpt-4-1106-preview), by what such a file is usually called."""


class NothingHere(Exception):
    """The folder holds no file that could be read as a table; the message says what is looked for."""


@dataclass(frozen=True)
class Found:
    """A file that something can be measured on."""

    name: str
    rows: int
    table: Table


@dataclass(frozen=True)
class Folder:
    """What a folder holds, before anything is measured."""

    path: Path
    found: tuple[Found, ...]
    unused: tuple[UnusedFile, ...]
    prices: Prices

    @property
    def prompts(self) -> int:
        """Of all files together."""
        return sum(len(each.table.prompts) for each in self.found)


def look_into(path: Path, limit: int | None) -> Folder:
    """Read every file of a folder (or the one file) and recognise it by its columns.

    At most ``limit`` rows of each are taken, chosen by a digest of the prompt. Raises NothingHere, and PyarrowMissing
    where parquet files cannot be read.
    """
    files = [path] if path.is_file() else sorted(path.iterdir())
    files = [file for file in files if not file.name.startswith(".")]
    if not any(form_of(file) for file in files):
        raise NothingHere(f"{path} holds no table: files that end in {', '.join(FORMS[:-1])} or {FORMS[-1]}.")
    tables: dict[str, Columns] = {}
    unused: list[UnusedFile] = []
    for file in files:
        try:
            if file.is_dir():
                raise Unreadable("it is a folder; folders in the folder are not looked into")
            if not form_of(file):
                raise Unreadable(f"its name does not end in {', '.join(FORMS[:-1])} or {FORMS[-1]}")
            tables[file.name] = read(file)
        except Unreadable as error:
            unused.append(UnusedFile(file=file.name, why=str(error)))
    prices: Prices = {}
    for name in list(tables):
        if listed := _prices(tables[name]):
            prices = listed | prices
            unused.append(UnusedFile(file=name, why=f"it holds the prices of {len(listed)} models, which are used"))
            del tables[name]
    found: list[Found] = []
    for name, columns in tables.items():
        try:
            found.append(Found(name, len(next(iter(columns.values()))), recognised(columns, limit, prices)))
        except Unfit as error:
            unused.append(UnusedFile(file=name, why=str(error)))
    return Folder(path, tuple(found), tuple(sorted(unused, key=lambda each: each.file)), prices)


def recognised(columns: Columns, limit: int | None, prices: Prices) -> Table:
    """What can be measured on these columns. Raises Unfit where nothing can."""
    rows, dropped = rows_of(outcomes.unrolled(columns), limit)
    typical = {model: given + output for model, (given, output) in prices.items()}
    spent = {name: typical[plain(name)] for name in _models(rows.columns) if plain(name) in typical}
    models, pairs = outcomes.many_models(rows, spent)
    labels, difficulties = labels_of(rows)
    table = Table(
        prompts=rows.prompts,
        ties=order_of(rows.prompts),
        dropped=dropped,
        pairs=[*outcomes.two_models(rows), *pairs, *outcomes.judged(rows), *outcomes.preferred(rows)]
        or outcomes.named_models(rows),
        models=models,
        labels=labels,
        difficulties=difficulties,
    )
    if table.is_empty:
        shown = ", ".join(list(columns)[:8]) + (" ..." if len(columns) > 8 else "")
        raise Unfit(
            "it has prompts, but no outcomes (weak and strong, score|MODEL, score|JUDGE|MODEL, pref|MODEL) and no "
            f"labels that are known (task_type, category, tier) for at least 10 rows; its columns: {shown}"
        )
    return table


def evaluate(
    folder: Folder,
    reader: Reader,
    step: Callable[[int], None],
    *,
    seed: int,
    bootstrap: int,
    limit: int | None,
    cross_validate: bool,
) -> Report:
    """Measure everything that was found. ``step`` is told how many more prompts were read."""
    settings = Settings(bootstrap=bootstrap, seed=seed, cross_validate=cross_validate, prices=folder.prices)
    files = []
    for found in folder.found:
        table = found.table
        seen = sum(map(reader.was_trained_on, table.prompts))
        asked = Asked(table.prompts, read_all(reader, table.prompts, step), table.ties)
        files.append(
            EvaluatedFile(
                file=found.name,
                rows=found.rows,
                used=len(table.prompts),
                trained_on=seen,
                dropped=table.dropped,
                evaluations=tuple(_measured(table, asked, settings)),
                notes=_notes(found, seen),
            )
        )
    return Report(
        folder=str(folder.path),
        router=reader.version,
        seed=seed,
        bootstrap=bootstrap,
        limit=limit,
        files=tuple(files),
        unused=folder.unused,
    )


def _measured(table: Table, asked: Asked, settings: Settings) -> list[Evaluation]:
    return [
        *(each for pair in table.pairs for each in comparison.two_models(pair, asked, settings)),
        *(comparison.many_models(models, asked, settings) for models in table.models),
        *(comparison.labels(labels, asked, settings) for labels in table.labels),
        *(comparison.difficulty(difficulty, asked, settings) for difficulty in table.difficulties),
    ]


def _notes(found: Found, seen: int) -> tuple[str, ...]:
    notes = []
    if seen:
        notes.append(
            f"in-sample: the router was trained on {seen:,} of these {len(found.table.prompts):,} prompts; "
            "its figures here say little about prompts that it has not seen"
        )
    name = found.name.lower().replace("-", "_").replace("mtbench", "mt_bench")
    for benchmark, figures in PUBLISHED.items():
        if benchmark in name and any({"weak", "strong"} <= set(pair.name.split(" / ")) for pair in found.table.pairs):
            notes.append(f"published for {benchmark}, RouteLLM's best APGR / CPT(50) / CPT(80): {figures}")
    return tuple(notes)


def _models(columns: Columns) -> list[str]:
    return [name.split("|", 1)[1] for name in columns if "|" in name]


def _prices(columns: Columns) -> Prices:
    names = {name.lower(): name for name in columns}
    both = next((pair for pair in PRICES if set(pair) <= names.keys()), None)
    if both is None or "model" not in names:
        return {}
    listed: Prices = {}
    for model, given, output in zip(*(columns[names[name]] for name in ("model", *both)), strict=True):
        rates = number(given), number(output)
        if isinstance(model, str) and np.isfinite(rates).all() and min(rates) >= 0:
            listed.setdefault(plain(model), rates)
    return listed

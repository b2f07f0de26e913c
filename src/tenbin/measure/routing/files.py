"""Files of rows, read into columns: parquet, JSON Lines (gzip or not), CSV.

What cannot be read is told in words that name the fix; nothing about a file is guessed from its name but its form.
"""

import csv
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

Columns: TypeAlias = dict[str, list[Any]]
"""Column name -> one value for each row; None where a row has none."""

FORMS = (".parquet", ".jsonl", ".jsonl.gz", ".csv", ".csv.gz")

NEEDS_PYARROW = "Parquet files are read with pyarrow, which is not installed here: pip install 'tenbin[eval]'."


class Unreadable(Exception):
    """This file holds no rows that could be read; the message says why."""


class PyarrowMissing(Exception):
    """There are parquet files, and nothing to read them with; the message names the command that installs it."""


def form_of(path: Path) -> str:
    """Which of FORMS a file's name ends in; empty for any other."""
    return next((form for form in FORMS if path.name.lower().endswith(form)), "")


def read(path: Path) -> Columns:
    """The rows of a file. Raises Unreadable, or PyarrowMissing for a parquet file without pyarrow."""
    form = form_of(path)
    try:
        columns = _parquet(path) if form == ".parquet" else _text(path, form)
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror or _first_line(error)}") from None
    except (ValueError, EOFError, csv.Error) as error:
        raise Unreadable(f"it is broken: {_first_line(error)}") from None
    if not columns or not next(iter(columns.values())):
        raise Unreadable("it holds no rows")
    return columns


def _parquet(path: Path) -> Columns:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise PyarrowMissing(NEEDS_PYARROW) from None
    try:
        # ParquetFile, not read_table: a folder's name like `model=x` must not turn into a column.
        table = parquet.ParquetFile(path).read()
        return {str(name): table.column(place).to_pylist() for place, name in enumerate(table.column_names)}
    except pyarrow.ArrowException as error:
        raise Unreadable(f"it is broken: {_first_line(error)}") from None


def _text(path: Path, form: str) -> Columns:
    opened = gzip.open if form.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        if form.startswith(".csv"):
            return _gathered(csv.DictReader(file))
        return _gathered(_objects(file))


def _objects(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number} is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise ValueError(f"line {number} is not a JSON object, but {type(row).__name__}")
        yield row


def _gathered(rows: Iterable[dict[Any, Any]]) -> Columns:
    kept = list(rows)
    names = {str(name): name for row in kept for name in row if name is not None}
    return {shown: [row.get(name) for row in kept] for shown, name in names.items()}


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0].rstrip(".") or type(error).__name__

"""Rows are read from every form alike; what cannot be read is told in words."""

import gzip
import sys
from pathlib import Path
from typing import Any

import pytest

from tenbin.measure.routing.files import PyarrowMissing, Unreadable, form_of, read
from tests.measure.routing.making import write

COLUMNS: dict[str, list[Any]] = {"prompt": ["one", "二"], "weak": [1.0, 0.0], "strong": [True, None]}


def test_every_form_gives_the_same_rows(tmp_path: Path) -> None:
    parquet = write(tmp_path, "rows.parquet", COLUMNS)
    lines = write(tmp_path, "rows.jsonl", COLUMNS)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(lines.read_bytes()))
    assert read(parquet) == read(lines) == read(packed) == COLUMNS


def test_csv_holds_text(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text('﻿prompt,weak,strong\n"one, two",1,0\n', encoding="utf-8")
    assert read(path) == {"prompt": ["one, two"], "weak": ["1"], "strong": ["0"]}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.parquet", b"PAR1 this is not parquet PAR1", "it is broken: "),
        ("a.parquet", b"", "it is broken: "),
        ("a.jsonl", b'{"prompt": "a"}\n{"prompt": \n', "it is broken: line 2 is not JSON"),
        ("a.jsonl", b"[1]\n", "line 1 is not a JSON object, but list"),
        ("a.jsonl", b"\xff\xfe\x00", "it is broken: "),
        ("a.jsonl", b"\n\n", "it holds no rows"),
        ("a.jsonl.gz", b"not packed", "it cannot be read: "),
        ("a.csv", b"prompt,weak\n", "it holds no rows"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=why) as told:
        read(path)
    assert "\n" not in str(told.value)


def test_a_cut_off_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"prompt": "a"}\n' * 1000)[:-20])
    with pytest.raises(Unreadable, match="it is broken"):
        read(path)


def test_the_command_that_installs_pyarrow_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "rows.parquet", COLUMNS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(PyarrowMissing, match=r"pip install 'tenbin\[eval\]'"):
        read(path)


def test_forms_are_told_by_the_end_of_the_name() -> None:
    assert form_of(Path("a.b.JSONL.gz")) == ".jsonl.gz"
    assert form_of(Path("README.md")) == ""

"""The measurement of looks by meaning measures: embedders, an index and both together, at a small size."""

import argparse
import json
from pathlib import Path

import pytest

from benchmarks.harness import lookups


def test_a_small_run_fills_every_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    lookups.add_arguments(parser)
    target = tmp_path / "figures.json"
    chosen = parser.parse_args(["--looks", "3", "--sizes", "50", "--graph", "0", "--json", str(target)])
    assert lookups.run(chosen) == 0
    told = capsys.readouterr().out
    assert "| memory, read through | 50 |" in told
    figures = json.loads(target.read_text(encoding="utf-8"))
    assert {one["name"] for one in figures["embedders"]} == {"minilm", "multilingual-e5"}
    assert all(one["dimension"] == 384 and one["memory_mb"] > 10 for one in figures["embedders"])
    assert [one["first_found"] for one in figures["indexes"]] == [1.0]
    assert len(figures["whole"]) == 4

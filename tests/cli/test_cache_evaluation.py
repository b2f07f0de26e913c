"""`tenbin eval cache` measures a folder it has never seen, for people and for programs, and says what it lacks."""

import json
from pathlib import Path

from tests.cli.conftest import Run

ROWS = [
    {"a": "How do I reset my password?", "b": "How can I reset my password?", "label": 1},
    {"a": "How do I lock the door?", "b": "How do I unlock the door?", "label": 0, "kind": "opposite"},
]


def folder(tmp_path: Path) -> Path:
    data = tmp_path / "pairs"
    data.mkdir()
    (data / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return data


def test_json_holds_all_figures_and_a_plot_is_written(run: Run, tmp_path: Path) -> None:
    plot = tmp_path / "curves.svg"
    told = run("eval", "cache", "--data", str(folder(tmp_path)), "--json", "--plot", str(plot))
    assert told.exit_code == 0, told.stderr
    report = json.loads(told.stdout)
    assert report["format"] == 1
    assert report["embedders"] == {"en": "all-minilm-l6-v2-int8"}
    balanced = next(each for each in report["pairs"] if each["policy"] == "balanced")
    assert (balanced["hits"]["count"], balanced["traps"]["count"]) == (1, 0)
    assert plot.read_text(encoding="utf-8").startswith("<svg")


def test_the_table_is_for_people_and_wrong_hits_can_be_listed(run: Run, tmp_path: Path) -> None:
    data = str(folder(tmp_path))
    told = run("eval", "cache", "--data", data)
    assert told.exit_code == 0, told.stderr
    assert "faq.jsonl, pair by pair" in told.stdout
    assert "How to read this" in told.stdout
    assert run("eval", "cache", "--data", data, "--wrong").stdout.strip() == "Nothing was served wrongly."


def test_a_folder_without_pairs_and_an_unknown_embedder_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"question": "?"}\n', encoding="utf-8")
    told = run("eval", "cache", "--data", str(tmp_path))
    assert told.exit_code == 1
    assert "columns a, b and label" in told.stderr
    told = run("eval", "cache", "--data", str(folder(tmp_path)), "--embedder", "nonsense")
    assert told.exit_code == 1
    assert "minilm" in told.stderr
    assert "Traceback" not in told.stderr

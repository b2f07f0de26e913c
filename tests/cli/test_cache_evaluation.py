"""`tenbin eval cache` measures a folder it has never seen, for people and for programs, and says what it lacks."""

import json
from pathlib import Path

from click.testing import CliRunner

from tenbin.cli.cache_evaluation import cache

ROWS = [
    {"a": "How do I reset my password?", "b": "How can I reset my password?", "label": 1},
    {"a": "How do I lock the door?", "b": "How do I unlock the door?", "label": 0, "kind": "opposite"},
]


def folder(tmp_path: Path) -> Path:
    data = tmp_path / "pairs"
    data.mkdir()
    (data / "faq.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return data


def test_json_holds_all_figures_and_a_plot_is_written(tmp_path: Path) -> None:
    plot = tmp_path / "curves.svg"
    run = CliRunner().invoke(cache, ["--data", str(folder(tmp_path)), "--json", "--plot", str(plot)])
    assert run.exit_code == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["format"] == 1
    assert report["embedders"] == {"en": "all-minilm-l6-v2-int8"}
    balanced = next(each for each in report["pairs"] if each["policy"] == "balanced")
    assert (balanced["hits"]["count"], balanced["traps"]["count"]) == (1, 0)
    assert plot.read_text(encoding="utf-8").startswith("<svg")


def test_the_table_is_for_people_and_wrong_hits_can_be_listed(tmp_path: Path) -> None:
    data = str(folder(tmp_path))
    run = CliRunner().invoke(cache, ["--data", data])
    assert run.exit_code == 0, run.stderr
    assert "faq.jsonl, pair by pair" in run.stdout
    assert "How to read this" in run.stdout
    assert CliRunner().invoke(cache, ["--data", data, "--wrong"]).stdout.strip() == "Nothing was served wrongly."


def test_a_folder_without_pairs_and_an_unknown_embedder_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"question": "?"}\n', encoding="utf-8")
    run = CliRunner().invoke(cache, ["--data", str(tmp_path)])
    assert run.exit_code == 1
    assert "columns a, b and label" in run.stderr
    run = CliRunner().invoke(cache, ["--data", str(folder(tmp_path)), "--embedder", "nonsense"])
    assert run.exit_code == 1
    assert "minilm" in run.stderr
    assert "Traceback" not in run.stderr

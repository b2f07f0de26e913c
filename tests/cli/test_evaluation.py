"""`tenbin eval routing` measures a folder, for people and for programs, and says what it could not use."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema

from tests.cli.conftest import Run
from tests.measure.routing.making import write

EASY = "What is the capital of country number {}?"
HARD = (
    "Write a Python function that parses a log file of format {}, finds every line that was written outside office "
    "hours, groups these by user, and returns them sorted; handle malformed lines, and prove that it is O(n log n)."
)
N = 60

FIGURE = {"type": ["number", "null"]}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["format", "folder", "router", "seed", "bootstrap", "limit", "files", "unused"],
    "properties": {
        "format": {"const": 1},
        "folder": {"type": "string"},
        "router": {"type": "string", "minLength": 1},
        "seed": {"type": "integer"},
        "bootstrap": {"type": "integer"},
        "limit": {"type": ["integer", "null"]},
        "unused": {"type": "array", "items": {"type": "object", "required": ["file", "why"]}},
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["file", "rows", "used", "trained_on", "dropped", "evaluations", "notes"],
                "properties": {
                    "file": {"type": "string"},
                    "rows": {"type": "integer"},
                    "used": {"type": "integer"},
                    "trained_on": {"type": "integer"},
                    "dropped": {"type": "object", "additionalProperties": {"type": "integer"}},
                    "notes": {"type": "array", "items": {"type": "string"}},
                    "evaluations": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["kind", "name", "rows", "measures", "notes"],
                            "properties": {
                                "kind": {"enum": ["two_models", "many_models", "labels", "difficulty"]},
                                "name": {"type": "string"},
                                "rows": {"type": "integer"},
                                "notes": {"type": "array", "items": {"type": "string"}},
                                "measures": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "additionalProperties": False,
                                        "required": ["name", "better", "values"],
                                        "properties": {
                                            "name": {"type": "string"},
                                            "better": {"enum": ["higher", "lower"]},
                                            "values": {
                                                "type": "object",
                                                "additionalProperties": {
                                                    "type": "object",
                                                    "additionalProperties": False,
                                                    "required": ["value", "low", "high"],
                                                    "properties": {"value": FIGURE, "low": FIGURE, "high": FIGURE},
                                                },
                                            },
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def outcomes() -> dict[str, list[Any]]:
    """The weak model knows capitals and cannot program."""
    asked = [EASY.format(number) for number in range(N // 2)] + [HARD.format(number) for number in range(N // 2)]
    return {"prompt": asked, "weak": [1] * (N // 2) + [0] * (N // 2), "strong": [1] * N}


def test_the_gateways_own_judgement_is_measured(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder, "a.parquet", outcomes())
    kinds = ["closed_qa"] * (N // 2) + ["code_generation"] * (N // 2)
    write(folder, "b.jsonl", {"prompt": outcomes()["prompt"], "task_type": kinds})
    write(folder, "c.parquet", {"label": [1, 2]})
    result = run("eval", "routing", "--data", str(folder), "--json", "--bootstrap", "50")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    jsonschema.validate(told, SCHEMA)
    assert [each["file"] for each in told["unused"]] == ["c.parquet"]
    apgr = told["files"][0]["evaluations"][0]["measures"][0]
    assert apgr["name"] == "apgr"
    # What needs the strong model and what does not could hardly be more different.
    assert apgr["values"]["tenbin"]["value"] > 0.7
    assert apgr["values"]["tenbin"]["value"] <= apgr["values"]["oracle"]["value"]
    accuracy = told["files"][1]["evaluations"][0]["measures"][0]
    assert accuracy["values"]["tenbin"]["value"] > 0.9


def test_people_read_a_table(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", outcomes())
    result = run("eval", "routing", "--data", str(path), "--bootstrap", "10")
    assert result.exit_code == 0
    assert "a.jsonl: 60 of 60 rows" in result.stdout
    assert "Tenbin [95 %]" in result.stdout
    assert "That took" in result.stderr
    assert "How to read this" in result.stdout


def test_limit_and_seed(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path, "a.jsonl", outcomes())
    command = ("eval", "routing", "--data", str(path), "--json", "--bootstrap", "10", "--limit", "20")
    first, again, other = run(*command), run(*command), run(*command, "--seed", "1")
    assert json.loads(first.stdout)["files"][0]["used"] == 20
    assert first.stdout == again.stdout
    assert first.stdout != other.stdout


def test_nothing_to_measure_is_said(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run("eval", "routing", "--data", str(empty))
    assert result.exit_code == 1
    assert f"{empty} holds no table: files that end in .parquet" in result.output
    (empty / "broken.parquet").write_bytes(b"PAR1")
    result = run("eval", "routing", "--data", str(empty))
    assert result.exit_code == 1
    assert "broken.parquet: it is broken" in result.stdout
    assert f"Nothing in {empty} could be measured" in result.stderr
    result = run("eval", "routing", "--data", str(tmp_path / "nowhere"))
    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_what_is_not_installed_is_said_with_the_command(tmp_path: Path) -> None:
    path = write(tmp_path, "a.parquet", outcomes())
    for missing in ("pyarrow", "numpy"):
        code = f"import sys; sys.modules[{missing!r}] = None; from tenbin.cli import main; main()"
        said = subprocess.run(
            [sys.executable, "-c", code, "eval", "routing", "--data", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 1
        assert missing in said.stderr
        assert "pip install 'tenbin[eval]'" in said.stderr
        assert "Traceback" not in said.stderr

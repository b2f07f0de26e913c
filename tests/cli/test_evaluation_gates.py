"""`tenbin eval gates` measures judged answers, learns from them, and says what it could not use."""

import json
import random
from pathlib import Path

from tests.cli.conftest import Run
from tests.measure.routing.making import write


def answers(folder: Path, count: int = 200) -> Path:
    """Sums: wrong answers are mostly unsure, cut, or refusals."""
    chance = random.Random(3)
    rows = []
    for number in range(count):
        right = chance.random() < 0.6
        text = f"{2 * number}" if right else chance.choice(["I'm sorry, but I can't help with that.", f"{number}"])
        logprobs = [-0.05] * 5 if right or chance.random() < 0.2 else [-1.5] * 5
        rows.append((f"What is {number} + {number}? Reply with just the number.", text, right, logprobs))
    prompt, answer, correct, given = map(list, zip(*rows, strict=True))
    columns = {"prompt": prompt, "answer": answer, "correct": correct, "logprobs": given}
    return write(folder, "a.jsonl", {**columns, "task": ["math"] * count, "finish_reason": ["stop"] * count})


def test_gates_are_measured_and_calibrated(run: Run, tmp_path: Path) -> None:
    path, learned = answers(tmp_path), tmp_path / "gates.json"
    result = run(
        "eval",
        "gates",
        "--data",
        str(path),
        "--calibrate",
        str(learned),
        "--json",
        "--bootstrap",
        "50",
        "--target",
        "0.8",
    )
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["format"] == 1
    assert told["rows"] + told["learned_from"] == 200
    by_name = {each["gate"]: each for each in told["gates"]}
    assert by_name["refusal"]["precision"]["value"] == 1.0
    assert by_name["refusal"]["recall"]["value"] > 0.2
    assert by_name["confidence"]["auc"]["value"] > 0.8
    assert by_name["tool_calls"]["judged"] == 0
    everything = told["combined"][0]
    assert everything["auc"]["value"] > 0.9
    assert everything["right_of_accepted"]["value"] > 0.8
    caught = [point["caught"]["value"] for point in everything["curve"]]
    assert caught == sorted(caught)
    again = run(
        *("eval", "gates", "--data", str(path), "--calibration", str(learned), "--held-out", "--json"),
        *("--bootstrap", "50"),
    )
    assert json.loads(again.stdout)["combined"] == told["combined"]


def test_people_read_tables(run: Run, tmp_path: Path) -> None:
    result = run("eval", "gates", "--data", str(answers(tmp_path)), "--bootstrap", "10")
    assert result.exit_code == 0, result.output
    for words in ("Gates by themselves", "All gates together", "errors caught", "How to read this", "refusal"):
        assert words in result.stdout


def test_what_cannot_be_done_is_said(run: Run, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run("eval", "gates", "--data", str(empty))
    assert result.exit_code == 1
    assert "columns prompt, answer and correct" in " ".join(result.output.split())
    path = answers(tmp_path, 30)
    learned = tmp_path / "gates.json"
    result = run("eval", "gates", "--data", str(path), "--calibrate", str(learned))
    assert result.exit_code == 1
    assert "too little to learn from" in " ".join(result.output.split())
    assert not learned.exists()
    learned.write_text("{}")
    result = run("eval", "gates", "--data", str(path), "--calibration", str(learned))
    assert result.exit_code == 1
    assert "is no calibration" in " ".join(result.output.split())
    result = run("eval", "gates", "--data", str(path), "--calibration", str(learned), "--calibrate", str(learned))
    assert result.exit_code == 2

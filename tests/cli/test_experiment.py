"""`tenbin experiment`, as a user would go through it."""

import json
from pathlib import Path

import pytest

from tenbin.ledger.experiments import read_experiments
from tests.cli.conftest import Run
from tests.measure.experiments.making import conversations

CONFIG = """
discover: false
local_model: false
providers: {maker: {profile: anthropic, base_url: http://127.0.0.1:9, api_key: k}}
routing:
  tiers: {low: [maker/claude-small], highest: [maker/claude-large]}
"""


@pytest.fixture(autouse=True)
def configured(workplace: Path) -> Path:
    (workplace / "tenbin.yaml").write_text(CONFIG)
    return workplace.parent / "ledger"


def fill(directory: Path) -> None:
    import contextlib
    import sqlite3

    from tenbin.ledger.migrations import migrate
    from tests.measure.experiments.making import enter

    with contextlib.closing(sqlite3.connect(directory / "ledger.sqlite", isolation_level=None)) as database:
        migrate(database)
        enter(database, conversations(1, 400, dearer=0.2))


def test_from_start_to_report(run: Run, configured: Path, workplace: Path) -> None:
    begun = run("experiment", "start", "cheaper", "-t", "floor=0.6", "-t", "judge.least=0.3", "--share", "0.2")
    assert begun.exit_code == 0, begun.output
    (experiment,) = read_experiments(configured)
    assert experiment.treatment.routing == {"floor": 0.6, "judge": {"least": 0.3}}
    assert (experiment.share, experiment.state) == (0.2, "running")
    assert (configured / "experiments.json").stat().st_mode & 0o777 == 0o600
    assert "cheaper  running  20 %" in run("experiment", "list").output
    assert "Nothing can be compared yet." in run("experiment", "report", "cheaper").output

    again = run("experiment", "start", "another", "-t", "floor=0.5")
    assert again.exit_code == 1
    assert "Stop it first" in again.output

    fill(configured)
    told = run("experiment", "report", "cheaper")
    assert "cost of a request" in told.output
    assert "the treatment is better" in told.output
    plain = json.loads(run("experiment", "report", "cheaper", "--json").output)
    assert {one["name"]: one["verdict"] for one in plain["differences"]}["cost_per_request"] == "better"
    assert run("experiment", "report", "cheaper", "--plot", "d.svg", "--metric", "errors").exit_code == 0
    assert (workplace / "d.svg").read_text().startswith("<svg")

    assert run("experiment", "stop", "cheaper", "--reason", "enough").exit_code == 0
    assert "cheaper  stopped (enough)" in run("experiment", "list").output
    assert run("experiment", "stop", "cheaper").exit_code == 1
    assert json.loads(run("experiment", "list", "--json").output)[0]["reason"] == "enough"
    assert run("experiment", "start", "cheaper", "-t", "floor=0.5").exit_code == 1, "the name is taken"
    assert run("experiment", "start", "third", "-t", "floor=0.5", "--harm-cost", "none").exit_code == 0
    assert read_experiments(configured)[-1].harm.cost is None


def test_in_japanese(run: Run, configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert "開始しました" in run("experiment", "start", "cheaper", "-t", "floor=0.6").output
    fill(configured)
    assert "処置群" in run("experiment", "report", "cheaper").output
    assert "品質" not in run("experiment", "report", "cheaper").output
    assert "まだ判定された回答はありません" in run("quality").output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "--treatment KEY=VALUE"),
        (("-t", "floor"), 2, "sets nothing"),
        (("-t", "flor=1"), 1, "Did you mean floor?"),
        (("-t", "floor=high"), 1, "routing.floor"),
        (("-t", "floor=0.8"), 1, "the same policy"),
        (("-t", "tiers.low=[nobody/x]"), 1, "nobody here is the provider of nobody/x"),
        (("-t", "floor=0.5", "--key", "alice"), 1, "No key is named alice"),
        (("-t", "floor=0.5", "--harm-errors", "much"), 2, "--harm-errors is a share"),
        (("-t", "rules=[{use: x}]"), 1, "routing.rules"),
    ],
)
def test_what_makes_no_sense_is_told_of(
    run: Run, configured: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = run("experiment", "start", "cheaper", *arguments)
    assert result.exit_code == code, result.output
    assert words in result.output
    assert read_experiments(configured) == ()


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "a/b"])
def test_a_name_is_one_plain_word(run: Run, configured: Path, name: str) -> None:
    result = run("experiment", "start", "-t", "floor=0.5", "--", name)
    assert result.exit_code == 2
    assert "NAME is 1 to 64" in result.output
    assert read_experiments(configured) == ()


def test_one_that_is_not_there(run: Run) -> None:
    result = run("experiment", "report", "cheaper")
    assert result.exit_code == 1
    assert "No experiment is named cheaper" in result.output

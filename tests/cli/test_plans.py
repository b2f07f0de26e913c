"""`tenbin plans`: what plans allow, what a key has left, and how wrong names are told."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from tenbin.cli.commands import tenbin
from tenbin.execute.clock import SystemClock
from tenbin.ledger.book import Book
from tenbin.ledger.prices import PriceBook
from tests.decide.test_limits import attempt, receipt

FILE = """
discover: false
local_model: false
providers:
  openai: {api_key: sk-own}
  anthropic: {api_key: sk-own}
plans:
  default: starter
  keys: {local: gold}
  timezone: Asia/Tokyo
  named:
    gold: {requests_per_day: 5, targets: ["openai/*"]}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANG", "C")
    monkeypatch.delenv("LC_ALL", raising=False)
    (tmp_path / "tenbin.yaml").write_text(FILE)
    return tmp_path / "ledger"


def run(place: Path, *words: str) -> Result:
    return CliRunner().invoke(tenbin, [*words, "--data-dir", str(place)])


def test_all_plans_are_listed(place: Path) -> None:
    told = run(place, "plans")
    assert told.exit_code == 0, told.output
    lines = told.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:6]] == ["free", "starter", "pro", "enterprise", "gold"]
    assert "starter *" in told.stdout
    assert "Asia/Tokyo" in lines[1]
    plain = json.loads(run(place, "plans", "--json").stdout)
    assert plain["default"] == "starter"
    assert plain["plans"]["enterprise"]["requests_per_day"] == 0
    assert plain["plans"]["gold"]["targets"] == ["openai/*"]


def test_in_japanese(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "ja_JP.UTF-8")
    assert "プラン" in run(place, "plans").stdout
    assert "残り" in run(place, "plans", "local").stdout


def test_what_a_key_has_left_is_what_the_ledger_knows(place: Path) -> None:
    made = run(place, "keys", "create", "alice", "--plan", "pro", "--json")
    key_id = json.loads(made.stdout)["key_id"]
    clock = SystemClock()
    book = Book(place, PriceBook({}), clock)
    book.recover()
    for number, one in enumerate((receipt(attempt(700, 300)), receipt(outcome="failed"), receipt())):
        book.settle(msgspec.structs.replace(one, request_id=f"r{number}", key_id=key_id, arrived_at_ms=clock.now_ms()))
    assert book.flush()
    book.close()
    left = json.loads(run(place, "plans", "alice", "--json").stdout)
    assert (left["plan"], left["key_id"]) == ("pro", key_id)
    assert left["used"] == {"requests": 2, "tokens": 1_000}
    assert left["left"] == {"requests": 998, "tokens": 4_999_000}
    assert left["day_ends_at"].endswith("T00:00:00+09:00")
    told = run(place, "plans", "alice").stdout
    assert "has the plan pro" in told
    assert "998" in told


def test_keys_of_the_file_teams_and_defaults_have_plans_too(place: Path) -> None:
    assert json.loads(run(place, "plans", "local", "--json").stdout)["plan"] == "gold"
    assert json.loads(run(place, "plans", "master", "--json").stdout)["plan"] is None
    run(place, "teams", "create", "search", "--plan", "enterprise")
    run(place, "keys", "create", "bob", "--team", "search")
    assert json.loads(run(place, "plans", "bob", "--json").stdout)["plan"] == "enterprise"


@pytest.mark.parametrize(
    "words",
    [
        ("keys", "create", "x", "--plan", "prO"),
        ("keys", "edit", "alice", "--plan", "prO"),
        ("teams", "create", "x", "--plan", "prO"),
        ("users", "edit", "x", "--plan", "prO"),
    ],
)
def test_a_plan_that_is_not_there_is_a_mistake(place: Path, words: tuple[str, ...]) -> None:
    run(place, "keys", "create", "alice")
    refused = run(place, *words)
    assert refused.exit_code == 2
    assert "No plan is named 'prO'" in refused.output
    assert "Did you mean pro?" in refused.output


def test_a_key_whose_plan_is_gone_is_told(place: Path) -> None:
    run(place, "keys", "create", "carol", "--plan", "gold")
    file = place.parent / "tenbin.yaml"
    file.write_text(file.read_text().replace("gold", "silver"))
    gone = run(place, "plans", "carol")
    assert gone.exit_code == 1
    assert "not defined" in gone.output
    assert run(place, "plans", "nobody").exit_code == 1

"""`tenbin teams` and `tenbin users`: the same words for both."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Run, Spawn


def listed(run: Run, kind: str) -> list[dict[str, Any]]:
    found = json.loads(run(f"{kind}s", "list", "--json").stdout)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("kind", ["team", "user"])
def test_a_life_of_one(run: Run, kind: str) -> None:
    words = f"{kind}s"
    assert listed(run, kind) == []
    assert f"tenbin {kind}s create" in run(words, "list").stdout
    made = run(words, "create", "search", "--budget", "month=200", "--plan", "pro", "--tag", "beta")
    assert f"--{kind} search" in made.stdout
    run("keys", "create", "alice", f"--{kind}", "search")
    one = listed(run, kind)[0]
    assert (one["name"], one["state"], one["plan"], one["keys"]) == ("search", "enabled", "pro", 1)
    assert one["budgets"] == {"month": {"usd": 200.0, "hard": True}}
    run(words, "edit", "search", "--budget", "day=5", "--soft", "--plan", "")
    shown = run(words, "show", "search").stdout
    assert "day=5 (soft)" in shown
    assert "alice" in shown
    assert "none of its keys" in run(words, "disable", "search").stdout
    assert json.loads(run(words, "show", "search", "--json").stdout)["state"] == "disabled"
    assert "is enabled" in run(words, "enable", "search").stdout
    assert json.loads(run(words, "edit", "search", "--clear", "budgets", "--json").stdout)["budgets"] == {}
    acts = json.loads(run(words, "audit", "search", "--json").stdout)
    assert [one["act"] for one in acts] == ["edit", "enable", "disable", "edit", "create"]
    assert {one["subject"] for one in acts} == {f"{kind}:search"}
    assert f"{kind}:search" in run("keys", "audit").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create", "search"), "teams edit search"),
        (("create", "a/b"), "1 to 64"),
        (("create", ".."), "1 to 64"),
        (("create", "x", "--budget", "never=1"), "month=50"),
        (("edit", "search"), "Say what is to change"),
        (("edit", "search", "--clear", "tags", "--tag", "x"), "one of the two"),
        (("edit", "nobody", "--plan", "pro"), "teams create"),
        (("show", "nobody"), "teams create"),
        (("disable", "nobody"), "teams create"),
        (("audit", "nobody"), "teams create"),
    ],
)
def test_what_makes_no_sense_is_told_with_the_way_out(run: Run, words: tuple[str, ...], told: str) -> None:
    run("teams", "create", "search")
    before = run("keys", "audit", "--json").stdout
    result = run("teams", *words)
    assert result.exit_code in (1, 2)
    assert told in result.output
    assert run("keys", "audit", "--json").stdout == before, "nothing was done"


def test_japanese(spawn: Spawn) -> None:
    assert "チーム search" in spawn("teams", "create", "search", LANG="ja_JP.UTF-8").stdout
    assert "無効" in spawn("teams", "disable", "search", LANG="ja_JP.UTF-8").stdout
    assert "状態" in spawn("teams", "show", "search", LANG="ja_JP.UTF-8").stdout

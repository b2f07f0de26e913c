"""`tenbin keys create` and the like: what is shown, to whom, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, Spawn

ALICE = ("alice", "--team", "search", "--tag", "beta", "--model", "auto", "--target", "openai/*", "--expires", "90d")


def listed(run: Run, *words: str) -> list[dict[str, Any]]:
    found = json.loads(run("keys", "list", "--json", *words).stdout)
    assert isinstance(found, list)
    return found


def test_a_key_is_shown_once(run: Run) -> None:
    made = run("keys", "create", *ALICE)
    key = made.stdout.strip()
    assert key.startswith("tb-")
    assert len(key) == 46
    assert "not shown again" in made.stderr
    assert "also on this machine" in made.stderr
    for words in (("list",), ("show", "alice"), ("audit",), ("list", "--json"), ("show", key[:7], "--json")):
        told = run("keys", *words)
        assert told.exit_code == 0
        assert "alice" in told.stdout
        assert key not in told.output
    one = listed(run)[0]
    assert one["prefixes"] == [{"prefix": key[:7], "ends_at": None}]
    assert (one["team"], one["tags"], one["models"], one["targets"]) == ("search", ["beta"], ["auto"], ["openai/*"])
    assert one["state"] == "active"


def test_rotate_expire_revoke_and_who_did_it(run: Run) -> None:
    first = json.loads(run("keys", "create", "bot", "--json").stdout)
    second = json.loads(run("keys", "rotate", "bot", "--grace", "1h", "--json").stdout)
    assert second["key"] != first["key"]
    assert second["key_id"] == first["key_id"]
    assert [one["ends_at"] is None for one in second["prefixes"]] == [True, False]
    assert "ends 20" in run("keys", "expire", "bot", "--in", "7d").stdout
    assert "does not expire" in run("keys", "expire", first["key_id"], "--at", "never").stdout
    assert "is revoked" in run("keys", "revoke", "bot").stdout
    assert listed(run) == []
    assert [one["state"] for one in listed(run, "--all")] == ["revoked"]
    acts = json.loads(run("keys", "audit", "bot", "--json").stdout)
    assert [one["act"] for one in acts] == ["revoke", "expire", "expire", "rotate", "create"]
    assert all("@" in one["who"] and one["name"] == "bot" for one in acts)
    assert "tb-" not in json.dumps(acts)
    assert "revoke" in run("keys", "audit").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create", "master"), "is taken"),
        (("create", "bob"), "is taken"),
        (("create", "taken"), "tenbin keys rotate taken"),
        (("create", " blank"), "no blanks"),
        (("create", "x" * 65), "1 to 64"),
        (("create", "x", "--ip", "300.0.0.1"), "10.0.0.0/8"),
        (("create", "x", "--expires", "soon"), "2027-01-31"),
        (("create", "x", "--expires", "2020-01-01"), "is past"),
        (("create", "x", "--route", "messages"), "/v1/messages*"),
        (("create", "x", "--operation", "dance"), "generate"),
        (("rotate", "taken"), "--grace"),
        (("rotate", "taken", "--grace", "long"), "12h"),
        (("rotate", "nobody", "--grace", "0"), "keys list --all"),
        (("expire", "taken"), "Say when"),
        (("expire", "taken", "--in", "1d", "--at", "now"), "Say when"),
        (("revoke", "gone"), "is revoked, for good"),
        (("show", "nobody"), "No key is called 'nobody'"),
        (("create", "x", "--budget", "50"), "as month=50"),
        (("create", "x", "--budget", "year=50"), "month, total"),
        (("create", "x", "--budget", "month=-1"), "from 0 to"),
        (("create", "x", "--budget", "month=nan"), "from 0 to"),
        (("create", "x", "--budget", "month=1", "--budget", "month=2"), "given twice"),
        (("create", "x", "--tier", "nano"), "highest"),
        (("create", "x", "--admin", "--model", "auto"), "asks no model"),
        (("edit", "taken"), "Say what is to change"),
        (("edit", "taken", "--clear", "models", "--model", "auto"), "one of the two"),
        (("edit", "gone", "--plan", "pro"), "is revoked, for good"),
        (("edit", "chief", "--model", "auto"), "is an admin key"),
    ],
)
def test_what_makes_no_sense_is_told_with_the_way_out(run: Run, words: tuple[str, ...], told: str) -> None:
    Path("tenbin.yaml").write_text(f"keys: {{bob: 'sha256:{'0' * 64}'}}\n", encoding="utf-8")
    run("keys", "create", "taken")
    run("keys", "create", "gone")
    run("keys", "create", "chief", "--admin")
    run("keys", "revoke", "gone")
    before = run("keys", "audit", "--json").stdout
    result = run("keys", *words)
    assert result.exit_code in (1, 2)
    assert told in result.output
    assert run("keys", "audit", "--json").stdout == before, "nothing was done"


def test_budgets_tiers_and_what_becomes_of_them(run: Run) -> None:
    run("keys", "create", "bot", "--budget", "month=50.25", "--tier", "low", "--tier", "medium")
    one = listed(run)[0]
    assert one["budgets"] == {"month": {"usd": 50.25, "hard": True}}
    assert one["tiers"] == ["low", "medium"]
    run("keys", "edit", "bot", "--budget", "day=2", "--soft", "--clear", "tiers", "--plan", "pro")
    one = listed(run)[0]
    assert (one["budgets"], one["tiers"], one["plan"]) == ({"day": {"usd": 2.0, "hard": False}}, [], "pro")
    assert "day=2 (soft)" in run("keys", "show", "bot").stdout
    assert "day=2 (soft)" in run("keys", "audit", "bot").stdout
    run("keys", "edit", "bot", "--clear", "budgets", "--plan", "")
    assert (listed(run)[0]["budgets"], listed(run)[0]["plan"]) == ({}, "")


def test_admin_keys_are_told_apart(run: Run) -> None:
    run("keys", "create", "ops", "--admin", "--ip", "127.0.0.0/8")
    run("keys", "create", "bot")
    assert [one["admin"] for one in listed(run)] == [True, False]
    assert "administering only" in run("keys", "show", "ops").stdout
    assert "administering" not in run("keys", "show", "bot").stdout


def test_without_a_store_nothing_is_made_by_looking(run: Run, tmp_path: Path) -> None:
    assert listed(run) == []
    assert "tenbin keys create" in run("keys", "list").stdout
    assert "tenbin keys create" in run("keys", "audit").output
    assert not (tmp_path / "ledger").exists()


def test_japanese(spawn: Spawn) -> None:
    made = spawn("keys", "create", "alice", LANG="ja_JP.UTF-8")
    assert "再表示はできません" in made.stderr
    shown = spawn("keys", "show", "alice", LANG="ja_JP.UTF-8")
    assert "指定できる名前" in shown.stdout
    assert "失効" in spawn("keys", "revoke", "alice", LANG="ja_JP.UTF-8").stdout

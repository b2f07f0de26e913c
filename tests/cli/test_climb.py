"""`tenbin explain` shows a ladder: what is planned for a prompt, and what became of a past request."""

import json
from pathlib import Path

import pytest

from tenbin.core.gating import Climb, Gating, PlannedRung
from tests.cli.conftest import Run
from tests.ledger.making import a_book, a_receipt, an_attempt

CONFIG = """
discover: false
providers:
  anthropic: {api_key: sesame-word}
cascades:
  thrifty:
    ladder: [{target: anthropic/claude-haiku-5-5}, {target: anthropic/claude-opus-5-5}]
routing: {climb: {rungs: 2}}
"""
REFUSED = Gating(
    score=0.31,
    accept=0.76,
    passed=False,
    parts=(("truncated", 0.0, "it ran into its token limit"), ("empty", 1.0, "it has text"), ("json", None, "no JSON")),
    prior=0.5,
)
CLIMB = Climb(
    "thrifty",
    (PlannedRung("acme/small", 0.5, 10, 60, accept=0.76), PlannedRung("acme/anvil-1", 0.9, 100, 100)),
)


@pytest.fixture(autouse=True)
def configured(run: Run) -> None:
    Path("tenbin.yaml").write_text(CONFIG, encoding="utf-8")


def test_the_plan_for_a_prompt(run: Run) -> None:
    result = run("explain", "--model", "thrifty", "What is the capital of France?")
    assert result.exit_code == 0, result.output
    for words in ("Ladder thrifty", "anthropic/claude-haiku-5-5", "anthropic/claude-opus-5-5", "always", "$"):
        assert words in result.output
    told = json.loads(run("explain", "--model", "thrifty", "--json", "Hello").output)["climb"]
    assert [rung["target"] for rung in told["rungs"]] == ["anthropic/claude-haiku-5-5", "anthropic/claude-opus-5-5"]
    assert float(told["rungs"][1]["cost_usd"]) > float(told["rungs"][0]["cost_usd"]) > 0


def test_a_weighed_prompt_shows_both(run: Run) -> None:
    result = run("explain", "What is the capital of France?")
    assert "Ladder routing.climb" in result.output
    assert "floor" in result.output


def test_a_past_request(run: Run, tmp_path: Path) -> None:
    attempts = (
        an_attempt(1, rung=1, gating=REFUSED),
        an_attempt(2, rung=1, purpose="judge"),
        an_attempt(3, rung=2),
    )
    with a_book(tmp_path) as book:
        book.settle(a_receipt("req_climbed", *attempts, climb=CLIMB))
        assert book.flush()
    result = run("explain", "--request", "req_climbed", "--data-dir", str(tmp_path))
    assert result.exit_code == 0, result.output
    for words in (
        "[rung 1]",
        "[rung 1, a judge]",
        "[rung 2]",
        "does not pass: score 0.31, accepted from 0.76",
        "truncated   0.00  it ran into its token limit",
    ):
        assert words in result.output
    assert "no JSON" not in result.output, "who has not judged is not shown"
    told = json.loads(run("explain", "--json", "--request", "req_climbed", "--data-dir", str(tmp_path)).output)
    assert told["climb"]["replays"] is True
    assert told["attempts"][0]["gating"]["parts"][0] == ["truncated", 0.0, "it ran into its token limit"]
    assert told["attempts"][1]["purpose"] == "judge"


def test_in_japanese(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert "はしご thrifty" in run("explain", "--model", "thrifty", "フランスの首都は?").output

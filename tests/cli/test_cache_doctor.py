"""`tenbin cache doctor` tells what a broken prefix cost and what to do, in both languages."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tenbin.cli.cache_doctor import fix
from tenbin.simulator import RunningSimulator
from tests.cli.conftest import Run
from tests.execute.conftest import Caller, chained
from tests.real.books import serving

SYSTEM = "You are a careful engineer. " * 400
MARK = {"type": "ephemeral"}


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A ledger's folder after a conversation whose system prompt held the time."""
    with (
        RunningSimulator() as simulator,
        serving(chained(simulator.url), tmp_path) as house,
        closing(Caller(house.url).http) as http,
    ):
        for minute in (1, 2, 3):
            body: dict[str, Any] = {
                "model": "one",
                "max_tokens": 9,
                "system": [{"type": "text", "text": f"{SYSTEM}It is 12:0{minute}.", "cache_control": MARK}],
                "messages": [{"role": "user", "content": "Hello"}],
            }
            answer = http.post("/v1/messages", json=body, headers={"x-claude-code-session-id": "s"})
            assert answer.status_code == 200
        house.books.new(3)
    return tmp_path


def test_the_cause_the_loss_and_the_fix_are_told(run: Run, broken: Path) -> None:
    told = run("cache", "doctor", "--data-dir", str(broken))
    assert told.exit_code == 0, told.output
    assert "client: system 1: 2 times" in told.output
    assert "Move what changes" in told.output
    assert "anthropic/claude-sonnet-4-6" in told.output


def test_programs_get_exact_amounts(run: Run, broken: Path) -> None:
    report = json.loads(run("cache", "doctor", "--data-dir", str(broken), "--json").output)
    (loss,) = report["losses"]
    assert (loss["cause"], loss["block"], loss["times"]) == ("client", "system 1", 2)
    assert float(loss["lost_usd"]) > 0
    assert report["models"][0]["read_tokens"] == 0


def test_without_a_ledger_the_next_step_is_said(run: Run, tmp_path: Path) -> None:
    told = run("cache", "doctor", "--data-dir", str(tmp_path / "nowhere"))
    assert told.exit_code == 1
    assert "ledger" in told.output


def test_every_cause_has_a_fix_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    causes = ("client", "gateway", "translation", "model", "settings", "time", "unmarked", "provider")
    for language, sign in (("en_US.UTF-8", "."), ("ja_JP.UTF-8", "。")):
        monkeypatch.setenv("LC_ALL", language)
        for cause in causes:
            for block in ("", "tool 1 (Bash)", "system 2", "turn 1 (user), part 1"):
                assert fix(cause, block).endswith(sign)  # type: ignore[arg-type]

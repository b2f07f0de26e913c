"""`tenbin feedback`, with a gateway that runs and without one, and `tenbin evidence` of what it said."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tenbin.running import RunningGateway
from tenbin.simulator import RunningSimulator
from tests.cli.conftest import Run
from tests.execute.conftest import chained

TIERS = {"low": ["anthropic/claude-haiku-5-5"], "highest": ["anthropic/claude-opus-5-5"]}


def asked(gateway: RunningGateway) -> str:
    message = {"role": "user", "content": "What is the capital of France?"}
    body = {"model": "auto", "max_tokens": 50, "messages": [message]}
    response = httpx2.post(gateway.url + "/v1/messages", json=body, trust_env=False)
    assert response.status_code == 200, response.text
    return response.headers["x-tenbin-request-id"]


def written(workplace: Path, port: int = 9, evidence: bool = True) -> None:
    learning = f"routing: {{learning: {{evidence: {json.dumps(evidence)}}}}}\n"
    (workplace / "tenbin.yaml").write_text(f"listen: 127.0.0.1:{port}\n{learning}", encoding="utf-8")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def configuration(simulator: RunningSimulator) -> Any:
    return chained(simulator.url, routing={"tiers": TIERS, "learning": {"evidence": True}})


def test_through_the_gateway_that_runs(run: Run, workplace: Path, ledger: Path) -> None:
    with RunningSimulator() as simulator, RunningGateway(configuration(simulator), ledger) as gateway:
        request_id = asked(gateway)
        written(workplace, port=int(gateway.url.rpartition(":")[2]))
        result = run("feedback", request_id, "good")
        assert result.exit_code == 0, result.output
        assert f"Kept: 1 for what anthropic/claude-haiku-5-5 answered to {request_id}." in result.output
        assert "already" in run("feedback", request_id, "1").output
        told = json.loads(run("feedback", request_id, "bad", "--json").output)
        assert (told["replaces"], told["counts"]) == (1.0, True)
        assert gateway.gateway.conversations.evidence
        refused = run("feedback", "req_unknown", "bad")
        assert refused.exit_code == 1
        assert "tenbin ledger" in refused.output


def test_straight_into_the_ledger_where_none_runs(
    run: Run, workplace: Path, ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunningSimulator() as simulator:
        with RunningGateway(configuration(simulator), ledger) as gateway:
            request_id = asked(gateway)
        written(workplace)
        assert run("feedback", request_id, "good").exit_code == 0
        assert "already" in run("feedback", request_id, "good").output
        assert json.loads(run("ledger", "--json").output)[0]["asked"] == "feedback"
        assert "Said of it later: feedback 1 (+2, local)." in run("explain", "--request", request_id).output
        monkeypatch.setenv("LANG", "ja_JP.UTF-8")
        assert "置き換えました" in run("feedback", request_id, "0.5").output
        shown = run("evidence")
        assert shown.exit_code == 0
        assert "anthropic/claude-haiku-5-5" in shown.output
        assert "兆候: feedback 2" in shown.output
        told = json.loads(run("evidence", "--json", "--key", "local").output)
        assert told["counted"] is True
        whole = next(cell for cell in told["cells"] if not cell["task"])
        assert (whole["trials"], whole["successes"]) == pytest.approx((2.0, 1.0), abs=1e-3)
        assert min(whole["prior"], 0.5) <= whole["posterior"] <= max(whole["prior"], 0.5)
        assert json.loads(run("evidence", "--json", "--key", "nobody").output)["cells"] == []
        # A gateway that starts now knows it.
        with RunningGateway(configuration(simulator), ledger) as gateway:
            (tally, *_) = gateway.gateway.conversations.evidence_of("local").values()
            assert tally.trials == pytest.approx(2.0, abs=1e-3)


def test_what_makes_no_sense_is_told(run: Run, workplace: Path) -> None:
    result = run("feedback", "req_1", "perhaps")
    assert result.exit_code == 2
    assert "good, bad, or a number from 0 (bad) to 1 (good)" in result.output
    written(workplace)
    result = run("feedback", "req_1", "good")
    assert result.exit_code == 1
    assert "--data-dir" in result.output


def test_that_nothing_is_counted_is_said(run: Run, workplace: Path, ledger: Path) -> None:
    with RunningSimulator() as simulator, RunningGateway(configuration(simulator), ledger) as gateway:
        asked(gateway)
    written(workplace, evidence=False)
    result = run("evidence")
    assert "routing.learning.evidence: true" in result.output
    assert "Nothing is known" in result.output

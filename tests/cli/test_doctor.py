"""`tenbin doctor` against real servers: what is well, what is not, and what to do about it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.cli.conftest import Run

ROWS = {
    "anthropic": "{api_key: k, base_url: %s/anthropic}",
    "openai": "{api_key: k, base_url: %s/openai/v1}",
    "deepseek": "{api_key: k, base_url: %s/deepseek}",
    "openrouter": "{api_key: k, base_url: %s/openrouter/v1}",
    "gemini": "{api_key: k, base_url: %s/gemini/v1}",
    "vllm": "{free: true, base_url: %s/vllm/v1, models: {m: {context: 100000}}}",
    "litellm": "{api_key: k, base_url: %s/litellm/v1, models: {m: {}}}",
}


def examined(run: Run, text: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    Path("tenbin.yaml").write_text(f"discover: false\nlisten: 127.0.0.1:1\n{text}", encoding="utf-8")
    result = run("doctor", "--json", *arguments)
    return result.exit_code, {target["target"]: target for target in json.loads(result.output)["targets"]}


def check(target: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in target["checks"] if each["name"] == name)


def test_every_kind_of_provider_is_well(run: Run) -> None:
    with RunningSimulator() as simulator:
        rows = "".join(f"  {name}: {row % simulator.url}\n" for name, row in ROWS.items())
        code, targets = examined(run, f"providers:\n{rows}")
    failed = {
        name: [each for each in target["checks"] if each["state"] == "failed"] for name, target in targets.items()
    }
    assert {name: checks for name, checks in failed.items() if checks} == {}
    assert code == 0
    assert [name.partition("/")[0] for name in targets] == list(ROWS)
    assert check(targets["anthropic/claude-sonnet-5-5"], "has a price")["state"] == "ok"
    assert check(targets["vllm/m"], "has room")["state"] == "ok"


@pytest.mark.parametrize(
    ("row", "says", "fix"),
    [
        ("{profile: openai, api_key: invalid, base_url: %s/openai/v1}", "invalid", "providers.x.api_key"),
        ("{profile: openai, api_key: k, base_url: 'http://127.0.0.1:9/v1'}", "cannot be reached", "is reachable"),
        ("{profile: openai, api_key: k, base_url: %s/openai/v1, models: {missing-1: {}}}", "missing-1", "--model x/"),
    ],
)
def test_what_is_not_well_has_a_remedy(run: Run, row: str, says: str, fix: str) -> None:
    with RunningSimulator() as simulator:
        code, targets = examined(
            run, f"providers: {{x: {row.replace('%s', simulator.url)}}}\nretries: {{per_target: 0}}"
        )
    (target,) = targets.values()
    assert code == 1
    assert not target["ok"]
    assert says in target["checks"][0]["said"]
    assert fix in target["checks"][0]["fix"]


def test_a_server_that_states_no_usage_is_told_but_no_failure(run: Run) -> None:
    with RunningSimulator() as simulator:
        row = f"{{dialect: openai_chat, base_url: {simulator.url}/messy/v1, models: {{m: {{}}}}}}"
        code, targets = examined(run, f"providers: {{x: {row}}}")
    assert code == 0
    assert check(targets["x/m"], "usage adds up")["state"] == "warning"
    assert check(targets["x/m"], "is in the ledger")["state"] == "warning"
    assert "not known" in check(targets["x/m"], "has a price")["said"]


def test_more_context_than_an_ollama_model_has_is_a_failure(run: Run) -> None:
    with RunningSimulator() as simulator:
        row = f"{{base_url: {simulator.url}/ollama, free: true, models: {{'qwen3:8b': {{context: 9000000}}}}}}"
        code, targets = examined(run, f"providers: {{ollama: {row}}}")
    assert code == 1
    assert "9,000,000 tokens are configured" in check(targets["ollama/qwen3:8b"], "has room")["said"]
    assert check(targets["ollama/qwen3:8b"], "answers")["state"] == "ok"


def test_a_provider_that_is_not_there_is_found_out_without_a_model(run: Run) -> None:
    code, targets = examined(run, "providers: {x: {dialect: openai_chat, base_url: 'http://127.0.0.1:9'}}")
    assert code == 1
    assert check(targets["x/?"], "is reachable")["state"] == "failed"


@pytest.mark.parametrize(
    "row",
    [
        "{dialect: openai_chat, api_key: k, base_url: %s/openai/v1}",
        "{dialect: anthropic, api_key: k, base_url: %s/anthropic}",
        "{profile: ollama, base_url: %s/ollama}",
    ],
)
def test_a_provider_without_a_known_model_is_asked_for_one(run: Run, row: str) -> None:
    with RunningSimulator() as simulator:
        _, targets = examined(run, f"providers: {{x: {row % simulator.url}}}")
    (target,) = targets.values()
    assert check(target, "lists models")["state"] == "ok"
    assert check(target, "answers")["state"] == "ok"


def test_a_key_that_is_not_accepted_is_found_out_without_a_model(run: Run) -> None:
    with RunningSimulator() as simulator:
        row = f"{{dialect: openai_chat, api_key: invalid, base_url: {simulator.url}/openai/v1}}"
        code, targets = examined(run, f"providers: {{x: {row}}}")
    assert code == 1
    (target,) = targets.values()
    assert "providers.x.api_key" in target["checks"][-1]["fix"]


def test_one_model_may_be_named(run: Run) -> None:
    with RunningSimulator() as simulator:
        text = f"providers: {{anthropic: {ROWS['anthropic'] % simulator.url}}}"
        _, targets = examined(run, text, "--model", "anthropic/claude-opus-5-5")
        assert list(targets) == ["anthropic/claude-opus-5-5"]
        Path("tenbin.yaml").write_text(f"discover: false\n{text}", encoding="utf-8")
        refused = run("doctor", "--model", "other/x")
    assert refused.exit_code == 1
    assert "Providers: anthropic" in refused.output


def test_it_reads_well_for_people(run: Run) -> None:
    with RunningSimulator() as simulator:
        text = f"discover: false\nlisten: 127.0.0.1:1\nproviders: {{anthropic: {ROWS['anthropic'] % simulator.url}}}"
        Path("tenbin.yaml").write_text(text, encoding="utf-8")
        lines = run("doctor").output.splitlines()
    assert lines[0] == "anthropic/claude-sonnet-5-5"
    assert lines[1].split() == ["ok", "answers", "as", "claude-sonnet-5-5"]
    assert lines[-1] == "Everything works."


def test_what_it_asked_stands_in_the_ledger(run: Run) -> None:
    with RunningSimulator() as simulator:
        examined(run, f"providers: {{anthropic: {ROWS['anthropic'] % simulator.url}}}")
    rows = json.loads(run("ledger", "--json").output)
    assert [row["outcome"] for row in rows] == ["answered"] * 3
    assert all(row["answered"] == "anthropic/claude-sonnet-5-5" for row in rows)
    (total,) = json.loads(run("ledger", "--by", "model", "--json").output)
    assert (total["model"], total["requests"]) == ("anthropic/claude-sonnet-5-5", 3)
    shown = run("ledger").output
    assert "$0.000" in shown
    assert shown.splitlines()[0].split()[0] == "time"


@pytest.mark.slow
def test_the_embedded_model_is_well_and_its_size_is_told(run: Run) -> None:
    code, targets = examined(run, "local_model: true")
    (target,) = targets.values()
    assert code == 0
    assert "8,192" in check(target, "has room")["said"]
    assert check(target, "usage adds up")["state"] == "ok"


def test_without_any_provider(run: Run) -> None:
    Path("tenbin.yaml").write_text("discover: false\nlocal_model: false\n", encoding="utf-8")
    result = run("doctor")
    assert result.exit_code == 1
    assert "no provider to look at" in result.output


def test_a_configuration_that_cannot_be_put_in_force_is_told(run: Run) -> None:
    row = "providers: {acme: {dialect: openai_chat, base_url: 'http://127.0.0.1:1/v1', models: {m: {}}}}\n"
    text = f"discover: false\nlisten: 127.0.0.1:1\n{row}models: {{m: [acme/m]}}\nalerts: {{to: ['nowhere://token']}}\n"
    Path("tenbin.yaml").write_text(text, encoding="utf-8")
    refused = run("doctor")
    assert refused.exit_code == 1
    assert "alerts.to[0]: apprise cannot read this nowhere address" in refused.output
    assert "mistake in Tenbin" not in refused.output

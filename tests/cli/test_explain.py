"""`tenbin explain` shows where a prompt would go and why, and where a past request went."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenbin.core.usage import Usage
from tenbin.core.weighing import Hearing
from tests.cli.conftest import Run
from tests.ledger.making import A_WEIGHING, a_book, a_receipt, an_attempt

CONFIG = """
discover: false
providers:
  anthropic: {api_key: sesame-word}
  home: {dialect: openai_chat, base_url: http://127.0.0.1:9/v1, free: true}
models: {fast: [anthropic/claude-haiku-5-5]}
"""


@pytest.fixture(autouse=True)
def configured(run: Run) -> None:
    Path("tenbin.yaml").write_text(CONFIG, encoding="utf-8")


def test_a_prompt_is_weighed_and_every_candidate_shown(run: Run) -> None:
    result = run("explain", "What is the capital of France?")
    assert result.exit_code == 0, result.output
    for words in (
        "weighed:default",
        "short_answer",
        "->",
        "claude-haiku-5-5",
        "claude-opus-5-5",
        "ability",
        "floor 0.80",
    ):
        assert words in result.output
    assert "sesame" not in result.output


def test_for_programs_every_amount_is_exact(run: Run) -> None:
    told = json.loads(run("explain", "Translate to Japanese: hello", "--json").output)
    assert told["asked"] == "auto"
    weighing = told["weighing"]
    assert told["targets"] == weighing["order"]
    for candidate in weighing["candidates"]:
        cost = candidate["cost"]
        buckets = ("input", "cache_read", "cache_write", "output", "reasoning", "request", "electricity")
        nano = sum(cost.get(bucket, 0) for bucket in buckets)
        assert candidate["turn_usd"] == f"{nano / 1e9:.9f}"


def test_in_japanese_where_the_locale_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert "送り先" in run("explain", "この契約書を確認してください。").output


def test_a_name_that_says_who_answers_is_not_weighed(run: Run) -> None:
    result = run("explain", "Hello", "--model", "fast")
    assert "model:fast" in result.output
    assert "Names that are weighed: auto" in result.output


def test_a_whole_request_with_headers(run: Run) -> None:
    body = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}
    Path("request.json").write_text(json.dumps(body), encoding="utf-8")
    given = (
        "explain",
        "-f",
        "request.json",
        "--dialect",
        "openai_chat",
        "-H",
        "x-tenbin-model: home/some-model",
        "--json",
    )
    assert json.loads(run(*given).output)["targets"] == ["home/some-model"]


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ((), 2, "Give a PROMPT"),
        (("Hello", "--request", "req_1"), 2, "Give one of"),
        (("Hello", "-H", "nonsense"), 2, "is no header"),
        (("Hello", "-H", "x-tenbin-floor: high"), 1, "x-tenbin-floor"),
        (("--file", "nowhere.json"), 1, "cannot be read"),
        (("--request", "req_9", "--data-dir", "empty"), 1, "there is no ledger"),
    ],
)
def test_what_makes_no_sense_is_said(run: Run, given: tuple[str, ...], code: int, said: str) -> None:
    result = run("explain", *given)
    assert result.exit_code == code
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_body_that_is_no_request_is_said(run: Run) -> None:
    Path("request.json").write_text('{"model": 7}', encoding="utf-8")
    result = run("explain", "--file", "request.json")
    assert result.exit_code == 1
    assert "model" in result.output


def test_a_past_request(run: Run, tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        book.settle(a_receipt("req_1", weighing=A_WEIGHING))
        book.settle(a_receipt("req_2"))
        assert book.flush()
    result = run("explain", "--request", "req_1", "--data-dir", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "acme/anvil-1" in result.output
    assert "it takes no tools" in result.output
    assert "It cost $" in result.output
    assert "Nothing was weighed" in run("explain", "--request", "req_2", "--data-dir", str(tmp_path)).output
    told = json.loads(run("explain", "--request", "req_1", "--data-dir", str(tmp_path), "--json").output)
    assert told["weighing"]["order"] == ["acme/anvil-1"]
    missing = run("explain", "--request", "req_9", "--data-dir", str(tmp_path))
    assert missing.exit_code == 1
    assert "tenbin ledger" in missing.output


def test_a_hedged_pair_is_told_apart(run: Run, tmp_path: Path) -> None:
    slow, beside = an_attempt(1, outcome="cancelled", hedge=1), an_attempt(2, hedge=2)
    with a_book(tmp_path) as book:
        book.settle(a_receipt("req_1", slow, beside))
        assert book.flush()
    output = run("explain", "--request", "req_1", "--data-dir", str(tmp_path)).output
    assert "1. acme/anvil-1 (slow to begin): cancelled" in output
    assert "2. acme/anvil-1 (asked beside it): answered" in output
    told = json.loads(run("explain", "--request", "req_1", "--data-dir", str(tmp_path), "--json").output)
    assert [one["hedge"] for one in told["attempts"]] == [1, 2]


JUDGE = """
routing:
  tiers: {low: [anthropic/claude-haiku-5-5], highest: [anthropic/claude-opus-5-5]}
  judge: {target: anthropic/claude-haiku-5-5, least: 0, most: 1, max_usd: 1}
"""


def test_for_a_prompt_the_judge_would_be_asked_and_is_not(run: Run) -> None:
    Path("tenbin.yaml").write_text(CONFIG + JUDGE, encoding="utf-8")
    prompt = "Explain step by step why the harmonic series diverges while the sum of 1/n^2 converges."
    result = run("explain", prompt)
    assert result.exit_code == 0, result.output
    assert "Judge anthropic/claude-haiku-5-5 would be asked, for about $" in result.output
    hearing = json.loads(run("explain", prompt, "--json").output)["weighing"]["hearing"]
    assert "asked" not in hearing
    assert float(hearing["expected_usd"]) <= float(hearing["saves_usd"])
    Path("tenbin.yaml").write_text(CONFIG + JUDGE.replace("max_usd: 1", "max_usd: 0.000001"), encoding="utf-8")
    assert "is not asked: asking would cost" in run("explain", prompt).output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"said": "high", "ms": 412}, "said in 412 ms: high suffices"),
        ({"fault": "it had not answered after 1500 ms", "ms": 1500}, "it had not answered after 1500 ms"),
    ],
)
def test_what_a_judge_said_of_a_past_request(run: Run, tmp_path: Path, changes: Any, said: str) -> None:
    hearing = Hearing(
        judge="acme/anvil-1",
        chance=0.55,
        between=("home/small", "acme/anvil-1"),
        saves_nano=7_000_000,
        expected_nano=1_448_000,
        suffices=(0.55, 0.75, 0.9, 0.97),
        asked=True,
        **changes,
    )
    weighing = msgspec.structs.replace(A_WEIGHING, hearing=hearing)
    asked = an_attempt(0, usage=Usage(input=700, output=4))
    with a_book(tmp_path) as book:
        book.settle(a_receipt("req_1", asked, an_attempt(), weighing=weighing))
        assert book.flush()
    output = run("explain", "--request", "req_1", "--data-dir", str(tmp_path)).output
    assert said in output
    assert "55% that the first suffices" in output
    assert "Judge acme/anvil-1: answered, 12 ms, $0.00144" in output
    told = json.loads(run("explain", "--request", "req_1", "--data-dir", str(tmp_path), "--json").output)
    assert told["attempts"][0]["number"] == 0
    assert told["attempts"][0]["billed_usd"] == "0.001440000"

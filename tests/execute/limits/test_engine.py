"""Plans at a running gateway: what they let in, what they cut and refuse, what clients are told."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from tenbin.cli.commands import tenbin
from tenbin.simulator import RunningSimulator
from tests.api.planned import bearer, calling, limits_of, sent, settings
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving, wait_until


@pytest.fixture(scope="module")
def house(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(settings(simulator_running.url), tmp_path_factory.mktemp("planned")) as running:
        yield running


@pytest.fixture
def caller(house: House, simulator: RunningSimulator) -> Iterator[Caller]:
    house.books.new()
    one = Caller(house.url)
    yield one
    one.http.close()


# -- the minute


def test_the_minute_is_kept_and_told(caller: Caller, house: House, simulator: RunningSimulator) -> None:
    answers = [caller.ask("anthropic", "one", headers=bearer("minute")) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["anthropic-ratelimit-requests-remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert {one.headers["anthropic-ratelimit-requests-limit"] for one in answers} == {"3"}
    refused = answers[-1]
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert "3 requests a minute" in refused.json()["error"]["message"]
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["x-should-retry"] == "true"
    assert refused.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    receipts = house.books.new(4)
    assert [len(one.attempts) for one in receipts] == [1, 1, 1, 0]
    last = receipts[-1]
    assert (last.outcome, last.status, last.failure, last.key_id) == ("failed", 429, "rate_limited", "minute-0")
    assert last.trace == (["refused", "limits", "requests_per_minute"],)
    assert len(sent(simulator)) == 3, "nobody was asked for the fourth"


def test_openai_clients_are_told_in_their_words(caller: Caller) -> None:
    answers = [caller.ask("openai", "chat", headers=bearer("minute", 1)) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    first, refused = answers[0], answers[-1]
    assert first.headers["x-ratelimit-limit-requests"] == "3"
    assert first.headers["x-ratelimit-remaining-requests"] == "2"
    assert first.headers["x-ratelimit-reset-requests"].endswith("s")
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"


def test_who_waits_as_told_is_let_in(caller: Caller) -> None:
    assert caller.ask("anthropic", "one", headers=bearer("quick")).status_code == 200
    time.sleep(0.05)
    assert caller.ask("anthropic", "one", headers=bearer("quick")).status_code == 200


def test_counting_tokens_has_a_bucket_of_its_own(caller: Caller, house: House) -> None:
    body = {"model": "one", "messages": [{"role": "user", "content": "Hello"}]}
    told = [
        caller.http.post("/v1/messages/count_tokens", json=body, headers=bearer("minute", 2)).status_code
        for _ in range(4)
    ]
    assert told == [200, 200, 200, 429]
    assert caller.ask("anthropic", "one", headers=bearer("minute", 2)).status_code == 200
    assert len(house.books.new(1)) == 1, "a count has no receipt, a refused one neither"


def test_embeddings_are_requests_like_others(caller: Caller, simulator: RunningSimulator) -> None:
    body = {"model": "openai/text-embedding-3-small", "input": "a word"}
    told = [caller.http.post("/v1/embeddings", json=body, headers=bearer("minute", 3)) for _ in range(4)]
    assert [one.status_code for one in told] == [200, 200, 200, 429]
    assert told[0].headers["x-ratelimit-limit-requests"] == "3"


# -- the day


def test_the_days_requests_are_kept_also_by_many_at_once(caller: Caller, house: House) -> None:
    def ask(_: int) -> httpx2.Response:
        with httpx2.Client(base_url=house.url, timeout=20, trust_env=False) as http:
            return http.post("/v1/messages", json=caller.body("anthropic", "one"), headers=bearer("day"))

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(40)))
    assert sorted(one.status_code for one in answers) == [200] * 3 + [429] * 37
    refused = next(one for one in answers if one.status_code == 429)
    assert refused.headers["x-should-retry"] == "false"
    assert "day's 3 requests are used up" in refused.json()["error"]["message"]
    assert "Asia/Tokyo" in refused.json()["error"]["message"]
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert refused.headers["anthropic-ratelimit-requests-limit"] == "3"


def test_what_nobody_was_asked_for_is_given_back(caller: Caller, house: House) -> None:
    for _ in range(3):
        assert caller.ask("anthropic", "no-such-model", headers=bearer("day", 1)).status_code == 404
    house.books.new()
    assert caller.ask("anthropic", "nowhere", headers=bearer("day", 1)).status_code == 502, "somebody was asked"
    left = caller.ask("anthropic", "one", headers=bearer("day", 1))
    assert left.headers["anthropic-ratelimit-requests-remaining"] == "1"


def test_the_days_tokens_are_those_of_the_ledger(caller: Caller, house: House) -> None:
    headers = bearer("tokens")
    first = caller.ask("anthropic", "one", headers=headers, max_tokens=100)
    assert int(first.headers["anthropic-ratelimit-tokens-remaining"]) <= 1_900, "the most that it can be is set aside"
    used = house.books.one().usage
    second = caller.ask("anthropic", "one", headers=headers, max_tokens=100)
    reserved = 2_000 - used.prompt - used.output - int(second.headers["anthropic-ratelimit-tokens-remaining"])
    assert 100 < reserved < 100 + 1_000, "what the first one really used, and the most of the second"
    assert second.headers["anthropic-ratelimit-input-tokens-limit"] == "2000"
    assert second.headers["anthropic-ratelimit-output-tokens-limit"] == "2000"


def test_an_answer_is_no_longer_than_what_is_left_of_the_day(caller: Caller, simulator: RunningSimulator) -> None:
    assert caller.ask("anthropic", "one", headers=bearer("tokens", 1), max_tokens=100_000).status_code == 200
    [body] = sent(simulator)
    assert 256 <= body["max_tokens"] < 2_000
    text = "simulate: " + json.dumps([{"text": "word " * 3_000}])
    answers = [caller.ask("anthropic", "one", text, headers=bearer("tokens", 1), max_tokens=9_000) for _ in range(3)]
    assert answers[-1].status_code == 429
    assert "tokens_per_day" in answers[-1].json()["error"]["message"]
    assert answers[-1].headers["x-should-retry"] == "false"


def test_many_at_once_do_not_pass_the_days_tokens(house: House, caller: Caller) -> None:
    def ask(_: int) -> int:
        with httpx2.Client(base_url=house.url, timeout=20, trust_env=False) as http:
            body = caller.body("anthropic", "one", max_tokens=400)
            return http.post("/v1/messages", json=body, headers=bearer("tokens", 2)).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(ask, range(60)))
    assert set(statuses) == {200, 429}
    receipts = [one for one in house.books.new() if one.key_id == "tokens-2"]
    assert sum(one.usage.prompt + one.usage.output for one in receipts) <= 2_000


# -- one request


@pytest.mark.parametrize("spoken", ["anthropic", "openai"])
def test_answers_are_kept_to_their_length(spoken: str, caller: Caller, simulator: RunningSimulator) -> None:
    model = "one" if spoken == "anthropic" else "chat"
    long: dict[str, Any] = {"max_tokens": 900} if spoken == "anthropic" else {}
    assert caller.ask(spoken, model, headers=bearer("short"), **long).status_code == 200
    assert caller.ask(spoken, model, headers=bearer("short"), max_tokens=7).status_code == 200
    limits = [body.get("max_tokens", body.get("max_completion_tokens")) for body in sent(simulator)]
    assert limits == [20, 7]


@pytest.mark.parametrize("spoken", ["anthropic", "openai"])
def test_a_prompt_that_is_too_long_is_refused(spoken: str, caller: Caller, house: House) -> None:
    refused = caller.ask(spoken, "one", "one two three " * 60, headers=bearer("short", 1))
    assert refused.status_code == 400
    error = refused.json()["error"]
    assert error["message"].startswith("prompt is too long: ")
    assert "60 maximum (limit input_tokens of the plan 'short')" in error["message"]
    assert refused.headers["x-should-retry"] == "false"
    if spoken == "openai":
        assert error["code"] == "context_length_exceeded"
    receipt = house.books.one()
    assert (receipt.failure, receipt.attempts) == ("context_exceeded", ())
    short = caller.ask(spoken, "one", "one two three " * 8, headers=bearer("short", 1))
    assert short.status_code == 200, "more bytes than tokens are allowed, but not more tokens"


def test_a_plan_has_its_models_beside_what_the_key_may(caller: Caller) -> None:
    assert caller.ask("anthropic", "one", headers=bearer("models")).status_code == 403
    crossed = caller.ask("anthropic", "crossed", headers=bearer("models"))
    assert crossed.headers["x-tenbin-provider"] == "openai"
    refused = caller.ask("anthropic", "anthropic/claude-sonnet-4-6", headers=bearer("models"))
    assert "its plan has openai/*" in refused.json()["error"]["message"]


def test_the_smallest_model_is_one(house: House, caller: Caller) -> None:
    [smallest] = limits_of(house).plans["smallest"].targets or ()
    assert caller.ask("anthropic", smallest, headers=bearer("smallest")).status_code == 200
    refused = caller.ask("anthropic", "one", headers=bearer("smallest"))
    assert refused.status_code == 403
    assert f"its plan has {smallest}" in refused.json()["error"]["message"]
    listed = caller.http.get("/v1/models", headers=bearer("smallest"))
    assert "claude-sonnet-4-6" not in listed.text


# -- nobody's plan, no plan, and a restart


def test_who_has_no_plan_is_told_nothing(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(chained(simulator.url), tmp_path) as house:
        assert house.running.gateway.admission is None
        with calling(house) as caller:
            answer = caller.ask("anthropic", "one")
    assert answer.status_code == 200


def test_a_default_counts_for_all_and_the_day_goes_on_behind_a_restart(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    config = chained(simulator.url, plans={"default": "three", "named": {"three": {"requests_per_day": 3}}})
    with serving(config, tmp_path) as house, calling(house) as caller:
        told = [caller.ask("anthropic", "one") for _ in range(2)]
        assert [one.headers["anthropic-ratelimit-requests-remaining"] for one in told] == ["2", "1"]
    with serving(config, tmp_path) as house, calling(house) as caller:
        told = [caller.ask("anthropic", "one") for _ in range(3)]
        assert [one.status_code for one in told] == [200, 429, 429]


def test_a_plan_that_is_not_there_lets_nobody_in(simulator: RunningSimulator, tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text("plans: {named: {golden: {requests_per_day: 1}}}")
    words = ["keys", "create", "ann", "--plan", "golden", "--data-dir", str(tmp_path), "--config"]
    made = CliRunner().invoke(tenbin, [*words, str(file)])
    assert made.exit_code == 0, made.output
    with serving(chained(simulator.url), tmp_path) as house, calling(house) as caller:
        refused = caller.ask("anthropic", "one", headers={"x-api-key": made.stdout.strip()})
        assert house.books.one().status == 403
    assert refused.status_code == 403
    assert "'golden', which is not defined here" in refused.json()["error"]["message"]


def test_a_key_of_the_store_has_its_plan_beside_a_running_gateway(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(chained(simulator.url), tmp_path) as house, calling(house) as caller:
        assert caller.ask("anthropic", "chat").status_code == 200
        made = CliRunner().invoke(tenbin, ["keys", "create", "bob", "--plan", "pro", "--data-dir", str(tmp_path)])
        header = {"x-api-key": made.stdout.strip()}
        wait_until(lambda: caller.ask("anthropic", "chat").status_code == 401, "the gateway to ask for a key")
        target = (limits_of(house).plans["pro"].targets or ())[-1]
        answer = caller.ask("anthropic", target, headers=header, max_tokens=90_000)
    assert answer.headers["anthropic-ratelimit-requests-limit"] == "60"
    assert answer.headers["anthropic-ratelimit-tokens-limit"] == "5000000"
    assert 4_000 in sent(simulator)[-1].values()

"""Plans at a running gateway: what they let in, what they cut and refuse, what clients are told, what is given back."""

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner

from tenbin.api.gatekeeping import Gates, LimitsGate, Visit
from tenbin.cli.commands import tenbin
from tenbin.codecs.registry import dialect
from tenbin.config.keys import hash_key
from tenbin.config.plans import PlansConfig
from tenbin.core.ask import Ask
from tenbin.core.ask import Caller as AskedBy
from tenbin.core.problems import Problem
from tenbin.decide.limits import Plan
from tenbin.execute.clock import SystemClock
from tenbin.execute.limits.counters import MemoryCounters
from tenbin.execute.limits.engine import Limits
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving, wait_until

PLANS: dict[str, dict[str, Any]] = {
    "minute": {"requests_per_minute": 3},
    "quick": {"requests_per_minute": 6_000, "burst": 1},
    "day": {"requests_per_day": 3, "requests_per_minute": 1_000},
    "tokens": {"tokens_per_day": 2_000},
    "short": {"input_tokens": 60, "output_tokens": 20},
    "streams": {"concurrent_streams": 2},
    "models": {"targets": ["openai/*"]},
    "smallest": {"smallest_models": 1},
    "all": {"requests_per_day": 1_000, "tokens_per_day": 1_000_000, "requests_per_minute": 1_000},
}
EACH = 4
"""Keys of each plan: a test takes one that no other has used."""


def key(plan: str, number: int = 0) -> str:
    return f"tb-{plan}-{number}-" + "x" * 40


def bearer(plan: str, number: int = 0) -> dict[str, str]:
    return {"authorization": f"Bearer {key(plan, number)}"}


def settings(url: str, **more: Any) -> Any:
    names = [(plan, number) for plan in PLANS for number in range(EACH)]
    return chained(
        url,
        keys={f"{plan}-{number}": hash_key(key(plan, number)) for plan, number in names},
        plans={
            "named": PLANS,
            "keys": {f"{plan}-{number}": plan for plan, number in names},
            "timezone": "Asia/Tokyo",
            **more,
        },
        timeouts={"connect": 2, "first_byte": 5, "idle": 5, "total": 20},
    )


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


@contextlib.contextmanager
def calling(house: House) -> Iterator[Caller]:
    one = Caller(house.url)
    yield one
    one.http.close()


def limits_of(house: House) -> Limits:
    gates = house.running.gateway.gates
    assert gates is not None
    gate = gates.gates[0]
    assert isinstance(gate, LimitsGate)
    return gate.limits


def sent(simulator: RunningSimulator) -> list[dict[str, Any]]:
    """Bodies that the provider was sent."""
    return [entry["body"] for entry in simulator.requests() if entry["method"] == "POST"]


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


# -- streams


def slow_stream(house: House, plan: str, number: int, started: threading.Event, stop: threading.Event) -> None:
    text = "simulate: " + json.dumps([{"text": "word " * 400, "tick_ms": 20}])
    body = {"model": "one", "max_tokens": 900, "stream": True, "messages": [{"role": "user", "content": text}]}
    with (
        httpx2.Client(base_url=house.url, timeout=20, trust_env=False) as http,
        contextlib.suppress(httpx2.HTTPError),
        http.stream("POST", "/v1/messages", json=body, headers=bearer(plan, number)) as answer,
    ):
        assert answer.status_code == 200
        for _ in answer.iter_bytes():
            started.set()
            if stop.is_set():
                return


def test_streams_at_a_time_are_counted_and_given_back_when_a_client_leaves(house: House, caller: Caller) -> None:
    stop = threading.Event()
    started = [threading.Event(), threading.Event()]
    threads = [threading.Thread(target=slow_stream, args=(house, "streams", 0, one, stop)) for one in started]
    for thread, event in zip(threads, started, strict=True):
        thread.start()
        assert event.wait(10)
    refused = caller.ask("anthropic", "one", headers=bearer("streams"), stream=True)
    assert refused.status_code == 429
    assert "concurrent_streams" in refused.json()["error"]["message"]
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-should-retry"] == "true"
    assert caller.ask("anthropic", "one", headers=bearer("streams")).status_code == 200, "this one is no stream"
    stop.set()
    for thread in threads:
        thread.join()
    wait_until(
        lambda: caller.ask("anthropic", "one", headers=bearer("streams"), stream=True).status_code == 200, "a place"
    )


def test_streams_are_given_back_once_whatever_happens(house: House, caller: Caller) -> None:
    for script in (
        [{"text": "well"}],
        [{"text": "word " * 30, "cut_after_events": 3}],
        [{"status": 500}],
        [{"status": 400}],
    ):
        for _ in range(4):
            with contextlib.suppress(httpx2.HTTPError):
                text = "simulate: " + json.dumps(script)
                assert (
                    caller.ask("anthropic", "one", text, headers=bearer("streams", 1), stream=True).status_code != 429
                )
    counters = limits_of(house).counters
    assert isinstance(counters, MemoryCounters)
    wait_until(lambda: counters.known("streams-1").streams == 0, "no stream under way")


# -- nobody's plan, no plan, and a restart


def test_who_has_no_plan_is_told_nothing(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(chained(simulator.url), tmp_path) as house:
        assert house.running.gateway.gates is None
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


def test_acts_of_leaving_are_done_once_and_none_keeps_another_from_it(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def broken() -> None:
        done.append(2)
        raise OSError("of this test")

    visit = Visit(dialect("anthropic"))
    visit.on_leaving(lambda: done.append(1))
    visit.on_leaving(broken)
    with caplog.at_level(logging.CRITICAL + 1, "tenbin.api"):
        visit.leave()
    visit.leave()
    assert done == [2, 1]


def test_a_request_that_fails_inside_gives_back_what_was_set_aside() -> None:
    async def failing() -> None:
        counters = MemoryCounters(SystemClock(), lambda key_id, since_ms: (0, 0), lambda key_id: None)
        limits = Limits(counters, SystemClock(), lambda key_id: None)
        limits.configure(PlansConfig(default="p"), {"p": Plan(name="p", requests_per_day=9, concurrent_streams=2)})

        class Stuck:
            name = "stuck"

            async def let_in(self, ask: Ask, visit: Visit) -> Ask | Problem:
                raise asyncio.CancelledError

        body = b'{"model":"m","max_tokens":9,"stream":true,"messages":[]}'
        codec = dialect("anthropic")
        ask = Ask(
            request_id="r",
            dialect="anthropic",
            operation="generate",
            path="/v1/messages",
            query=b"",
            headers=(),
            body=body,
            head=codec.read_head(body),
            caller=AskedBy(key_id="k"),
            arrived_at_ms=0,
            arrived_ns=0,
        )
        book: Any = None

        async def never(*_: object) -> None:
            raise AssertionError("it is not served")

        gates = Gates((LimitsGate(limits), Stuck()), book, lambda: "")
        with pytest.raises(asyncio.CancelledError):
            await gates.pass_through(ask, codec, never, never)
        used = counters.known("k")
        assert (used.requests, used.streams) == (0, 0)

    asyncio.run(failing())

"""A ladder through the real gateway: whatever the lower rung does, the client sees one good answer in its dialect."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tenbin.core.receipt import Attempt, Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, chained, events, said
from tests.real.books import House, serving, wait_until

LOW, TOP = "gpt-4o", "claude-sonnet-4-6"
LADDER = [{"target": f"openai/{LOW}"}, {"target": f"anthropic/{TOP}"}]
GOOD = "The capital of France is Paris."
TOP_SAYS = "It is Paris, says the upper rung."
QUESTION = "What is the capital of France?"

WAYS = [(dialect, stream) for dialect in ("anthropic", "openai_chat", "openai_responses") for stream in (False, True)]
ways = pytest.mark.parametrize(("dialect", "stream"), WAYS)
chat_ways = pytest.mark.parametrize(("dialect", "stream"), [way for way in WAYS if way[0] != "openai_responses"])


@pytest.fixture(scope="module")
def house(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    cascades = {
        "up": {"ladder": LADDER, "skip": False},
        "down": {"ladder": LADDER[::-1], "skip": False},
        "late": {"ladder": LADDER, "skip": False, "max_wait_ms": 150},
        "lateup": {"ladder": LADDER, "skip": False, "max_wait_ms": 150, "late": "climb"},
        "asking": {
            "ladder": [
                {**LADDER[0], "samples": 1, "judge": {"target": "anthropic/judge-model"}, "accept": 0.75},
                LADDER[1],
            ],
            "skip": False,
            "opinions_usd": 1.0,
        },
    }
    config = chained(
        simulator_running.url,
        cascades=cascades,
        ping_seconds=0.05,
        timeouts={"connect": 2, "first_byte": 2, "idle": 0.5, "total": 10},
        retries={"per_target": 0},
    )
    with serving(config, tmp_path_factory.mktemp("ladder")) as running:
        yield running


@pytest.fixture
def caller(house: House, simulator: RunningSimulator) -> Iterator[Caller]:
    one = Caller(house.url)
    simulator.script(TOP, *[{"text": TOP_SAYS}] * 9)
    house.books.new()
    yield one
    one.http.close()


def ask(caller: Caller, dialect: str, stream: bool, model: str = "up", **fields: Any) -> httpx2.Response:
    if dialect != "openai_responses":
        return caller.ask(dialect, model, fields.pop("text", QUESTION), stream=stream, **fields)
    body = {"model": model, "input": fields.pop("text", QUESTION), "stream": stream, **fields}
    return caller.http.post("/v1/responses", json=body)


def words(response: httpx2.Response, dialect: str, stream: bool) -> str:
    if dialect != "openai_responses":
        return said(response, dialect, stream)
    if not stream:
        return "".join(part["text"] for item in response.json()["output"] for part in item.get("content", ()))
    return "".join(event["delta"] for event in events(response) if event.get("type") == "response.output_text.delta")


def complete(response: httpx2.Response, dialect: str) -> bool:
    """The stream came to its proper end."""
    last = events(response)[-1]
    if dialect == "openai_chat":
        return bool(last == "[DONE]")
    return last["type"] in ("message_stop", "response.completed")


def check_paid_once(receipt: Receipt, simulator: RunningSimulator) -> None:
    """Every call that the simulator served is on the receipt, priced by the list, and nothing else is."""
    served = simulator.requests()
    assert len(receipt.attempts) == len(served)
    assert sorted(one.number for one in receipt.attempts) == list(range(1, len(served) + 1))
    for attempt in receipt.attempts:
        usage = attempt.usage
        cost = (usage.input * PRICE["input"] + usage.output * PRICE["output"]) * 1000
        if attempt.model != "judge-model":
            assert attempt.cost_nano == cost
    known = [attempt.cost_nano for attempt in receipt.attempts]
    if None not in known:
        assert receipt.cost_nano == sum(one or 0 for one in known)


def rung(receipt: Receipt, number: int) -> Attempt:
    return next(one for one in receipt.attempts if one.rung == number and not one.purpose)


@ways
def test_a_good_answer_of_the_lower_rung_is_given(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script(LOW, {"text": GOOD})
    response = ask(caller, dialect, stream)
    assert response.status_code == 200
    assert words(response, dialect, stream) == GOOD
    assert not stream or complete(response, dialect)
    assert response.headers["x-tenbin-rung"] == "1"
    assert float(response.headers["x-tenbin-gate-score"]) > 0.6
    receipt = house.books.one()
    check_paid_once(receipt, simulator)
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert gating.passed
    assert gating.given
    assert any(name == "empty" for name, _, _ in gating.parts)
    assert receipt.climb is not None
    assert receipt.last == rung(receipt, 1)


BAD: dict[str, dict[str, Any]] = {
    "empty": {"text": ""},
    "refusal": {"text": "I'm sorry, but I cannot help with that."},
    "wrong language": {"text": "フランスの首都はパリです。これは日本語の回答です。よろしくお願いします。"},
    "truncated": {
        "text": "The capital of France is, as everybody who has been there will",
        "stop_reason": "max_tokens",
    },
    "loop": {"text": "Paris is nice. " * 60},
    "error": {"status": 500},
    "cut": {"text": GOOD * 3, "cut_after_events": 4},
    "stalled": {"text": GOOD * 3, "stall_after_events": 4, "stall_ms": 900},
    "malformed": {"text": GOOD * 3, "error_event_at": 3},
}


@pytest.mark.parametrize("fault", BAD)
@ways
def test_a_bad_answer_is_never_seen(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool, fault: str
) -> None:
    if not stream and fault in ("malformed", "stalled"):
        fault = "cut"  # these are faults of a stream
    simulator.script(LOW, BAD[fault])
    response = ask(caller, dialect, stream)
    assert words(response, dialect, stream) == TOP_SAYS
    assert not stream or complete(response, dialect)
    receipt = house.books.one()
    assert receipt.outcome == "answered"
    check_paid_once(receipt, simulator)
    assert receipt.last == rung(receipt, 2)
    low = rung(receipt, 1)
    if low.outcome == "answered":
        assert low.gating is not None
        assert not low.gating.passed
        assert low.gating.score is not None
        assert low.gating.score < low.gating.accept


@chat_ways
def test_a_usable_answer_outlives_a_failing_upper_rung(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    text = "Paris is nice. " * 60
    simulator.reset()
    simulator.script(LOW, {"text": text})
    simulator.script(TOP, {"status": 529})
    response = ask(caller, dialect, stream)
    assert response.status_code == 200
    assert words(response, dialect, stream) == text
    assert response.headers["x-tenbin-rung"] == "1"
    receipt = house.books.one()
    assert receipt.outcome == "answered"
    assert receipt.last == rung(receipt, 1)
    assert rung(receipt, 2).failure == "overloaded"
    check_paid_once(receipt, simulator)


@chat_ways
def test_where_nobody_has_an_answer_the_client_is_told(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.reset()
    simulator.script(LOW, {"text": ""})
    simulator.script(TOP, {"status": 529})
    response = ask(caller, dialect, stream)
    assert response.status_code >= 500
    assert response.json()["error"]["message"]
    receipt = house.books.one()
    assert receipt.outcome == "failed"
    check_paid_once(receipt, simulator)


WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}


def tools(dialect: str) -> list[dict[str, Any]]:
    if dialect == "anthropic":
        return [{"name": "get_weather", "description": "weather", "input_schema": WEATHER}]
    return [{"type": "function", "function": {"name": "get_weather", "description": "weather", "parameters": WEATHER}}]


def call_of(response: httpx2.Response, dialect: str, stream: bool) -> tuple[str, Any]:
    """Name and arguments of the only tool call."""
    if not stream:
        body = response.json()
        if dialect == "anthropic":
            block = next(one for one in body["content"] if one["type"] == "tool_use")
            return block["name"], block["input"]
        function = body["choices"][0]["message"]["tool_calls"][0]["function"]
        return function["name"], json.loads(function["arguments"])
    name, pieces = "", []
    for event in events(response):
        if dialect == "anthropic":
            name = event.get("content_block", {}).get("name", name)
            pieces.append(event.get("delta", {}).get("partial_json", ""))
        elif event != "[DONE]":
            for choice in event["choices"]:
                for call in choice["delta"].get("tool_calls") or ():
                    name = call["function"].get("name") or name
                    pieces.append(call["function"].get("arguments") or "")
    return name, json.loads("".join(pieces))


@chat_ways
def test_a_valid_tool_call_is_given(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script(LOW, {"tool": "get_weather", "input": {"city": "Kyoto"}})
    response = ask(caller, dialect, stream, tools=tools(dialect), text="Weather in Kyoto?")
    assert call_of(response, dialect, stream) == ("get_weather", {"city": "Kyoto"})
    receipt = house.books.one()
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert gating.why == ("prefix" if stream else "whole")
    check_paid_once(receipt, simulator)


@chat_ways
def test_a_tool_call_is_mended_rather_than_asked_for_again(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script(LOW, {"tool": "get_weather", "input": {"city": "Kyoto", "days": "3", "mood": "good"}})
    response = ask(caller, dialect, stream, tools=tools(dialect), text="Weather in Kyoto?")
    assert call_of(response, dialect, stream) == ("get_weather", {"city": "Kyoto", "days": 3})
    assert not stream or complete(response, dialect)
    receipt = house.books.one()
    assert len(receipt.attempts) == 1
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert any("mood" in change for change in gating.repaired)
    check_paid_once(receipt, simulator)


@chat_ways
def test_a_tool_call_that_cannot_be_mended_goes_up(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.reset()
    simulator.script(LOW, {"tool": "launch_rocket", "input": {}})
    simulator.script(TOP, {"tool": "get_weather", "input": {"city": "Nara"}})
    response = ask(caller, dialect, stream, tools=tools(dialect), text="Weather in Nara?")
    assert call_of(response, dialect, stream) == ("get_weather", {"city": "Nara"})
    receipt = house.books.one()
    assert receipt.last == rung(receipt, 2)
    check_paid_once(receipt, simulator)


@chat_ways
def test_an_agents_long_answer_is_streamed_once_its_beginning_has_passed(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    parts = ("the parser", "a test", "its docs", "the cache", "one loop", "the index", "a query", "the build", "a lock")
    long = " ".join(f"In step {n} I open {part} and change line {n * n + 7}." for n, part in enumerate(parts * 5))
    simulator.script(LOW, {"text": long, "cut_after_events": 60} if stream else {"text": long})
    response = ask(caller, dialect, stream, tools=tools(dialect), text="Please explain what you do.", max_tokens=2_000)
    receipt = house.books.one()
    check_paid_once(receipt, simulator)
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert gating.given
    if stream:  # the rest was not held: when it breaks off, the client has seen the beginning and is told
        assert gating.why == "prefix"
        assert receipt.outcome == "cut"
        assert "error" in json.dumps(events(response)[-1])


@pytest.mark.parametrize("stream", [False, True])
def test_json_is_mended(house: House, caller: Caller, simulator: RunningSimulator, stream: bool) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "out", "schema": schema}}
    simulator.script(LOW, {"text": 'Sure! Here it is: {"n": "7"', "structured": True})
    response = ask(caller, "openai_chat", stream, response_format=wanted, text="Give me n as JSON.")
    assert json.loads(words(response, "openai_chat", stream)) == {"n": 7}
    receipt = house.books.one()
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert gating.repaired
    check_paid_once(receipt, simulator)


@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
def test_pings_come_while_an_answer_is_held(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str
) -> None:
    simulator.script(LOW, {"text": GOOD * 3, "tick_ms": 60})
    response = ask(caller, dialect, True)
    assert "ping" in response.text
    assert words(response, dialect, True) == GOOD * 3
    assert complete(response, dialect)
    assert house.books.one().outcome == "answered"


@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
def test_a_failure_behind_pings_is_told_in_the_stream(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str
) -> None:
    simulator.reset()
    simulator.script(LOW, {"text": "", "delay_ms": 300})
    simulator.script(TOP, {"status": 529})
    response = ask(caller, dialect, True)
    assert response.status_code == 200
    assert "error" in json.dumps(events(response)[-1])
    receipt = house.books.one()
    assert (receipt.outcome, receipt.status) == ("failed", 200)
    check_paid_once(receipt, simulator)


@chat_ways
def test_when_its_time_is_over_an_answer_is_streamed_as_it_comes(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script(LOW, {"text": GOOD * 3, "tick_ms": 60, "delay_ms": 300})
    response = ask(caller, dialect, stream, "late")
    assert words(response, dialect, stream) == GOOD * 3
    receipt = house.books.one()
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert (gating.why, gating.score, gating.given) == ("late", None, True)
    check_paid_once(receipt, simulator)


@chat_ways
def test_when_its_time_is_over_the_top_rung_answers_where_that_is_wanted(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script(LOW, {"text": GOOD * 3, "tick_ms": 60, "delay_ms": 300})
    response = ask(caller, dialect, stream, "lateup")
    assert words(response, dialect, stream) == TOP_SAYS
    receipt = house.books.one()
    assert rung(receipt, 1).outcome == "cancelled"
    assert rung(receipt, 1).usage.input > 0, "its prompt was read and is paid for"
    assert receipt.last == rung(receipt, 2)
    check_paid_once(receipt, simulator)


@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
def test_a_client_that_leaves_while_an_answer_is_held_pays_for_what_was_used(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str
) -> None:
    simulator.script(LOW, {"text": GOOD * 20, "tick_ms": 30})
    body = caller.body(dialect, "up", QUESTION, stream=True)
    with caller.http.stream("POST", caller.path(dialect), json=body) as response:
        next(response.iter_bytes())  # a ping
    receipt = house.books.one()
    assert (receipt.outcome, receipt.status) == ("cancelled", 499)
    low = rung(receipt, 1)
    assert low.outcome == "cancelled"
    assert low.usage.input > 0
    assert 0 < low.usage.output < 200
    check_paid_once(receipt, simulator)


def test_others_are_asked_and_stand_on_the_receipt(house: House, caller: Caller, simulator: RunningSimulator) -> None:
    simulator.script(LOW, {"text": GOOD}, {"text": "Paris is the capital of France."})
    simulator.script("judge-model", {"text": "I cannot tell a nonce."})
    response = ask(caller, "openai_chat", False, "asking")
    assert response.status_code == 200
    receipt = house.books.one()
    purposes = [(one.purpose, one.rung) for one in receipt.attempts]
    assert ("agreement", 1) in purposes
    gating = rung(receipt, 1).gating
    assert gating is not None
    assert any(name == "agreement" and score is not None for name, score, _ in gating.parts)
    assert not rung(receipt, 1).purpose
    check_paid_once(receipt, simulator)


def test_logprobs_that_were_not_asked_for_are_not_seen(
    house: House, simulator: RunningSimulator, tmp_path: Path
) -> None:
    providers = {
        "small": {"base_url": f"{simulator.url}/llamacpp/v1", "profile": "llamacpp", "free": True, "api_key": "sk-own"},
        "anthropic": {"base_url": f"{simulator.url}/anthropic", "api_key": "sk-own"},
    }
    ladder = [{"target": "small/tiny"}, {"target": f"anthropic/{TOP}"}]
    config = chained(simulator.url, cascades={"sure": {"ladder": ladder}}, providers=providers, models={})
    with serving(config, tmp_path) as running:
        caller = Caller(running.url)
        for dialect, stream in WAYS[:4]:
            simulator.script("tiny", {"text": GOOD})
            response = ask(caller, dialect, stream, "sure")
            assert words(response, dialect, stream) == GOOD
            assert '"logprob"' not in response.text
            sent = simulator.requests()[-1]["body"]
            assert sent["logprobs"] is True
            gating = rung(running.books.one(), 1).gating
            assert gating is not None
            assert any(name == "confidence" and score is not None for name, score, _ in gating.parts)
        simulator.script("tiny", {"text": GOOD})
        assert '"logprob"' in ask(caller, "openai_chat", False, "sure", logprobs=True).text
        caller.http.close()


def test_the_answer_of_many_at_once_is_each_ones_own(house: House, caller: Caller, simulator: RunningSimulator) -> None:
    found: list[str] = []

    def one(number: int) -> None:
        own = Caller(house.url)
        line = f'Say it.\nsimulate: {{"text": "This is the answer to question number {number}."}}'
        found.append(said(own.ask("openai_chat", "up", line), "openai_chat", False))
        own.http.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"This is the answer to question number {number}." for number in range(12))
    receipts = house.books.new(12)
    assert all(receipt.outcome == "answered" for receipt in receipts)


def test_the_metrics_tell_of_escalations(house: House, caller: Caller, simulator: RunningSimulator) -> None:
    simulator.script(LOW, {"text": ""})
    ask(caller, "openai_chat", False)
    house.books.one()

    def told() -> bool:
        return 'tenbin_escalations_total{cascade="up"}' in caller.http.get("/metrics").text

    wait_until(told, "the escalation to be counted")
    assert 'tenbin_rung_answers_total{cascade="up",rung="2"}' in caller.http.get("/metrics").text


def test_a_weighed_request_climbs_to_the_next_stronger_candidate(simulator: RunningSimulator, tmp_path: Path) -> None:
    small, large = "claude-haiku-5-5", "claude-opus-5-5"
    tiers = {"low": [f"anthropic/{small}"], "highest": [f"anthropic/{large}"]}
    config = chained(simulator.url, routing={"tiers": tiers, "climb": {"rungs": 2}})
    with serving(config, tmp_path) as running:
        caller = Caller(running.url)
        simulator.script(small, {"text": ""})
        simulator.script(large, {"text": TOP_SAYS})
        assert said(caller.ask("openai_chat", "auto", QUESTION), "openai_chat", False) == TOP_SAYS
        caller.http.close()
        receipt = running.books.one()
    assert receipt.weighing is not None
    assert receipt.weighing.order[0] == f"anthropic/{small}"
    assert receipt.climb is not None
    assert [one.target for one in receipt.climb.rungs] == [f"anthropic/{small}", f"anthropic/{large}"]
    assert [one.rung for one in receipt.attempts] == [1, 2]
    assert receipt.last == receipt.attempts[1]

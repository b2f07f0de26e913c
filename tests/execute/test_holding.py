"""A ladder through the real gateway: whatever the lower rung does, the client sees one good answer in its dialect."""

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained, events, said
from tests.execute.ladders import (  # noqa: F401 - the fixtures are found by their names
    GOOD,
    LOW,
    QUESTION,
    TOP,
    TOP_SAYS,
    WAYS,
    ask,
    chat_ways,
    check_paid_once,
    complete,
    ladder_caller,
    ladder_house,
    rung,
    ways,
    words,
)
from tests.ledger.making import a_book
from tests.real.books import House, receipts_in, serving, wait_until


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
@pytest.mark.parametrize("top_is_better", [False, True])
def test_with_a_judged_top_the_best_of_all_answers_is_given(
    house: House, caller: Caller, simulator: RunningSimulator, dialect: str, stream: bool, top_is_better: bool
) -> None:
    weak, worse = "I think that it may be Paris.", "I'm sorry, but I cannot help with that."
    low, top = (worse, weak) if top_is_better else (weak, worse)
    simulator.reset()
    simulator.script(LOW, {"text": low})
    simulator.script(TOP, {"text": top})
    response = ask(caller, dialect, stream, "judged")
    receipt = house.books.one()
    assert words(response, dialect, stream) == weak
    assert receipt.last == rung(receipt, 2 if top_is_better else 1)
    assert [one.gating is not None and one.gating.given for one in receipt.attempts].count(True) == 1
    assert all(one.outcome == "answered" for one in receipt.attempts)
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


def test_a_gateway_that_dies_owes_every_rung_that_was_asked(
    house: House, simulator: RunningSimulator, tmp_path: Path
) -> None:
    """What the journal holds while two rungs are under way, settled by another process from a copy of it."""
    slow = {"text": GOOD * 20, "tick_ms": 30}
    simulator.script(LOW, slow)
    simulator.script(TOP, slow)

    def asking() -> None:
        own = Caller(house.url)
        ask(own, "openai_chat", True, "lateup", text="Write me a poem.")
        own.http.close()

    thread = threading.Thread(target=asking)
    thread.start()
    copies: list[Path] = []
    while thread.is_alive():
        copies.append(tmp_path / f"copy{len(copies)}")
        no_database = shutil.ignore_patterns("*.sqlite*", "*lock*")
        shutil.copytree(house.running.gateway.book.directory, copies[-1], ignore=no_database)
        thread.join(0.1)
    house.books.new(1)

    def settled(copy: Path) -> list[Receipt]:
        with a_book(copy) as book:
            assert book.flush()
        return [one for one in receipts_in(copy) if one.outcome == "interrupted"]

    found = [one for copy in copies for one in settled(copy) if len(one.attempts) == 2]
    assert found, "both rungs were under way for a while"
    low, top = found[0].attempts
    assert [low.model, top.model] == [LOW, TOP]
    assert low.rung == 1
    assert low.usage.input > 0
    assert low.usage.input_estimated


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic"])
def test_an_answer_that_nobody_can_judge_for_it_is_broken_has_been_written(
    caller: Caller, house: House, simulator: RunningSimulator, dialect: str
) -> None:
    simulator.script(LOW, {"output_tokens": 200, "malformed_chunk_at": 1})
    assert said(ask(caller, dialect, False, "up"), dialect, False) == TOP_SAYS
    low, top = house.books.one().attempts
    assert (low.failure, top.outcome) == ("malformed", "answered")
    assert low.usage.estimated
    assert low.usage.input > 0
    assert low.billed_nano
    assert not top.usage.estimated

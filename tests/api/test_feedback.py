"""POST /v1/feedback through the real gateway: kept once, one's own only, counted as evidence, mistakes told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tenbin.decide.evidence import Cell
from tenbin.ledger.queries import reading, receipt, signals_about
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import chained
from tests.real.books import House, serving

MASTER = "the-master-key-of-this-house"
ANN, BOB = "tb-ann-0123456789abcdef", "tb-bob-0123456789abcdef"
TIERS = {"low": ["anthropic/claude-haiku-5-5"], "highest": ["anthropic/claude-opus-5-5"]}


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def house(simulator: RunningSimulator, tmp_path: Path) -> Iterator[House]:
    from tenbin.config.keys import hash_key

    keys = {"ann": hash_key(ANN), "bob": hash_key(BOB)}
    routing = {"tiers": TIERS, "learning": {"evidence": True, "comments": True}}
    with serving(chained(simulator.url, routing=routing, master_key=MASTER, keys=keys), tmp_path) as running:
        yield running


def post(house: House, path: str, key: str, **body: Any) -> httpx2.Response:
    return httpx2.post(house.url + path, json=body, headers={"x-api-key": key}, trust_env=False)


def ask(house: House, key: str, model: str = "auto") -> str:
    message = {"role": "user", "content": "What is the capital of France?"}
    response = post(house, "/v1/messages", key, model=model, max_tokens=50, messages=[message])
    assert response.status_code == 200, response.text
    return response.headers["x-tenbin-request-id"]


def test_feedback_is_kept_and_counts_for_the_key_that_asked(house: House, tmp_path: Path) -> None:
    asked = ask(house, ANN)
    answer = post(house, "/v1/feedback", ANN, request_id=asked, score="good", comment="それで正しい")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["score"], told["counts"], told["repeated"]) == (1.0, True, False)
    conversations = house.running.gateway.conversations
    cell = Cell(told["target"])
    assert conversations.evidence_of("ann")[cell].trials == 2.0
    assert conversations.evidence_of("bob") == {}
    assert house.running.book.flush()
    with reading(tmp_path / "ledger.sqlite") as database:
        (kept,) = signals_about(database, asked)
        feedback = receipt(database, answer.headers["x-tenbin-request-id"])
    assert (kept.key_id, kept.signal.kind, kept.signal.success, kept.signal.source) == ("ann", "feedback", 1.0, "ann")
    assert feedback is not None
    assert feedback.trace == (["comment", "それで正しい"],)
    assert feedback.attempts == ()


def test_the_same_source_says_a_thing_once_and_may_change_its_mind(house: House) -> None:
    asked = ask(house, ANN)

    def say(score: Any, **more: Any) -> Any:
        return post(house, "/v1/feedback", ANN, request_id=asked, score=score, **more).json()

    assert say(1)["repeated"] is False
    assert say("good")["repeated"] is True
    conversations = house.running.gateway.conversations
    (cell,) = [one for one in conversations.evidence_of("ann") if one == Cell(one.target)]
    assert conversations.evidence_of("ann")[cell].trials == 2.0
    assert say("bad")["replaces"] == 1.0
    tally = conversations.evidence_of("ann")[cell]
    assert (tally.trials, tally.successes) == pytest.approx((2.0, 0.0), abs=1e-6)
    assert say(0.25)["replaces"] == 0.0
    assert conversations.evidence_of("ann")[cell].successes == pytest.approx(0.5, abs=1e-6)
    assert say(0.25, source="another person")["repeated"] is False
    assert conversations.evidence_of("ann")[cell].trials == pytest.approx(4.0, abs=1e-6)


def test_only_ones_own_requests_can_be_judged_but_all_with_the_master_key(house: House) -> None:
    asked = ask(house, ANN)
    refused = post(house, "/v1/feedback", BOB, request_id=asked, score="bad")
    unknown = post(house, "/v1/feedback", BOB, request_id="req_0000", score="bad")
    assert refused.status_code == unknown.status_code == 404
    assert refused.json()["error"]["message"].replace(asked, "req_0000") == unknown.json()["error"]["message"]
    assert "x-tenbin-request-id" in unknown.json()["error"]["message"]
    assert post(house, "/v1/feedback", MASTER, request_id=asked, score="bad").status_code == 200
    assert house.running.gateway.conversations.evidence_of("ann")
    assert house.running.gateway.conversations.evidence_of("master") == {}
    assert post(house, "/v1/feedback", "wrong-key-altogether", request_id=asked, score="bad").status_code == 401
    assert httpx2.get(house.url + "/v1/feedback", trust_env=False).status_code == 405


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"score": "good"}, "request_id", "missing"),
        ({"request_id": "req_1"}, "score", "missing"),
        ({"request_id": "req_1", "score": "meh"}, "score", "good, bad, or a number"),
        ({"request_id": "req_1", "score": 2}, "score", "0 (bad) to 1 (good)"),
        ({"request_id": "req_1", "score": True}, "score", "score"),
        ({"request_id": " ", "score": 1}, "request_id", "empty"),
        ({"request_id": "req_1", "score": 1, "stars": 5}, "stars", "stars"),
        ({"request_id": "req_1", "score": 1, "comment": "x" * 4_001}, "comment", "4000"),
        ([1], None, "no feedback"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_field(house: House, body: Any, param: str | None, words: str) -> None:
    answer = httpx2.post(house.url + "/v1/feedback", json=body, headers={"x-api-key": ANN}, trust_env=False)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert words in error["message"]


def test_of_a_request_that_was_not_weighed_it_stands_and_teaches_nothing(house: House) -> None:
    asked = ask(house, ANN, "one")
    told = post(house, "/v1/feedback", ANN, request_id=asked, score=0).json()
    assert told["counts"] is False
    assert house.running.gateway.conversations.evidence == {}


def test_feedback_on_feedback_is_none(house: House) -> None:
    asked = ask(house, ANN)
    answer = post(house, "/v1/feedback", ANN, request_id=asked, score=1)
    again = post(house, "/v1/feedback", ANN, request_id=answer.headers["x-tenbin-request-id"], score=1)
    assert again.status_code == 404

"""A weighed request through the real gateway: chosen, answered, settled with its reasons, taken up again."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tenbin.decide.weigh import choose
from tenbin.simulator import RunningSimulator, prompt_text
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving

SMALL, MIDDLE, LARGE = "anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5", "anthropic/claude-opus-5-5"
TIERS = {"low": [SMALL], "medium": [SMALL, MIDDLE], "high": [MIDDLE], "highest": [LARGE]}
SESSION = {"x-claude-code-session-id": "one-conversation"}


def configuration(simulator: RunningSimulator, **routing: Any) -> Any:
    return chained(simulator.url, routing={"tiers": TIERS, **routing})


@pytest.fixture
def house(simulator: RunningSimulator, tmp_path: Path) -> Iterator[House]:
    with serving(configuration(simulator), tmp_path) as running:
        yield running


@contextmanager
def calling(house: House) -> Iterator[Caller]:
    one = Caller(house.url)
    yield one
    one.http.close()


@pytest.fixture
def caller(house: House) -> Iterator[Caller]:
    with calling(house) as one:
        yield one


@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
def test_a_request_for_auto_is_answered_and_says_why(house: House, caller: Caller, dialect: str) -> None:
    response = caller.ask(dialect, "auto", "What is the capital of France?")
    assert response.status_code == 200
    assert response.headers["x-tenbin-route"] == "weighed:default"
    receipt = house.books.one()
    weighing = receipt.weighing
    assert weighing is not None
    assert f"{receipt.attempts[0].provider}/{receipt.attempts[0].model}" == weighing.order[0]
    assert weighing.features.task == "short_answer"
    assert weighing.features.learned
    assert {one.target for one in weighing.candidates} == {SMALL, MIDDLE, LARGE}
    assert choose(weighing) == weighing
    assert receipt.billed_nano is not None


def test_an_unweighed_request_has_no_weighing(house: House, caller: Caller) -> None:
    caller.ask("anthropic", "one")
    assert house.books.one().weighing is None


def marked(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]


def long_turn(caller: Caller, text: str) -> Any:
    """A turn of an agent's conversation with a long, cached prefix."""
    tools = [{"name": "Bash", "description": "run", "input_schema": {"type": "object"}}]
    fields = {"system": marked(prompt_text(20_000)), "tools": tools}
    return caller.ask("anthropic", "auto", text, headers=SESSION, **fields)


def test_a_conversation_is_remembered_and_stays_where_its_cache_is_warm(simulator: Any, tmp_path: Path) -> None:
    strict = configuration(simulator, floors={"debugging": 1.0, "short_answer": 0.1})
    with serving(strict, tmp_path) as house, calling(house) as caller:
        headers = {**SESSION, "x-tenbin-mode": "quality"}
        tools = [{"name": "Bash", "description": "run", "input_schema": {"type": "object"}}]
        fields: dict[str, Any] = {"system": marked(prompt_text(20_000)), "tools": tools}
        assert caller.ask("anthropic", "auto", "Fix the bug.", headers=headers, **fields).status_code == 200
        assert long_turn(caller, "Fix the bug.").status_code == 200
        first, second = house.books.new(2)
        assert first.weighing is not None
        assert second.weighing is not None
        assert first.weighing.order[0] == LARGE
        session = second.weighing.session
        assert session is not None
        assert session.target == LARGE
        assert session.warm[0].tokens >= 20_000
        large = next(one for one in second.weighing.candidates if one.target == LARGE)
        small = next(one for one in second.weighing.candidates if one.target == SMALL)
        assert large.cost is not None
        assert small.cost is not None
        assert large.cost.cache_read > 0
        assert large.cost.cache_write < small.cost.cache_write * 40, "most of it is read, not written"
        assert small.cost.cache_read == 0


def test_another_key_or_agent_is_another_conversation(house: House, caller: Caller) -> None:
    for headers in (SESSION, {**SESSION, "x-claude-code-agent-id": "helper"}):
        caller.ask("anthropic", "auto", "Hello", headers=headers)
    keys = [receipt.weighing.session_key for receipt in house.books.new(2) if receipt.weighing is not None]
    assert len(set(keys)) == 2


def test_a_new_process_takes_up_the_conversations_of_the_ledger(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(configuration(simulator), tmp_path) as house, calling(house) as caller:
        long_turn(caller, "What is the capital of France?")
        before = house.books.one()
    with serving(configuration(simulator), tmp_path) as house, calling(house) as caller:
        long_turn(caller, "And of Spain?")
        assert house.running.book.flush()
        after = house.books.one() if house.running.book.counts().settled == 1 else None
    assert before.weighing is not None
    assert after is not None
    assert after.weighing is not None
    assert after.weighing.session is not None
    assert after.weighing.session.requests == 1
    assert after.weighing.session.target == before.weighing.order[0]
    shutil.rmtree(tmp_path)


def test_a_failure_of_the_first_choice_moves_on_in_the_order_weighed(
    house: House, caller: Caller, simulator: RunningSimulator
) -> None:
    simulator.script("claude-haiku-5-5", {"status": 529}, {"status": 529})
    assert caller.ask("anthropic", "auto", "What is the capital of France?").status_code == 200
    receipt = house.books.one()
    assert receipt.weighing is not None
    tried = list(dict.fromkeys(f"{one.provider}/{one.model}" for one in receipt.attempts))
    assert tried == list(receipt.weighing.order[: len(tried)])
    assert len(tried) == 2


def test_a_tag_of_a_sub_agent_is_followed_and_stays_here(
    house: House, caller: Caller, simulator: RunningSimulator
) -> None:
    tag = f"<TENBIN-SUBAGENT-MODEL>{MIDDLE}</TENBIN-SUBAGENT-MODEL>"
    headers = {"x-claude-code-agent-id": "helper"}
    system = [{"type": "text", "text": f"{tag}You look things up."}]
    assert caller.ask("anthropic", "auto", "Hello", headers=headers, system=system).status_code == 200
    (entry,) = simulator.requests()
    assert entry["model"] == "claude-sonnet-5-5"
    assert "SUBAGENT-MODEL" not in str(entry["body"])
    assert house.books.one().route == "tag provider"


@pytest.mark.parametrize(
    ("header", "value"), [("x-tenbin-floor", "2"), ("x-tenbin-mode", "free"), ("x-tenbin-model", "nobody")]
)
@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
def test_a_header_that_makes_no_sense_is_refused_by_name(
    house: House, caller: Caller, dialect: str, header: str, value: str
) -> None:
    response = caller.ask(dialect, "auto", headers={header: value})
    assert response.status_code == 400
    assert header in response.json()["error"]["message"]
    assert house.books.one().outcome == "failed"


def test_auto_stands_in_the_list_of_models(caller: Caller) -> None:
    listed = caller.http.get("/v1/models").json()["data"]
    assert "auto" in [model["id"] for model in listed]

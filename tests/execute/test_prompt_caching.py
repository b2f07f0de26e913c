"""An OpenAI client of an Anthropic model gets the provider's prompt cache, where the forecast says that it pays."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving

LONG = "You are the support desk of a shop for musical instruments. " * 400
TOOLS = [
    {
        "type": "function",
        "function": {"name": "look_up", "description": "Looks up an order.", "parameters": {"type": "object"}},
    }
]


@pytest.fixture
def placing(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(chained(simulator.url), tmp_path_factory.mktemp("ledger")) as house:
        yield house


@pytest.fixture
def caller(placing: House) -> Iterator[Caller]:
    one = Caller(placing.url)
    yield one
    one.http.close()


def turns(count: int) -> list[dict[str, Any]]:
    """A conversation that has come so far: it grows by two messages a turn."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": LONG}]
    for number in range(count):
        messages.append({"role": "user", "content": f"Where is my order number {number}? " * 20})
        if number + 1 < count:
            messages.append({"role": "assistant", "content": "It is on its way. " * 20})
    return messages


def test_a_conversation_with_tools_is_read_from_the_cache_from_its_second_turn_on(
    placing: House, caller: Caller
) -> None:
    usages = []
    for count in (1, 2, 3):
        answer = caller.http.post(
            "/v1/chat/completions", json={"model": "one", "messages": turns(count), "tools": TOOLS, "max_tokens": 50}
        )
        assert answer.status_code == 200, answer.text
        usages.append(placing.books.one().attempts[0].usage)
    first, second, third = usages
    assert first.cache_read == 0
    assert first.cache_write_5m + first.cache_write_1h > 4_000
    assert second.cache_read == first.cache_write_5m + first.cache_write_1h
    assert third.cache_read == second.cache_read + second.cache_write_5m + second.cache_write_1h
    assert all(usage.input < 100 for usage in usages)


def test_requests_of_one_kind_teach_that_nothing_follows_but_their_shared_beginning(
    placing: House, caller: Caller
) -> None:
    usages = []
    for number in range(8):
        messages = [
            {"role": "system", "content": LONG},
            {"role": "user", "content": f"Classify case {number}: " + f"word{number} " * 800},
        ]
        caller.http.post("/v1/chat/completions", json={"model": "one", "messages": messages, "max_tokens": 9})
        usages.append(placing.books.one().attempts[0].usage)
    # Nobody goes on: what each one asks is never written. What all share is, once it has come back.
    assert usages[0].cache_write_5m + usages[0].cache_write_1h == 0
    assert any(usage.cache_write_5m + usage.cache_write_1h for usage in usages[1:4])
    assert all(usage.cache_read > 4_000 for usage in usages[4:])
    assert all(usage.input > 800 for usage in usages)


def test_the_same_prompt_again_is_no_conversation_that_went_on(placing: House, caller: Caller) -> None:
    for number in range(4):
        messages = [
            {"role": "system", "content": LONG},
            {"role": "user", "content": f"Classify case {number}: " + f"word{number} " * 800},
        ]
        for _ in range(6):
            caller.http.post("/v1/chat/completions", json={"model": "one", "messages": messages, "max_tokens": 9})
    usages = [receipt.attempts[0].usage for receipt in placing.books.new(24)]
    # What is asked is not written, however often a client repeats it: only what all share is.
    assert all(usage.input > 800 for usage in usages)
    assert usages[-1].cache_read > 4_000


def test_marks_of_the_client_stay_alone(placing: House, caller: Caller) -> None:
    marked = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    caller.http.post(
        "/v1/messages",
        json={
            "model": "one",
            "max_tokens": 9,
            "system": marked,
            "messages": [{"role": "user", "content": "Hello, " * 500}],
        },
    )
    usage = placing.books.one().attempts[0].usage
    assert usage.cache_write_5m > 4_000
    assert usage.input > 400


def test_nothing_is_marked_where_it_is_switched_off(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    config = chained(simulator.url, prompt_caching={"place": "off"})
    with serving(config, tmp_path_factory.mktemp("ledger")) as house, closing(Caller(house.url).http) as http:
        for _ in range(2):
            http.post(
                "/v1/chat/completions", json={"model": "one", "messages": turns(2), "tools": TOOLS, "max_tokens": 50}
            )
            usage = house.books.one().attempts[0].usage
            assert usage.cache_write_5m + usage.cache_write_1h + usage.cache_read == 0


@pytest.fixture
def everywhere(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    config = chained(simulator.url, prompt_caching={"place": "all"})
    with serving(config, tmp_path_factory.mktemp("ledger")) as house:
        yield house


def test_a_client_of_anthropics_own_dialect_gets_marks_where_that_is_wanted(everywhere: House) -> None:
    tools = [{"name": "look_up", "input_schema": {"type": "object"}}]
    usages = []
    with closing(Caller(everywhere.url).http) as http:
        for system in (LONG, [{"type": "text", "text": LONG}]):
            for count in (1, 2):
                body = {"model": "one", "max_tokens": 9, "system": system, "tools": tools, "messages": turns(count)[1:]}
                answer = http.post("/v1/messages", json=body)
                assert answer.status_code == 200, answer.text
                usages.append(everywhere.books.one().attempts[0].usage)
    first, second, *_ = usages
    assert first.cache_write_5m + first.cache_write_1h > 4_000
    assert second.cache_read == first.prompt - first.input
    assert second.input < 100


def test_an_openai_client_gets_a_key_for_its_conversations_beginning(
    everywhere: House, simulator: RunningSimulator
) -> None:
    with closing(Caller(everywhere.url).http) as http:
        for key in (None, "mine"):
            body: dict[str, Any] = {"model": "chat", "messages": turns(1)}
            if key is not None:
                body["prompt_cache_key"] = key
            assert http.post("/v1/chat/completions", json=body).status_code == 200
    sent = [entry["body"].get("prompt_cache_key") for entry in simulator.requests()]
    assert sent[0].startswith("tenbin-")
    assert sent[1] == "mine"


@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
def test_what_only_the_provider_can_read_passes_through_unmarked(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory, dialect: str
) -> None:
    """The simulator refuses it as a provider of today does; one of tomorrow may not."""
    config = chained(simulator.url, prompt_caching={"place": "all"})
    with serving(config, tmp_path_factory.mktemp("ledger")) as house, closing(Caller(house.url).http) as http:
        content = {"messages": [{"role": "user", "content": LONG}], "max_tokens": 50}
        body = {"model": "one" if dialect == "anthropic" else "chat", **content}
        unknown = {"tool_choice": {"type": "of-tomorrow"}}
        path = "/v1/messages" if dialect == "anthropic" else "/v1/chat/completions"
        answer = http.post(path, json={**body, **unknown})
        (sent,) = simulator.requests()
        assert sent["body"]["tool_choice"] == unknown["tool_choice"]
        assert "cache_control" not in str(sent["body"])
        assert answer.status_code == sent["status"], "the provider's own word"

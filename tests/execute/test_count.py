"""Counting tokens, and embeddings: what is not an answer in words."""

from contextlib import closing
from pathlib import Path

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained, truth
from tests.real.books import Books, serving

TOOLS = [{"name": "f", "description": "Does it.", "input_schema": {"type": "object"}}]


def count(caller: Caller, model: str, text: str = "Hello there.") -> tuple[int, bool]:
    """(tokens, whether they are an estimate)."""
    body = {"model": model, "messages": [{"role": "user", "content": text}], "tools": TOOLS}
    response = caller.http.post("/v1/messages/count_tokens?beta=true", json=body)
    assert response.status_code == 200, response.text
    return response.json()["input_tokens"], response.headers.get("x-tenbin-estimated") == "true"


def test_the_provider_is_asked_where_it_can_tell(caller: Caller, books: Books, simulator: RunningSimulator) -> None:
    tokens, estimated = count(caller, "one")
    assert not estimated
    (entry,) = simulator.requests()
    assert entry["path"] == "/anthropic/v1/messages/count_tokens"
    assert entry["body"]["model"] == "claude-sonnet-4-6"
    caller.http.post(
        "/v1/messages",
        json={
            "model": "one",
            "max_tokens": 5,
            "messages": [{"role": "user", "content": "Hello there."}],
            "tools": TOOLS,
        },
    )
    assert truth(simulator.requests()[1])[0] == tokens
    assert len(books.new(1)) == 1, "counting costs nothing and has no receipt"


def test_it_is_counted_for_the_model_that_is_meant(simulator: RunningSimulator, tmp_path: Path) -> None:
    aliases = {"aliases": {"quick": "anthropic/claude-haiku-5-5"}}
    with serving(chained(simulator.url, routing=aliases), tmp_path) as house, closing(Caller(house.url).http) as http:
        body = {"model": "quick", "messages": [{"role": "user", "content": "Hello"}]}
        path = "/v1/messages/count_tokens"
        assert http.post(path, json=body).headers["x-tenbin-model"] == "claude-haiku-5-5"
        header = {"x-tenbin-model": "anthropic/claude-opus-5-5"}
        assert http.post(path, json=body, headers=header).headers["x-tenbin-model"] == "claude-opus-5-5"
        refused = http.post(path, json=body, headers={"x-tenbin-model": "nobody/at-all"})
        assert (refused.status_code, refused.json()["type"]) == (400, "error")
        assert "x-tenbin-model" in refused.json()["error"]["message"]
    asked = [entry["body"]["model"] for entry in simulator.requests()]
    assert asked == ["claude-haiku-5-5", "claude-opus-5-5"]


@pytest.mark.parametrize("model", ["chat", "silent", "nowhere", "nobody-at-all"])
def test_elsewhere_it_is_counted_here_and_marked(caller: Caller, simulator: RunningSimulator, model: str) -> None:
    told, _ = count(caller, "one")
    tokens, estimated = count(caller, model)
    assert estimated
    assert abs(tokens - told) <= 12
    assert count(caller, model, "Hello there. " * 50)[0] > tokens + 100


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"raw": "{}"}, {"close_before_response": True}])
def test_a_provider_that_cannot_count_now_is_stood_in_for(
    caller: Caller, simulator: RunningSimulator, fault: dict[str, object]
) -> None:
    simulator.script(**fault)
    tokens, _ = count(caller, "one")
    assert tokens > 5


def test_embeddings(caller: Caller, books: Books, simulator: RunningSimulator) -> None:
    body = {"model": "openai/text-embedding-3-small", "input": ["one two three", "four"], "dimensions": 8}
    response = caller.http.post("/v1/embeddings", json=body)
    assert response.status_code == 200, response.text
    assert [len(row["embedding"]) for row in response.json()["data"]] == [8, 8]
    receipt = books.one()
    assert (receipt.operation, receipt.outcome) == ("embed", "answered")
    assert receipt.usage.prompt == response.json()["usage"]["prompt_tokens"] > 0
    assert receipt.usage.output == 0
    assert not receipt.usage.estimated


def test_embeddings_where_there_are_none(caller: Caller, books: Books) -> None:
    response = caller.http.post("/v1/embeddings", json={"model": "one", "input": "x"})
    assert response.status_code == 400
    assert "anthropic/claude-sonnet-4-6 has no embeddings" in response.json()["error"]["message"]
    assert books.one().cost_nano == 0

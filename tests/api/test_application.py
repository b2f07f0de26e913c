"""What a client writes into names is bounded before it reaches a header, a receipt or a metric."""

import json

import pytest

from tenbin.api.application import MOST_NAME
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.real.books import Books

PATHS = ["/v1/messages", "/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/messages/count_tokens"]


@pytest.mark.parametrize("path", PATHS)
def test_an_endless_model_name_is_refused(caller: Caller, simulator: RunningSimulator, path: str) -> None:
    message = [{"role": "user", "content": "Hello"}]
    body = {"model": "anthropic/" + "x" * MOST_NAME, "max_tokens": 5, "messages": message, "input": "Hello"}
    response = caller.http.post(path, json=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("model: ")
    assert "x" * 100 not in response.text
    assert simulator.requests() == []


def test_a_name_that_would_break_a_header_is_written_so_that_it_cannot(caller: Caller, books: Books) -> None:
    name = "a\r\nset-cookie: stolen=1\r\n\r\n日本"
    response = caller.ask("anthropic", f"anthropic/{name}")
    assert response.status_code == 200
    assert "set-cookie" not in response.headers
    assert response.headers["x-tenbin-model"].isascii()
    assert books.one().attempts[0].model == name


def test_an_endless_session_is_cut(caller: Caller, books: Books) -> None:
    user = json.dumps({"session_id": "s" * 100_000})
    assert caller.ask("anthropic", "one", metadata={"user_id": user}).status_code == 200
    assert books.one().session == "s" * MOST_NAME


@pytest.mark.parametrize("name", ["x-tenbin-session", "x-claude-code-session-id", "x-session-id", "session-id"])
def test_a_session_named_by_a_header_stands_on_the_receipt(caller: Caller, books: Books, name: str) -> None:
    assert caller.ask("anthropic", "one", headers={name: "s-7"}).status_code == 200
    assert books.one().session == "s-7"


@pytest.mark.parametrize(
    ("version", "name"), [({"anthropic-version": "2023-06-01"}, "request-id"), ({}, "x-request-id")]
)
@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/nobody", "/health/readiness", "/nowhere"])
def test_every_answer_says_which_request_it_answers(
    caller: Caller, path: str, version: dict[str, str], name: str
) -> None:
    headers = caller.http.get(path, headers=version).headers
    assert headers[name] == headers["x-tenbin-request-id"]

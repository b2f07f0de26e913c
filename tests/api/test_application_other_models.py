"""A client's body or address may tell some providers to ask another model: not past a key, a plan or a budget."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tenbin.cli.commands import tenbin
from tests.execute.conftest import PRICE, Caller
from tests.real.books import House, configured, serving
from tests.security.listener import Listener, answer_of

NAMES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "anthropic": ("one", "/v1/messages", {"max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}),
    "openai_chat": ("chat", "/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}]}),
    "openai_responses": ("told", "/v1/responses", {"input": "x"}),
    "embeddings": ("chat", "/v1/embeddings", {"input": "x"}),
}
LEADING: list[tuple[dict[str, Any], str]] = [
    ({"models": ["openai/gpt-6-astra"]}, "models"),
    ({"fallbacks": ["gpt-6-astra"]}, "fallbacks"),
    ({"preset": "dear"}, "preset"),
    ({"plugins": [{"id": "auto-router", "allowed_models": ["*"]}]}, "plugins[0].allowed_models"),
    ({"tools": [{"type": "advisor_20260301", "name": "advisor", "model": "claude-opus-5-5"}]}, "tools[0].model"),
    ({"tools": [{"type": "openrouter:advisor", "parameters": {"model": "x"}}]}, "tools[0].parameters.model"),
    ({"extra_body": {"models": ["gpt-6-astra"]}}, "extra_body"),
]


@pytest.fixture(scope="module")
def provider() -> Iterator[Listener]:
    with Listener() as one:
        yield one


def served(provider: Listener, **more: Any) -> Any:
    row = {"base_url": provider.url, "api_key": "sk-own-of-the-gateway", "models": {"m": {"price": PRICE}}}
    return configured(
        providers={
            "same": {**row, "dialect": "anthropic"},
            "chat": {**row, "dialect": "openai_chat"},
            "responses": {**row, "dialect": "openai_responses"},
        },
        models={"one": ["same/m"], "chat": ["chat/m"], "told": ["responses/m"]},
        retries={"per_target": 0},
        cooldown={"after_failures": 1_000_000, "seconds": 0},
        timeouts={"connect": 2, "first_byte": 2, "idle": 2, "total": 10},
        ledger={"sync_ms": 5},
        **more,
    )


BOUND: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "key": (("--target", "*/m"), {}),
    "plan": (("--plan", "few"), {"plans": {"named": {"few": {"targets": ["*/m"], "requests_per_day": 10}}}}),
    "budget": ((), {"spending": {"budgets": [{"scope": "global", "window": "day", "usd": 50}]}}),
}


@pytest.fixture(scope="module", params=BOUND)
def bound(
    request: pytest.FixtureRequest, provider: Listener, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[House, dict[str, str]]]:
    words, more = BOUND[request.param]
    directory: Path = tmp_path_factory.mktemp("bound")
    (directory / "tenbin.yaml").write_text(json.dumps(more))
    options = ["--config", str(directory / "tenbin.yaml"), "--data-dir", str(directory)]
    made = CliRunner().invoke(tenbin, ["keys", "create", "bob", *words, *options])
    assert made.exit_code == 0, made.output
    with serving(served(provider, **more), directory) as house:
        yield house, {"authorization": f"Bearer {made.stdout.strip()}"}


@pytest.mark.parametrize("dialect", NAMES)
def test_a_body_leads_to_no_model_beside_the_one_that_was_judged(
    bound: tuple[House, dict[str, str]], provider: Listener, dialect: str
) -> None:
    house, headers = bound
    caller = Caller(house.url)
    name, path, body = NAMES[dialect]
    provider.requests.clear()
    provider.answer = answer_of()
    house.books.new()
    for more, where in LEADING:
        refused = caller.http.post(path, json={"model": name, **body, **more}, headers=headers)
        assert refused.status_code == 400, (more, refused.text)
        assert where in refused.json()["error"]["message"], refused.text
    receipts = house.books.new()
    assert [(one.failure, one.status, one.attempts) for one in receipts] == [("refused", 400, ())] * len(LEADING)
    hidden = json.dumps({"model": name, **body, "XX": ["y"]}).replace("XX", "\\u006dodels")
    kind = {"content-type": "application/json"}
    assert caller.http.post(path, content=hidden, headers={**headers, **kind}).status_code == 400
    for query in ("model=dear", "beta=true&m%6fdel=dear", "deployment=x"):
        refused = caller.http.post(f"{path}?{query}", json={"model": name, **body}, headers=headers)
        assert (refused.status_code == 400) == ("del=" in query), (query, refused.text)
    assert len(provider.requests) == 1, "only what leads nowhere"
    provider.requests.clear()
    harmless = {"models": [], "fallbacks": None, "tools": [{"type": "function", "function": {"name": "f"}}]}
    schema = {"type": "object", "properties": {"model": {"type": "string"}, "models": {"type": "array"}}}
    harmless["tools"] = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    if dialect == "anthropic":
        harmless["tools"] = [{"name": "f", "input_schema": schema}]
    caller.http.post(f"{path}?beta=true", json={"model": name, **body, **harmless}, headers=headers)
    assert len(provider.requests) == 1
    caller.http.close()


def test_where_nothing_is_bound_a_body_says_what_it_will(provider: Listener, tmp_path: Path) -> None:
    provider.requests.clear()
    provider.answer = answer_of()
    with serving(served(provider), tmp_path) as house:
        caller = Caller(house.url)
        name, path, body = NAMES["openai_chat"]
        caller.http.post(path, json={"model": name, **body, "models": ["openai/gpt-6-astra"]})
        caller.http.close()
    assert len(provider.requests) == 1
    assert b'"models"' in provider.requests[0]

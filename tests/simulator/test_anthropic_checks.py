"""What Anthropic refuses, the simulator refuses, in the words of the API."""

from typing import Any

import pytest

from tests.simulator.conftest import Client

USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}
TEXT = {"type": "text", "text": "hi"}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
SHORT, LONG = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}


def talk(*contents: Any) -> list[dict[str, Any]]:
    return [{"role": "assistant" if i % 2 else "user", "content": content} for i, content in enumerate(contents)]


REFUSED: dict[str, dict[str, Any]] = {
    "max_tokens: Field required": {"max_tokens": None},
    "maximum allowed number of output tokens": {"max_tokens": 10**9},
    "at least one message is required": {"messages": []},
    "messages.0.role": {"messages": [{"role": "tool", "content": "x"}]},
    "messages.0.content": {"messages": [{"role": "user"}]},
    "non-empty content": {"messages": talk("", "x", "y")},
    "text content blocks must be non-empty": {"messages": talk([{"type": "text", "text": ""}])},
    "does not match any of the expected tags": {"messages": talk([{"type": "image_url"}])},
    "without `tool_result` blocks immediately after: toolu_1": {"messages": talk("a", [USE], "b")},
    "unexpected `tool_use_id`": {"messages": talk([RESULT])},
    "must have a single result": {"messages": talk("a", [USE], [RESULT, RESULT])},
    "Tool names must be unique": {"tools": [TOOL, TOOL]},
    "tools.0.custom.input_schema": {"tools": [{"name": "f"}]},
    "Tool 'g' not found": {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "g"}},
    "maximum of 4 blocks": {"messages": talk([{**TEXT, "cache_control": SHORT}] * 5)},
    "must not come after": {
        "system": [{**TEXT, "cache_control": SHORT}],
        "messages": talk([{**TEXT, "cache_control": LONG}]),
    },
    "is not supported on claude-opus-5-5": {
        "model": "claude-opus-5-5",
        "tools": [TOOL],
        "tool_choice": {"type": "any"},
    },
    "does not support assistant message prefill": {"model": "claude-haiku-5-5", "messages": talk("a", "The answer")},
    "trailing whitespace": {"model": "claude-sonnet-4-5", "messages": talk("a", "The answer ")},
    "`temperature` is not supported": {"model": "claude-opus-4-7", "temperature": 0.5},
    "greater than `thinking.budget_tokens`": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    "Invalid `signature` in `thinking` block": {
        "messages": talk("a", [{"type": "thinking", "thinking": "x", "signature": "forged"}, TEXT], "b")
    },
    "adaptive thinking is not supported": {"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}},
    '"thinking.type.enabled" is not supported': {
        "model": "claude-opus-4-7",
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    },
    '"thinking.type.disabled" is not supported for this model. Use "thinking.type.adaptive"': {
        "model": "claude-opus-5-5",
        "thinking": {"type": "disabled"},
    },
    'Use "thinking.type.between_tools"': {"model": "claude-sonnet-5-5", "thinking": {"type": "disabled"}},
    'not supported at effort "max"': {
        "model": "claude-opus-5",
        "thinking": {"type": "disabled"},
        "output_config": {"effort": "max"},
    },
    "but found `tool_use`": {
        "model": "claude-haiku-4-5",
        "max_tokens": 2000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": talk("a", [USE], [RESULT]),
    },
    "Thinking may not be enabled": {
        "model": "claude-haiku-4-5",
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": [TOOL],
        "tool_choice": {"type": "any"},
    },
    "requires `thinking` to be enabled or adaptive": {
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
    },
    "does not support the effort parameter": {"model": "claude-sonnet-4-5", "output_config": {"effort": "low"}},
    "does not support effort level 'xhigh'": {"output_config": {"effort": "xhigh"}},
    "role 'system' is not supported": {"messages": [*talk("a"), {"role": "system", "content": "b"}]},
    "messages.1.output_config": {
        "model": "claude-opus-4-8",
        "messages": [*talk("a"), {"role": "system", "content": "b", "output_config": {"effort": "low"}}],
    },
    "defer_loading is not supported": {"model": "claude-haiku-4-5", "tools": [{**TOOL, "defer_loading": True}]},
    "`tool_reference` blocks are not supported": {
        "model": "claude-haiku-4-5",
        "messages": talk("a", [USE], [{**RESULT, "content": [{"type": "tool_reference", "tool_name": "g"}]}]),
    },
    "does not support output format": {
        "model": "claude-opus-4-20250514",
        "output_config": {"format": {"type": "json_schema", "schema": {}}},
    },
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused_in_the_words_of_the_api(client: Client, message: str) -> None:
    fields = REFUSED[message]
    body = {"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": talk("Hello"), **fields}
    answer = client.post("/v1/messages", {name: value for name, value in body.items() if value is not None})
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert message in answer.json()["error"]["message"]


ACCEPTED: list[dict[str, Any]] = [
    {"messages": talk("a", [USE], [RESULT, TEXT])},
    {
        "model": "claude-opus-5",
        "messages": [*talk("a", [USE]), {"role": "system", "content": "note"}, {"role": "user", "content": [RESULT]}],
    },
    {"messages": [*talk("a", [USE]), {"role": "user", "content": [RESULT]}, {"role": "user", "content": "more"}]},
    {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]},
    {"model": "claude-haiku-4-5", "messages": talk("a", "The answer is")},
    {"messages": talk("a", [{**USE, "id": "1"}, {**USE, "id": "2"}], [{**RESULT, "tool_use_id": n} for n in "21"])},
    {"system": [{**TEXT, "cache_control": LONG}], "messages": talk([{**TEXT, "cache_control": SHORT}])},
    {"temperature": 0.5, "top_k": 3},
    {"model": "claude-sonnet-5-5", "thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}},
    {"model": "claude-opus-5", "thinking": {"type": "adaptive"}, "tools": [TOOL], "tool_choice": {"type": "any"}},
]


@pytest.mark.parametrize("fields", ACCEPTED)
def test_accepted(client: Client, fields: dict[str, Any]) -> None:
    answer = client.messages(**fields)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("field", ["temperature", "top_p", "top_k"])
def test_new_version_takes_no_sampling_parameters(client: Client, field: str) -> None:
    assert client.messages(**{field: 1}).status_code == 200
    refused = client.messages(**{field: 1}, headers={"anthropic-version": "2026-10-21"})
    assert refused.status_code == 400
    assert refused.json()["error"]["message"].startswith(field)


@pytest.mark.parametrize("version", ["", "2020-01-01"])
def test_version_must_be_known(client: Client, version: str) -> None:
    assert client.messages(headers={"anthropic-version": version}).status_code in (400, 404)


def test_prompt_that_does_not_fit(client: Client) -> None:
    client.post("/_simulator/models", {"name": "claude-tiny", "context": 100})
    refused = client.messages("a " * 200, model="claude-tiny")
    assert refused.status_code == 400
    size = int(refused.json()["error"]["message"].split()[4])
    assert refused.json()["error"]["message"] == f"prompt is too long: {size} tokens > 100 maximum"


def test_unknown_model_path_and_method(client: Client) -> None:
    missing = client.messages(model="claude-missing-1")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "not_found_error")
    assert client.http.get("/v1/messages", headers=client.headers).status_code == 405
    assert client.http.get("/v1/nowhere", headers=client.headers).json()["type"] == "error"


@pytest.mark.parametrize("body", ["", "{", "[]", '{"a": "\\ud800"}', '{"model": 1}', "nul", "\xff\xfe"])
def test_nonsense_is_refused(client: Client, body: str) -> None:
    answer = client.http.post("/v1/messages", content=body.encode("latin-1"), headers=client.headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("fields", [{"tools": [1]}, {"messages": [[]]}, {"thinking": 7}, {"system": [3]}, {"tools": 1}])
def test_wrong_types_are_refused(client: Client, fields: dict[str, Any]) -> None:
    assert client.messages(**fields).status_code == 400

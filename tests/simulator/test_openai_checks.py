"""What OpenAI refuses, the simulator refuses, in the words of the API."""

from typing import Any

import pytest

from tests.simulator.conftest import Client

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
USER = {"role": "user", "content": "hi"}


def called(**changes: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [{**CALL, **changes}]}


def result(identifier: str = "call_1") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": identifier, "content": "ok"}


REFUSED: dict[str, dict[str, Any]] = {
    "Missing required parameter: 'messages'": {"messages": None},
    "empty array": {"messages": []},
    "Invalid value: 'robot'": {"messages": [{"role": "robot", "content": "x"}]},
    "expected a string, got null": {"messages": [{"role": "user", "content": None}]},
    "Unknown parameter: 'thinking'": {"thinking": {"type": "adaptive"}},
    "Unknown parameter: 'messages[0].cache_control'": {"messages": [{**USER, "cache_control": {}}]},
    "Unknown parameter: 'messages[0].content[0].cache_control'": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}]
    },
    "Invalid value: 'image'": {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
    "Invalid value: 'image_url'": {
        "messages": [USER, called(), {**result(), "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]
    },
    "must be a response to a preceeding message": {"messages": [USER, result()]},
    "did not have response messages: call_1": {"messages": [USER, called(), USER]},
    "'tool_call_id' of 'call_2' not found": {"messages": [USER, called(), result("call_2")]},
    "string too long": {"messages": [USER, called(id="x" * 41), result("x" * 41)]},
    "does not match pattern": {"tools": [{"type": "function", "function": {"name": "a.b"}}]},
    "'g' is not one of the tools": {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}},
    "Use 'max_completion_tokens' instead": {"model": "gpt-5", "max_tokens": 5},
    "'temperature' does not support 0.2": {"model": "gpt-5", "temperature": 0.2},
    "only allowed when 'stream' is enabled": {"stream_options": {"include_usage": True}},
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused_in_the_words_of_the_api(client: Client, message: str) -> None:
    body = {"model": "gpt-4o", "messages": [USER], **REFUSED[message]}
    answer = client.post("/v1/chat/completions", {name: value for name, value in body.items() if value is not None})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert message in answer.json()["error"]["message"]


def test_others_let_unknown_fields_through(client: Client) -> None:
    messages = [{**USER, "cache_control": {}}]
    answer = client.chat(path="/vllm/v1/chat/completions", messages=messages, chat_template_kwargs={}, top_k=3)
    assert answer.status_code == 200


def test_results_in_any_order_are_fine(client: Client) -> None:
    calls = {"role": "assistant", "tool_calls": [CALL, {**CALL, "id": "call_2"}]}
    assert client.chat(messages=[USER, calls, result("call_2"), result()]).status_code == 200


def test_key_model_and_length(client: Client) -> None:
    body = {"model": "gpt-4o", "messages": [USER]}
    nobody = client.post("/v1/chat/completions", body, {"authorization": "", "x-api-key": ""})
    assert nobody.status_code == 401
    wrong = client.post("/v1/chat/completions", body, {"authorization": "Bearer invalid", "x-api-key": ""})
    assert wrong.json()["error"]["code"] == "invalid_api_key"
    assert client.chat(model="gpt-missing").json()["error"]["code"] == "model_not_found"
    client.post("/_simulator/models", {"name": "gpt-4o", "context": 20})
    assert client.chat("a " * 50).json()["error"]["code"] == "context_length_exceeded"

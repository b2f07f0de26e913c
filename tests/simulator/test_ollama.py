"""Ollama's native API, and how it loses what does not fit."""

import json
from typing import Any

import pytest

from tenbin.simulator import count
from tests.simulator.conftest import Client


def lines(client: Client, **fields: Any) -> list[Any]:
    response = client.ollama(**fields)
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def test_streamed_and_whole_say_and_cost_the_same(client: Client) -> None:
    script = {"thinking": "let me see", "text": "héllo 🙂", "tools": [{"name": "weigh", "input": {"grams": 5}}]}
    whole = client.ollama(stream=False, think=True, simulate=script).json()
    made = lines(client, think=True, simulate=script)
    assert [line["done"] for line in made] == [False] * (len(made) - 1) + [True]
    for field in ("content", "thinking"):
        assert "".join(line["message"].get(field, "") for line in made) == whole["message"][field]
    calls = [call for line in made for call in line["message"].get("tool_calls", [])]
    assert [call["function"] for call in calls] == [call["function"] for call in whole["message"]["tool_calls"]]
    assert calls[0]["function"]["arguments"] == {"grams": 5}
    for field in ("prompt_eval_count", "eval_count"):
        assert made[-1][field] == whole[field] > 0


def test_what_does_not_fit_is_lost_in_silence(client: Client) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "old " * 3000},
        {"role": "assistant", "content": "old " * 3000},
        {"role": "user", "content": "new"},
    ]
    trimmed = client.ollama(messages=messages, stream=False).json()["prompt_eval_count"]
    full = client.ollama(messages=messages, stream=False, options={"num_ctx": 16384}).json()["prompt_eval_count"]
    assert trimmed <= 4096 < 6000 < full
    alone = client.ollama("word " * 9000, stream=False).json()["prompt_eval_count"]
    assert alone == 4096


def test_limits_schema_and_loading(client: Client) -> None:
    cut = client.ollama("Tell me all", stream=False, options={"num_predict": 5}).json()
    assert cut["done_reason"] == "length"
    assert cut["eval_count"] <= 5
    assert count(cut["message"]["content"]) <= 5
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert json.loads(client.ollama(stream=False, format=schema).json()["message"]["content"])["n"] >= 0
    assert client.ollama(messages=[], stream=False).json()["done_reason"] == "load"


def test_catalogue(client: Client) -> None:
    assert client.http.get("/api/version").json()["version"]
    names = [row["name"] for row in client.http.get("/api/tags").json()["models"]]
    assert "qwen3:8b" in names
    assert client.http.get("/api/ps").json()["models"][0]["context_length"] == 4096
    info = client.http.post("/api/show", json={"model": "qwen3:8b"}).json()["model_info"]
    assert info[f"{info['general.architecture']}.context_length"] == 40_960


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
        {"role": "developer", "content": "x"},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
    ],
)
def test_refused(client: Client, message: dict[str, Any]) -> None:
    answer = client.ollama(messages=[message])
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


def test_unknown_model(client: Client) -> None:
    assert client.ollama(model="missing").status_code == 404


def test_under_a_prefix(client: Client) -> None:
    assert client.http.get("/ollama/api/tags").status_code == 200

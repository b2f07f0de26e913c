"""The simulated Chat Completions API, and the habits of those who copy it."""

import json
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator, count
from tests.simulator.conftest import Client, events

USAGE = {"stream": True, "stream_options": {"include_usage": True}}
CALLS = {"tools": [{"name": "weigh", "input": {"grams": 5}}, {"name": "pay", "input": {"yen": "百"}}]}


def joined(chunks: list[Any]) -> tuple[dict[str, str], dict[int, dict[str, str]], str | None]:
    """Return the text fields, the tool calls by index and the finish reason of a stream."""
    texts: dict[str, str] = {}
    calls: dict[int, dict[str, str]] = {}
    finish = None
    for chunk in chunks:
        for choice in chunk["choices"]:
            finish = choice["finish_reason"] or finish
            for name, value in choice["delta"].items():
                if name == "tool_calls":
                    for call in value or []:
                        known = calls.setdefault(call.get("index", len(calls)), {"id": "", "name": "", "arguments": ""})
                        known["id"] = call.get("id") or known["id"]
                        known["name"] = call["function"].get("name") or known["name"]
                        known["arguments"] += call["function"].get("arguments") or ""
                elif isinstance(value, str):
                    texts[name] = texts.get(name, "") + value
    return texts, calls, finish


def test_streamed_and_whole_say_and_cost_the_same(client: Client) -> None:
    script = {"text": "héllo 🙂", **CALLS}
    whole = client.chat(simulate=script).json()
    chunks = events(client.chat(simulate=script, **USAGE))
    texts, calls, finish = joined(chunks)
    message = whole["choices"][0]["message"]
    assert texts["content"] == message["content"] == "héllo 🙂"
    said = [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"]]
    assert [(call["id"], call["name"], call["arguments"]) for call in calls.values()] == said
    assert finish == whole["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == whole["usage"]
    assert all(chunk["usage"] is None for chunk in chunks[:-1])
    cost = count("héllo 🙂") + sum(count(name) + count(arguments) for _, name, arguments in said)
    assert whole["usage"]["completion_tokens"] == cost
    assert whole["usage"]["total_tokens"] == whole["usage"]["prompt_tokens"] + cost


def test_no_usage_in_a_stream_unless_asked(client: Client) -> None:
    response = client.chat(stream=True)
    assert all("usage" not in chunk for chunk in events(response))
    assert response.text.endswith("data: [DONE]\n\n")


def test_reasoning_is_hidden_but_billed(client: Client) -> None:
    said = client.chat(model="gpt-5", simulate={"thinking": "let me see", "text": "four"}).json()
    assert said["choices"][0]["message"]["content"] == "four"
    details = said["usage"]["completion_tokens_details"]
    assert details["reasoning_tokens"] == count("let me see")
    assert said["usage"]["completion_tokens"] == count("let me see") + count("four")
    assert "let me see" not in json.dumps(said)


def test_same_conversation_same_tokens_in_every_dialect(client: Client, simulator: RunningSimulator) -> None:
    client.messages("How heavy?", system="Be brief.", model="claude-haiku-4-5")
    client.chat(messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How heavy?"}])
    client.responses("How heavy?", instructions="Be brief.", model="gpt-4o")
    ollama = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How heavy?"}]
    client.ollama(messages=ollama, stream=False)
    truths = [(entry["usage"]["input"], entry["usage"]["output"]) for entry in simulator.requests()]
    assert len(truths) == 4
    assert len(set(truths)) == 1


def test_logprobs_choices_stop_and_tier(client: Client) -> None:
    said = client.chat(simulate={"text": "one two"}, logprobs=True, top_logprobs=2, n=2, service_tier="flex").json()
    assert [choice["index"] for choice in said["choices"]] == [0, 1]
    rows = said["choices"][0]["logprobs"]["content"]
    assert "".join(row["token"] for row in rows) == "one two"
    assert len(rows[0]["top_logprobs"]) == 2
    assert said["usage"]["completion_tokens"] == 2 * count("one two")
    assert said["service_tier"] == "flex"
    assert client.chat(simulate={"text": "a STOP b"}, stop="STOP").json()["choices"][0]["message"]["content"] == "a "


def test_json_schema_and_forced_tool(client: Client) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    text = client.chat(response_format=wanted).json()["choices"][0]["message"]["content"]
    assert isinstance(json.loads(text)["n"], int)
    tools = [{"type": "function", "function": {"name": "weigh", "parameters": schema}}]
    said = client.chat(tools=tools, tool_choice="required").json()["choices"][0]["message"]
    assert said["content"] is None
    assert said["annotations"] == []
    assert isinstance(json.loads(said["tool_calls"][0]["function"]["arguments"])["n"], int)


def test_late_usage_comes_last_all_the_same(client: Client) -> None:
    chunks = events(client.chat(simulate={"text": "hi", "late_usage": True}, **USAGE))
    assert chunks[-1]["usage"]["completion_tokens"] == 1


def test_openrouter(client: Client) -> None:
    path = "/openrouter/api/v1/chat/completions"
    response = client.chat(path=path, stream=True, simulate={"thinking": "hm", "text": "ok"})
    assert response.text.startswith(": OPENROUTER PROCESSING\n\n")
    chunks = events(response)
    assert joined(chunks)[0]["reasoning"] == "hm"
    usage = chunks[-1]["usage"]
    assert usage["cost"] == pytest.approx((usage["prompt_tokens"] * 1000 + usage["completion_tokens"] * 5000) / 1e9)
    refused = client.chat(path=path, simulate={"status": 402, "message": "no credit"})
    assert refused.json()["error"]["code"] == 402


def test_deepseek(client: Client) -> None:
    said = client.chat(path="/deepseek/chat/completions", simulate={"thinking": "hm", "text": "ok"}).json()
    assert said["choices"][0]["message"]["reasoning_content"] == "hm"
    usage = said["usage"]
    assert usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]
    chunks = events(client.chat(path="/deepseek/v1/chat/completions", stream=True))
    assert chunks[-1]["usage"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_gemini_sends_calls_whole_and_without_index(client: Client) -> None:
    path = "/gemini/v1beta/openai/chat/completions"
    chunks = events(client.chat(path=path, simulate=CALLS, **USAGE))
    calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls", [])]
    assert [call["function"]["name"] for call in calls] == ["weigh", "pay"]
    assert all("index" not in call for call in calls)
    assert json.loads(calls[1]["function"]["arguments"]) == {"yen": "百"}
    refused = client.chat(path=path, simulate={"status": 429}).json()
    assert refused[0]["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_messy_repeats_itself_and_states_no_usage(client: Client) -> None:
    response = client.chat(path="/messy/v1/chat/completions", simulate=CALLS, **USAGE)
    chunks = events(response)
    assert not any("usage" in chunk for chunk in chunks)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[-1]["role"] is None
    assert deltas[-1]["tool_calls"] is None
    calls = [call for delta in deltas for call in delta["tool_calls"] or []]
    assert all(call["id"] and call["function"]["name"] for call in calls)
    assert len(calls) > 2
    assert len(calls[0]["id"]) > 60
    assert joined(chunks)[1][0]["arguments"] == '{"grams": 5}'


def test_llamacpp_and_vllm(client: Client) -> None:
    path = "/llamacpp/v1/chat/completions"
    assert client.chat(path=path).json()["timings"]["predicted_n"] > 0
    client.post("/_simulator/models", {"name": "small", "context": 50})
    refused = client.chat("a " * 100, path=path, model="small").json()["error"]
    assert refused["n_ctx"] == 50
    assert refused["type"] == "exceed_context_size_error"
    assert client.chat(path="/vllm/v1/chat/completions", simulate={"status": 400}).json()["error"]["code"] == 400
    listed = client.http.get("/vllm/v1/models", headers={"authorization": "Bearer x"}).json()
    assert listed["data"][0]["max_model_len"] > 0


def test_profile_by_model_name(client: Client) -> None:
    said = client.chat(model="deepseek/deepseek-v4-pro", simulate={"thinking": "hm", "text": "ok"}).json()
    assert said["choices"][0]["message"]["reasoning_content"] == "hm"


def test_models(client: Client) -> None:
    headers = {"authorization": "Bearer sk"}
    listed = client.http.get("/v1/models", headers=headers).json()
    assert listed["object"] == "list"
    assert "gpt-4o" in [row["id"] for row in listed["data"]]
    assert client.http.get("/v1/models/gpt-4o", headers=headers).json()["id"] == "gpt-4o"
    assert client.http.get("/v1/models/missing", headers=headers).status_code == 404

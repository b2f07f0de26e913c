"""The simulated Messages API: answers, streams, identifiers, keys and token counts."""

import json
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator, count
from tests.simulator.conftest import Client, events


def test_streamed_and_whole_say_and_cost_the_same(client: Client) -> None:
    script = {"thinking": "let me see 天秤", "text": "héllo 🙂 world", "tools": [{"name": "f", "input": {"a": "é"}}]}
    whole = client.messages(simulate=script).json()
    streamed = events(client.messages(simulate=script, stream=True))
    assert [event["type"] for event in streamed][:3] == ["message_start", "content_block_start", "ping"]
    assert [event["type"] for event in streamed][-2:] == ["message_delta", "message_stop"]
    content: list[Any] = []
    for event in streamed:
        if event["type"] == "content_block_start":
            content.append({**event["content_block"], "partial": ""})
        if event["type"] == "content_block_delta":
            delta, block = event["delta"], content[event["index"]]
            for field in ("text", "thinking", "signature"):
                if field in delta:
                    block[field] += delta[field]
            block["partial"] += delta.get("partial_json", "")
    for block in content:
        arguments = block.pop("partial")
        if block["type"] == "tool_use":
            block["input"] = json.loads(arguments)
    for block in [*content, *whole["content"]]:
        block.pop("id", None)
    assert content == whole["content"]
    final = streamed[-2]
    assert final["delta"]["stop_reason"] == whole["stop_reason"] == "tool_use"
    assert final["usage"]["output_tokens"] == whole["usage"]["output_tokens"]
    expected = count("let me see 天秤") + count("héllo 🙂 world") + count("f") + count('{"a": "é"}')
    assert final["usage"]["output_tokens"] == expected
    assert whole["usage"]["output_tokens_details"]["thinking_tokens"] == count("let me see 天秤")


def test_request_id_is_in_header_body_and_log(client: Client, simulator: RunningSimulator) -> None:
    good, bad = client.messages(), client.messages(max_tokens="many")
    assert bad.status_code == 400
    assert bad.json()["request_id"] == bad.headers["request-id"] != good.headers["request-id"]
    assert [entry["request_id"] for entry in simulator.requests()] == [
        good.headers["request-id"],
        bad.headers["request-id"],
    ]


def test_both_ways_to_show_a_key(client: Client) -> None:
    assert client.messages(headers={"x-api-key": ""}).status_code == 200
    assert client.messages(headers={"authorization": ""}).status_code == 200
    refused = client.messages(headers={"authorization": "", "x-api-key": ""})
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")


def test_count_tokens_is_the_input_of_the_same_request(client: Client) -> None:
    body = {
        "model": "claude-opus-5-5",
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "How much is it?"}],
        "tools": [{"name": "price", "input_schema": {"type": "object"}}],
    }
    counted = client.post("/v1/messages/count_tokens?beta=true", body).json()["input_tokens"]
    usage = client.post("/v1/messages", {**body, "max_tokens": 10}).json()["usage"]
    assert counted == usage["input_tokens"]


def test_models_are_paged(client: Client) -> None:
    first = client.http.get("/v1/models?limit=3", headers=client.headers).json()
    assert len(first["data"]) == 3
    assert first["has_more"]
    assert first["last_id"] == first["data"][-1]["id"]
    rest = client.http.get(f"/v1/models?limit=1000&after_id={first['last_id']}", headers=client.headers).json()
    assert not rest["has_more"]
    assert {row["id"] for row in first["data"]} & {row["id"] for row in rest["data"]} == set()
    assert client.http.get("/v1/models/claude-opus-5-5", headers=client.headers).json()["max_input_tokens"] == 1_000_000


def test_head_probe_is_answered(client: Client) -> None:
    assert client.http.head("/").status_code == 200
    assert client.http.head("/api/hello").status_code == 200


def test_hidden_thinking_is_billed_and_its_signature_accepted(client: Client) -> None:
    fields = {"model": "claude-opus-5-5", "thinking": {"type": "adaptive", "display": "omitted"}}
    said = client.messages("Think!", **fields).json()
    block = said["content"][0]
    assert block["type"] == "thinking"
    assert block["thinking"] == ""
    assert said["usage"]["output_tokens_details"]["thinking_tokens"] > 0
    messages = [
        {"role": "user", "content": "Think!"},
        {"role": "assistant", "content": said["content"]},
        {"role": "user", "content": "And now?"},
    ]
    assert client.messages(messages=messages, **fields).status_code == 200
    other = client.messages(messages=messages, **{**fields, "model": "claude-sonnet-5-5"})
    assert other.status_code == 400
    assert "messages.1.content.0: Invalid `signature` in `thinking` block" in other.json()["error"]["message"]


def test_answer_is_cut_at_max_tokens_and_stop_sequences(client: Client) -> None:
    cut = client.messages("Tell me all", max_tokens=5).json()
    assert cut["stop_reason"] == "max_tokens"
    assert cut["usage"]["output_tokens"] <= 5
    stopped = client.messages(simulate={"text": "one two STOP three"}, stop_sequences=["STOP"]).json()
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "STOP")
    assert stopped["content"][0]["text"] == "one two "


def test_structured_output_follows_the_schema(client: Client) -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
    said = client.messages(output_config={"format": {"type": "json_schema", "schema": schema}}).json()
    assert isinstance(json.loads(said["content"][0]["text"])["title"], str)


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "weigh"}])
def test_forced_tool_is_called_with_arguments_that_fit(client: Client, choice: dict[str, str]) -> None:
    schema = {"type": "object", "properties": {"grams": {"type": "integer"}}, "required": ["grams"]}
    tools = [{"name": "weigh", "input_schema": schema}]
    said = client.messages(model="claude-haiku-5-5", tools=tools, tool_choice=choice).json()
    assert said["stop_reason"] == "tool_use"
    assert said["content"][-1]["name"] == "weigh"
    assert isinstance(said["content"][-1]["input"]["grams"], int)


def test_usage_can_be_late_missing_wrong_or_stated(client: Client, simulator: RunningSimulator) -> None:
    def both(**script: Any) -> tuple[Any, Any]:
        made = events(client.messages(stream=True, simulate={"text": "hi", **script}))
        return made[0]["message"].get("usage"), made[-2].get("usage")

    start, end = both(late_usage=True)
    assert start == {"input_tokens": 0, "output_tokens": 0}
    assert end["input_tokens"] == simulator.requests()[-1]["usage"]["input"] > 0
    assert both(no_usage=True) == (None, None)
    start, end = both(wrong_usage=100)
    assert end["output_tokens"] == simulator.requests()[-1]["usage"]["output"] + 100
    start, end = both(usage={"cache_read_input_tokens": 150_000, "cache_creation": None})
    assert start["cache_read_input_tokens"] == end["cache_read_input_tokens"] == 150_000
    assert start["cache_creation"] is None


def test_web_searches_are_blocks_and_are_counted(client: Client) -> None:
    said = client.messages(simulate={"web_searches": 2, "text": "found"}).json()
    assert [block["type"] for block in said["content"]] == ["server_tool_use", "web_search_tool_result"] * 2 + ["text"]
    assert said["usage"]["server_tool_use"]["web_search_requests"] == 2


def test_prewarming_answers_nothing(client: Client) -> None:
    said = client.messages(max_tokens=0).json()
    assert (said["content"], said["stop_reason"], said["usage"]["output_tokens"]) == ([], "max_tokens", 0)


def test_unknown_fields_betas_and_system_messages_are_welcome(client: Client) -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": "The day is Friday.", "output_config": {"effort": "low"}},
    ]
    answer = client.messages(
        model="claude-opus-5",
        messages=messages,
        safeguards=[{"type": "dangerous_tool_use"}],
        context_management={"edits": []},
        something_new=1,
        headers={"anthropic-beta": "effort-2025-11-24,unheard-of-2030-01-01"},
    )
    assert answer.status_code == 200


def test_llamacpp_reports_errors_in_the_other_envelope(client: Client) -> None:
    body = {"model": "local", "max_tokens": 5, "messages": []}
    refused = client.post("/llamacpp/v1/messages", body, {"x-api-key": "", "authorization": ""})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == 400
    assert "type" not in refused.json()

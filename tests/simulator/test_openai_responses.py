"""The simulated Responses API: events, items, and answers that are built upon."""

import json
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.simulator.conftest import Client, events

SCRIPT = {"thinking": "let me see", "text": "héllo 🙂", "tools": [{"name": "weigh", "input": {"grams": 5}}]}


def test_every_event_is_numbered_and_placed(client: Client) -> None:
    made = events(client.responses(stream=True, reasoning={"summary": "auto"}, simulate=SCRIPT))
    assert [event["sequence_number"] for event in made] == list(range(len(made)))
    assert [made[0]["type"], made[1]["type"]] == ["response.created", "response.in_progress"]
    final = made[-1]["response"]
    assert made[-1]["type"] == "response.completed"
    assert final["status"] == "completed"
    assert [item["type"] for item in final["output"]] == ["reasoning", "message", "function_call"]
    for index, item in enumerate(final["output"]):
        mine = [event for event in made if event.get("output_index") == index]
        assert mine[0]["type"] == "response.output_item.added"
        assert mine[0]["item"]["id"] == item["id"]
        assert mine[-1]["type"] == "response.output_item.done"
        assert mine[-1]["item"] == item
        assert {event["item_id"] for event in mine[1:-1]} == {item["id"]}
    text = "".join(event["delta"] for event in made if event["type"] == "response.output_text.delta")
    assert text == final["output"][1]["content"][0]["text"] == "héllo 🙂"
    assert all(event["content_index"] == 0 for event in made if ".output_text." in event["type"])
    arguments = "".join(event["delta"] for event in made if event["type"].endswith("arguments.delta"))
    assert json.loads(arguments) == json.loads(final["output"][2]["arguments"]) == {"grams": 5}


def test_streamed_and_whole_cost_the_same(client: Client, simulator: RunningSimulator) -> None:
    whole = client.responses(simulate=SCRIPT).json()
    streamed = events(client.responses(stream=True, simulate=SCRIPT))[-1]["response"]
    assert whole["usage"] == streamed["usage"]
    usage, truth = whole["usage"], simulator.requests()[0]["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["output_tokens_details"]["reasoning_tokens"] == truth["thinking"] > 0
    assert usage["output_tokens"] == truth["output"]


def test_tool_loop_by_items_and_by_previous_response(client: Client) -> None:
    first = client.responses("Weigh it", simulate={"tool": "weigh", "input": {}}).json()
    output = {"type": "function_call_output", "call_id": first["output"][-1]["call_id"], "output": "5 g"}
    by_items = client.responses([{"role": "user", "content": "Weigh it"}, *first["output"], output])
    by_identifier = client.responses([output], previous_response_id=first["id"])
    assert by_items.status_code == by_identifier.status_code == 200, by_items.text
    assert by_items.json()["usage"]["input_tokens"] == by_identifier.json()["usage"]["input_tokens"]
    assert client.http.get(f"/v1/responses/{first['id']}", headers=client.headers).json()["id"] == first["id"]
    assert client.http.get("/v1/responses/resp_none", headers=client.headers).status_code == 404


def test_script_line_moves_on_with_each_turn(client: Client) -> None:
    line = 'simulate: [{"tools": [{"name": "a"}, {"name": "b"}]}, {"text": "done"}]'
    first = client.responses(line).json()
    calls = [item for item in first["output"] if item["type"] == "function_call"]
    assert [call["name"] for call in calls] == ["a", "b"]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "x"} for call in calls]
    second = client.responses([{"role": "user", "content": line}, *first["output"], *results]).json()
    assert second["output"][-1]["content"][0]["text"] == "done"


REFUSED: dict[str, dict[str, Any]] = {
    "Unknown parameter: 'messages'": {"messages": []},
    "Missing required parameter: 'input'": {"input": None},
    "Invalid value: 'input_text'": {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
    "Invalid value: 'tool'": {"input": [{"role": "tool", "content": "x"}]},
    "No tool call found": {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
    "No tool output found": {"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]},
    "Previous response with id": {"previous_response_id": "resp_none"},
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused_in_the_words_of_the_api(client: Client, message: str) -> None:
    answer = client.post("/v1/responses", {"model": "gpt-5", "input": "hi", **REFUSED[message]})
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_incomplete_failed_and_error(client: Client) -> None:
    cut = client.responses(max_output_tokens=16, simulate={"output_tokens": 50}).json()
    assert cut["status"] == "incomplete"
    assert cut["incomplete_details"] == {"reason": "max_output_tokens"}
    failed = events(client.responses(stream=True, simulate={"text": "x", "failed": True, "message": "boom"}))
    assert failed[-1]["type"] == "response.failed"
    assert failed[-1]["response"]["error"]["message"] == "boom"
    error = events(client.responses(stream=True, simulate={"error_event_at": 4, "message": "boom"}))
    assert error[-1]["type"] == "error"
    assert error[-1]["message"] == "boom"
    assert len(error) == 4


def test_llamacpp_leaves_content_index_out(client: Client) -> None:
    made = events(client.responses(path="/llamacpp/v1/responses", stream=True))
    deltas = [event for event in made if event["type"] == "response.output_text.delta"]
    assert deltas
    assert not any("content_index" in event for event in deltas)

"""The requests that are sent are what the docs say they are."""

import json

from benchmarks.harness.payloads import body


def test_sizes_are_those_the_docs_state() -> None:
    assert 650 < len(body("small", "chat", "bench")) < 750
    assert 650 < len(body("small", "messages", "bench")) < 750
    assert 100_000 < len(body("agent", "messages", "bench")) < 110_000
    assert 100_000 < len(body("agent", "chat", "bench")) < 110_000


def test_every_tool_use_has_its_result_in_the_next_message() -> None:
    messages = json.loads(body("agent", "messages", "bench"))["messages"]
    for asked, answered in zip(messages[1::2], messages[2::2], strict=True):
        assert asked["content"][-1]["type"] == "tool_use"
        assert answered["content"][0]["tool_use_id"] == asked["content"][-1]["id"]


def test_the_same_conversation_is_said_in_both_dialects() -> None:
    said = json.loads(body("agent", "chat", "bench"))["messages"]
    calls = [call["id"] for message in said for call in message.get("tool_calls", [])]
    results = [message["tool_call_id"] for message in said if message["role"] == "tool"]
    assert calls == results
    assert len(calls) == 30

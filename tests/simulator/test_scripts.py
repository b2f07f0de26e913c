"""Where a script is found, and in which order."""

from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tenbin.simulator.prompt import ApiError, Turn
from tenbin.simulator.scripts import find_line, from_turns
from tests.simulator.conftest import Client


def said(response: Any) -> str:
    assert response.status_code == 200, response.text
    return "".join(block.get("text", "") for block in response.json()["content"])


def test_where_the_line_is_found() -> None:
    assert find_line('please\n  simulate: {"text": "a"} and more') == [{"text": "a"}]
    assert find_line('simulate: [{"text": "a"},\n {"text": "b"}]') == [{"text": "a"}, {"text": "b"}]
    assert find_line('simulate: {"text": "a"}\nsimulate: {"text": "b"}') == [{"text": "b"}]
    for text in ("", "simulate the market", "do not simulate: {}", "simulate: soon"):
        assert find_line(text) is None
    with pytest.raises(ApiError):
        find_line('simulate: {"text": ')


def test_the_line_moves_on_with_each_assistant_turn() -> None:
    line = Turn("user", 'simulate: [{"text": "a"}, {"text": "b"}]')
    turns = [Turn("user", "before"), Turn("assistant", "x"), line]
    results = Turn("user", "")
    first, second = from_turns(turns), from_turns([*turns, Turn("assistant", ""), results])
    assert first is not None
    assert second is not None
    assert (first.text, second.text) == ("a", "b")
    assert (
        from_turns([*turns, Turn("assistant", ""), results, Turn("system", ""), Turn("assistant", ""), results]) is None
    )
    one_turn_in_two_messages = [*turns, Turn("assistant", ""), Turn("assistant", ""), results]
    assert from_turns(one_turn_in_two_messages) == second


def test_order_header_line_queue(client: Client, simulator: RunningSimulator) -> None:
    simulator.script("claude-sonnet-4-6", {"text": "queued 1"}, {"text": "queued 2"})
    simulator.script(text="for any model")
    line = 'simulate: {"text": "from the line"}'
    assert said(client.messages(line, simulate={"text": "from the header"})) == "from the header"
    assert said(client.messages(line)) == "from the line"
    assert said(client.messages()) == "queued 1"
    assert said(client.messages(model="claude-haiku-4-5")) == "for any model"
    assert said(client.messages()) == "queued 2"
    assert said(client.messages()).startswith("You said: Hello.")


def test_generated_answers_depend_on_the_words_alone(client: Client) -> None:
    assert said(client.messages("Hello")) == said(client.messages("Hello")) != said(client.messages("Good day"))
    assert said(client.messages("Hello", simulate={"seed": "2"})) != said(client.messages("Hello"))
    chat = client.chat("Hello").json()["choices"][0]["message"]["content"]
    assert chat == said(client.messages("Hello"))


def test_structured_requests_do_not_obey_the_line_unless_told(client: Client) -> None:
    wanted = {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {}}}}}
    assert said(client.messages('simulate: {"text": "no"}', **wanted)) == "{}"
    assert said(client.messages('simulate: {"text": "yes", "structured": true}', **wanted)) == "yes"


@pytest.mark.parametrize("script", [{"txet": "a"}, {"status": "many"}, {"tools": [{"input": {}}]}])
def test_wrong_script_is_named(client: Client, script: dict[str, Any]) -> None:
    answer = client.messages(simulate=script)
    assert answer.status_code == 400
    assert "x-simulate" in answer.json()["error"]["message"]
    assert next(iter(script)) in answer.json()["error"]["message"]


def test_fail_times_by_key(client: Client) -> None:
    script = {"status": 529, "fail_times": 2, "text": "at last"}
    assert [client.messages(simulate=script).status_code for _ in range(4)] == [529, 529, 200, 200]
    assert client.messages(simulate={**script, "key": "other"}).status_code == 529
    assert said(client.messages(simulate=script)) == "at last"


def test_exact_output_tokens_and_own_ids(client: Client) -> None:
    assert client.messages(simulate={"output_tokens": 321}).json()["usage"]["output_tokens"] == 321
    call = {"name": "f", "input": {}, "id": "my own id"}
    assert client.messages(simulate={"tools": [call]}).json()["content"][0]["id"] == "my own id"


@pytest.mark.parametrize(
    ("reason", "anthropic", "openai"),
    [("max_tokens", "max_tokens", "length"), ("refusal", "refusal", "content_filter"), ("stop", "end_turn", "stop")],
)
def test_stop_reason_in_either_dialects_word(client: Client, reason: str, anthropic: str, openai: str) -> None:
    script = {"text": "x", "stop_reason": reason}
    assert client.messages(simulate=script).json()["stop_reason"] == anthropic
    assert client.chat(simulate=script).json()["choices"][0]["finish_reason"] == openai

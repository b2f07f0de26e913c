"""The providers' own clients must take the simulator for the real thing."""

import asyncio
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from pydantic import BaseModel

from tenbin.simulator import RunningSimulator

MODEL = "claude-opus-5-5"
TOOL: Any = {"name": "weigh", "description": "Weighs.", "input_schema": {"type": "object", "properties": {}}}
FUNCTION: Any = {"type": "function", "function": {"name": "weigh", "parameters": {"type": "object", "properties": {}}}}
LINE = 'Weigh!\nsimulate: [{"thinking": "hm", "tools": [{"name": "weigh", "input": {"g": 1}}, {"name": "weigh"}]}, '
LINE += '{"text": "done"}]'


@pytest.fixture
def claude(simulator: RunningSimulator) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=simulator.url, api_key="sk-test", max_retries=2)


@pytest.fixture
def gpt(simulator: RunningSimulator) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{simulator.url}/v1", api_key="sk-test", max_retries=2)


def test_anthropic_tool_loop_streaming(claude: anthropic.Anthropic) -> None:
    messages: list[Any] = [{"role": "user", "content": LINE}]
    with claude.messages.stream(model=MODEL, max_tokens=500, messages=messages, tools=[TOOL]) as stream:
        first = stream.get_final_message()
    assert [block.type for block in first.content] == ["thinking", "tool_use", "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": b.id, "content": "5"} for b in first.content if b.type == "tool_use"
    ]
    messages += [first.to_param(), {"role": "user", "content": results}]
    with claude.messages.stream(model=MODEL, max_tokens=500, messages=messages, tools=[TOOL]) as stream:
        assert "".join(stream.text_stream) == "done"
    assert stream.get_final_message().usage.output_tokens == 1


def test_anthropic_other_calls(claude: anthropic.Anthropic, simulator: RunningSimulator) -> None:
    counted = claude.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
    answer = claude.beta.messages.create(
        model=MODEL, max_tokens=50, messages=[{"role": "user", "content": "Hi"}], betas=["effort-2025-11-24"]
    )
    assert counted.input_tokens == answer.usage.input_tokens
    assert MODEL in [model.id for model in claude.models.list(limit=5)]
    sent = dict(simulator.requests()[0]["headers"])
    assert sent["anthropic-version"] in ("2023-06-01", "2026-10-21")


def test_anthropic_errors_and_retries(claude: anthropic.Anthropic, simulator: RunningSimulator) -> None:
    def ask(**script: Any) -> Any:
        simulator.clear()
        simulator.script("*", *[{**script}] * 4)
        return claude.messages.create(model=MODEL, max_tokens=50, messages=[{"role": "user", "content": "Hi"}])

    assert ask(status=529, retry_after=0.01, fail_times=1, text="ok").content[0].text == "ok"
    assert len(simulator.requests()) == 2
    with pytest.raises(anthropic.RateLimitError):
        ask(status=429, x_should_retry=False)
    assert len(simulator.requests()) == 1
    with pytest.raises(anthropic.BadRequestError, match="no good") as caught:
        ask(status=400, message="no good")
    assert caught.value.request_id
    assert caught.value.request_id.startswith("req_")


def test_anthropic_stream_that_breaks(claude: anthropic.Anthropic, simulator: RunningSimulator) -> None:
    def ask(**script: Any) -> None:
        simulator.script("*", **script)
        with claude.messages.stream(model=MODEL, max_tokens=50, messages=[{"role": "user", "content": "Hi"}]) as stream:
            stream.until_done()

    with pytest.raises(anthropic.APIStatusError):
        ask(error_event_at=5)
    with pytest.raises(httpx2.RemoteProtocolError):
        ask(cut_after_events=5)


def test_anthropic_async(simulator: RunningSimulator) -> None:
    async def ask() -> list[str]:
        async with anthropic.AsyncAnthropic(base_url=simulator.url, api_key="sk-test") as client:
            asked = [
                client.messages.create(model=MODEL, max_tokens=50, messages=[{"role": "user", "content": f"Hi {n}"}])
                for n in range(10)
            ]
            return [answer.id for answer in await asyncio.gather(*asked)]

    assert len(set(asyncio.run(ask()))) == 10


def test_openai_chat_tool_loop_streaming(gpt: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": LINE}]
    with gpt.chat.completions.stream(model="gpt-5", messages=messages, tools=[FUNCTION]) as stream:
        first = stream.get_final_completion()
    calls = first.choices[0].message.tool_calls
    assert calls
    assert [call.function.arguments for call in calls] == ['{"g": 1}', "{}"]
    messages.append(first.choices[0].message.model_dump(include={"role", "content", "tool_calls"}, exclude_none=True))
    for message in messages[-1]["tool_calls"]:
        message["function"] = {key: message["function"][key] for key in ("name", "arguments")}
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "5"} for call in calls]
    last = gpt.chat.completions.create(
        model="gpt-5", messages=messages, tools=[FUNCTION], stream=True, stream_options={"include_usage": True}
    )
    chunks = list(last)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "done"
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens >= 1


class Title(BaseModel):
    title: str
    words: int


def test_openai_structured_output(gpt: openai.OpenAI) -> None:
    said = gpt.chat.completions.parse(
        model="gpt-4o", messages=[{"role": "user", "content": "Hi"}], response_format=Title
    )
    assert isinstance(said.choices[0].message.parsed, Title)
    parsed = gpt.responses.parse(model="gpt-4o", input="Hi", text_format=Title)
    assert isinstance(parsed.output_parsed, Title)


def test_openai_responses_tool_loop_streaming(gpt: openai.OpenAI) -> None:
    tool: Any = {
        "type": "function",
        "name": "weigh",
        "parameters": {"type": "object", "properties": {}},
        "strict": False,
    }
    with gpt.responses.stream(model="gpt-5", input=LINE, tools=[tool], reasoning={"summary": "auto"}) as stream:
        kinds = [event.type for event in stream]
        first = stream.get_final_response()
    assert "response.reasoning_summary_text.delta" in kinds
    assert kinds[-1] == "response.completed"
    calls = [item for item in first.output if item.type == "function_call"]
    output: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "5"} for call in calls]
    last = gpt.responses.create(model="gpt-5", input=output, previous_response_id=first.id)
    assert last.output_text == "done"
    assert last.usage
    assert last.usage.total_tokens > 0


def test_openai_other_calls(gpt: openai.OpenAI) -> None:
    assert "gpt-4o" in [model.id for model in gpt.models.list()]
    made = gpt.embeddings.create(model="text-embedding-3-small", input="a cat", dimensions=32)
    assert len(made.data[0].embedding) == 32
    with pytest.raises(openai.NotFoundError):
        gpt.chat.completions.create(model="missing", messages=[{"role": "user", "content": "x"}])


@pytest.mark.parametrize(
    "profile", ["openrouter/api/v1", "deepseek", "vllm/v1", "llamacpp/v1", "litellm/v1", "messy/v1"]
)
def test_openai_client_on_other_providers(simulator: RunningSimulator, profile: str) -> None:
    client = openai.OpenAI(base_url=f"{simulator.url}/{profile}", api_key="sk-test")
    messages: list[Any] = [{"role": "user", "content": LINE}]
    with client.chat.completions.stream(model="some-model", messages=messages, tools=[FUNCTION]) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert calls
    assert calls[0].function.name.startswith("weigh")

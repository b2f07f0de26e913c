"""A ladder whose lower rung is a real model: llama.cpp with SmolLM2, its log-probabilities, the official clients."""

import re
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tenbin.config.findings import EMBEDDED_MODEL, Findings, build
from tenbin.core.gating import Gating
from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.real.books import House, configured, serving, wait_until

STRONG = "claude-opus-4-8"
STRONG_SAYS = "That is what the strong one says."
EASY: Any = [{"role": "user", "content": "What is the capital city of Japan?"}]
HARD: Any = [{"role": "user", "content": "What is 17 * 23? Answer with the number only."}]


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture(scope="module")
def house(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    ladder = [{"target": f"local/{EMBEDDED_MODEL}"}, {"target": f"strong/{STRONG}"}]
    config = configured(
        local_model=True,
        providers={"strong": {"profile": "anthropic", "base_url": f"{simulator.url}/anthropic", "api_key": "sk-own"}},
        cascades={"thrifty": {"ladder": ladder}},
        ping_seconds=0.1,
    )
    with serving(build(config, Findings(embedded=True), {}), tmp_path_factory.mktemp("cascade")) as running:
        model = running.running.gateway.local_model
        assert model is not None
        wait_until(lambda: model.ready, "the embedded model to be loaded")
        yield running


@pytest.fixture
def ready(house: House, simulator: RunningSimulator) -> House:
    simulator.reset()
    simulator.script(STRONG, *[{"text": STRONG_SAYS}] * 4)
    house.books.new()
    return house


def lower(receipt: Receipt) -> Gating:
    first = next(one for one in receipt.attempts if one.rung == 1)
    assert first.model == EMBEDDED_MODEL
    assert first.billed_nano == 0
    assert first.usage.output > 0
    assert first.gating is not None
    told = {name: score for name, score, _ in first.gating.parts}
    assert told["confidence"] is not None, "llama.cpp was asked for log-probabilities, and gave them"
    return first.gating


def check(receipt: Receipt, text: str) -> None:
    """Whoever answered, the client has that answer, and the receipt has every rung."""
    gating = lower(receipt)
    assert receipt.outcome == "answered"
    assert gating.given == (STRONG_SAYS not in text)
    assert gating.passed == gating.given
    assert len(receipt.attempts) == (1 if gating.given else 2)
    assert receipt.billed_nano is not None
    assert (receipt.billed_nano == 0) == gating.given


@pytest.mark.parametrize("messages", [EASY, HARD])
def test_anthropics_client_gets_a_valid_stream(ready: House, messages: Any) -> None:
    client = anthropic.Anthropic(base_url=ready.url, api_key="any", max_retries=0)
    asked: dict[str, Any] = {"model": "thrifty", "messages": messages, "max_tokens": 24}
    with client.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert "".join(block.text for block in final.content if block.type == "text") == text
    assert final.stop_reason in ("end_turn", "max_tokens")
    assert final.usage.output_tokens > 0
    check(ready.books.one(), text)
    whole = client.messages.create(**asked)
    check(ready.books.one(), "".join(block.text for block in whole.content if block.type == "text"))


@pytest.mark.parametrize("messages", [EASY, HARD])
def test_openais_client_gets_a_valid_stream(ready: House, messages: Any) -> None:
    client = openai.OpenAI(base_url=f"{ready.url}/v1", api_key="any", max_retries=0)
    chunks = list(
        client.chat.completions.create(
            model="thrifty",
            messages=messages,
            max_tokens=24,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert any(choice.finish_reason for chunk in chunks for choice in chunk.choices)
    assert not any(choice.logprobs for chunk in chunks for choice in chunk.choices), "nobody asked for them"
    assert chunks[-1].usage is not None
    check(ready.books.one(), text)
    with client.responses.stream(model="thrifty", input=messages, max_output_tokens=24, temperature=0) as stream:
        final = stream.get_final_response()
    check(ready.books.one(), final.output_text)


def test_the_gates_tell_a_sure_answer_from_a_ramble(ready: House) -> None:
    client = openai.OpenAI(base_url=f"{ready.url}/v1", api_key="any", max_retries=0)

    def score(messages: Any) -> float:
        ready.books.new()
        said = client.chat.completions.create(model="thrifty", messages=messages, max_tokens=24, temperature=0)
        assert re.search(r"\w", said.choices[0].message.content or "")
        found = lower(ready.books.one()).score
        assert found is not None
        return found

    assert score(EASY) > score(HARD)

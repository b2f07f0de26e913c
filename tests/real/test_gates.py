"""Quality gates on what a real server gives: llama.cpp's log-probabilities through the gateway."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tenbin.config.findings import EMBEDDED_MODEL, Findings, build
from tenbin.config.model import Config
from tenbin.discern.gates.asking import question_of_prompt
from tenbin.discern.gates.confidence import logprobs_of
from tenbin.discern.gates.gate import Answer, Judgement
from tenbin.discern.gates.registry import judge
from tests.real.books import House, serving, wait_until


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway that has nothing but the embedded model."""
    with serving(build(Config(), Findings(embedded=True), {}), tmp_path_factory.mktemp("gates")) as started:
        model = started.running.gateway.local_model
        assert model is not None
        wait_until(lambda: model.ready, "the embedded model to be loaded")
        yield started


def asked(house: House, prompt: str, **more: Any) -> dict[str, Judgement]:
    """What the gates say of the model's answer to a prompt, its log-probabilities included."""
    client = openai.OpenAI(base_url=f"{house.url}/v1", api_key="any", max_retries=0)
    said = client.chat.completions.create(
        model=f"local/{EMBEDDED_MODEL}",
        messages=[{"role": "user", "content": prompt}],
        logprobs=True,
        **more,
    )
    choice = said.choices[0]
    assert choice.logprobs is not None, "llama.cpp gives log-probabilities where they are asked for"
    given = logprobs_of([token.model_dump() for token in choice.logprobs.content or []])
    assert given is not None
    assert said.usage is not None
    # The token that ends an answer is counted, but not always told.
    assert abs(len(given) - said.usage.completion_tokens) <= 1
    assert all(value <= 0 for value in given)
    reason = "max_tokens" if choice.finish_reason == "length" else "end_turn"
    answer = Answer(text=choice.message.content or "", logprobs=given, stop_reason=reason)  # type: ignore[arg-type]
    return {each.gate: each for each in judge(question_of_prompt(prompt), answer)}


def test_words_drawn_wildly_are_told_from_those_the_model_holds_likeliest(house: House) -> None:
    prompt = "What is the capital city of France?"
    sure = asked(house, prompt, max_tokens=24, temperature=0)["confidence"].score
    wild = asked(house, prompt, max_tokens=24, temperature=2, seed=1)["confidence"].score
    assert sure is not None
    assert wild is not None
    assert sure > wild


def test_an_answer_that_runs_into_its_limit_is_cut(house: House) -> None:
    told = asked(house, "Tell me a long story about a dragon.", max_tokens=8, temperature=0)
    assert told["truncated"].score == 0.0
    assert told["empty"].score == 1.0

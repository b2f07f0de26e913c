"""A real model behind Tenbin, in all four combinations of dialect and in Responses, asked by the official clients.

The model is the one that a gateway without any key starts by itself: llama.cpp's server with SmolLM2.
"""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tenbin.config.findings import EMBEDDED_CONTEXT, EMBEDDED_MODEL, Findings, build
from tenbin.config.model import Config
from tenbin.core.receipt import Receipt
from tests.real.books import Books, House, configured, serving, stated, wait_until

PROMPT: Any = [{"role": "user", "content": "Name one colour of the rainbow."}]
PROVIDERS = ("chat", "messages")
"""The same server: spoken to as OpenAI's Chat Completions, and as Anthropic's Messages."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway that has nothing but the embedded model, as on a fresh machine."""
    config = build(Config(), Findings(embedded=True), {})
    with serving(config, tmp_path_factory.mktemp("started")) as house:
        model = house.running.gateway.local_model
        assert model is not None, "a gateway without providers must start the embedded model"
        yield house


@pytest.fixture(scope="module")
def combined(started: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway to which the same model is two providers, one for each dialect that it speaks."""
    model = started.running.gateway.local_model
    assert model is not None
    wait_until(lambda: model.ready, "the embedded model to be loaded")
    facts = {"context": EMBEDDED_CONTEXT, "price": {"input": 1, "output": 3, "cache_read": 0.5}}
    row = {"profile": "llamacpp", "base_url": model.base_url, "models": {EMBEDDED_MODEL: facts}}
    providers = {"chat": {**row, "dialect": "openai_chat"}, "messages": {**row, "dialect": "anthropic"}}
    with serving(configured(providers=providers), tmp_path_factory.mktemp("combined")) as house:
        yield house


@pytest.fixture
def books(combined: House) -> Books:
    combined.books.new()
    return combined.books


@pytest.fixture(scope="module")
def claude(combined: House) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=combined.url, api_key="any", max_retries=0)


@pytest.fixture(scope="module")
def gpt(combined: House) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{combined.url}/v1", api_key="any", max_retries=0)


def named(provider: str) -> str:
    return f"{provider}/{EMBEDDED_MODEL}"


def cost_nano(receipt: Receipt) -> int:
    """At this module's price: USD 1, 0.5 and 3 a million tokens."""
    usage = receipt.usage
    return usage.input * 1000 + usage.cache_read * 500 + usage.output * 3000


def check(receipt: Receipt, seen: tuple[int, int, int]) -> None:
    """What the client was told is what the ledger holds, and it is what the model said: nothing is estimated."""
    assert receipt.outcome == "answered"
    assert stated(receipt.usage) == seen
    assert not receipt.usage.estimated
    assert receipt.cost_nano == cost_nano(receipt)
    assert receipt.usage.prompt > 0
    assert receipt.usage.output > 0


def messages_usage(usage: Any) -> tuple[int, int, int]:
    cached = usage.cache_read_input_tokens or 0
    return usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0), cached, usage.output_tokens


def chat_usage(usage: Any) -> tuple[int, int, int]:
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else 0
    return usage.prompt_tokens, cached or 0, usage.completion_tokens


def responses_usage(usage: Any) -> tuple[int, int, int]:
    return usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens


def test_a_gateway_with_nothing_else_answers_in_every_dialect(started: House) -> None:
    """No provider is named: the first one there takes any name. The first request comes while the model is being
    loaded, and waits for it.
    """
    gpt = openai.OpenAI(base_url=f"{started.url}/v1", api_key="any", max_retries=0)
    claude = anthropic.Anthropic(base_url=started.url, api_key="any", max_retries=0)
    assert gpt.chat.completions.create(model="gpt-4o", messages=PROMPT, max_tokens=8).choices[0].message.content
    assert claude.messages.create(model="claude-opus-5-5", messages=PROMPT, max_tokens=8).content
    assert gpt.responses.create(model="gpt-5", input=PROMPT, max_output_tokens=16).output_text
    assert EMBEDDED_MODEL in {model.id for model in gpt.models.list()}
    for receipt in started.books.new(3):
        assert receipt.attempts[-1].model == EMBEDDED_MODEL
        assert receipt.cost_nano == 0, "it costs nothing, and that is known"
        assert len(receipt.attempts) == 1, "it was asked before it was ready"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_messages(claude: anthropic.Anthropic, books: Books, provider: str) -> None:
    whole = claude.messages.create(model=named(provider), max_tokens=24, messages=PROMPT, system="Answer briefly.")
    assert whole.content[0].type == "text"
    assert whole.content[0].text
    assert whole.stop_reason in ("end_turn", "max_tokens")
    first = books.one()
    check(first, messages_usage(whole.usage))

    with claude.messages.stream(
        model=named(provider), max_tokens=24, messages=PROMPT, system="Answer briefly."
    ) as stream:
        pieces = list(stream.text_stream)
        streamed = stream.get_final_message()
    assert len(pieces) > 1, "it does not stream"
    assert streamed.content[0].type == "text"
    assert "".join(pieces) == streamed.content[0].text
    second = books.one()
    check(second, messages_usage(streamed.usage))
    assert second.usage.prompt == first.usage.prompt, "a streamed and an unstreamed answer disagree about the prompt"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_chat(gpt: openai.OpenAI, books: Books, provider: str) -> None:
    whole = gpt.chat.completions.create(model=named(provider), max_tokens=24, messages=PROMPT)
    assert whole.choices[0].message.content
    assert whole.choices[0].finish_reason in ("stop", "length")
    first = books.one()
    check(first, chat_usage(whole.usage))

    with gpt.chat.completions.stream(
        model=named(provider), max_tokens=24, messages=PROMPT, stream_options={"include_usage": True}
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        streamed = stream.current_completion_snapshot  # its own end refuses what max_tokens cut
    assert len(deltas) > 1, "it does not stream"
    assert "".join(deltas) == streamed.choices[0].message.content
    second = books.one()
    check(second, chat_usage(streamed.usage))
    assert second.usage.prompt == first.usage.prompt, "a streamed and an unstreamed answer disagree about the prompt"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stream_without_a_usage_chunk_is_counted_all_the_same(
    gpt: openai.OpenAI, books: Books, provider: str
) -> None:
    """The client did not ask for usage: it gets none, and the ledger has the model's own figures."""
    chunks = list(gpt.chat.completions.create(model=named(provider), max_tokens=12, messages=PROMPT, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    receipt = books.one()
    check(receipt, stated(receipt.usage))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_responses(gpt: openai.OpenAI, books: Books, provider: str) -> None:
    """llama.cpp's own stream of this dialect lacks fields without which the client's helper breaks."""
    whole = gpt.responses.create(model=named(provider), max_output_tokens=24, input=PROMPT)
    assert whole.output_text
    first = books.one()
    check(first, responses_usage(whole.usage))

    with gpt.responses.stream(model=named(provider), max_output_tokens=24, input=PROMPT) as stream:
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created"
    last = events[-1]
    assert last.type in ("response.completed", "response.incomplete")
    final = last.response
    assert kinds.count("response.output_text.delta") > 1
    assert final.output_text
    second = books.one()
    check(second, responses_usage(final.usage))
    assert second.usage.prompt == first.usage.prompt, "a streamed and an unstreamed answer disagree about the prompt"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_count_tokens_is_what_is_charged(claude: anthropic.Anthropic, books: Books, provider: str) -> None:
    """A provider that counts is asked; where it cannot be, Tenbin's own count says that it is an estimate."""
    asked: Any = {"model": named(provider), "messages": PROMPT, "system": "Answer briefly."}
    counted = claude.messages.with_raw_response.count_tokens(**asked)
    answer = claude.messages.create(max_tokens=4, **asked)
    real = messages_usage(answer.usage)[0]
    said = counted.parse().input_tokens
    if provider == "messages":
        assert "x-tenbin-estimated" not in counted.headers
        assert said == real
    else:
        assert counted.headers["x-tenbin-estimated"] == "true"
        assert real / 2 <= said <= real * 2
    assert [receipt.operation for receipt in books.new()] == ["generate"], "counting costs nothing: no receipt"


def test_logprobs_pass_through(gpt: openai.OpenAI, books: Books) -> None:
    asked: Any = {"model": named("chat"), "messages": PROMPT, "max_tokens": 6, "logprobs": True, "top_logprobs": 2}
    whole = gpt.chat.completions.create(**asked)
    assert whole.choices[0].logprobs
    tokens = whole.choices[0].logprobs.content
    assert tokens
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in tokens)
    streamed = [
        token
        for chunk in gpt.chat.completions.create(**asked, stream=True)
        for choice in chunk.choices
        if choice.logprobs
        for token in choice.logprobs.content or []
    ]
    assert streamed
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in streamed)
    books.new(2)


SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "enum": ["red", "green", "blue"]}, "warm": {"type": "boolean"}},
    "required": ["colour", "warm"],
    "additionalProperties": False,
}


def check_schema(text: str | None) -> None:
    said = json.loads(text or "")
    assert set(said) == {"colour", "warm"}
    assert said["colour"] in ("red", "green", "blue")
    assert isinstance(said["warm"], bool)


def test_a_schema_is_enforced_in_chat(gpt: openai.OpenAI) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "colour", "schema": SCHEMA, "strict": True}}
    said = gpt.chat.completions.create(model=named("chat"), messages=PROMPT, max_tokens=60, response_format=form)
    check_schema(said.choices[0].message.content)


def test_a_schema_is_enforced_in_messages(claude: anthropic.Anthropic) -> None:
    """Said in Anthropic's words, understood by a server that knows only OpenAI's."""
    said = claude.messages.create(
        model=named("chat"),
        messages=PROMPT,
        max_tokens=60,
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )
    assert said.content[0].type == "text"
    check_schema(said.content[0].text)


def test_a_schema_is_enforced_in_responses(gpt: openai.OpenAI) -> None:
    form: Any = {"format": {"type": "json_schema", "name": "colour", "schema": SCHEMA, "strict": True}}
    check_schema(gpt.responses.create(model=named("chat"), input=PROMPT, max_output_tokens=60, text=form).output_text)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("provider", PROVIDERS)
class TestTooLong:
    """A prompt longer than the context: the sentence that clients look for, in the caller's envelope. Only a client
    that speaks the provider's own dialect, which has no such sentence, is given the provider's own words.
    """

    text = "tenbin " * (EMBEDDED_CONTEXT + 500)
    sentence = rf"prompt is too long: \d+ tokens > {EMBEDDED_CONTEXT} maximum"
    own_words = rf"request \(\d+ tokens\) exceeds the available context size \({EMBEDDED_CONTEXT} tokens\)"

    def test_messages(self, claude: anthropic.Anthropic, books: Books, provider: str, stream: bool) -> None:
        messages: Any = [{"role": "user", "content": self.text}]
        with pytest.raises(anthropic.BadRequestError, match=self.sentence) as caught:
            claude.messages.create(model=named(provider), max_tokens=8, messages=messages, stream=stream)
        body: Any = caught.value.body
        assert body["type"] == "error"
        assert body["error"]["type"] == "invalid_request_error"
        assert caught.value.request_id
        receipt = books.one()
        assert (receipt.outcome, receipt.failure, receipt.cost_nano) == ("failed", "context_exceeded", 0)

    def test_chat(self, gpt: openai.OpenAI, books: Books, provider: str, stream: bool) -> None:
        messages: Any = [{"role": "user", "content": self.text}]
        told = self.own_words if provider == "chat" else self.sentence
        with pytest.raises(openai.BadRequestError, match=told) as caught:
            gpt.chat.completions.create(model=named(provider), max_tokens=8, messages=messages, stream=stream)
        if provider == "chat":
            assert caught.value.type == "exceed_context_size_error"
        else:
            assert (caught.value.type, caught.value.code) == ("invalid_request_error", "context_length_exceeded")
        receipt = books.one()
        assert (receipt.outcome, receipt.failure, receipt.cost_nano) == ("failed", "context_exceeded", 0)


def test_an_answer_that_is_left_is_paid_for_in_part(combined: House, books: Books) -> None:
    """The client goes away in the middle: the model stops at once, and what was produced is in the ledger."""
    body = {"model": named("chat"), "max_tokens": 400, "messages": PROMPT, "stream": True, "temperature": 0}
    body["messages"] = [{"role": "user", "content": "Write a long story about a lighthouse."}]
    with httpx2.Client() as client, client.stream("POST", f"{combined.url}/v1/chat/completions", json=body) as answer:
        assert answer.status_code == 200
        seen = 0
        for line in answer.iter_lines():
            seen += line.startswith("data: {")
            if seen == 5:
                break
    receipt = books.one()
    assert receipt.outcome == "cancelled"
    assert receipt.usage.output_estimated
    assert 0 < receipt.usage.output < 400
    assert receipt.cost_nano

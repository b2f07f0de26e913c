"""The official SDKs, newest and one major older, through Tenbin to every kind of provider: what the client is given,
what the provider did and what the ledger holds are the same.
"""

import json
from typing import Any

import httpx2
import pytest

from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.real.books import House, stated
from tests.real.conftest import MASTER_KEY
from tests.real.sdk import Client, ClientFailed

TARGETS = {
    "anthropic": "anthropic/claude-opus-5-5",
    "openai": "openai/gpt-4o",
    "responses": "responses/gpt-5",
    "deepseek": "deepseek/deepseek-v4-pro",
    "openrouter": "openrouter/anthropic/claude-sonnet-5-5",
    "gemini": "gemini/gemini-3.8-flash",
    "vllm": "vllm/some-model",
    "messy": "messy/some-model",
    "ollama": "ollama/qwen3:8b",
}
"""A model of each provider."""
WITHOUT_USAGE = {"messy"}
"""Providers that never say what they used. The ledger holds Tenbin's own count, marked as such, and the client of
another dialect is told it; in the provider's own dialect the client is told nothing, as by the provider itself.
"""

HARD_TO_FOLLOW = {"messy", "gemini"}
"""Providers whose streamed calls the openai client's own helper mistakes, with or without a gateway: names repeated in
each delta, no index. Through Tenbin they arrive in that dialect as they were sent; in the others they are put right.
"""

TEXT = "Fünf Katzen sitzen auf dem Dach 🐈, and one of them is grey."


def scripted(*scripts: dict[str, Any]) -> str:
    """A prompt that tells the simulator what to say in each turn."""
    return f"Say it.\nsimulate: {json.dumps(list(scripts))}"


LOOP = scripted(
    {
        "text": "I weigh them.",
        "tools": [
            {"name": "weigh", "input": {"thing": "a 猫"}},
            {"name": "weigh", "input": {"thing": 'quo"te\n'}},
            {"name": "weigh", "input": {"thing": ""}},
        ],
    },
    {"tool": "weigh", "input": {"thing": "once more"}},
    {"text": TEXT},
)
CALLS = [
    [["weigh", {"thing": "a 猫"}], ["weigh", {"thing": 'quo"te\n'}], ["weigh", {"thing": ""}]],
    [["weigh", {"thing": "once more"}]],
    [],
]


def true_usage(simulated: RunningSimulator) -> list[tuple[int, int, int]]:
    """What the provider really used, each answer: (prompt, of it from its cache, output)."""
    found = []
    for entry in simulated.requests():
        if entry["method"] == "POST" and entry["status"] == 200 and "count_tokens" not in entry["path"]:
            used = entry["usage"]
            prompt = ("input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h")
            found.append((sum(used.get(name, 0) for name in prompt), used.get("cache_read", 0), used["output"]))
    return found


def agree(house: House, simulated: RunningSimulator, provider: str, seen: list[dict[str, Any]]) -> list[Receipt]:
    """Provider, client and ledger tell of the same tokens; every answer is priced, and named in the ledger."""
    receipts = house.books.new(len(seen))
    assert all(receipt.outcome == "answered" for receipt in receipts)
    for receipt in receipts:
        [attempt] = receipt.attempts
        assert attempt.provider == provider
    true, booked = sorted(true_usage(simulated)), sorted(stated(receipt.usage) for receipt in receipts)
    if provider in WITHOUT_USAGE:
        assert all(receipt.usage.input_estimated and receipt.usage.output_estimated for receipt in receipts)
        for (true_prompt, _, true_output), (prompt, _, output) in zip(true, booked, strict=True):
            assert true_prompt / 2 <= prompt <= true_prompt * 2
            assert true_output / 2 <= output <= true_output * 2
        if any(receipt.dialect != receipt.attempts[0].dialect for receipt in receipts):
            assert sorted(tuple(one["usage"]) for one in seen) == booked
    else:
        assert true == booked
        assert sorted(tuple(one["usage"]) for one in seen) == booked
        assert not any(receipt.usage.estimated for receipt in receipts)
    return receipts


def calls_or_error(client: Client, asked: dict[str, Any]) -> Any:
    """The first answer's calls, or what the client said when it failed."""
    try:
        return client.play("chat_tools", **asked)[0]["calls"]
    except ClientFailed as failed:
        return failed.told["message"]


def known(receipts: list[Receipt], request_id: str | None) -> bool:
    """A request id that a client was given leads to its receipt."""
    return any(
        request_id in (receipt.request_id, *(attempt.upstream_request_id for attempt in receipt.attempts))
        for receipt in receipts
    )


@pytest.mark.parametrize("provider", TARGETS)
class TestAnthropic:
    def test_text(self, client: Client, house: House, simulated: RunningSimulator, provider: str) -> None:
        asked: Any = {"model": TARGETS[provider], "prompt": scripted({"text": TEXT})}
        whole = client.play("messages_create", **asked)
        beta = client.play("messages_beta", **asked)
        raw = client.play("messages_raw_stream", **asked)
        helped = client.play("messages_stream", **asked)
        several = client.play("messages_async", **asked)
        answers = [whole, beta, raw, helped, *several]
        assert [one["text"] for one in answers] == [TEXT] * 9
        assert [one["stop"] for one in answers] == ["end_turn"] * 9
        assert len(helped["pieces"]) > 2, "it does not stream"
        kinds = [kind for kind in raw["kinds"] if kind not in ("ping", "content_block_delta")]
        frame = ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]
        assert kinds == frame
        assert len({tuple(one["usage"]) for one in answers}) == 1, "streamed and unstreamed answers disagree"
        receipts = agree(house, simulated, provider, answers)
        assert all(known(receipts, one["request_id"]) for one in (whole, helped, *several) if one["request_id"])
        assert whole["request_id"]
        assert len({receipt.cost_nano for receipt in receipts}) == 1

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
    def test_tools(
        self, client: Client, house: House, simulated: RunningSimulator, provider: str, stream: bool
    ) -> None:
        turns = client.play("messages_tools", model=TARGETS[provider], prompt=LOOP, stream=stream)
        assert [turn["calls"] for turn in turns] == CALLS
        assert [turn["stop"] for turn in turns] == ["tool_use", "tool_use", "end_turn"]
        assert (turns[0]["text"], turns[2]["text"]) == ("I weigh them.", TEXT)
        agree(house, simulated, provider, turns)

    def test_count_tokens(self, client: Client, house: House, simulated: RunningSimulator, provider: str) -> None:
        counted = client.play("messages_count", model=TARGETS[provider], prompt=TEXT)
        assert counted["tokens"] > 10
        assert counted["estimated"] == (provider != "anthropic")
        assert house.books.new() == []


@pytest.mark.parametrize("provider", TARGETS)
class TestChat:
    def test_text(self, client: Client, house: House, simulated: RunningSimulator, provider: str) -> None:
        asked: Any = {"model": TARGETS[provider], "prompt": scripted({"text": TEXT})}
        whole = client.play("chat_create", **asked)
        raw = client.play("chat_raw_stream", **asked)
        helped = client.play("chat_stream", **asked)
        several = client.play("chat_async", **asked)
        answers = [whole, raw, helped, *several]
        assert [one["text"] for one in answers] == [TEXT] * 8
        assert [one["stop"] for one in answers] == ["stop"] * 8
        assert len(helped["pieces"]) > 2, "it does not stream"
        assert raw["ids"] == 1
        assert len({tuple(one["usage"]) for one in answers}) == 1, "streamed and unstreamed answers disagree"
        receipts = agree(house, simulated, provider, answers)
        assert known(receipts, whole["request_id"])

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
    def test_tools(
        self, client: Client, house: House, simulated: RunningSimulator, provider: str, stream: bool
    ) -> None:
        asked: Any = {"model": TARGETS[provider], "prompt": LOOP, "stream": stream}
        if provider in HARD_TO_FOLLOW and stream:
            directly = {"url": f"{simulated.url}/{provider}", "model": TARGETS[provider].partition("/")[2]}
            assert calls_or_error(client, asked) == calls_or_error(client, {**asked, **directly})
            return
        turns = client.play("chat_tools", **asked)
        assert [turn["calls"] for turn in turns] == CALLS
        assert [turn["stop"] for turn in turns] == ["tool_calls", "tool_calls", "stop"]
        assert turns[2]["text"] == TEXT
        agree(house, simulated, provider, turns)


@pytest.mark.parametrize("provider", TARGETS)
class TestResponses:
    def test_text(self, client: Client, house: House, simulated: RunningSimulator, provider: str) -> None:
        asked: Any = {"model": TARGETS[provider], "prompt": scripted({"text": TEXT})}
        whole = client.play("responses_create", **asked)
        helped = client.play("responses_stream", **asked)
        assert whole["text"] == helped["text"] == "".join(helped["pieces"]) == TEXT
        assert whole["stop"] == helped["stop"] == "completed"
        assert len(helped["pieces"]) > 2, "it does not stream"
        assert helped["numbers"] == list(range(len(helped["numbers"])))
        assert helped["kinds"][0] == "response.created"
        assert helped["kinds"][-1] == "response.completed"
        receipts = agree(house, simulated, provider, [whole, helped])
        assert known(receipts, whole["request_id"])

    def test_tools(self, client: Client, house: House, simulated: RunningSimulator, provider: str) -> None:
        turns = client.play("responses_tools", model=TARGETS[provider], prompt=LOOP)
        assert [turn["calls"] for turn in turns] == CALLS
        assert turns[2]["text"] == TEXT
        agree(house, simulated, provider, turns)


def test_thinking_goes_back_to_the_model_that_signed_it(
    client: Client, house: House, simulated: RunningSimulator
) -> None:
    """The provider refuses thinking whose signature is not its own."""
    prompt = scripted({"thinking": "Hm.", "tool": "weigh", "input": {"thing": "it"}}, {"text": TEXT})
    first, last = client.play("messages_thinking", model=TARGETS["anthropic"], prompt=prompt)
    assert first["blocks"] == ["thinking", "tool_use"]
    assert last["text"] == TEXT
    agree(house, simulated, "anthropic", [first, last])


@pytest.mark.parametrize("provider", ["openai", "anthropic", "responses"])
def test_a_typed_answer(client: Client, house: House, simulated: RunningSimulator, provider: str) -> None:
    seen = client.play("chat_parse", model=TARGETS[provider], prompt="Weigh the cat.")
    assert isinstance(seen["grams"], int)
    assert isinstance(seen["thing"], str)
    agree(house, simulated, provider, [seen])


def test_embeddings(client: Client, house: House) -> None:
    seen = client.play("embeddings", model="openai/text-embedding-3-small")
    assert seen["lengths"] == [16, 16]
    receipt = house.books.one()
    assert stated(receipt.usage) == (seen["tokens"], 0, 0)
    assert receipt.cost_nano


def test_models(client: Client) -> None:
    for scenario in ("messages_models", "openai_models"):
        seen = client.play(scenario, model="careful")
        assert seen["first"] == "careful"
        assert "careful" in seen["models"]


@pytest.mark.parametrize("auth", ["api_key", "auth_token"])
def test_either_form_of_authentication(client: Client, house: House, auth: str) -> None:
    asked: Any = {"model": TARGETS["anthropic"], "prompt": scripted({"text": TEXT})}
    assert client.play("messages_create", **asked, auth=auth)["text"] == TEXT
    with pytest.raises(ClientFailed) as refused:
        client.play("messages_create", **{**asked, "key": "wrong", "auth": auth})
    assert refused.value.told["class"] == "AuthenticationError"
    assert refused.value.told["status"] == 401
    assert refused.value.told["request_id"]


BOTH: list[Any] = [{"prompt": "Hi", "model": TARGETS[name]} for name in ("anthropic", "openai")]


class TestFailures:
    """What a client meets when the provider fails, in both dialects of client and of provider."""

    @pytest.mark.parametrize("model", ["anthropic/claude-haiku-5-5", "openai/gpt-4.1"])
    @pytest.mark.parametrize("scenario", ["messages_create", "chat_create", "responses_create"])
    def test_rate_limit(
        self, client: Client, house: House, simulated: RunningSimulator, scenario: str, model: str
    ) -> None:
        """A wait longer than the gateway's own patience is the client's to take. (Until it is over the target is
        passed over where there is another: no other test asks for these models.)
        """
        simulated.script("*", {"status": 429, "retry_after": 60, "message": "slow down"})
        with pytest.raises(ClientFailed, match="slow down") as met:
            client.play(scenario, prompt="Hi", model=model)
        assert met.value.told["class"] == "RateLimitError"
        assert "rate_limit" in json.dumps(met.value.told["body"])
        receipt = house.books.one()
        assert (receipt.outcome, receipt.status, receipt.failure) == ("failed", 429, "rate_limited")
        assert receipt.cost_nano == 0
        assert len(simulated.requests()) == 1

    def test_a_client_waits_and_comes_again(self, client: Client, house: House, simulated: RunningSimulator) -> None:
        """The gateway tries twice; then the client, told when, once more."""
        simulated.script("*", *[{"status": 429, "retry_after": 0.01}] * 2, {"text": TEXT})
        assert client.play("messages_create", **BOTH[0], retries=2)["text"] == TEXT
        first, second = house.books.new(2)
        assert (first.status, len(first.attempts)) == (429, 2)
        assert (second.status, len(second.attempts)) == (200, 1)

    @pytest.mark.parametrize("scenario", ["messages_create", "messages_stream", "chat_create", "chat_raw_stream"])
    def test_an_overloaded_provider_is_replaced(
        self, client: Client, house: House, simulated: RunningSimulator, scenario: str
    ) -> None:
        """The client never hears of the 529: the chain's next model answers."""
        simulated.script("claude-sonnet-5-5", *[{"status": 529}] * 2)
        simulated.script("gpt-4o", {"text": TEXT})
        seen = client.play(scenario, prompt="Hi", model="careful")
        assert seen["text"] == TEXT
        receipt = house.books.one()
        assert [attempt.outcome for attempt in receipt.attempts] == ["failed", "failed", "answered"]
        assert receipt.attempts[-1].provider == "openai"
        assert stated(receipt.usage) == tuple(seen["usage"])

    @pytest.mark.parametrize("scenario", ["messages_create", "chat_create", "responses_create"])
    def test_when_all_are_overloaded(
        self, client: Client, house: House, simulated: RunningSimulator, scenario: str
    ) -> None:
        simulated.script("*", *[{"status": 529}] * 4)
        with pytest.raises(ClientFailed) as met:
            client.play(scenario, prompt="Hi", model="careful")
        assert met.value.told["status"] in (503, 529)
        assert met.value.told["request_id"]
        receipt = house.books.one()
        assert (receipt.outcome, len(receipt.attempts), receipt.cost_nano) == ("failed", 4, 0)

    @pytest.mark.parametrize("asked", BOTH, ids=["anthropic", "openai"])
    @pytest.mark.parametrize("scenario", ["messages_create", "messages_stream", "chat_create", "responses_create"])
    def test_a_refusal(
        self, client: Client, house: House, simulated: RunningSimulator, scenario: str, asked: Any
    ) -> None:
        simulated.script("*", {"status": 400, "message": "no good"})
        with pytest.raises(ClientFailed, match="no good") as met:
            client.play(scenario, **asked, retries=2)
        assert met.value.told["class"] == "BadRequestError"
        assert "invalid_request_error" in json.dumps(met.value.told["body"])
        assert met.value.told["request_id"]
        house.books.one()
        assert len(simulated.requests()) == 1, "a refusal is final"

    @pytest.mark.parametrize("asked", BOTH, ids=["anthropic", "openai"])
    @pytest.mark.parametrize("scenario", ["messages_stream", "chat_raw_stream", "responses_stream"])
    def test_an_error_in_the_middle(
        self, client: Client, house: House, simulated: RunningSimulator, scenario: str, asked: Any
    ) -> None:
        """The client's own library raises it; what was produced until then is paid for."""
        simulated.script(
            "*",
            {
                "output_tokens": 200,
                "error_event_at": 30,
                "stall_after_events": 12,
                "stall_ms": 400,
                "message": "lost my thread",
            },
        )
        with pytest.raises(ClientFailed, match="lost my thread"):
            client.play(scenario, **asked, retries=2)
        receipt = house.books.one()
        assert receipt.outcome == "cut"
        assert receipt.usage.output_estimated
        assert 0 < receipt.usage.output < 200
        assert receipt.cost_nano

    @pytest.mark.parametrize("asked", BOTH, ids=["anthropic", "openai"])
    @pytest.mark.parametrize("scenario", ["messages_stream", "chat_raw_stream"])
    def test_a_cut_in_the_middle(
        self, client: Client, house: House, simulated: RunningSimulator, scenario: str, asked: Any
    ) -> None:
        """A broken answer is never taken for a whole one."""
        simulated.script("*", {"output_tokens": 200, "cut_after_events": 30, "stall_after_events": 12, "stall_ms": 400})
        with pytest.raises(ClientFailed):
            client.play(scenario, **asked, retries=2)
        receipt = house.books.one()
        assert receipt.outcome == "cut"
        assert 0 < receipt.usage.output < 200
        assert receipt.cost_nano

    @pytest.mark.parametrize("scenario", ["messages_stream", "chat_raw_stream"])
    def test_a_cut_before_any_content_is_mended(
        self, client: Client, house: House, simulated: RunningSimulator, scenario: str
    ) -> None:
        simulated.script("*", {"text": "lost", "cut_after_events": 1}, {"text": TEXT})
        assert client.play(scenario, **BOTH[0])["text"] == TEXT
        assert [attempt.outcome for attempt in house.books.one().attempts] == ["failed", "answered"]


ENDS = {"/v1/messages": "event: message_stop", "/v1/chat/completions": "data: [DONE]"}


@pytest.mark.parametrize("model", [TARGETS["anthropic"], TARGETS["openai"]])
@pytest.mark.parametrize("path", ENDS)
def test_a_client_may_leave_once_it_has_the_end(
    house: House, simulated: RunningSimulator, path: str, model: str
) -> None:
    """Clients hang up after the last event; a provider may take a while longer to do so. The answer was whole."""
    house.books.new()
    simulated.script("*", {"text": TEXT, "tick_ms": 300, "chunk_tokens": 100})
    body = {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    headers = {"authorization": f"Bearer {MASTER_KEY}", "anthropic-version": "2023-06-01"}
    with httpx2.Client() as client, client.stream("POST", house.url + path, json=body, headers=headers) as answer:
        for line in answer.iter_lines():
            if line.startswith(ENDS[path]):
                break
    receipt = house.books.one()
    assert receipt.outcome == receipt.attempts[-1].outcome == "answered"
    assert not receipt.usage.estimated
    assert [stated(receipt.usage)] == true_usage(simulated)

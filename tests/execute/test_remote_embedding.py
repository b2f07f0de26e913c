"""Embedders at a provider: a simulated one over HTTP, its bill in a real ledger, whatever becomes of the call."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tenbin.app import Gateway
from tenbin.core.ask import Caller
from tenbin.core.receipt import Receipt
from tenbin.execute.clock import SystemClock
from tenbin.execute.embedding import TOO_LONG, Embedding
from tenbin.execute.remote_embedding import Payer, RemoteEmbedder, tokens_at_most, traits, vector_in
from tenbin.simulator import RunningSimulator
from tests.real.books import configured, receipts_in

Work = Callable[[Gateway, RunningSimulator], Awaitable[None]]


def run(directory: Path, work: Work, **keys: Any) -> list[Receipt]:
    """Do it in a gateway's own event loop; the receipts that are there when it has closed."""

    async def main(simulator: RunningSimulator) -> None:
        url = simulator.url
        providers = {
            "openai": {
                "base_url": f"{url}/openai/v1",
                "dialect": "openai_chat",
                "api_key": "sk-own",
                "models": {"text-embedding-3-small": {"price": {"input": 0.02, "output": 0}}},
            },
            "ollama": {"base_url": f"{url}/ollama", "dialect": "ollama_chat"},
            "anthropic": {"base_url": f"{url}/anthropic", "dialect": "anthropic", "api_key": "sk-own"},
            "dead": {"base_url": "http://127.0.0.1:1/v1", "dialect": "openai_chat"},
        }
        gateway = Gateway(configured(providers=providers, **keys), directory)
        try:
            await work(gateway, simulator)
        finally:
            await gateway.close()

    with RunningSimulator() as simulator:
        asyncio.run(main(simulator))
    return receipts_in(directory)


def remote(model: str, told: list[str] | None = None, **options: Any) -> RemoteEmbedder:
    return RemoteEmbedder(model, SystemClock(), (told if told is not None else []).append, **options)


def test_a_vector_and_its_bill(tmp_path: Path) -> None:
    async def work(gateway: Gateway, simulator: RunningSimulator) -> None:
        made = Embedding((), (remote("openai/text-embedding-3-small"),), budget_ms=60_000)
        await made.prepare()
        payer = Payer(gateway.world, Caller(key_id="key_7"))
        one = await made.of("How old is the Earth?", payer)
        again = await made.of("How old is the Earth?", payer)
        other = await made.of("地球は何歳ですか？", payer)
        assert one.vector is not None
        assert again.vector is not None
        assert other.vector is not None
        assert np.array_equal(one.vector, again.vector)
        assert one.embedder == "openai/text-embedding-3-small:1536"
        assert np.isclose(np.linalg.norm(one.vector), 1)
        await made.close()

    receipts = run(tmp_path, work)
    assert len(receipts) == 2, "what is known already is not asked for again"
    for receipt in receipts:
        assert (receipt.outcome, receipt.operation, receipt.route) == ("answered", "embed", "semantic_cache")
        assert receipt.key_id == "key_7"
        assert receipt.usage.input > 0
        assert not receipt.usage.input_estimated
        assert receipt.billed_nano == receipt.usage.input * 20


def test_an_ollama(tmp_path: Path) -> None:
    async def work(gateway: Gateway, simulator: RunningSimulator) -> None:
        made = Embedding((), (remote("ollama/nomic-embed-text"),), budget_ms=60_000)
        found = await _after_loading(made, "How old is the Earth?", Payer(gateway.world, Caller(key_id="local")))
        assert found.vector is not None
        assert (await made.of("地球は何歳ですか？")).why == "no embedder reads Japanese"

    (receipt,) = run(tmp_path, work)
    assert receipt.attempts[0].provider == "ollama"


async def _after_loading(made: Embedding, text: str, payer: Payer) -> Any:
    await made.prepare()
    return await made.of(text, payer)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("nowhere/some-model", "nowhere/some-model is no configured embedder"),
        ("anthropic/claude-sonnet-4-6", "anthropic/claude-sonnet-4-6 is no configured embedder"),
        ("some-model", "some-model is no configured embedder"),
    ],
)
def test_a_model_that_has_no_vectors_is_not_called(tmp_path: Path, model: str, why: str) -> None:
    async def work(gateway: Gateway, simulator: RunningSimulator) -> None:
        made = Embedding((), (remote(model),), budget_ms=60_000)
        assert (await _after_loading(made, "Hello there", Payer(gateway.world, Caller(key_id="local")))).why == why

    assert run(tmp_path, work) == []


def test_without_somebody_to_pay_nobody_is_called(tmp_path: Path) -> None:
    async def work(gateway: Gateway, simulator: RunningSimulator) -> None:
        made = Embedding((), (remote("openai/text-embedding-3-small"),), budget_ms=60_000)
        await made.prepare()
        assert (await made.of("Hello there")).why == "nobody is there to pay for a remote embedder"
        long = "one more word " * 5_000
        assert (await made.of(long, Payer(gateway.world, Caller(key_id="local")))).why == TOO_LONG

    assert run(tmp_path, work) == []


def test_a_provider_that_is_gone_is_left_alone(tmp_path: Path) -> None:
    told: list[str] = []

    async def work(gateway: Gateway, simulator: RunningSimulator) -> None:
        made = Embedding((), (remote("dead/text-embedding-3-small", told),), budget_ms=60_000)
        payer = Payer(gateway.world, Caller(key_id="local"))
        assert (await _after_loading(made, "Hello there", payer)).why == "the embedder failed: unreachable"
        for number in range(20):
            assert (await made.of(f"Hello {number}", payer)).why.endswith("does not answer")

    (receipt,) = run(tmp_path, work)
    assert (receipt.outcome, receipt.usage.input) == ("failed", 0)
    assert len(told) == 1


def test_a_late_answer_is_paid_kept_and_not_waited_for(tmp_path: Path) -> None:
    async def work(gateway: Gateway, simulator: RunningSimulator) -> None:
        simulator.script(delay_ms=300)
        made = Embedding((), (remote("openai/text-embedding-3-small"),))
        await made.prepare()
        payer = Payer(gateway.world, Caller(key_id="local"))
        late = await made.of("How old is the Earth?", payer, budget_ms=1)
        assert (late.vector, late.why) == (None, "the embedder was too slow")
        assert (await made.of("How old is the Earth?", payer, budget_ms=60_000)).vector is not None

    (receipt,) = run(tmp_path, work)
    assert receipt.outcome == "answered"
    assert receipt.billed_nano


def test_one_that_never_answers_is_cut_off_and_estimated(tmp_path: Path) -> None:
    async def work(gateway: Gateway, simulator: RunningSimulator) -> None:
        simulator.script(delay_ms=30_000)
        made = Embedding((), (remote("openai/text-embedding-3-small", seconds=0.2),), budget_ms=60_000)
        found = await _after_loading(made, "How old is the Earth?", Payer(gateway.world, Caller(key_id="local")))
        assert found.why == "the embedder failed: timeout"

    (receipt,) = run(tmp_path, work)
    assert receipt.outcome == "failed"
    assert receipt.usage.input_estimated
    assert receipt.usage.input == tokens_at_most("How old is the Earth?")
    assert receipt.billed_nano


@pytest.mark.parametrize(
    "answer",
    [
        {"data": []},
        {"data": [{"embedding": []}]},
        {"data": [{"embedding": [0.0, 0.0]}]},
        {"data": [{"embedding": [1.0]}, {"embedding": [1.0]}]},
        {"data": [{"embedding": "AAAA"}]},
        {"data": [{"embedding": [1e400]}]},
        {"data": [{"embedding": [1.0, None]}]},
        {"error": "no"},
        [],
    ],
)
def test_an_answer_without_one_good_vector_is_none(answer: object) -> None:
    assert vector_in(msgspec.json.encode(answer)) is None


def test_a_vector_is_brought_to_length_one() -> None:
    found = vector_in(b'{"data":[{"embedding":[3, 4]}]}')
    assert found is not None
    assert found.tolist() == pytest.approx([0.6, 0.8])
    assert vector_in(b'{"data":[{"embedding":[1e200, 0]}]}') is not None
    assert vector_in(b"no JSON") is None


def test_what_is_known_of_models() -> None:
    assert traits("ollama/nomic-embed-text:latest").languages == {"en"}
    assert traits("ollama/nomic-embed-text-v2-moe").languages == {"en", "ja", "other"}
    assert traits("openai/text-embedding-3-large").window == 8_191
    assert traits("mine/unheard-of").window == 512

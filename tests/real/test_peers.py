"""Other gateways as providers of Tenbin, with their real packages: LiteLLM's proxy and claude-code-router, each in
front of the simulator. What a client may meet of a gateway behind a gateway: text, tools, streams, and the same
figures everywhere.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.real.books import House, configured, serving, stated
from tests.real.conftest import PRICE
from tests.real.loopback import Loopback
from tests.real.peers import KEY, Start, claude_code_router, litellm
from tests.real.sdk import Client
from tests.real.test_sdks import CALLS, LOOP, TEXT, scripted, true_usage

# The first run on a machine installs them.
pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Row:
    """A client, a gateway behind Tenbin, a simulator behind that; all in a network of their own."""

    loopback: Loopback
    simulator: RunningSimulator
    house: House
    client: Client

    def play(self, scenario: str, model: str, prompt: str, **more: Any) -> tuple[Any, list[Receipt]]:
        """What the client saw, and the receipts."""
        self.house.books.new()
        self.loopback.run(self.simulator.reset)
        seen = self.client.play(scenario, model=model, prompt=prompt, **more)
        return seen, self.house.books.new()

    def truth(self) -> list[tuple[int, int, int]]:
        """What the provider at the end of the row really used, each answer."""
        return sorted(self.loopback.run(lambda: true_usage(self.simulator)))


@contextlib.contextmanager
def row(loopback: Loopback, factory: pytest.TempPathFactory, name: str, start: Start, rows: Any) -> Iterator[Row]:
    with contextlib.ExitStack() as stack:
        simulator = loopback.run(lambda: stack.enter_context(RunningSimulator()))
        port = loopback.free_port()
        peer = stack.enter_context(start(loopback, port, factory.mktemp(name), simulator.url))
        providers = {
            provider: {"api_key": KEY, **facts, "base_url": f"{peer.url}{facts['base_url']}"}
            for provider, facts in rows.items()
        }
        directory = factory.mktemp("ledger")
        house = loopback.run(lambda: stack.enter_context(serving(configured(providers=providers), directory)))
        client = loopback.run(lambda: stack.enter_context(Client(old=False)))
        client.of(house)
        yield Row(loopback, simulator, house, client)


def priced(*models: str) -> dict[str, Any]:
    return {model: {"price": PRICE} for model in models}


@pytest.fixture(scope="module")
def behind_litellm(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    """LiteLLM is two providers: ``chat`` and ``messages``, by the dialect in which Tenbin speaks to it."""
    models = priced("behind-openai", "behind-anthropic")
    rows = {
        "chat": {"base_url": "/v1", "profile": "litellm", "dialect": "openai_chat", "models": models},
        "messages": {"base_url": "", "profile": "litellm", "dialect": "anthropic", "models": models},
    }
    with row(loopback, tmp_path_factory, "litellm", litellm, rows) as running:
        yield running


@pytest.fixture(scope="module")
def behind_router(loopback: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Row]:
    """claude-code-router speaks Anthropic's dialect to clients."""
    rows = {"router": {"base_url": "", "dialect": "anthropic", "models": priced("simulated,gpt-4o")}}
    with row(loopback, tmp_path_factory, "router", claude_code_router, rows) as running:
        yield running


LITELLM = [
    ("chat/behind-openai", "messages"),
    ("chat/behind-anthropic", "messages"),
    ("messages/behind-anthropic", "messages"),
    ("chat/behind-openai", "chat"),
    ("chat/behind-anthropic", "chat"),
    ("messages/behind-anthropic", "chat"),
]
"""Provider and model, and the client's dialect."""

STREAMED = {"messages": "messages_stream", "chat": "chat_stream"}


@pytest.mark.parametrize(("model", "dialect"), LITELLM)
class TestLiteLLM:
    def test_text(self, behind_litellm: Row, model: str, dialect: str) -> None:
        for scenario in (f"{dialect}_create", STREAMED[dialect]):
            seen, receipts = behind_litellm.play(scenario, model, scripted({"text": TEXT}))
            assert seen["text"] == TEXT
            [receipt] = receipts
            check([seen], receipts, behind_litellm)
            # LiteLLM says what it thinks that it costs; Tenbin writes that down beside its own figure.
            assert receipt.cost_nano

    @pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
    def test_tools(self, behind_litellm: Row, model: str, dialect: str, stream: bool) -> None:
        turns, receipts = behind_litellm.play(f"{dialect}_tools", model, LOOP, stream=stream)
        assert [turn["calls"] for turn in turns] == CALLS
        assert turns[-1]["text"] == TEXT
        check(turns, receipts, behind_litellm)


def check(seen: list[dict[str, Any]], receipts: list[Receipt], row: Row) -> None:
    """Client, ledger and the provider at the end of the row agree."""
    booked = sorted(stated(receipt.usage) for receipt in receipts)
    assert sorted(tuple(one["usage"]) for one in seen) == booked
    assert row.truth() == booked
    assert {receipt.outcome for receipt in receipts} == {"answered"}
    assert not any(receipt.usage.estimated for receipt in receipts)


ROUTED = "router/simulated,gpt-4o"


@pytest.mark.parametrize("dialect", ["messages", "chat"])
class TestClaudeCodeRouter:
    def test_text(self, behind_router: Row, dialect: str) -> None:
        seen, receipts = behind_router.play(f"{dialect}_create", ROUTED, scripted({"text": TEXT}))
        assert seen["text"] == TEXT
        check([seen], receipts, behind_router)

    def test_a_stream(self, behind_router: Row, dialect: str) -> None:
        """It asks its provider for no usage in a stream, and tells none: Tenbin counts for itself, and says so."""
        seen, [receipt] = behind_router.play(STREAMED[dialect], ROUTED, scripted({"text": TEXT}))
        assert seen["text"] == TEXT
        close([receipt], behind_router)

    def test_tools(self, behind_router: Row, dialect: str) -> None:
        turns, receipts = behind_router.play(f"{dialect}_tools", ROUTED, LOOP)
        assert [turn["calls"] for turn in turns] == CALLS
        assert turns[-1]["text"] == TEXT
        check(turns, receipts, behind_router)

    def test_tools_in_a_stream(self, behind_router: Row, dialect: str) -> None:
        turns, receipts = behind_router.play(f"{dialect}_tools", ROUTED, LOOP, stream=True)
        assert [turn["calls"] for turn in turns] == CALLS
        assert turns[-1]["text"] == TEXT
        close(receipts, behind_router)


def close(receipts: list[Receipt], row: Row) -> None:
    """An estimate is marked as one, and not far from the truth."""
    booked = sorted(stated(receipt.usage) for receipt in receipts)
    assert all(receipt.usage.input_estimated and receipt.usage.output_estimated for receipt in receipts), booked
    for (prompt, _, output), (true_prompt, _, true_output) in zip(booked, row.truth(), strict=True):
        assert true_prompt / 2 <= prompt <= true_prompt * 2
        assert true_output / 2 <= output <= true_output * 2
    assert all(receipt.cost_nano for receipt in receipts), json.dumps(booked)

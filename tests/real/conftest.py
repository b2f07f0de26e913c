"""Real parts: the embedded model, the simulator, and gateways in front of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.real.books import House, configured, serving
from tests.real.loopback import MISSED, Loopback
from tests.real.sdk import Client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives real clients, servers or a real model."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What could not be had is said where nobody overlooks it."""
    for line in MISSED:
        terminalreporter.write_line(f"ATTENTION: {line}", red=True, bold=True)


@pytest.fixture(scope="session")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture(scope="session")
def loopback() -> Iterator[Loopback]:
    """A network of its own."""
    network = Loopback()
    yield network
    network.close()


@pytest.fixture
def simulated(simulator: RunningSimulator) -> RunningSimulator:
    """The simulator, without memory of earlier tests."""
    simulator.reset()
    return simulator


@pytest.fixture(scope="session", params=["newest", "older"])
def sdk(request: pytest.FixtureRequest) -> Iterator[Client]:
    """The official SDKs, in their newest version and one major before."""
    with Client(old=request.param == "older") as client:
        yield client


PRICE = {"input": 3, "output": 15, "cache_read": 0.3, "cache_write_5m": 3.75}
"""USD a million tokens, of models that no price list knows."""

MASTER_KEY = "tenbin-" + "0123456789abcdef"


def providers(url: str) -> dict[str, Any]:
    """One provider for each habit that the simulator copies."""
    context: dict[str, Any] = {"qwen3:8b": {"context": 40_960, "price": PRICE}}
    rows: dict[str, dict[str, Any]] = {
        "anthropic": {"base_url": f"{url}/anthropic"},
        "openai": {"base_url": f"{url}/openai/v1", "dialect": "openai_chat"},
        "responses": {"base_url": f"{url}/openai/v1", "dialect": "openai_responses", "profile": "openai"},
        "deepseek": {"base_url": f"{url}/deepseek"},
        "openrouter": {"base_url": f"{url}/openrouter/api/v1", "dialect": "openai_chat"},
        "gemini": {"base_url": f"{url}/gemini/v1beta/openai"},
        "vllm": {"base_url": f"{url}/vllm/v1", "dialect": "openai_chat"},
        "messy": {"base_url": f"{url}/messy/v1", "dialect": "openai_chat"},
        "ollama": {"base_url": f"{url}/ollama", "models": context},
    }
    return {name: {"api_key": "any", **row} for name, row in rows.items()}


@pytest.fixture(scope="session")
def house(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A gateway with a master key, in front of the simulator under all its names. It tries again quickly, and no
    failure of one test closes a target to the next one.
    """
    config = configured(
        master_key=MASTER_KEY,
        providers=providers(simulator.url),
        models={"careful": ["anthropic/claude-sonnet-5-5", "openai/gpt-4o"]},
        retries={"per_target": 1, "base_ms": 1},
        cooldown={"after_failures": 1_000_000},
    )
    with serving(config, tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture
def client(sdk: Client, house: House, simulated: RunningSimulator) -> Client:
    """The SDKs, pointed at ``house``, whose ledger is read up to here."""
    house.books.new()
    sdk.of(house, MASTER_KEY)
    return sdk

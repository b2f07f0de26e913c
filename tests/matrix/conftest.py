"""One gateway and one simulator for the whole matrix, and what has been found so far."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tenbin.config.model import Config
from tenbin.running import RunningGateway
from tenbin.simulator import RunningSimulator
from tests.matrix.features import Receipts
from tests.matrix.page import Cell, Found


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-docs", action="store_true", help="write docs/capabilities.md instead of comparing it")


@pytest.fixture(scope="session")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture(scope="session")
def receipts() -> Receipts:
    return Receipts()


@pytest.fixture(scope="session")
def gateway(simulator: RunningSimulator, receipts: Receipts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL. Each provider is one of those in the table of profiles, at the simulator's address."""
    providers = {
        "anthropic": {"base_url": f"{simulator.url}/anthropic", "api_key": "any"},
        "openrouter": {"base_url": f"{simulator.url}/openrouter/v1", "api_key": "any", "dialect": "openai_chat"},
        "openai": {"base_url": f"{simulator.url}/openai/v1", "api_key": "any", "dialect": "openai_responses"},
        "ollama": {
            "base_url": f"{simulator.url}/ollama",
            "models": {"qwen3:8b": {"context": 40_960, "quirks": {"reasoning_request": "thinking"}}},
        },
    }
    config = msgspec.convert({"providers": providers, "discover": False, "local_model": False}, Config)
    directory: Path = tmp_path_factory.mktemp("matrix")
    with RunningGateway(config, directory) as running:
        running.book.subscribe(receipts.add)
        yield running.url


@pytest.fixture(scope="session")
def found() -> dict[Cell, Found]:
    """What the cells that have run so far came to."""
    return {}

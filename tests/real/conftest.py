"""Real parts: the embedded model, the simulator, and gateways in front of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tenbin.simulator import RunningSimulator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives real clients, servers or a real model."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running

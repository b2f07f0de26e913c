"""A gateway with short limits in front of a simulator."""

from collections.abc import Iterator

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import (
    Caller,
    chained,
    nothing_failed_inside,
    simulator,
    simulator_running,
)
from tests.real.books import Books, House, serving

__all__ = ["nothing_failed_inside", "simulator", "simulator_running"]

LIMITS = {"header_seconds": 0.4, "body_seconds": 0.5, "header_bytes": 20_000}


@pytest.fixture(scope="session")
def house(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    config = chained(simulator_running.url, limits=LIMITS)
    with serving(config, tmp_path_factory.mktemp("limited")) as running:
        yield running


@pytest.fixture
def caller(house: House, simulator: RunningSimulator) -> Iterator[Caller]:
    """A client of the gateway; earlier receipts don't count."""
    house.books.new()
    one = Caller(house.url)
    yield one
    one.http.close()


@pytest.fixture
def url(house: House) -> str:
    return house.url


@pytest.fixture
def books(house: House, caller: Caller) -> Books:
    return house.books

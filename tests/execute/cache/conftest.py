"""Gateways with a response cache in front of the simulator."""

from collections.abc import Iterator

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import House, serving

TEAMS = {"support": ["ann", "ben"]}


@pytest.fixture(scope="session")
def caching_house(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    config = chained(simulator_running.url, cache={"exact": "serve", "wait_seconds": 20})
    with serving(config, tmp_path_factory.mktemp("caching")) as running:
        yield running


@pytest.fixture
def asking(caching_house: House, simulator: RunningSimulator) -> Iterator[Caller]:
    """A client of the gateway that caches; what earlier tests left behind is gone."""
    cache = caching_house.running.gateway.cache
    assert cache is not None
    for held in list(cache.memory._held.values()):
        cache.memory._drop(held)
    caching_house.books.new()
    one = Caller(caching_house.url)
    yield one
    one.http.close()

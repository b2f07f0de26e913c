"""Every vector index there is, over real servers: one suite holds them all to the same law."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tenbin.execute.clock import SystemClock
from tenbin.execute.vectors.index import Index
from tenbin.execute.vectors.memory import MemoryIndex
from tenbin.execute.vectors.opening import open_index
from tests.real.postgres_server import PostgresServer
from tests.real.redis_server import RedisServer

SECONDS = 10.0
"""For an operation: no test is about how fast this machine is."""


class TurnedClock(SystemClock):
    """Stands where it is put."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def told() -> list[str]:
    """What operators were told."""
    return []


Making = Callable[[], Index]


@pytest.fixture(params=["memory", "graph", "redis", "postgres"])
def making(request: pytest.FixtureRequest, clock: TurnedClock, told: list[str], tmp_path: Path) -> Making:
    """Makes the index within the event loop that will use it."""
    kind = request.param
    if kind == "memory":
        return lambda: MemoryIndex(clock, told.append)
    if kind == "graph":
        return lambda: MemoryIndex(clock, told.append, most_read_through=4)
    if kind == "redis":
        redis: RedisServer = request.getfixturevalue("redis_server")
        return lambda: open_index(redis.address, clock=clock, seconds=SECONDS, tell=told.append)
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    return lambda: open_index(postgres.address, clock=clock, seconds=SECONDS, tell=told.append)

"""The stores of spending over real servers; one model holds them all to the same law."""

from collections.abc import Iterator

import pytest

from tests.real.postgres_server import PostgresServer
from tests.real.redis_server import VALKEY, RedisServer


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    options = ("--appendonly", "yes", "--maxmemory-policy", "noeviction")
    with RedisServer(tmp_path_factory.mktemp("valkey"), *options, program=VALKEY) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server

"""A real Valkey for counters that gateways share."""

from collections.abc import Iterator

import pytest

from tests.real.redis_server import VALKEY, RedisServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("counters"), program=VALKEY) as running:
        yield running

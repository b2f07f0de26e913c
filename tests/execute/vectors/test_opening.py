"""Embedders and indexes by their configured names; what is no such name is refused in words."""

import asyncio

import pytest

from tenbin.execute.cache.redis_connection import RedisConnection
from tenbin.execute.clock import SystemClock
from tenbin.execute.vectors.memory import MemoryIndex
from tenbin.execute.vectors.opening import installed, open_embedding, open_index
from tenbin.execute.vectors.postgres import PostgresIndex
from tenbin.execute.vectors.redis_vectors import RedisIndex
from tests.real.redis_server import RedisServer


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("memory", MemoryIndex),
        ("redis://127.0.0.1:1/0", RedisIndex),
        ("valkey://127.0.0.1:1/0", RedisIndex),
        ("postgresql://127.0.0.1:1/x", PostgresIndex),
        ("postgres://127.0.0.1:1/x", PostgresIndex),
    ],
)
def test_an_index_by_its_address(address: str, kind: type) -> None:
    async def main() -> None:
        index = open_index(address, clock=SystemClock(), seconds=1)
        assert isinstance(index, kind)
        await index.close()

    asyncio.run(main())


@pytest.mark.parametrize("address", ["http://cache", "mysql://me:secret@x/y", "", "disk"])
def test_an_address_of_no_index_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="neither memory nor the beginning of a redis:// or postgresql://") as refused:
        open_index(address, clock=SystemClock(), seconds=1)
    assert "secret" not in str(refused.value)


def test_a_connection_that_is_lent_stays_open(redis_server: RedisServer) -> None:
    async def main() -> None:
        connection = RedisConnection(redis_server.address, seconds=5, clock=SystemClock(), tell=print)
        index = open_index(redis_server.address, clock=SystemClock(), seconds=5, connection=connection)
        await index.close()
        assert await connection.run("PING") == b"PONG"
        await connection.close()

    asyncio.run(main())


def test_embedders_by_their_names() -> None:
    async def main() -> None:
        embedding = open_embedding(["openai/text-embedding-3-small", "minilm"], clock=SystemClock())
        await embedding.prepare()
        assert embedding.embedders == ("all-minilm-l6-v2-int8", "openai/text-embedding-3-small")
        await embedding.close()

    asyncio.run(main())
    assert installed() == ("minilm", "multilingual-e5")

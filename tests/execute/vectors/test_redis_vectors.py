"""What is peculiar about vectors in Redis: members that end, keys that end, and servers without vector sets."""

import asyncio
from pathlib import Path

import pytest

from tenbin.execute.cache.redis_connection import RedisConnection
from tenbin.execute.clock import SystemClock
from tenbin.execute.vectors.index import NEVER_MS
from tenbin.execute.vectors.redis_vectors import LONGEST_LIFE_MS, RedisIndex
from tests.execute.vectors.conftest import SECONDS, TurnedClock
from tests.execute.vectors.test_index import vector
from tests.real.redis_server import VALKEY, RedisServer


def test_a_valkey_is_told_of_once_and_serves_the_rest(tmp_path: Path) -> None:
    told: list[str] = []

    async def main(server: RedisServer) -> None:
        clock = SystemClock()
        connection = RedisConnection(server.address, seconds=SECONDS, clock=clock, tell=told.append)
        index = RedisIndex(connection, clock, told.append)
        known = await connection.server()
        assert (known.name, known.vector_sets, known.search) == ("valkey", False, False)
        for number in range(5):
            assert await index.nearest("scope", vector(1), 3) == []
            await index.add("scope", f"{number}", vector(number))
        assert not index.usable
        assert await connection.run("DBSIZE") == 0, "nothing is written that nobody would find"
        assert await connection.run("SET", "exact", "still served") == b"OK"
        await connection.close()

    with RedisServer(tmp_path, program=VALKEY) as server:
        asyncio.run(main(server))
    assert len(told) == 1
    assert "has no vector sets (Redis has them from 8.0 on, Valkey has none)" in told[0]


def test_what_has_passed_is_taken_away_and_keys_end_with_their_last_entry(
    redis_server: RedisServer, clock: TurnedClock, told: list[str]
) -> None:
    async def main() -> None:
        connection = RedisConnection(redis_server.address, seconds=SECONDS, clock=clock, tell=told.append)
        index = RedisIndex(connection, clock, told.append, prefix="ends:")
        now = clock.now_ms()
        for number in range(10):
            await index.add("scope", f"{number}", vector(number), now + 60_000)
        await index.add("scope", "late", vector(99), now + 3_600_000)
        clock.ahead_ms += 61_000
        await index.add("scope", "new", vector(98), now + 120_000)
        assert await index.count("scope") == 2
        assert await connection.run("VCARD", "ends:set:scope") == 2
        for key in ("ends:set:scope", "ends:due:scope"):
            assert await connection.run("PEXPIRETIME", key) == now + 3_600_000
        assert await connection.run("PEXPIRETIME", "ends:entry:new") == now + 120_000
        await index.add("for good", "a", vector(1), NEVER_MS)
        ends = await connection.run("PEXPIRETIME", "ends:set:for good")
        assert ends in (-2, pytest.approx(clock.now_ms() + LONGEST_LIFE_MS, abs=60_000)), "nothing stays for good"
        await connection.close()

    asyncio.run(main())
    assert told == []


def test_nothing_is_left_of_an_entry_that_is_removed(
    redis_server: RedisServer, clock: TurnedClock, told: list[str]
) -> None:
    async def main() -> None:
        connection = RedisConnection(redis_server.address, seconds=SECONDS, clock=clock, tell=told.append)
        index = RedisIndex(connection, clock, told.append, prefix="gone:")
        await index.add("one", "a", vector(1))
        await index.add("two", "a", vector(2))
        assert await index.nearest("one", vector(1), 3) == []
        await index.remove("a")
        assert await connection.run("KEYS", "gone:*") == []
        await connection.close()

    asyncio.run(main())
    assert told == []

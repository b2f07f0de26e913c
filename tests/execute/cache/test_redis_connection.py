"""A real Redis: commands, refusals, time limits, and a server that is killed and comes back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from tenbin.execute.cache.availability import StoreRefused, StoreUnavailable
from tenbin.execute.cache.redis_connection import RedisConnection, shown
from tenbin.execute.clock import SystemClock
from tests.real.redis_server import RedisServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as running:
        yield running


def connected(address: str, told: list[str], seconds: float = 5.0) -> RedisConnection:
    return RedisConnection(address, seconds=seconds, clock=SystemClock(), tell=told.append)


@pytest.mark.parametrize("loop", [asyncio.run, uvloop.run])
def test_commands_and_their_raw_replies(server: RedisServer, loop: object) -> None:
    async def main() -> None:
        connection = connected(server.address, told := list[str]())
        assert await connection.run("SET", "a", b"\x00\xff", "PX", 60_000) == b"OK"
        assert await connection.run("GET", "a") == b"\x00\xff"
        assert await connection.run("GET", "none") is None
        assert await connection.run_all([("INCR", "n"), ("INCRBY", "n", 5)]) == [1, 6]
        found = await connection.server()
        assert found.name == "redis"
        assert found.version.startswith("8.")
        assert found.vector_sets
        assert not found.search
        await connection.close()
        assert told == []

    (asyncio.run if loop is asyncio.run else uvloop.run)(main())


def test_a_refusal_is_told_as_one(server: RedisServer) -> None:
    async def main() -> None:
        connection = connected(server.address, [])
        with pytest.raises(StoreRefused, match="unknown command"):
            await connection.run("NONSENSE")
        with pytest.raises(StoreRefused, match="not an integer"):
            await connection.run_all([("SET", "a", "b"), ("INCR", "a")])
        assert not connection.availability.down
        await connection.close()

    asyncio.run(main())


def test_one_that_is_killed_costs_nothing_and_is_found_again(server: RedisServer) -> None:
    async def main() -> None:
        connection = connected(server.address, told := list[str]())
        await connection.run("PING")
        server.kill()
        with pytest.raises(StoreUnavailable):
            await connection.run("PING")
        for _ in range(100):
            with pytest.raises(StoreUnavailable):
                await connection.run("PING")
        server.start()
        for _ in range(200):
            try:
                await connection.run("PING")
                break
            except StoreUnavailable:
                await asyncio.sleep(0.05)
        assert await connection.run("PING") == b"PONG"
        assert [line.rpartition(" (")[0] or line for line in told] == [
            f"{server.address} does not answer",
            f"{server.address} answers again.",
        ]
        await connection.close()

    asyncio.run(main())


def test_one_that_hangs_has_its_time(server: RedisServer) -> None:
    async def main() -> None:
        connection = connected(server.address, told := list[str](), seconds=0.2)
        await connection.run("PING")
        pausing = connected(server.address, [])
        await pausing.run("CLIENT", "PAUSE", 1_500, "ALL")
        with pytest.raises(StoreUnavailable, match="no answer in time"):
            await connection.run("GET", "a")
        await asyncio.sleep(2)
        assert await connection.run("SET", "a", "b") == b"OK", "an answer that came late is nobody else's"
        assert await connection.run("GET", "a") == b"b"
        assert len(told) == 2
        await connection.close()
        await pausing.close()

    asyncio.run(main())


def test_one_that_hangs_while_others_give_up_is_left_alone(server: RedisServer) -> None:
    """Requests have less time than a command: what they break off tells of the server too."""

    async def main() -> None:
        connection = connected(server.address, told := list[str](), seconds=0.4)
        await connection.run("PING")
        pausing = connected(server.address, [])
        await pausing.run("CLIENT", "PAUSE", 1_500, "ALL")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await connection.run("GET", "a")
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await connection.run("GET", "a")
        assert len(told) == 1
        await connection.close()
        await pausing.close()

    asyncio.run(main())


def test_many_at_once(server: RedisServer) -> None:
    async def main() -> None:
        connection = connected(server.address, [], seconds=20)
        await asyncio.gather(*(connection.run("SET", f"k{n}", n) for n in range(500)))
        values = await asyncio.gather(*(connection.run("GET", f"k{n}") for n in range(500)))
        assert values == [str(n).encode() for n in range(500)]
        await connection.close()

    asyncio.run(main())


def test_a_password_is_not_shown() -> None:
    assert shown("rediss://me:secret@cache.example:6380/2?ssl_cert_reqs=none") == "rediss://cache.example:6380/2"
    with pytest.raises(ValueError, match="'http://x' is not a redis"):
        connected("http://me:secret@x", [])

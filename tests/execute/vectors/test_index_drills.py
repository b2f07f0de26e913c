"""Drills on real servers: killed and started again while gateways look and store, they mean misses, never an error."""

import asyncio
import itertools
from typing import Protocol

import pytest

from tenbin.execute.clock import SystemClock
from tenbin.execute.vectors.index import Index
from tenbin.execute.vectors.opening import open_index
from tests.execute.vectors.test_index import vector
from tests.real.postgres_server import PostgresServer
from tests.real.redis_server import RedisServer

SECONDS = 2.0


class Server(Protocol):
    @property
    def address(self) -> str: ...

    def kill(self) -> None: ...

    def start(self) -> None: ...


@pytest.mark.parametrize("kind", ["redis", "postgres"])
def test_a_server_that_is_killed_mid_load(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    # A server of its own: the others' data would be gone with it.
    with RedisServer(tmp_path_factory.mktemp("killed")) if kind == "redis" else PostgresServer() as server:
        asyncio.run(_drill(server))


async def _drill(server: Server) -> None:
    told: list[str] = []
    index = open_index(server.address, clock=SystemClock(), seconds=SECONDS, tell=told.append)
    stop, found, missed = asyncio.Event(), list[bool](), list[bool]()

    async def load(worker: int) -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            seed = worker * 1_000 + number % 20
            await index.add("scope", f"{worker}-{number % 20}", vector(seed))
            near = await index.nearest("scope", vector(seed), 1)
            (found if near else missed).append(True)
            await asyncio.sleep(0.001)

    async with asyncio.TaskGroup() as group:
        for worker in range(8):
            group.create_task(load(worker))
        for _ in range(2):
            await _more(found)
            await asyncio.to_thread(server.kill)
            await _more(missed)
            await asyncio.to_thread(server.start)
        await _more(found)
        stop.set()
    assert await _works(index)
    await index.close()
    assert len(told) == 4, "that it went and that it came back, each time once"


async def _works(index: Index) -> bool:
    await index.add("other scope", "entry", vector(7))
    return [one.entry for one in await index.nearest("other scope", vector(7), 1)] == ["entry"]


async def _more(counted: list[bool]) -> None:
    """Return once fifty more have been counted."""
    already = len(counted)
    for _ in range(6_000):
        if len(counted) > already + 50:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("waited in vain")

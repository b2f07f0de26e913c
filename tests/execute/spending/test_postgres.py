"""Spending in PostgreSQL: tables that many make at once, a server that is killed, what is let go."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tenbin.core.budget import Claim, Denied, Granted, SpendingUnavailable
from tenbin.execute.clock import SystemClock
from tenbin.execute.spending import postgres
from tenbin.execute.spending.postgres import PostgresSpending
from tests.execute.spending.stores import NOW, TurnedClock, claim, fresh, opened
from tests.execute.spending.test_shared import again, reserved, sums
from tests.real.postgres_server import PostgresServer


async def rows(server: PostgresServer, statement: str, *arguments: object) -> list[Any]:
    connection = await asyncpg.connect(server.address)
    try:
        found: list[Any] = await connection.fetch(statement, *arguments)
        return found
    finally:
        await connection.close()


async def until_it_is_gone(store: Any, one: Claim) -> None:
    """What serves a connection may outlive the server for a moment."""
    for _ in range(2_000):
        await reserved(store, fresh(), one, 0)
        await asyncio.sleep(0.005)


def test_gateways_that_start_at_once_share_one_table(postgres_server: PostgresServer) -> None:
    async def main() -> None:
        name = f"made_{fresh()}"
        gateways = [
            PostgresSpending(
                *(postgres_server.address,), owner=f"{n}", clock=SystemClock(), tell=print, seconds=20, name=name
            )
            for n in range(6)
        ]
        one = claim(f"global/{name}", 4)
        answers = await asyncio.gather(*(reserved(store, f"{n}", one) for n, store in enumerate(gateways)))
        assert sum(isinstance(answer, Granted) for answer in answers) == 4
        for store in gateways:
            assert await sums(store, one) == (0, 4)
            await store.close()

    asyncio.run(main())


def test_one_that_is_killed_and_comes_back_knows_all(tmp_path: Path) -> None:
    async def main(server: PostgresServer) -> None:
        one, told = claim(f"global/{fresh()}", 20), list[str]()
        store: Any = opened(server.address, tmp_path, "a", clock=SystemClock(), told=told, seconds=2)
        for n in range(10):
            assert isinstance(await again(store, f"r{n}", one), Granted)
        begun = list(store._open)
        for reservation in begun[:4]:
            store.settle(reservation, 1)
        assert await store.told()
        server.kill()
        for reservation in begun[4:7]:
            store.settle(reservation, 1)
        with pytest.raises(SpendingUnavailable):
            await until_it_is_gone(store, one)
        await asyncio.to_thread(server.start)
        assert await store.told(30)
        assert isinstance(await again(store, "after", one), Granted)
        assert await sums(store, one) == (7, 4)
        await store.close()

    with PostgresServer(fsync="on") as server:
        asyncio.run(main(server))


def test_tables_that_are_dropped_are_made_and_filled_again(postgres_server: PostgresServer) -> None:
    async def main() -> None:
        name, spent = f"gone_{fresh()}", [0]
        store = PostgresSpending(
            postgres_server.address,
            owner="a",
            clock=SystemClock(),
            tell=print,
            seed=lambda claim: spent[0],
            seconds=20,
            name=name,
        )
        one = claim("global/month", 10)
        for n in range(3):
            assert isinstance(await reserved(store, f"{n}", one), Granted)
        spent[0] += 2
        store.settle("0", 2)
        assert await store.told()
        await rows(postgres_server, f"drop table {name}_windows, {name}_reservations cascade")
        with pytest.raises(SpendingUnavailable, match="does not exist"):
            await reserved(store, "3", one)
        assert isinstance(await reserved(store, "4", one, 6), Granted)
        assert isinstance(await reserved(store, "5", one), Denied)
        assert await store.told()
        assert await sums(store, one) == (2, 8)
        await store.close()

    asyncio.run(main())


def test_what_is_over_is_deleted(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "LET_GO_EVERY", 10)

    async def main() -> None:
        name, clock = f"over_{fresh()}", TurnedClock()
        store = PostgresSpending(postgres_server.address, owner="a", clock=clock, tell=print, seconds=20, name=name)
        for hour in range(8):
            clock.at = NOW + hour * 3_600_000
            one = Claim("global/hour", clock.at, clock.at + 3_600_000, 9, True)
            for n in range(5):
                assert isinstance(await store.reserve(f"{hour}.{n}", (one,), 1, clock.at, clock.at + 60), Granted)
                if n:
                    store.settle(f"{hour}.{n}", 1)
                assert await store.told()
        left = await rows(postgres_server, f"select counter from {name}_windows")
        assert len(left) <= 4
        assert len(await rows(postgres_server, f"select id from {name}_reservations")) <= 25
        await store.close()

    asyncio.run(main())


def test_a_name_that_it_cannot_hold(postgres_server: PostgresServer, tmp_path: Path) -> None:
    async def main() -> None:
        store: Any = opened(postgres_server.address, tmp_path, fresh(), clock=SystemClock())
        odd = claim(f"user:\0\ud800'; drop {fresh()}/month", 5)
        assert isinstance(await reserved(store, fresh(), odd, 5), Granted)
        assert isinstance(await reserved(store, fresh(), odd), Denied)
        assert await sums(store, odd) == (0, 5)
        await store.close()

    asyncio.run(main())


def test_more_calls_than_it_can_serve_in_time_are_told_so_and_nobody_else_is(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """Those that never came to be asked say nothing of the server: the next one is asked."""

    async def main() -> None:
        told, drawn = list[str](), claim(f"global/{fresh()}", 1_000)
        store: Any = opened(postgres_server.address, tmp_path, fresh(), clock=SystemClock(), told=told, seconds=1.5)
        assert isinstance(await reserved(store, fresh(), drawn), Granted)
        # Every connection is taken for longer than a call waits.
        pool = await store._opened()
        taken = [await pool.acquire() for _ in range(postgres.MOST_CONNECTIONS)]
        with pytest.raises(SpendingUnavailable, match="too many calls at once"):
            await reserved(store, fresh(), drawn)
        for connection in taken:
            await pool.release(connection)
        assert isinstance(await reserved(store, fresh(), drawn), Granted)
        assert told == []
        await store.close()

    asyncio.run(main())

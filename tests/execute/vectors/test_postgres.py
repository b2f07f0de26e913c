"""What is peculiar about vectors in PostgreSQL: a table that several gateways make at once, one without it."""

import asyncio

import pytest

from tenbin.execute.clock import SystemClock
from tenbin.execute.vectors import postgres
from tenbin.execute.vectors.postgres import PostgresIndex
from tests.execute.vectors.conftest import SECONDS, TurnedClock
from tests.execute.vectors.test_index import vector
from tests.real.postgres_server import PostgresServer


def opened(server: PostgresServer, told: list[str], table: str = "tenbin_vectors") -> PostgresIndex:
    return PostgresIndex(server.address, seconds=SECONDS, clock=SystemClock(), tell=told.append, table=table)


def test_gateways_that_start_at_once_share_one_table(postgres_server: PostgresServer, told: list[str]) -> None:
    async def main() -> None:
        gateways = [opened(postgres_server, told, "made_at_once") for _ in range(6)]
        await asyncio.gather(*(one.add("scope", f"{n}", vector(n)) for n, one in enumerate(gateways)))
        for one in gateways:
            assert await one.count("scope") == 6
            assert [near.entry for near in await one.nearest("scope", vector(3), 1)] == ["3"]
            await one.close()

    asyncio.run(main())
    assert told == []


def test_a_gateway_that_is_new_finds_what_others_know(postgres_server: PostgresServer, told: list[str]) -> None:
    async def main() -> None:
        old, new = (opened(postgres_server, told, "known_before") for _ in range(2))
        await old.add("scope", "a", vector(1))
        found = await new.nearest("scope", vector(1), 1)
        assert found == [], "its first request does not wait for the connection"
        for _ in range(1_000):
            if found := await new.nearest("scope", vector(1), 1):
                break
            await asyncio.sleep(0.01)
        assert [one.entry for one in found] == ["a"]
        await old.close()
        await new.close()

    asyncio.run(main())
    assert told == []


def test_one_without_pgvector_is_told_of_once(told: list[str]) -> None:
    async def main(server: PostgresServer) -> None:
        index = opened(server, told)
        for number in range(5):
            await index.add("scope", f"{number}", vector(number))
            assert await index.nearest("scope", vector(number), 3) == []
        await index.close()

    with PostgresServer(extension_control_path="/nowhere") as server:
        asyncio.run(main(server))
    assert len(told) == 1
    assert 'extension "vector" is not available' in told[0]


def test_rows_whose_time_has_passed_are_deleted(
    postgres_server: PostgresServer, clock: TurnedClock, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "SWEEP_EVERY", 5)

    async def main() -> None:
        index = PostgresIndex(
            postgres_server.address, seconds=SECONDS, clock=clock, tell=told.append, table="swept_vectors"
        )
        for number in range(4):
            await index.add("scope", f"{number}", vector(number), clock.now_ms() + 60_000)
        clock.ahead_ms += 61_000
        await index.add("scope", "new", vector(9), clock.now_ms() + 60_000)
        assert await index.count("scope") == 1
        await index.close()

    asyncio.run(main())
    assert told == []


@pytest.mark.parametrize("table", ["no-name", 'x"; drop table x', ""])
def test_a_table_has_a_plain_name(table: str) -> None:
    with pytest.raises(ValueError, match="is no name for a table"):
        PostgresIndex("postgresql://x/y", seconds=1, clock=SystemClock(), tell=print, table=table)

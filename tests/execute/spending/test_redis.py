"""A Redis that loses what it was told, or some of it, hands out no second budget; one that comes back knows all."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tenbin.core.budget import Claim, Denied, Granted, SpendingUnavailable
from tenbin.execute.clock import SystemClock
from tests.execute.spending.stores import claim, fresh, opened
from tests.execute.spending.test_shared import again, reserved, sums
from tests.real.redis_server import REDIS, VALKEY, RedisServer

KEEPS = ("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path, *KEEPS, program=VALKEY) as running:
        yield running


class Gateway:
    """One gateway, with a ledger that knows what its calls have cost."""

    def __init__(self, server: RedisServer, folder: Path, told: list[str] | None = None) -> None:
        self.spent = 0
        self.calls = 0
        self.name = fresh()
        self.store: Any = opened(
            server.address, folder, self.name, clock=SystemClock(), seed=lambda claim: self.spent, told=told
        )

    async def begin(self, one: Claim, worst: int = 1) -> str | None:
        self.calls += 1
        reservation = f"{self.name}{self.calls}:1"
        return reservation if isinstance(await reserved(self.store, reservation, one, worst), Granted) else None

    def end(self, reservation: str | None, cost: int) -> None:
        assert reservation is not None
        self.spent += cost
        self.store.settle(reservation, cost)


def test_one_that_is_killed_and_comes_back_knows_all(server: RedisServer, tmp_path: Path) -> None:
    async def main() -> None:
        one, told = claim(f"global/{fresh()}", 20), list[str]()
        gateway = Gateway(server, tmp_path, told)
        begun = [await gateway.begin(one) for _ in range(10)]
        for reservation in begun[:4]:
            gateway.end(reservation, 1)
        assert await gateway.store.told(10)
        await asyncio.sleep(1.2)  # appendfsync everysec
        server.kill()
        for reservation in begun[4:7]:
            gateway.end(reservation, 1)
        with pytest.raises(SpendingUnavailable):
            await gateway.begin(one)
        server.start()
        assert await gateway.store.told(30)
        assert isinstance(await again(gateway.store, gateway.name, one), Granted)
        assert await sums(gateway.store, one) == (7, 4)
        assert not any("lost" in line for line in told)
        await gateway.store.close()

    asyncio.run(main())


@pytest.mark.parametrize("loses", ["flush", "restart", "old", "evicts", "marker"])
def test_lost_data_are_given_back_and_the_limit_holds(tmp_path: Path, loses: str) -> None:
    options = ("--save", "", "--appendonly", "no") if loses in ("restart", "old") else KEEPS
    dump = tmp_path / "dump.rdb"

    def lose(server: RedisServer, one: Claim) -> None:
        with redis.Redis(port=server.port) as client:
            if loses == "flush":
                client.flushall()
            elif loses == "evicts":
                for key in client.scan_iter("*:c:*"):
                    client.delete(key)
            elif loses == "marker":
                client.delete("{tenbin:spending}")
        if loses in ("restart", "old"):
            server.kill()
            if loses == "old":
                shutil.copy(tmp_path / "old.rdb", dump)
            server.start()

    async def main(server: RedisServer) -> None:
        one, told = claim(f"global/{fresh()}", 20), list[str]()
        first, second = Gateway(server, tmp_path, told), Gateway(server, tmp_path)
        for gateway in (first, second):
            gateway.end(await gateway.begin(one, 3), 2)
            assert await gateway.store.told(10)
        if loses == "old":
            with redis.Redis(port=server.port) as client:
                client.save()
            shutil.copy(dump, tmp_path / "old.rdb")
        running = [await gateway.begin(one, 4) for gateway in (first, second)]
        first.end(await first.begin(one, 4), 3)
        assert await first.store.told(10)
        assert await sums(second.store, one) == (7, 8)
        lose(server, one)
        # 7 are spent and 8 set aside: 5 are left, whoever asks first, whatever the store still knows.
        granted = 0
        for number in range(12):
            for gateway in (second, first):
                answer = await again(gateway.store, f"{gateway.name}-after{number}", one)
                granted += isinstance(answer, Granted)
        assert granted <= 5
        assert sum(await sums(first.store, one)) >= 15 + granted
        for gateway, reservation in zip((first, second), running, strict=True):
            gateway.end(reservation, 4)
            assert await gateway.store.told(10)
        spent, aside = await sums(second.store, one)
        assert aside == granted
        assert 15 <= spent <= 15 + 8, "at most what others had under way is counted too high"
        assert any("has lost what was spent" in line for line in told)
        for gateway in (first, second):
            await gateway.store.close()

    with RedisServer(tmp_path, *options, program=VALKEY) as server:
        asyncio.run(main(server))


def test_a_gateway_alone_gives_back_exactly_what_was_lost(server: RedisServer, tmp_path: Path) -> None:
    async def main() -> None:
        one = claim(f"global/{fresh()}", 20)
        gateway = Gateway(server, tmp_path)
        for cost in (1, 2, 3):
            gateway.end(await gateway.begin(one, 4), cost)
        running = await gateway.begin(one, 4)
        with redis.Redis(port=server.port) as client:
            client.flushall()
        gateway.end(running, 4)  # it is the settling that finds out
        waiting = await gateway.begin(one, 5)
        assert await gateway.store.told(10)
        assert await sums(gateway.store, one) == (10, 5)
        with redis.Redis(port=server.port) as client:
            client.flushall()
        answers = await asyncio.gather(*(gateway.begin(one) for _ in range(50)))
        assert sum(one is not None for one in answers) == 5
        gateway.end(waiting, 0)
        assert await gateway.store.told(10)
        assert await sums(gateway.store, one) == (10, 5)
        await gateway.store.close()

    asyncio.run(main())


def test_settings_that_may_lose_what_was_spent_are_told_of_once(tmp_path: Path) -> None:
    async def main(server: RedisServer) -> None:
        told = list[str]()
        gateway = Gateway(server, tmp_path, told)
        for _ in range(3):
            gateway.end(await gateway.begin(claim(f"global/{fresh()}", 20)), 1)
            assert await gateway.store.told(10)
        (line,) = told
        assert "appendonly is no" in line
        assert "maxmemory-policy is allkeys-lru" in line
        await gateway.store.close()

    with RedisServer(tmp_path, "--maxmemory", "50mb", "--maxmemory-policy", "allkeys-lru", program=REDIS) as server:
        asyncio.run(main(server))


def test_one_awaited_command_for_each_reservation(server: RedisServer, tmp_path: Path) -> None:
    """Settlements are told together, behind."""

    async def main() -> None:
        one, calls = claim(f"global/{fresh()}", 10_000), 200
        gateway = Gateway(server, tmp_path)
        gateway.end(await gateway.begin(one), 1)
        assert await gateway.store.told(10)
        with redis.Redis(port=server.port) as client:
            client.config_resetstat()
            begun = [await gateway.begin(one) for _ in range(calls)]
            for reservation in begun:
                gateway.end(reservation, 1)
            assert await gateway.store.told(10)
            counts: Any = client.info("commandstats")
            assert calls <= counts["cmdstat_evalsha"]["calls"] <= calls + 5
            assert "cmdstat_eval" not in counts
            client.script_flush()
        assert await gateway.begin(one), "a script that the server has forgotten is sent again"
        assert await sums(gateway.store, one) == (calls + 1, 1)
        await gateway.store.close()

    asyncio.run(main())


def test_windows_that_are_over_are_let_go(server: RedisServer, tmp_path: Path) -> None:
    async def main() -> None:
        now = SystemClock().now_ms()
        hour, total = Claim(f"a/{fresh()}", now - 1, now + 1_000, 9, True), Claim(f"b/{fresh()}", 0, 1 << 53, 9, True)
        gateway = Gateway(server, tmp_path)
        assert isinstance(await gateway.store.reserve(f"{gateway.name}:1", (hour, total), 1, now, now + 1), Granted)
        with redis.Redis(port=server.port, decode_responses=True) as client:
            lives: dict[str, Any] = {key: client.pttl(key) for key in client.scan_iter()}
        (of_hour,) = (life for key, life in lives.items() if key.endswith(hour.counter))
        assert 0 < of_hour <= 3_601_000
        (of_total,) = (life for key, life in lives.items() if key.endswith(total.counter))
        assert of_total == -1
        (of_reservation,) = (life for key, life in lives.items() if ":r:" in key)
        assert of_reservation > 0
        assert isinstance(await reserved(gateway.store, f"{gateway.name}:2", total, 9), Denied)
        await gateway.store.close()

    asyncio.run(main())


def test_what_is_this_process_s_own_is_not_taken_for_left_behind(server: RedisServer, tmp_path: Path) -> None:
    """It is looked for while calls begin and end."""

    async def main() -> None:
        one = claim(f"global/{fresh()}", 1_000)
        gateway = Gateway(server, tmp_path)

        async def call() -> None:
            begun = await gateway.begin(one)
            await asyncio.sleep(0)
            gateway.end(begun, 1)

        async def look() -> list[tuple[str, ...]]:
            return [await gateway.store.unsettled() for _ in range(20)]

        found, *_ = await asyncio.gather(look(), *(call() for _ in range(300)))
        assert found == [()] * 20
        assert await gateway.store.told(10)
        assert gateway.store._open == {}
        assert await sums(gateway.store, one) == (300, 0)
        await gateway.store.close()

    asyncio.run(main())

"""What counting costs in each store of spending: `python -m benchmarks.budget_stores`. Real servers on this machine; a
reservation against three budgets and its settlement, one after the other and fifty at a time, then 500 at once.
"""

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from tenbin.core.budget import Claim, Granted, Spending
from tenbin.execute.clock import SystemClock
from tenbin.execute.spending.opening import open_spending
from tests.real.postgres_server import PostgresServer
from tests.real.redis_server import VALKEY, RedisServer

CALLS = 4_000
BURST = 500
ROOM = 10
WORST = 1_000_000
DAY_MS = 86_400_000


def claims(limit: int) -> tuple[Claim, ...]:
    """Three budgets that nobody has drawn on yet."""
    now, name = SystemClock().now_ms(), os.urandom(6).hex()
    return tuple(
        Claim(f"{whose}:{name}/month", now - DAY_MS, now + DAY_MS, limit, True) for whose in ("global", "team", "key")
    )


async def told(store: Spending) -> None:
    """The store knows of all that was settled."""
    waits: Any = getattr(store, "told", None)
    if waits is not None:
        assert await waits(60)


async def steady(store: Spending, at_once: int) -> str:
    """Wall and CPU microseconds for each call, and how long a reservation is waited for."""
    drawn, now, name = claims(1 << 50), SystemClock().now_ms(), os.urandom(6).hex()
    waited: list[int] = []

    async def work(worker: int, calls: int) -> None:
        for number in range(calls):
            began = time.perf_counter_ns()
            answer = await store.reserve(f"{name}{worker}:{number}", drawn, WORST, now, now + DAY_MS)
            waited.append(time.perf_counter_ns() - began)
            assert isinstance(answer, Granted)
            store.settle(f"{name}{worker}:{number}", WORST // 20)

    await work(-1, 100)
    await told(store)
    waited.clear()
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    await asyncio.gather(*(work(worker, CALLS // at_once) for worker in range(at_once)))
    await told(store)
    cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
    waited.sort()
    half, most = waited[len(waited) // 2], waited[len(waited) * 99 // 100]
    return (
        f"{cpu / CALLS / 1_000:7.1f} us CPU, {wall / CALLS / 1_000:7.1f} us in all; "
        f"a request waits {half / 1_000:6.0f} us (p99 {most / 1_000:.0f})"
    )


async def burst(store: Spending) -> str:
    """Milliseconds until 500 calls at once have their answer; ten find room."""
    drawn, now, name = claims(ROOM * WORST), SystemClock().now_ms(), os.urandom(6).hex()
    began = time.perf_counter_ns()
    answers = await asyncio.gather(
        *(store.reserve(f"{name}:{number}", drawn, WORST, now, now + DAY_MS) for number in range(BURST))
    )
    took = time.perf_counter_ns() - began
    granted = sum(isinstance(answer, Granted) for answer in answers)
    assert granted == ROOM, f"{granted} were granted, and there was room for {ROOM}"
    return f"{BURST} at once: {took / 1_000_000:6.0f} ms, {granted} granted"


async def measured(address: str, folder: Path) -> None:
    """Print a store's figures."""
    store = open_spending(address, folder, clock=SystemClock(), tell=print, seconds=20)
    name = address.partition(":")[0]
    for at_once in (1, 50):
        print(f"{name:10} {at_once:3} at a time: {await steady(store, at_once)}", flush=True)
    await burst(store)
    print(f"{name:10} {await burst(store)}", flush=True)
    await store.close()


def main() -> None:
    """Measure all four."""
    with tempfile.TemporaryDirectory(prefix="tenbin-budget-stores-") as name:
        folder = Path(name)
        uvloop.run(measured("memory", folder))
        uvloop.run(measured("sqlite", folder))
        with RedisServer(folder, "--appendonly", "yes", program=VALKEY) as redis:
            uvloop.run(measured(redis.address, folder))
        with PostgresServer(fsync="on") as postgres:
            uvloop.run(measured(postgres.address, folder))


if __name__ == "__main__":
    main()

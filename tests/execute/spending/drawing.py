"""A gateway's process as the drills need it: it draws on a store of spending as fast as it can, and can be killed.

``python -m tests.execute.spending.drawing '{...}'``: prints one line for each reservation that was granted.
"""

import asyncio
import json
import sys
from pathlib import Path

from tenbin.core.budget import Claim, Granted, SpendingUnavailable
from tenbin.execute.clock import SystemClock
from tests.execute.spending.stores import opened


async def draw(
    address: str, folder: str, owner: str, drawn: list[list[object]], worst: int, cost: int, calls: int, lasts_ms: int
) -> None:
    """So many calls at once; each that is granted is settled at once if ``cost`` is not negative."""
    clock = SystemClock()
    store = opened(address, Path(folder), owner, clock=clock)
    claims = tuple(Claim(*one) for one in drawn)  # type: ignore[arg-type]

    async def one(number: int) -> None:
        reservation = f"{owner}{number}:1"
        try:
            answer = await store.reserve(reservation, claims, worst, clock.now_ms(), clock.now_ms() + lasts_ms)
        except SpendingUnavailable as unavailable:
            print(f"! {unavailable}", flush=True)
            return
        if isinstance(answer, Granted):
            print(reservation, flush=True)
            if cost >= 0:
                store.settle(reservation, cost)

    print("begun", flush=True)
    sys.stdin.readline()
    await asyncio.gather(*(one(number) for number in range(calls)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(draw(**json.loads(sys.argv[1])))

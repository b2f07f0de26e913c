"""The one place where time is read, chance is drawn and tasks are started. Everything else is given these.

A test gives its own Clock; a replay gives the recorded times.
"""

import asyncio
import os
import random
import time
from collections.abc import Coroutine
from typing import Any, Protocol


class Clock(Protocol):
    """Time and chance."""

    def now_ms(self) -> int:
        """UTC, milliseconds since the epoch."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go back, for latencies."""
        ...

    def draw(self) -> float:
        """One random number in [0, 1)."""
        ...

    def bits(self) -> int:
        """80 random bits from the operating system, for an id."""
        ...

    async def pause(self, ms: int) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clock and randomness."""

    def __init__(self) -> None:
        self._random = random.Random(os.urandom(16))
        self._pool = b""
        self._used = 0

    def now_ms(self) -> int:
        """UTC, milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go back."""
        return time.monotonic_ns()

    def draw(self) -> float:
        """One random number in [0, 1)."""
        return self._random.random()

    def bits(self) -> int:
        """80 bits; drawn from the operating system 400 ids at a time, since a call to it costs more than an id."""
        start = self._used
        if start >= len(self._pool):
            self._pool = os.urandom(4_000)
            start = 0
        self._used = start + 10
        return int.from_bytes(self._pool[start : start + 10], "big")

    async def pause(self, ms: int) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(ms / 1000)


_RUNNING: set[asyncio.Task[Any]] = set()


def start_task(work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Start background work that ends with the process or is cancelled by its owner; kept alive until then."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _RUNNING.add(task)
    task.add_done_callback(_RUNNING.discard)
    return task

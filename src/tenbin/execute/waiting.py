"""6. Waiting for something while a client hears nothing: pings for a stream, and an end to it."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from tenbin.execute.clock import start_task
from tenbin.execute.relay import Relay

T = TypeVar("T")


class Waiting:
    """The waiting of one request, whose client was last heard of now."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._world = relay.world
        self._pinged_ns = relay.world.clock.monotonic_ns()

    async def work(self, route: str, work: Callable[[], T]) -> T:
        """Do slow work in a thread."""
        task: asyncio.Task[T] = start_task(_in_thread(work), name="slow work")
        await self.done(task, None, route)
        return task.result()

    async def done(self, task: "asyncio.Task[Any]", until_ms: int | None, route: str) -> bool:
        """Wait for a task, to UTC ms ``until_ms`` at most; False when the time is over before. Cancelled, it leaves the
        task alone.
        """
        while not task.done():
            seconds = self.seconds(until_ms)
            if seconds is not None and seconds <= 0:
                return False
            await asyncio.wait({task}, timeout=self.patience(seconds))
            await self.ping_when_due(route)
        return True

    def seconds(self, until_ms: int | None) -> float | None:
        """How long it is to a moment; None where there is no end."""
        return None if until_ms is None else (until_ms - self._world.clock.now_ms()) / 1_000

    def patience(self, seconds: float | None) -> float | None:
        """How long to wait before the client is to be pinged, or the time is over."""
        if not self._relay.ask.head.stream:
            return seconds
        silent = (self._world.clock.monotonic_ns() - self._pinged_ns) / 1e9
        ping = max(self._world.ping_seconds - silent, 0.01)
        return ping if seconds is None else min(ping, seconds)

    async def ping_when_due(self, route: str) -> None:
        """Keep the client of a stream, if it has heard nothing for a while."""
        now = self._world.clock.monotonic_ns()
        if self._relay.ask.head.stream and now - self._pinged_ns >= self._world.ping_seconds * 1e9:
            self._pinged_ns = now
            await self._relay.keep_alive(route)


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)

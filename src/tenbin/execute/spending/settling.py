"""7. What calls cost, on its way to a store that is shared: queued, told in batches, tried again until it is known."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

from tenbin.core.budget import Claim, SpendingUnavailable
from tenbin.core.money import NanoUSD
from tenbin.execute.clock import Clock, start_task

AT_ONCE = 100
"""Settlements in one batch."""
FIRST_PAUSE_MS = 50
LONGEST_PAUSE_MS = 2_000


class Held(NamedTuple):
    """What is set aside, or may be."""

    worst: NanoUSD
    deadline_ms: int
    claims: tuple[Claim, ...]
    """One for each window, in the order of their names."""


class Settlement(NamedTuple):
    """One thing to be told to a store. Each may be told again: only the first counts."""

    reservation: str
    cost: NanoUSD
    kind: Literal["settle", "cancel", "charge"] = "settle"
    """``cancel``: nobody knows whether the store has heard of the reservation; it counts no more, even if the store
    hears of it later. ``charge``: the call was made although the store could not be asked; it counts all the same."""
    held: Held | None = None
    """What this process knows of it."""


Send: TypeAlias = Callable[[list[Settlement]], Awaitable[None]]
"""Tell the store. Raises SpendingUnavailable: it is tried again."""


class Settling:
    """The queue of one store. Nothing in it is lost while the process lives; nobody waits for it."""

    def __init__(self, send: Send, clock: Clock) -> None:
        self._send = send
        self._clock = clock
        self._queue: dict[int, Settlement] = {}
        self._count = 0
        self._task: asyncio.Task[None] | None = None
        self.lock = asyncio.Lock()
        """Held while a batch is under way."""

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, settlement: Settlement, *, begin: bool = True) -> None:
        """Queue it, from whichever place, also before there is an event loop."""
        self._count += 1
        self._queue[self._count] = settlement
        if begin:
            self.begin()

    def first(self) -> dict[int, Settlement]:
        """The next batch, by number."""
        return dict(islice(self._queue.items(), AT_ONCE))

    def begin(self) -> None:
        """Have what is queued told, if it is not being told already."""
        if not self._queue or (self._task is not None and not self._task.done()):
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return  # whoever next asks the store within the loop begins it
        self._task = start_task(self._run(), name="settling of spending")

    def charges(self) -> tuple[int, ...]:
        """The numbers of those queued that count without a reservation."""
        return tuple(number for number, one in self._queue.items() if one.kind == "charge")

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget these: the store knows of them."""
        for number in numbers:
            self._queue.pop(number, None)

    def queued(self) -> tuple[Settlement, ...]:
        """What is still to be told."""
        return tuple(self._queue.values())

    async def told(self, seconds: float) -> bool:
        """Wait until all is told, at most so long."""
        self.begin()
        if self._task is not None and self._queue:
            await asyncio.wait([self._task], timeout=seconds)
        return not self._queue

    async def finish(self, seconds: float) -> bool:
        """The same at the end of the process, with which ends what is left."""
        told = await self.told(seconds)
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        return told

    async def _run(self) -> None:
        pause_ms = 0
        while self._queue:
            async with self.lock:
                batch = self.first()
                try:
                    await self._send(list(batch.values()))
                except SpendingUnavailable:
                    pause_ms = min(max(2 * pause_ms, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
                else:
                    pause_ms = 0
                    self.drop(batch)
            if pause_ms:
                await self._clock.pause(pause_ms)

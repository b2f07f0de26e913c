"""6. The same request at the same time is asked once: the first one leads, the others wait for its answer."""

import asyncio
from collections import deque
from typing import Literal, TypeAlias

from tenbin.execute.cache.entry import Entry

Landing: TypeAlias = Entry | Literal["lead", "alone"]
"""What a follower is told: here is the answer; you lead now (the leader failed or left); go by yourself."""


class _Flight:
    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: deque[asyncio.Future[Landing]] = deque()


class Flights:
    """Requests under way, by the id of the entry that their answers will be."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def join(self, entry: str, seconds: float) -> Landing:
        """``lead`` at once when nobody asks the same; else what becomes of the leader, ``alone`` after ``seconds``.

        Who leads must call ``land``, ``release`` or ``pass_on`` at the end, whatever happens.
        """
        flight = self._flights.get(entry)
        if flight is None:
            self._flights[entry] = _Flight()
            return "lead"
        future: asyncio.Future[Landing] = asyncio.get_running_loop().create_future()
        flight.waiting.append(future)
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            return future.result() if future.done() and not future.cancelled() else "alone"
        except asyncio.CancelledError:
            # The client has left at the very moment at which it was to lead.
            if future.done() and not future.cancelled() and future.result() == "lead":
                self.pass_on(entry)
            raise

    def land(self, entry: str, answer: Entry) -> None:
        """The leader has the answer: all that wait are given it."""
        flight = self._flights.pop(entry, None)
        if flight is not None:
            _tell(flight, answer)

    def release(self, entry: str) -> None:
        """The leader's answer is none to be given twice: all that wait go by themselves."""
        flight = self._flights.pop(entry, None)
        if flight is not None:
            _tell(flight, "alone")

    def pass_on(self, entry: str) -> None:
        """The leader failed or left: the one that waits for longest takes over."""
        flight = self._flights.get(entry)
        if flight is None:
            return
        while flight.waiting:
            future = flight.waiting.popleft()
            if not future.done():
                future.set_result("lead")
                return
        del self._flights[entry]


def _tell(flight: _Flight, landing: Landing) -> None:
    for future in flight.waiting:
        if not future.done():
            future.set_result(landing)

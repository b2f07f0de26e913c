"""6. The way into a provider that takes only so much: so many calls at once, so many requests and tokens a minute.

Who has to wait stands in a queue that serves the callers' keys in turn, so that one busy key does not crowd out the
others. Without ``providers.NAME.limits`` there is no lane, and nothing is counted.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tenbin.config.model import ProviderConfig, ProviderLimits
from tenbin.core.problems import QUEUE_FULL, Failure
from tenbin.execute.clock import Clock

if TYPE_CHECKING:
    from tenbin.execute.attempt import AttemptUnderWay

MINUTE_MS = 60_000
MOST_QUEUED = 1_000
"""Requests that wait for one provider; more are turned away at once."""
BYTES_PER_TOKEN = 4
"""Of a request's body, until the provider has said how many tokens it was."""
SHORTEST_RETRY_MS = 1_000
"""What is told as ``retry-after`` where nobody can know when a place comes free."""


class _Taken:
    """Something that was taken out of a minute's allowance."""

    __slots__ = ("amount", "at_ms")

    def __init__(self, at_ms: int, amount: int) -> None:
        self.at_ms = at_ms
        self.amount = amount


class Window:
    """So much in any 60 seconds: exact, since everything taken is remembered for a minute."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._taken: deque[_Taken] = deque()

    def wait_ms(self, amount: int, now_ms: int) -> int:
        """How long until ``amount`` may be taken; what is more than a whole minute's goes when nothing else is out."""
        if self.limit is None:
            return 0
        taken = self._taken
        while taken and taken[0].at_ms + MINUTE_MS <= now_ms:
            taken.popleft()
        excess = sum(one.amount for one in taken) + amount - self.limit
        if excess <= 0:
            return 0
        for one in taken:
            excess -= one.amount
            if excess <= 0:
                return one.at_ms + MINUTE_MS - now_ms
        return taken[-1].at_ms + MINUTE_MS - now_ms if taken else 0

    def take(self, amount: int, now_ms: int) -> _Taken:
        """Take it now."""
        one = _Taken(now_ms, amount)
        if self.limit is not None:
            self._taken.append(one)
        return one


class Place:
    """A call's place at a provider; given back by ``leave``, once."""

    __slots__ = ("_lane", "_left", "_tokens")

    def __init__(self, lane: "Lane", tokens: _Taken) -> None:
        self._lane = lane
        self._tokens = tokens
        self._left = False

    def leave(self, attempt: "AttemptUnderWay | None" = None) -> None:
        """The call has ended; what it really used takes the estimate's place. Cached tokens count for nothing."""
        if self._left:
            return
        self._left = True
        watch = attempt.watch if attempt is not None else None
        if watch is None:
            self._tokens.amount = 0
        elif watch.usage.prompt:
            usage = watch.usage
            self._tokens.amount = usage.prompt - usage.cache_read + usage.output
        self._lane.left()


class _Waiter:
    __slots__ = ("future", "key", "tokens")

    def __init__(self, key: str, tokens: int, future: "asyncio.Future[Place]") -> None:
        self.key = key
        self.tokens = tokens
        self.future = future


class Lane:
    """The way into one provider. Used from the event loop only."""

    def __init__(self, name: str, limits: ProviderLimits, clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._running = 0
        self._queues: dict[str, deque[_Waiter]] = {}
        """By key, the next one to be served first."""
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None
        self._requests, self._tokens = Window(None), Window(None)
        self.configure(limits)

    def configure(self, limits: ProviderLimits) -> None:
        """Put limits in force; what is under way or waits goes on."""
        self._limits = limits
        self._requests.limit = limits.requests_per_minute
        self._tokens.limit = limits.tokens_per_minute

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return self._waiting

    @property
    def running(self) -> int:
        """How many calls are under way."""
        return self._running

    async def enter(self, key: str, tokens: int, patience_ms: int | None = None) -> Place | Failure:
        """Wait for a place, as long as the configuration and the caller's own patience allow."""
        now_ms = self._clock.now_ms()
        if not self._waiting and not self._wait_ms(tokens, now_ms):
            return self._taken(tokens, now_ms)
        if self._waiting >= MOST_QUEUED:
            return self._refusal(tokens, "its queue is full")
        seconds = self._limits.queue_seconds
        if patience_ms is not None:
            seconds = min(seconds, patience_ms / 1_000)
        if seconds <= 0:
            return self._refusal(tokens, "nobody is to wait for it")
        waiter = _Waiter(key, tokens, asyncio.get_running_loop().create_future())
        self._queues.setdefault(key, deque()).append(waiter)
        self._waiting += 1
        self._admit()
        try:
            async with asyncio.timeout(seconds):
                return await waiter.future
        except TimeoutError:
            self._give_up(waiter)
            return self._refusal(tokens, f"none came free within {seconds:g} s")
        except BaseException:
            self._give_up(waiter)
            raise

    def left(self) -> None:
        """A call has ended."""
        self._running -= 1
        self._admit()

    def _taken(self, tokens: int, now_ms: int) -> Place:
        self._running += 1
        self._requests.take(1, now_ms)
        return Place(self, self._tokens.take(tokens, now_ms))

    def _wait_ms(self, tokens: int, now_ms: int) -> int:
        """How long a call must wait for the minute's allowance; 1 where it waits for a place."""
        concurrent = self._limits.concurrent
        if concurrent is not None and self._running >= concurrent:
            return 1
        return max(self._requests.wait_ms(1, now_ms), self._tokens.wait_ms(tokens, now_ms))

    def _admit(self) -> None:
        """Let in whoever may go now, the keys in turn."""
        while self._waiting:
            key, queue = next(iter(self._queues.items()))
            waiter, now_ms = queue[0], self._clock.now_ms()
            gone = waiter.future.done()  # cancelled, and its task has not run since
            wait_ms = 0 if gone else self._wait_ms(waiter.tokens, now_ms)
            if wait_ms:
                self._wake_after(wait_ms)
                return
            queue.popleft()
            self._waiting -= 1
            del self._queues[key]
            if queue:
                self._queues[key] = queue  # behind the other keys
            if not gone:
                waiter.future.set_result(self._taken(waiter.tokens, now_ms))

    def _wake_after(self, wait_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        concurrent = self._limits.concurrent
        if concurrent is None or self._running < concurrent:  # else a call that ends wakes the queue
            self._timer = asyncio.get_running_loop().call_later(wait_ms / 1_000, self._admit)

    def _give_up(self, waiter: _Waiter) -> None:
        """Out of the queue; a place that came at the same moment is given back."""
        if waiter.future.done() and not waiter.future.cancelled():
            waiter.future.result().leave()
            return
        queue = self._queues.get(waiter.key)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            self._waiting -= 1
            if not queue:
                del self._queues[waiter.key]
            self._admit()

    def _refusal(self, tokens: int, why: str) -> Failure:
        wait_ms = self._wait_ms(tokens, self._clock.now_ms())
        return Failure(
            kind="rate_limited",
            code=QUEUE_FULL,
            message=f"no place for this request under providers.{self.name}.limits: {why}",
            retry_after_ms=max(wait_ms, SHORTEST_RETRY_MS),
        )


def lanes(providers: Mapping[str, ProviderConfig], before: Mapping[str, Lane], clock: Clock) -> dict[str, Lane]:
    """A lane for each provider that has limits; one that was there before goes on with the limits of now."""
    found = {}
    for name, row in providers.items():
        if row.limits is not None:
            lane = found[name] = before.get(name) or Lane(name, row.limits, clock)
            lane.configure(row.limits)
    return found


async def admitted(lane: Lane | None, attempt: "AttemptUnderWay", patience_ms: int | None) -> Place | Failure | None:
    """A place for an attempt, whose clock begins when it has one; None where its provider has no limits."""
    if lane is None:
        return None
    ask = attempt.ask
    place = await lane.enter(ask.caller.key_id, len(ask.body) // BYTES_PER_TOKEN, patience_ms)
    attempt.begin_anew()
    return place

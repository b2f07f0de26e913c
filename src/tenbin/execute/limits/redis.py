"""2. What keys have used, in a Redis or Valkey that gateways share: one script and one round trip for each request.

What requests used in the end is told behind their backs, many at once. Streams under way are counted by each gateway
for itself: one that dies takes its streams with it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from hashlib import sha1
from typing import Any

from tenbin.core.receipt import Receipt
from tenbin.decide.limits import (
    DAY_MS,
    LEAST_ROOM,
    STREAM_WAIT_MS,
    UNSTATED_OUTPUT,
    Entry,
    LimitName,
    Plan,
    Used,
    Wish,
    at,
    is_counted,
    tokens_of,
)
from tenbin.execute.cache.availability import Availability, StoreRefused, StoreUnavailable
from tenbin.execute.cache.redis_connection import Part, RedisConnection, shown
from tenbin.execute.clock import Clock, start_task
from tenbin.execute.limits.counters import MOST_KEYS, Ticket, UseUnknown

SECONDS = 0.5
"""For a request to be counted, connecting included."""
PATIENCE_SECONDS = 5.0
"""For what no request waits for."""
PAUSE_MS = 1_000
"""Between two attempts to tell what requests used."""
MOST_AT_ONCE = 200
MARKER = "tenbin:plan:"
MEANWHILE = "requests of keys with a plan are answered with 503"

_DAY = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local h = redis.call('HMGET', KEYS[1], 'day', 'ends', 'requests', 'tokens', 'reserved', 'full', 'counting')
for i = 1, 7 do h[i] = tonumber(h[i] or 0) end
local day, ends, requests, tokens, reserved, full, counting = unpack(h)
"""

ENTER = (
    _DAY
    + """
local a = {}
for i = 1, #ARGV do a[i] = tonumber(ARGV[i]) end
local day_ms, ends_ms, counts, most_requests, most_tokens, prompt, output, longest, minute, burst, least, unstated,
    crowded = unpack(a)
if day_ms > day or day_ms < day - 86400000 then
    day, ends, requests, tokens, reserved = day_ms, ends_ms, 0, 0, 0
end
local limit, wait, taken, cap = 0, 0, 0, longest
local function pace(at)
    if minute == 0 then return at end
    local each = math.ceil(60000000 / minute)
    local behind = math.max(at - now, 0)
    local most = each * (burst - 1)
    if behind > most then
        limit, wait = 3, behind - most
        return at
    end
    return now + behind + each
end
if counts == 0 then
    counting = pace(counting)
else
    if most_requests >= 0 and requests >= most_requests then limit = 1 end
    if limit == 0 and most_tokens >= 0 then
        local room = most_tokens - tokens - reserved - prompt
        local wanted = output
        if longest > 0 and (wanted < 0 or wanted > longest) then wanted = longest end
        if wanted < 0 then wanted = unstated end
        if room < math.min(wanted, least) then
            limit = 2
        else
            cap = math.min(wanted, room)
            taken = prompt + cap
        end
    end
    if limit == 0 and crowded == 1 then limit = 4 end
    if limit == 0 then
        full = pace(full)
    end
    if limit == 0 then
        requests = requests + 1
        reserved = reserved + taken
    end
end
if limit == 0 then
    redis.call('HSET', KEYS[1], 'day', day, 'ends', ends, 'requests', requests, 'tokens', tokens, 'reserved', reserved,
        'full', full, 'counting', counting)
    redis.call('PEXPIREAT', KEYS[1], math.max(ends, math.floor(now / 1000)) + 86400000)
end
return {limit, wait, taken, cap, day, ends, requests, tokens, reserved, math.max(full - now, 0),
    math.max(counting - now, 0)}
"""
)
"""The same as tenbin.decide.limits.entry, but for the streams; times of the server's clock. Money is not counted here:
numbers stay below 2^53."""

SETTLE = (
    _DAY
    + """
if day == tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], 'requests', math.max(requests - ARGV[2], 0), 'tokens', tokens + ARGV[3],
        'reserved', math.max(reserved - ARGV[4], 0))
end
return 1
"""
)

_DIGESTS = {script: sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (ENTER, SETTLE)}
_LIMITS: tuple[LimitName, ...] = ("requests_per_day", "tokens_per_day", "requests_per_minute", "concurrent_streams")


class RedisCounters:
    """Counters that gateways share. Belongs to the event loop that first uses it."""

    def __init__(
        self, address: str, clock: Clock, tell: Callable[[str], None], *, marker: str = MARKER, seconds: float = SECONDS
    ) -> None:
        """``seconds``: for a request to be counted. Connects when first asked.

        Raises ValueError for what is no address of a server, RedisMissing."""
        self._clock = clock
        self._tell = tell
        self._marker = marker
        self._name = shown(address)
        available = Availability(self._name, clock, tell, meanwhile=MEANWHILE)
        self._quick = RedisConnection(address, seconds=seconds, clock=clock, tell=tell, availability=available)
        self._patient = RedisConnection(address, seconds=PATIENCE_SECONDS, clock=clock, tell=lambda _: None)
        self._latest: dict[str, Used] = {}
        """By key, as of its last request here."""
        self._streams: dict[str, int] = {}
        self._untold: deque[tuple[str, tuple[int, ...]]] = deque()
        self._telling: asyncio.Task[None] | None = None

    @property
    def untold(self) -> int:
        """Requests whose end the server has not been told yet."""
        return len(self._untold)

    async def ready(self, key_id: str, plan: Plan) -> Used:
        """What was used when it was last asked; the server is asked once, by ``enter``."""
        used = self._latest.get(key_id, Used())
        return at(used, plan.zone, self._clock.now_ms())._replace(streams=self._streams.get(key_id, 0))

    async def enter(self, key_id: str, plan: Plan, wish: Wish, factor: float) -> Entry:
        """Let a request in, or say why not. Raises UseUnknown."""
        now_ms = self._clock.now_ms()
        # The day is cut out by the gateway, which knows of time zones.
        day = at(Used(), plan.zone, now_ms)
        streams = self._streams.get(key_id, 0)
        streamed = wish.counts and wish.stream
        crowded = streamed and 0 < plan.concurrent_streams <= streams
        if streamed and not crowded:  # before the server is waited for: another one may come meanwhile
            self._streams[key_id] = streams + 1
        found: Entry | None = None
        try:
            found = await self._asked(key_id, plan, wish, factor, day, crowded=crowded)
        finally:
            if streamed and not crowded and (found is None or found.limit is not None):
                self.left_stream(key_id)
        return found._replace(used=found.used._replace(streams=self._streams.get(key_id, 0)))

    async def _asked(self, key_id: str, plan: Plan, wish: Wish, factor: float, day: Used, *, crowded: bool) -> Entry:
        """The server's answer."""
        now_ms = self._clock.now_ms()
        reply = await self._run(
            ENTER,
            key_id,
            day.day_ms,
            day.day_ends_ms,
            int(wish.counts),
            int(plan.requests_per_day * factor) if plan.requests_per_day else -1,
            int(plan.tokens_per_day * factor) if plan.tokens_per_day else -1,
            wish.prompt,
            -1 if wish.output is None else wish.output,
            plan.output_tokens,
            plan.requests_per_minute,
            plan.burst,
            LEAST_ROOM,
            UNSTATED_OUTPUT,
            int(crowded),
        )
        limit, wait_us, taken, cap, *rest = (int(number) for number in reply)
        now_us = self._clock.monotonic_ns() // 1_000
        day_ms, ends_ms, requests, tokens, reserved, full_in, counting_in = rest
        used = Used(
            day_ms,
            ends_ms,
            requests,
            tokens,
            reserved,
            now_us + full_in,
            now_us + counting_in,
            self._streams.get(key_id, 0),
        )
        if len(self._latest) >= MOST_KEYS:
            self._latest.clear()
        if limit:
            self._latest[key_id] = used
            wait_ms = -(-wait_us // 1_000) if limit == 3 else max(ends_ms - now_ms, 1)
            wait_ms = STREAM_WAIT_MS if limit == 4 else wait_ms
            return Entry(used, _LIMITS[limit - 1], wait_ms)
        self._latest[key_id] = used
        return Entry(used, None, 0, taken, (cap or None) if wish.counts else None)

    def settle(self, ticket: Ticket, receipt: Receipt | None) -> None:
        """Noted here, told to the server soon after."""
        counted = receipt is not None and is_counted(receipt)
        tokens = 0 if receipt is None else tokens_of(receipt)
        used = self._latest.get(ticket.key_id)
        if used is not None and used.day_ms == ticket.day_ms:
            self._latest[ticket.key_id] = used._replace(
                requests=used.requests - (not counted),
                tokens=used.tokens + tokens,
                reserved=max(used.reserved - ticket.reserved, 0),
            )
        self._untold.append((ticket.key_id, (ticket.day_ms, int(not counted), tokens, ticket.reserved)))
        if self._telling is None or self._telling.done():
            self._telling = start_task(self._tell_all(), name="plans' counters")

    def left_stream(self, key_id: str) -> None:
        """One streamed answer fewer."""
        left = self._streams.get(key_id, 0) - 1
        if left > 0:
            self._streams[key_id] = left
        else:
            self._streams.pop(key_id, None)

    async def close(self) -> None:
        """Tell what is still to be told, as far as the server takes it within a few seconds."""
        if self._telling is not None:
            await asyncio.wait((self._telling,), timeout=PATIENCE_SECONDS)
            self._telling.cancel()
        if self._untold:
            self._tell(f"{self._name} was not told what {len(self._untold)} requests used: their most stays reserved.")
        await self._quick.close()
        await self._patient.close()

    async def _tell_all(self) -> None:
        while self._untold:
            some = [self._untold[place] for place in range(min(len(self._untold), MOST_AT_ONCE))]
            commands: list[tuple[Part, ...]] = [
                ("EVAL", SETTLE, 1, self._marker + key_id, *values) for key_id, values in some
            ]
            try:
                await self._patient.run_all(commands)
            except StoreRefused as refused:
                self._tell(str(refused))  # and never again: it would be refused each time
            except StoreUnavailable:
                await self._clock.pause(PAUSE_MS)
                continue
            for _ in some:
                self._untold.popleft()

    async def _run(self, script: str, key_id: str, *values: Part) -> Any:
        tail = (1, self._marker + key_id, *values)
        try:
            try:
                return await self._quick.run("EVALSHA", _DIGESTS[script], *tail)
            except StoreRefused as refused:
                if "No matching script" not in str(refused) and "NOSCRIPT" not in str(refused):
                    raise
                return await self._quick.run("EVAL", script, *tail)
        except (StoreUnavailable, StoreRefused) as error:
            raise UseUnknown("the server that counts it does not answer") from error


assert DAY_MS == 86_400_000, "the scripts know it too"

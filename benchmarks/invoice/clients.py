"""The drill's clients: many at a time, some of which leave in the middle; and somebody who kills the gateway."""

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.invoice.house import House
from benchmarks.invoice.workload import Planned

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"\r\nx-tenbin-request-id: *(\S+)", re.IGNORECASE)
PATIENCE_S = 60.0


@dataclass
class Seen:
    """What the clients saw."""

    statuses: Counter[str] = field(default_factory=Counter)
    """By status; `left`: the client went away; `lost`: the connection broke before the head of an answer; `cut`:
    behind it."""
    kinds: Counter[str] = field(default_factory=Counter)
    request_ids: dict[str, str] = field(default_factory=dict)
    """That answers bore, each with what was asked: all must be in the ledger."""
    seconds: float = 0.0


class _Broken(Exception):
    """The connection ended too early."""


class _Client:
    """One connection at a time, kept while it is good."""

    def __init__(self, house: House, seen: Seen, key: str) -> None:
        self._house, self._seen, self._key = house, seen, key
        self._pair: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, planned: Planned) -> None:
        """Send it once and read the answer, or leave as planned."""
        head_seen = False
        seen = self._seen
        seen.kinds[planned.kind] += 1
        reader, writer = await self._connected()
        writer.write(self._head(planned) + planned.body)
        try:
            async with asyncio.timeout(planned.leave_after_s or PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                head_seen = True
                status = head[9:12].decode()
                if found := _ID.search(head):
                    seen.request_ids[found[1].decode()] = planned.kind
                whole = await _body(reader, head, planned.leave_after_bytes)
            if not whole:
                self.leave()
                seen.statuses["left"] += 1
                return
            seen.statuses[status] += 1
            if b"connection: close" in head.lower():
                self.leave()
        except TimeoutError:
            self.leave()
            seen.statuses["left" if planned.leave_after_s else "no answer"] += 1
        except (OSError, asyncio.IncompleteReadError, _Broken):
            self.leave()
            seen.statuses["cut" if head_seen else "lost"] += 1

    def _head(self, planned: Planned) -> bytes:
        version = "anthropic-version: 2023-06-01\r\n" if planned.path.startswith("/v1/messages") else ""
        return (
            f"POST {planned.path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {self._key}\r\n{version}content-length: {len(planned.body)}\r\n\r\n"
        ).encode()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The open connection, or a new one: the gateway may be about to come back."""
        if self._pair is not None and (self._pair[0].at_eof() or self._pair[1].is_closing()):
            self.leave()
        while self._pair is None:
            try:
                self._pair = await asyncio.open_connection("127.0.0.1", self._house.gateway.port, limit=2**22)
            except OSError:
                await asyncio.sleep(0.02)
        return self._pair

    def leave(self) -> None:
        """Close the connection at once."""
        if self._pair is not None:
            self._pair[1].transport.abort()
            self._pair = None


async def _body(reader: asyncio.StreamReader, head: bytes, most: int | None) -> bool:
    """Read the body; False if the client has had enough before its end."""
    if found := _LENGTH.search(head):
        await reader.readexactly(int(found[1]))
        return True
    got = 0
    while size := int(await reader.readuntil(b"\r\n"), 16):
        got += len(await reader.readexactly(size + 2))
        if most is not None and got >= most:
            return False
    await reader.readexactly(2)
    return True


async def drive(
    house: House,
    planned: Iterator[Planned],
    *,
    clients: int,
    kill_at: list[int],
    seed: int,
    tell: Callable[[int], None],
) -> Seen:
    """Send all requests, the gateway killed at about those numbers of requests."""
    seen, started = Seen(), time.monotonic()
    chance = random.Random(seed)
    waiting, done = sorted(kill_at, reverse=True), 0
    killing: asyncio.Task[None] | None = None

    async def kill() -> None:
        await asyncio.sleep(chance.uniform(0, 0.1))
        await asyncio.to_thread(house.gateway.kill)

    async def work(number: int) -> None:
        nonlocal done, killing
        client = _Client(house, seen, house.keys[number % len(house.keys)])
        for one in planned:
            done += 1
            if waiting and done >= waiting[-1] and (killing is None or killing.done()):
                waiting.pop()
                killing = asyncio.create_task(kill())
            tell(done)
            await client.ask(one)
        client.leave()

    await asyncio.gather(*(work(number) for number in range(clients)))
    if killing is not None:
        await killing
    seen.seconds = time.monotonic() - started
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_quiet(house), 60)
    return seen


async def _quiet(house: House) -> None:
    """Until no call is under way at the provider."""
    while (await asyncio.to_thread(house.provider.control, "GET", "state"))["open"]:  # noqa: ASYNC110 - another process' state
        await asyncio.sleep(0.1)

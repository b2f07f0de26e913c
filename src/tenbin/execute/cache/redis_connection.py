"""6. One Redis or Valkey that several gateways share: its connections, for stored answers and for vectors alike.

Commands are given as they are written in the server's own documentation; nothing here knows what they mean.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from tenbin.execute.cache.availability import TOO_LATE, Availability, StoreRefused
from tenbin.execute.clock import Clock

SCHEMES = ("redis", "rediss", "valkey", "valkeys", "unix")
"""Of an address; the second and fourth are encrypted. ``unix:///path/of/a/socket?db=0``."""

MOST_CONNECTIONS = 16
CONNECT_SECONDS = 1.0
INSTALL = "Install it with: pip install 'tenbin[redis]'"

Part: TypeAlias = str | bytes | int | float
"""Of a command."""


class RedisMissing(Exception):
    """The client is not installed; the message says how to get it."""


class Server(NamedTuple):
    """What a server is."""

    name: str
    """``redis`` or ``valkey``."""
    version: str
    vector_sets: bool
    """VADD and VSIM: Redis from 8.0 on."""
    search: bool
    """FT.SEARCH: the module RediSearch, or Valkey's."""


class RedisConnection:
    """A server, as it is used here: every command has its time, and one that is gone costs nothing.

    Belongs to the event loop that first uses it.
    """

    def __init__(
        self,
        address: str,
        *,
        seconds: float,
        clock: Clock,
        tell: Callable[[str], None],
        availability: Availability | None = None,
    ) -> None:
        """``seconds``: for one command or one handful of them, connecting included. ``availability``: whether it is
        asked at all, where it is not its own. Nothing is connected yet.

        Raises ValueError for what is no address of a server, RedisMissing.
        """
        parts = urlsplit(address)
        if parts.scheme not in SCHEMES or not (parts.hostname or parts.scheme == "unix"):
            raise ValueError(f"{shown(address)!r} is not a redis://, rediss://, valkey:// or unix:// address")
        try:
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.exceptions import RedisError, ResponseError
        except ImportError as error:
            raise RedisMissing(f"A shared store in Redis needs {error.name}. {INSTALL}") from error
        self._failures = (RedisError, OSError, TimeoutError)
        self._refusal = ResponseError
        self._seconds = seconds
        self.availability = availability or Availability(shown(address), clock, tell)
        pool = BlockingConnectionPool.from_url(
            urlunsplit(parts._replace(scheme=parts.scheme.replace("valkey", "redis"))),
            max_connections=MOST_CONNECTIONS,
            timeout=seconds,
            socket_timeout=None,  # the time of a command is counted here, around all of it
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        self._client: Any = Redis.from_pool(pool)
        self._client.response_callbacks.clear()

    async def run(self, *command: Part, seconds: float | None = None) -> Any:
        """Run one command; its reply as it came: bytes, integers and lists of them. ``seconds``: for what nobody waits
        for. Raises StoreUnavailable.
        """
        return await self._within(seconds, partial(self._client.execute_command, *command))

    async def run_all(self, commands: Sequence[Sequence[Part]], *, seconds: float | None = None) -> list[Any]:
        """Run commands in one round trip, nothing between them (MULTI). Raises StoreUnavailable, also where one of them
        is refused: the others are done all the same.
        """

        async def all_of_them() -> list[Any]:
            async with self._client.pipeline(transaction=True) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                replies: list[Any] = await pipeline.execute()
                return replies

        replies: list[Any] = await self._within(seconds, all_of_them)
        return replies

    async def _within(self, seconds: float | None, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do it, if the server is asked at all now, and note how it went."""
        self.availability.check()
        seconds = self._seconds if seconds is None else seconds
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(seconds):
                reply = await work()
        except self._failures as error:
            raise self._failed(error) from error
        except asyncio.CancelledError:
            # Who asked would wait no longer: a server that has hung until then is no better than one that is gone.
            if loop.time() - began >= seconds / 2:
                self.availability.failed(TOO_LATE)
            raise
        self.availability.answered()
        return reply

    async def server(self) -> Server:
        """Ask what it is and can do. Raises StoreUnavailable."""
        lines = (await self.run("INFO", "server")).decode(errors="replace").splitlines()
        told = dict(line.split(":", 1) for line in lines if ":" in line)
        known = await self.run("COMMAND", "INFO", "VSIM", "FT.SEARCH")
        vector_sets, search = (bool(row) for row in known)
        valkey = told.get("valkey_version")
        return Server("valkey" if valkey else "redis", valkey or told.get("redis_version", "?"), vector_sets, search)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    def _failed(self, error: Exception) -> Exception:
        if isinstance(error, self._refusal):
            self.availability.answered()
            return StoreRefused(f"{self.availability.name}: {error}")
        why = TOO_LATE if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return self.availability.failed(why)


def shown(address: str) -> str:
    """An address as it may be shown: without user, password and parameters."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"

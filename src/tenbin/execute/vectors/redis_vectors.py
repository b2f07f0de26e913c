"""6. The vector index that gateways share in Redis: a vector set for each scope (Redis from 8.0 on).

Members of a vector set have no time to live of their own: their names begin with it, and a sorted set beside each set
tells which are due. For each entry a key names its member and scope. All keys end with the last entry's time.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from tenbin.discern.embedding.embedder import Vector
from tenbin.execute.cache.availability import StoreRefused, StoreUnavailable
from tenbin.execute.cache.redis_connection import Part, RedisConnection
from tenbin.execute.clock import Clock
from tenbin.execute.vectors.index import NEVER_MS, Neighbour, WrongDimension, nearest_first

LOG = logging.getLogger("tenbin.execute")

SWEPT_AT_ONCE = 16
"""Entries whose time has passed that an addition takes away."""
BREADTH = 200
"""Of the search in the set's graph (its EF); a small set is thereby searched whole."""
PATIENCE_SECONDS = 5.0
"""For what no request waits for: all but the search."""
LONGEST_LIFE_MS = 3_650 * 86_400_000
"""Ten years: what would live longer ends then."""


class RedisIndex:
    """Vectors in a Redis. What the server does not do is a miss; a server without vector sets is told of once."""

    def __init__(
        self,
        connection: RedisConnection,
        clock: Clock,
        tell: Callable[[str], None] = LOG.warning,
        *,
        prefix: str = "tenbin:vectors:",
        owned: bool = False,
    ) -> None:
        """``tell`` is given a sentence for the operator, once; ``owned``: the connection is closed with the index."""
        self._connection = connection
        self._clock = clock
        self._tell = tell
        self._prefix = prefix
        self._owned = owned
        self._told: set[str] = set()
        self.usable = True
        """False once the server has said that it knows no vector sets."""

    def _set(self, scope: str) -> str:
        return f"{self._prefix}set:{_name(scope)}"

    def _due(self, scope: str) -> str:
        return f"{self._prefix}due:{_name(scope)}"

    def _home(self, entry: str) -> str:
        return f"{self._prefix}entry:{_name(entry)}"

    async def add(self, scope: str, entry: str, vector: Vector, until_ms: int = NEVER_MS) -> None:
        """Keep a unit vector until a time (UTC ms). Raises WrongDimension."""
        now = self._clock.now_ms()
        if until_ms <= now:
            return
        until = min(until_ms, now + LONGEST_LIFE_MS)
        key, due, member = self._set(scope), self._due(scope), f"{until} {entry}"
        raw = vector.astype("<f4").tobytes()
        # By itself first: where the set does not take it, nothing else may be written.
        if not await self._do(("VADD", key, "FP32", raw, member, "NOQUANT", "EF", BREADTH)):
            return
        home = self._home(entry)
        done = await self._do(
            ("SET", home, f"{member}\n{scope}", "PXAT", until, "GET"),
            ("ZADD", due, until, member),
            *(("PEXPIREAT", one, until, rule) for one in (key, due) for rule in ("NX", "GT")),
            ("ZRANGEBYSCORE", due, "-inf", now, "LIMIT", 0, SWEPT_AT_ONCE),
        )
        if done is None:
            return
        if done[-1]:
            await self._forget(scope, done[-1])
        if done[0] is not None:
            former, _, old_scope = done[0].decode().partition("\n")
            if (former, old_scope) != (member, scope):
                await self._forget(old_scope, [former])

    async def nearest(self, scope: str, vector: Vector, k: int) -> list[Neighbour]:
        """The ``k`` nearest living entries of a scope, nearest first. Raises WrongDimension."""
        raw = vector.astype("<f4").tobytes()
        count = k + SWEPT_AT_ONCE
        search = ("VSIM", self._set(scope), "FP32", raw, "WITHSCORES", "COUNT", count, "EF", BREADTH)
        done = await self._do(search, seconds=None)
        if not done or not done[0]:
            return []
        now, found = self._clock.now_ms(), []
        for member, half in zip(done[0][::2], done[0][1::2], strict=True):
            until, _, entry = member.decode().partition(" ")
            if int(until) > now:
                # The server gives (1 + cosine) / 2.
                found.append(Neighbour(entry, min(max(2 * float(half) - 1, -1.0), 1.0)))
        return nearest_first(found, k)

    async def remove(self, entry: str) -> None:
        """Forget an entry, wherever it is; one that is not there is no error."""
        done = await self._do(("GETDEL", self._home(entry)))
        if done and done[0] is not None:
            member, _, scope = done[0].decode().partition("\n")
            await self._forget(scope, [member])

    async def clear(self, scope: str) -> None:
        """Forget a scope."""
        # What still names it as an entry's home leads nowhere then, and goes with the entry's time.
        await self._do(("DEL", self._set(scope), self._due(scope)))

    async def count(self, scope: str) -> int:
        """Entries of a scope, those included whose time has passed; 0 where the server cannot be asked."""
        done = await self._do(("ZCARD", self._due(scope)))
        return int(done[0]) if done else 0

    async def close(self) -> None:
        """Close the connection, where it is its own."""
        if self._owned:
            await self._connection.close()

    async def _forget(self, scope: str, members: Sequence[str | bytes]) -> None:
        key = self._set(scope)
        await self._do(*(("VREM", key, member) for member in members), ("ZREM", self._due(scope), *members))

    async def _do(self, *commands: tuple[Part, ...], seconds: float | None = PATIENCE_SECONDS) -> list[Any] | None:
        """Their replies; None where the server is gone or refuses. Raises WrongDimension."""
        if not self.usable:
            return None
        try:
            if len(commands) == 1:
                return [await self._connection.run(*commands[0], seconds=seconds)]
            return await self._connection.run_all(commands, seconds=seconds)
        except StoreRefused as refusal:
            self._refused(str(refusal))
        except StoreUnavailable:
            pass
        return None

    def _refused(self, words: str) -> None:
        if "dimension mismatch" in words:
            numbers = [int(word) for word in words.replace(",", " ").split() if word.isdigit()]
            raise WrongDimension(numbers[0], numbers[1]) if len(numbers) == 2 else WrongDimension(0, 0)
        if "unknown command" in words.lower() and ("VADD" in words or "VSIM" in words):
            self.usable = False
            words = (
                f"{self._connection.availability.name} has no vector sets (Redis has them from 8.0 on, Valkey has "
                "none): the same words are still found in it, the same meaning is not looked for."
            )
        if words not in self._told:
            self._told.add(words)
            self._tell(words)


def _name(words: str) -> str:
    """A scope or an entry within a key: as it is where it is short and plain, else by its hash."""
    if len(words) <= 80 and all(letter.isalnum() or letter in "-_.:/@" for letter in words) and words.isascii():
        return words
    return hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()

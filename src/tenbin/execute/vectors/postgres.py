"""6. The vector index that gateways share in PostgreSQL with the extension pgvector: one table.

Exact: a scope's rows are found by their plain index and ordered by their distance. A graph over all scopes together
would be slower, and may find a scope's neighbours among strangers only.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tenbin.discern.embedding.embedder import Vector
from tenbin.execute.cache.availability import TOO_LATE, Availability, StoreUnavailable
from tenbin.execute.clock import Clock, start_task
from tenbin.execute.vectors.index import NEVER_MS, Neighbour, WrongDimension, nearest_first

LOG = logging.getLogger("tenbin.execute")

SCHEMES = ("postgresql", "postgres")
INSTALL = "Install it with: pip install 'tenbin[postgres]'"
MOST_CONNECTIONS = 4
CONNECT_SECONDS = 2.0
PATIENCE_SECONDS = 5.0
"""For what no request waits for: all but the search. The first connection and the table are made by such."""
SWEEP_EVERY = 256
"""Additions between two times that rows whose time has passed are deleted."""
SWEPT_AT_ONCE = 2_000
LOCK = 7_307_219_664
"""An advisory lock's number: of gateways that start at once, one makes the table."""

_EXTENSION = "create extension if not exists vector"
_TABLE = """
create table if not exists {table} (
    entry text primary key,
    scope text not null,
    until_ms bigint not null,
    dimension integer not null,
    vector vector not null
);
create index if not exists {table}_scope on {table} (scope);
create index if not exists {table}_until on {table} (until_ms);
"""
_ADD = """
insert into {table} (entry, scope, until_ms, dimension, vector)
select $1, $2, $3, $4, $5::real[]::vector
where coalesce((select dimension from {table} where scope = $2 and entry <> $1 limit 1), $4) = $4
on conflict (entry) do update set
    scope = excluded.scope, until_ms = excluded.until_ms, dimension = excluded.dimension, vector = excluded.vector
returning 1
"""
_DIMENSION = "select dimension from {table} where scope = $1 and entry <> $2 limit 1"
_NEAREST = """
select entry, -(vector <#> $2::real[]::vector) from {table} where scope = $1 and until_ms > $3
order by vector <#> $2::real[]::vector, entry limit $4
"""
_SWEEP = "delete from {table} where entry in (select entry from {table} where until_ms <= $1 limit $2)"


class PostgresMissing(Exception):
    """The client is not installed; the message says how to get it."""


class PostgresIndex:
    """Vectors in a PostgreSQL. What the server does not do is a miss; one without pgvector is told of once."""

    def __init__(
        self,
        address: str,
        *,
        seconds: float,
        clock: Clock,
        tell: Callable[[str], None] = LOG.warning,
        table: str = "tenbin_vectors",
    ) -> None:
        """``seconds``: for one search. Nothing is connected yet. ``table``: its name.

        Raises ValueError for what is no address of a server, PostgresMissing.
        """
        parts = urlsplit(address)
        if parts.scheme not in SCHEMES:
            raise ValueError(f"{parts.scheme!r} is not postgresql://")
        try:
            import asyncpg
        except ImportError as error:
            raise PostgresMissing(f"Vectors in PostgreSQL need {error.name}. {INSTALL}") from error
        if not table.isidentifier() or not table.isascii():
            raise ValueError(f"{table!r} is no name for a table")
        self._asyncpg = asyncpg
        self._gone = (
            *(asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InterfaceError),
            # What the client says of a connection that broke in the middle of something.
            *(asyncpg.InternalClientError, OSError, TimeoutError),
        )
        self._address = address
        self._seconds = seconds
        self._clock = clock
        self._tell = tell
        self._table = table
        self._pool: Any = None
        self._opening = asyncio.Lock()
        self._made = False
        self._beginning: asyncio.Task[Any] | None = None
        self._additions = 0
        self._told: set[str] = set()
        self.availability = Availability(f"postgresql://{parts.hostname or ''}{parts.path}", clock, tell)

    async def add(self, scope: str, entry: str, vector: Vector, until_ms: int = NEVER_MS) -> None:
        """Keep a unit vector until a time (UTC ms). Raises WrongDimension."""
        now = self._clock.now_ms()
        if until_ms <= now:
            return
        row = (_text(entry), _text(scope), until_ms, vector.size, vector.tolist())
        done = await self._do("fetchval", _ADD, *row)
        if done is None and not self.availability.down:
            held = await self._do("fetchval", _DIMENSION, _text(scope), _text(entry))
            if held is not None and held != vector.size:
                raise WrongDimension(vector.size, held)
        self._additions += 1
        if self._additions % SWEEP_EVERY == 0:
            await self._do("execute", _SWEEP, now, SWEPT_AT_ONCE)

    async def nearest(self, scope: str, vector: Vector, k: int) -> list[Neighbour]:
        """The ``k`` nearest living entries of a scope, nearest first. Raises WrongDimension."""
        now = self._clock.now_ms()
        if not self._made:
            self._begin()
            return []
        rows = await self._do("fetch", _NEAREST, _text(scope), vector.tolist(), now, k, seconds=self._seconds)
        return nearest_first([Neighbour(entry, min(max(near, -1.0), 1.0)) for entry, near in rows or ()], k)

    async def remove(self, entry: str) -> None:
        """Forget an entry, wherever it is; one that is not there is no error."""
        await self._do("execute", "delete from {table} where entry = $1", _text(entry))

    async def clear(self, scope: str) -> None:
        """Forget a scope."""
        await self._do("execute", "delete from {table} where scope = $1", _text(scope))

    async def count(self, scope: str) -> int:
        """Entries of a scope, those included whose time has passed; 0 where the server cannot be asked."""
        return int(await self._do("fetchval", "select count(*) from {table} where scope = $1", _text(scope)) or 0)

    async def close(self) -> None:
        """Close all connections."""
        if self._beginning is not None:
            self._beginning.cancel()
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    def _begin(self) -> None:
        """Connect and make the table, if need be, without making anybody wait for it."""
        if self._beginning is None or self._beginning.done():
            self._beginning = start_task(self._do("execute", "select 1"), name="vectors in PostgreSQL")

    async def _do(self, method: str, statement: str, *arguments: object, seconds: float = PATIENCE_SECONDS) -> Any:
        """What the statement gives; None where the server is gone or refuses. Raises WrongDimension."""
        known, loop = self._asyncpg, asyncio.get_running_loop()
        began = loop.time()
        try:
            self.availability.check()
            async with asyncio.timeout(seconds):
                pool = await self._opened()
                async with pool.acquire() as connection:
                    if not self._made:
                        await self._make(connection)
                    given = await getattr(connection, method)(statement.format(table=self._table), *arguments)
        except StoreUnavailable:
            return None
        except self._gone as error:
            late = isinstance(error, TimeoutError)
            self.availability.failed(TOO_LATE if late else str(error) or type(error).__name__)
        except asyncio.CancelledError:
            # asyncpg cancels what waits on a connection that breaks: that is no reason to cancel the request.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                # Who asked would wait no longer: a server that has hung until then is no better than one that is gone.
                if loop.time() - began >= seconds / 2:
                    self.availability.failed(TOO_LATE)
                raise
            self.availability.failed("the connection broke")
        except known.PostgresError as error:
            self._refused(error)
        else:
            self.availability.answered()
            return given
        return None

    async def _opened(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._asyncpg.create_pool(
                    self._address, min_size=0, max_size=MOST_CONNECTIONS, timeout=CONNECT_SECONDS
                )
            return self._pool

    async def _make(self, connection: Any) -> None:
        """Make the table, once; of several gateways one at a time."""
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
            await connection.execute(_EXTENSION)
            await connection.execute(_TABLE.format(table=self._table))
        self._made = True

    def _refused(self, error: Exception) -> None:
        """It answered, and said no: told once in its own words."""
        words = str(error)
        self.availability.answered()
        if "different vector dimensions" in words:
            held, _, given = words.rpartition("dimensions ")[2].partition(" and ")
            raise WrongDimension(int(given), int(held))
        self._made = False
        if words not in self._told:
            self._told.add(words)
            self._tell(f"{self.availability.name}: {words}. The same meaning is not looked for in it.")


def _text(words: str) -> str:
    """As PostgreSQL takes it: without zero bytes and lone surrogates."""
    return words.replace("\0", "\ufffd").encode("utf-8", "replace").decode()

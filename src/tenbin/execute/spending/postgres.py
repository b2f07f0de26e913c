"""5. Spending in a PostgreSQL that gateways share: one function for each reservation, one round trip awaited.

What calls cost is told behind the requests' backs, a hundred at once.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tenbin.core.budget import Claim, SpendingUnavailable
from tenbin.execute.cache.availability import TOO_LATE, Availability, StoreUnavailable
from tenbin.execute.clock import Clock, start_task
from tenbin.execute.spending.memory import nothing_before
from tenbin.execute.spending.postgres_functions import (
    HOLD,
    LEFT_OPEN,
    LET_GO,
    LOOK,
    MARK,
    MARKS,
    RESERVE,
    SETTLE,
    SHAPE,
    TOMBSTONE_MS,
)
from tenbin.execute.spending.settling import Held, Settlement
from tenbin.execute.spending.shared import (
    KEPT_MS,
    Answer,
    ClientMissing,
    Own,
    Seed,
    SharedSpending,
    Sum,
    Window,
    held_again,
    one_for_each_window,
)

SCHEMES = ("postgresql", "postgres")
INSTALL = "Install it with: pip install 'tenbin[postgres]'"
NAME = "tenbin_spending"
SECONDS = 2.0
"""For a reservation, connecting included, and waiting for those that draw on the same budgets."""
PATIENCE_SECONDS = 5.0
"""For what no request waits for, and for making the tables."""
LONGEST_PAUSE_MS = 2_000
"""Between two attempts at a server that does not answer."""
MOST_CONNECTIONS = 8
CONNECT_SECONDS = 1.0
LET_GO_EVERY = 2_000
"""Settlements between two times that what is over is deleted."""
LOCK = 7_307_219_665
"""An advisory lock's number: of gateways that start at once, one makes the tables."""
AGAIN = ("40P01", "40001")
"""SQLSTATE of what is done again: a deadlock that the server has ended, and two that came in each other's way."""
MEANWHILE = "calls that a budget counts are dealt with as spending.when_unreachable says"


class PostgresSpending(SharedSpending):
    """A server of sums. Belongs to the event loop that first uses it."""

    def __init__(
        self,
        address: str,
        *,
        owner: str,
        clock: Clock,
        tell: Callable[[str], None],
        seed: Seed = nothing_before,
        seconds: float = SECONDS,
        name: str = NAME,
    ) -> None:
        """``seconds``: for one reservation. ``name``: the beginning of its tables' names. Connects when first asked.

        Raises ValueError for what is no address of a server, ClientMissing.
        """
        super().__init__(owner, clock, seed)
        try:
            parts = urlsplit(address)
            place = f"postgresql://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
        except ValueError as error:
            raise ValueError(f"it is no address of a server: {error}") from error
        if parts.scheme not in SCHEMES:
            raise ValueError(f"{parts.scheme!r} is not postgresql://")
        try:
            import asyncpg
        except ImportError as error:
            raise ClientMissing(f"Spending in PostgreSQL needs {error.name}. {INSTALL}") from error
        self._asyncpg = asyncpg
        self._gone = (
            *(asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, asyncpg.InterfaceError),
            # What the client says of a connection that broke in the middle of something.
            *(asyncpg.InternalClientError, asyncpg.TooManyConnectionsError, OSError, TimeoutError),
        )
        self._address = address
        self._seconds = seconds
        self._name = name
        self._pool: Any = None
        self._opening = asyncio.Lock()
        self._connecting: set[asyncio.Task[Any]] = set()
        self._made = False
        self._settled = 0
        self._availability = Availability(place, clock, tell, meanwhile=MEANWHILE, longest_pause_ms=LONGEST_PAUSE_MS)

    async def _ask(self, reservation: str, held: Held, claims: Sequence[Claim], now_ms: int) -> Answer:
        seeds = self._seeds(claims)
        of_claims = [*_columns(claims), [claim.limit if claim.hard else None for claim in claims], seeds]
        about = (reservation, held.worst, held.deadline_ms, _until(held))
        rows = await self._do("fetch", RESERVE, self._owner, now_ms, *about, *of_claims)
        status = rows[0][0]
        if status != "lost":
            self._marked(claims, seeds, now_ms)
        return Answer(status, tuple(Sum(row[1], row[2]) for row in rows))

    async def _look(self, claims: Sequence[Claim], now_ms: int) -> Answer:
        seeds = self._seeds(claims)
        counters, starts, _ = _columns(claims)
        rows = await self._do("fetch", LOOK, counters, starts, now_ms, self._owner)
        sums = []
        for (spent, reserved, marked), seed in zip(rows, seeds, strict=True):
            if not marked and seed is None:
                return Answer("lost")
            # What this owner will add when it first comes counts already.
            sums.append(Sum(spent + (0 if marked or seed is None else seed), reserved))
        return Answer("granted", tuple(sums))

    async def _tell(self, settlements: list[Settlement]) -> None:
        charged = [
            (one.reservation, claim.counter, claim.starts_at_ms)
            for one in settlements
            if one.kind == "charge" and one.held is not None
            for claim in one.held.claims
        ]
        columns = [[one.reservation for one in settlements], [one.kind for one in settlements]]
        charges = [[row[part] for row in charged] for part in range(3)]
        now_ms = self._clock.now_ms()
        costs = [one.cost for one in settlements]
        await self._do("execute", SETTLE, now_ms, *columns, costs, *charges, seconds=PATIENCE_SECONDS)
        self._count(settlements, -1)
        before, self._settled = self._settled, self._settled + len(settlements)
        if self._settled // LET_GO_EVERY > before // LET_GO_EVERY:
            for statement, limit_ms in zip(LET_GO, (now_ms - KEPT_MS, now_ms), strict=True):
                await self._do("execute", statement, limit_ms, seconds=PATIENCE_SECONDS)

    async def _restore(self, windows: Sequence[Own], reservations: Mapping[str, Held]) -> None:
        claims = one_for_each_window(tuple(own.claim for own in windows))
        spent = {(own.claim.counter, own.claim.starts_at_ms): own.seed for own in windows}
        seeds = [spent[claim.counter, claim.starts_at_ms] for claim in claims]
        await self._do("execute", MARK, self._owner, *_columns(claims), seeds, seconds=PATIENCE_SECONDS)
        for reservation, held in reservations.items():
            counters, starts, _ = _columns(held.claims)
            about = (reservation, self._owner, held.worst, held.deadline_ms, _until(held))
            await self._do("execute", HOLD, *about, counters, starts, seconds=PATIENCE_SECONDS)

    async def _left_open(self) -> Mapping[str, Held]:
        rows = await self._do("fetch", LEFT_OPEN, self._owner, seconds=PATIENCE_SECONDS)
        return {
            reservation: held_again(worst, deadline_ms, zip(counters, starts, strict=True), until_ms)
            for reservation, worst, deadline_ms, counters, starts, until_ms in rows
        }

    async def _marks(self) -> Iterable[Window]:
        rows = await self._do("fetch", MARKS, self._owner, self._clock.now_ms(), seconds=PATIENCE_SECONDS)
        return [(counter, starts_at_ms) for counter, starts_at_ms in rows]

    async def _disconnect(self) -> None:
        if self._connecting:
            await asyncio.wait(self._connecting, timeout=2 * CONNECT_SECONDS)
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _do(self, method: str, statement: str, *arguments: object, seconds: float | None = None) -> Any:
        """What the statement gives. Raises SpendingUnavailable."""
        seconds = self._seconds if seconds is None else max(seconds, self._seconds)
        limit, asked = asyncio.timeout(seconds), list[str]()
        try:
            self._availability.check()
            async with limit:
                try:
                    given = await self._done(method, statement, arguments, asked)
                except self._asyncpg.PostgresError as error:
                    if error.sqlstate not in AGAIN:
                        raise
                    given = await self._done(method, statement, arguments, asked)
        except StoreUnavailable as error:
            raise SpendingUnavailable(str(error)) from error
        except self._gone as error:
            if limit.expired() and not asked:  # it waited behind others all the time: of the server this says nothing
                raise SpendingUnavailable(f"{self._availability.name}: too many calls at once") from error
            why = TOO_LATE if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise SpendingUnavailable(str(self._availability.failed(why))) from error
        except asyncio.CancelledError:
            # asyncpg cancels what waits on a connection that breaks: that is no reason to cancel the request.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise SpendingUnavailable(str(self._availability.failed("the connection broke"))) from None
        except self._asyncpg.PostgresError as error:
            self._availability.answered()
            self._made = False  # the tables may be gone: made anew before the next attempt
            raise SpendingUnavailable(f"{self._availability.name}: {error}") from error
        self._availability.answered()
        return given

    async def _done(self, method: str, statement: str, arguments: Sequence[object], asked: list[str]) -> Any:
        pool = await self._opened()
        async with pool.acquire() as connection:
            asked.append(statement)
            if not self._made:
                await self._make(connection)
            return await getattr(connection, method)(statement.format(name=self._name), *arguments)

    async def _opened(self) -> Any:
        if self._pool is None:
            async with self._opening:
                if self._pool is None:
                    self._pool = await self._asyncpg.create_pool(
                        self._address,
                        min_size=0,
                        max_size=MOST_CONNECTIONS,
                        timeout=CONNECT_SECONDS,
                        connect=self._connected,
                        reset=_nothing_to_reset,
                    )
        return self._pool

    async def _connected(self, *arguments: Any, **named: Any) -> Any:
        """A connection. Who waits for it may give up: asyncpg must not be stopped in the middle of opening one."""
        opening = start_task(self._asyncpg.connect(*arguments, **named), name="spending in PostgreSQL")
        self._connecting.add(opening)
        opening.add_done_callback(self._connecting.discard)
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_unused)
            raise

    async def _make(self, connection: Any) -> None:
        """Make tables and functions, if need be; of several gateways one at a time."""
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock($1)", LOCK)
            await connection.execute(SHAPE.format(name=self._name, tombstone=TOMBSTONE_MS))
        self._made = True


def _unused(opening: "asyncio.Task[Any]") -> None:
    """Nobody waits for this connection any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().terminate()


async def _nothing_to_reset(connection: Any) -> None:
    """No statement here leaves anything behind in its connection; asking for it costs a round trip."""


def _columns(claims: Sequence[Claim]) -> list[list[Any]]:
    """Counters, beginnings and ends, as PostgreSQL takes them: without zero bytes and lone surrogates."""
    return [
        [claim.counter.replace("\0", "\ufffd").encode("utf-8", "replace").decode() for claim in claims],
        [claim.starts_at_ms for claim in claims],
        [claim.ends_at_ms for claim in claims],
    ]


def _until(held: Held) -> int:
    """UTC ms after which nobody asks for it any more."""
    return max([claim.ends_at_ms for claim in held.claims] + [held.deadline_ms]) + KEPT_MS

"""One law for all stores of spending: what a simple model says, each of them says too, whatever is done in which order.

Two gateways draw on one store; they are stopped and started again; one store loses all that it holds.
"""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tenbin.core.budget import Claim, Denied, Granted, Level, Spending
from tests.execute.spending.stores import TurnedClock, fresh, opened
from tests.real.postgres_server import PostgresServer
from tests.real.redis_server import RedisServer

T = TypeVar("T")

BUDGETS = (
    ("global", 10_000, 1_000, True),
    ("team", 25_000, 600, True),
    ("key", 1_000_000_000, 900, True),
    ("soft", 10_000, 300, False),
    ("nothing", 10_000, 0, True),
    # Amounts that doubles do not hold exactly.
    ("huge", 25_000, 900_000_000_000_000_003, True),
)
"""Counter, length of its windows in ms, limit, hard."""
CHOICES = st.lists(st.sampled_from(BUDGETS[:4]), min_size=1, max_size=4, unique=True)
AMOUNTS = st.integers(0, 400) | st.sampled_from([1, 100, 600, 1_000, 1_001])


class Open(NamedTuple):
    worst: int
    deadline_ms: int
    windows: tuple[tuple[str, int], ...]
    replica: int


class Law(RuleBasedStateMachine):
    """Subclassed for each store by what it is opened with."""

    address: ClassVar[str]
    folder: ClassVar[Path]
    replicas: ClassVar[int]
    losses: ClassVar[tuple[Callable[[], None], ...]] = ()
    deadlines = True

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.mine = fresh()
        self.clock = TurnedClock()
        self.settled: dict[int, dict[tuple[str, int], int]] = defaultdict(lambda: defaultdict(int))
        """By replica and window: what its ledger knows."""
        self.open: dict[str, Open] = {}
        self.drawn: set[Claim] = set()
        self.count = 0
        self.stores = [self.store(number) for number in range(self.replicas)]

    def store(self, number: int) -> Spending:
        def seed(claim: Claim) -> int:
            return self.settled[number][claim.counter, claim.starts_at_ms]

        return opened(self.address, self.folder, f"{self.mine}-{number}", clock=self.clock, seed=seed)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def claims(self, chosen: list[tuple[str, int, int, bool]]) -> tuple[Claim, ...]:
        found = []
        for counter, length, limit, hard in chosen:
            starts = self.clock.at - self.clock.at % length
            found.append(Claim(f"{counter}:{self.mine}", starts, starts + length, limit, hard))
        return tuple(found)

    # -- the model

    def sums(self, claim: Claim) -> tuple[int, int]:
        window = (claim.counter, claim.starts_at_ms)
        spent = sum(of_one[window] for of_one in self.settled.values())
        reserved = 0
        for one in self.open.values():
            if window in one.windows:
                if self.deadlines and one.deadline_ms < self.clock.at:
                    spent += one.worst
                else:
                    reserved += one.worst
        return spent, reserved

    def expect(self, levels: tuple[Level, ...], claims: tuple[Claim, ...]) -> None:
        found = [(level.claim.counter, level.claim.starts_at_ms, level.spent, level.reserved) for level in levels]
        assert found == [(claim.counter, claim.starts_at_ms, *self.sums(claim)) for claim in claims]
        assert [level.claim for level in levels] == list(claims)

    def over(self, reservation: str, cost: int) -> None:
        one = self.open.pop(reservation)
        for window in one.windows:
            self.settled[one.replica][window] += cost
        store = self.stores[one.replica]
        store.settle(reservation, cost) if cost else store.void(reservation)
        if hasattr(store, "told"):
            assert self.run(store.told())

    # -- what may happen

    @rule(number=st.integers(0, 1), chosen=CHOICES, worst=AMOUNTS, seconds=st.integers(0, 30))
    def reserve(self, number: int, chosen: list[tuple[str, int, int, bool]], worst: int, seconds: int) -> None:
        number %= self.replicas
        claims = self.claims(chosen)
        self.drawn.update(claims)
        self.count += 1
        reservation, deadline = f"{self.mine}{self.count}:1", self.clock.at + 1_000 * seconds
        levels = [Level(claim, *self.sums(claim)) for claim in claims]
        full = [one for one in levels if one.claim.hard and one.spent + one.reserved + worst > one.claim.limit]
        answer = self.run(self.stores[number].reserve(reservation, claims, worst, self.clock.at, deadline))
        if full:
            assert isinstance(answer, Denied)
            assert answer.asked == worst
            assert answer.level in full
            assert answer.level.share == max(one.share for one in full)
            return
        assert isinstance(answer, Granted)
        windows = tuple((claim.counter, claim.starts_at_ms) for claim in claims)
        self.open[reservation] = Open(worst, deadline, windows, number)
        self.expect(answer.levels, claims)

    @rule(number=st.integers(0, 1), part=st.integers(0, 900_000_000_000_000_009))
    def huge(self, number: int, part: int) -> None:
        """Amounts are exact to the last nano-USD."""
        self.reserve(number, [BUDGETS[5]], part, 30)

    @rule(number=st.integers(0, 1), worst=AMOUNTS)
    def nothing_is_allowed(self, number: int, worst: int) -> None:
        self.reserve(number, [BUDGETS[4], BUDGETS[0]], worst, 30)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), cost=AMOUNTS)
    def settle(self, data: st.DataObject, cost: int) -> None:
        self.over(data.draw(st.sampled_from(sorted(self.open))), cost)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def the_same_again(self, data: st.DataObject) -> None:
        reservation = data.draw(st.sampled_from(sorted(self.open)))
        one = self.open[reservation]
        claims = tuple(claim for claim in self.drawn if (claim.counter, claim.starts_at_ms) in one.windows)
        store = self.stores[one.replica]
        answer = self.run(store.reserve(reservation, claims, one.worst, self.clock.at, one.deadline_ms))
        assert isinstance(answer, Granted)
        self.expect(answer.levels, claims)

    @rule(number=st.integers(0, 1), cost=AMOUNTS)
    def settle_what_nobody_knows(self, number: int, cost: int) -> None:
        store = self.stores[number % self.replicas]
        store.settle(f"{self.mine}:unknown", cost)
        store.void(f"{self.mine}:unheard")
        if hasattr(store, "told"):
            assert self.run(store.told())

    @rule(seconds=st.integers(1, 15))
    def time_passes(self, seconds: int) -> None:
        self.clock.at += 1_000 * seconds

    @precondition(lambda self: self.drawn)
    @rule(number=st.integers(0, 1))
    def look(self, number: int) -> None:
        """At all windows, also those that are over."""
        claims = (*self.claims(list(BUDGETS)), *sorted(self.drawn))
        self.expect(self.run(self.stores[number % self.replicas].levels(claims, self.clock.at)), claims)

    @precondition(lambda self: self.address != "memory")
    @rule(number=st.integers(0, 1), crash=st.booleans())
    def start_again(self, number: int, crash: bool) -> None:
        number %= self.replicas
        store = self.stores[number]
        if not crash:
            self.run(store.close())
        else:
            self.run(store._disconnect())  # type: ignore[attr-defined]
        self.stores[number] = self.store(number)
        left = {reservation for reservation, one in self.open.items() if one.replica == number}
        assert set(self.run(self.stores[number].unsettled())) == left  # type: ignore[attr-defined]

    @precondition(lambda self: self.losses and self.drawn)
    @rule()
    def data_are_lost(self) -> None:
        for lose in self.losses:
            lose()
        self.look(0)

    def teardown(self) -> None:
        for reservation in list(self.open):
            self.over(reservation, 1)
        if self.drawn:
            self.look(0)
        for store in self.stores:
            self.run(store.close())
        self.run(asyncio.sleep(0.001))  # what was closed is gone only then
        self.loop.close()


def holds(law: type[Law], examples: int) -> None:
    run_state_machine_as_test(
        law,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            phases=[one for one in Phase if one is not Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


def law(address: str, folder: Path, replicas: int, *losses: Callable[[], None]) -> type[Law]:
    fields = {"address": address, "folder": folder, "replicas": replicas, "deadlines": address != "memory"}
    return type("LawOfOne", (Law,), {**fields, "losses": losses})


def test_memory(tmp_path: Path) -> None:
    holds(law("memory", tmp_path, 1), 60)


def test_sqlite(tmp_path: Path) -> None:
    holds(law("sqlite", tmp_path, 2), 40)


def test_sqlite_that_is_deleted(tmp_path: Path) -> None:
    def deleted() -> None:
        for path in tmp_path.glob("shared.sqlite*"):
            path.unlink()

    holds(law("sqlite", tmp_path, 1, deleted), 30)


def test_sqlite_that_is_emptied(tmp_path: Path) -> None:
    def emptied() -> None:
        database = sqlite3.connect(tmp_path / "shared.sqlite")
        with database:
            for table in ("windows", "owners", "reservations"):
                database.execute(f"DELETE FROM {table}")
        database.close()

    holds(law("sqlite", tmp_path, 1, emptied), 15)


def test_redis(valkey_server: RedisServer, tmp_path: Path) -> None:
    holds(law(valkey_server.address, tmp_path, 2), 30)


def test_redis_that_is_flushed(valkey_server: RedisServer, tmp_path: Path) -> None:
    import redis

    def flushed() -> None:
        with redis.Redis(port=valkey_server.port) as client:
            client.flushall()

    holds(law(valkey_server.address, tmp_path, 1, flushed), 30)


def test_postgres(postgres_server: PostgresServer, tmp_path: Path) -> None:
    holds(law(postgres_server.address, tmp_path, 2), 30)


def test_postgres_that_is_emptied(postgres_server: PostgresServer, tmp_path: Path) -> None:
    import asyncpg

    async def emptied() -> None:
        connection = await asyncpg.connect(postgres_server.address)
        await connection.execute("truncate tenbin_spending_windows, tenbin_spending_reservations")
        await connection.close()

    holds(law(postgres_server.address, tmp_path, 1, lambda: asyncio.run(emptied())), 15)

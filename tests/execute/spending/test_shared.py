"""What shared stores have alike: a network that breaks in the middle, calls that were made without asking, claims that
cross, amounts that nothing counts.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tenbin.core.budget import Claim, Denied, Granted, SpendingUnavailable
from tenbin.execute.clock import SystemClock
from tenbin.execute.spending.shared import MOST_NANO, SharedSpending, held_again, one_for_each_window
from tests.execute.spending.cable import Cable
from tests.execute.spending.stores import claim, fresh, opened
from tests.execute.spending.test_spending_drills import SHARED, address_of

SERVERS = SHARED[1:]
Drill = Callable[[Cable, SharedSpending, SharedSpending, Claim], Coroutine[Any, Any, None]]


class Gateway:
    """A store behind a cable, and another gateway's beside it."""

    def __init__(self, kind: str, request: pytest.FixtureRequest, folder: Path) -> None:
        self.address = address_of(kind, request)
        self.folder = folder
        self.told: list[str] = []

    def run(self, drill: Drill) -> None:
        async def main() -> None:
            async with Cable(self.address) as cable:
                name, clock = fresh(), SystemClock()
                stores: list[Any] = [
                    opened(cable.address, self.folder, f"{name}a", clock=clock, told=self.told, seconds=0.6),
                    opened(self.address, self.folder, f"{name}b", clock=clock),
                ]
                try:
                    await drill(cable, stores[0], stores[1], claim(f"team:{name}/month", 10))
                finally:
                    for store in stores:
                        await store.close()

        asyncio.run(main())


@pytest.fixture
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Gateway:
    return Gateway(request.param, request, tmp_path)


async def reserved(store: SharedSpending, reservation: str, one: Claim, worst: int = 1) -> Granted | Denied:
    now = SystemClock().now_ms()
    return await store.reserve(reservation, (one,), worst, now, now + 3_600_000)


async def sums(store: SharedSpending, one: Claim) -> tuple[int, int]:
    level = (await store.levels((one,), SystemClock().now_ms()))[0]
    return level.spent, level.reserved


async def again(store: SharedSpending, reservation: str, one: Claim, worst: int = 1) -> Granted | Denied:
    """As soon as the store is asked again."""
    for attempt in range(200):
        try:
            return await reserved(store, f"{reservation}.{attempt}", one, worst)
        except SpendingUnavailable:
            await asyncio.sleep(0.05)
    raise AssertionError("it was never asked again")


@pytest.mark.parametrize("gateway", SERVERS, indirect=True)
@pytest.mark.parametrize("mode", ["cut", "swallow"])
def test_a_network_that_breaks_in_the_middle_sets_nothing_aside_for_good(gateway: Gateway, mode: Any) -> None:
    """Granted or not, nobody knows; so the call is not made, and whatever the store has heard counts no more."""

    async def drill(cable: Cable, store: SharedSpending, other: SharedSpending, one: Claim) -> None:
        assert isinstance(await reserved(store, f"{one.counter}:1", one), Granted)
        cable.mode = mode
        with pytest.raises(SpendingUnavailable):
            await reserved(store, f"{one.counter}:2", one, 5)
        cable.mode = "through"
        assert await store.told(30)
        assert await sums(other, one) == (0, 1)
        answer = await again(store, f"{one.counter}:3", one, 9)
        assert isinstance(answer, Granted), "all the rest is free"
        assert await sums(other, one) == (0, 10)
        assert isinstance(await reserved(other, f"{one.counter}:4", one), Denied)

    gateway.run(drill)
    assert any("does not answer" in line for line in gateway.told)
    assert any("answers again" in line for line in gateway.told)


@pytest.mark.parametrize("gateway", ["redis"], indirect=True)
def test_a_question_that_arrives_when_nobody_waits_any_more_sets_nothing_aside(gateway: Gateway) -> None:
    """Its cancellation has overtaken it."""

    async def drill(cable: Cable, store: SharedSpending, other: SharedSpending, one: Claim) -> None:
        assert isinstance(await reserved(store, f"{one.counter}:1", one), Granted)
        cable.mode = "late"
        with pytest.raises(SpendingUnavailable):
            await reserved(store, f"{one.counter}:2", one, 5)
        cable.mode = "through"  # for new connections; the old one still holds the question
        assert await store.told(30)
        cable.deliver()
        await asyncio.sleep(0.2)
        assert await sums(other, one) == (0, 1)

    gateway.run(drill)


@pytest.mark.parametrize("gateway", SERVERS, indirect=True)
def test_a_request_that_is_given_up_while_it_waits_sets_nothing_aside(gateway: Gateway) -> None:
    async def drill(cable: Cable, store: SharedSpending, other: SharedSpending, one: Claim) -> None:
        assert isinstance(await reserved(store, f"{one.counter}:1", one), Granted)
        waiting = [asyncio.ensure_future(reserved(store, f"{one.counter}:{n}", one)) for n in range(2, 9)]
        await asyncio.sleep(0.001)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        granted = 1 + sum(not task.cancelled() for task in waiting)
        assert await store.told(30)
        assert await sums(other, one) == (0, granted)

    gateway.run(drill)


@pytest.mark.parametrize("gateway", SERVERS, indirect=True)
def test_what_is_settled_while_the_store_is_gone_is_told_later(gateway: Gateway) -> None:
    async def drill(cable: Cable, store: SharedSpending, other: SharedSpending, one: Claim) -> None:
        for n in range(8):
            assert isinstance(await reserved(store, f"{one.counter}:{n}", one), Granted)
        cable.mode = "cut"
        cable.cut_all()
        for n in range(6):
            store.settle(f"{one.counter}:{n}", 1) if n % 2 else store.void(f"{one.counter}:{n}")
        assert not await store.told(0.3)
        assert await sums(other, one) == (0, 8)
        cable.mode = "through"
        assert await store.told(30)
        assert await sums(other, one) == (3, 2)

    gateway.run(drill)


@pytest.mark.parametrize("gateway", SERVERS, indirect=True)
@pytest.mark.parametrize("mode", ["cut", "swallow"])
def test_a_call_that_was_made_without_asking_counts_all_the_same(gateway: Gateway, mode: Any) -> None:
    """As ``when_unreachable: serve`` does; once, whatever the store has heard."""

    async def drill(cable: Cable, store: SharedSpending, other: SharedSpending, one: Claim) -> None:
        assert isinstance(await reserved(store, f"{one.counter}:1", one), Granted)
        cable.mode = mode
        for n in range(2, 5):  # the first may have been heard; the others are not even asked
            with pytest.raises(SpendingUnavailable):
                await reserved(store, f"{one.counter}:{n}", one, 3)
        for n in range(2, 5):
            store.settle(f"{one.counter}:{n}", 2)
            store.settle(f"{one.counter}:{n}", 2)
        await asyncio.sleep(0.3)
        cable.mode = "through"
        assert await store.told(30)
        assert await sums(other, one) == (6, 1)

    gateway.run(drill)


@pytest.mark.parametrize("gateway", SERVERS, indirect=True)
def test_a_store_that_is_gone_is_not_waited_for_by_each_request(gateway: Gateway) -> None:
    async def drill(cable: Cable, store: SharedSpending, other: SharedSpending, one: Claim) -> None:
        assert isinstance(await reserved(store, f"{one.counter}:1", one), Granted)
        cable.mode = "cut"
        cable.cut_all()
        with pytest.raises(SpendingUnavailable):
            await reserved(store, f"{one.counter}:2", one)
        asked = cable.questions
        for n in range(3, 203):
            with pytest.raises(SpendingUnavailable, match="does not answer"):
                await reserved(store, f"{one.counter}:{n}", one)
        assert cable.questions - asked < 50
        cable.mode = "through"

    gateway.run(drill)


@pytest.mark.parametrize("kind", SHARED)
def test_claims_that_cross_wait_for_nobody_for_ever(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Many calls on many counters in every order, from three gateways, while others are settled."""
    name, draw = fresh(), random.Random(1)
    counters = [claim(f"key:{name}{n}/month", 40) for n in range(8)]

    async def gateway(number: int) -> int:
        store: Any = opened(address_of(kind, request), tmp_path, f"{name}-{number}", clock=SystemClock())

        async def call(n: int) -> int:
            chosen = tuple(draw.sample(counters, draw.randint(1, 8)))
            now = SystemClock().now_ms()
            answer = await store.reserve(f"{name}{number}:{n}", chosen, 2, now, now + 60_000)
            if isinstance(answer, Granted):
                store.settle(f"{name}{number}:{n}", 1)
                return len(chosen)
            return 0

        made = sum(await asyncio.gather(*(call(n) for n in range(120))))
        assert await store.told(30)
        await store.close()
        return made

    async def main() -> None:
        made = sum(await asyncio.gather(*(gateway(number) for number in range(3))))
        store: Any = opened(address_of(kind, request), tmp_path, f"{name}-look", clock=SystemClock())
        levels = await store.levels(tuple(counters), SystemClock().now_ms())
        assert sum(level.spent for level in levels) == made
        assert all(level.reserved == 0 and level.spent <= 40 for level in levels)
        await store.close()

    asyncio.run(main())


@pytest.mark.parametrize("kind", SHARED)
def test_what_the_ledger_knows_is_taken_up_once_by_each_gateway(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    one = claim(f"team:{fresh()}/month", 100)

    async def main() -> None:
        address, name, clock = address_of(kind, request), fresh(), SystemClock()

        def gateway(letter: str, known: int) -> Any:
            return opened(address, tmp_path, f"{name}{letter}", clock=clock, seed=lambda claim: known)

        first, second, again = gateway("a", 30), gateway("b", 12), gateway("a", 31)
        assert await sums(first, one) == (30, 0), "what it knows is seen before it counts"
        assert isinstance(await reserved(first, f"{name}:1", one), Granted)
        assert isinstance(await reserved(second, f"{name}:2", one), Granted)
        assert isinstance(await reserved(again, f"{name}:3", one), Granted)
        for store in (first, second, again):
            assert await sums(store, one) == (42, 3)
            await store.close()

    asyncio.run(main())


@pytest.mark.parametrize("kind", SHARED)
def test_amounts_beyond_what_is_counted(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    name = fresh()

    async def main() -> None:
        store: Any = opened(address_of(kind, request), tmp_path, name, clock=SystemClock())
        endless = claim(f"team:{name}/month", 1 << 62)
        with pytest.raises(SpendingUnavailable, match="nano-USD"):
            await reserved(store, f"{name}:1", endless, MOST_NANO + 1)
        assert isinstance(await reserved(store, f"{name}:2", endless, MOST_NANO - 1), Granted)
        assert isinstance(await reserved(store, f"{name}:3", endless, 2), Denied)
        assert isinstance(await reserved(store, f"{name}:4", endless, 1), Granted)
        assert await store.reserve(f"{name}:5", (), 1, 0, 0) == Granted(())
        await store.close()

    asyncio.run(main())


def test_windows_are_taken_in_one_order_and_once() -> None:
    found = one_for_each_window((claim("b", 5), claim("a", 7, hard=False), claim("b", 3), claim("a", 9)))
    assert [(one.counter, one.limit, one.hard) for one in found] == [("a", 9, True), ("b", 3, True)]


@pytest.mark.parametrize(
    ("counter", "parts"),
    [
        ("team:search/month", ("team:search", "month", "UTC")),
        ("user:a@b.example/day/soft@Asia/Tokyo", ("user:a@b.example", "day", "Asia/Tokyo")),
        ("model:acme/anvil/total", ("model:acme/anvil", "total", "UTC")),
        ("global/hour", ("global", "hour", "UTC")),
    ],
)
def test_what_an_earlier_process_left_behind_is_known_by_its_name(counter: str, parts: tuple[str, str, str]) -> None:
    (one,) = held_again(1, 2, [(counter, 3)], 4).claims
    assert (one.whose, one.window, one.zone) == parts

"""Counters in memory: taken up from the ledger once, exact under many hands, forgotten only when idle."""

import asyncio

import pytest

from tenbin.decide.limits import Plan, Wish
from tenbin.execute.clock import SystemClock
from tenbin.execute.limits import counters as module
from tenbin.execute.limits.counters import MemoryCounters, Ticket, UseUnknown
from tests.decide.test_limits import attempt, receipt

PLAN = Plan(name="p", requests_per_day=10, tokens_per_day=5_000, output_tokens=100)


class Known:
    """What a ledger would tell."""

    def __init__(self, requests: int = 0, tokens: int = 0) -> None:
        self.told = requests, tokens
        self.asked: list[tuple[str, int]] = []
        self.moved: list[str] = []

    def __call__(self, key_id: str, since_ms: int) -> tuple[int, int]:
        self.asked.append((key_id, since_ms))
        return self.told


def made(known: Known) -> MemoryCounters:
    return MemoryCounters(SystemClock(), known, known.moved.append)


def test_the_ledger_is_asked_once_however_many_come_first() -> None:
    async def many() -> None:
        known = Known(requests=4, tokens=100)
        counters = made(known)
        found = await asyncio.gather(*(counters.enter("k", PLAN, Wish(10, 50), 1.0) for _ in range(30)))
        assert sum(one.limit is None for one in found) == 6
        assert len(known.asked) == 1
        assert counters.known("k").tokens == 100

    asyncio.run(many())


def test_a_ledger_that_cannot_tell_lets_nobody_in_and_is_asked_again() -> None:
    class Silent(Known):
        def __call__(self, key_id: str, since_ms: int) -> tuple[int, int]:
            super().__call__(key_id, since_ms)
            if len(self.asked) == 1:
                raise UseUnknown("no")
            return self.told

    async def twice() -> None:
        counters = made(Silent())
        with pytest.raises(UseUnknown):
            await counters.enter("k", PLAN, Wish(10, 50), 1.0)
        assert (await counters.enter("k", PLAN, Wish(10, 50), 1.0)).limit is None

    asyncio.run(twice())


def test_what_came_to_nothing_is_given_back() -> None:
    async def once() -> None:
        counters = made(Known())
        entered = await counters.enter("k", PLAN, Wish(10, 50), 1.0)
        ticket = Ticket("k", entered.used.day_ms, entered.reserved)
        counters.settle(ticket, None)
        assert counters.known("k")[2:5] == (0, 0, 0)
        entered = await counters.enter("k", PLAN, Wish(10, 50), 1.0)
        counters.settle(ticket, receipt(attempt(7, 3)))
        assert counters.known("k")[2:5] == (1, 10, 0)

    asyncio.run(once())


def test_another_time_zone_is_another_day() -> None:
    async def moved() -> None:
        known = Known()
        counters = made(known)
        await counters.enter("k", PLAN, Wish(10, 50), 1.0)
        elsewhere = Plan(name="p", zone="Pacific/Kiritimati", requests_per_day=10)
        await counters.enter("k", elsewhere, Wish(10, 50), 1.0)
        assert len({since for _, since in known.asked}) == 2

    asyncio.run(moved())


def test_a_plan_that_has_days_counts_what_was_used_before_under_one_that_has_none() -> None:
    async def changed() -> None:
        known = Known(requests=7, tokens=70)
        counters = made(known)
        for _ in range(2):
            await counters.enter("k", Plan(name="any", requests_per_minute=60, burst=60), Wish(10, 50), 1.0)
        assert known.asked == []
        found = await counters.enter("k", PLAN, Wish(10, 50), 1.0)
        assert (found.used.requests, found.used.tokens) == (8, 70)
        assert known.moved == ["k"], "what was read for all keys may be older than what this one has used"

    asyncio.run(changed())


def test_idle_keys_are_forgotten_and_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def crowded() -> None:
        monkeypatch.setattr(module, "MOST_KEYS", 5)
        known = Known()
        counters = made(known)
        busy = await counters.enter("busy", PLAN, Wish(10, 50, stream=True), 1.0)
        for number in range(20):
            one = await counters.enter(f"k{number}", PLAN, Wish(0, 1), 1.0)
            counters.settle(Ticket(f"k{number}", one.used.day_ms, one.reserved), receipt(attempt(1, 0)))
        assert counters.known("busy").reserved == busy.reserved, "what is under way is never forgotten"
        assert "k0" in known.moved

    asyncio.run(crowded())

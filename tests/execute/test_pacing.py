"""The way into a provider with limits: never more than they say, the keys in turn, and nobody is forgotten."""

import asyncio
import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.model import ProviderConfig, ProviderLimits
from tenbin.core.problems import QUEUE_FULL, Failure
from tenbin.core.usage import NOTHING
from tenbin.execute import pacing
from tenbin.execute.clock import SystemClock
from tenbin.execute.pacing import MINUTE_MS, Lane, Place, Window, lanes
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.real.books import configured, serving, wait_until


def lane(**limits: Any) -> Lane:
    return Lane("one", ProviderLimits(**limits), SystemClock())


async def place(of: Lane, key: str = "a", tokens: int = 1) -> Place:
    found = await of.enter(key, tokens)
    assert isinstance(found, Place), found
    return found


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 30)), min_size=1, max_size=60))
def test_no_minute_holds_more_than_the_limit(limit: int, wishes: list[tuple[int, int]]) -> None:
    window, now, taken = Window(limit), 0, []
    for step, amount in wishes:
        now += step
        wait = window.wait_ms(amount, now)
        assert 0 <= wait <= MINUTE_MS
        now += wait
        assert window.wait_ms(amount, now) == 0, "the wait that was told is long enough"
        window.take(amount, now)
        taken.append((now, amount))
        within = [amount for at, amount in taken if at > now - MINUTE_MS]
        assert sum(within) <= limit or len(within) == 1, "only what exceeds a whole minute's goes, and alone"


def test_without_a_limit_nothing_waits_and_nothing_is_kept() -> None:
    window = Window(None)
    window.take(10**9, 0)
    assert window.wait_ms(10**9, 0) == 0


def test_no_more_calls_than_allowed_run_at_once() -> None:
    async def run() -> None:
        one, most = lane(concurrent=3), 0

        async def call(number: int) -> None:
            nonlocal most
            held = await place(one, key=f"key {number % 4}")
            most = max(most, one.running)
            await asyncio.sleep(0)
            held.leave()
            held.leave()

        await asyncio.gather(*(call(number) for number in range(50)))
        assert (most, one.running, one.waiting) == (3, 0, 0)

    asyncio.run(run())


def test_the_keys_are_served_in_turn() -> None:
    async def run() -> list[str]:
        one = lane(concurrent=1)
        first = await place(one)
        served: list[str] = []

        async def call(key: str) -> None:
            held = await place(one, key)
            served.append(key)
            held.leave()

        tasks = [asyncio.create_task(call(key)) for key in "aaaaabc"]
        await asyncio.sleep(0)
        assert one.waiting == 7
        first.leave()
        await asyncio.gather(*tasks)
        return served

    assert asyncio.run(run()) == list("abcaaaa")


def test_who_gives_up_leaves_the_queue_and_takes_no_place_with_them() -> None:
    async def run() -> None:
        one = lane(concurrent=1)
        first = await place(one)
        tasks = [asyncio.create_task(place(one, key)) for key in "ab"]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.gather(*tasks[:1], return_exceptions=True)
        assert one.waiting == 1
        first.leave()
        tasks[1].cancel()  # its place has come, but it has not seen it yet
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (one.running, one.waiting) == (0, 0)
        (await place(one)).leave()

    asyncio.run(run())


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.booleans()), max_size=30), st.integers(1, 3))
def test_whatever_is_cancelled_no_place_is_lost(calls: list[tuple[str, bool, bool]], concurrent: int) -> None:
    async def run() -> None:
        one = lane(concurrent=concurrent)

        async def call(key: str) -> None:
            held = await place(one, key)
            try:
                await asyncio.sleep(0)
                assert one.running <= concurrent
            finally:
                held.leave()

        tasks = []
        for key, cancelled, turn in calls:
            tasks.append(asyncio.create_task(call(key)))
            if turn:
                await asyncio.sleep(0)
            if cancelled:
                tasks[-1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (one.running, one.waiting) == (0, 0)

    asyncio.run(run())


def test_waiting_has_an_end_and_a_full_queue_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        one = lane(concurrent=1, queue_seconds=0.01)
        await place(one)
        late = await one.enter("a", 1)
        assert isinstance(late, Failure)
        assert (late.kind, late.code) == ("rate_limited", QUEUE_FULL)
        assert "providers.one.limits" in late.message
        assert (late.retry_after_ms or 0) >= 1_000
        monkeypatch.setattr(pacing, "MOST_QUEUED", 0)
        assert isinstance(await one.enter("a", 1), Failure)
        one.configure(ProviderLimits(concurrent=1, queue_seconds=0))
        assert isinstance(await one.enter("a", 1), Failure)
        assert one.waiting == 0

    asyncio.run(run())


def test_a_clients_patience_bounds_the_wait() -> None:
    async def run() -> None:
        one = lane(concurrent=1, queue_seconds=3_600)
        await place(one)
        assert isinstance(await one.enter("a", 1, patience_ms=5), Failure)
        assert isinstance(await one.enter("a", 1, patience_ms=-5), Failure)

    asyncio.run(run())


def test_a_reload_keeps_who_is_there_and_changes_the_limits() -> None:
    clock = SystemClock()
    rows = {"one": ProviderConfig(limits=ProviderLimits(concurrent=1)), "two": ProviderConfig()}
    before = lanes(rows, {}, clock)
    assert set(before) == {"one"}
    after = lanes({"one": ProviderConfig(limits=ProviderLimits(concurrent=2))}, before, clock)
    assert after["one"] is before["one"]

    async def run() -> None:
        await place(after["one"])
        await place(after["one"])

    asyncio.run(run())
    assert lanes({}, after, clock) == {}


def paced(url: str, **limits: Any) -> Any:
    return configured(
        providers={
            "anthropic": {"base_url": f"{url}/anthropic", "api_key": "sk-one", "limits": limits},
            "openai": {"base_url": f"{url}/openai/v1", "dialect": "openai_chat", "api_key": "sk-two"},
        },
        models={"chain": ["anthropic/claude-sonnet-4-6", "openai/gpt-4o"], "one": ["anthropic/claude-sonnet-4-6"]},
    )


def test_requests_queue_at_the_gateway_and_their_wait_is_on_the_receipt(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    with serving(paced(simulator.url, concurrent=1), tmp_path) as house:
        simulator.script("*", *[{"delay_ms": 150, "text": "slow"}] * 3)
        callers = [Caller(house.url) for _ in range(3)]
        threads = [threading.Thread(target=one.ask, args=("anthropic", "one")) for one in callers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        receipts = house.books.new(3)
        assert [one.outcome for one in receipts] == ["answered"] * 3
        spans = sorted((one.arrived_at_ms + one.queue_ms, one.attempts[0].total_ms) for one in receipts)
        for (start, took), (following, _) in pairwise(spans):
            assert following >= start + took - 5, "one after the other"
        assert sorted(one.queue_ms for one in receipts)[1] >= 100
        for one in callers:
            one.http.close()


def test_a_full_lane_moves_on_or_says_so_in_the_clients_dialect(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(paced(simulator.url, requests_per_minute=1, queue_seconds=0), tmp_path) as house:
        caller = Caller(house.url)
        assert caller.ask("anthropic", "one").status_code == 200
        moved = caller.ask("anthropic", "chain")
        assert (moved.status_code, moved.headers["x-tenbin-provider"]) == (200, "openai")
        for dialect, code in (("anthropic", "rate_limit_error"), ("openai_chat", "rate_limit_exceeded")):
            refused = caller.ask(dialect, "one")
            assert refused.status_code == 429
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert code in refused.text
            assert "providers.anthropic.limits" in refused.json()["error"]["message"]
        receipts = house.books.new(4)
        assert Counter(one.outcome for one in receipts) == {"answered": 2, "failed": 2}
        assert len(simulator.requests()) == 2, "the provider was asked no more often"
        assert [row.target for row in house.running.gateway.targets() if row.failures] == [], "it is none of its faults"
        caller.http.close()


def test_a_client_that_leaves_the_queue_is_settled_and_costs_nothing(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    with serving(paced(simulator.url, concurrent=1), tmp_path) as house:
        simulator.script("*", {"delay_ms": 700, "text": "slow"})
        busy = Caller(house.url)
        thread = threading.Thread(target=busy.ask, args=("anthropic", "one"))
        thread.start()
        wait_until(lambda: len(simulator.requests()) == 1, "the first call")
        with pytest.raises(Exception, match="timed out"):
            Caller(house.url).http.post("/v1/messages", json=busy.body("anthropic", "one"), timeout=0.2)
        thread.join()
        receipts = house.books.new(2)
        assert [one.outcome for one in receipts] == ["answered", "cancelled"]
        assert receipts[1].usage == NOTHING
        assert len(simulator.requests()) == 1
        busy.http.close()

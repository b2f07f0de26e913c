"""Shared counters in a real server: the script decides as the pure function does; several gateways are one."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenbin.core.receipt import Receipt
from tenbin.decide.limits import Plan, Used, Wish, at, entry, settled
from tenbin.execute.clock import SystemClock
from tenbin.execute.limits.counters import Ticket, UseUnknown
from tenbin.execute.limits.redis import RedisCounters
from tests.decide.test_limits import attempt, plans, receipt, wishes
from tests.real.redis_server import RedisServer

PLAN = Plan(name="p", requests_per_day=10, tokens_per_day=5_000, output_tokens=100)


def counters(server: RedisServer, marker: str = "", tell: Callable[[str], None] = lambda _: None) -> RedisCounters:
    return RedisCounters(server.address, SystemClock(), tell, marker=f"t:{marker or uuid.uuid4()}:", seconds=20)


async def taken(shared: RedisCounters) -> None:
    """Return when the server has been told all."""
    for _ in range(10_000):
        if not shared.untold:
            return
        await asyncio.sleep(0.001)
    raise AssertionError("the server is not told")


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=plans, asked=st.lists(st.tuples(wishes, st.floats(0, 1)), max_size=25), factor=st.sampled_from([1.0, 0.5]))
def test_the_script_decides_as_the_pure_function_does(
    server: RedisServer, plan: Plan, asked: list[tuple[Wish, float]], factor: float
) -> None:
    async def compared() -> None:
        shared, clock = counters(server), SystemClock()
        pure = at(Used(), plan.zone, clock.now_ms())
        waiting: list[tuple[int, Receipt, bool]] = []
        for wish, share in asked:
            found = await shared.enter("k", plan, wish, factor)
            now_ms = clock.now_ms()
            expected = entry(plan, pure, wish, now_ms, clock.monotonic_ns() // 1_000, factor)
            assert found.limit == expected.limit
            assert (found.reserved, found.output) == (expected.reserved, expected.output)
            assert found.used[2:5] == expected.used[2:5]
            assert found.used.streams == expected.used.streams
            assert abs(found.wait_ms - expected.wait_ms) < 2_000
            if expected.limit is not None:
                continue
            pure = expected.used
            if wish.counts:
                told = receipt(attempt(int(found.reserved * share), 0)) if share > 0.1 else receipt(outcome="failed")
                waiting.append((found.reserved, told, wish.stream))
            if len(waiting) > 2:
                reserved, told, stream = waiting.pop(0)
                shared.settle(Ticket("k", pure.day_ms, reserved), told)
                pure = settled(pure, day_ms=pure.day_ms, reserved=reserved, receipt=told)
                if stream:
                    shared.left_stream("k")
                    pure = pure._replace(streams=pure.streams - 1)
                await taken(shared)
        await shared.close()

    run(compared())


def test_many_at_once_at_two_gateways_do_not_pass_the_day(server: RedisServer) -> None:
    async def drilled() -> None:
        marker = str(uuid.uuid4())
        two = counters(server, marker), counters(server, marker)
        asked = [two[number % 2].enter("k", PLAN, Wish(prompt=10, output=50), 1.0) for number in range(200)]
        found = await asyncio.gather(*asked)
        assert sum(one.limit is None for one in found) == 10
        assert {one.limit for one in found} == {None, "requests_per_day"}
        assert all(one.used.reserved <= 5_000 for one in found)
        for one in two:
            await one.close()

    run(drilled())


def test_what_was_used_is_told_to_the_server(server: RedisServer) -> None:
    async def told() -> None:
        marker = str(uuid.uuid4())
        first, second = counters(server, marker), counters(server, marker)
        entered = [await first.enter("k", PLAN, Wish(prompt=10, output=50), 1.0) for _ in range(3)]
        for one, outcome in zip(entered, ((30, 5), None, (10, 1)), strict=True):
            ticket = Ticket("k", one.used.day_ms, one.reserved)
            first.settle(ticket, None if outcome is None else receipt(attempt(*outcome)))
        await first.close()
        seen = (await second.enter("k", PLAN, Wish(prompt=1, output=1), 1.0)).used
        assert (seen.requests, seen.tokens, seen.reserved) == (3, 46, 2)
        await second.close()

    run(told())


def test_a_server_that_is_gone_lets_nobody_in_and_is_told_when_it_is_back(tmp_path: Any) -> None:
    async def gone() -> None:
        with RedisServer(tmp_path) as server:
            said: list[str] = []
            shared = counters(server, tell=said.append)
            entered = await shared.enter("k", PLAN, Wish(prompt=10, output=50), 1.0)
            server.kill()
            with pytest.raises(UseUnknown, match="does not answer"):
                await shared.enter("k", PLAN, Wish(stream=True), 1.0)
            assert "requests of keys with a plan are answered with 503 until it does" in said[0]
            shared.settle(Ticket("k", entered.used.day_ms, entered.reserved), receipt(attempt(5, 5)))
            assert (await shared.ready("k", PLAN)).streams == 0, "what was not let in holds no stream"
            server.start()
            await taken(shared)
            await shared.close()

    run(gone())


def test_streams_do_not_pass_their_limit_while_the_server_is_waited_for(server: RedisServer) -> None:
    async def streamed() -> None:
        shared = counters(server)
        plan = Plan(name="s", concurrent_streams=2)
        found = await asyncio.gather(*(shared.enter("k", plan, Wish(stream=True), 1.0) for _ in range(9)))
        assert sum(one.limit is None for one in found) == 2
        shared.left_stream("k")
        assert (await shared.enter("k", plan, Wish(stream=True), 1.0)).limit is None
        await shared.close()

    run(streamed())

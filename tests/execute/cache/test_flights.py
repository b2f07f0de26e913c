"""Whatever leaders and followers do, everybody is told something, and there is one leader at a time."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from tenbin.execute.cache.flights import Flights
from tests.execute.cache.making import an_entry

ends = st.sampled_from(["land", "release", "pass_on", "cancelled"])


@given(st.lists(ends, min_size=1, max_size=12), st.lists(st.booleans(), min_size=12, max_size=12), st.booleans())
def test_everybody_is_told_and_one_leads_at_a_time(how: list[str], impatient: list[bool], together: bool) -> None:
    entry = an_entry()
    leading: list[int] = []
    told: dict[int, object] = {}

    async def one(flights: Flights, number: int) -> None:
        try:
            landing = await flights.join("x", 0.0 if impatient[number] else 5.0)
        except asyncio.CancelledError:
            told[number] = "cancelled"
            raise
        told[number] = landing
        if landing != "lead":
            return
        leading.append(number)
        assert len(leading) == 1, "two lead"
        try:
            await asyncio.sleep(0)
            if how[number] == "cancelled":
                raise asyncio.CancelledError
        finally:
            leading.remove(number)
            if how[number] == "land":
                flights.land("x", entry)
            elif how[number] == "release":
                flights.release("x")
            else:
                flights.pass_on("x")

    async def main() -> None:
        flights = Flights()
        tasks = []
        for number in range(len(how)):
            tasks.append(asyncio.create_task(one(flights, number)))
            if not together:
                await asyncio.sleep(0)
        if len(tasks) > 2:
            await asyncio.sleep(0)
            tasks[1].cancel()
        async with asyncio.timeout(20):
            await asyncio.gather(*tasks, return_exceptions=True)
        assert len(flights) == 0

    asyncio.run(main())
    assert sorted(told) == list(range(len(how))) or (len(how) > 2 and 1 not in told)
    assert set(map(str, (landing for landing in told.values() if isinstance(landing, str)))) <= {
        "lead",
        "alone",
        "cancelled",
    }

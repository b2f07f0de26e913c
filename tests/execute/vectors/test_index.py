"""The law of every vector index, in memory and on real servers: the nearest living entries of one scope.

Each example has scopes of its own, so that indexes on one server may be asked one after the other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenbin.discern.embedding.embedder import Vector
from tenbin.execute.vectors.index import NEVER_MS, Index, Neighbour, WrongDimension
from tests.execute.vectors.conftest import Making, TurnedClock

DIMENSION = 8
_examples = count()

shared = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def vector(seed: int, dimension: int = DIMENSION) -> Vector:
    drawn = np.random.default_rng(seed).standard_normal(dimension)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def exactly(held: dict[str, tuple[Vector, int]], asked: Vector, k: int, now_ms: int) -> list[Neighbour]:
    """What the law demands, by the plainest reckoning."""
    found = [
        Neighbour(entry, float(kept.astype(float) @ asked.astype(float)))
        for entry, (kept, until) in held.items()
        if until > now_ms
    ]
    return sorted(found, key=lambda one: -one.similarity)[:k]


def assert_same(found: list[Neighbour], expected: list[Neighbour]) -> None:
    assert [one.similarity for one in found] == pytest.approx([one.similarity for one in expected], abs=2e-6)
    # Equally near ones may change places, and at the end one for another.
    if expected:
        last = expected[-1].similarity + 2e-6
        assert {one.entry for one in expected if one.similarity > last} <= {one.entry for one in found}
    assert len({one.entry for one in found}) == len(found)


def run(making: Making, work: Callable[[Index, str], Awaitable[None]]) -> None:
    async def main() -> None:
        index = making()
        try:
            await work(index, f"x{next(_examples)}-")
        finally:
            await index.close()

    asyncio.run(main())


STEP = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 1), st.integers(0, 11), st.integers(0, 40), st.integers(0, 3)),
    st.tuples(st.just("remove"), st.integers(0, 11)),
    st.tuples(st.just("clear"), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.integers(1, 2)),
    st.tuples(st.just("ask"), st.integers(0, 1), st.integers(0, 40), st.integers(1, 6)),
)


@given(st.lists(STEP, min_size=10, max_size=40))
@shared
def test_two_scopes_hold_what_they_were_given_and_never_see_each_other(
    making: Making, clock: TurnedClock, steps: list[tuple]
) -> None:
    """The same entry may move from one scope to the other; its time may pass; whatever happens, the answer is exact."""

    async def work(index: Index, name: str) -> None:
        held: dict[int, dict[str, tuple[Vector, int]]] = {0: {}, 1: {}}
        for step in [*steps, ("ask", 0, 1, 5), ("ask", 1, 1, 5)]:
            match step:
                case ("add", scope, number, seed, hours):
                    until = clock.now_ms() + hours * 3_600_000 if hours else NEVER_MS
                    entry = f"{name}{number}"
                    await index.add(f"{name}{scope}", entry, vector(seed), until)
                    held[1 - scope].pop(entry, None)
                    held[scope][entry] = (vector(seed), until)
                case ("remove", number):
                    await index.remove(f"{name}{number}")
                    for scope in (0, 1):
                        held[scope].pop(f"{name}{number}", None)
                case ("clear", scope):
                    await index.clear(f"{name}{scope}")
                    held[scope].clear()
                case ("wait", hours):
                    clock.ahead_ms += hours * 3_600_000
                case ("ask", scope, seed, k):
                    now = clock.now_ms()
                    found = await index.nearest(f"{name}{scope}", vector(seed), k)
                    assert_same(found, exactly(held[scope], vector(seed), k, now))
                    living = sum(until > now for _, until in held[scope].values())
                    assert living <= await index.count(f"{name}{scope}") <= len(held[scope])

    run(making, work)


@given(st.text(max_size=40), st.text(max_size=40), st.text(min_size=1, max_size=40))
@shared
def test_scopes_of_any_name_are_kept_apart(making: Making, one: str, other: str, entry: str) -> None:
    async def work(index: Index, name: str) -> None:
        one_scope, other_scope = f"{name}{one}", f"{name}{other}\n"
        if "\0" in entry + one + other or any("\ud800" <= letter <= "\udfff" for letter in entry + one + other):
            return  # names are hexadecimal digests; these are only never to cause an error
        await index.add(one_scope, f"{name}{entry}", vector(1))
        assert await index.nearest(other_scope, vector(1), 5) == []
        found = await index.nearest(one_scope, vector(1), 5)
        assert [neighbour.entry for neighbour in found] == [f"{name}{entry}"]
        await index.remove(f"{name}{entry}")

    run(making, work)


def test_a_large_scope_is_answered_like_a_small_one(making: Making) -> None:
    async def work(index: Index, name: str) -> None:
        size, dimension = 400, 64
        vectors = [vector(seed, dimension) for seed in range(size)]
        for number, kept in enumerate(vectors):
            await index.add(name, f"{name}{number}", kept)
        for number in range(0, size, 3):
            await index.remove(f"{name}{number}")
        held = {f"{name}{number}": (kept, NEVER_MS) for number, kept in enumerate(vectors) if number % 3}
        assert await index.count(name) == len(held)
        for seed in range(40):
            near = vectors[seed] + 0.3 * vector(1_000 + seed, dimension)
            near /= np.linalg.norm(near)
            found = await index.nearest(name, near, 1)
            assert_same(found, exactly(held, near, 1, 0))

    run(making, work)


def test_a_vector_of_another_embedder_is_an_error_that_says_so(making: Making) -> None:
    async def work(index: Index, name: str) -> None:
        assert await index.nearest(name, vector(1, 5), 3) == [], "a scope has no dimension before it has an entry"
        await index.add(name, f"{name}a", vector(1))
        with pytest.raises(WrongDimension, match="a vector of 5 numbers was given to a scope of vectors of 8"):
            await index.add(name, f"{name}b", vector(1, 5))
        with pytest.raises(WrongDimension, match="a vector of 5 numbers was given to a scope of vectors of 8"):
            await index.nearest(name, vector(1, 5), 3)
        assert [one.entry for one in await index.nearest(name, vector(1), 3)] == [f"{name}a"]
        assert await index.count(name) == 1
        await index.clear(name)
        await index.add(name, f"{name}b", vector(1, 5))
        assert [one.entry for one in await index.nearest(name, vector(1, 5), 3)] == [f"{name}b"]

    run(making, work)


def test_an_entry_whose_time_is_over_is_not_kept(making: Making, clock: TurnedClock) -> None:
    async def work(index: Index, name: str) -> None:
        for number in range(20):
            await index.add(name, f"{name}{number}", vector(number), clock.now_ms() + 60_000)
        clock.ahead_ms += 61_000
        assert await index.nearest(name, vector(1), 5) == []
        await index.add(name, f"{name}late", vector(1), clock.now_ms() - 1)
        assert await index.nearest(name, vector(1), 5) == []

    run(making, work)


def test_many_at_once(making: Making) -> None:
    async def work(index: Index, name: str) -> None:
        await asyncio.gather(*(index.add(f"{name}{n % 3}", f"{name}{n}", vector(n)) for n in range(90)))
        found = await asyncio.gather(*(index.nearest(f"{name}{n % 3}", vector(n), 1) for n in range(90)))
        assert [one[0].entry for one in found] == [f"{name}{n}" for n in range(90)]

    run(making, work)


def test_what_is_not_there(making: Making, told: list[str]) -> None:
    async def work(index: Index, name: str) -> None:
        await index.remove(f"{name}nothing")
        await index.clear(f"{name}nothing")
        assert await index.count(f"{name}nothing") == 0
        assert await index.nearest(f"{name}nothing", vector(1), 3) == []

    run(making, work)
    assert told == []

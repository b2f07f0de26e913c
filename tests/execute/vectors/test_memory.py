"""What is peculiar about the index in memory: a large scope's graph, what gives way, and that it ends."""

import asyncio
import builtins
from typing import Any

import numpy as np
import pytest

from tenbin.discern.embedding.embedder import Vectors
from tenbin.execute.vectors import memory
from tenbin.execute.vectors.memory import MemoryIndex
from tests.execute.vectors.conftest import TurnedClock


def clustered(size: int, dimension: int = 64) -> Vectors:
    """Vectors that lie in groups, as texts do."""
    drawn = np.random.default_rng(5)
    centres = drawn.standard_normal((size // 10 + 1, dimension))
    rows = centres[drawn.integers(0, len(centres), size)] + 0.5 * drawn.standard_normal((size, dimension))
    return (rows / np.linalg.norm(rows, axis=1)[:, None]).astype(np.float32)


def test_a_graph_misleads_nobody_while_entries_come_and_go(clock: TurnedClock, told: list[str]) -> None:
    size = 6_000
    vectors = clustered(size)

    async def main() -> None:
        index = MemoryIndex(clock, told.append, most_read_through=2_000)
        for number in range(size):
            await index.add("scope", str(number), vectors[number])
            if number % 3 == 0:
                await index.remove(str(number // 3 * 2))
            if number % 50 == 0:
                await asyncio.sleep(0)
        gone = {number // 3 * 2 for number in range(0, size, 3)}
        await index.built()
        living = [number for number in range(size) if number not in gone]
        assert await index.count("scope") == len(living)
        assert len(index._scopes["scope"].graph or ()) == len(living)
        right = 0
        for number in living[::20]:
            (first, *_) = found = await index.nearest("scope", vectors[number], 5)
            assert all(
                one.similarity == pytest.approx(float(vectors[int(one.entry)] @ vectors[number]), abs=1e-5)
                for one in found
            )
            assert not {int(one.entry) for one in found} & gone
            right += first.entry == str(number)
        assert right >= 0.99 * len(living[::20])
        await index.close()

    asyncio.run(main())
    assert told == []


def test_without_a_library_for_graphs_the_oldest_give_way(
    clock: TurnedClock, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("usearch"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    vectors = clustered(30)

    async def main() -> None:
        index = MemoryIndex(clock, told.append, most_read_through=20)
        for number in range(30):
            await index.add("scope", str(number), vectors[number])
        assert await index.count("scope") == 20
        entries = {one.entry for one in await index.nearest("scope", vectors[0], 30)}
        assert entries == {str(number) for number in range(10, 30)}
        await index.close()

    asyncio.run(main())
    assert told == [
        "A scope of the semantic cache has more than 20 entries: its oldest give way from now on. For more, install "
        "usearch (usearch.index is not installed: pip install 'tenbin[usearch]')."
    ]


def test_when_all_is_full_the_scope_that_rests_longest_gives_way(clock: TurnedClock, told: list[str]) -> None:
    vectors = clustered(10)

    async def main() -> None:
        index = MemoryIndex(clock, told.append, most_entries=6)
        for number in range(3):
            await index.add("one", f"one {number}", vectors[number])
        for number in range(3):
            await index.add("two", f"two {number}", vectors[number])
        await index.nearest("one", vectors[0], 1)
        await index.add("three", "three", vectors[0])
        assert [await index.count(scope) for scope in ("one", "two", "three")] == [3, 2, 1]
        assert {one.entry for one in await index.nearest("two", vectors[0], 5)} == {"two 1", "two 2"}
        assert len(index) == 6
        await index.close()

    asyncio.run(main())


def test_what_has_passed_is_given_up(clock: TurnedClock, told: list[str]) -> None:
    vectors = clustered(1_000)

    async def main() -> None:
        index = MemoryIndex(clock, told.append)
        for number in range(1_000):
            await index.add("scope", str(number), vectors[number], clock.now_ms() + 60_000)
        for _ in range(3):
            clock.ahead_ms += 61_000
            assert await index.nearest("scope", vectors[0], 3) == []
        assert len(index) == 0
        assert not index._scopes, "a scope without entries takes no room"
        await index.close()

    asyncio.run(main())


def test_it_ends_while_a_graph_is_being_built(clock: TurnedClock, told: list[str]) -> None:
    vectors = clustered(500)

    async def main() -> None:
        index = MemoryIndex(clock, told.append, most_read_through=10)
        for number in range(500):
            await index.add("scope", str(number), vectors[number])
        await asyncio.sleep(0)
        assert index._scopes["scope"].building
        await index.close()
        await index.built()
        assert not index._scopes["scope"].building

    asyncio.run(main())


def test_most_of_it_is_read_off_the_event_loop(
    clock: TurnedClock, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "NUMBERS_ON_THE_LOOP", 0)
    vectors = clustered(100)

    async def main() -> None:
        index = MemoryIndex(clock, told.append)
        for number in range(100):
            await index.add("scope", str(number), vectors[number])
        found = await asyncio.gather(*(index.nearest("scope", one, 1) for one in vectors))
        assert [int(one[0].entry) for one in found] == list(range(100))
        await index.close()

    asyncio.run(main())

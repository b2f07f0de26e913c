"""What every place for entries must do, held against each of them: a file, and a real Redis."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from tenbin.execute.cache.availability import StoreUnavailable
from tenbin.execute.cache.memory import MemoryStore
from tenbin.execute.cache.redis import RedisStore
from tenbin.execute.cache.sqlite import SqliteStore
from tenbin.execute.cache.store import Selection, Store
from tenbin.execute.clock import SystemClock
from tests.execute.cache.making import NOW_MS, StandingClock, an_entry
from tests.real.redis_server import RedisServer

Check = Callable[[Store], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["sqlite", "redis"])
def checked(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Check], None]:
    """Runs a check against an empty store."""

    def run(check: Check) -> None:
        async def main() -> None:
            store: Store
            if request.param == "sqlite":
                store = SqliteStore(tmp_path / "cache.db", 10_000_000, SystemClock(), print)
            else:
                address = request.getfixturevalue("redis").address
                store = RedisStore(address, seconds=10, clock=SystemClock(), tell=print)
                await store.remove(Selection())
            try:
                await check(store)
            finally:
                await store.close()

        asyncio.run(main())

    return run


def living(name: str, **fields: Any) -> Any:
    now = SystemClock().now_ms()
    return an_entry(name, **{"created_ms": now, "expires_ms": now + 60_000, **fields})


def test_what_is_kept_is_found_until_it_ends(checked: Callable[[Check], None]) -> None:
    async def check(store: Store) -> None:
        one, short = living("a", tags=("faq",)), living("b", expires_ms=SystemClock().now_ms() + 80)
        await store.put(one)
        await store.put(short)
        assert await store.get(one.id) == one
        assert await store.get("c" * 32) is None
        brief = living("d", expires_ms=SystemClock().now_ms() + 120)
        await store.put(brief)
        await store.renew(brief.id, brief.expires_ms + 60_000)
        await asyncio.sleep(0.2)
        assert await store.get(short.id) is None
        assert await store.get(brief.id) is not None, "its life was prolonged"
        assert (await store.size()).entries == 2

    checked(check)


def test_an_entry_takes_the_place_of_one_of_its_name(checked: Callable[[Check], None]) -> None:
    async def check(store: Store) -> None:
        await store.put(living("a"))
        await store.put(living("a", model="other"))
        found = await store.get("a" * 32)
        assert found is not None
        assert found.model == "other"
        assert (await store.size()).entries == 1

    checked(check)


@pytest.mark.parametrize(
    ("which", "names"),
    [
        (Selection(entry="aaaa"), "a"),
        (Selection(tag="faq"), "ab"),
        (Selection(tag="fa"), ""),
        (Selection(scope="key:ben"), "c"),
        (Selection(model="auto"), "ac"),
        (Selection(model="anthropic/claude-haiku-5-5"), "abc"),
        (Selection(tag="faq", model="auto"), "a"),
        (Selection(), "abc"),
    ],
)
def test_entries_are_chosen_listed_and_removed(checked: Callable[[Check], None], which: Selection, names: str) -> None:
    async def check(store: Store) -> None:
        await store.put(living("a", tags=("faq", "v2")))
        await store.put(living("b", tags=("faq",), model="m"))
        await store.put(living("c", scope="key:ben"))
        expected = {name * 32 for name in names}
        assert {one.id for one in await store.listed(which, 10)} == expected
        assert set(await store.remove(which)) == expected
        assert (await store.size()).entries == 3 - len(expected)

    checked(check)


def test_a_damaged_file_is_no_error_but_a_store_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(b"no database at all" * 100)
    told: list[str] = []

    async def main() -> None:
        store = SqliteStore(path, 1_000, SystemClock(), told.append)
        with pytest.raises(StoreUnavailable):
            await store.get("a" * 32)
        with pytest.raises(StoreUnavailable):
            await store.put(living("a"))
        await store.close()

    asyncio.run(main())
    assert len(told) == 1


def test_a_file_is_bounded_and_found_again_when_it_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"

    async def main() -> None:
        entry = living("a", raw=b"x" * 10_000)
        store = SqliteStore(path, 15 * entry.size, SystemClock(), print)
        for number in range(600):
            await store.put(living("a", id=f"{number:032x}", raw=b"x" * 10_000))
        assert (await store.size()).bytes <= (15 + 256) * entry.size
        for name in ("cache.db", "cache.db-wal", "cache.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        await store.put(entry)
        assert await store.get(entry.id) == entry
        await store.close()

    asyncio.run(main())
    assert path.stat().st_mode & 0o777 == 0o600


def test_memory_is_bounded_and_what_was_not_used_goes_first() -> None:
    clock, gone = StandingClock(), list[str]()
    size = an_entry().size
    memory = MemoryStore(3 * size, lambda entry: gone.append(entry.id[0]))
    for name in "abc":
        memory.put(an_entry(name))
    assert memory.get("a" * 32, clock.now_ms()) is not None
    memory.put(an_entry("d"))
    assert gone == ["b"]
    assert memory.size().bytes == memory.bytes == 3 * size
    assert memory.get("c" * 32, NOW_MS + 60_000) is None, "it has ended"
    memory.put(an_entry("a", model="new"))
    assert gone == ["b", "c"], "one that is replaced is still there"
    assert {one.id[0] for one in memory.listed(Selection(), 9)} == {"a", "d"}
    assert memory.remove(Selection(model="new")) == ["a" * 32]
    memory.put(an_entry("e", raw=b"x" * 3 * size))
    assert memory.get("e" * 32, NOW_MS) is None, "too large for all the room"
    memory.resize(0)
    assert memory.size().entries == 0

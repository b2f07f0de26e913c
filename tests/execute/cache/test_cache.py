"""Memory before a store: what is found, how lives go on, and that a store's trouble is nobody else's."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tenbin.config.caching import CacheLife, CachingConfig
from tenbin.decide.caching.ttl import HOUR_MS
from tenbin.execute.cache.availability import StoreUnavailable
from tenbin.execute.cache.cache import FRONT_MS, MOST_SEEN_BYTES, Cache
from tenbin.execute.cache.entry import Entry
from tenbin.execute.cache.sqlite import SqliteStore
from tenbin.execute.cache.store import Kept, Selection, Size
from tests.execute.cache.making import NOW_MS, StandingClock, an_entry

DAY_MS = 24 * HOUR_MS


class Troubled:
    """A store that does nothing, slowly or with an error."""

    name = "troubled"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def _fail(self) -> None:
        await asyncio.sleep(self.seconds)
        raise StoreUnavailable("gone")

    async def get(self, entry: str) -> Entry | None:
        await self._fail()
        return None

    async def put(self, entry: Entry) -> None:
        await self._fail()

    async def renew(self, entry: str, expires_ms: int) -> None:
        await self._fail()

    async def remove(self, which: Selection) -> list[str]:
        await self._fail()
        return []

    async def listed(self, which: Selection, limit: int) -> Sequence[Kept]:
        await self._fail()
        return []

    async def size(self) -> Size:
        await self._fail()
        return Size(0, 0)

    async def close(self) -> None:
        return


def test_a_store_in_trouble_means_misses() -> None:
    async def main() -> None:
        for seconds in (0.0, 0.2):
            cache = Cache(CachingConfig(store_ms=20), b"s" * 32, StandingClock(), Troubled(seconds))
            assert await cache.find("a" * 32) is None
            cache.keep(an_entry("a"))
            assert await cache.find("a" * 32) is not None, "memory has it"
            assert (await cache.sizes())["troubled"] is None
            await cache.close()
            assert cache.faults == 2

    asyncio.run(main())


def test_what_a_file_holds_is_found_by_another_process_and_lives_on(tmp_path: Path) -> None:
    clock = StandingClock()

    def opened() -> Cache:
        store = SqliteStore(tmp_path / "cache.db", 10_000_000, clock, print)
        return Cache(CachingConfig(store_ms=10_000, life=CacheLife(jitter=0)), b"s" * 32, clock, store)

    async def main() -> None:
        first = opened()
        first.keep(an_entry("a", expires_ms=NOW_MS + DAY_MS))
        await first.close()
        clock.ms += 2 * HOUR_MS
        second = opened()
        held = await second.find("a" * 32)
        assert held is not None
        for _ in range(40):
            second.hit(held)
        assert held.expires_ms == clock.ms + 7 * DAY_MS, "20 hits an hour"
        await second.close()
        clock.ms += 3 * DAY_MS
        third = opened()
        assert await third.find("a" * 32) is not None, "the file knows that it lives on"
        await third.close()

    asyncio.run(main())


def test_a_life_that_a_rule_gives_is_not_changed_by_hits() -> None:
    clock = StandingClock()
    cache = Cache(CachingConfig(), b"s" * 32, clock)
    ends = NOW_MS + 2 * HOUR_MS
    cache.keep(an_entry("a", expires_ms=ends, fixed_life=True))
    clock.ms += HOUR_MS + 1
    held = asyncio.run(cache.find("a" * 32))
    assert held is not None
    for _ in range(40):
        cache.hit(held)
    assert held.expires_ms == ends


def test_a_shared_entry_is_asked_for_again_after_a_while(tmp_path: Path) -> None:
    clock = StandingClock()

    async def main() -> None:
        store = SqliteStore(tmp_path / "cache.db", 10_000_000, clock, print)
        cache = Cache(CachingConfig(store_ms=10_000), b"s" * 32, clock, store, shared=True)
        cache.keep(an_entry("a", expires_ms=NOW_MS + DAY_MS))
        await cache.written()
        await store.remove(Selection())  # by another gateway
        assert await cache.find("a" * 32) is not None
        clock.ms += FRONT_MS
        assert await cache.find("a" * 32) is None
        await cache.close()

    asyncio.run(main())


def test_what_was_written_how_is_bounded() -> None:
    cache = Cache(CachingConfig(), b"s" * 32, StandingClock())
    size = MOST_SEEN_BYTES // 64
    for number in range(200):
        cache.see(("anthropic", "s", "e", (), number.to_bytes(4, "big") * (size // 4)), f"{number}")
    assert cache.seen(("anthropic", "s", "e", (), (199).to_bytes(4, "big") * (size // 4))) == "199"
    assert cache._seen_bytes <= MOST_SEEN_BYTES
    cache.see(("anthropic", "s", "e", (), b"x" * (size + 1)), "large")
    assert cache.seen(("anthropic", "s", "e", (), b"x" * (size + 1))) is None
    cache.apply(CachingConfig(sampled="never"))
    assert not cache._seen, "other rules may hold now"

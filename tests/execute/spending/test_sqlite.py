"""What is peculiar about spending in a file: another process that holds it, the disk, windows that are let go."""

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from tenbin.core.budget import Claim, Granted, SpendingUnavailable
from tenbin.execute.clock import SystemClock
from tenbin.execute.spending import sqlite
from tests.execute.spending.stores import NOW, TurnedClock, claim, fresh, opened
from tests.execute.spending.test_shared import again, reserved, sums

FILE = "shared.sqlite"


def test_a_file_that_another_process_holds_is_waited_for_a_while(tmp_path: Path) -> None:
    async def main() -> None:
        one, told = claim("global/month", 10), list[str]()
        store: Any = opened("sqlite", tmp_path, "a", clock=SystemClock(), told=told, seconds=0.2)
        assert isinstance(await reserved(store, "1", one), Granted)
        assert isinstance(await reserved(store, "2", one), Granted)
        other = sqlite3.connect(tmp_path / FILE, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        store.settle("1", 1)
        with pytest.raises(SpendingUnavailable, match="locked"):
            await reserved(store, "3", one, 5)
        assert any("spending.when_unreachable" in line for line in told)
        letting_go = threading.Timer(0.1, other.rollback)
        letting_go.start()
        answer = await again(store, "4", one, 8)
        assert isinstance(answer, Granted)
        assert await store.told()
        assert await sums(store, one) == (1, 9)
        letting_go.join()
        other.close()
        await store.close()

    asyncio.run(main())


def test_what_is_settled_before_there_is_a_loop_is_told_later(tmp_path: Path) -> None:
    async def begin() -> None:
        store: Any = opened("sqlite", tmp_path, "a", clock=SystemClock())
        for n in range(3):
            assert isinstance(await reserved(store, f"{n}", claim("global/month", 3)), Granted)
        await store._disconnect()  # killed

    asyncio.run(begin())
    store: Any = opened("sqlite", tmp_path, "a", clock=SystemClock())
    for n in range(3):
        store.settle(f"{n}", n)

    async def end() -> None:
        assert await store.told()
        assert await sums(store, claim("global/month", 3)) == (3, 0)
        await store.close()

    asyncio.run(end())


def test_what_was_written_reaches_the_file_itself(tmp_path: Path) -> None:
    """The log beside it is a promise of the operating system; the file was given to the disk."""

    async def main() -> None:
        store: Any = opened("sqlite", tmp_path, "a", clock=TurnedClock())
        assert isinstance(await store.reserve("1", (claim("global/month", 3),), 2, NOW, NOW + 1), Granted)
        found: list[tuple[int]] = []
        for _ in range(400):
            copy = tmp_path / f"{fresh()}.sqlite"
            copy.write_bytes((tmp_path / FILE).read_bytes())
            try:
                with sqlite3.connect(copy) as database:
                    found = database.execute("SELECT reserved FROM windows").fetchall()
                database.close()
            except sqlite3.Error:
                found = []
            if found:
                break
            await asyncio.sleep(0.02)
        assert found == [(2,)]
        await store.close()

    asyncio.run(main())


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    async def main() -> None:
        store: Any = opened("sqlite", tmp_path, "a", clock=SystemClock())
        assert isinstance(await reserved(store, "1", claim("global/month", 3)), Granted)
        assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
        await store.close()

    asyncio.run(main())


def test_what_is_over_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SWEEP_EVERY", 5)

    async def main() -> None:
        clock = TurnedClock()
        store: Any = opened("sqlite", tmp_path, "a", clock=clock)
        for hour in range(8):
            clock.at = NOW + hour * 3_600_000
            one = Claim("global/hour", clock.at, clock.at + 3_600_000, 9, True)
            for n in range(5):
                assert isinstance(await store.reserve(f"{hour}.{n}", (one,), 1, clock.at, clock.at + 60), Granted)
                if n:
                    store.settle(f"{hour}.{n}", 1)
        await store.close()

    asyncio.run(main())
    with sqlite3.connect(tmp_path / FILE) as database:
        for table, most in (("windows", 4), ("owners", 4), ("reservations", 25)):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] <= most
    database.close()


def test_a_file_that_is_none(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / FILE).write_bytes(b"not a database at all, " * 400)
        store: Any = opened("sqlite", tmp_path, "a", clock=SystemClock())
        with pytest.raises(SpendingUnavailable, match="not a database"):
            await reserved(store, "1", claim("global/month", 3))
        (tmp_path / FILE).unlink()
        assert isinstance(await again(store, "2", claim("global/month", 3)), Granted)
        await store.close()

    asyncio.run(main())

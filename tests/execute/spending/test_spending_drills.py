"""A hard limit is never passed: by many calls at once, by several processes, by one that is killed in the middle."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tenbin.core.budget import Claim, Denied, Granted, Level
from tenbin.execute.clock import SystemClock
from tests.execute.spending.stores import claim, fresh, opened

ROOT = Path(__file__).parents[3]
WORST = 1_000_000
ROOM = 10
CALLS = 500
PATIENCE_SECONDS = 60

ALL = ("memory", "sqlite", "redis", "postgres")
SHARED = ALL[1:]


def address_of(kind: str, request: pytest.FixtureRequest) -> str:
    if kind in ("memory", "sqlite"):
        return kind
    return str(request.getfixturevalue("valkey_server" if kind == "redis" else "postgres_server").address)


def claims_of(name: str, limit: int = ROOM * WORST) -> tuple[Claim, ...]:
    """A hard budget that is full first, one with more room, and a soft one: no order is the order of their limits."""
    return (
        claim(f"team:{name}/day", limit),
        claim(f"global:{name}/month", 3 * limit),
        claim(f"a:{name}", 1, hard=False),
    )


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts processes that draw, and waits until each stands ready: ``stdin`` lets it go."""
    running: list[subprocess.Popen[str]] = []

    def one(address: str, owner: str, claims: tuple[Claim, ...], **fields: Any) -> "subprocess.Popen[str]":
        given: dict[str, Any] = {
            "address": address,
            "folder": str(tmp_path),
            "owner": owner,
            "drawn": [list(one) for one in claims],
        }
        given |= {"worst": WORST, "cost": -1, "calls": CALLS, "lasts_ms": 600_000, **fields}
        command = [sys.executable, "-m", "tests.execute.spending.drawing", json.dumps(given)]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, cwd=ROOT, **pipes)
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        return process

    yield one
    for process in running:
        process.kill()
        process.communicate()


def go(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def granted(process: "subprocess.Popen[str]") -> list[str]:
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert "!" not in said, said
    return said.split()


def levels(address: str, folder: Path, claims: tuple[Claim, ...], later_ms: int = 0) -> tuple[Level, ...]:
    async def look() -> tuple[Level, ...]:
        store = opened(address, folder, "onlooker", clock=SystemClock())
        found = await store.levels(claims, SystemClock().now_ms() + later_ms)
        await store.close()
        return found

    return asyncio.run(look())


@pytest.mark.parametrize("kind", ALL)
def test_many_calls_at_once_find_room_for_ten(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    claims, name = claims_of(fresh()), fresh()

    async def main() -> None:
        store = opened(address_of(kind, request), tmp_path, name)
        now = store._clock.now_ms() if hasattr(store, "_clock") else 0
        calls = (store.reserve(f"{name}{n}:1", claims, WORST, now, now + 60_000) for n in range(CALLS))
        answers = await asyncio.gather(*calls)
        assert sum(isinstance(one, Granted) for one in answers) == ROOM
        assert all(one.level.claim == claims[0] for one in answers if isinstance(one, Denied))
        found = await store.levels(claims, now)
        assert [(level.spent, level.reserved) for level in found] == [(0, ROOM * WORST)] * 3
        # Half of them end and cost half: room for so many again.
        ended = [n for n, one in enumerate(answers) if isinstance(one, Granted)][: ROOM // 2]
        for n in ended:
            store.settle(f"{name}{n}:1", WORST // 2)
        if hasattr(store, "told"):
            assert await store.told()
        more = await asyncio.gather(
            *(store.reserve(f"{name}{n}:2", claims, WORST // 2, now, now + 60_000) for n in range(CALLS))
        )
        assert sum(isinstance(one, Granted) for one in more) == ROOM // 2
        assert (await store.levels(claims, now))[0].share == 1.0
        await store.close()

    asyncio.run(main())


@pytest.mark.parametrize("kind", SHARED)
def test_two_processes_find_room_for_ten(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, start: Start
) -> None:
    address, claims, name = address_of(kind, request), claims_of(fresh()), fresh()
    both = [start(address, f"{name}{one}", claims, calls=CALLS // 2) for one in "ab"]
    for process in both:
        go(process)
    found = [granted(process) for process in both]
    assert len(found[0]) + len(found[1]) == ROOM
    assert levels(address, tmp_path, claims)[0][1:] == (0, ROOM * WORST)


@pytest.mark.parametrize("kind", SHARED)
def test_two_processes_that_settle_never_pass_the_limit(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, start: Start
) -> None:
    """Each call costs a tenth of what was set aside: in the end nothing is set aside, and what is spent is the sum."""
    address, claims, name = address_of(kind, request), claims_of(fresh()), fresh()
    both = [start(address, f"{name}{one}", claims, calls=CALLS // 2, cost=WORST // 10) for one in "ab"]
    for process in both:
        go(process)
    made = sum(len(granted(process)) for process in both)
    assert made >= ROOM
    spent, reserved = levels(address, tmp_path, claims)[0][1:]
    assert (spent, reserved) == (made * WORST // 10, 0)
    assert spent <= ROOM * WORST


@pytest.mark.parametrize("kind", SHARED)
def test_a_process_that_is_killed_leaves_nothing_open_for_ever(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, start: Start
) -> None:
    address, name = address_of(kind, request), fresh()
    claims = claims_of(name, 2_000 * WORST)
    dying = start(address, f"{name}a", claims, calls=3_000, lasts_ms=30_000)
    go(dying)
    assert dying.stdout is not None
    seen = [dying.stdout.readline().strip() for _ in range(100)]
    dying.kill()
    seen += dying.communicate()[0].split()
    after = start(address, f"{name}b", claims, calls=3_000, lasts_ms=3_600_000)
    go(after)
    made = granted(after)
    level = levels(address, tmp_path, claims)[0]
    held = level.reserved // WORST
    assert held <= 2_000, "the limit was passed"
    left = held - len(made)
    assert left >= len(seen), "what was granted counts, whoever has died"
    assert held == 2_000 or len(made) == 3_000, "the other process had all the rest"
    # Once its calls must have ended, they count as spent.
    level = levels(address, tmp_path, claims, later_ms=60_000)[0]
    assert (level.spent, level.reserved) == (left * WORST, len(made) * WORST)

    async def come_back() -> None:
        """The gateway that was killed starts again, and knows from its ledger what became of its calls."""
        clock = SystemClock()
        store: Any = opened(address, tmp_path, f"{name}a", clock=clock)
        unsettled = await store.unsettled()
        assert len(unsettled) == left
        assert set(seen) <= set(unsettled)
        for reservation in unsettled:
            store.settle(reservation, 7)
        assert await store.told()
        assert await store.unsettled() == ()
        found = (await store.levels(claims, clock.now_ms()))[0]
        assert (found.spent, found.reserved) == (left * 7, len(made) * WORST)
        answer = await store.reserve(f"{name}:new", claims, WORST, clock.now_ms(), clock.now_ms() + 60_000)
        assert isinstance(answer, Granted)
        await store.close()

    asyncio.run(come_back())

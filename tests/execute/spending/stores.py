"""Stores of spending as tests open them: at an address, by an owner, on a clock that stands where it is put."""

import os
from collections.abc import Callable
from pathlib import Path

from tenbin.core.budget import Claim, Spending
from tenbin.execute.clock import SystemClock
from tenbin.execute.spending.memory import MemorySpending, nothing_before
from tenbin.execute.spending.opening import OWNER, open_spending

SECONDS = 20.0
"""For a reservation: no test is about how fast this machine is."""
NOW = 1_800_000_000_000


class TurnedClock(SystemClock):
    """Stands where it is put; pauses are short."""

    def __init__(self, now_ms: int = NOW) -> None:
        super().__init__()
        self.at = now_ms

    def now_ms(self) -> int:
        return self.at

    async def pause(self, ms: int) -> None:
        await super().pause(min(ms, 20))


def opened(
    address: str,
    folder: Path,
    owner: str,
    *,
    clock: SystemClock | None = None,
    seed: Callable[[Claim], int] = nothing_before,
    told: list[str] | None = None,
    seconds: float = SECONDS,
) -> Spending:
    """``address``: as ``spending.store``; a ``sqlite`` is a file of this folder, whoever asks."""
    if address == "memory":
        return MemorySpending(seed)
    home = folder / owner
    home.mkdir(exist_ok=True)
    (home / OWNER).write_text(owner)
    store = f"sqlite:///{folder}/shared.sqlite" if address == "sqlite" else address
    lines = told if told is not None else []
    return open_spending(store, home, clock=clock or TurnedClock(), seed=seed, tell=lines.append, seconds=seconds)


def claim(counter: str, limit: int, *, hard: bool = True, starts_at_ms: int = NOW) -> Claim:
    """A window of thirty days."""
    return Claim(counter, starts_at_ms, starts_at_ms + 30 * 86_400_000, limit, hard)


def fresh() -> str:
    """A name that no other test has."""
    return os.urandom(6).hex()

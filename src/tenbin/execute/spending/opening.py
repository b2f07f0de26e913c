"""5. The store of spending is opened, by what is configured. What a store needs is imported only when it is named."""

import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from tenbin.core.budget import Spending
from tenbin.execute.clock import Clock
from tenbin.execute.spending.memory import MemorySpending, nothing_before
from tenbin.execute.spending.shared import ClientMissing, Seed

LOG = logging.getLogger("tenbin.execute")

DATABASE = "budgets.sqlite"
OWNER = "budgets.owner"
REDIS = ("redis", "rediss", "valkey", "valkeys", "unix")
POSTGRES = ("postgresql", "postgres")
KNOWN = "memory, sqlite, sqlite:///FILE, redis://HOST:6379/0 (or rediss://, valkey://, unix://), postgresql://HOST/NAME"


class CannotOpen(Exception):
    """What is configured cannot be opened here; the message says why and what to do."""


def open_spending(
    store: str,
    directory: Path,
    *,
    clock: Clock,
    seed: Seed = nothing_before,
    tell: Callable[[str], None] = LOG.warning,
    seconds: float | None = None,
) -> Spending:
    """The store of that name (``spending.store``); nothing is connected yet. ``directory``: the ledger's, whose gateway
    the store will know again after a restart; ``seed``: what its ledger knows to be spent; ``seconds``: how long a
    request may wait for the store, where it is not as long as the store's own module says. Raises CannotOpen.
    """
    if store == "memory":
        return MemorySpending(seed)
    scheme, _, rest = store.partition(":")
    if scheme not in ("sqlite", *REDIS, *POSTGRES):
        shown = scheme if "://" in store else store  # an address may hold a password
        raise CannotOpen(f"spending.store: {shown!r} is no store of spending. It is one of {KNOWN}.")
    try:
        owner = owner_of(directory, clock)
    except OSError as error:
        raise CannotOpen(f"spending.store: {directory / OWNER} can neither be read nor made: {error}") from error
    try:
        if scheme == "sqlite":
            from tenbin.execute.spending.sqlite import SECONDS, SqliteSpending

            path = _file(rest, directory)
            return SqliteSpending(path, owner=owner, clock=clock, tell=tell, seed=seed, seconds=seconds or SECONDS)
        if scheme in REDIS:
            from tenbin.execute.spending import redis

            wait = seconds or redis.SECONDS
            return redis.RedisSpending(store, owner=owner, clock=clock, tell=tell, seed=seed, seconds=wait)
        from tenbin.execute.spending import postgres

        wait = seconds or postgres.SECONDS
        return postgres.PostgresSpending(store, owner=owner, clock=clock, tell=tell, seed=seed, seconds=wait)
    except ClientMissing as error:
        raise CannotOpen(f"spending.store: {error}") from error
    except ValueError as error:
        raise CannotOpen(f"spending.store: {error}. It is one of {KNOWN}.") from error


def _file(rest: str, directory: Path) -> Path:
    """The file that ``sqlite`` or ``sqlite:///FILE`` names. Raises ValueError."""
    if not rest:
        return directory / DATABASE
    if not rest.startswith("///") or len(rest) == 3:
        raise ValueError("a file is named as sqlite:///FILE, with three slashes (four where it begins at the root)")
    return directory / Path(rest[3:]).expanduser()


def owner_of(directory: Path, clock: Clock) -> str:
    """What stores know this gateway by: drawn once, kept beside its ledger. Raises OSError."""
    path = directory / OWNER
    with contextlib.suppress(FileNotFoundError):
        kept = path.read_text(encoding="ascii", errors="replace").strip()
        if kept:
            return kept
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = directory / f"{OWNER}.{clock.bits():020x}"
    draft.write_text(f"{clock.bits():020x}\n", encoding="ascii")
    try:
        os.link(draft, path)  # whole or not at all
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    finally:
        draft.unlink()
    return path.read_text(encoding="ascii").strip()

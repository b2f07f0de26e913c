"""6. The cache of a gateway is opened: its store by what is configured, the secret that names its entries."""

import contextlib
import logging
import os
from pathlib import Path

from tenbin.config.caching import CachingConfig
from tenbin.execute.cache.cache import Cache
from tenbin.execute.cache.store import Store
from tenbin.execute.clock import Clock

LOG = logging.getLogger("tenbin.execute")

DATABASE = "cache.db"
SECRET = "cache.secret"
LEARNED = "cache.learned.json"
SECRET_BYTES = 32


class CannotOpen(Exception):
    """What is configured cannot be opened here; the message says why, and what to install."""


def open_cache(settings: CachingConfig, directory: Path, clock: Clock) -> Cache:
    """The cache, with nothing looked at yet. Raises CannotOpen."""
    try:
        secret = settings.secret.encode() if settings.secret is not None else installation_secret(directory, clock)
    except OSError as error:
        raise CannotOpen(f"the secret {directory / SECRET} can neither be read nor made: {error.strerror}") from error
    store: Store | None = None
    shared = False
    if settings.store == "sqlite":
        from tenbin.execute.cache.sqlite import SqliteStore

        store = SqliteStore(directory / DATABASE, settings.disk_bytes, clock, LOG.warning)
    elif settings.store != "memory":
        from tenbin.execute.cache.redis import RedisStore
        from tenbin.execute.cache.redis_connection import RedisMissing

        try:
            store = RedisStore(settings.store, seconds=settings.store_ms / 1_000, clock=clock, tell=LOG.warning)
        except (RedisMissing, ValueError) as error:
            raise CannotOpen(str(error)) from error
        shared = True
    return Cache(settings, secret, clock, store, shared=shared)


def open_meaning(cache: Cache, settings: CachingConfig, directory: Path, clock: Clock) -> None:
    """Let the cache look by meaning, where that is configured and it does not yet. Raises CannotOpen."""
    modes = [settings.semantic.mode, *(rule.semantic for rule in settings.rules if rule.semantic is not None)]
    if cache.meaning is not None or all(mode == "off" for mode in modes):
        return
    # Imported here: numpy and what embeds are not needed for the exact cache.
    from tenbin.execute.cache.meaning import Meaning
    from tenbin.execute.cache.redis_connection import RedisMissing
    from tenbin.execute.vectors.opening import INSTALL, installed, open_embedding, open_index
    from tenbin.execute.vectors.postgres import PostgresMissing

    names = tuple(settings.semantic.embedders) or installed()
    if not names:
        LOG.warning("The cache cannot look by meaning: no embedder is installed. Run %s.", INSTALL)
    address = settings.semantic.index or (settings.store if "://" in settings.store else "memory")
    try:
        index = open_index(address, clock=clock, seconds=settings.semantic.look_up_ms / 1_000)
    except (RedisMissing, PostgresMissing, ValueError) as error:
        raise CannotOpen(str(error)) from error
    cache.meaning = Meaning(
        settings.semantic,
        open_embedding(names, clock=clock, budget_ms=settings.semantic.look_up_ms),
        index,
        clock,
        directory / LEARNED,
        cache.find,
    )


def installation_secret(directory: Path, clock: Clock) -> bytes:
    """This installation's own secret; made at the first use, readable by its owner alone. Raises OSError."""
    path = directory / SECRET
    with contextlib.suppress(FileNotFoundError):
        kept = path.read_bytes()
        if len(kept) >= SECRET_BYTES:
            return kept
        path.unlink()
    directory.mkdir(parents=True, exist_ok=True)
    made = b"".join(clock.bits().to_bytes(10, "big") for _ in range(4)).hex().encode()
    draft = directory / f"{SECRET}.{clock.bits():020x}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(made)
    try:
        os.link(draft, path)  # whole or not at all: nobody reads half of it
    except FileExistsError:
        return path.read_bytes()  # another gateway was faster
    finally:
        draft.unlink()
    return made

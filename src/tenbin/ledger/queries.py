"""7. Reading the ledger back: recent receipts, one receipt, sums. For the command line, reports and tests."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec

from tenbin.core.cached import Cached
from tenbin.core.gating import Climb, Gating
from tenbin.core.money import NanoUSD
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.shadow import OPERATION, Shadow
from tenbin.core.signal import Decided, Signal
from tenbin.core.usage import Usage
from tenbin.core.weighing import Weighing
from tenbin.decide.breaker import CHECKPOINT, Spent
from tenbin.ledger.migrations import applied, check_not_newer
from tenbin.ledger.rows import ATTEMPT_COLUMNS, BUCKET_COLUMNS, REQUEST_COLUMNS, SIGNAL_COLUMNS
from tenbin.ledger.weighings import unpacked

Dimension: TypeAlias = Literal["day", "key", "provider", "model", "route", "session", "client"]
"""What sums can be taken by; ``day`` is UTC."""

_EXPRESSIONS: dict[str, str] = {
    "day": "date(r.arrived_at_ms / 1000, 'unixepoch')",
    "key": "r.key_id",
    "provider": "a.provider",
    "model": "a.provider || '/' || a.model",
    "route": "r.route",
    "session": "coalesce(r.session, '')",
    "client": "r.client",
}

_FLAGS = ("input_estimated", "output_estimated")

_CORRECTING = """
    LEFT JOIN (SELECT request, number, sum(nano) AS nano FROM corrections GROUP BY request, number) c
    ON c.request = a.request AND c.number = a.number
"""


class Told(msgspec.Struct, frozen=True):
    """A signal as it stands in the ledger."""

    at_ms: int
    """From when it is, UTC ms."""
    key_id: str
    """Whose evidence it is."""
    signal: Signal


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """A sum over attempts."""

    by: tuple[str, ...]
    """The values of the dimensions, in the order asked for."""
    requests: int
    attempts: int
    usage: Usage
    billed_nano: NanoUSD
    """Over the attempts whose cost is known, corrections included."""
    unknown: int
    """Attempts that used tokens at an unknown price: their cost is not in the sum."""
    corrected_nano: NanoUSD = 0
    """Of the sum, what providers' statements have added, or taken away."""


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The ledger's database, read-only. Raises FileNotFoundError, SchemaTooNew, sqlite3.Error."""
    if not path.exists():
        raise FileNotFoundError(f"there is no ledger at {path} yet: it is begun with the first request")
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as database:
        check_not_newer(database, str(path))
        database.row_factory = sqlite3.Row
        yield database


def recent(database: sqlite3.Connection, limit: int = 20) -> list[Receipt]:
    """The newest receipts, newest first."""
    rows = database.execute(
        f"SELECT {_there(database, 'requests', REQUEST_COLUMNS)} FROM requests ORDER BY id DESC LIMIT ?",
        (limit,),
    ).fetchall()
    return [_receipt(database, row) for row in rows]


def receipt(database: sqlite3.Connection, request_id: str) -> Receipt | None:
    """One receipt by its request id."""
    row = database.execute(
        f"SELECT {_there(database, 'requests', REQUEST_COLUMNS)} FROM requests WHERE request_id = ?",
        (request_id,),
    ).fetchone()
    return None if row is None else _receipt(database, row)


def latest_weighed(path: Path, limit: int) -> list[Receipt]:
    """The newest receipts whose target was weighed, oldest first; none where no ledger has been begun.

    Raises SchemaTooNew, sqlite3.Error.
    """
    if not path.exists():
        return []
    with reading(path) as database:
        if "m0002_weighings" not in applied(database):
            return []
        rows = database.execute(
            f"SELECT {_there(database, 'requests', REQUEST_COLUMNS)} FROM requests WHERE id IN "
            "(SELECT request FROM weighings ORDER BY request DESC LIMIT ?) ORDER BY id",
            (limit,),
        ).fetchall()
        return [_receipt(database, row) for row in rows]


def signals(database: sqlite3.Connection, limit: int) -> list[Told]:
    """The newest signals, oldest first: in the order in which they were settled."""
    rows = _signals(database, "ORDER BY request DESC, position DESC LIMIT ?", (limit,))
    return rows[::-1]


def signals_about(database: sqlite3.Connection, request_id: str) -> list[Told]:
    """All that later requests, gates and people said of one decision, oldest first."""
    return _signals(database, "WHERE about = ? ORDER BY request, position", (request_id,))


def latest_signals(path: Path, limit: int) -> list[Told]:
    """``signals`` of a ledger that may not have been begun. Raises SchemaTooNew, sqlite3.Error."""
    if not path.exists():
        return []
    with reading(path) as database:
        return signals(database, limit)


def totals(
    database: sqlite3.Connection,
    by: Sequence[Dimension] = (),
    *,
    since_ms: int = 0,
    until_ms: int = 2**63 - 1,
) -> list[Total]:
    """Sums over all attempts of requests that arrived in [since_ms, until_ms), UTC, dearest first."""
    wanted = [_EXPRESSIONS[dimension] for dimension in by]
    sums = ", ".join(f"coalesce(sum(a.{name}), 0)" for name in BUCKET_COLUMNS if name not in _FLAGS)
    flags = ", ".join(f"coalesce(max(a.{name}), 0)" for name in _FLAGS)
    grouping = f"GROUP BY {', '.join(wanted)}" if wanted else ""
    corrected, correcting = ("c.nano", _CORRECTING) if "m0011_corrections" in applied(database) else ("NULL", "")
    sql = f"""
        SELECT {"".join(f"{expression}, " for expression in wanted)}
            count(DISTINCT r.id), count(*), coalesce(sum(coalesce(a.billed_nano, 0) + coalesce({corrected}, 0)), 0)
            AS billed, sum(a.billed_nano IS NULL AND {corrected} IS NULL), coalesce(sum({corrected}), 0),
            {sums}, {flags}
        FROM attempts a JOIN requests r ON r.id = a.request {correcting}
        WHERE r.arrived_at_ms >= ? AND r.arrived_at_ms < ?
        {grouping} ORDER BY billed DESC
    """
    found = []
    for row in database.execute(sql, (since_ms, until_ms)):
        values = tuple(row)
        group, (requests, attempts, billed, unknown, more, *buckets) = values[: len(by)], values[len(by) :]
        found.append(
            Total(
                by=tuple(str(value) for value in group),
                requests=requests,
                attempts=attempts,
                usage=_usage(dict(zip(BUCKET_COLUMNS, buckets, strict=True))),
                billed_nano=billed,
                unknown=unknown or 0,
                corrected_nano=more,
            )
        )
    return found


def spent_since(path: Path, operation: str, since_ms: int) -> NanoUSD:
    """What all requests of an operation that arrived since then (UTC ms) have cost, as far as is known; 0 of a ledger
    that has not been begun. Raises SchemaTooNew, sqlite3.Error.
    """
    query = "SELECT coalesce(sum(billed_nano), 0) FROM requests WHERE arrived_at_ms >= ? AND operation = ?"
    return _sum(path, query, (since_ms, operation))


def unneeded_since(path: Path, since_ms: int) -> NanoUSD:
    """What the answers of hedged pairs that clients were not given have cost since then, as ``spent_since``."""
    query = "SELECT coalesce(sum(a.billed_nano), 0) FROM attempts a JOIN requests r ON r.id = a.request"
    return _sum(path, f"{query} WHERE r.arrived_at_ms >= ? AND a.hedge > 0 AND a.outcome <> 'answered'", (since_ms,))


def spending_since(path: Path, since_ms: int) -> Iterator[Spent]:
    """What each request that arrived since then (UTC ms) has cost, in the order in which they were settled; none of a
    ledger that has not been begun. Raises SchemaTooNew, sqlite3.Error.
    """
    if not path.exists():
        return
    known = "SELECT coalesce(sum(billed_nano), 0) FROM attempts WHERE request = requests.id"
    query = (
        f"SELECT arrived_at_ms, total_ms, key_id, coalesce(billed_nano, ({known})), attempts, "
        "CASE WHEN attempts = 0 THEN trace END FROM requests WHERE arrived_at_ms >= ? ORDER BY id"
    )
    refused = f'[["refused","{CHECKPOINT}"'
    with reading(path) as database:
        for arrived, took, key_id, nano, attempts, trace in (
            database.execute(query, (since_ms,)) if applied(database) else ()
        ):
            turned_away = trace is not None and trace.startswith(refused)
            yield Spent(arrived, arrived + int(took), key_id, nano, attempts > 0, turned_away)


def _sum(path: Path, query: str, values: tuple[Any, ...]) -> NanoUSD:
    if not path.exists():
        return 0
    with reading(path) as database:
        return int(database.execute(query, values).fetchone()[0]) if applied(database) else 0


def schema(database: sqlite3.Connection) -> list[str]:
    """The migrations that the database has seen."""
    return applied(database)


def _there(database: sqlite3.Connection, table: str, columns: Sequence[str]) -> str:
    """Those of the columns that the table has: a ledger that an older Tenbin wrote is read before a gateway of this one
    has opened it.
    """
    found = {name for _, name, *_ in database.execute(f"PRAGMA table_info({table})")}
    return ", ".join(name for name in columns if name in found)


def _receipt(database: sqlite3.Connection, row: sqlite3.Row) -> Receipt:
    attempts = database.execute(
        f"SELECT {_there(database, 'attempts', ATTEMPT_COLUMNS)} FROM attempts WHERE request = ? ORDER BY number",
        (row["id"],),
    )
    fields: dict[str, Any] = {name: row[name] for name in row.keys() if name in Receipt.__struct_fields__}  # noqa: SIM118
    fields["stream"] = bool(fields["stream"])
    fields["team"], fields["user"] = fields.get("team") or "", fields.get("user") or ""
    fields["trace"] = tuple(msgspec.json.decode(row["trace"])) if row["trace"] else ()
    fields["attempts"] = tuple(_attempt(attempt) for attempt in attempts)
    fields["weighing"] = _weighing(database, row["id"])
    fields["signals"] = tuple(
        msgspec.structs.replace(
            told.signal,
            key_id="" if told.key_id == row["key_id"] else told.key_id,
            at_ms=0 if told.at_ms == row["arrived_at_ms"] else told.at_ms,
        )
        for told in _signals(database, "WHERE request = ? ORDER BY position", (row["id"],))
    )
    fields["shadow"] = _shadow(database, row["id"]) if row["operation"] == OPERATION else None
    fields["cached"] = _cached(database, row["id"])
    fields["climb"] = _climb(database, row["id"])
    return Receipt(**fields)


def _weighing(database: sqlite3.Connection, row_id: int) -> Weighing | None:
    if "m0002_weighings" not in applied(database):
        return None  # Written by an older Tenbin, and none of this one's gateways has opened it yet.
    columns = _there(database, "weighings", ("weighing", "packed"))
    row = database.execute(f"SELECT {columns} FROM weighings WHERE request = ?", (row_id,)).fetchone()
    if row is None:
        return None
    return msgspec.json.decode(row["weighing"], type=Weighing) if row["weighing"] else unpacked(row["packed"])


def _shadow(database: sqlite3.Connection, row_id: int) -> Shadow | None:
    columns = Shadow.__struct_fields__
    row = database.execute(f"SELECT {', '.join(columns)} FROM shadows WHERE request = ?", (row_id,)).fetchone()
    return None if row is None else Shadow(**dict(zip(columns, row, strict=True)))


def _climb(database: sqlite3.Connection, row_id: int) -> Climb | None:
    if "m0003_gating" not in applied(database):
        return None  # Written by an older Tenbin, and none of this one's gateways has opened it yet.
    row = database.execute("SELECT climb FROM climbs WHERE request = ?", (row_id,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Climb)


def _cached(database: sqlite3.Connection, row_id: int) -> Cached | None:
    if "m0006_cache" not in applied(database):
        return None  # Written by an older Tenbin, and none of this one's gateways has opened it yet.
    columns = Cached.__struct_fields__
    row = database.execute(f"SELECT {', '.join(columns)} FROM cached WHERE request = ?", (row_id,)).fetchone()
    return None if row is None else msgspec.convert(dict(row), Cached, strict=False)


def _signals(database: sqlite3.Connection, which: str, values: tuple[Any, ...]) -> list[Told]:
    if "m0004_signals" not in applied(database):
        return []  # Written by an older Tenbin, and none of this one's gateways has opened it yet.
    found = database.execute(f"SELECT {', '.join(SIGNAL_COLUMNS)} FROM signals {which}", values)
    return [_signal(row) for row in found]


def _signal(row: sqlite3.Row) -> Told:
    about = Decided(
        request_id=row["about"],
        target=row["target"],
        task=row["task"],
        domain=row["domain"],
        band=row["band"],
        prior=row["prior"],
    )
    signal = Signal(
        kind=row["kind"],
        about=about,
        success=row["success"],
        weight=row["weight"],
        count=row["count"],
        key_id=row["key_id"],
        at_ms=row["at_ms"],
        source=row["source"],
    )
    return Told(row["at_ms"], row["key_id"], signal)


def _attempt(row: sqlite3.Row) -> Attempt:
    fields: dict[str, Any] = {name: row[name] for name in row.keys() if name in Attempt.__struct_fields__}  # noqa: SIM118
    for name in ("rung", "purpose", "gating", "hedge"):
        if fields.get(name) is None:
            fields.pop(name, None)
    if "gating" in fields:
        fields["gating"] = msgspec.json.decode(fields["gating"], type=Gating)
    return Attempt(**fields, usage=_usage({name: row[name] for name in BUCKET_COLUMNS}))


def _usage(buckets: dict[str, int]) -> Usage:
    fields: dict[str, Any] = {name: bool(value) if name in _FLAGS else value for name, value in buckets.items()}
    return Usage(**fields)

"""Corrections: what a provider's statement adds to an attempt's cost, or takes away. New rows; none is ever changed."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tenbin.core.money import NanoUSD
from tenbin.ledger.migrations import applied
from tenbin.ledger.reconciliation import Entry, Match

MIGRATION = "m0011_corrections"

_ENTRIES = """
    SELECT a.request, a.number, r.request_id, a.provider, a.model, a.started_at_ms, a.total_ms, a.outcome,
        coalesce(a.upstream_request_id, ''), a.input_estimated OR a.output_estimated, a.billed_nano,
        {corrected} AS corrected, {checked} AS checked, {stated} AS stated
    FROM attempts a JOIN requests r ON r.id = a.request {join}
    ORDER BY a.request, a.number
"""
_JOIN = """
    LEFT JOIN (
        SELECT request, number, sum(nano) AS nano, max(stated_id) AS stated_id FROM corrections GROUP BY request, number
    ) c ON c.request = a.request AND c.number = a.number
"""


class Corrected(NamedTuple):
    """A correction, and whose money it is."""

    id: int
    """Of the correction's row: ask for those after it the next time."""
    request_id: str
    number: int
    nano: NanoUSD
    """What it adds to ``billed_nano``; negative takes away."""
    arrived_at_ms: int
    """Of the request, UTC: the time that its cost counts in."""
    started_at_ms: int
    key_id: str
    team: str
    user: str
    route: str
    provider: str
    model: str
    billed_nano: NanoUSD | None
    reserved_nano: NanoUSD | None
    """What budgets have counted for an interrupted attempt until now, instead of ``billed_nano``."""
    first: bool
    """There was none for this attempt before: what was set aside for it is no longer what counts."""


class Summary(msgspec.Struct, frozen=True):
    """The ledger's sums."""

    billed_nano: NanoUSD
    """As settled."""
    corrected_nano: NanoUSD
    """Sum of all corrections."""
    corrections: int
    unknown: int
    """Attempts whose cost nobody knows."""
    estimated: int
    """Attempts with estimated usage that cost something and that no statement has been held against."""


def are_there(database: sqlite3.Connection) -> bool:
    """The database can hold corrections: one of an older Tenbin cannot yet."""
    return MIGRATION in applied(database)


def entries(database: sqlite3.Connection, providers: Sequence[str] = ()) -> list[Entry]:
    """All attempts, of some providers only where any are named, in the order of settlement."""
    if are_there(database):
        parts = {
            "corrected": "coalesce(c.nano, 0)",
            "checked": "c.request IS NOT NULL",
            "stated": "coalesce(c.stated_id, '')",
            "join": _JOIN,
        }
    else:
        parts = {"corrected": "0", "checked": "0", "stated": "''", "join": ""}
    found = []
    for row in database.execute(_ENTRIES.format(**parts)):
        values = tuple(row)
        if not providers or values[3] in providers:
            values = (*values[:9], bool(values[9]), *values[10:12], bool(values[12]), values[13])
            found.append(Entry(*values))
    return found


def apply(
    database: sqlite3.Connection,
    matches: Sequence[Match],
    not_charged: Sequence[Entry],
    *,
    statement: str,
    at_ms: int,
) -> int:
    """Write what is to be corrected, in one transaction; returns how many rows. Raises sqlite3.Error.

    A match that agrees leaves a row of 0 where the cost was an estimate, so that it is known from then on. Whatever has
    changed since it was read (another hand applied a statement meanwhile) is left alone: the next run sees it.
    """
    rows = [
        (match.entry, match.difference, match.charge.request_id)
        for match in matches
        if match.difference or (match.entry.estimated and not match.entry.checked)
    ]
    rows += [(entry, -entry.nano, "") for entry in not_charged if entry.nano]
    written = 0
    database.execute("BEGIN IMMEDIATE")
    try:
        for entry, nano, stated_id in rows:
            known = database.execute(
                "SELECT coalesce(sum(nano), 0), count(*) > 0 FROM corrections WHERE request = ? AND number = ?",
                (entry.request, entry.number),
            ).fetchone()
            if tuple(known) == (entry.corrected, entry.checked):
                database.execute(
                    "INSERT INTO corrections (request, number, at_ms, nano, stated_id, statement)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    (entry.request, entry.number, at_ms, nano, stated_id, statement),
                )
                written += 1
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    return written


def after(database: sqlite3.Connection, correction: int = 0) -> list[Corrected]:
    """The corrections since that one (its row's number), oldest first: for who keeps sums of his own, as budgets do.

    What such a sum gains by one: ``nano``; and where it is the ``first`` of an attempt with ``reserved_nano``, which
    was counted in place of ``billed_nano``, besides that ``billed_nano - reserved_nano``.
    """
    if not are_there(database):
        return []
    rows = database.execute(
        """
        SELECT c.id, r.request_id, c.number, c.nano, r.arrived_at_ms, a.started_at_ms, r.key_id, coalesce(r.team, ''),
            coalesce(r.user, ''), r.route, a.provider, a.model, a.billed_nano, a.reserved_nano,
            NOT EXISTS (SELECT 1 FROM corrections o WHERE o.request = c.request AND o.number = c.number AND o.id < c.id)
        FROM corrections c
        JOIN requests r ON r.id = c.request
        JOIN attempts a ON a.request = c.request AND a.number = c.number
        WHERE c.id > ? ORDER BY c.id
        """,
        (correction,),
    )
    found = [tuple(row) for row in rows]
    return [Corrected._make((*values[:-1], bool(values[-1]))) for values in found]


def summary(database: sqlite3.Connection) -> Summary:
    """The sums of the whole ledger."""
    there = are_there(database)
    corrected, count = (
        database.execute("SELECT coalesce(sum(nano), 0), count(*) FROM corrections").fetchone() if there else (0, 0)
    )
    unchecked = (
        "AND NOT EXISTS (SELECT 1 FROM corrections c WHERE c.request = a.request AND c.number = a.number)"
        if there
        else ""
    )
    billed, unknown, estimated = database.execute(
        f"""
        SELECT coalesce(sum(billed_nano), 0), coalesce(sum(billed_nano IS NULL {unchecked}), 0),
            coalesce(sum((input_estimated OR output_estimated) AND coalesce(billed_nano, 1) <> 0 {unchecked}), 0)
        FROM attempts a
        """
    ).fetchone()
    return Summary(billed, corrected, count, unknown, estimated)

"""The invoice beside the ledger's database: plain SQL, matched and added up by nothing of the gateway's code."""

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NEAR_MS = 2_000
"""A call without an id is looked for among rows that began within this of its arrival at the provider."""

TOKENS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
FREE = {"ollama"}
"""Providers that send no request id."""


@dataclass(frozen=True, slots=True)
class Row:
    """An attempt of the ledger."""

    request: int
    number: int
    provider: str
    model: str
    started_at_ms: int
    outcome: str
    failure: str
    upstream_id: str
    estimated: bool
    billed: int | None
    tokens: tuple[int, ...]
    stream: bool


@dataclass
class Estimates:
    """Of one way to end: how many rows are estimated, what they say and what was billed, nano-USD."""

    rows: int = 0
    ledger: int = 0
    invoice: int = 0
    exact: int = 0


@dataclass
class Finding:
    """What the comparison found."""

    calls: int = 0
    """On the invoice, refused and failed ones included."""
    rows: int = 0
    by_id: int = 0
    by_time: int = 0
    unknown_calls: list[dict[str, Any]] = field(default_factory=list)
    """Calls of the invoice that cost something and have no row: nobody wrote them down."""
    free_calls: Counter[str] = field(default_factory=Counter)
    """Those that cost nothing, by what they were."""
    never_arrived: int = 0
    """Rows without a call: the gateway died, or the connection broke, before the provider had it."""
    unexplained: list[Row] = field(default_factory=list)
    """Rows without a call that are not estimates and cost something."""
    differing: list[tuple[Row, dict[str, Any]]] = field(default_factory=list)
    """Stated usage, and another amount or other tokens than on the invoice."""
    stated: int = 0
    """Rows whose usage was stated and that cost something."""
    stated_nano: int = 0
    unknown_cost: int = 0
    estimates: dict[str, Estimates] = field(default_factory=lambda: defaultdict(Estimates))
    doubled: int = 0
    """Invoice ids that stand in two rows."""
    invoice_nano: int = 0
    ledger_nano: int = 0
    missing_requests: list[str] = field(default_factory=list)
    """Request ids that clients were given and the ledger does not have; token counts leave no row."""

    @property
    def exact(self) -> bool:
        """Everything is accounted for, and what was stated is right."""
        wrong = self.unknown_calls or self.unexplained or self.differing or self.missing_requests
        return not wrong and not self.doubled and not self.unknown_cost


def audit(database: Path, calls: list[dict[str, Any]], request_ids: dict[str, str]) -> Finding:
    """Compare an invoice (`GET /_simulator/invoice`) with a ledger at rest."""
    finding = Finding(calls=len(calls), invoice_nano=sum(call["nano_usd"] or 0 for call in calls))
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as ledger:
        rows = _rows(ledger)
        known = {name for (name,) in ledger.execute("SELECT request_id FROM requests")}
    ledger.close()
    finding.rows = len(rows)
    finding.ledger_nano = sum(row.billed or 0 for row in rows)
    finding.unknown_cost = sum(row.billed is None for row in rows)
    missing = sorted(set(request_ids) - known)
    finding.missing_requests = [f"{name} {kind}" for name in missing if (kind := request_ids[name]) != "count_tokens"]
    by_id = {row.upstream_id: row for row in rows if row.upstream_id}
    finding.doubled = sum(bool(row.upstream_id) for row in rows) - len(by_id)
    nameless_calls, used = [], set()
    for call in calls:
        row = by_id.get(call["request_id"] or "")
        if row is None and call["path"].endswith("/count_tokens"):
            finding.free_calls["token counts"] += 1
        elif row is None:
            nameless_calls.append(call)
        else:
            used.add((row.request, row.number))
            finding.by_id += 1
            _compare(finding, row, call)
    left = [row for row in rows if (row.request, row.number) not in used]
    _by_time(finding, nameless_calls, left)
    return finding


def _rows(ledger: sqlite3.Connection) -> list[Row]:
    query = f"""
        SELECT a.request, a.number, a.provider, a.model, a.started_at_ms, a.outcome, coalesce(a.failure, ''),
            coalesce(a.upstream_request_id, ''), a.input_estimated OR a.output_estimated, a.billed_nano, r.stream,
            {", ".join(f"a.{name}" for name in TOKENS)}
        FROM attempts a JOIN requests r ON r.id = a.request ORDER BY a.started_at_ms
    """
    found = [tuple(row) for row in ledger.execute(query)]
    rows = [(*row[:8], bool(row[8]), row[9], row[11:], bool(row[10])) for row in found]
    return [Row(*row) for row in rows]


def _compare(finding: Finding, row: Row, call: dict[str, Any]) -> None:
    billed = call["nano_usd"]
    if row.estimated:
        sums = finding.estimates[_ending(row)]
        sums.rows += 1
        sums.ledger += row.billed or 0
        sums.invoice += billed
        sums.exact += billed == row.billed
        return
    if billed or row.billed:
        finding.stated += 1
        finding.stated_nano += row.billed or 0
    if row.billed != billed or (billed and row.tokens != tuple(call[name] for name in TOKENS)):
        finding.differing.append((row, call))


def _ending(row: Row) -> str:
    """How the answer of an estimated row ended."""
    words = {
        "interrupted": "the gateway was killed",
        "answered": "whole, without usage",
        "cancelled": "the client left",
        "cut": "broke off at the provider's side, behind its first words",
        "failed": "broke off at the provider's side, before the client saw any of it",
    }
    return f"{words.get(row.outcome, row.outcome)}, {'streamed' if row.stream else 'unstreamed'}"


def _by_time(finding: Finding, calls: list[dict[str, Any]], rows: list[Row]) -> None:
    """Calls whose id the gateway never heard: the nearest free row of the same provider and model; what costs
    something first, and rows that say so.
    """
    free: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if not row.upstream_id:
            free[row.provider, row.model].append(row)
    taken: set[tuple[int, int]] = set()
    ranks = [0 if call["nano_usd"] else 1 if call["status"] else 2 for call in calls]
    for rank in range(3):
        group = [call for call, its in zip(calls, ranks, strict=True) if its == rank]
        for call, its_row in _nearest(group, free, taken):
            if its_row is not None:
                finding.by_time += 1
                _compare(finding, its_row, call)
            elif rank == 0:
                finding.unknown_calls.append(call)
            else:
                finding.free_calls[_free(call)] += 1
    left = [row for row in rows if (row.request, row.number) not in taken]
    finding.never_arrived = len(left)
    for row in left:
        if row.estimated:
            sums = finding.estimates["the provider never had it"]
            sums.rows += 1
            sums.ledger += row.billed or 0
        elif row.billed:
            finding.unexplained.append(row)


def _nearest(
    calls: list[dict[str, Any]], free: dict[tuple[str, str], list[Row]], taken: set[tuple[int, int]]
) -> list[tuple[dict[str, Any], Row | None]]:
    """Each call with its row: of all pairs that can be, the nearest in time first; rows given away are noted."""
    pairs = []
    for place, call in enumerate(calls):
        for row in free[call["provider"], call["model"]]:
            apart = abs(row.started_at_ms - call["time"] * 1000)
            if (row.request, row.number) not in taken and apart <= NEAR_MS:
                pairs.append((bool(call["nano_usd"]) != bool(row.billed), apart, place, row.request, row.number, row))
    found: dict[int, Row] = {}
    for _, _, place, request, number, row in sorted(pairs, key=lambda pair: pair[:5]):
        if place not in found and (request, number) not in taken:
            found[place] = row
            taken.add((request, number))
    return [(call, found.get(place)) for place, call in enumerate(calls)]


def _free(call: dict[str, Any]) -> str:
    """What a call was that costs nothing."""
    if call["status"] is None:
        return "connections that had died, tried again"
    return f"{call['path']} {call['status']}"


def kinds_of_difference(finding: Finding) -> Counter[str]:
    """What the differing rows have in common, for a person who looks for the reason."""
    return Counter(
        f"{row.provider}/{row.model} {row.outcome}/{row.failure} call {call['outcome']}"
        for row, call in finding.differing
    )

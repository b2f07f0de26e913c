"""`tenbin ledger reconcile`: a provider's statement beside the ledger, and what is to be corrected."""

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.language import say
from tenbin.cli.settings import config_option, data_directory, fail, read_file
from tenbin.cli.time_given import moment_ms

if TYPE_CHECKING:
    from tenbin.config.model import Config
    from tenbin.core.money import NanoUSD
    from tenbin.core.usage import Usage
    from tenbin.ledger.corrections import Summary
    from tenbin.ledger.reconciliation import Entry, Pricing, Reconciliation
    from tenbin.ledger.statement import Charge

EPILOG = """\b
Examples:
  tenbin ledger reconcile --statement openrouter-november.csv --provider openrouter
  tenbin ledger reconcile --statement november.csv --since 2026-11-01 --until 2026-12-01 --apply
"""

SHOWN = 20
"""Lines of a kind that people are shown; ``--json`` has all."""


@click.command(epilog=EPILOG)
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: from `ledger.directory`, else $TENBIN_HOME, else ~/.tenbin]",
)
@click.option(
    "--statement",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The provider's statement: CSV or JSON lines, one call each (docs/reconciliation.md).",
)
@click.option("--provider", "providers", multiple=True, help="Whose statement it is; may be given again.")
@click.option("--since", help="The statement begins here.  [default: with its first line]")
@click.option("--until", help="The statement ends before this.  [default: with its last line]")
@click.option("--apply", "applied", is_flag=True, help="Write corrections; without it nothing is changed.")
@click.option(
    "--not-charged-is-free",
    is_flag=True,
    help="The statement is complete: also what the provider has stated, and not charged, cost nothing.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs. Amounts are nano-USD.")
def reconcile(
    path: Path | None,
    data_dir: Path | None,
    statement: Path,
    providers: tuple[str, ...],
    since: str | None,
    until: str | None,
    applied: bool,
    not_charged_is_free: bool,
    as_json: bool,
) -> None:
    """Compare a provider's statement with the ledger, call by call.

    What differs, and what was only estimated because an answer broke off, is corrected with --apply: by new rows, no
    old one is changed. Doing it again changes nothing more.
    """
    from tenbin.ledger import corrections
    from tenbin.ledger.migrations import SchemaTooNew, migrate
    from tenbin.ledger.segments import DATABASE
    from tenbin.ledger.statement import StatementUnreadable, read
    from tenbin.ledger.writer import open_database

    config = read_file(path)[1]
    database = data_directory(data_dir, config) / DATABASE
    if not database.exists():
        fail(f"there is no ledger at {database} yet: it is begun with the first request")
    data = statement.read_bytes()
    try:
        charges = read(data.decode("utf-8"))
    except UnicodeDecodeError:
        fail(f"{statement} is not UTF-8.")
    except StatementUnreadable as error:
        fail(f"{statement}: {error}")
    span = _moment(since), _moment(until)
    try:
        with closing(open_database(database)) as connection:
            connection.execute("PRAGMA busy_timeout = 10000")
            if applied:
                migrate(connection, str(database))
            found = _compare(connection, charges, providers, span, _pricing(config))
            free = [entry for entry in found.not_on_statement if entry.estimated or not_charged_is_free]
            rows = 0
            if applied:
                name = f"{statement.name} sha256:{sha256(data).hexdigest()[:16]}"
                rows = corrections.apply(connection, found.matches, free, statement=name, at_ms=_now_ms())
            summary = corrections.summary(connection)
    except SchemaTooNew as error:
        fail(str(error))
    except sqlite3.Error as error:
        fail(f"The ledger {database} cannot be {'written' if applied else 'read'}: {error}.")
    if as_json:
        click.echo(json.dumps(_report(found, summary, len(free), rows if applied else None), indent=2))
    else:
        for line in _told(found, summary, len(free), rows if applied else None):
            click.echo(line)


def _moment(text: str | None) -> int | None:
    return None if text is None else moment_ms(text, _now_ms())


def _now_ms() -> int:
    from tenbin.execute.clock import SystemClock

    return SystemClock().now_ms()


def _pricing(config: "Config") -> "Pricing":
    """Stated tokens at the price in force when the attempt began."""
    from tenbin.app import cache_directory
    from tenbin.ledger.prices import PriceBook

    book = PriceBook(config.providers, cache=cache_directory())

    def price(entry: "Entry", usage: "Usage") -> "NanoUSD | None":
        found = book.price(entry.provider, entry.model, entry.started_at_ms)
        return None if found is None else found.cost(usage)

    return price


def _compare(
    connection: sqlite3.Connection,
    charges: "list[Charge]",
    providers: tuple[str, ...],
    span: tuple[int | None, int | None],
    price: "Pricing",
) -> "Reconciliation":
    """The statement beside the attempts at its providers: those named, else all that one of its ids is known of."""
    from tenbin.ledger import corrections
    from tenbin.ledger.reconciliation import reconcile as compared

    entries = corrections.entries(connection, providers)
    unknown = set(providers) - {entry.provider for entry in entries}
    if unknown:
        fail(f"The ledger has no attempt at {', '.join(sorted(unknown))}.")
    if not providers:
        ids = {charge.request_id for charge in charges if charge.request_id}
        known = {entry.provider for entry in entries if entry.upstream_id in ids}
        entries = [entry for entry in entries if entry.provider in known]
    return compared(entries, charges, price, since_ms=span[0], until_ms=span[1])


def _report(found: "Reconciliation", summary: "Summary", free: int, rows: int | None) -> dict[str, Any]:
    total = summary.billed_nano + summary.corrected_nano
    return {
        "matched": len(found.matches),
        "matched_by_time": sum(match.how == "time" for match in found.matches),
        "differing": [
            {
                **_attempt(match.entry),
                "statement_line": match.charge.line,
                "statement_id": match.charge.request_id,
                "matched_by": match.how,
                "ledger_nano": match.entry.nano,
                "statement_nano": match.nano,
                "difference_nano": match.difference,
            }
            for match in found.differing
        ],
        "not_in_ledger": [
            {
                "statement_line": charge.line,
                "statement_id": charge.request_id,
                "model": charge.model,
                "nano": charge.nano,
            }
            for charge in found.not_in_ledger
        ],
        "not_on_statement": [
            {**_attempt(entry), "ledger_nano": entry.nano, "estimated": entry.estimated}
            for entry in found.not_on_statement
        ],
        "unpriced": [{**_attempt(entry), "statement_line": charge.line} for entry, charge in found.unpriced],
        "statement_nano": sum(match.nano for match in found.matches)
        + sum(charge.nano or 0 for charge in found.not_in_ledger),
        "to_correct_nano": sum(match.difference for match in found.matches),
        "taken_as_free": free,
        "corrections_written": rows,
        "ledger": {
            "billed_nano": summary.billed_nano,
            "corrected_nano": summary.corrected_nano,
            "total_nano": total,
            "unknown_cost": summary.unknown,
            "estimated": summary.estimated,
        },
    }


def _attempt(entry: "Entry") -> dict[str, Any]:
    return {
        "request_id": entry.request_id,
        "attempt": entry.number,
        "target": f"{entry.provider}/{entry.model}",
        "outcome": entry.outcome,
    }


def _told(found: "Reconciliation", summary: "Summary", free: int, rows: int | None) -> list[str]:
    from tenbin.core.money import format_usd

    differing, by_time = found.differing, sum(match.how == "time" for match in found.matches)
    plus, minus = (sum(match.difference for match in differing if match.difference * sign > 0) for sign in (1, -1))
    unknown = sum(charge.nano or 0 for charge in found.not_in_ledger)
    lines = [
        _row(
            ("matched", "一致"), len(found.matches), (f"by time and model {by_time:,}", f"時刻とモデルで {by_time:,}")
        ),
        _row(("differing", "相違"), len(differing), (f"+{format_usd(plus)} {format_usd(minus)}",) * 2),
        *(
            f"  {one.entry.request_id}/{one.entry.number}  {one.entry.provider}/{one.entry.model}  "
            f"{one.entry.outcome}  {format_usd(one.entry.nano)} -> {format_usd(one.nano)}"
            for one in differing[:SHOWN]
        ),
    ]
    if len(differing) > SHOWN:
        lines.append("  ...")
    lines.append(_row(("not in the ledger", "台帳になし"), len(found.not_in_ledger), (format_usd(unknown),) * 2))
    lines += [
        "  " + say(f"line {charge.line}", f"{charge.line} 行目") + f"  {charge.request_id or '-'}  {charge.model}"
        for charge in found.not_in_ledger[:SHOWN]
    ]
    taken = f"taken to have cost nothing {free:,}", f"無料とみなす {free:,}"
    lines.append(_row(("not on the statement", "明細になし"), len(found.not_on_statement), taken))
    if found.unpriced:
        lines.append(_row(("without a price", "価格不明"), len(found.unpriced), ("", "")))
    if rows is None:
        lines.append(
            say("Nothing was changed: --apply writes corrections.", "変更なし。--apply で訂正を書き込みます。")
        )
    else:
        lines.append(say(f"{rows:,} corrections written.", f"訂正を {rows:,} 件書き込みました。"))
    billed, corrected = summary.billed_nano, summary.corrected_nano
    total = format_usd(billed + corrected)
    parts = format_usd(billed), format_usd(corrected)
    english = f"The ledger: {parts[0]} as settled, {parts[1]} corrected, together {total}."
    lines.append(say(english, f"台帳: 決済 {parts[0]}、訂正 {parts[1]}、合計 {total}。"))
    if summary.estimated:
        count = f"{summary.estimated:,}"
        lines.append(say(f"{count} attempts are estimates still.", f"推定のままの呼び出し: {count} 件。"))
    return lines


def _row(names: tuple[str, str], count: int, words: tuple[str, str]) -> str:
    return f"{say(*names):<22}{count:>9,}  {say(*words)}".rstrip()

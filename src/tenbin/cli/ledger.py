"""`tenbin ledger`: the last requests, and sums."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.reconcile import reconcile
from tenbin.cli.settings import config_option, data_directory, fail, read_file

if TYPE_CHECKING:
    from tenbin.core.receipt import Receipt

EPILOG = """\b
Examples:
  tenbin ledger
  tenbin ledger --last 100 --json | jq '.[].cost_usd'
  tenbin ledger --by model --by day
  tenbin ledger reconcile --statement november.csv
"""

DIMENSIONS = ("day", "key", "provider", "model", "route", "session", "client")


@click.group(epilog=EPILOG, invoke_without_command=True)
@click.pass_context
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: from `ledger.directory`, else $TENBIN_HOME, else ~/.tenbin]",
)
@click.option("--last", "-n", type=click.IntRange(1), default=20, show_default=True, help="How many requests to show.")
@click.option("--by", type=click.Choice(DIMENSIONS), multiple=True, help="Sums instead, by this; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="For programs. Costs are USD as decimal text, exact.")
def ledger(
    context: click.Context, path: Path | None, data_dir: Path | None, last: int, by: tuple[Any, ...], as_json: bool
) -> None:
    """Show the last requests, what they used and what they cost, or sums of them.

    Costs that are not known (a model without a price) are shown as `unknown`, and are in no sum. `~` marks figures
    that hold an estimate of Tenbin's own. Sums hold the corrections by providers' statements.
    """
    if context.invoked_subcommand is not None:
        return
    from sqlite3 import Error

    from tenbin.ledger import queries
    from tenbin.ledger.migrations import SchemaTooNew

    database = database_path(data_directory(data_dir, read_file(path)[1]))
    names = key_names(database.parent) if "key" in by else {}
    try:
        with queries.reading(database) as connection:
            if by:
                rows = [_total(by, total, names) for total in queries.totals(connection, by)]
            else:
                rows = [_request(receipt) for receipt in queries.recent(connection, last)]
    except (FileNotFoundError, SchemaTooNew) as error:
        fail(str(error))
    except Error as error:
        fail(f"The ledger {database} cannot be read: {error}.")
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif not rows:
        click.echo("The ledger holds no request yet.")
    else:
        for line in columns([{name: _cell(name, value) for name, value in row.items()} for row in rows]):
            click.echo(line)


ledger.add_command(reconcile)


def database_path(directory: Path) -> Path:
    """The ledger's database in its folder."""
    from tenbin.ledger.segments import DATABASE

    return directory / DATABASE


def _request(receipt: "Receipt") -> dict[str, Any]:
    from tenbin.core.money import usd_decimal

    usage, last = receipt.usage, receipt.last
    cost = receipt.cost_nano
    return {
        "time": datetime.fromtimestamp(receipt.arrived_at_ms / 1000, UTC).isoformat(timespec="seconds"),
        "request_id": receipt.request_id,
        "asked": receipt.requested_model or receipt.operation,
        "answered": f"{last.provider}/{last.model}" if last is not None else "",
        "cache": receipt.cached.tier if receipt.cached is not None else "",
        "outcome": receipt.outcome,
        "status": receipt.status,
        "attempts": len(receipt.attempts),
        "prompt": usage.prompt,
        "cached": usage.cache_read,
        "output": usage.output,
        "estimated": usage.estimated,
        "cost_usd": None if cost is None else usd_decimal(cost),
        "first_byte_ms": round(receipt.first_byte_ms, 1) if receipt.first_byte_ms is not None else None,
        "total_ms": round(receipt.total_ms, 1),
    }


def key_names(directory: Path) -> dict[str, str]:
    """What the keys of the store are called, by their ids; nothing where there is none, or it cannot be read."""
    from sqlite3 import Error

    from tenbin.ledger.accounts.schema import DATABASE, open_database

    if not (directory / DATABASE).exists():
        return {}
    try:
        with closing(open_database(directory / DATABASE, only_read=True)) as connection:
            return dict(connection.execute("SELECT id, name FROM keys").fetchall())
    except (OSError, Error):
        return {}


def _total(by: tuple[str, ...], total: Any, names: dict[str, str]) -> dict[str, Any]:
    from tenbin.core.money import usd_decimal

    dimensions = dict(zip(by, total.by, strict=True))
    if names and "key" in dimensions:
        # Two keys may have borne a name one after the other: the id tells them apart.
        key_id = dimensions["key"]
        dimensions |= {"key": names.get(key_id, key_id), "key_id": key_id}
    return {
        **dimensions,
        "requests": total.requests,
        "attempts": total.attempts,
        "prompt": total.usage.prompt,
        "cached": total.usage.cache_read,
        "output": total.usage.output,
        "estimated": total.usage.estimated,
        "cost_usd": usd_decimal(total.billed_nano),
        "unknown_cost": total.unknown,
        "corrected_usd": usd_decimal(total.corrected_nano),
    }


def _cell(name: str, value: Any) -> str:
    if name == "corrected_usd" and value == "0.000000000":
        return ""
    if name in ("cost_usd", "corrected_usd"):
        from tenbin.core.money import format_usd, nano_from_usd

        return "unknown" if value is None else format_usd(nano_from_usd(value))
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "~" if value else ""
    return f"{value:,}" if isinstance(value, int) else str(value)


def columns(rows: list[dict[str, str]]) -> list[str]:
    """Rows under a heading, each column as wide as it must be, numbers to the right; empty columns are left out."""
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    table = [names, *([row[name] for name in names] for row in rows)]
    widths = [max(len(line[number]) for line in table) for number in range(len(names))]
    right = [all(row[name][:1] in "0123456789$-u" for row in rows) for name in names]
    return [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in table
    ]

"""`tenbin quality`: how much quality cheap answers keep, as shadow evaluation has measured it."""

import json
from pathlib import Path

import click

from tenbin.cli.language import say
from tenbin.cli.ledger import database_path
from tenbin.cli.settings import config_option, data_directory, fail, read_file

EPILOG = """\b
Examples:
  tenbin quality
  tenbin quality --days 7 --json | jq .all
\b
Measured where `shadow.share` is above 0: docs/experiments.md.
"""


@click.command(epilog=EPILOG)
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: as for `tenbin ledger`]",
)
@click.option("--days", type=click.IntRange(1), help="Only evaluations of so many days.  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="For programs: shares 0 to 1, money in nano-USD.")
def quality(path: Path | None, data_dir: Path | None, days: int | None, as_json: bool) -> None:
    """Show the share of cheap answers that a judge finds at least as good as the strongest model's, with its interval,
    by task and model, and what measuring it has cost.

    Behind each task and model: better / as good / worse.
    """
    from sqlite3 import Error

    import msgspec

    from tenbin.execute.clock import SystemClock
    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.ledger.queries import reading
    from tenbin.measure.experiments.kept import kept_report, lines

    database = database_path(data_directory(data_dir, read_file(path)[1]))
    since = 0 if days is None else SystemClock().now_ms() - days * 86_400_000
    try:
        with reading(database) as connection:
            told = kept_report(connection, since)
    except (FileNotFoundError, SchemaTooNew) as error:
        fail(str(error))
    except Error as error:
        fail(f"The ledger {database} cannot be read: {error}.")
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(told), indent=2, ensure_ascii=False))
    else:
        for line in lines(told, say):
            click.echo(line)

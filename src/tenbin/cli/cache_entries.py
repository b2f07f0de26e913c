"""`tenbin cache inspect`, `purge` and `report`: single entries of a running gateway's response cache."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from tenbin.cli.language import say
from tenbin.cli.ledger import columns, database_path
from tenbin.cli.settings import config_option, data_directory, fail, gateway_url, read_file

INSPECT_EPILOG = """\b
Examples:
  tenbin cache inspect
  tenbin cache inspect 4c4b946e
  tenbin cache inspect --tag faq --json | jq '.[].id'
"""
PURGE_EPILOG = """\b
Examples:
  tenbin cache purge 4c4b946e          one entry, by its id or the beginning of it
  tenbin cache purge --tag faq         all whose requests bore x-tenbin-cache-tags: faq
  tenbin cache purge --model auto
  tenbin cache purge --all
"""
REPORT_EPILOG = """\b
Examples:
  tenbin cache report 4c4b946e754c0365addaad552b59c7f7
\b
The id stands in the answer's header x-tenbin-cache-entry.
"""


def selecting(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which entries are meant."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="For programs."),
        click.option("--url", help="The gateway's address.  [default: from `listen`]"),
        click.option("--model", help="Entries of this requested name, or of this provider/model that answered."),
        click.option("--scope", help="Entries of this scope: key:NAME, team:NAME or everyone."),
        click.option("--tag", help="Entries whose request bore this tag."),
        click.argument("entry", required=False),
        config_option,
    ):
        command = option(command)
    return command


@click.command(epilog=INSPECT_EPILOG)
@selecting
@click.option("--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="How many to show.")
def inspect(
    path: Path | None,
    entry: str | None,
    tag: str | None,
    scope: str | None,
    model: str | None,
    url: str | None,
    as_json: bool,
    limit: int,
) -> None:
    """Show entries of the response cache: whose they are, what answered, how old, how often hit. Never their words."""
    which = _which(entry, tag, scope, model)
    entries = _asked(path, url, "GET", {**which, "limit": str(limit)})["entries"]
    if as_json:
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    if not entries:
        click.echo(say("The cache holds no such entry.", "該当するエントリはありません。"))
        return
    rows = [
        {
            "entry": one["id"],
            "scope": one["scope"],
            "asked": one["model"],
            "answered": one["target"],
            "task": one["task"],
            "made": _time(one["created_ms"]),
            "ends": _time(one["expires_ms"]),
            "bytes": f"{one['bytes']:,}",
            "hits": f"{one['hits']:,}",
            "tags": " ".join(one["tags"]),
        }
        for one in entries
    ]
    for line in columns(rows):
        click.echo(line)


@click.command(epilog=PURGE_EPILOG)
@selecting
@click.option("--all", "everything", is_flag=True, help="All entries.")
def purge(
    path: Path | None,
    entry: str | None,
    tag: str | None,
    scope: str | None,
    model: str | None,
    url: str | None,
    as_json: bool,
    everything: bool,
) -> None:
    """Remove entries from the response cache, in memory and in its store."""
    which = _which(entry, tag, scope, model)
    if not which and not everything:
        raise click.UsageError("Say which: ENTRY, --tag, --scope, --model, or --all.")
    removed = _asked(path, url, "DELETE", {**which, "all": "true"} if everything else which)["removed"]
    if as_json:
        click.echo(json.dumps({"removed": removed}, indent=2))
    else:
        click.echo(say(f"{len(removed):,} entries removed.", f"{len(removed):,} 件を削除しました。"))


@click.command(epilog=REPORT_EPILOG)
@click.argument("entry")
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: as for `tenbin ledger`]",
)
@click.option("--url", help="The gateway's address.  [default: from `listen`]")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def report(path: Path | None, entry: str, data_dir: Path | None, url: str | None, as_json: bool) -> None:
    """Say that the answer of ENTRY was wrong: it is removed, its question is harder to match from now on, and it counts
    against its scope's error budget.
    """
    known = _latest_hit(database_path(data_directory(data_dir, read_file(path)[1])), entry)
    removed = _asked(path, url, "DELETE", {"entry": entry, "wrong": "true", **known})["removed"]
    if as_json:
        click.echo(json.dumps({"removed": removed, **known}, indent=2))
    elif removed:
        click.echo(say("Removed, and counted as wrong.", "削除し、誤りとして記録しました。"))
    else:
        fail(say(f"The cache holds no entry {entry}.", f"エントリ {entry} はありません。"))


def _latest_hit(database: Path, entry: str) -> dict[str, str]:
    """How alike the question was that the entry last answered by meaning, and whose: nothing where the ledger does not
    know.
    """
    import sqlite3

    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.ledger.queries import reading

    sql = (
        "SELECT similarity, scope FROM cached WHERE entry = ? AND tier = 'semantic' AND similarity IS NOT NULL "
        "ORDER BY request DESC LIMIT 1"
    )
    try:
        with reading(database) as connection:
            row = connection.execute(sql, (entry,)).fetchone()
    except (FileNotFoundError, SchemaTooNew, sqlite3.Error):
        return {}
    return {} if row is None else {"similarity": str(row[0]), "scope": str(row[1])}


def _which(entry: str | None, tag: str | None, scope: str | None, model: str | None) -> dict[str, str]:
    given = {"entry": entry, "tag": tag, "scope": scope, "model": model}
    return {name: value for name, value in given.items() if value}


def _asked(path: Path | None, url: str | None, method: str, fields: dict[str, str]) -> dict[str, Any]:
    """What the running gateway answers; what stands against it is told and ends the command."""
    from tenbin.cli.client import call, client_key
    from tenbin.config import address

    config = read_file(path)[1]
    where = url or gateway_url(*address.split_listen(config.listen))
    try:
        reply = call(where, f"/cache/entries?{urlencode(fields)}", key=client_key(config), method=method, seconds=30.0)
    except (OSError, HTTPException) as error:
        why = getattr(error, "strerror", None) or error
        fail(
            say(
                f"No gateway answers at {where} ({why}). Start it with `tenbin serve`, or name its file: --config.",
                f"{where} のゲートウェイが応答しません ({why})。"
                "`tenbin serve` で起動するか、--config で設定ファイルを指定してください。",
            )
        )
    told = reply.json()
    if reply.status == 404 and isinstance(told, dict) and "removed" in told:
        return told
    if reply.status != 200 or not isinstance(told, dict):
        fail(reply.complaint)
    return told


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")

"""`tenbin budget`: every budget, how full it is, whether it is spent too fast, and what to do about it."""

import json
import os
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from tenbin.cli.language import say
from tenbin.cli.settings import config_option, data_directory, fail, gateway_url, read_file
from tenbin.cli.time_given import span_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from tenbin.config.model import Config
    from tenbin.core.budget import Level
    from tenbin.measure.response_cache import CacheSum
    from tenbin.measure.spending.actions import Offer
    from tenbin.measure.spending.overview import Known, Line, Overview

EPILOG = """\b
Examples:
  tenbin budget
  tenbin budget team:search              only budgets whose name holds this
  tenbin budget --at 2026-11-15          as it was when that day began
  tenbin budget --at 3d --svg pace.svg   three days ago, and drawn
  tenbin budget --json | jq '.budgets[] | select(.pace.word == "critical")'
\b
The bar: █ spent, ▒ set aside for calls under way, ┃ where even spending would be.
Pace is spent / expected; docs/pace.md says how it is reckoned.
"""


@click.command(epilog=EPILOG)
@click.argument("which", required=False)
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: as for `tenbin ledger`]",
)
@click.option("--at", help="Show a moment in the past: 2026-11-15, 2026-11-15T18:00, or 3d for three days ago.")
@click.option(
    "--limit", "-n", type=click.IntRange(1), default=20, show_default=True, help="How many, the fullest first."
)
@click.option("--url", help="The gateway's address.  [default: from `listen`]")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw them into this file, too.")
@click.option("--json", "as_json", is_flag=True, help="For programs. Amounts are USD as decimal text, exact.")
def budget(
    which: str | None,
    path: Path | None,
    data_dir: Path | None,
    at: str | None,
    limit: int,
    url: str | None,
    svg: Path | None,
    as_json: bool,
) -> None:
    """Show every budget: spent, set aside, left, pace, when it will be full, and what to do.

    Budgets of tenbin.yaml and of keys, teams and users are read from the ledger; what calls under way have set aside
    is known to the running gateway alone, and asked there.
    """
    from sqlite3 import Error

    from tenbin.config.spending_check import budgets_of
    from tenbin.execute.clock import SystemClock
    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.ledger.spending import spendings
    from tenbin.measure.spending.overview import Overview

    config = read_file(path)[1]
    directory = data_directory(data_dir, config)
    clock_ms = SystemClock().now_ms()
    now_ms = clock_ms if at is None else _past(at, clock_ms, config.spending.timezone)
    levels, silent = _levels(config, url) if at is None else (None, "")
    known = known_people(directory)
    try:
        with spendings(directory) as spent:
            overview = Overview(spent, known, now_ms)
            lines = overview.lines(budgets_of(config.spending), config.spending.timezone, levels or ())
            lines = [line for line in lines if which is None or which in f"{line.claim.counter} {line.title}"]
            offers, cached = _offers(config, now_ms), _cached(config, directory)
            shown = [overview.with_actions(line, offers, cached) for line in lines[:limit]]
            if svg is not None:
                _draw(svg, overview, shown)
            so_far = overview.spent(0).spent_nano if not lines else 0
    except (FileNotFoundError, SchemaTooNew) as error:
        fail(str(error))
    except Error as error:
        fail(f"The ledger in {directory} cannot be read: {error}.")
    if as_json:
        from tenbin.cli.budget_words import plain

        told = {"at_ms": now_ms, "gateway": levels is not None, "budgets": [plain(line) for line in shown]}
        click.echo(json.dumps({**told, "more": len(lines) - len(shown)}, indent=2, ensure_ascii=False))
        return
    _show(shown, len(lines), config, now_ms, spent=so_far)
    if silent and shown:
        click.echo(f"\n{silent}", err=True)


def _draw(path: Path, overview: "Overview", lines: "list[Line]") -> None:
    from tenbin.cli.budget_words import heading
    from tenbin.measure.spending.picture import picture

    charts = [chart for line in lines if (chart := overview.chart(line, heading(line))) is not None]
    try:
        path.write_text(picture(charts), encoding="utf-8")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}.")


def _show(shown: "list[Line]", count: int, config: "Config", now_ms: int, *, spent: int) -> None:
    from tenbin.cli.budget_words import lines
    from tenbin.core.money import format_about

    if not shown:
        click.echo(
            say(
                f"No budget counts anybody here. {format_about(spent)} was spent so far. Set one, for example:\n\n"
                "spending:\n  budgets:\n    - {scope: global, window: month, usd: 200}",
                f"予算は設定されていません。これまでの支出は {format_about(spent)} です。設定の例:\n\n"
                "spending:\n  budgets:\n    - {scope: global, window: month, usd: 200}",
            )
        )
        return
    at = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(config.spending.timezone))
    when = f"{at:%Y-%m-%d %H:%M} {config.spending.timezone}"
    click.echo(say(f"Budgets on {when}", f"{when} の予算"))
    for line in shown:
        click.echo("")
        for text in lines(line):
            click.echo(text)
    if count > len(shown):
        click.echo(
            say(
                f"\n{count - len(shown)} more: --limit shows them.",
                f"\nほかに {count - len(shown)} 件。--limit で表示。",
            )
        )


def _past(at: str, now_ms: int, zone: str) -> int:
    """A moment in the past; without a zone it is meant in that of budgets."""
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        found = now_ms - span_ms(at)
    else:
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
        found = int(moment.timestamp() * 1000)
    if not 0 <= found <= now_ms:
        raise click.BadParameter("the moment must lie in the past.", param_hint="--at")
    return found


def known_people(directory: Path) -> "Known":
    """Who stands in the store of keys; nobody where there is none, or it cannot be read."""
    from contextlib import closing
    from sqlite3 import Error

    from tenbin.ledger.accounts.rows import COLUMNS, OWNER_COLUMNS, account_of, owner_of
    from tenbin.ledger.accounts.schema import DATABASE, open_database
    from tenbin.measure.spending.overview import Known

    if not (directory / DATABASE).exists():
        return Known()
    try:
        with closing(open_database(directory / DATABASE, only_read=True)) as database:
            accounts = [account_of(row) for row in database.execute(f"SELECT {COLUMNS} FROM keys")]
            owners = [owner_of(row) for row in database.execute(f"SELECT {OWNER_COLUMNS} FROM owners")]
    except (OSError, Error) as error:
        click.echo(f"The store of keys cannot be read: {error}.", err=True)
        return Known()
    return Known(accounts, owners)


def _levels(config: "Config", url: str | None) -> "tuple[list[Level] | None, str]":
    """What the running gateway counts; or None, and why nobody says so."""
    from http.client import HTTPException

    from tenbin.cli.client import KEY_VARIABLE, call, client_key
    from tenbin.config import address

    where = url or gateway_url(*address.split_listen(config.listen))
    untold = say("what calls under way have set aside is not known", "処理中の呼び出しの確保分は分かりません")
    try:
        reply = call(where, "/budgets", key=client_key(config))
    except (OSError, HTTPException):
        return None, say(
            f"No gateway answers at {where}: {untold}.", f"{where} のゲートウェイが応答しないため、{untold}。"
        )
    found = _read(reply.json()) if reply.status == 200 else None
    if found is not None:
        return found, ""
    if reply.status in (401, 403):
        return None, say(
            f"The gateway tells only the master key: {untold}. Set ${KEY_VARIABLE}.",
            f"ゲートウェイはマスター鍵にだけ答えるため、{untold}。${KEY_VARIABLE} を設定してください。",
        )
    return None, say(f"{where} is no gateway of this version: {untold}.", f"{where} は別の版か別物のため、{untold}。")


def _read(told: Any) -> "list[Level] | None":
    from tenbin.core.budget import Claim, Level

    if not isinstance(told, dict) or not isinstance(told.get("levels"), list):
        return None
    try:
        return [
            Level(
                Claim(
                    one["budget"],
                    one["starts_at_ms"],
                    one["ends_at_ms"],
                    one["limit_nano"],
                    one["hard"],
                    one["whose"],
                    one["window"],
                    one["timezone"],
                ),
                one["spent_nano"],
                one["reserved_nano"],
            )
            for one in told["levels"]
        ]
    except (KeyError, TypeError):
        return None


def _offers(config: "Config", now_ms: int) -> "Callable[[], tuple[Offer, ...]]":
    """The models that could be asked, found out when somebody wants to know, once."""

    @cache
    def made() -> "tuple[Offer, ...]":
        from tenbin.app import cache_directory
        from tenbin.config.findings import Findings, build, found_keys
        from tenbin.decide.resolve import policy
        from tenbin.ledger.prices import PriceBook
        from tenbin.measure.spending.offers import offers

        keys = found_keys(os.environ)[0] if config.discover else ()
        whole = build(config, Findings(keys=keys), os.environ)
        return offers(policy(whole), PriceBook(whole.providers, cache=cache_directory()).price, now_ms)

    return made


def _cached(config: "Config", directory: Path) -> "Callable[[int], CacheSum | None]":
    def done(since_ms: int) -> "CacheSum | None":
        from tenbin.cli.ledger import database_path
        from tenbin.ledger.queries import reading
        from tenbin.measure.response_cache import cache_report

        caching = config.cache
        if caching.exact == "off" and caching.semantic.mode == "off" and not caching.rules:
            return None
        with reading(database_path(directory)) as ledger:
            return cache_report(ledger, since_ms=since_ms).all

    return done

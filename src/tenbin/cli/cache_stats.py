"""`tenbin cache stats`: what the response cache brought, from the ledger, and how full it is, from the gateway."""

import json
import time
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.language import say
from tenbin.cli.ledger import columns, database_path
from tenbin.cli.settings import config_option, data_directory, fail, gateway_url, read_file

if TYPE_CHECKING:
    from tenbin.config.model import Config
    from tenbin.measure.response_cache import CacheReport, CacheSum

EPILOG = """\b
Examples:
  tenbin cache stats
  tenbin cache stats --days 30 --by model --by tier
  tenbin cache stats --json | jq .all.hit_rate
"""

DIMENSIONS = ("tier", "scope", "task", "model", "key", "day")
DAY_MS = 86_400_000


@click.command(name="stats", epilog=EPILOG)
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: from `ledger.directory`, else $TENBIN_HOME, else ~/.tenbin]",
)
@click.option("--days", type=click.IntRange(1), default=7, show_default=True, help="How far to look back.")
@click.option("--by", type=click.Choice(DIMENSIONS), multiple=True, help="Sums also by this; may be given again.")
@click.option("--url", help="The gateway's address.  [default: from `listen`]")
@click.option("--json", "as_json", is_flag=True, help="For programs. Amounts are USD as decimal text, exact.")
def stats(
    path: Path | None, data_dir: Path | None, days: int, by: tuple[Any, ...], url: str | None, as_json: bool
) -> None:
    """Show how many requests the response cache answered, what that saved, and why the others were not.

    `wrong at most` is the upper end of the 95 % interval of the share of hits by meaning that were found to be wrong.
    """
    import sqlite3

    from tenbin.ledger import queries
    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.measure.response_cache import cache_report

    config = read_file(path)[1]
    database = database_path(data_directory(data_dir, config))
    try:
        with queries.reading(database) as connection:
            report = cache_report(connection, by, since_ms=int(time.time() * 1000) - days * DAY_MS)
    except (FileNotFoundError, SchemaTooNew) as error:
        fail(str(error))
    except sqlite3.Error as error:
        fail(f"The ledger {database} cannot be read: {error}.")
    state = _state(config, url)
    if as_json:
        click.echo(json.dumps(_plain(report, by, state), indent=2, ensure_ascii=False))
        return
    for line in _lines(report, by, state, days):
        click.echo(line)


def _state(config: "Config", url: str | None) -> dict[str, Any] | None:
    """What the gateway itself says of its cache; None when it is not there, or does not say."""
    from tenbin.cli.client import call, client_key
    from tenbin.config import address

    try:
        reply = call(url or gateway_url(*address.split_listen(config.listen)), "/cache", key=client_key(config))
    except (OSError, HTTPException):
        return None
    told = reply.json()
    return told if reply.status == 200 and isinstance(told, dict) else None


def _plain(report: "CacheReport", by: tuple[str, ...], state: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "all": _plain_sum(report.all),
        "by": [{**dict(zip(by, one.by, strict=True)), **_plain_sum(one)} for one in report.parts],
        "not_answered": [{"result": one.result, "why": one.why, "requests": one.requests} for one in report.reasons],
        "gateway": state,
    }


def _plain_sum(one: "CacheSum") -> dict[str, Any]:
    from tenbin.core.money import usd_decimal

    return {
        "requests": one.requests,
        "hit_rate": round(one.hit_rate, 4),
        "exact": one.exact,
        "semantic": one.semantic,
        "misses": one.misses,
        "bypassed": one.bypassed,
        "shadow": one.shadow,
        "shared": one.shared,
        "saved_usd": usd_decimal(one.saved_nano),
        "saved_unknown": one.saved_unknown,
        "saved_seconds": round(one.saved_ms / 1_000, 1),
        "mean_age_seconds": round(one.mean_age_ms / 1_000),
    }


def _lines(report: "CacheReport", by: tuple[str, ...], state: dict[str, Any] | None, days: int) -> list[str]:
    from tenbin.core.money import format_usd

    total = report.all
    if not total.requests:
        return [
            say(
                f"No request has looked into the response cache in {days} days. Switch it on: docs/caching.md.",
                f"この{days}日間に応答キャッシュを使ったリクエストはありません。有効化の方法: docs/caching.md",
            )
        ]
    lines = [
        say(
            f"{total.requests:,} requests in {days} days: {total.hit_rate:.1%} of those looked up came from the "
            f"cache ({total.exact:,} exact, {total.semantic:,} by meaning), which saved {format_usd(total.saved_nano)} "
            f"and {total.saved_ms / 1_000:,.0f} s.",
            f"{days}日間のリクエスト {total.requests:,} 件: 検索したうち {total.hit_rate:.1%} をキャッシュから応答 "
            f"(完全一致 {total.exact:,}、意味一致 {total.semantic:,})。節約 {format_usd(total.saved_nano)}、"
            f"{total.saved_ms / 1_000:,.0f} 秒。",
        ),
    ]
    if report.parts:
        rows = []
        for one in report.parts:
            row = {name: value or "-" for name, value in zip(by, one.by, strict=True)}
            row |= {"requests": f"{one.requests:,}", "hits": f"{one.hits:,}", "rate": f"{one.hit_rate:.1%}"}
            rows.append(row | {"saved": format_usd(one.saved_nano)})
        lines += ["", *columns(rows)]
    if report.reasons:
        lines += ["", say("Not answered from it:", "キャッシュから応答しなかった理由:")]
        lines += [f"  {one.requests:>8,}  {one.result}: {one.why or '-'}" for one in report.reasons]
    return lines + _of_gateway(state)


def _of_gateway(state: dict[str, Any] | None) -> list[str]:
    if state is None or not state.get("open"):
        return []
    lines = [""]
    for name, size in state["sizes"].items():
        if size is None:
            lines.append(say(f"{name}: does not answer", f"{name}: 応答なし"))
        else:
            held = f"{size['entries']:,}", f"{size['bytes'] / 1e6:,.1f} MB"
            lines.append(say(f"{name}: {held[0]} entries, {held[1]}", f"{name}: {held[0]} 件、{held[1]}"))
    for scope, told in state["scopes"].items():
        judged = f"{told['wrong']:.0f}/{told['judged']:.0f}"
        serving = say("serving", "応答中") if told["serving"] else say("fallen back to shadow", "シャドーに後退")
        bound = f"{told['wrong_at_most']:.1%}"
        lines.append(
            say(
                f"{scope}: wrong {judged}, at most {bound}; {serving}",
                f"{scope}: 誤り {judged}、上限 {bound}、{serving}",
            )
        )
    return lines

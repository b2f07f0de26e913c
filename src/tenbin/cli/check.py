"""`tenbin check`: the mistakes in a configuration, or how it routes."""

import json
from pathlib import Path

import click
import msgspec

from tenbin.cli.language import say
from tenbin.cli.settings import find, read_file, told
from tenbin.config.load import FILE_NAME
from tenbin.config.problem import ConfigError

EPILOG = """\b
Examples:
  tenbin check
  tenbin check /etc/tenbin.yaml
  tenbin check --json | jq .routing.default
\b
Exit codes: 0 the file is in order; 1 it is not (each mistake is told as
file:line:column: key: what is wrong. How to mend it).
"""


@click.command(epilog=EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs: {ok, file, mistakes, routing}.")
def check(file: Path | None, as_json: bool) -> None:
    """Look for mistakes in FILE (tenbin.yaml in this folder by default), show how it routes and what holds spending.

    All mistakes are told at once. The routing is the one that `tenbin serve` would have now: with the API keys and
    servers that are found at this moment.
    """
    import os

    from tenbin.alarms import AlarmParts
    from tenbin.app import cache_directory
    from tenbin.cli.held import held
    from tenbin.cli.routing import plain, table, unpriced
    from tenbin.config.findings import build
    from tenbin.config.load import load
    from tenbin.decide.resolve import absent, policy
    from tenbin.execute.clock import SystemClock
    from tenbin.ledger.prices import PriceBook

    if file is None and Path(FILE_NAME).exists():
        file = Path(FILE_NAME)
    try:
        config = load(file) if file is not None else read_file(None)[1]
        AlarmParts.receivers(config.alerts)  # only apprise knows its addresses
    except ConfigError as error:
        if as_json:
            mistakes = msgspec.to_builtins(error.problems)
            click.echo(json.dumps({"ok": False, "file": str(file), "mistakes": mistakes, "routing": None}, indent=2))
        else:
            click.echo(told(error), err=True)
        raise SystemExit(1) from None
    config = build(config, find(config), os.environ)
    resolved, missing = policy(config), absent(config)
    without = unpriced(resolved, PriceBook(config.providers, cache=cache_directory()).price, SystemClock().now_ms())
    if as_json:
        routing = {**plain(resolved), "absent": list(missing), "unpriced": without}
        shown = str(file) if file is not None else None
        click.echo(json.dumps({"ok": True, "file": shown, "mistakes": [], "routing": routing}, indent=2))
        return
    nothing = say(f"There is no {FILE_NAME} here: this is what is found.", f"{FILE_NAME} はないため、検出結果です。")
    click.echo(nothing if file is None else say(f"{file} is in order.", f"{file} に問題はありません。"))
    click.echo()
    for line in table(resolved):
        click.echo(line)
    for target in missing:
        click.echo(say(f"! {target} is left out: it is not here", f"! {target} は見つからないため使われません"))
    for target in without:
        provider, _, model = target.partition("/")
        where = f"providers.{provider}.models.{model}.price"
        click.echo(
            say(
                f"! {target} has no known price, so it is chosen only when nobody else can answer: add {where}",
                f"! {target} は価格不明のため、他に答えられるものがないときだけ選ばれます: {where} を設定してください",
            )
        )
    for line in held(config):
        click.echo(line)
    click.echo()
    click.echo(say(f"Policy {resolved.hash}", f"ポリシー {resolved.hash}"))

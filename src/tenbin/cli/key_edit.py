"""`tenbin keys edit`: what a key may do, changed while it is in use."""

from pathlib import Path
from typing import Any

import click

from tenbin.cli.key_report import plain, tell
from tenbin.cli.key_rules import allotments, budget_options, known_plan, networks, rule_options
from tenbin.cli.key_store import by, placed, store
from tenbin.cli.language import say
from tenbin.cli.settings import read_file
from tenbin.core.account import CLEARABLE

EDIT_EPILOG = """\b
Examples:
  tenbin keys edit alice --budget month=80 --tier low --tier medium
  tenbin keys edit alice --clear targets --model auto
  tenbin keys edit alice --team search --plan pro
  tenbin keys edit alice --plan ''           no plan of its own any more
\b
What is given takes the place of what there was (all models, all budgets ...); the
rest stays. --clear takes a rule away: then it bounds nothing any more.
"""


@click.command(epilog=EDIT_EPILOG)
@click.argument("key")
@click.option("--team", help="The team that it belongs to.")
@click.option("--user", help="The person or program that uses it.")
@click.option("--plan", help="The name of its plan.")
@rule_options
@budget_options
@click.option("--clear", "cleared", multiple=True, type=click.Choice(CLEARABLE), help="A rule that is to go.")
@placed
def edit(
    path: Path | None,
    data_dir: Path | None,
    as_json: bool,
    key: str,
    cleared: tuple[str, ...],
    soft: bool,
    **given: Any,
) -> None:
    """Change what a key may do. KEY is its name, its id or its first characters; a running gateway follows within a
    second.
    """
    from tenbin.execute.clock import SystemClock

    known_plan(given["plan"], read_file(path)[1])
    now_ms = SystemClock().now_ms()
    given["networks"] = networks(given["networks"])
    given["budgets"] = allotments("key", given["budgets"], soft=soft)
    changes = {name: value for name, value in given.items() if value is not None and value != ()}
    for name in cleared:
        if name in changes:
            raise click.UsageError(f"--clear {name} and a new value for it: say one of the two.")
        changes[name] = ()
    if not changes:
        raise click.UsageError("Say what is to change: --budget month=50, --model auto, --clear targets ...")
    with store(path, data_dir) as accounts:
        kept = accounts.find(key)
        if kept.account.admin and (named := sorted(changes.keys() - {"tags", "networks", "team", "user"})):
            raise click.UsageError(f"{kept.account.name} is an admin key, for which {', '.join(named)} mean nothing.")
        accounts.edit(kept.account.key_id, changes, by=by(), now_ms=now_ms)
        kept = accounts.find(kept.account.key_id)
    if as_json:
        tell(plain(kept, now_ms))
    else:
        click.echo(say(f"{kept.account.name} is changed.", f"{kept.account.name} を変更しました。"))

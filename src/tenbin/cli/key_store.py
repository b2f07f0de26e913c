"""`tenbin keys create`, `list`, `show`, `rotate`, `expire`, `revoke`, `audit`: the store of keys beside the ledger,
whether a gateway is running or not.
"""

import contextlib
import getpass
import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.key_report import describe, hand_over, plain, row, tell, worded
from tenbin.cli.key_rules import allotments, budget_options, known_plan, networks, rule_options
from tenbin.cli.language import say
from tenbin.cli.settings import config_option, data_directory, fail, read_file
from tenbin.cli.time_given import iso_ms, moment_ms, shown_ms, span_ms
from tenbin.config.keys import KEY_BYTES, PREFIX
from tenbin.core.account import MOST_NAME, RESERVED, Account
from tenbin.ledger.accounts.log import By

if TYPE_CHECKING:
    from tenbin.ledger.accounts.store import Accounts, Kept

DATA_RULES = ("plan", "models", "targets", "tiers", "routes", "operations", "budgets")
"""Of a key, what bounds how it asks models."""

CREATE_EPILOG = """\b
Examples:
  tenbin keys create alice
  tenbin keys create ci --team build --expires 90d --operation generate
  tenbin keys create intern --model auto --target 'openai/*mini*' --ip 10.0.0.0/8
  tenbin keys create bob --tier low --budget month=50 --budget day=5
  tenbin keys create ops --admin       for the admin API only (docs/admin.md)
  KEY=$(tenbin keys create bot)        standard output holds the key alone
\b
--model bounds the names that may be asked for, --target and --tier who may answer,
whatever was asked for: by name, by alias, by weighing, as a fallback or in a cascade.
Each may be given again; in models, targets and routes * stands for any characters.
"""
LIST_EPILOG = """\b
Examples:
  tenbin keys list
  tenbin keys list --all --json | jq '.[] | select(.state != "active")'
"""
SHOW_EPILOG = """\b
Examples:
  tenbin keys show alice
  tenbin keys show tb-Xy3q            by the beginning of the key, as a client tells it
"""
ROTATE_EPILOG = """\b
Examples:
  tenbin keys rotate alice --grace 24h     both keys are taken for a day
  tenbin keys rotate alice --grace 0       the old one is not taken any more
"""
EXPIRE_EPILOG = """\b
Examples:
  tenbin keys expire alice --in 7d
  tenbin keys expire alice --at 2027-01-31
  tenbin keys expire alice --at never
"""
REVOKE_EPILOG = """\b
Example:
  tenbin keys revoke alice
"""
AUDIT_EPILOG = """\b
Examples:
  tenbin keys audit
  tenbin keys audit alice --last 5 --json
"""


def placed(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all of these have."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="For programs."),
        click.option(
            "--data-dir",
            type=click.Path(path_type=Path, file_okay=False),
            help="Folder of the ledger and the store.  [default: as for `tenbin ledger`]",
        ),
        config_option,
    ):
        command = option(command)
    return command


@contextlib.contextmanager
def store(path: Path | None, data_dir: Path | None, *, makes: bool = False) -> Iterator["Accounts"]:
    """The store of keys, made where there is none if the act ``makes`` it; what stands against an act is told and ends
    the command.
    """
    import sqlite3

    from tenbin.ledger.accounts.digest import SECRET_BYTES, AccountsUnusable
    from tenbin.ledger.accounts.schema import DATABASE
    from tenbin.ledger.accounts.store import Accounts, NoSuchKey, NotNow
    from tenbin.ledger.migrations import SchemaTooNew

    directory = data_directory(data_dir, read_file(path)[1])
    if not makes and not (directory / DATABASE).exists():
        fail(
            say(f"There is no key in {directory} yet.", f"{directory} に鍵はまだありません。")
            + " tenbin keys create NAME"
        )
    try:
        with Accounts(directory, secrets.token_bytes(SECRET_BYTES)) as accounts:
            yield accounts
    except (NoSuchKey, NotNow, AccountsUnusable, SchemaTooNew) as error:
        fail(str(error))
    except (sqlite3.Error, OSError) as error:
        fail(f"The store of keys in {directory} cannot be used: {error}.")


@click.command(epilog=CREATE_EPILOG)
@click.argument("name")
@click.option("--team", default="", help="The team that it belongs to.")
@click.option("--user", default="", help="The person or program that uses it.  [default: none]")
@click.option("--plan", default="", help="The name of its plan.")
@rule_options
@budget_options
@click.option("--admin", is_flag=True, help="It may administer, and nothing else.")
@click.option("--expires", default="never", show_default=True, help="90d, 12h, 2027-01-31, or never.")
@placed
def create(
    path: Path | None, data_dir: Path | None, as_json: bool, name: str, expires: str, soft: bool, **given: Any
) -> None:
    """Make a key called NAME in the store. It is shown once, and kept nowhere.

    A running gateway lets it in within a second. With the first key in the store, the gateway asks everybody for a key,
    also on this machine. The ledger knows the key by NAME (`tenbin ledger --by key`), and so do routing rules.
    """
    from tenbin.execute.clock import SystemClock

    config = read_file(path)[1]
    if name in RESERVED or name in config.keys:
        fail(f"The name {name!r} is taken: receipts bear it for another key. Choose another one.")
    if not 0 < len(name) <= MOST_NAME or not name.isprintable() or name != name.strip():
        fail(f"A name has 1 to {MOST_NAME} printable characters, and no blanks around it.")
    known_plan(given["plan"], config)
    now_ms = SystemClock().now_ms()
    given["networks"] = networks(given["networks"])
    given["budgets"] = allotments("key", given["budgets"], soft=soft)
    if given["admin"] and any(given[rule] for rule in DATA_RULES):
        raise click.UsageError(f"An admin key asks no model: leave out what bounds that ({', '.join(DATA_RULES)}).")
    ends_at_ms = moment_ms(expires, now_ms)
    if ends_at_ms is not None and ends_at_ms <= now_ms:
        raise click.BadParameter(f"{expires} is past: no request would be taken. Write a later time, as 90d.")
    account = Account(key_id=f"key_{secrets.token_hex(8)}", name=name, expires_at_ms=ends_at_ms, **given)
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    with store(path, data_dir, makes=True) as accounts:
        accounts.create(account, key, by=by(), now_ms=now_ms)
        kept = accounts.find(account.key_id)
    hand_over(key, kept, now_ms, as_json=as_json)


@click.command("list", epilog=LIST_EPILOG)
@click.option("--all", "everything", is_flag=True, help="Also those that are revoked or have expired.")
@placed
def list_keys(path: Path | None, data_dir: Path | None, as_json: bool, everything: bool) -> None:
    """List the store's keys, by name, state and what they may do. No key can be shown again."""
    from tenbin.cli.ledger import columns
    from tenbin.execute.clock import SystemClock
    from tenbin.ledger.accounts.schema import DATABASE
    from tenbin.ledger.accounts.store import state

    now_ms = SystemClock().now_ms()
    found: list[Kept] = []
    if (data_directory(data_dir, read_file(path)[1]) / DATABASE).exists():
        with store(path, data_dir) as accounts:
            found = [one for one in accounts.all() if everything or state(one.account, now_ms) == "active"]
    if as_json:
        tell([plain(one, now_ms) for one in found])
    elif not found:
        click.echo(
            say(
                "There is no key that can be used. Make one: tenbin keys create NAME",
                "使える鍵はありません: tenbin keys create NAME",
            )
        )
    else:
        for line in columns([row(one, now_ms) for one in found]):
            click.echo(line)


@click.command(epilog=SHOW_EPILOG)
@click.argument("key")
@placed
def show(path: Path | None, data_dir: Path | None, as_json: bool, key: str) -> None:
    """Show all that is known of a key: KEY is its name, its id, or the first characters of the key itself."""
    from tenbin.execute.clock import SystemClock

    now_ms = SystemClock().now_ms()
    with store(path, data_dir) as accounts:
        kept = accounts.find(key)
    if as_json:
        tell(plain(kept, now_ms))
    else:
        describe(kept, now_ms)


@click.command(epilog=ROTATE_EPILOG)
@click.argument("key")
@click.option("--grace", required=True, help="How long the old key is taken yet: 24h, 30m, 0.")
@placed
def rotate(path: Path | None, data_dir: Path | None, as_json: bool, key: str, grace: str) -> None:
    """Give a key a new secret, which is shown once; the old one is taken for the time of grace.

    Name, rules and history stay. Should the new key get lost before its owner has it, rotate again: no grace is made
    longer by that.
    """
    from tenbin.execute.clock import SystemClock

    now_ms, grace_ms = SystemClock().now_ms(), span_ms(grace)
    fresh = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    with store(path, data_dir) as accounts:
        key_id = accounts.find(key).account.key_id
        accounts.rotate(key_id, fresh, grace_ms=grace_ms, by=by(), now_ms=now_ms)
        kept = accounts.find(key_id)
    hand_over(fresh, kept, now_ms, as_json=as_json)


@click.command(epilog=EXPIRE_EPILOG)
@click.argument("key")
@click.option("--at", "at", help="When: 2027-01-31, now, never.")
@click.option("--in", "after", help="After how long: 7d, 12h.")
@placed
def expire(
    path: Path | None, data_dir: Path | None, as_json: bool, key: str, at: str | None, after: str | None
) -> None:
    """Let a key end at a time, or not at all. Until then, and again afterwards, the time can be moved."""
    from tenbin.execute.clock import SystemClock

    if (at is None) == (after is None):
        raise click.UsageError("Say when: --in 7d, or --at 2027-01-31, now, never.")
    now_ms = SystemClock().now_ms()
    ends = now_ms + span_ms(after) if after is not None else moment_ms(str(at), now_ms)
    with store(path, data_dir) as accounts:
        accounts.expire(key_id := accounts.find(key).account.key_id, ends, by=by(), now_ms=now_ms)
        kept = accounts.find(key_id)
    if as_json:
        tell(plain(kept, now_ms))
    elif ends is None:
        click.echo(say(f"{kept.account.name} does not expire.", f"{kept.account.name} は無期限です。"))
    else:
        click.echo(
            say(f"{kept.account.name} ends {shown_ms(ends)} UTC.", f"{kept.account.name} の期限: {shown_ms(ends)} UTC")
        )


@click.command(epilog=REVOKE_EPILOG)
@click.argument("key")
@placed
def revoke(path: Path | None, data_dir: Path | None, as_json: bool, key: str) -> None:
    """End a key for good. A running gateway refuses it within a second; requests under way are finished."""
    from tenbin.execute.clock import SystemClock

    now_ms = SystemClock().now_ms()
    with store(path, data_dir) as accounts:
        accounts.revoke(key_id := accounts.find(key).account.key_id, by=by(), now_ms=now_ms)
        kept = accounts.find(key_id)
    if as_json:
        tell(plain(kept, now_ms))
    else:
        click.echo(
            say(f"{kept.account.name} ({key_id}) is revoked.", f"{kept.account.name} ({key_id}) を失効しました。")
        )


@click.command(epilog=AUDIT_EPILOG)
@click.argument("key", required=False)
@click.option("--last", "-n", type=click.IntRange(1), default=50, show_default=True, help="How many lines.")
@placed
def audit(path: Path | None, data_dir: Path | None, as_json: bool, key: str | None, last: int) -> None:
    """Show who did what to which key, the newest first; without KEY also to teams and users. The log is only ever added
    to, and holds no key.
    """
    with store(path, data_dir) as accounts:
        tell_acts(accounts, accounts.find(key).account.key_id if key is not None else None, last, as_json=as_json)


def tell_acts(accounts: "Accounts", subject: str | None, last: int, *, as_json: bool) -> None:
    """The newest lines of the audit log."""
    from tenbin.cli.ledger import columns

    names = {one.account.key_id: one.account.name for one in accounts.all()}
    acts = accounts.audit(subject, last)
    if as_json:
        tell(
            [
                {
                    "time": iso_ms(one.at_ms),
                    "who": one.who,
                    "address": one.address,
                    "act": one.act,
                    "subject": one.subject,
                    "key_id": one.subject if one.subject in names else None,
                    "name": names.get(one.subject, one.subject.partition(":")[2]),
                    "details": one.details,
                }
                for one in acts
            ]
        )
    elif not acts:
        click.echo(say("Nothing has been done yet.", "記録はまだありません。"))
    else:
        rows = [
            {
                "time": shown_ms(one.at_ms),
                "who": names.get(one.who, one.who) + (f" from {one.address}" if one.address else ""),
                "act": one.act,
                "on": names.get(one.subject, one.subject),
                "details": ", ".join(f"{name} {worded(name, value)}" for name, value in one.details.items()),
            }
            for one in acts
        ]
        for line in columns(rows):
            click.echo(line)


def by() -> By:
    """Who is at this terminal, as the audit log tells it: the operating system's word for it."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return By(f"{user}@{socket.gethostname()}"[:100])

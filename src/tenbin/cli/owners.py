"""`tenbin teams` and `tenbin users`: the same commands for both, made for one of the two."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.key_report import plain_budgets, row, shown_budgets, tell
from tenbin.cli.key_rules import allotments, budget_options, known_plan
from tenbin.cli.key_store import by, placed, store, tell_acts
from tenbin.cli.language import say
from tenbin.cli.settings import data_directory, fail, read_file
from tenbin.cli.time_given import iso_ms, shown_ms
from tenbin.core.account import MOST_NAME, OWNER_NAME, Owner, OwnerKind

if TYPE_CHECKING:
    from tenbin.ledger.accounts.store import Accounts

JAPANESE = {"team": "チーム", "user": "利用者"}


def owner_commands(kind: OwnerKind) -> list[click.Command]:
    """The commands below ``tenbin teams`` or ``tenbin users``."""
    return [_create(kind), _list(kind), _show(kind), _edit(kind), _able(kind, True), _able(kind, False), _audit(kind)]


def _create(kind: OwnerKind) -> click.Command:
    epilog = f"""\b
Examples:
  tenbin {kind}s create search --budget month=200 --plan pro
  tenbin {kind}s create trial --budget day=1 --budget total=20
"""

    @click.command("create", epilog=epilog, help=f"Make a {kind} called NAME. Keys that name it already belong to it.")
    @click.argument("name")
    @click.option("--plan", default="", help="The plan of its keys that have none of their own.")
    @click.option("--tag", "tags", multiple=True, help="A word of your own, for all its keys; may be given again.")
    @budget_options
    @placed
    def create(
        path: Path | None,
        data_dir: Path | None,
        as_json: bool,
        name: str,
        budgets: tuple[str, ...],
        soft: bool,
        **given: Any,
    ) -> None:
        from tenbin.execute.clock import SystemClock

        if not OWNER_NAME.fullmatch(name):
            fail(
                f"A name has 1 to {MOST_NAME} letters, digits and _ - + . @, with blanks between them if need be, and "
                f"does not begin with a dot. This one is {name!r}."
            )
        known_plan(given["plan"], read_file(path)[1])
        owner = Owner(kind=kind, name=name, budgets=allotments(kind, budgets, soft=soft), **given)
        with store(path, data_dir, makes=True) as accounts:
            made = accounts.create_owner(owner, by=by(), now_ms=SystemClock().now_ms())
        if as_json:
            tell(plain_owner(made))
        else:
            click.echo(
                say(
                    f"The {kind} {name} is made. Keys of it: tenbin keys create NAME --{kind} {name}",
                    f"{JAPANESE[kind]} {name} を作成しました。鍵: tenbin keys create NAME --{kind} {name}",
                )
            )

    return create


def _list(kind: OwnerKind) -> click.Command:
    @click.command("list", help=f"List the {kind}s of the store: plan, budgets, how many keys.")
    @placed
    def list_owners(path: Path | None, data_dir: Path | None, as_json: bool) -> None:
        from tenbin.cli.ledger import columns
        from tenbin.ledger.accounts.schema import DATABASE

        found: list[Owner] = []
        counts: dict[str, int] = {}
        if (data_directory(data_dir, read_file(path)[1]) / DATABASE).exists():
            with store(path, data_dir) as accounts:
                found, counts = accounts.owners(kind), _keys_of(accounts, kind)
        if as_json:
            tell([{**plain_owner(one), "keys": counts.get(one.name, 0)} for one in found])
        elif not found:
            click.echo(
                say(
                    f"There is no {kind} yet. Make one: tenbin {kind}s create NAME",
                    f"{JAPANESE[kind]}はまだありません: tenbin {kind}s create NAME",
                )
            )
        else:
            rows = [
                {
                    "name": one.name,
                    "state": "disabled" if one.disabled_at_ms is not None else "enabled",
                    "plan": one.plan,
                    "tags": " ".join(one.tags),
                    "budgets": shown_budgets(one.budgets),
                    "keys": str(counts.get(one.name, 0)),
                    "created": shown_ms(one.created_at_ms),
                }
                for one in found
            ]
            for line in columns(rows):
                click.echo(line)

    return list_owners


def _show(kind: OwnerKind) -> click.Command:
    @click.command("show", help=f"Show a {kind} and its keys.")
    @click.argument("name")
    @placed
    def show(path: Path | None, data_dir: Path | None, as_json: bool, name: str) -> None:
        from tenbin.cli.ledger import columns
        from tenbin.cli.weighing import aligned
        from tenbin.execute.clock import SystemClock

        now_ms = SystemClock().now_ms()
        with store(path, data_dir) as accounts:
            owner = accounts.find_owner(kind, name)
            keys = accounts.some(most=-1, **{kind: name})  # type: ignore[arg-type]
        if as_json:
            tell({**plain_owner(owner), "keys": [one.account.key_id for one in keys]})
            return
        told = [
            (say("name", "名前"), owner.name),
            (say("state", "状態"), _state_in_words(owner)),
            (say("plan", "プラン"), owner.plan or "-"),
            (say("tags", "タグ"), " ".join(owner.tags) or "-"),
            (say("may spend", "予算"), shown_budgets(owner.budgets) or say("all", "すべて")),
            (say("made", "作成"), shown_ms(owner.created_at_ms)),
        ]
        for line in aligned([list(pair) for pair in told]):
            click.echo(line)
        if keys:
            click.echo("")
            for line in columns([row(one, now_ms) for one in keys]):
                click.echo(line)

    return show


def _edit(kind: OwnerKind) -> click.Command:
    epilog = f"""\b
Examples:
  tenbin {kind}s edit search --budget month=300
  tenbin {kind}s edit search --clear budgets --plan ''
"""

    @click.command(
        "edit", epilog=epilog, help=f"Change a {kind}. What is given takes the place of what there was; the rest stays."
    )
    @click.argument("name")
    @click.option("--plan", help="The plan of its keys that have none of their own.")
    @click.option("--tag", "tags", multiple=True, help="A word of your own, for all its keys; may be given again.")
    @budget_options
    @click.option("--clear", "cleared", multiple=True, type=click.Choice(("tags", "budgets")), help="What is to go.")
    @placed
    def edit(
        path: Path | None,
        data_dir: Path | None,
        as_json: bool,
        name: str,
        cleared: tuple[str, ...],
        soft: bool,
        **given: Any,
    ) -> None:
        from tenbin.execute.clock import SystemClock

        known_plan(given["plan"], read_file(path)[1])
        given["budgets"] = allotments(kind, given["budgets"], soft=soft)
        changes = {field: value for field, value in given.items() if value is not None and value != ()}
        if any(field in changes for field in cleared):
            raise click.UsageError("--clear and a new value for the same: say one of the two.")
        changes |= dict.fromkeys(cleared, ())
        if not changes:
            raise click.UsageError("Say what is to change: --budget month=50, --plan pro, --clear budgets ...")
        with store(path, data_dir) as accounts:
            owner = accounts.edit_owner(kind, name, changes, by=by(), now_ms=SystemClock().now_ms())
        if as_json:
            tell(plain_owner(owner))
        else:
            click.echo(say(f"{name} is changed.", f"{name} を変更しました。"))

    return edit


def _able(kind: OwnerKind, able: bool) -> click.Command:
    stops = (
        "Let its keys in again." if able else "None of its keys is taken from then on; requests under way are finished."
    )
    name_of_act = "enable" if able else "disable"

    @click.command(name_of_act, help=f"{name_of_act.capitalize()} a {kind}. {stops}")
    @click.argument("name")
    @placed
    def act(path: Path | None, data_dir: Path | None, as_json: bool, name: str) -> None:
        from tenbin.execute.clock import SystemClock

        with store(path, data_dir) as accounts:
            owner = accounts.able(kind, name, able, by=by(), now_ms=SystemClock().now_ms())
        if as_json:
            tell(plain_owner(owner))
        elif able:
            click.echo(say(f"The {kind} {name} is enabled.", f"{JAPANESE[kind]} {name} を有効にしました。"))
        else:
            click.echo(
                say(
                    f"The {kind} {name} is disabled: none of its keys is taken.",
                    f"{JAPANESE[kind]} {name} を無効にしました。その鍵はすべて使えません。",
                )
            )

    return act


def _audit(kind: OwnerKind) -> click.Command:
    @click.command("audit", help=f"Show who did what to a {kind}, the newest first.")
    @click.argument("name")
    @click.option("--last", "-n", type=click.IntRange(1), default=50, show_default=True, help="How many lines.")
    @placed
    def audit(path: Path | None, data_dir: Path | None, as_json: bool, name: str, last: int) -> None:
        with store(path, data_dir) as accounts:
            owner = accounts.find_owner(kind, name)
            tell_acts(accounts, f"{kind}:{owner.name}", last, as_json=as_json)

    return audit


def plain_owner(owner: Owner) -> dict[str, Any]:
    """A team or user as programs see it."""
    return {
        "name": owner.name,
        "state": "disabled" if owner.disabled_at_ms is not None else "enabled",
        "plan": owner.plan,
        "tags": owner.tags,
        "budgets": plain_budgets(owner.budgets),
        "created_at": iso_ms(owner.created_at_ms),
        "disabled_at": iso_ms(owner.disabled_at_ms),
    }


def _state_in_words(owner: Owner) -> str:
    if owner.disabled_at_ms is None:
        return say("enabled", "有効")
    return say(f"disabled since {shown_ms(owner.disabled_at_ms)}", f"無効 ({shown_ms(owner.disabled_at_ms)} から)")


def _keys_of(accounts: "Accounts", kind: OwnerKind) -> dict[str, int]:
    """How many keys that are not revoked each has."""
    counts: dict[str, int] = {}
    for one in accounts.all():
        if one.account.revoked_at_ms is None:
            name = one.account.team if kind == "team" else one.account.user
            counts[name] = counts.get(name, 0) + 1
    return counts

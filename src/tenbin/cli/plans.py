"""`tenbin plans`: what each plan allows, and what a key has left of its own today."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click
import msgspec

from tenbin.cli.language import say
from tenbin.cli.settings import config_option, data_directory, fail, settle

if TYPE_CHECKING:
    from tenbin.config.plans import PlansConfig
    from tenbin.decide.limits import Plan, Used

EPILOG = """\b
Examples:
  tenbin plans                  the plans in force
  tenbin plans alice            what the key alice has left today
  tenbin plans --json | jq '.plans.free.targets'
\b
KEY is a name, an id or the first characters of a key of the store, a key of
tenbin.yaml, or `local` (callers without a key). docs/plans.md tells the rest.
"""


@click.command(epilog=EPILOG)
@click.argument("key", required=False)
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the ledger.  [default: as for `tenbin ledger`]",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; 0 is no limit.")
def plans(key: str | None, path: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """Show the plans in force, or what KEY has left of its plan today, as the ledger has it.

    A plan limits requests and tokens a day, requests a minute, the length of a prompt and of its answer, streams at a
    time, and the models that answer.
    """
    from tenbin.decide.limits import plans_in_force
    from tenbin.decide.resolve import policy

    config = settle(path).config
    in_force = plans_in_force(config.plans, policy(config))
    if key is None:
        _show_all(in_force, config.plans, as_json=as_json)
        return
    directory = data_directory(data_dir, config)
    key_id, name = _whose(key, path, directory, config.plans, {"local", "master", *config.keys})
    if not name:
        nothing = say(f"{key} has no plan: nothing limits it.", f"{key} にプランはなく、制限はありません。")
        click.echo(json.dumps({"key_id": key_id, "plan": None}) if as_json else nothing)
        return
    if name not in in_force:
        fail(
            say(
                f"{key} has the plan {name!r}, which is not defined: its requests are refused. Add it to plans.named.",
                f"{key} のプラン {name!r} は未定義のため、リクエストは拒否されます。plans.named に追加してください。",
            )
        )
    _show_left(key, key_id, in_force[name], _used(directory, key_id, in_force[name]), as_json=as_json)
    if config.plans.store != "memory" and not as_json:
        click.echo(
            say(
                "Of several gateways, what this one's ledger knows: they count together in plans.store.",
                "複数のゲートウェイのうち、この台帳の分だけです。合計は plans.store で数えます。",
            )
        )


def _show_all(in_force: "dict[str, Plan]", settings: "PlansConfig", *, as_json: bool) -> None:
    if as_json:
        told = {name: _plain(plan) for name, plan in in_force.items()}
        click.echo(json.dumps({"default": settings.default, "plans": told}, indent=2, ensure_ascii=False))
        return
    from tenbin.cli.weighing import aligned

    heading = [
        say("plan", "プラン"),
        say("requests/day", "回/日"),
        say("tokens/day", "トークン/日"),
        say("in", "入力"),
        say("out", "出力"),
        say("requests/min", "回/分"),
        say("streams", "同時"),
        say("day begins", "日の始まり"),
        say("models", "モデル"),
    ]
    rows = [heading]
    for name, plan in in_force.items():
        numbers = (
            plan.requests_per_day,
            plan.tokens_per_day,
            plan.input_tokens,
            plan.output_tokens,
            plan.requests_per_minute,
            plan.concurrent_streams,
        )
        models = say("all", "すべて") if plan.targets is None else " ".join(plan.targets) or "-"
        mark = " *" if name == settings.default else ""
        rows.append([name + mark, *map(_number, numbers), plan.zone, models])
    for line in aligned(rows, range(1, 7)):
        click.echo(line)
    if settings.default is not None:
        click.echo(say("* of keys that have no plan of their own", "* プランのない鍵に適用"))


def _number(value: int) -> str:
    return f"{value:,}" if value else say("any", "無制限")


def _plain(plan: "Plan") -> dict[str, Any]:
    """A plan as programs see it."""
    told: dict[str, Any] = msgspec.to_builtins(plan)
    del told["name"]
    told["timezone"] = told.pop("zone")
    return told


def _whose(
    key: str, path: Path | None, directory: Path, settings: "PlansConfig", configured: set[str]
) -> tuple[str, str]:
    """The id under which receipts know a key, and its plan's name; empty for none."""
    if key in configured:
        return key, settings.keys.get(key) or ("" if key == "master" else settings.default) or ""
    from tenbin.cli.budget import known_people
    from tenbin.cli.key_store import store

    with store(path, directory) as accounts:
        account = accounts.find(key).account
    owned = {(one.kind, one.name): one.plan for one in known_people(directory).owners}
    plan = account.plan or owned.get(("user", account.user)) or owned.get(("team", account.team))
    return account.key_id, plan or settings.default or ""


def _used(directory: Path, key_id: str, plan: "Plan") -> "Used":
    """What the ledger knows of the key's day."""
    from sqlite3 import Error

    from tenbin.decide.limits import COUNTED, Used, at
    from tenbin.execute.clock import SystemClock
    from tenbin.ledger.day_use import used_since
    from tenbin.ledger.migrations import SchemaTooNew
    from tenbin.ledger.queries import reading
    from tenbin.ledger.segments import DATABASE

    used = at(Used(), plan.zone, SystemClock().now_ms())
    try:
        with reading(directory / DATABASE) as database:
            requests, tokens = used_since(database, used.day_ms, COUNTED, key_id).get(key_id, (0, 0))
    except FileNotFoundError:
        return used
    except (SchemaTooNew, Error, OSError) as error:
        fail(f"The ledger in {directory} cannot be read: {error}")
    return used._replace(requests=requests, tokens=tokens)


def _show_left(key: str, key_id: str, plan: "Plan", used: "Used", *, as_json: bool) -> None:
    from tenbin.decide.limits import requests_left, tokens_left

    requests, tokens = requests_left(plan, used), tokens_left(plan, used)
    ends = datetime.fromtimestamp(used.day_ends_ms / 1_000, ZoneInfo(plan.zone))
    if as_json:
        told = {
            "key_id": key_id,
            "plan": plan.name,
            "limits": _plain(plan),
            "used": {"requests": used.requests, "tokens": used.tokens},
            "left": {"requests": requests, "tokens": None if tokens is None else max(tokens, 0)},
            "day_ends_at": ends.isoformat(),
        }
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    from tenbin.cli.weighing import aligned

    click.echo(say(f"{key} ({key_id}) has the plan {plan.name}.", f"{key} ({key_id}) のプランは {plan.name} です。"))
    rows = [[say("today", "本日"), say("used", "使用"), say("of", "上限"), say("left", "残り")]]
    for what, most, spent, left in (
        (say("requests", "リクエスト"), plan.requests_per_day, used.requests, requests),
        (say("tokens", "トークン"), plan.tokens_per_day, used.tokens, tokens),
    ):
        shown = say("any", "無制限") if left is None else f"{max(left, 0):,}"
        rows.append([what, f"{spent:,}", _number(most), shown])
    for line in aligned(rows, range(1, 4)):
        click.echo(line)
    at = f"{ends:%Y-%m-%d %H:%M} {plan.zone}"
    click.echo(
        say(
            f"The next day begins at {at}. What is under way is not counted yet.",
            f"次の日は {at} に始まります。処理中のリクエストは含みません。",
        )
    )

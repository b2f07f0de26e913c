"""How keys of the store are shown, to people and to programs; the key itself once, to whoever had it made."""

import json
from typing import TYPE_CHECKING, Any

import click

from tenbin.cli.language import say
from tenbin.cli.time_given import iso_ms, shown_ms
from tenbin.core.budget import Allotment
from tenbin.core.money import NANO_PER_USD

if TYPE_CHECKING:
    from tenbin.ledger.accounts.store import Kept


def plain(kept: "Kept", now_ms: int) -> dict[str, Any]:
    """A key as programs see it."""
    from tenbin.ledger.accounts.store import state

    account = kept.account
    return {
        "key_id": account.key_id,
        "name": account.name,
        "state": state(account, now_ms),
        "prefixes": [{"prefix": one.prefix, "ends_at": iso_ms(one.ends_at_ms)} for one in kept.signs],
        "team": account.team,
        "user": account.user,
        "plan": account.plan,
        "tags": account.tags,
        "models": account.models,
        "targets": account.targets,
        "routes": account.routes,
        "operations": account.operations,
        "networks": account.networks,
        "tiers": account.tiers,
        "budgets": plain_budgets(account.budgets),
        "admin": account.admin,
        "created_at": iso_ms(account.created_at_ms),
        "expires_at": iso_ms(account.expires_at_ms),
        "revoked_at": iso_ms(account.revoked_at_ms),
        "rotated_at": iso_ms(account.rotated_at_ms),
    }


def plain_budgets(budgets: tuple[Allotment, ...]) -> dict[str, dict[str, Any]]:
    """Budgets as programs see them, by window."""
    return {one.window: {"usd": one.nano / NANO_PER_USD, "hard": one.hard} for one in budgets}


def shown_budgets(budgets: tuple[Allotment, ...]) -> str:
    """Budgets for people, in the words in which they are given."""
    from tenbin.ledger.accounts.rows import in_words

    return ", ".join(in_words(one) for one in budgets)


def tell(value: Any) -> None:
    """For programs."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def hand_over(key: str, kept: "Kept", now_ms: int, *, as_json: bool) -> None:
    """The key on standard output, this once; what is to be known beside it on standard error."""
    if as_json:
        tell({"key": key, **plain(kept, now_ms)})
        return
    click.echo(key)
    account = kept.account
    click.echo(
        say(
            f"\nThe key of {account.name} ({account.key_id}): the line above. It is not shown again.",
            f"\n{account.name} ({account.key_id}) の鍵は上の行です。再表示はできません。",
        ),
        err=True,
    )
    former = [one for one in kept.signs if one.ends_at_ms is not None and one.ends_at_ms > now_ms]
    if former:
        ends = shown_ms(max(one.ends_at_ms or 0 for one in former))
        click.echo(say(f"The old one is taken until {ends} UTC.", f"以前の鍵は {ends} UTC まで有効です。"), err=True)
    elif account.rotated_at_ms is None:
        click.echo(
            say(
                "The gateway asks for a key from now on, also on this machine.",
                "これ以降、このマシンからのリクエストにも鍵が必要です。",
            ),
            err=True,
        )


def row(kept: "Kept", now_ms: int) -> dict[str, str]:
    """A line of the list."""
    from tenbin.ledger.accounts.store import state

    account = kept.account
    return {
        "name": account.name,
        "key": f"{kept.signs[0].prefix}..." if kept.signs else "",
        "state": state(account, now_ms),
        "team": account.team,
        "user": account.user,
        "plan": account.plan,
        "models": " ".join(account.models),
        "targets": " ".join(account.targets),
        "budgets": shown_budgets(account.budgets),
        "for": say("administering", "管理") if account.admin else "",
        "created": shown_ms(account.created_at_ms),
        "ends": shown_ms(account.expires_at_ms),
        "id": account.key_id,
    }


def describe(kept: "Kept", now_ms: int) -> None:
    """All that is known of a key, for people."""
    from tenbin.ledger.accounts.store import state

    account = kept.account
    anything = say("all", "すべて")
    told = [
        (say("name", "名前"), account.name),
        ("id", account.key_id),
        (say("state", "状態"), state(account, now_ms)),
        (say("team", "チーム"), account.team or "-"),
        (say("user", "利用者"), account.user or "-"),
        (say("plan", "プラン"), account.plan or "-"),
        (say("tags", "タグ"), " ".join(account.tags) or "-"),
        (say("may ask for", "指定できる名前"), " ".join(account.models) or anything),
        (say("answered by", "応答できる先"), " ".join(account.targets) or anything),
        (say("of tiers", "応答できる段階"), " ".join(account.tiers) or anything),
        (say("may spend", "予算"), shown_budgets(account.budgets) or anything),
        (say("paths", "パス"), " ".join(account.routes) or anything),
        (say("operations", "操作"), " ".join(account.operations) or anything),
        (say("from", "接続元"), " ".join(account.networks) or anything),
        (say("made", "作成"), shown_ms(account.created_at_ms)),
        (say("ends", "期限"), shown_ms(account.expires_at_ms)),
        (say("rotated", "更新"), shown_ms(account.rotated_at_ms)),
        (say("revoked", "失効"), shown_ms(account.revoked_at_ms)),
    ]
    if account.admin:
        told.insert(2, (say("for", "用途"), say("administering only", "管理専用")))
    for sign in kept.signs:
        ends = f" ({say('until', '期限')} {shown_ms(sign.ends_at_ms)})" if sign.ends_at_ms is not None else ""
        told.append((say("key", "鍵"), f"{sign.prefix}...{ends}"))
    from tenbin.cli.weighing import aligned

    for line in aligned([list(pair) for pair in told]):
        click.echo(line)


def worded(name: str, value: Any) -> str:
    """A detail of the audit log, for people."""
    if name.endswith("_ms"):
        return shown_ms(value)
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)

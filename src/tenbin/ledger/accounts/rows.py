"""How keys, teams and users stand in the store's rows."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tenbin.core.account import Account, Owner
from tenbin.core.budget import Allotment, WindowKind

LISTS = ("tags", "models", "targets", "routes", "operations", "networks", "tiers")
COLUMNS = (
    "id, name, team, user, plan, admin, tags, models, targets, routes, operations, networks, tiers, budgets, "
    "created_at_ms, expires_at_ms, revoked_at_ms, rotated_at_ms"
)
OWNER_COLUMNS = "kind, name, plan, tags, budgets, created_at_ms, disabled_at_ms"


def account_of(row: tuple[Any, ...]) -> Account:
    """The account of a row of ``keys``: the columns of COLUMNS in their order. Its budgets are the key's own."""
    lists = [tuple(json.loads(text)) for text in row[6:13]]
    return Account(
        key_id=row[0],
        name=row[1],
        team=row[2],
        user=row[3],
        plan=row[4],
        admin=bool(row[5]),
        **dict(zip(LISTS, lists, strict=True)),
        budgets=_allotments("key", row[13]),
        created_at_ms=row[14],
        expires_at_ms=row[15],
        revoked_at_ms=row[16],
        rotated_at_ms=row[17],
    )


def owner_of(row: tuple[Any, ...]) -> Owner:
    """The team or user of a row of ``owners``: the columns of OWNER_COLUMNS in their order."""
    return Owner(
        kind=row[0],
        name=row[1],
        plan=row[2],
        tags=tuple(json.loads(row[3])),
        budgets=_allotments(row[0], row[4]),
        created_at_ms=row[5],
        disabled_at_ms=row[6],
    )


def cells(told: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an Account or an Owner as a row holds them."""
    found = dict(told)
    for name in found.keys() & {*LISTS}:
        found[name] = json.dumps(found[name], ensure_ascii=False)
    if "budgets" in found:
        found["budgets"] = json.dumps([[one.window, one.nano, one.hard] for one in found["budgets"]])
    return found


def logged(told: Mapping[str, Any]) -> dict[str, Any]:
    """The same, as the audit log tells it."""
    found = dict(told)
    if "budgets" in found:
        found["budgets"] = [in_words(one) for one in found["budgets"]]
    return found


def in_words(one: Allotment) -> str:
    """A budget as it is given on the command line: ``month=50``, ``day=2.5 (soft)``; USD."""
    whole, fraction = divmod(one.nano, 1_000_000_000)
    usd = f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")
    return f"{one.window}={usd}{'' if one.hard else ' (soft)'}"


def allotted(kind: str, budgets: Iterable[Allotment]) -> tuple[Allotment, ...]:
    """The same budgets as those of a key, a user or a team, one a window."""
    found: dict[WindowKind, Allotment] = {}
    for one in budgets:
        found[one.window] = msgspec.structs.replace(one, kind=kind)
    return tuple(found.values())


def _allotments(kind: Any, text: str) -> tuple[Allotment, ...]:
    return tuple(Allotment(kind, window, nano, hard) for window, nano, hard in json.loads(text))

"""1. The operations of the admin API, each stated once: what is routed, and what the document says, come of this."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import msgspec

from tenbin.api.admin import acts, answers, shapes, spending
from tenbin.core.account import OwnerKind

PREFIX = "/admin/v1"
DOCUMENT = f"{PREFIX}/openapi.json"

Method = Literal["GET", "POST", "PATCH"]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query or a body without any field."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked."""

    method: Method
    path: tuple[str, ...]
    """Behind the prefix; ``{key}`` stands for any one part."""
    name: str
    about: str
    act: Callable[[acts.Call], Any]
    answer: type[msgspec.Struct]
    query: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] | None = None
    status: int = 200
    conflicts: bool = False
    """May be answered with 409."""
    names_a_key: bool = False
    """In its query or its body."""

    @property
    def placeholders(self) -> tuple[str, ...]:
        """Names of the path's parts that stand for any."""
        return tuple(part[1:-1] for part in self.path if part.startswith("{"))

    @property
    def url(self) -> str:
        """The path as the document has it."""
        return "/".join((PREFIX, *self.path))

    def named(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """What a path's parts name; None when it is another operation's."""
        if len(parts) != len(self.path):
            return None
        found = {}
        for own, given in zip(self.path, parts, strict=True):
            if own.startswith("{"):
                found[own[1:-1]] = given
            elif own != given:
                return None
        return found


def _keys() -> list[Operation]:
    """Those that list and make."""
    return [
        Operation(
            method="GET",
            path=("keys",),
            name="list_keys",
            about="List the keys.",
            act=acts.list_keys,
            query=shapes.KeysQuery,
            answer=answers.Keys,
            names_a_key=True,
        ),
        Operation(
            method="POST",
            path=("keys",),
            name="create_key",
            about="Make a key; its secret is in this answer and nowhere else.",
            act=acts.create_key,
            body=shapes.KeyCreate,
            answer=answers.NewKey,
            status=201,
            conflicts=True,
        ),
        Operation(
            method="POST",
            path=("admin-keys",),
            name="create_admin_key",
            about="Make a key that may administer, and nothing else. Not for admin keys.",
            act=acts.create_admin_key,
            body=shapes.AdminKeyCreate,
            answer=answers.NewKey,
            status=201,
            conflicts=True,
        ),
    ]


def _key() -> list[Operation]:
    """Those on one."""
    one = ("keys", "{key}")
    return [
        Operation(method="GET", path=one, name="show_key", about="Show a key.", act=acts.show_key, answer=answers.Key),
        Operation(
            method="PATCH",
            path=one,
            name="change_key",
            about="Change what a key may do.",
            act=acts.change_key,
            body=shapes.KeyPatch,
            answer=answers.Key,
            conflicts=True,
        ),
        Operation(
            method="POST",
            path=(*one, "rotate"),
            name="rotate_key",
            about="Give a key a new secret; it is in this answer and nowhere else.",
            act=acts.rotate_key,
            body=shapes.Rotation,
            answer=answers.NewKey,
            conflicts=True,
        ),
        Operation(
            method="POST",
            path=(*one, "expire"),
            name="expire_key",
            about="Move the end of a key.",
            act=acts.expire_key,
            body=shapes.Expiry,
            answer=answers.Key,
            conflicts=True,
        ),
        Operation(
            method="POST",
            path=(*one, "revoke"),
            name="revoke_key",
            about="End a key for good.",
            act=acts.revoke_key,
            answer=answers.Key,
        ),
    ]


def _owners(kind: OwnerKind) -> list[Operation]:
    """The same for teams and users."""
    every, one = f"{kind}s", (f"{kind}s", f"{{{kind}}}")
    return [
        Operation(
            method="GET",
            path=(every,),
            name=f"list_{every}",
            about=f"List the {every}.",
            act=partial(acts.list_owners, kind=kind),
            query=shapes.OwnersQuery,
            answer=answers.Owners,
        ),
        Operation(
            method="POST",
            path=(every,),
            name=f"create_{kind}",
            about=f"Make a {kind}. Keys that name it already belong to it.",
            act=partial(acts.create_owner, kind=kind),
            body=shapes.OwnerCreate,
            answer=answers.Owner,
            status=201,
            conflicts=True,
        ),
        Operation(
            method="GET",
            path=one,
            name=f"show_{kind}",
            about=f"Show a {kind}.",
            act=partial(acts.show_owner, kind=kind),
            answer=answers.Owner,
        ),
        Operation(
            method="PATCH",
            path=one,
            name=f"change_{kind}",
            about=f"Change a {kind}.",
            act=partial(acts.change_owner, kind=kind),
            body=shapes.OwnerPatch,
            answer=answers.Owner,
            conflicts=True,
        ),
        Operation(
            method="POST",
            path=(*one, "disable"),
            name=f"disable_{kind}",
            about=f"Disable a {kind}: none of its keys is taken.",
            act=partial(acts.able_owner, kind=kind, able=False),
            answer=answers.Owner,
        ),
        Operation(
            method="POST",
            path=(*one, "enable"),
            name=f"enable_{kind}",
            about=f"Enable a {kind} again.",
            act=partial(acts.able_owner, kind=kind, able=True),
            answer=answers.Owner,
        ),
    ]


OPERATIONS: tuple[Operation, ...] = (
    *_keys(),
    *_key(),
    *_owners("team"),
    *_owners("user"),
    Operation(
        method="GET",
        path=("audit",),
        name="list_audit",
        about="List who did what, the newest first.",
        act=acts.audit,
        query=shapes.AuditQuery,
        answer=answers.Audit,
    ),
    Operation(
        method="GET",
        path=("budgets",),
        name="list_budgets",
        about="Tell how full budgets are: those that count for a key, or all that calls have drawn on.",
        act=spending.budgets,
        query=shapes.BudgetsQuery,
        answer=answers.Levels,
        names_a_key=True,
    ),
    Operation(
        method="GET",
        path=("breaker",),
        name="show_breaker",
        about="Tell whether the breaker has stopped spending.",
        act=spending.breaker,
        answer=answers.Breaker,
    ),
    Operation(
        method="POST",
        path=("breaker", "reset"),
        name="reset_breaker",
        about="Let requests through again, of one key or of all.",
        act=spending.reset_breaker,
        body=shapes.BreakerReset,
        answer=answers.Breaker,
        names_a_key=True,
    ),
    Operation(
        method="POST",
        path=("alerts", "test"),
        name="test_alerts",
        about="Send a test message to each receiver of alerts.",
        act=spending.test_alerts,
        answer=answers.AlertsTested,
        conflicts=True,
    ),
    Operation(
        method="GET",
        path=("health",),
        name="show_health",
        about="Tell how the gateway does.",
        act=spending.health,
        answer=answers.Health,
    ),
)

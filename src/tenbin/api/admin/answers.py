"""1. What the admin API answers, as types: they write it, and they are its document.

Times are RFC 3339 in UTC, money is USD.
"""

from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from tenbin.core.account import Owner as StoredOwner
from tenbin.core.budget import Allotment, Level
from tenbin.core.money import NANO_PER_USD
from tenbin.decide.breaker import Rule
from tenbin.decide.health import Circuit
from tenbin.execute.breaker import Standing
from tenbin.ledger.accounts.log import Act
from tenbin.ledger.accounts.store import Kept, State, state


class Budget(Struct, frozen=True, kw_only=True):
    """What may be spent in a window."""

    usd: float
    hard: bool


class Budgets(Struct, frozen=True, kw_only=True):
    """Budgets, each by the window in which it begins anew."""

    hour: Budget | UnsetType = UNSET
    day: Budget | UnsetType = UNSET
    week: Budget | UnsetType = UNSET
    month: Budget | UnsetType = UNSET
    total: Budget | UnsetType = UNSET


class Prefix(Struct, frozen=True, kw_only=True):
    """By what a secret of a key can be recognised."""

    prefix: str
    made_at: datetime
    ends_at: datetime | None
    """When it is not taken any more, after a rotation."""


class Key(Struct, frozen=True, kw_only=True):
    """A key, without its secret."""

    key_id: str
    name: str
    state: State
    admin: bool
    prefixes: list[Prefix]
    team: str
    user: str
    plan: str
    tags: list[str]
    models: list[str]
    targets: list[str]
    tiers: list[str]
    routes: list[str]
    operations: list[str]
    networks: list[str]
    budgets: Budgets
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    rotated_at: datetime | None


class NewKey(Struct, frozen=True, kw_only=True):
    """A key with its new secret, which is shown this once."""

    secret: str
    key: Key


class Keys(Struct, frozen=True, kw_only=True):
    """A page of keys, in the order in which they were made."""

    data: list[Key]
    next: str | None
    """``after`` of the next page; null: there is none."""


class Owner(Struct, frozen=True, kw_only=True):
    """A team or a user."""

    name: str
    state: Literal["enabled", "disabled"]
    plan: str
    tags: list[str]
    budgets: Budgets
    created_at: datetime
    disabled_at: datetime | None


class Owners(Struct, frozen=True, kw_only=True):
    """A page of teams or users, by name."""

    data: list[Owner]
    next: str | None
    """``after`` of the next page; null: there is none."""


class AuditLine(Struct, frozen=True, kw_only=True):
    """Who did what to whom."""

    number: int
    at: datetime
    who: str
    """An admin key's id, ``master``, ``local``, or ``user@host`` at a terminal."""
    address: str
    act: str
    subject: str
    details: dict[str, Any]


class Audit(Struct, frozen=True, kw_only=True):
    """A page of the audit log, the newest first."""

    data: list[AuditLine]
    next: int | None
    """``before`` of the next page; null: there is none."""


class BudgetLevel(Struct, frozen=True, kw_only=True):
    """How full a budget's window is."""

    counter: str
    starts_at: datetime
    ends_at: datetime | None
    """null: its window never ends."""
    hard: bool
    limit_usd: float
    spent_usd: float
    reserved_usd: float
    """Set aside for calls under way."""
    share: float
    """Of the limit, spent and set aside together; 1 is full."""


class Levels(Struct, frozen=True, kw_only=True):
    """Every budget that counts for a key."""

    data: list[BudgetLevel]


class BreakerScope(Struct, frozen=True, kw_only=True):
    """What the breaker knows of all keys together, or of one."""

    key: str | None
    """A key's id; null: all keys together."""
    state: Circuit
    """``closed``: requests pass; ``open``: none does; ``half_open``: one at a time."""
    hour_usd: float
    day_usd: float
    rule: Rule | None
    """What has opened it."""
    spent_usd: float | None
    limit_usd: float | None
    opened_at: datetime | None
    until: datetime | None
    """From then on one request at a time is tried."""
    refused: int


class Breaker(Struct, frozen=True, kw_only=True):
    """The breaker for spending that has run away."""

    on: bool
    """It has rules."""
    refused: int
    """Requests, since the start."""
    closed: list[str | None]
    """What was closed just now: ids of keys; null: all keys together."""
    scopes: list[BreakerScope]


class AlertTested(Struct, frozen=True, kw_only=True):
    """What came of a test message."""

    receiver: str
    sent: bool
    reason: str | None
    """Why it was not."""


class AlertsTested(Struct, frozen=True, kw_only=True):
    """What came of the test messages, one a receiver."""

    data: list[AlertTested]


class WrongKeysSeen(Struct, frozen=True, kw_only=True):
    """Keys that were not known, since the start."""

    seen: int
    limited: int


class Health(Struct, frozen=True, kw_only=True):
    """How the gateway does."""

    version: str
    ready: bool
    reasons: list[str]
    """Why it is not ready, in words."""
    keys_required: bool
    wrong_keys: WrongKeysSeen


class Wrong(Struct, frozen=True, kw_only=True):
    """What is wrong with a request."""

    type: str
    message: str
    """And what to do."""
    field: str | None
    """Where, as ``budgets.month.usd``; null: in no field."""
    request_id: str


class Error(Struct, frozen=True, kw_only=True):
    """Why a request is not carried out."""

    error: Wrong


def key_of(kept: Kept, now_ms: int) -> Key:
    """A key as it is shown."""
    account = kept.account
    return Key(
        key_id=account.key_id,
        name=account.name,
        state=state(account, now_ms),
        admin=account.admin,
        prefixes=[
            Prefix(prefix=one.prefix, made_at=moment(one.made_at_ms), ends_at=_moment(one.ends_at_ms))
            for one in kept.signs
        ],
        team=account.team,
        user=account.user,
        plan=account.plan,
        tags=list(account.tags),
        models=list(account.models),
        targets=list(account.targets),
        tiers=list(account.tiers),
        routes=list(account.routes),
        operations=list(account.operations),
        networks=list(account.networks),
        budgets=_budgets(account.budgets),
        created_at=moment(account.created_at_ms),
        expires_at=_moment(account.expires_at_ms),
        revoked_at=_moment(account.revoked_at_ms),
        rotated_at=_moment(account.rotated_at_ms),
    )


def owner_of(owner: StoredOwner) -> Owner:
    """A team or user as it is shown."""
    return Owner(
        name=owner.name,
        state="enabled" if owner.disabled_at_ms is None else "disabled",
        plan=owner.plan,
        tags=list(owner.tags),
        budgets=_budgets(owner.budgets),
        created_at=moment(owner.created_at_ms),
        disabled_at=_moment(owner.disabled_at_ms),
    )


def line_of(act: Act) -> AuditLine:
    """A line of the audit log as it is shown."""
    return AuditLine(
        number=act.number,
        at=moment(act.at_ms),
        who=act.who,
        address=act.address,
        act=act.act,
        subject=act.subject,
        details=act.details,
    )


def level_of(level: Level) -> BudgetLevel:
    """How full a budget is, as it is shown."""
    claim = level.claim
    return BudgetLevel(
        counter=claim.counter,
        starts_at=moment(claim.starts_at_ms),
        ends_at=moment(claim.ends_at_ms) if claim.ends_at_ms < LAST_MS else None,
        hard=claim.hard,
        limit_usd=claim.limit / NANO_PER_USD,
        spent_usd=level.spent / NANO_PER_USD,
        reserved_usd=level.reserved / NANO_PER_USD,
        share=level.share,
    )


def scope_of(standing: Standing) -> BreakerScope:
    """What the breaker knows of a scope, as it is shown."""
    return BreakerScope(
        key=standing.key,
        state=standing.state,
        hour_usd=standing.hour_nano / NANO_PER_USD,
        day_usd=standing.day_nano / NANO_PER_USD,
        rule=standing.rule,
        spent_usd=None if standing.spent_nano is None else standing.spent_nano / NANO_PER_USD,
        limit_usd=None if standing.limit_nano is None else standing.limit_nano / NANO_PER_USD,
        opened_at=_moment(standing.opened_at_ms),
        until=_moment(standing.until_ms),
        refused=standing.refused,
    )


LAST_MS = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp() * 1000)
"""The last moment that is shown as one."""


def moment(at_ms: int) -> datetime:
    """UTC ms as a time."""
    return datetime.fromtimestamp(min(at_ms, LAST_MS) / 1000, UTC)


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else moment(at_ms)


def _budgets(budgets: tuple[Allotment, ...]) -> Budgets:
    return Budgets(**{one.window: Budget(usd=one.nano / NANO_PER_USD, hard=one.hard) for one in budgets})

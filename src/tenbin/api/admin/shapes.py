"""1. What goes in and out of the admin API, as types: they read what comes, write what goes, and are the document.

Times are RFC 3339 in UTC, money is USD.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tenbin.core.account import MOST_NAME, OWNER_NAME
from tenbin.core.account import Owner as StoredOwner
from tenbin.core.budget import MOST_USD, Allotment, Level, WindowKind
from tenbin.core.features import Tier
from tenbin.core.money import NANO_PER_USD, nano_from_usd
from tenbin.decide.breaker import Rule
from tenbin.decide.health import Circuit
from tenbin.execute.breaker import Standing
from tenbin.ledger.accounts.log import Act
from tenbin.ledger.accounts.store import Kept, State, state

# Python's `$` also stands before a newline at the end, JSON Schema's does not; so written, both mean the same.
_NAME = rf"^{OWNER_NAME.pattern}$(?!\n)"
_WORD = r"^[^\s\x00-\x1f\x7f]+$(?!\n)"

_SAID = "Letters, digits and _ - + . @, blanks between them; it does not begin with a dot."
Name: TypeAlias = Annotated[str, Meta(pattern=_NAME, max_length=MOST_NAME, description=_SAID)]
NameOrNone: TypeAlias = Annotated[
    str, Meta(pattern=rf"^({OWNER_NAME.pattern})?$(?!\n)", max_length=MOST_NAME, description=f"{_SAID} Empty: none.")
]
Word: TypeAlias = Annotated[str, Meta(pattern=_WORD, max_length=200, description="Without blanks.")]
Words: TypeAlias = Annotated[list[Word], Meta(max_length=100)]
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_HEX = "[0-9A-Fa-f]{1,4}"
_IPV6 = "|".join(
    [
        rf"({_HEX}:){{7}}{_HEX}",
        rf"({_HEX}:){{1,7}}:",
        *(rf"({_HEX}:){{1,{7 - behind}}}(:{_HEX}){{1,{behind}}}" for behind in range(1, 7)),
        rf":(:{_HEX}){{1,7}}",
        "::",
    ]
)
_NETWORK = (
    rf"^(({_OCTET}\.){{3}}{_OCTET}(/([12]?[0-9]|3[0-2]))?"
    rf"|({_IPV6})(/([1-9]?[0-9]|1[01][0-9]|12[0-8]))?)$(?!\n)"
)
Network: TypeAlias = Annotated[
    str, Meta(pattern=_NETWORK, description="An address or a network in CIDR form, as 10.0.0.0/8 or ::1.")
]
PATTERNS = {
    _NAME: f"{_SAID} At most {MOST_NAME} characters",
    rf"^({OWNER_NAME.pattern})?$(?!\n)": f"{_SAID} At most {MOST_NAME} characters; empty: none",
    _WORD: "No blanks, at least one character",
    _NETWORK: "Write an address or a network in CIDR form, as 10.0.0.0/8 or ::1",
}
"""What each pattern means, in words."""

Operation: TypeAlias = Literal["generate", "count_tokens", "embed"]
Usd: TypeAlias = Annotated[float, Meta(ge=0, le=MOST_USD)]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=1_000, description="How many at most.")]


class BudgetGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be spent in a window."""

    usd: Usd
    hard: bool = True
    """It is never passed; false: it is counted, warned of and acted upon."""


class BudgetsGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Budgets, each by the window in which it begins anew."""

    hour: BudgetGiven | UnsetType = UNSET
    day: BudgetGiven | UnsetType = UNSET
    week: BudgetGiven | UnsetType = UNSET
    month: BudgetGiven | UnsetType = UNSET
    total: BudgetGiven | UnsetType = UNSET


class KeyCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made. What is left out or empty bounds nothing."""

    name: Name
    team: NameOrNone = ""
    user: NameOrNone = ""
    plan: NameOrNone = ""
    tags: Words = []
    models: Words = []
    targets: Words = []
    tiers: Annotated[list[Tier], Meta(max_length=100)] = []
    routes: Words = []
    operations: Annotated[list[Operation], Meta(max_length=100)] = []
    networks: Annotated[list[Network], Meta(max_length=100)] = []
    budgets: BudgetsGiven = BudgetsGiven()
    expires_at: Moment | None = None
    """null: never."""


class AdminKeyCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that may administer, and nothing else. The master key makes one, or whoever is on this machine while nobody
    needs a key; not another admin key.
    """

    name: Name
    team: NameOrNone = ""
    user: NameOrNone = ""
    tags: Words = []
    networks: Annotated[list[Network], Meta(max_length=100)] = []
    expires_at: Moment | None = None
    """null: never."""


class KeyPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays."""

    team: NameOrNone | UnsetType = UNSET
    user: NameOrNone | UnsetType = UNSET
    plan: NameOrNone | UnsetType = UNSET
    tags: Words | UnsetType = UNSET
    models: Words | UnsetType = UNSET
    targets: Words | UnsetType = UNSET
    tiers: Annotated[list[Tier], Meta(max_length=100)] | UnsetType = UNSET
    routes: Words | UnsetType = UNSET
    operations: Annotated[list[Operation], Meta(max_length=100)] | UnsetType = UNSET
    networks: Annotated[list[Network], Meta(max_length=100)] | UnsetType = UNSET
    budgets: BudgetsGiven | UnsetType = UNSET


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a key gets a new secret."""

    grace_seconds: Annotated[float, Meta(ge=0, le=31_536_000)]
    """How long the old one is taken yet."""


class Expiry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a key ends."""

    expires_at: Moment | None
    """null: it does not."""


class OwnerCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A team or a user to be made."""

    name: Name
    plan: NameOrNone = ""
    tags: Words = []
    budgets: BudgetsGiven = BudgetsGiven()


class OwnerPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays."""

    plan: NameOrNone | UnsetType = UNSET
    tags: Words | UnsetType = UNSET
    budgets: BudgetsGiven | UnsetType = UNSET


class KeysQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys."""

    limit: Limit = 100
    after: str | UnsetType = UNSET
    """``next`` of the page before."""
    team: str | UnsetType = UNSET
    user: str | UnsetType = UNSET
    state: State | UnsetType = UNSET


class OwnersQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which teams or users."""

    limit: Limit = 100
    after: str | UnsetType = UNSET
    """``next`` of the page before."""


class AuditQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines of the audit log."""

    limit: Limit = 100
    before: Annotated[int, Meta(ge=1, le=2**53)] | UnsetType = UNSET
    """``next`` of the page before."""
    subject: str | UnsetType = UNSET
    """A key's id, ``team:NAME`` or ``user:NAME``."""


class BudgetsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which budgets."""

    key: str | UnsetType = UNSET
    """A key's id or name: those that count for it."""


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


class BreakerReset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be let through again."""

    key: str | None = None
    """A key's id or name; null: everything."""


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


def allotments(kind: Literal["key", "team", "user"], budgets: BudgetsGiven) -> tuple[Allotment, ...]:
    """Budgets as they are stored."""
    given: dict[WindowKind, BudgetGiven | UnsetType] = msgspec.structs.asdict(budgets)  # type: ignore[assignment]
    return tuple(
        Allotment(kind, window, nano_from_usd(repr(float(one.usd))), one.hard)
        for window, one in given.items()
        if one is not UNSET
    )


LAST_MS = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp() * 1000)
"""The last moment that is shown as one."""


def moment(at_ms: int) -> datetime:
    """UTC ms as a time."""
    return datetime.fromtimestamp(min(at_ms, LAST_MS) / 1000, UTC)


def stored(given: datetime | None) -> int | None:
    """A time in UTC ms; what is before 1970 is past all the same."""
    return None if given is None else max(int(given.timestamp() * 1000), 0)


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else moment(at_ms)


def _budgets(budgets: tuple[Allotment, ...]) -> Budgets:
    return Budgets(**{one.window: Budget(usd=one.nano / NANO_PER_USD, hard=one.hard) for one in budgets})

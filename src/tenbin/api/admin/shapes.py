"""1. What is sent to the admin API, as types: they read it, and they are its document.

Times are RFC 3339, money is USD.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tenbin.core.account import MOST_NAME, OWNER_NAME
from tenbin.core.budget import MOST_USD, Allotment, WindowKind
from tenbin.core.features import Tier
from tenbin.core.money import nano_from_usd
from tenbin.ledger.accounts.store import State

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


class BreakerReset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be let through again."""

    key: str | None = None
    """A key's id or name; null: everything."""


def allotments(kind: Literal["key", "team", "user"], budgets: BudgetsGiven) -> tuple[Allotment, ...]:
    """Budgets as they are stored."""
    given: dict[WindowKind, BudgetGiven | UnsetType] = msgspec.structs.asdict(budgets)  # type: ignore[assignment]
    return tuple(
        Allotment(kind, window, nano_from_usd(repr(float(one.usd))), one.hard)
        for window, one in given.items()
        if one is not UNSET
    )


def stored(given: datetime | None) -> int | None:
    """A time in UTC ms; what is before 1970 is past all the same."""
    return None if given is None else max(int(given.timestamp() * 1000), 0)

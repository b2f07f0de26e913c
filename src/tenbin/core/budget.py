"""4. Money that may be spent: whose limit it is, for which stretch of time, and what a call draws on before it is made.

A store of spending (execute.spending) keeps two sums for each counter: what was spent, and what is set aside for calls
under way. No call is made unless all of its hard claims have room for the dearest that it can become.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from tenbin.core.money import NanoUSD

ScopeKind: TypeAlias = Literal["global", "team", "user", "key", "route", "model"]
WindowKind: TypeAlias = Literal["hour", "day", "week", "month", "total"]

MOST_USD = 1_000_000_000
"""The largest budget, USD: its nano-USD fit what stores count with."""

FOREVER_MS = 1 << 53
"""UTC ms at which the window ``total`` ends."""

UNSTATED_SEARCHES = 20
"""Uses of a provider's own tool in one answer, where the request does not limit them."""


class Dearness(NamedTuple):
    """What makes an answer dearer than the length of its request tells."""

    choices: int = 1
    """Answers that are asked for at once."""
    tiers: tuple[str, ...] = ()
    """Service tiers that it may be served in, beside the standard one."""
    searches: int = 0
    """Uses of the provider's own tools, at most; each reads the prompt again."""
    refers: bool = False
    """It refers to what is not in it, of any length: an earlier answer, a stored prompt, a page to be fetched."""
    images: int = 0
    """Images that stand in a list, where each is not told by a word of its own."""
    output: int | None = 0
    """Tokens that an answer may have by other words than its limit; None: as long as it can be."""


PLAIN = Dearness()


class Budget(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A limit in force."""

    kind: ScopeKind
    name: str = ""
    """Whose: a team, a user, a key (its id or its name), a route, a target (``provider/model``); ``*``: each of them
    has one of its own. Empty for ``global``."""
    window: WindowKind
    nano: NanoUSD
    """The most that may be spent in one window, nano-USD."""
    hard: bool = True
    """It is never passed. A soft one is counted, warned of and acted upon, but refuses nothing."""
    zone: str = "UTC"
    """Time zone (IANA) in which its hours, days, weeks (from Monday) and months begin."""


class Allotment(msgspec.Struct, frozen=True, gc=False):
    """A budget that stands with a key, a user or a team in the store of keys."""

    kind: Literal["key", "user", "team"]
    window: WindowKind
    nano: NanoUSD
    hard: bool = True


class Claim(NamedTuple):
    """One counter that a call draws on: a budget, for whom it counts, in the window in which the call begins."""

    counter: str
    """``kind:name/window``, as ``team:search/month``, ``global/day``, ``key:key_0123456789abcdef/hour``; behind that
    ``/soft`` of a soft one, and ``@Asia/Tokyo`` where its windows do not begin by UTC."""
    starts_at_ms: int
    """UTC ms at which the window began; a counter begins anew with each."""
    ends_at_ms: int
    """UTC ms at which the next one begins; FOREVER_MS for ``total``."""
    limit: NanoUSD
    hard: bool
    whose: str = ""
    """``kind:name``, as ``team:search``, ``global``."""
    window: WindowKind = "total"
    zone: str = "UTC"


class Level(NamedTuple):
    """How full a window is."""

    claim: Claim
    spent: NanoUSD
    """Settled."""
    reserved: NanoUSD
    """Set aside for calls under way."""

    @property
    def share(self) -> float:
        """Of the limit: 1.0 and above is full; a limit of nothing is always full."""
        return (self.spent + self.reserved) / self.claim.limit if self.claim.limit > 0 else 1.0


class Granted(NamedTuple):
    """The call may be made; so much is set aside for it."""

    levels: tuple[Level, ...]
    """Of each claim, this call counted."""


class Denied(NamedTuple):
    """A hard limit might be passed: nothing was set aside."""

    level: Level
    """The fullest of those without room, this call not counted."""
    asked: NanoUSD
    """What the call might have cost."""


class SpendingUnavailable(Exception):
    """The store cannot be reached; carries why, in words that are safe to show."""


class Spending(Protocol):
    """A store of spending. All times are UTC ms and given: it reads no clock.

    An amount counts in the window in which its call was reserved, also when it is settled in the next one.
    """

    async def reserve(
        self, reservation: str, claims: tuple[Claim, ...], worst: NanoUSD, now_ms: int, deadline_ms: int
    ) -> Granted | Denied:
        """Set ``worst`` aside on every claim, or nothing anywhere. Raises SpendingUnavailable.

        A reservation that nobody has settled by ``deadline_ms`` (its process has died) counts as spent in full, until
        it is settled after all: then what it really cost counts. The same reservation again is granted and counts once.
        """
        ...

    def settle(self, reservation: str, cost: NanoUSD, whose: Sequence[str] = (), at_ms: int = 0) -> None:
        """Replace what was set aside by what the call cost, once; at once or soon after, and never lost. Unknown
        reservations are left alone.

        The call began at ``at_ms`` and counts for ``whose`` (``team:search``, ``global``): windows of theirs that were
        begun here count it too, though it did not draw on them: their budget may come in force again.
        """
        ...

    def void(self, reservation: str) -> None:
        """The call was not made, or cost nothing: what was set aside is free again."""
        ...

    async def levels(self, claims: tuple[Claim, ...], now_ms: int) -> tuple[Level, ...]:
        """How full each is now. Raises SpendingUnavailable."""
        ...

    async def close(self) -> None:
        """Settle what is still to be told to the store, and let go of it."""
        ...

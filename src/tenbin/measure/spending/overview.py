"""8. Every budget at one moment: how full it is, how fast it is being spent, what to do about it.

From the ledger's sums, and from a running gateway's counters where there is one.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from tenbin.core.account import Account, Owner
from tenbin.core.budget import Allotment, Budget, Claim, Level, ScopeKind
from tenbin.decide.budget import Entry, claims, counter, route_of, window_of
from tenbin.ledger.spending import SLOT_MS, SpendingDimension, Spendings, Sum
from tenbin.measure.response_cache import CacheSum
from tenbin.measure.spending.actions import Action, Findings, Offer, actions
from tenbin.measure.spending.pace import Pace, pace
from tenbin.measure.spending.picture import Chart, parts

DETAIL: tuple[SpendingDimension, ...] = ("key", "team", "user", "route", "model", "operation", "batchable")
"""The dimensions of a window's sums, from which all others are added up."""
OWN_OPERATIONS = ("shadow", "keep_alive")
"""What Tenbin asks by itself."""
LATELY_MS = 7 * 86_400_000
"""A budget without an end is full when it goes on as in these last days."""

Cut: TypeAlias = tuple[int, int]
"""The window that sums are of: when it began, and until when it is looked at; UTC ms."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One budget, for one whom it counts."""

    claim: Claim
    kind: ScopeKind
    name: str
    """Whose: a key's id, a route ...; empty for ``global``."""
    title: str
    """The same for people: a key by its name."""
    level: Level
    live: bool
    """The level is a running gateway's, which knows what is set aside."""
    pace: Pace | None
    """None for ``total``."""
    full_at_ms: int | None
    """UTC ms at which nothing will be left, as things go; None: not in this window, or nobody knows."""
    unknown: int = 0
    """Calls of unknown price, which count for nothing."""
    actions: tuple[Action, ...] = ()


class Known(NamedTuple):
    """What a store of keys says of people and their names."""

    accounts: Sequence[Account] = ()
    owners: Sequence[Owner] = ()

    @property
    def names(self) -> dict[str, str]:
        """What keys are called, by id."""
        return {one.key_id: one.name for one in self.accounts}


class Overview:
    """All budgets, looked at once."""

    def __init__(self, spent: Spendings, known: Known, now_ms: int) -> None:
        self._spent = spent
        self._known = known
        self._names = known.names
        self._now_ms = now_ms
        self._until_ms = now_ms - now_ms % SLOT_MS + SLOT_MS
        self._details: dict[Cut, list[Sum]] = {}
        self._parts: dict[tuple[int, ScopeKind], dict[str, list[Sum]]] = {}

    def lines(self, budgets: Sequence[Budget], zone: str, levels: Iterable[Level] = ()) -> list[Line]:
        """Every budget that counts anybody, without its actions, everybody's first and then the fullest. ``zone``: of
        budgets that stand with keys; ``levels``: a running gateway's.
        """
        live = {(level.claim.counter, level.claim.starts_at_ms): level for level in levels}
        drawn = {claim.counter: claim for claim in claims(self._entries(budgets, zone), self._now_ms)}
        for level in live.values():
            if level.claim.starts_at_ms <= self._now_ms < level.claim.ends_at_ms:
                drawn.setdefault(level.claim.counter, level.claim)
        found = [self._line(claim, live.get((claim.counter, claim.starts_at_ms))) for claim in drawn.values()]
        return sorted(found, key=lambda line: (line.kind != "global", -line.level.share, line.claim.counter))

    def with_actions(
        self, line: Line, offers: Callable[[], tuple[Offer, ...]], cache: Callable[[int], CacheSum | None] | None = None
    ) -> Line:
        """The line with what to do about it. ``offers``: models that could be asked; ``cache``: what the response cache
        has done since then (UTC ms), for everybody.
        """
        word = line.pace.word if line.pace is not None else "on_track"
        if word in ("on_track", "too_early") and not line.unknown:
            return line
        # A budget of one model says nothing of asking another one instead because there is money left.
        asked = word in ("critical", "warning") or (word == "under_used" and line.kind != "model")
        found = self._findings(line, offers() if asked else (), cache)
        return msgspec.structs.replace(line, actions=actions(line.pace, found))

    def spent(self, since_ms: int) -> Sum:
        """What everybody has spent since then."""
        return added_up(self._detail(since_ms))

    def chart(self, line: Line, title: str) -> Chart | None:
        """What was spent in each part of the budget's window, to be drawn; None for ``total``."""
        claim, known = line.claim, line.pace
        if known is None:
            return None
        bounds = parts(claim.window, claim.zone, self._now_ms)
        begun = [*(at for at in bounds[:-1] if at <= self._now_ms), self._until_ms]
        only: dict[str, str] = {} if line.kind == "global" else {line.kind: line.name}
        spent = next(iter(self._spent.series(begun, only=only).values()), [0] * (len(begun) - 1))
        return Chart(
            title=title,
            bounds=bounds,
            spent=[*spent, *[0] * (len(bounds) - 1 - len(spent))],
            now_ms=self._now_ms,
            limit=claim.limit,
            projected=known.projected_nano,
            word=known.word,
            zone=claim.zone,
            window=claim.window,
        )

    # -- whose budgets

    def _entries(self, budgets: Sequence[Budget], zone: str) -> list[Entry]:
        smallest: dict[str, Budget] = {}
        for budget in (*budgets, *self._allotted(zone)):
            for name in self._whose(budget):
                called = counter(budget.kind, name, budget)
                if called not in smallest or budget.nano < smallest[called].nano:
                    smallest[called] = budget
        return [Entry(called, budget) for called, budget in smallest.items()]

    def _allotted(self, zone: str) -> list[Budget]:
        def of(name: str, one: Allotment) -> Budget:
            return Budget(kind=one.kind, name=name, window=one.window, nano=one.nano, hard=one.hard, zone=zone)

        usable = [one for one in self._known.accounts if one.revoked_at_ms is None]
        keys = [of(account.key_id, one) for account in usable for one in account.budgets]
        return [*keys, *(of(owner.name, one) for owner in self._known.owners for one in owner.budgets)]

    def _whose(self, budget: Budget) -> list[str]:
        """Names that a budget counts apart; of ``*`` those that have spent anything in the present window."""
        if budget.kind == "global":
            return [""]
        if budget.name == "*":
            starts, _ = window_of(budget.window, budget.zone, self._now_ms)
            return [name for name in self._by_name(starts, budget.kind) if name]
        if budget.kind == "key":
            ids = [key_id for key_id, name in self._names.items() if budget.name in (key_id, name)]
            return ids or [budget.name]
        return [route_of(budget.name) if budget.kind == "route" else budget.name]

    # -- one line

    def _line(self, claim: Claim, live: Level | None) -> Line:
        kind, _, name = claim.whose.partition(":")
        scope: ScopeKind = kind  # type: ignore[assignment]  # decide.budget writes it
        total = added_up(self._of(claim.starts_at_ms, scope, name))
        level = live or Level(claim, total.spent_nano, 0)
        found = pace(claim.window, claim.zone, self._now_ms, claim.limit, level.spent, level.reserved)
        full_at = found.full_at_ms if found is not None else self._full_at(claim, level, scope, name)
        return Line(
            claim=claim,
            kind=scope,
            name=name,
            title=self._names.get(name, name) if scope == "key" else name,
            level=level,
            live=live is not None,
            pace=found,
            full_at_ms=full_at,
            unknown=total.unknown,
        )

    def _full_at(self, claim: Claim, level: Level, kind: ScopeKind, name: str) -> int | None:
        left = claim.limit - level.spent - level.reserved
        lately = added_up(self._of(self._until_ms - LATELY_MS, kind, name)).spent_nano
        if left <= 0:
            return self._now_ms
        return self._now_ms + left * LATELY_MS // lately if lately > 0 else None

    def _findings(
        self, line: Line, offers: tuple[Offer, ...], cache: Callable[[int], CacheSum | None] | None
    ) -> Findings:
        since = line.claim.starts_at_ms
        found = self._of(since, line.kind, line.name)
        everybody = line.kind == "global"
        own = [one for one in found if one.by[DETAIL.index("operation")] in OWN_OPERATIONS]
        looked = cache(since) if cache is not None and everybody else None
        return Findings(
            total=added_up(found),
            by_route_and_model=grouped(found, "route", "model"),
            by_key=grouped(found, "key"),
            by_user=grouped(found, "user"),
            batchable=grouped([one for one in found if one.by[DETAIL.index("batchable")] == "yes"], "model"),
            own=grouped(own, "operation"),
            cache=looked,
            cache_matters=everybody,
            semantic=looked is not None and looked.semantic > 0,
            offers=offers,
            names=self._names,
        )

    def _of(self, since_ms: int, kind: ScopeKind, name: str) -> Sequence[Sum]:
        """What somebody has spent since then, in detail."""
        return self._detail(since_ms) if kind == "global" else self._by_name(since_ms, kind).get(name, ())

    def _by_name(self, since_ms: int, kind: ScopeKind) -> dict[str, list[Sum]]:
        found = self._parts.get((since_ms, kind))
        if found is None:
            found = self._parts[since_ms, kind] = {}
            place = DETAIL.index(kind)
            for one in self._detail(since_ms):
                named = route_of(one.by[place]) if kind == "route" else one.by[place]
                found.setdefault(named, []).append(one)
        return found

    def _detail(self, since_ms: int) -> list[Sum]:
        cut = (since_ms, self._until_ms)
        if cut not in self._details:
            self._details[cut] = self._spent.spent(*cut, DETAIL)
        return self._details[cut]


def grouped(sums: Sequence[Sum], *by: SpendingDimension) -> tuple[Sum, ...]:
    """Sums by DETAIL added up by some of its dimensions, the dearest first."""
    places = [DETAIL.index(one) for one in by]
    parts: dict[tuple[str, ...], list[Sum]] = {}
    for one in sums:
        parts.setdefault(tuple([one.by[place] for place in places]), []).append(one)
    found = [added_up(part, name) for name, part in parts.items()]
    return tuple(sorted(found, key=lambda one: -one.spent_nano))


def added_up(sums: Iterable[Sum], by: tuple[str, ...] = ()) -> Sum:
    """All of them together."""
    names = [name for name in Sum.__struct_fields__ if name != "by"]
    totals: dict[str, int] = dict.fromkeys(names, 0)
    for one in sums:
        for name in names:
            totals[name] += getattr(one, name)
    return Sum(by=by, **totals)

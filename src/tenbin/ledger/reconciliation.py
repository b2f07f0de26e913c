"""A provider's statement beside the ledger: which charge is which attempt, and where the two differ. Pure."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from tenbin.core.money import NanoUSD
from tenbin.core.usage import Usage
from tenbin.ledger.statement import Charge

SLACK_MS = 5_000
"""How far the provider's clock, and what it takes for the time of a call, may be from ours."""

NEAR_MS = 250
"""Of charges and attempts this near to each other, those with the nearest amounts belong together."""

How: TypeAlias = Literal["id", "time"]
"""By what a charge was recognised: the provider's request id; or time, model and nearest amount, where one of the sides
has no id (the gateway was killed, or the answer had no head yet)."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An attempt as the ledger has it."""

    request: int
    """Number of the request's row."""
    number: int
    """Of the attempt within it."""
    request_id: str
    provider: str
    model: str
    started_at_ms: int
    total_ms: float
    outcome: str
    upstream_id: str
    """The provider's request id; empty where none was heard."""
    estimated: bool
    """Usage, at least one side of it, was counted by Tenbin."""
    billed_nano: NanoUSD | None
    """None where no price is known."""
    corrected: NanoUSD
    """Sum of the corrections so far."""
    checked: bool
    """A statement has been held against it before: its cost is known."""
    stated_id: str = ""
    """The provider's request id by which it was recognised then."""

    @property
    def nano(self) -> NanoUSD:
        """What it counts for now."""
        return (self.billed_nano or 0) + self.corrected


class Match(NamedTuple):
    """An attempt and its charge."""

    entry: Entry
    charge: Charge
    how: How
    nano: NanoUSD
    """What the charge comes to."""

    @property
    def difference(self) -> NanoUSD:
        """What is to be added to the ledger, nano-USD."""
        return self.nano - self.entry.nano


class Reconciliation(NamedTuple):
    """The two sides beside each other."""

    matches: tuple[Match, ...]
    unpriced: tuple[tuple[Entry, Charge], ...]
    """Attempts found whose charge states tokens of a model that has no price."""
    not_in_ledger: tuple[Charge, ...]
    """Charges for calls that did not go through this gateway, or that nobody can recognise."""
    not_on_statement: tuple[Entry, ...]
    """Attempts within the statement's time that count for something and are not charged."""

    @property
    def differing(self) -> tuple[Match, ...]:
        """Matches whose amounts are not the same."""
        return tuple(match for match in self.matches if match.difference)


Pricing: TypeAlias = Callable[[Entry, Usage], NanoUSD | None]
"""What stated tokens cost; None where no price is known."""


def reconcile(
    entries: Sequence[Entry],
    charges: Sequence[Charge],
    price: Pricing,
    *,
    since_ms: int | None = None,
    until_ms: int | None = None,
    slack_ms: int = SLACK_MS,
) -> Reconciliation:
    """Match each charge with one attempt at most. ``since_ms`` and ``until_ms`` (before that): what time the statement
    is of; without them from its first to its last charge.
    """
    pairs, left, free = _by_id(entries, charges)
    by_time, left, free = _by_time(free, left, price, slack_ms)
    matches, unpriced = [], []
    for entry, charge, how in [*pairs, *by_time]:
        nano = _amount(entry, charge, price)
        if nano is None:
            unpriced.append((entry, charge))
        else:
            matches.append(Match(entry, charge, how, nano))
    times = [charge.at_ms for charge in charges if charge.at_ms is not None]
    begin = since_ms if since_ms is not None else min(times, default=None)
    end = until_ms if until_ms is not None else max(times) + 1 if times else None
    within = [
        entry
        for entry in free
        if entry.nano and begin is not None and end is not None and begin <= entry.started_at_ms < end
    ]
    return Reconciliation(tuple(matches), tuple(unpriced), tuple(left), tuple(within))


def _amount(entry: Entry, charge: Charge, price: Pricing) -> NanoUSD | None:
    if charge.nano is not None:
        return charge.nano
    return price(entry, charge.usage) if charge.usage is not None else None


_Pairs: TypeAlias = list[tuple[Entry, Charge, How]]


def _by_id(entries: Iterable[Entry], charges: Iterable[Charge]) -> tuple[_Pairs, list[Charge], list[Entry]]:
    """What has the same id on both sides, what is left of the statement, and what is left of the ledger."""
    known: dict[str, Entry] = {}
    for entry in entries:
        for name in {entry.upstream_id, entry.stated_id} - {""}:
            known.setdefault(name, entry)
    pairs: _Pairs = []
    left, used = [], set[tuple[int, int]]()
    for charge in charges:
        entry_found = known.get(charge.request_id) if charge.request_id else None
        if entry_found is None or (entry_found.request, entry_found.number) in used:
            left.append(charge)
        else:
            used.add((entry_found.request, entry_found.number))
            pairs.append((entry_found, charge, "id"))
    return pairs, left, [entry for entry in entries if (entry.request, entry.number) not in used]


def _by_time(
    entries: list[Entry], charges: list[Charge], price: Pricing, slack_ms: int
) -> tuple[_Pairs, list[Charge], list[Entry]]:
    """Of attempts without an id and charges that nobody knows yet: the same model, times that agree; as many as can be,
    the nearest in time and amount first.
    """
    nameless: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if not entry.upstream_id:
            nameless[entry.model].append(entry)
    candidates = []
    for place, charge in enumerate(charges):
        for entry in nameless.get(charge.model, ()) if charge.at_ms is not None else ():
            early, late = entry.started_at_ms - slack_ms, entry.started_at_ms + entry.total_ms + slack_ms
            if early <= (charge.at_ms or 0) <= late and (amount := _amount(entry, charge, price)) is not None:
                apart, off = abs((charge.at_ms or 0) - entry.started_at_ms), abs(amount - entry.nano)
                # What an earlier statement has settled is left as it is.
                rank = (bool(off) or not entry.checked, apart // NEAR_MS, off, apart)
                candidates.append((rank, place, entry.request, entry.number, entry))
    candidates.sort(key=lambda one: one[:4])
    taken = _most(candidates)
    used = {(entry.request, entry.number) for entry in taken.values()}
    pairs: _Pairs = [(entry, charges[place], "time") for place, entry in sorted(taken.items())]
    left = [charge for place, charge in enumerate(charges) if place not in taken]
    return pairs, left, [entry for entry in entries if (entry.request, entry.number) not in used]


def _most(candidates: Sequence[tuple[object, int, int, int, Entry]]) -> dict[int, Entry]:
    """Charges (by place) with their attempts: the best candidates first; then, as long as a charge is left over that
    could be served if others took another attempt of theirs, it is done so (augmenting paths: Kuhn).
    """
    able: dict[int, list[Entry]] = defaultdict(list)
    for _, place, _, _, entry in candidates:
        able[place].append(entry)
    taken: dict[int, Entry] = {}
    holder: dict[tuple[int, int], int] = {}
    for _, place, request, number, entry in candidates:
        if place not in taken and (request, number) not in holder:
            taken[place] = entry
            holder[request, number] = place
    for place in able:
        if place not in taken:
            _augment(place, able, taken, holder)
    return taken


def _augment(
    start: int, able: dict[int, list[Entry]], taken: dict[int, Entry], holder: dict[tuple[int, int], int]
) -> None:
    """Find the shortest chain of charges that each give their attempt to the one before, with a free one at its end."""
    came: dict[tuple[int, int], int] = {}
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        for entry in able[place]:
            key = entry.request, entry.number
            if key in came:
                continue
            came[key] = place
            if key in holder:
                waiting.append(holder[key])
                continue
            while True:
                giver = came[entry.request, entry.number]
                before = taken.get(giver)
                taken[giver] = entry
                holder[entry.request, entry.number] = giver
                if before is None:
                    return
                entry = before

"""5. Before each call to a provider: is there room in every budget that counts it? Behind each: what it really cost.

The one place where money is set aside and settled; where it is counted is the store's (core.budget.Spending).
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, Protocol

from tenbin.codecs.escapes import escaped_letters
from tenbin.core.ask import Ask, Caller
from tenbin.core.budget import Budget, Claim, Denied, Granted, Level, Spending, SpendingUnavailable
from tenbin.core.money import NanoUSD
from tenbin.core.price import Price
from tenbin.core.problems import Failure
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.target import Target
from tenbin.decide.budget import Ceiling, Entry, ceilings, claims, counter, of_call, of_caller, route_of, worst_case
from tenbin.execute.sensing import Prices
from tenbin.execute.spending.memory import MemorySpending
from tenbin.execute.spending.refusals import no_price, no_room, unreachable
from tenbin.execute.spending.tally import Tally, counted, scopes

LOG = logging.getLogger("tenbin.execute")

MOST_CALLERS = 10_000
"""Callers whose budgets are kept ready."""
MOST_TARGETS = 2_000
"""The same of routes and targets, and of prices."""
MOST_LEVELS = 20_000
"""Counters of a shared store whose last known levels are remembered."""
GRACE_MS = 60_000
"""A call's reservation outlives the longest that the call itself may take by this."""

Listener = Callable[[tuple[Level, ...]], None]


class Call(Protocol):
    """What is set aside for: an attempt that is about to be made (execute.attempt)."""

    ask: Ask
    target: Target
    number: int
    route: str
    started_at_ms: int
    reserved_nano: NanoUSD | None


class _Ready(NamedTuple):
    """What a caller, or a route with a target, draws on in the windows around the present moment."""

    caller: Caller | None
    entries: tuple[Entry, ...]
    claims: tuple[Claim, ...]
    from_ms: int
    until_ms: int


class _Open(NamedTuple):
    """A call under way."""

    reservation: str
    number: int
    target: str
    ask: Ask
    route: str
    at_ms: int
    worst: NanoUSD
    levels: tuple[Level, ...]


class Budgets:
    """All budgets of one gateway. Used from the event loop only."""

    def __init__(self, store: Spending, prices: Prices, tally: Tally, now_ms: Callable[[], int]) -> None:
        self.store = store
        self.listeners: list[Listener] = []
        """Are told of the levels of a call's claims, each time they have changed. They must be quick."""
        self.denials: list[Callable[[Denied], None]] = []
        """Are told of each call for which there was no room. They must be quick."""
        self.refused = 0
        """Calls that were not made for want of room, since the start."""
        self._memory = store if isinstance(store, MemorySpending) else None
        self._prices = prices
        self._tally = tally
        self._now_ms = now_ms
        self._budgets: tuple[Budget, ...] = ()
        self._by_call: tuple[Budget, ...] = ()
        self._zone = "UTC"
        self._serves_blindly = False
        self._call_ms = 0
        self._callers: dict[str, _Ready] = {}
        self._calls: dict[tuple[str, str], _Ready] = {}
        self._ceilings: dict[tuple[str, str, tuple[str, ...]], tuple[list[Price], tuple[Ceiling, ...] | None]] = {}
        self._reservations = 0
        self._open: dict[str, list[_Open]] = {}
        """By request id."""
        self._last: dict[tuple[str, int], Level] = {}

    def configure(
        self,
        budgets: Iterable[Budget],
        *,
        zone: str,
        when_unreachable: Literal["refuse", "serve"],
        call_seconds: float,
    ) -> None:
        """Put budgets in force; calls under way are counted by them too. ``zone``: of budgets that stand with keys;
        ``call_seconds``: the longest that a call may take. Raises what the ledger raises, where it has to be read.
        """
        self._budgets = tuple(budgets)
        self._by_call = tuple(budget for budget in self._budgets if budget.kind in ("route", "model"))
        self._zone = zone
        self._serves_blindly = when_unreachable == "serve"
        self._call_ms = int(call_seconds * 1_000) + GRACE_MS
        self._callers.clear()
        self._calls.clear()
        now = self._now_ms()
        for budget in self._budgets:
            self._tally.follow((budget.window, budget.zone), now)
        self._count_open_ones()

    # -- before a call

    async def reserve(self, call: Call, body_bytes: int) -> Failure | None:
        """Set aside the dearest that a call can become; or why it may not be made."""
        drawn = self._drawn_on(call.ask.caller, call.route, call.target.name, call.started_at_ms)
        if not drawn:
            return None
        if not self._prices.ready:
            # Before the first prices are read nobody knows what may be afforded.
            await asyncio.to_thread(self._prices.wait)
        worst = self._worst(call, body_bytes)
        if worst is None:
            return self._unbounded(call, drawn)
        if worst == 0:
            return None
        request_id, at_ms = call.ask.request_id, call.started_at_ms
        # A name that no other call has had: several of a request may have the same number, also at the same time.
        self._reservations += 1
        reservation = f"{request_id}:{call.number}.{self._reservations}"
        try:
            told = await self.store.reserve(reservation, drawn, worst, self._now_ms(), at_ms + self._call_ms)
        except SpendingUnavailable as unavailable:
            failure = self._unreachable(drawn, unavailable)
            if failure is not None:
                return failure
            told = Granted(())  # nothing is set aside, but what it costs is told to the store when that is back
        if isinstance(told, Denied):
            self.refused += 1
            self._known((told.level,))
            self._tell_denied(told)
            return no_room(told, call.target.name, call.ask.caller, anthropic=call.ask.dialect == "anthropic")
        one = _Open(reservation, call.number, call.target.name, call.ask, call.route, at_ms, worst, told.levels)
        self._open.setdefault(request_id, []).append(one)
        call.reserved_nano = worst
        self._known(told.levels)
        return None

    def _worst(self, call: Call, body_bytes: int) -> NanoUSD | None:
        target, head = call.target, call.ask.head
        known = self._ceilings_of(target, head.dear.tiers, call.started_at_ms)
        if known is None:
            return None
        needs = head.needs
        return worst_case(
            known,
            body_bytes,
            head.max_tokens,
            context=target.context,
            max_output=target.max_output,
            dearness=head.dear,
            images=_images(call.ask.body) if "images" in needs else 0,
            documents="documents" in needs,
            embeds=call.ask.operation == "embed",
        )

    def _ceilings_of(self, target: Target, tiers: tuple[str, ...], at_ms: int) -> tuple[Ceiling, ...] | None:
        provider, model = target.provider, target.model
        prices = []
        for tier in (None, *tiers):
            price = self._prices.price(provider, model, at_ms, tier)
            if price is None:
                return None
            prices.append(price)
        key = (provider, model, tiers)
        kept = self._ceilings.get(key)
        if kept is not None and all(old is new for old, new in zip(kept[0], prices, strict=True)):
            return kept[1]
        found: list[Ceiling] = []
        for price in prices:
            of_one = ceilings(price)
            if of_one is None:
                return None
            found += of_one
        if len(self._ceilings) >= MOST_TARGETS:
            self._ceilings.clear()
        self._ceilings[key] = prices, tuple(found)
        return tuple(found)

    def _unbounded(self, call: Call, drawn: tuple[Claim, ...]) -> Failure | None:
        hard = next((claim for claim in drawn if claim.hard), None)
        if hard is None:
            return None
        self.refused += 1
        return no_price(hard, call.target, call.ask.caller)

    def _unreachable(self, drawn: tuple[Claim, ...], why: SpendingUnavailable) -> Failure | None:
        if self._serves_blindly or not any(claim.hard for claim in drawn):
            return None
        self.refused += 1
        return unreachable(why)

    # -- behind a call

    def not_charged(self, call: Call) -> None:
        """A call has failed and cost nothing: its room is free again before the next one is tried."""
        request_id = call.ask.request_id
        open_ones = self._open.get(request_id, [])
        for one in open_ones:
            if one.number == call.number and one.target == call.target.name:
                open_ones.remove(one)
                if not open_ones:
                    del self._open[request_id]
                self.store.void(one.reservation)
                self._settled_levels(one, 0)
                return

    def settled(self, receipt: Receipt) -> None:
        """Take up a settled receipt: what was set aside for its calls becomes what they cost."""
        self._tally.add(receipt)
        attempts = list(receipt.attempts)
        for one in self._open.pop(receipt.request_id, ()):
            attempt = _attempt_of(one, attempts)
            if attempt is None:
                cost, whose = 0, []
            else:
                # A cost that nobody knows counts as the whole of what was set aside.
                cost = one.worst if attempt.billed_nano is None else counted(attempt)
                whose = scopes(receipt, attempt)
            self.store.settle(one.reservation, cost, whose, one.at_ms)
            self._settled_levels(one, cost)
        for number, attempt in enumerate(attempts):
            # Nothing was set aside for it: no budget counted it when it was made.
            if cost := counted(attempt):
                name = f"{receipt.request_id}:{attempt.number}.unreserved{number}"
                self.store.settle(name, cost, scopes(receipt, attempt), attempt.started_at_ms)

    def _settled_levels(self, one: _Open, cost: NanoUSD) -> None:
        drawn = tuple(level.claim for level in one.levels)
        if self._memory is not None:
            if self.listeners:
                self._tell(self._memory.levels_now(drawn))
            return
        levels = []
        for claim in drawn:
            last = self._last.get((claim.counter, claim.starts_at_ms))
            if last is not None:
                levels.append(Level(claim, last.spent + cost, max(last.reserved - one.worst, 0)))
        self._known(tuple(levels))

    # -- how full budgets are

    def levels_of(self, caller: Caller, now_ms: int) -> tuple[Level, ...]:
        """How full the budgets are that count whatever this caller asks, as far as is known here: of a shared store, as
        of the last call that drew on them.
        """
        return self._levels(self._of_caller(caller, now_ms).claims)

    def all_levels(self, callers: Sequence[Caller], now_ms: int) -> tuple[Level, ...]:
        """The same of all budgets that are known of: these callers', and those that calls have drawn on."""
        drawn = {claim.counter: claim for caller in callers for claim in self._of_caller(caller, now_ms).claims}
        for ready in (*self._callers.values(), *self._calls.values()):
            for claim in claims(ready.entries, now_ms):
                drawn[claim.counter] = claim
        named = [
            Entry(counter(budget.kind, budget.name, budget), budget)
            for budget in self._budgets
            if budget.name != "*" and budget.kind != "key"  # a key may be meant by its name, and is counted by its id
        ]
        for claim in claims(named, now_ms):
            drawn.setdefault(claim.counter, claim)
        return self._levels(tuple(drawn.values()))

    def _levels(self, drawn: tuple[Claim, ...]) -> tuple[Level, ...]:
        if self._memory is not None:
            return self._memory.levels_now(drawn)
        last = self._last
        return tuple(last.get((claim.counter, claim.starts_at_ms)) or Level(claim, 0, 0) for claim in drawn)

    def _known(self, levels: tuple[Level, ...]) -> None:
        if self._memory is None:
            if len(self._last) > MOST_LEVELS:
                now = self._now_ms()
                self._last = {key: level for key, level in self._last.items() if level.claim.ends_at_ms > now}
            for level in levels:
                self._last[level.claim.counter, level.claim.starts_at_ms] = level
        if self.listeners:
            self._tell(levels)

    def _tell(self, levels: tuple[Level, ...]) -> None:
        for listener in self.listeners:
            try:
                listener(levels)
            except Exception:
                LOG.exception("a listener of budgets failed")

    def _tell_denied(self, denied: Denied) -> None:
        for listener in self.denials:
            try:
                listener(denied)
            except Exception:
                LOG.exception("a listener of budgets failed")

    # -- who draws on what

    def spent_before(self, claim: Claim) -> NanoUSD:
        """What was spent in a claim's window before anybody counted it here (for a store that begins a counter)."""
        cut = (claim.window, claim.zone)
        self._tally.follow(cut, self._now_ms())
        return self._tally.spent(claim.whose, cut, claim.starts_at_ms)

    def _drawn_on(self, caller: Caller, route: str, target: str, at_ms: int) -> tuple[Claim, ...]:
        found = self._of_caller(caller, at_ms).claims
        if self._by_call:
            found += self._of_call(route, target, at_ms).claims
        return found

    def _of_caller(self, caller: Caller, at_ms: int) -> _Ready:
        ready = self._callers.get(caller.key_id)
        if ready is not None and ready.from_ms <= at_ms < ready.until_ms:
            known = ready.caller
            if known is caller or known == caller:
                return ready
        if len(self._callers) >= MOST_CALLERS:
            self._callers.clear()
        ready = self._callers[caller.key_id] = _ready(of_caller(self._budgets, caller, self._zone), at_ms, caller)
        self._count_open_in(ready.claims)
        return ready

    def _of_call(self, route: str, target: str, at_ms: int) -> _Ready:
        ready = self._calls.get((route, target))
        if ready is None or not ready.from_ms <= at_ms < ready.until_ms:
            if len(self._calls) >= MOST_TARGETS:
                self._calls.clear()
            ready = self._calls[route, target] = _ready(of_call(self._by_call, route, target), at_ms, None)
            self._count_open_in(ready.claims)
        return ready

    def _count_open_ones(self) -> None:
        """Have new budgets count the calls under way."""
        for open_ones in self._open.values() if self._memory is not None else ():
            for one in open_ones:
                entries = of_caller(self._budgets, one.ask.caller, self._zone)
                entries += of_call(self._by_call, one.route, one.target)
                self._count_open_in(claims(entries, one.at_ms), one)

    def _count_open_in(self, drawn: tuple[Claim, ...], *only: _Open) -> None:
        """Have these count the calls under way that are theirs: their budget may be new, also by way of another key of
        the same team.
        """
        if self._memory is None or not self._open:
            return
        now = self._now_ms()
        for one in only or [one for open_ones in self._open.values() for one in open_ones]:
            caller = one.ask.caller
            names = {"global", f"key:{caller.key_id}", f"team:{caller.team}", f"user:{caller.user}"}
            names |= {f"route:{route_of(one.route)}", f"model:{one.target}"}
            mine = [claim for claim in drawn if claim.starts_at_ms <= one.at_ms < claim.ends_at_ms]
            if mine := [claim for claim in mine if claim.whose in names]:
                self._memory.count_too(one.reservation, tuple(mine), now)


def _images(body: bytes) -> int:
    """How many there are at most: each is told by a word of its own, a letter of which may be written otherwise."""
    return max(body.count(b"image") + escaped_letters(body), 1)


def _ready(entries: tuple[Entry, ...], at_ms: int, caller: Caller | None) -> _Ready:
    drawn = claims(entries, at_ms)
    from_ms = max((claim.starts_at_ms for claim in drawn), default=0)
    until_ms = min((claim.ends_at_ms for claim in drawn), default=1 << 62)
    return _Ready(caller, entries, drawn, from_ms, until_ms)


def _attempt_of(one: _Open, attempts: list[Attempt]) -> Attempt | None:
    """What became of a call, taken from its receipt's attempts, each of which is one call's; None: it was not made."""
    for place, attempt in enumerate(attempts):
        if attempt.number == one.number and f"{attempt.provider}/{attempt.model}" == one.target:
            return attempts.pop(place)
    return None

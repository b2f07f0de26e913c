"""5. What all stores of spending that outlive this process have alike: what is this process's own in them, how doubt
and lost data are dealt with. How a sum is kept, each says itself.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, cast
from zoneinfo import ZoneInfoNotFoundError

from tenbin.core.budget import FOREVER_MS, MOST_USD, Claim, Denied, Granted, Level, SpendingUnavailable, WindowKind
from tenbin.core.money import NANO_PER_USD, NanoUSD
from tenbin.decide.budget import window_of
from tenbin.execute.clock import Clock
from tenbin.execute.spending.memory import nothing_before
from tenbin.execute.spending.settling import Held, Settlement, Settling

MOST_NANO = MOST_USD * NANO_PER_USD
"""The largest amount that is counted, nano-USD; sums of several fit 64 bits, with which every store counts."""

KEPT_MS = 3_600_000
"""How long a window is kept after its end, for calls that began in it and end later."""

COUNTER = re.compile(r"(?P<whose>.*)/(?P<window>hour|day|week|month|total)(?:/soft)?(?:@(?P<zone>.*))?", re.DOTALL)
"""The parts of a counter's name (core.budget.Claim)."""

CLOSE_SECONDS = 5.0
"""How long ``close`` tries to tell what is still queued."""

MOST_DOUBTFUL = 10_000
"""Reservations of which it is not known whether the store has them; above it those past their deadline are let go."""

Seed: TypeAlias = Callable[[Claim], NanoUSD]
"""What this process's ledger knows to be spent in a claim's window: nano-USD, settled calls only."""

Window: TypeAlias = tuple[str, int]
"""A counter, and the UTC ms at which its window began."""


class ClientMissing(Exception):
    """What talks to a server is not installed; the message says how to get it."""


class Sum(NamedTuple):
    """What a store says of one window."""

    spent: NanoUSD
    reserved: NanoUSD


class Answer(NamedTuple):
    """What a store says of a reservation, or of levels alone."""

    status: Literal["granted", "denied", "ended", "lost"]
    """``ended``: it was settled or cancelled before. ``lost``: the store no longer knows what this process has told it:
    nothing was done."""
    sums: tuple[Sum, ...] = ()
    """Of each window asked for, this reservation counted if it was granted."""


class Own:
    """Of one window in a store: what of it is this process's."""

    __slots__ = ("claim", "others", "pending", "reserved", "seed")

    def __init__(self, claim: Claim, seed: NanoUSD) -> None:
        self.claim = claim
        self.seed = seed
        """What this owner's ledger knew when it came."""
        self.pending = 0
        """Of what the ledger knows now, the store does not know so much yet."""
        self.reserved = 0
        """Set aside, as the store knows it."""
        self.others = 0
        """What others had spent and set aside there, by the store's last answer."""


class Windows(dict[Window, Own]):
    """Windows, and whose they are."""

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[str, set[Window]] = {}

    def __setitem__(self, window: Window, own: Own) -> None:
        super().__setitem__(window, own)
        self.of.setdefault(own.claim.whose, set()).add(window)

    def __delitem__(self, window: Window) -> None:
        self.of[self[window].claim.whose].discard(window)
        super().__delitem__(window)


class SharedSpending:
    """A store of spending beside which this process keeps what it needs to stand in for the store's losses.

    Each window has a mark of every owner (a gateway's ledger) that has added what its ledger knew when it came. A mark
    that is gone tells that the store has lost its data: the process then adds its own again, and what it has set aside.
    """

    def __init__(self, owner: str, clock: Clock, seed: Seed = nothing_before) -> None:
        self._owner = owner
        self._clock = clock
        self._seed = seed
        self._settling = Settling(self._tell, clock)
        self._open: dict[str, Held] = {}
        self._asking = set[str]()
        """Those that the store is being asked for."""
        self._looking: set[str] | None = None
        """While it is looked for what an earlier process has left behind: what is this one's."""
        self._taken_over = set[str]()
        """Those that an earlier process has left behind."""
        self._doubtful: dict[str, Held] = {}
        self._seeding: dict[Window, NanoUSD] = {}
        """What is told of windows that this owner is about to come to; what is settled meanwhile is told after it."""
        self._windows = Windows()
        """Those that hold this owner's mark."""
        self._restored = 0
        """How often data were lost, and have been given back."""
        self._gathered = 0
        """How often what is to be given back was gathered: what was granted before and heard of later is not in it."""

    # -- what each store does

    async def _ask(self, reservation: str, held: Held, claims: Sequence[Claim], now_ms: int) -> Answer:
        """Set aside on ``claims`` (one for each window). Raises SpendingUnavailable."""
        raise NotImplementedError

    async def _look(self, claims: Sequence[Claim], now_ms: int) -> Answer:
        """The sums. Raises SpendingUnavailable."""
        raise NotImplementedError

    async def _tell(self, settlements: list[Settlement]) -> None:
        """Settle these; what is known of them already is left alone. Raises SpendingUnavailable."""
        raise NotImplementedError

    async def _restore(self, windows: Sequence[Own], reservations: Mapping[str, Held]) -> None:
        """Give the store back what it has lost. Raises SpendingUnavailable."""
        raise NotImplementedError

    async def _left_open(self) -> Mapping[str, Held]:
        """Reservations of this owner that nobody has settled; of their claims only the windows are known. Raises
        SpendingUnavailable.
        """
        raise NotImplementedError

    async def _marks(self) -> Iterable[Window]:
        """The windows that hold this owner's mark: of calls that do not draw on them they are told. Raises
        SpendingUnavailable.
        """
        raise NotImplementedError

    async def _disconnect(self) -> None:
        raise NotImplementedError

    def _put(self, settlement: Settlement) -> None:
        """Have it told."""
        self._count((settlement,), 1)
        self._settling.put(settlement)

    # -- the protocol

    async def reserve(
        self, reservation: str, claims: tuple[Claim, ...], worst: NanoUSD, now_ms: int, deadline_ms: int
    ) -> Granted | Denied:
        """Set ``worst`` aside on every claim, or nothing anywhere. Raises SpendingUnavailable."""
        if worst > MOST_NANO:
            raise SpendingUnavailable(f"no store counts an amount of {worst} nano-USD")
        self._settling.begin()
        asked = one_for_each_window(claims)
        if not asked:
            return Granted(())
        for claim in asked:
            if (window := _window(claim)) not in self._windows:
                self._seeding.setdefault(window, self._seeded(claim))
        held = Held(worst, deadline_ms, asked)
        known = self._open.get(reservation)
        self._asking.add(reservation)
        if self._looking is not None:
            self._looking.add(reservation)
        try:
            answer = await self._certain(lambda: self._ask(reservation, held, asked, now_ms), now_ms)
        except BaseException:
            if known is None:
                self._doubt(reservation, held, now_ms)
            raise
        finally:
            self._asking.discard(reservation)
        if answer.status == "ended":
            raise SpendingUnavailable(f"the reservation {reservation} was settled before")
        if answer.status == "granted" and known is None:
            self._open[reservation] = held
            self._doubtful.pop(reservation, None)
        self._note(asked, answer, worst if answer.status == "granted" and known is None else 0)
        found = levels_of(claims, asked, answer.sums)
        return Granted(found) if answer.status == "granted" else Denied(fullest(found, worst), worst)

    def settle(self, reservation: str, cost: NanoUSD, whose: Sequence[str] = (), at_ms: int = 0) -> None:
        """Replace what was set aside by what the call cost, once. Unknown reservations are left alone."""
        cost = min(cost, MOST_NANO)
        held = self._open.pop(reservation, None)
        if cost and whose:
            drawn = held or self._doubtful.get(reservation)
            self._settle_undrawn(reservation, cost, whose, at_ms, drawn.claims if drawn is not None else ())
        if held is None and (held := self._doubtful.pop(reservation, None)) is not None:
            if cost:  # it was made although the store could not be asked
                self._put(Settlement(reservation, cost, "charge", held))
            return  # its cancellation is queued already
        self._put(Settlement(reservation, cost, "settle", held))

    def _settle_undrawn(
        self, reservation: str, cost: NanoUSD, whose: Sequence[str], at_ms: int, drawn: Sequence[Claim]
    ) -> None:
        begun = {window for name in whose for window in self._windows.of.get(name, ())}
        claims = [self._windows[window].claim for window in sorted(begun - set(map(_window, drawn)))]
        claims = [claim for claim in claims if claim.starts_at_ms <= at_ms < claim.ends_at_ms]
        if claims:
            self._put(Settlement(f"{reservation}+", cost, "charge", Held(0, at_ms, tuple(claims))))

    def void(self, reservation: str) -> None:
        """The call was not made, or cost nothing."""
        self.settle(reservation, 0)

    async def levels(self, claims: tuple[Claim, ...], now_ms: int) -> tuple[Level, ...]:
        """How full each is now. Raises SpendingUnavailable."""
        self._settling.begin()
        asked = one_for_each_window(claims)
        answer = await self._certain(lambda: self._look(asked, now_ms), now_ms)
        return levels_of(claims, asked, answer.sums)

    async def _certain(self, ask: Callable[[], Awaitable[Answer]], now_ms: int) -> Answer:
        """An answer by a store that has not lost what this process told it. Raises SpendingUnavailable."""
        for _ in range(3):
            gathered, restored = self._gathered, self._restored
            answer = await ask()
            if answer.status == "lost":
                await self._recover(restored, now_ms)
            elif gathered == self._gathered:
                return answer
        raise SpendingUnavailable("the store of spending loses what it is told")

    async def unsettled(self) -> tuple[str, ...]:
        """Reservations that an earlier process of this gateway has left behind: nobody but this one will settle them.
        Raises SpendingUnavailable.
        """
        queued = {one.reservation for one in self._settling.queued()}
        self._looking = known = queued | self._open.keys() | self._asking
        try:
            left = await self._left_open()
        finally:
            self._looking = None
        for reservation, held in left.items():
            if reservation not in known:
                self._open[reservation] = held
                self._taken_over.add(reservation)
                for claim in held.claims:  # they hold this owner's mark
                    if _window(claim) not in self._windows:
                        self._windows[_window(claim)] = Own(claim, 0)
                self._hold_own(held)
        now_ms = self._clock.now_ms()
        for window in await self._marks():
            marked = claim_again(*window)
            if marked is not None and window not in self._windows and marked.ends_at_ms + KEPT_MS > now_ms:
                self._windows[window] = Own(marked, 0)
        self._taken_over &= self._open.keys()
        return tuple(one for one in left if one in self._taken_over)

    async def told(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Wait until the store knows of everything that was settled; False if it does not within the time."""
        return await self._settling.told(seconds)

    async def close(self) -> None:
        """Settle what is still to be told to the store, and let go of it."""
        await self._settling.finish(CLOSE_SECONDS)
        await self._disconnect()

    # -- what is this process's own

    def _seeds(self, claims: Sequence[Claim]) -> list[NanoUSD | None]:
        """For each window what this owner adds when it first comes; None where its mark stands already."""
        return [None if _window(claim) in self._windows else self._seeded(claim) for claim in claims]

    def _seeded(self, claim: Claim) -> NanoUSD:
        known = self._seeding.get(_window(claim))
        return min(self._seed(claim), MOST_NANO) if known is None else known

    def _note(self, claims: Sequence[Claim], answer: Answer, more: NanoUSD) -> None:
        """What the store holds in these windows: the process's own and others'."""
        for claim, total in zip(claims, answer.sums, strict=True):
            own = self._windows.get(_window(claim))
            if own is not None:
                own.reserved += more
                known = self._seed(claim) - own.pending + own.reserved
                own.others = max(0, total.spent + total.reserved - known)

    def _marked(self, claims: Iterable[Claim], seeds: Iterable[NanoUSD | None], now_ms: int) -> None:
        """The store has this owner's mark on these windows now."""
        new = [(claim, seed) for claim, seed in zip(claims, seeds, strict=True) if seed is not None]
        for claim, seed in new:
            window = _window(claim)
            self._seeding.pop(window, None)
            if window not in self._windows:
                self._windows[window] = Own(claim, seed)
                if (late := min(self._seed(claim), MOST_NANO) - seed) > 0:
                    name = f"{self._owner}:{claim.counter}:{claim.starts_at_ms}:{now_ms}"
                    self._put(Settlement(name, late, "charge", Held(0, now_ms, (claim,))))
        if new:
            for window, own in list(self._windows.items()):
                if own.claim.ends_at_ms + KEPT_MS < now_ms:
                    del self._windows[window]

    def _count(self, settlements: Iterable[Settlement], sign: Literal[1, -1]) -> None:
        """These are on their way (1), or the store knows of them (-1)."""
        for one in settlements:
            if one.held is None or one.kind == "cancel":
                continue
            for claim in one.held.claims:
                own = self._windows.get(_window(claim))
                if own is not None:
                    own.pending += sign * one.cost
                    if one.kind == "settle" and sign < 0:
                        own.reserved -= one.held.worst

    def _hold_own(self, held: Held) -> None:
        for claim in held.claims:
            own = self._windows.get(_window(claim))
            if own is not None:
                own.reserved += held.worst

    def _doubt(self, reservation: str, held: Held, now_ms: int) -> None:
        """Nobody knows whether the store has it."""
        self._put(Settlement(reservation, 0, "cancel", held))
        self._doubtful[reservation] = held
        if len(self._doubtful) > MOST_DOUBTFUL:
            for old, doubtful in list(self._doubtful.items()):
                if doubtful.deadline_ms < now_ms:
                    del self._doubtful[old]

    async def _recover(self, known: int, now_ms: int) -> None:
        """The store has lost its data: give back what is this process's. Raises SpendingUnavailable."""
        async with self._settling.lock:
            if self._restored == known:
                await self._give_back(now_ms)

    async def _give_back(self, now_ms: int | None = None) -> None:
        """As ``_recover``, while no batch of settlements is under way."""
        now_ms = self._clock.now_ms() if now_ms is None else now_ms
        known = [own.claim for own in self._windows.values() if own.claim.ends_at_ms + KEPT_MS >= now_ms]
        windows = Windows()
        for claim in known:
            window = (claim.counter, claim.starts_at_ms)
            own = windows[window] = Own(claim, min(self._seed(claim), MOST_NANO))
            own.others = self._windows[window].others
        reservations = dict(self._open)
        self._gathered += 1
        queued = [one for one in self._settling.queued() if one.kind == "settle" and one.held is not None]
        charges = self._settling.charges()
        await self._restore(list(windows.values()), reservations)
        self._settling.drop(charges)  # the ledger's sums hold them
        self._windows = windows
        for held in (*reservations.values(), *(one.held for one in queued if one.held is not None)):
            self._hold_own(held)
        self._count(queued, 1)
        self._restored += 1


def _window(claim: Claim) -> Window:
    return claim.counter, claim.starts_at_ms


def held_again(worst: NanoUSD, deadline_ms: int, windows: Iterable[Window], until_ms: int) -> Held:
    """What an earlier process has set aside, as a store knows it; ``until_ms``: how long anybody asks for it."""
    claims = []
    for counter, starts_at_ms in windows:
        unnamed = Claim(counter, starts_at_ms, until_ms - KEPT_MS if starts_at_ms else FOREVER_MS, 0, False)
        claims.append(claim_again(counter, starts_at_ms) or unnamed)
    return Held(worst, deadline_ms, tuple(claims))


def claim_again(counter: str, starts_at_ms: int) -> Claim | None:
    """What was drawn on, by the window's name; None where it is no name of ours."""
    named = COUNTER.fullmatch(counter)
    if named is None:
        return None
    kind, zone = cast(WindowKind, named["window"]), named["zone"] or "UTC"
    try:
        _, ends_at_ms = window_of(kind, zone, starts_at_ms)
    except (ZoneInfoNotFoundError, ValueError, OverflowError, OSError):
        return None
    return Claim(counter, starts_at_ms, ends_at_ms, 0, False, named["whose"], kind, zone)


def one_for_each_window(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Each window once, in the order of their names, in which all gateways take them: with the smallest of its hard
    limits, none above MOST_NANO.
    """
    found: dict[Window, Claim] = {}
    for claim in claims:
        if claim.hard and claim.limit > MOST_NANO:
            claim = claim._replace(limit=MOST_NANO)
        other = found.get((claim.counter, claim.starts_at_ms))
        if other is None or (claim.hard and (not other.hard or claim.limit < other.limit)):
            found[claim.counter, claim.starts_at_ms] = claim
    return tuple(found[window] for window in sorted(found))


def levels_of(claims: tuple[Claim, ...], asked: Sequence[Claim], sums: Sequence[Sum]) -> tuple[Level, ...]:
    """The level of each claim, by the sums of the windows."""
    of = {(one.counter, one.starts_at_ms): total for one, total in zip(asked, sums, strict=True)}
    return tuple(Level(claim, *of[claim.counter, claim.starts_at_ms]) for claim in claims)


def without_room(level: Level, worst: NanoUSD) -> bool:
    """Whether an amount might pass a hard limit."""
    claim = level.claim
    return claim.hard and level.spent + level.reserved + worst > min(claim.limit, MOST_NANO)


def fullest(levels: Iterable[Level], worst: NanoUSD) -> Level:
    """Of those without room the one whose share is largest."""
    return max((level for level in levels if without_room(level, worst)), key=lambda level: level.share)

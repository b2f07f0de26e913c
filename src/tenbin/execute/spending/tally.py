"""7. What has been spent so far, by whom and in which window: a fold of receipts that goes on from the ledger.

A budget that is put in force in the middle of its window finds here what was spent before.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tenbin.core.budget import WindowKind
from tenbin.core.money import NanoUSD
from tenbin.core.receipt import Attempt, Receipt
from tenbin.decide.budget import route_of, window_of

Sums: TypeAlias = dict[str, NanoUSD]
"""By whose it is: ``team:search``, ``global``, ``model:acme/anvil``."""

Load: TypeAlias = Callable[[int], Mapping[str, NanoUSD]]
"""What all attempts that began at a moment (UTC ms) or later have cost, as the ledger has it, settled to the last."""

Cut: TypeAlias = tuple[WindowKind, str]
"""A length of window, and the time zone in which it begins."""


def counted(attempt: Attempt) -> NanoUSD:
    """What budgets count for an attempt: what it is taken to cost, and for one that nobody saw the end of no less than
    was set aside for it.
    """
    return max(attempt.billed_nano or 0, attempt.reserved_nano or 0)


def scopes(receipt: Receipt, attempt: Attempt) -> list[str]:
    """All that an attempt's cost counts for."""
    found = ["global", f"key:{receipt.key_id}", f"model:{attempt.provider}/{attempt.model}"]
    if receipt.team:
        found.append(f"team:{receipt.team}")
    if receipt.user:
        found.append(f"user:{receipt.user}")
    if receipt.route:
        found.append(f"route:{route_of(receipt.route)}")
    return found


class Tally:
    """Sums of the present window and the one before, for each cut that was asked for."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._windows: dict[Cut, list[tuple[int, int, Sums]]] = {}
        """The newest last; each begins where it is said and ends where it is said."""

    def add(self, receipt: Receipt) -> None:
        """Count a settled receipt, once."""
        if not self._windows:
            return
        for attempt in receipt.attempts:
            cost = counted(attempt)
            if not cost:
                continue
            names = scopes(receipt, attempt)
            for cut in self._windows:
                sums = self._sums(cut, attempt.started_at_ms)
                if sums is not None:
                    for name in names:
                        sums[name] = sums.get(name, 0) + cost

    def follow(self, cut: Cut, now_ms: int) -> None:
        """Count windows of this cut from now on; what the ledger has of the present one is taken up. Blocks while it is
        read, the first time. Raises what the ledger raises.
        """
        if cut not in self._windows:
            start, end = window_of(*cut, now_ms)
            self._windows[cut] = [(start, end, dict(self._load(start)))]

    def spent(self, whose: str, cut: Cut, start_ms: int) -> NanoUSD:
        """What was spent in a window of a cut that is followed."""
        for start, _, sums in self._windows.get(cut, ()):
            if start == start_ms:
                return sums.get(whose, 0)
        return 0

    def _sums(self, cut: Cut, at_ms: int) -> Sums | None:
        windows = self._windows[cut]
        for start, end, sums in reversed(windows):
            if start <= at_ms < end:
                return sums
        if at_ms < windows[0][0]:
            return None  # of a window that is over, and whose budget nobody asks for any more
        start, end = window_of(*cut, at_ms)
        fresh: Sums = {}
        windows.append((start, end, fresh))
        del windows[:-2]
        return fresh

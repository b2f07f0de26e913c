"""5. A hard limit on what background work may cost in a day: the dearest outcome is set aside before each call."""

from tenbin.core.money import NanoUSD

DAY_MS = 86_400_000


class SpendOfDay:
    """Nano-USD spent and set aside in the present day (UTC)."""

    def __init__(self, most: NanoUSD) -> None:
        self.most = most
        """What a day may cost; may be changed at any time."""
        self._day = -1
        self.spent: NanoUSD = 0
        self.set_aside: NanoUSD = 0

    def begin(self, now_ms: int, spent: NanoUSD) -> None:
        """Take up a day that an earlier process has begun."""
        self._turn(now_ms)
        self.spent += spent

    def reserve(self, amount: NanoUSD, now_ms: int) -> bool:
        """Set an amount aside; False, and nothing is, when the day's limit might be passed."""
        self._turn(now_ms)
        if self.spent + self.set_aside + amount > self.most:
            return False
        self.set_aside += amount
        return True

    def give_back(self, amount: NanoUSD) -> None:
        """Of what was set aside, so much is not needed after all."""
        self.set_aside -= amount

    def settle(self, reserved: NanoUSD, cost: NanoUSD | None) -> None:
        """What was set aside has become a cost; one that nobody knows counts as the whole of it. It counts for the day
        in which it is known.
        """
        self.set_aside -= reserved
        self.spent += reserved if cost is None else cost

    def _turn(self, now_ms: int) -> None:
        day = now_ms // DAY_MS
        if day > self._day:
            self._day, self.spent = day, 0
        elif day < self._day - 1:  # a clock that was wrong; put back by less, it gives nobody a second day's limit
            self._day = day


def start_of_day(now_ms: int) -> int:
    """UTC ms at which the present day began."""
    return now_ms - now_ms % DAY_MS

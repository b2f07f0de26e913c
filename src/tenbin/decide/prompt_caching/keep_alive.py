"""4. Is a warm prefix worth another read only to keep it warm? While a person is silent, each life of it anew."""

from tenbin.core.price import Rates
from tenbin.decide.outlook import Outlook


def comes_back(ahead: Outlook, silent_ms: float, life_ms: float) -> float:
    """The chance that the conversation's next request comes within the next ``life_ms``, after ``silent_ms`` in which
    none came: by the table's times between requests, and by how likely it is that there is a next one at all.
    """
    going_on = ahead.turns / (1 + ahead.turns)
    silent = 1 - going_on * ahead.alive(silent_ms)
    if silent <= 0:
        return 0.0
    coming = going_on * max(ahead.alive(silent_ms + life_ms) - ahead.alive(silent_ms), 0.0)
    return min(coming / silent, 1.0)


def worth_a_read(rates: Rates, chance: float, *, long: bool = False) -> bool:
    """Whether to read a prefix only so that it lives on: with this chance it saves a write in place of a read, and it
    costs a read now: chance x (w - r) > r. Not where a price is unknown.
    """
    write = rates.cache_write_1h if long else rates.cache_write_5m
    if write is None or rates.cache_read is None:
        return False
    return chance * (write - rates.cache_read) > rates.cache_read

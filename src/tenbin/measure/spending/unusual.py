"""8. Days and hours out of the usual, as the ledger has them: whose, and who drove everybody's."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tenbin.core.money import NanoUSD
from tenbin.decide.budget import window_of
from tenbin.ledger.spending import SLOT_MS, SpendingDimension, Spendings
from tenbin.measure.spending.anomalies import Anomaly, Scope, anomalies, fast_hour

BEFORE_DAYS = 60
"""Days before the first one that is judged."""
BEFORE_HOURS = 168
"""Hours before the last one."""
QUARTERS = 4
"""Slots of an hour."""
MOST_DRIVERS = 3
LEAST_DRIVER = 0.1
"""Share of what was spent beyond the usual from which on somebody is said to have driven it."""

Driver = tuple[Scope, str, NanoUSD]
"""Whose, and how much more than usual they spent."""


class Found(NamedTuple):
    """All that is out of the usual."""

    all: tuple[Anomaly, ...]
    """The newest first."""
    drivers: Mapping[Anomaly, tuple[Driver, ...]]
    """Of everybody's: who spent more than usual, the most first."""
    known_days: int
    """Days from the first one that anything is known of."""


def found_in(
    spent: Spendings,
    now_ms: int,
    zone: str,
    *,
    judge: int,
    by: Sequence[SpendingDimension],
    least: NanoUSD,
) -> Found:
    """Days out of the usual among the last ``judge`` ones (today so far is one), and the last hour. Days begin as the
    zone's clocks have it. Raises sqlite3.Error.
    """
    starts = _days(zone, now_ms, judge + BEFORE_DAYS)
    series = _series(spent, [*starts, now_ms + 1], by)
    first = spent.first_ms()
    known = 0 if first is None else sum(end > first for end in [*starts[1:], now_ms + 1])
    found = anomalies(series, starts, judge=judge, least=least)
    drivers = {one: _drivers(series, starts.index(one.at_ms), by) for one in found if one.kind == "global" and one.told}
    return Found((*_hour(spent, now_ms, by, least), *found), drivers, known)


def _hour(spent: Spendings, now_ms: int, by: Sequence[SpendingDimension], least: NanoUSD) -> list[Anomaly]:
    """Who spends out of the usual in the last four quarters of an hour, the present one among them."""
    last = now_ms - now_ms % SLOT_MS - (QUARTERS - 1) * SLOT_MS
    starts = [last - back * QUARTERS * SLOT_MS for back in range(BEFORE_HOURS, -1, -1)]
    found = [
        fast_hour(hours, last, kind, name, least=least)
        for (kind, name), hours in _series(spent, [*starts, now_ms + 1], by).items()
    ]
    return [one for one in found if one is not None]


def _series(
    spent: Spendings, bounds: Sequence[int], by: Sequence[SpendingDimension]
) -> dict[tuple[Scope, str], list[NanoUSD]]:
    found: dict[tuple[Scope, str], list[NanoUSD]] = {("global", ""): [0] * (len(bounds) - 1)}
    found[("global", "")] = spent.series(bounds).get((), found[("global", "")])
    for scope in by:
        for (name,), amounts in spent.series(bounds, (scope,)).items():
            if name:
                found[(scope, name)] = amounts  # type: ignore[index]  # of the dimensions those that are scopes
    return found


def _drivers(
    series: Mapping[tuple[Scope, str], Sequence[NanoUSD]], place: int, by: Sequence[SpendingDimension]
) -> tuple[Driver, ...]:
    """Who spent how much more on that day than on the usual one before, by the first of the dimensions."""
    more = {
        (kind, name): days[place] - _usual(days[max(0, place - 7) : place])
        for (kind, name), days in series.items()
        if kind in by[:1]
    }
    whole = series[("global", "")]
    beyond = whole[place] - _usual(whole[max(0, place - 7) : place])
    ranked = sorted(more.items(), key=lambda item: -item[1])[:MOST_DRIVERS]
    return tuple((kind, name, amount) for (kind, name), amount in ranked if amount > LEAST_DRIVER * max(beyond, 1))


def _usual(days: Sequence[NanoUSD]) -> NanoUSD:
    return sorted(days)[len(days) // 2] if days else 0


def _days(zone: str, now_ms: int, count: int) -> list[int]:
    """UTC ms at which the last days began, today's last."""
    starts = [window_of("day", zone, now_ms)[0]]
    while len(starts) < count:
        starts.append(window_of("day", zone, starts[-1] - 1)[0])
    return starts[::-1]

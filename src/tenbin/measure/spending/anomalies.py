"""8. Was that day, or that hour, out of the usual? Mean + 3 sd, and a rule that trend and old spikes do not fool.

Pure: amounts in nano-USD, oldest first; the last one is judged by those before it. docs/pace.md says what they see.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median, stdev
from typing import Literal, TypeAlias

import msgspec

from tenbin.core.money import NANO_PER_USD, NanoUSD

LEAST_DAYS = 3
"""Days before that the mean + 3 sd is made of, at least."""
DEVIATIONS = 3.0
CRITICAL_TIMES = 2.0
"""Above so many times the threshold it is critical."""

ROBUST_DAYS = 8
"""Days before that the robust rule needs, at least."""
WEEK = 7
SAME_WEEKDAYS = 3
"""Earlier days of the same weekday from which its own level is known."""
MOST_DEVIATION = 3.5
"""Of the modified z-score: the limit of Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993)."""
NORMAL_MAD = 1.4826
"""The standard deviation of normally distributed values over their median absolute deviation: 1 / 0.6745."""
LEAST_SPREAD = 0.1
"""Of the logarithms: spending that was the same to the cent for weeks may still change by some 40 %."""
OFFSET_SHARE = 0.05
"""Of its level is added to a day before logarithms are taken: a day of almost nothing is no event."""

LEAST_HOURS = 12
"""Hours with any spending before, that an hour's usual spending is known from."""
LEAST_HOUR_SPREAD = 0.3
"""The same of hours, whose spending is less even: an hour may always be some 2.8 times the usual one."""
LEAST_NANO: NanoUSD = NANO_PER_USD // 10
"""Less than this is never told of: ten cents."""

Rule: TypeAlias = Literal["mean_3sd", "robust", "hour"]
Severity: TypeAlias = Literal["warning", "critical"]
Scope: TypeAlias = Literal["global", "team", "user", "key", "route", "model"]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule says of the last amount."""

    rule: Rule
    usual_nano: NanoUSD
    """What was to be expected."""
    threshold_nano: NanoUSD
    """Above it is out of the usual."""

    def severity(self, spent: NanoUSD) -> Severity | None:
        """None: within the usual."""
        if spent <= self.threshold_nano:
            return None
        return "critical" if spent > CRITICAL_TIMES * self.threshold_nano else "warning"


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's day, or hour, out of the usual."""

    kind: Scope
    name: str
    """Whose: a key's id, a route ...; empty for ``global``."""
    at_ms: int
    """UTC ms at which the day, or the hour, began."""
    spent_nano: NanoUSD
    severity: Severity
    told: tuple[Judged, ...]
    """The rules that it is beyond."""
    within_trend: bool = False
    """Beyond the mean + 3 sd, but where the trend leads and what the weekday brings: nothing has broken."""


def mean_3sd(days: Sequence[NanoUSD]) -> Judged | None:
    """The mean and the standard deviation (of a sample) of the days before the last one; None for fewer than three."""
    before = days[:-1]
    if len(before) < LEAST_DAYS:
        return None
    mean = fmean(before)
    return Judged(rule="mean_3sd", usual_nano=round(mean), threshold_nano=round(mean + DEVIATIONS * stdev(before)))


def robust(days: Sequence[NanoUSD]) -> Judged | None:
    """The last day against the level of the week before it, as days are to that level here.

    Of each day the logarithm, less the median of the seven days before, less what its weekday is used to being above or
    below that (once three of them are known): growth, seasons of the week and single spikes all vanish in medians. What
    is left has a median and a MAD, from which the last day may be MOST_DEVIATION away. None for fewer than eight days,
    or after a week in most of which nothing was spent.
    """
    last = len(days) - 1
    if last < ROBUST_DAYS:
        return None
    levels = {at: median(days[max(0, at - WEEK) : at]) for at in range(LEAST_DAYS, len(days))}
    left = {at: _above(days[at], level) for at, level in levels.items() if at != last and level > 0}
    if levels[last] <= 0 or len(left) < ROBUST_DAYS - LEAST_DAYS:
        return None
    season = {weekday: _season(left, weekday) for weekday in range(WEEK)}
    rest = [value - season[at % WEEK] for at, value in left.items()]
    centre = median(rest)
    spread = max(NORMAL_MAD * median(abs(value - centre) for value in rest), LEAST_SPREAD)
    if any(season.values()):
        # The season of so few weeks has taken some of the days' own scatter with it.
        weeks = max(len(left) / WEEK, 2.0)
        spread *= weeks / (weeks - 1)
    usual = season[last % WEEK] + centre
    return Judged(
        rule="robust",
        usual_nano=_at(usual, levels[last]),
        threshold_nano=_at(usual + MOST_DEVIATION * spread, levels[last]),
    )


def hour(hours: Sequence[NanoUSD]) -> Judged | None:
    """The last hour against those before it in which anything was spent: the median of their logarithms and their MAD.
    None where fewer than twelve are known.
    """
    logs = [math.log(amount) for amount in hours[:-1] if amount > 0]
    if len(logs) < LEAST_HOURS:
        return None
    centre = median(logs)
    spread = max(NORMAL_MAD * median(abs(value - centre) for value in logs), LEAST_HOUR_SPREAD)
    return Judged(
        rule="hour",
        usual_nano=round(math.exp(centre)),
        threshold_nano=round(math.exp(centre + MOST_DEVIATION * spread)),
    )


def anomaly(
    days: Sequence[NanoUSD], at_ms: int, kind: Scope = "global", name: str = "", *, least: NanoUSD = LEAST_NANO
) -> Anomaly | None:
    """Whether the last day is out of the usual; ``at_ms``: when it began.

    Everybody's spending is judged by the mean + 3 sd and by the robust rule; anybody's own by the robust rule, and by
    the other one only as long as that knows too little. Days before the first that cost anything do not count.
    """
    first = next((place for place, day in enumerate(days) if day), len(days))
    days = days[first:]
    if not days or days[-1] < least:
        return None
    plain, by_trend = mean_3sd(days), robust(days)
    judged = [plain, by_trend] if kind == "global" or by_trend is None else [by_trend]
    return _told([one for one in judged if one is not None], days[-1], at_ms, kind, name, by_trend)


def fast_hour(
    hours: Sequence[NanoUSD], at_ms: int, kind: Scope = "global", name: str = "", *, least: NanoUSD = LEAST_NANO
) -> Anomaly | None:
    """Whether more is being spent in the last hour than ever so often; ``at_ms``: when it began."""
    judged = hour(hours)
    if judged is None or hours[-1] < least:
        return None
    return _told([judged], hours[-1], at_ms, kind, name, judged)


def anomalies(
    series: Mapping[tuple[Scope, str], Sequence[NanoUSD]], starts: Sequence[int], *, judge: int = 1, least: NanoUSD
) -> list[Anomaly]:
    """Every day out of the usual among the last ``judge`` ones, each by the days before it; the newest first, then the
    dearest. ``series``: by whose, one amount for each of ``starts`` (UTC ms at which days began).
    """
    found = [
        one
        for (kind, name), days in series.items()
        for place in range(max(len(days) - judge, 0), len(days))
        if (one := anomaly(days[: place + 1], starts[place], kind, name, least=least)) is not None
    ]
    return sorted(found, key=lambda one: (-one.at_ms, one.kind != "global", -one.spent_nano))


def _above(day: NanoUSD, level: float) -> float:
    """The logarithm of a day over its level, OFFSET_SHARE of the level added to both."""
    return math.log((day / level + OFFSET_SHARE) / (1 + OFFSET_SHARE))


def _at(above: float, level: float) -> NanoUSD:
    """The amount that is so much above a level; the inverse of ``_above``."""
    return max(round((math.exp(above) * (1 + OFFSET_SHARE) - OFFSET_SHARE) * level), 0)


def _season(left: Mapping[int, float], weekday: int) -> float:
    """What the days of a weekday (counted from the first day) are usually above or below their level; 0 while too few
    are known.
    """
    values = [value for at, value in left.items() if at % WEEK == weekday]
    return median(values) if len(values) >= SAME_WEEKDAYS else 0.0


def _told(
    judged: Sequence[Judged], spent: NanoUSD, at_ms: int, kind: Scope, name: str, by_trend: Judged | None
) -> Anomaly | None:
    beyond = [(one, severity) for one in judged if (severity := one.severity(spent)) is not None]
    if not beyond:
        return None
    return Anomaly(
        kind=kind,
        name=name,
        at_ms=at_ms,
        spent_nano=spent,
        severity="critical" if any(severity == "critical" for _, severity in beyond) else "warning",
        told=tuple(one for one, _ in beyond),
        within_trend=by_trend is not None and by_trend.severity(spent) is None,
    )

"""7. Prices as a table: which model a name means, and what it costs at one moment. Pure: reads no file and no clock.

The table is made from the price library by ``price_source``; rates are integer pico-USD per token (or per search, per
request), so that a whole month of sums never meets a float.
"""

import re
from typing import Any, TypeAlias

import msgspec

from tenbin.core.money import PicoUSD
from tenbin.core.price import Price, Rates

DAY_MS = 86_400_000

Match: TypeAlias = tuple[str, Any]
"""How a model is recognised: ``(operator, text)``, or ``("or" | "and", [Match, ...])``."""

StandardTiers = frozenset({"", "auto", "default", "standard", "on_demand", "scale"})
"""Service tiers that cost the list price."""


class Rate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One bucket's price: pico-USD for each unit, and what it becomes above so many prompt tokens (rising order)."""

    base: PicoUSD
    steps: tuple[tuple[int, PicoUSD], ...] = ()

    def above(self, prompt: int) -> PicoUSD:
        """The price when the prompt has this many tokens; a step counts for every token of the request."""
        price = self.base
        for start, stepped in self.steps:
            if prompt > start:
                price = stepped
        return price


class Period(msgspec.Struct, frozen=True, array_like=True):
    """Prices from a day on, or in certain hours of each day; the last one of a model that holds is in force."""

    rates: dict[str, Rate]
    start_ms: int | None = None
    """Holds from this moment on, UTC ms."""
    hours: tuple[int, int] | None = None
    """Holds each day from the first millisecond of the day to before the second one, UTC; may cross midnight."""

    def holds(self, at_ms: int) -> bool:
        """Whether it is in force."""
        if self.hours is not None:
            now, (begin, end) = at_ms % DAY_MS, self.hours
            return now >= begin or now < end if end < begin else begin <= now < end
        return self.start_ms is None or at_ms >= self.start_ms

    @property
    def since(self) -> str:
        """For the label: ``since 2026-10-07``, ``01:00-04:00 UTC``, or nothing."""
        if self.hours is not None:
            begin, end = (f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}" for ms in self.hours)
            return f"{begin}-{end} UTC"
        return "" if self.start_ms is None else f"since {iso_day(self.start_ms)}"


class Variant(msgspec.Struct, frozen=True, array_like=True):
    """Prices for a service tier (batch, flex, priority, fast ...), in place of the same buckets of the period."""

    words: tuple[str, ...]
    """All of these must stand in the answer's service tier."""
    period: Period


class Modifier(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All token prices times a fraction, for a service tier that no Variant lists."""

    word: str
    numerator: int
    denominator: int
    start_ms: int | None = None


class ModelRow(msgspec.Struct, frozen=True, array_like=True):
    """One model at one provider."""

    id: str
    match: Match
    periods: tuple[Period, ...]
    variants: tuple[Variant, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    source: str = ""
    """Where the prices come from, when not from the library."""


class ProviderRow(msgspec.Struct, frozen=True, array_like=True):
    """One provider's price list."""

    id: str
    url_pattern: str
    """Regular expression that its base URL begins with."""
    borrows_from: tuple[str, ...]
    """Providers whose prices it takes for models that it does not list."""
    models: tuple[ModelRow, ...]


class PriceTable(msgspec.Struct, frozen=True, array_like=True):
    """All price lists. A provider's stays encoded until it is asked for: most never are."""

    source: str
    """Library and version, for labels: ``genai-prices 0.2.3``."""
    url_patterns: tuple[tuple[str, str], ...]
    """(pattern, provider id), in the library's order."""
    families: tuple[tuple[Match, str], ...]
    """Which names are whose model, wherever it is served: for proxies such as LiteLLM."""
    providers: dict[str, msgspec.Raw]
    """Encoded ProviderRows, by id."""


def iso_day(at_ms: int) -> str:
    """The UTC day of a moment, ``2026-11-21`` (civil-from-days; Howard Hinnant, chrono-compatible date algorithms)."""
    days = at_ms // DAY_MS + 719_468
    era, day_of_era = divmod(days, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    return f"{year_of_era + era * 400 + (month <= 2):04d}-{month:02d}-{day:02d}"


def matches(match: Match, name: str) -> bool:
    """Whether a model's name (in lower case) is the one meant."""
    operator, value = match
    if operator == "or":
        return any(matches(part, name) for part in value)
    if operator == "and":
        return all(matches(part, name) for part in value)
    if operator == "regex":
        return re.search(value, name) is not None
    if operator == "starts_with":
        return name.startswith(value)
    if operator == "ends_with":
        return name.endswith(value)
    if operator == "contains":
        return value in name
    assert operator == "equals", operator
    return name == str(value)


def find_model(row: ProviderRow, name: str) -> ModelRow | None:
    """The first model of a price list that the name means."""
    return next((model for model in row.models if matches(model.match, name)), None)


def resolve(model: ModelRow, at_ms: int, tier: str | None, source: str, where: str) -> tuple[Price, int, int] | None:
    """The model's price at a moment, and from when to before when (UTC ms) it stays the same.

    ``tier`` is the service tier that the answer echoes, several words joined by ``+`` (``fast+us``). None when the list
    names the model but no price for it.
    """
    period = next((p for p in reversed(model.periods) if p.holds(at_ms)), model.periods[0])
    rates = dict(period.rates)
    words = tiers(tier)
    listed, since = set[str](), [period.since]
    for variant in model.variants:
        if words.issuperset(variant.words) and variant.period.holds(at_ms):
            for bucket, rate in variant.period.rates.items():
                if bucket not in listed:
                    rates[bucket] = rate
            listed |= variant.period.rates.keys()
            since.append(variant.period.since)
            words -= set(variant.words)
    if not rates:
        return None
    notes, factors = sorted(tiers(tier) - words), list[Modifier]()
    for word in sorted(words):
        modifier = next((m for m in model.modifiers if m.word == word and _begun(m.start_ms, at_ms)), None)
        if modifier is None:
            notes.append(f"{word} not listed")
        else:
            factors.append(modifier)
            notes.append(f"{word} x{modifier.numerator / modifier.denominator:g}")
    label = " ".join(filter(None, [f"{model.source or source}: {where}/{model.id}", *notes, max(since)]))
    begin, end = _unchanged(model, at_ms)
    return Price(label=label, steps=_steps(rates, factors)), begin, end


def tiers(tier: str | None) -> set[str]:
    """The words of an echoed service tier that may change the price."""
    return set((tier or "").lower().split("+")) - StandardTiers


def _begun(start_ms: int | None, at_ms: int) -> bool:
    return start_ms is None or at_ms >= start_ms


def _unchanged(model: ModelRow, at_ms: int) -> tuple[int, int]:
    """The span around a moment within which no period or variant begins or ends."""
    midnight = at_ms - at_ms % DAY_MS
    edges = [midnight - DAY_MS, midnight + 2 * DAY_MS]
    for period in (*model.periods, *(variant.period for variant in model.variants)):
        if period.hours is not None:
            edges += [midnight + day * DAY_MS + ms for ms in period.hours for day in (-1, 0, 1)]
        if period.start_ms is not None:
            edges.append(period.start_ms)
    edges += [m.start_ms for m in model.modifiers if m.start_ms is not None]
    return max(edge for edge in edges if edge <= at_ms), min(edge for edge in edges if edge > at_ms)


def _steps(rates: dict[str, Rate], factors: list[Modifier]) -> tuple[tuple[int, Rates], ...]:
    starts = sorted({start for rate in rates.values() for start, _ in rate.steps})
    return tuple((start, _at(rates, start + 1, factors)) for start in (0, *starts))


def _at(rates: dict[str, Rate], prompt: int, factors: list[Modifier]) -> Rates:
    def price(*buckets: str) -> PicoUSD | None:
        """The first of these buckets that has a price: a cache read nobody prices costs what input does."""
        for bucket in buckets:
            if bucket in rates:
                pico = rates[bucket].above(prompt)
                for factor in factors:
                    pico = (2 * pico * factor.numerator + factor.denominator) // (2 * factor.denominator)
                return pico
        return None

    return Rates(
        input=price("input"),
        cache_read=price("cache_read", "input"),
        cache_write_5m=price("cache_write_5m", "input"),
        cache_write_1h=price("cache_write_1h", "cache_write_5m", "input"),
        output=price("output"),
        reasoning=price("reasoning", "output"),
        audio_input=price("audio_input", "input"),
        audio_output=price("audio_output", "output"),
        web_search=rates["web_search"].above(prompt) if "web_search" in rates else None,
        per_request=rates["per_request"].above(prompt) if "per_request" in rates else 0,
    )

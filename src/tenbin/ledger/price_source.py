"""7. Reads the price library into a PriceTable. Runs in a child process, whose memory goes with it: importing the
library costs 48 MB and 100 ms, the finished table some 250 KB.

``python -m tenbin.ledger.price_source`` writes the encoded table to its standard output.
"""

import datetime
import re
import sys
from collections.abc import Iterable
from decimal import Decimal
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import msgspec

from tenbin.core.money import pico_per_token
from tenbin.ledger.price_table import DAY_MS, Match, ModelRow, Modifier, Period, PriceTable, ProviderRow, Rate, Variant

# The library's names for what we price. It knows more (images, pages, hours of sound); usage of those has no bucket.
_BUCKETS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write_5m",
    "cache_write_5m_mtok": "cache_write_5m",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "web_searches_kcount": "web_search",
    "requests_kcount": "per_request",
}


class Listing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In the supplement: a model that the library does not list. Prices in USD per million, as decimal strings."""

    provider: str
    model: str
    match: Match
    rates: dict[str, str]
    steps: dict[str, dict[str, str]] = {}
    """By prompt tokens above which they hold."""
    source: str


class Correction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In the supplement: rates of a listed model that the library lacks, before a day (UTC)."""

    provider: str
    model: str
    before: str
    rates: dict[str, str]
    source: str


class Factor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In the supplement: a service tier that multiplies every token price."""

    provider: str
    models: str
    """Regular expression for the library's model ids."""
    tier: str
    numerator: int
    denominator: int
    since: str | None = None
    source: str


class LongWrite(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In the supplement: what a long-lived cache write costs, as a multiple of input, where a short one is priced."""

    provider: str
    numerator: int
    denominator: int
    source: str


class Supplement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the library lacks (price_supplement.json)."""

    date: str
    """Day on which it was last checked."""
    url_patterns: dict[str, str]
    listings: list[Listing]
    corrections: list[Correction]
    factors: list[Factor]
    long_writes: list[LongWrite]


def read_supplement() -> Supplement:
    """The supplement that ships with Tenbin."""
    data = files("tenbin.ledger").joinpath("price_supplement.json").read_bytes()
    return msgspec.json.decode(data, type=Supplement)


def build_table(supplement: Supplement | None) -> PriceTable:
    """The library's bundled price list as a table, completed by the supplement."""
    from genai_prices.data import providers

    rows = [_provider(provider) for provider in providers]
    families = [(_match(p.model_match), p.id) for p in providers if p.model_match is not None]
    source = f"genai-prices {version('genai-prices')}"
    if supplement is not None:
        rows = [_supplemented(row, supplement) for row in rows]
        known = {row.id for row in rows}
        new = sorted({listing.provider for listing in supplement.listings} - known)
        rows += [
            ProviderRow(
                id=provider,
                url_pattern=supplement.url_patterns.get(provider, ""),
                borrows_from=(),
                models=_listings(provider, supplement),
            )
            for provider in new
        ]
    return PriceTable(
        source=source,
        url_patterns=tuple((row.url_pattern, row.id) for row in rows if row.url_pattern),
        families=tuple(families),
        providers={row.id: msgspec.Raw(msgspec.msgpack.encode(row)) for row in rows},
    )


def _provider(provider: Any) -> ProviderRow:
    return ProviderRow(
        id=provider.id,
        url_pattern=provider.api_pattern,
        borrows_from=tuple(provider.fallback_model_providers or ()),
        models=tuple(_model(model) for model in provider.models),
    )


def _model(model: Any) -> ModelRow:
    priced = model.prices if isinstance(model.prices, list) else [model]
    return ModelRow(
        id=model.id,
        match=_match(model.match),
        periods=tuple(_period(p.prices, getattr(p, "constraint", None)) for p in priced),
        variants=tuple(
            Variant(words=tuple(v.when.values()), period=_period(v.prices, v.constraint))
            for v in model.price_variants or ()
        ),
    )


def _match(clause: Any) -> Match:
    """The library's clause classes have one field each, named after the operator."""
    ((operator, value),) = vars(clause).items()
    if operator in ("or_", "and_"):
        return operator[:-1], [_match(part) for part in value]
    return operator, value if operator == "regex" else value.lower()


def _period(prices: Any, constraint: Any) -> Period:
    rates = {}
    for key, price in vars(prices).items():
        if price is not None and key in _BUCKETS:
            rates[_BUCKETS[key]] = _rate(price, key)
    start = getattr(constraint, "start_date", None)
    begin = getattr(constraint, "start_time", None)
    return Period(
        rates=rates,
        start_ms=None if start is None else day_ms(start.isoformat()),
        hours=None if begin is None else (_time_ms(begin), _time_ms(constraint.end_time)),
    )


def _rate(price: Any, key: str) -> Rate:
    def pico(usd: Decimal) -> int:
        return pico_per_token(usd * 1000 if key.endswith("_kcount") else usd)

    if isinstance(price, Decimal):
        return Rate(pico(price))
    return Rate(pico(price.base), tuple((tier.start, pico(tier.price)) for tier in price.tiers))


def day_ms(day: str) -> int:
    """The first millisecond (UTC) of an ISO day."""
    return (datetime.date.fromisoformat(day).toordinal() - datetime.date(1970, 1, 1).toordinal()) * DAY_MS


def _optional_day_ms(day: str | None) -> int | None:
    return None if day is None else day_ms(day)


def _time_ms(time: datetime.time) -> int:
    offset = time.utcoffset() or datetime.timedelta()
    since_midnight = datetime.timedelta(hours=time.hour, minutes=time.minute, seconds=time.second) - offset
    return int(since_midnight.total_seconds() * 1000) % DAY_MS


def _supplemented(row: ProviderRow, supplement: Supplement) -> ProviderRow:
    models = (*row.models, *_listings(row.id, supplement))
    return ProviderRow(
        id=row.id,
        url_pattern=row.url_pattern,
        borrows_from=row.borrows_from,
        models=tuple(_completed(row.id, model, supplement) for model in models),
    )


def _listings(provider: str, supplement: Supplement) -> tuple[ModelRow, ...]:
    return tuple(
        ModelRow(
            id=listing.model,
            match=listing.match,
            periods=(Period(rates=_stepped(listing)),),
            source=f"tenbin {supplement.date}",
        )
        for listing in supplement.listings
        if listing.provider == provider
    )


def _stepped(listing: Listing) -> dict[str, Rate]:
    return {
        bucket: Rate(
            pico_per_token(Decimal(usd)),
            tuple((int(start), pico_per_token(Decimal(rates[bucket]))) for start, rates in listing.steps.items()),
        )
        for bucket, usd in listing.rates.items()
    }


def _completed(provider: str, model: ModelRow, supplement: Supplement) -> ModelRow:
    periods = model.periods
    for correction in supplement.corrections:
        if (correction.provider, correction.model) == (provider, model.id):
            former = dict(periods[0].rates)
            former.update({bucket: Rate(pico_per_token(Decimal(usd))) for bucket, usd in correction.rates.items()})
            first = msgspec.structs.replace(periods[0], start_ms=day_ms(correction.before))
            periods = (Period(rates=former), first, *periods[1:])
    variants = model.variants
    for write in supplement.long_writes:
        if write.provider == provider:
            periods = tuple(_with_long_write(period, write) for period in periods)
            variants = tuple(
                msgspec.structs.replace(variant, period=_with_long_write(variant.period, write)) for variant in variants
            )
    modifiers = tuple(
        Modifier(
            factor.tier, factor.numerator, factor.denominator, None if factor.since is None else day_ms(factor.since)
        )
        for factor in supplement.factors
        if factor.provider == provider and re.search(factor.models, model.id)
    )
    return msgspec.structs.replace(model, periods=periods, variants=variants, modifiers=modifiers)


def _with_long_write(period: Period, write: LongWrite) -> Period:
    rates = period.rates
    if "cache_write_5m" not in rates or "cache_write_1h" in rates or "input" not in rates:
        return period

    def times(picos: Iterable[int]) -> list[int]:
        return [pico * write.numerator // write.denominator for pico in picos]

    source = rates["input"]
    starts = [start for start, _ in source.steps]
    (base,), stepped = times([source.base]), times(pico for _, pico in source.steps)
    longer = Rate(base, tuple(zip(starts, stepped, strict=True)))
    return msgspec.structs.replace(period, rates={**rates, "cache_write_1h": longer})


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.msgpack.encode(build_table(read_supplement())))

"""Our reading of the price list against the library's own arithmetic, for every provider and model it knows."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

import genai_prices
import msgspec
import pytest
from genai_prices.data import providers
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.money import nano_from_pico, pico_per_token
from tenbin.core.price import FREE, Price, Rates
from tenbin.core.usage import NOTHING, Usage
from tenbin.ledger.price_source import build_table, day_ms, read_supplement
from tenbin.ledger.price_table import (
    DAY_MS,
    ModelRow,
    Period,
    PriceTable,
    ProviderRow,
    Rate,
    Variant,
    find_model,
    iso_day,
    resolve,
)
from tests.ledger.making import NOON_MS, usages

CONTEXTS: dict[str | None, dict[str, str]] = {
    None: {},
    "standard": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast", "search_type": "fast"},
}


@cache
def plain_table() -> PriceTable:
    return build_table(None)


@cache
def row_of(provider: str) -> ProviderRow:
    return msgspec.msgpack.decode(plain_table().providers[provider], type=ProviderRow)


def theirs(usage: Usage) -> genai_prices.Usage:
    return genai_prices.Usage(
        input_tokens=usage.prompt,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write_5m + usage.cache_write_1h,
        cache_write_1h_tokens=usage.cache_write_1h,
        output_tokens=usage.output,
        output_reasoning_tokens=usage.reasoning,
        web_searches=usage.web_searches,
    )


def exact(prices: Any) -> bool:
    """Whether every price is a whole number of pico-USD a token; a few resellers' are not."""
    listed = [p for value in vars(prices).values() for p in [getattr(value, "base", value)] if p is not None]
    return all(price * 1_000_000 % 1 == 0 for price in listed)


@given(
    provider=st.sampled_from(providers),
    which=st.integers(min_value=0),
    usage=usages().filter(lambda usage: usage != NOTHING),
    at_ms=st.integers(min_value=day_ms("2025-01-01"), max_value=day_ms("2027-06-01")),
    tier=st.sampled_from(list(CONTEXTS)),
)
def test_costs_what_the_library_says(provider: Any, which: int, usage: Usage, at_ms: int, tier: str | None) -> None:
    model = provider.models[which % len(provider.models)]
    row = next(row for row in row_of(provider.id).models if row.id == model.id)
    resolved = resolve(row, at_ms, tier, "", provider.id)
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    standing = model.get_prices(at, CONTEXTS[tier])
    if resolved is None:
        # Only prices for what we don't count, or none at all: unknown, not free.
        assert standing.input_mtok is None
        assert standing.output_mtok is None
        return
    price, begin, end = resolved
    assert begin <= at_ms < end
    cost = price.cost(usage)
    if cost is None:
        unpriced = [standing.input_mtok, standing.output_mtok, standing.web_searches_kcount]
        assert None in unpriced
        return
    if standing.output_mtok is None or (standing.input_mtok is None and usage.prompt):
        return
    calculated = model.calc_price(theirs(usage), provider, genai_request_timestamp=at, price_context=CONTEXTS[tier])
    nano = (calculated.total_price * 10**9).to_integral_value(ROUND_HALF_UP)
    if exact(calculated.model_price):
        assert cost == nano
    else:
        assert abs(cost - nano) <= 1 + (usage.prompt + usage.output) // 1_000


@pytest.mark.parametrize("provider", providers, ids=lambda provider: provider.id)
def test_finds_the_models_that_the_library_finds(provider: Any) -> None:
    row = row_of(provider.id)
    for model in provider.models[:: 1 + len(provider.models) // 100]:
        for name in (model.id.lower(), f"{model.id.lower()}-20261005", f"eu.{model.id.lower()}-v1:0"):
            expected = next((m.id for m in provider.models if m.is_match(name)), None)
            found = find_model(row, name)
            assert (found.id if found is not None else None) == expected


@given(
    provider=st.sampled_from([p for p in providers if p.id in ("anthropic", "deepseek", "openai", "google")]),
    which=st.integers(min_value=0),
    at_ms=st.integers(min_value=day_ms("2026-01-01"), max_value=day_ms("2027-06-01")),
    later_ms=st.integers(min_value=0, max_value=2 * DAY_MS),
    tier=st.sampled_from(list(CONTEXTS)),
)
def test_a_price_stays_the_same_for_as_long_as_it_says(
    provider: Any, which: int, at_ms: int, later_ms: int, tier: str | None
) -> None:
    row = row_of(provider.id).models[which % len(provider.models)]
    resolved = resolve(row, at_ms, tier, "", provider.id)
    if resolved is not None and at_ms + later_ms < resolved[2]:
        again = resolve(row, at_ms + later_ms, tier, "", provider.id)
        assert again is not None
        assert again[0] == resolved[0]


@given(usage=usages(), rates=st.tuples(*[st.integers(min_value=0, max_value=10**9)] * 9))
def test_an_amount_is_rounded_once_and_never_by_more_than_half_a_nano(usage: Usage, rates: tuple[int, ...]) -> None:
    price = Price(label="", steps=((0, Rates(*(*rates, 0))),))
    input_, read, write_5m, write_1h, output, reasoning, _, _, search = rates
    pico = (
        usage.input * input_
        + usage.cache_read * read
        + usage.cache_write_5m * write_5m
        + usage.cache_write_1h * write_1h
        + (usage.output - usage.reasoning) * output
        + usage.reasoning * reasoning
        + usage.web_searches * search
    )
    cost = price.cost(usage)
    assert cost == nano_from_pico(pico)
    assert abs(cost * 1_000 - pico) <= 500


@given(usage=usages(), step=st.integers(min_value=0, max_value=3_000_000))
def test_a_step_counts_for_every_token_of_the_request(usage: Usage, step: int) -> None:
    row = ModelRow("m", ("equals", "m"), (Period({"input": Rate(100, ((step, 500),)), "output": Rate(7)}),))
    resolved = resolve(row, NOON_MS, None, "", "p")
    assert resolved is not None
    plain = msgspec.structs.replace(usage, web_searches=0)
    rate = 500 if usage.prompt > step else 100
    assert resolved[0].cost(plain) == nano_from_pico(usage.prompt * rate + usage.output * 7)


def test_audio_tokens_have_prices_of_their_own() -> None:
    rates = {"input": Rate(1_000), "output": Rate(2_000), "audio_input": Rate(10_000), "audio_output": Rate(20_000)}
    resolved = resolve(ModelRow("m", ("equals", "m"), (Period(rates),)), NOON_MS, None, "", "p")
    assert resolved is not None
    assert resolved[0].cost(Usage(input=10, audio_input=4, output=5, audio_output=2)) == 6 + 40 + 6 + 40


def test_a_bucket_without_a_price_makes_the_cost_unknown_not_zero() -> None:
    resolved = resolve(ModelRow("m", ("equals", "m"), (Period({"input": Rate(1)}),)), NOON_MS, None, "", "p")
    assert resolved is not None
    assert resolved[0].cost(Usage(input=5_000)) == 5
    assert resolved[0].cost(Usage(input=5_000, output=1)) is None
    assert resolved[0].cost(Usage(input=5_000, web_searches=1)) is None


def test_nothing_used_costs_nothing_not_even_the_price_of_a_request() -> None:
    price = Price(label="", steps=((0, Rates(1, 1, 1, 1, 1, 1, 1, 1, 1, per_request=5_000)),))
    assert price.cost(NOTHING) == 0
    assert price.cost(Usage(input=1_000)) == 1 + 5
    assert FREE.cost(Usage(input=1, output=1, web_searches=3)) == 0


def test_hours_may_cross_midnight() -> None:
    night = Period({}, hours=(22 * 3_600_000, 6 * 3_600_000))
    midnight = NOON_MS - 12 * 3_600_000
    assert [night.holds(midnight + hour * 3_600_000) for hour in (0, 5, 6, 21, 22, 23)] == [
        True,
        True,
        False,
        False,
        True,
        True,
    ]


def test_a_tier_that_nobody_lists_is_said_in_the_label() -> None:
    row = ModelRow(
        "m", ("equals", "m"), (Period({"input": Rate(4)}),), (Variant(("flex",), Period({"input": Rate(2)})),)
    )
    labels = {}
    for tier in (None, "flex", "warp", "flex+warp"):
        resolved = resolve(row, NOON_MS, tier, "list 1", "p")
        assert resolved is not None
        labels[tier] = (resolved[0].label, resolved[0].steps[0][1].input)
    assert labels == {
        None: ("list 1: p/m", 4),
        "flex": ("list 1: p/m flex", 2),
        "warp": ("list 1: p/m warp not listed", 4),
        "flex+warp": ("list 1: p/m flex warp not listed", 2),
    }


@given(st.dates(min_value=date(1970, 1, 1)))
def test_days_are_written_as_everybody_does(day: Any) -> None:
    assert iso_day(day_ms(day.isoformat())) == day.isoformat()
    assert iso_day(day_ms(day.isoformat()) + DAY_MS - 1) == day.isoformat()


def test_the_supplement_adds_only_what_the_library_lacks() -> None:
    """When a newer library lists a model that ours does, ours must go."""
    supplement = read_supplement()
    for listing in supplement.listings:
        if listing.provider in plain_table().providers:
            assert find_model(row_of(listing.provider), listing.model) is None, listing.model
    for correction in supplement.corrections:
        row = find_model(row_of(correction.provider), correction.model)
        assert row is not None
        for bucket, usd in correction.rates.items():
            assert row.periods[0].rates[bucket].base != pico_per_token(Decimal(usd)), correction.model
    for factor in supplement.factors:
        for row in row_of(factor.provider).models:
            listed = {word for variant in row.variants for word in variant.words}
            assert factor.tier != "us" or factor.tier not in listed

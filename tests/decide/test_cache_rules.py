"""What is cached where, and when caching pays: the providers' own words and figures."""

import pytest

from tenbin.core.price import Rates
from tenbin.decide.cache_rules import (
    HOUR_MS,
    MINUTE_MS,
    NEVER,
    CacheRules,
    family_name,
    find,
    keep_alive_reads,
    uses_until_it_pays,
)
from tests.decide.turns import FABLE, HAIKU, OPUS, price_of


@pytest.mark.parametrize(
    ("model", "minimum"),
    [
        ("claude-opus-5-5", 512),
        ("claude-opus-5", 512),
        ("claude-sonnet-5-5", 512),
        ("claude-haiku-5-5", 512),
        ("claude-fable-5-1", 512),
        ("claude-opus-4-8", 1_024),
        ("claude-sonnet-5", 1_024),
        ("claude-sonnet-4-6", 1_024),
        ("claude-opus-4-7", 2_048),
        ("claude-opus-4-6", 4_096),
        ("claude-haiku-4-5-20251001", 4_096),
        ("claude-opus-4-20250514", 1_024),
    ],
)
def test_anthropic_caches_what_is_marked_from_a_length_of_each_model(model: str, minimum: int) -> None:
    rules = find("anthropic", model)
    assert (rules.writes, rules.minimum, rules.life_ms, rules.long_life_ms) == (
        "marked",
        minimum,
        5 * MINUTE_MS,
        HOUR_MS,
    )
    assert rules.effort_breaks


@pytest.mark.parametrize(
    ("model", "fee"),
    [
        ("gpt-4o-mini", False),
        ("gpt-5", False),
        ("gpt-5-2025-08-07", False),
        ("gpt-5-mini", False),
        ("gpt-5.5", False),
        ("gpt-5.6-sol", True),
        ("gpt-6-luna", True),
        ("gpt-6.1-sol", True),
    ],
)
def test_openai_caches_by_itself_and_charges_for_writing_from_5_6_on(model: str, fee: bool) -> None:
    rules = find("openai", model)
    assert (rules.writes, rules.minimum, rules.step) == ("automatic", 1_024, 128)
    assert rules.counts_writes is fee
    assert rules.life_ms == (30 if fee else 5) * MINUTE_MS


@pytest.mark.parametrize(
    "name",
    [
        "anthropic/claude-opus-5.5",
        "us.anthropic.claude-opus-5-5-v1:0",
        "claude-opus-5-5@20261101",
        "Claude-Opus-5-5",
    ],
)
def test_a_model_is_the_same_wherever_it_is_served(name: str) -> None:
    assert find("openrouter", name) == find("anthropic", "claude-opus-5-5")


def test_a_server_of_ones_own_keeps_the_prefix_whatever_the_model() -> None:
    assert find("ollama", "gpt-oss:20b").writes == "automatic"
    assert find("desk", "qwen3", "llamacpp") == find("ollama", "llama3.3")
    assert not find("ollama", "gpt-oss:20b").counts_writes


def test_nothing_is_counted_on_where_nothing_is_known() -> None:
    assert find("acme", "anvil-1") is NEVER


def test_rules_of_ones_own_come_first() -> None:
    own = {"acme": CacheRules(writes="automatic"), "acme/anvil-2": CacheRules(writes="marked")}
    assert find("acme", "anvil-1", own=own).writes == "automatic"
    assert find("acme", "anvil-2", own=own).writes == "marked"


def test_a_name_without_where_it_is_served() -> None:
    assert family_name("google/Gemini-2.5-flash:batch") == "gemini-2-5-flash"


@pytest.mark.parametrize(("target", "reads"), [("anthropic/claude-sonnet-5", 12), (OPUS, 25), (FABLE, 50)])
def test_so_many_reads_to_keep_alive_cost_what_a_rewrite_does(target: str, reads: int) -> None:
    assert keep_alive_reads(price_of(target).rates(0)) == reads


@pytest.mark.parametrize("target", ["anthropic/claude-sonnet-5", OPUS, FABLE, HAIKU])
def test_caching_pays_from_the_second_use_for_five_minutes_and_the_third_for_an_hour(target: str) -> None:
    rates = price_of(target).rates(0)
    assert uses_until_it_pays(rates) == 2
    assert uses_until_it_pays(rates, long=True) == 3
    assert rates.input is not None
    assert rates.cache_read is not None
    assert rates.cache_write_1h is not None
    for n, pays in ((2, False), (3, True)):
        assert (rates.cache_write_1h + (n - 1) * rates.cache_read < n * rates.input) is pays


def test_a_cache_that_saves_nothing_never_pays() -> None:
    free = Rates(0, 0, 0, 0, 0, 0, 0, 0, None, 0)
    unknown = Rates(1, None, None, None, 1, 1, 1, 1, None, 0)
    assert uses_until_it_pays(free) is None
    assert uses_until_it_pays(unknown) is None
    assert keep_alive_reads(free) is None
    assert keep_alive_reads(unknown) is None

"""The worked examples of docs/true-cost.md with the real price table, and what must hold of any price and turn."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.routing import Electricity
from tenbin.core.features import Features
from tenbin.core.price import FREE, Price, Rates, share_of
from tenbin.core.session import Session, Warm
from tenbin.core.usage import Usage
from tenbin.core.weighing import Cost
from tenbin.decide.cache_rules import CacheRules, find
from tenbin.decide.cost import completed, electricity, escalations, expected_usage, marginal, priced
from tenbin.decide.expectation import Tokens
from tests.decide import turns
from tests.decide.turns import CENT, FABLE, GPT, HAIKU, LUNA, OPUS, TARGETS, a_turn, cost_of, price_of, warm_on
from tests.ledger.making import NOON_MS, usages

USD = 10**9


# Worked examples


def test_150k_warm_on_opus_costs_three_cents_to_read() -> None:
    assert cost_of(OPUS, a_turn(150_000), warm_on(OPUS, 150_000)) == Cost(cache_read=3 * CENT)


def test_the_same_turn_is_dearer_on_haiku_above_its_step() -> None:
    session = warm_on(OPUS, 150_000)
    assert cost_of(HAIKU, a_turn(150_000, cache_marks=0), session) == Cost(input=75_000_000)
    assert cost_of(HAIKU, a_turn(150_000), session) == Cost(cache_write=93_750_000)


@pytest.mark.parametrize(("share", "quota"), [(0.125, 4_500_000), (0.5, 18_000_000)])
def test_a_warm_turn_of_a_subscription_uses_up_quota(share: float, quota: int) -> None:
    session, answer = warm_on(OPUS, 80_000), Tokens(1_000, 1_000, 0)
    worth = share_of(price_of(OPUS), share)
    used = marginal(worth, a_turn(80_000), session, OPUS, turns.rules_of(OPUS), answer, NOON_MS)
    assert used is not None
    assert used.turn == quota
    assert cost_of(HAIKU, a_turn(80_000), session, answer).turn == 10_500_000


@pytest.mark.parametrize(("marks", "enough"), [(0, 2_572), (3, 3_643)])
def test_the_detour_pays_only_for_a_long_answer(marks: int, enough: int) -> None:
    session = warm_on(OPUS, 150_000)
    for output, cheaper in ((enough - 1, False), (enough, True)):
        there = cost_of(HAIKU, a_turn(150_000, cache_marks=marks), session, Tokens(output, output, 0))
        here = cost_of(OPUS, a_turn(150_000), session, Tokens(output, output, 0))
        assert (there.turn < here.turn) is cheaper


def test_at_80k_haiku_is_cheaper_at_once() -> None:
    session = warm_on(OPUS, 80_000)
    assert cost_of(OPUS, a_turn(80_000), session).turn == 16_000_000
    assert cost_of(HAIKU, a_turn(80_000, cache_marks=0), session).turn == 8_000_000


def test_openai_charges_double_above_272k() -> None:
    below, above = cost_of(LUNA, a_turn(272_000)), cost_of(LUNA, a_turn(272_001 + 127))
    assert above.turn > 1.99 * below.turn


def test_an_hours_cache_is_dearer_to_write() -> None:
    short, long = cost_of(OPUS, a_turn(10_000)), cost_of(OPUS, a_turn(10_000, cache_1h=True))
    assert (short.cache_write, long.cache_write) == (5 * CENT, 8 * CENT)


def test_an_hours_cache_is_anthropics_and_makes_nobody_else_dearer() -> None:
    for target in (GPT, LUNA):
        assert cost_of(target, a_turn(10_240, cache_1h=True)) == cost_of(target, a_turn(10_240))


def test_off_peak_hours_are_half_price() -> None:
    features, rules = a_turn(10_000), find("deepseek", "deepseek-v4-flash")
    turn: list[int] = []
    for at_ms in (NOON_MS + 14 * 3_600_000, NOON_MS + 5 * 3_600_000):  # 02:00, in a peak, and 17:00
        price = turns.BOOK.price("deepseek", "deepseek-v4-flash", at_ms)
        assert price is not None
        cost = marginal(price, features, None, "deepseek/deepseek-v4-flash", rules, Tokens(500, 500, 0), at_ms)
        assert cost is not None
        turn.append(cost.turn)
    assert turn[0] == 2 * turn[1]


def test_a_service_tier_has_its_own_price() -> None:
    flex = turns.BOOK.price("openai", "gpt-6.1-sol", NOON_MS, "flex")
    assert flex is not None
    cost = marginal(flex, a_turn(10_240), None, GPT, turns.rules_of(GPT), Tokens(100, 100, 0), NOON_MS)
    assert cost is not None
    assert 2 * cost.turn == cost_of(GPT, a_turn(10_240), tokens=Tokens(100, 100, 0)).turn


# What is read, written, neither


def usage_of(target: str, features: Features, session: Session | None = None) -> Usage:
    return expected_usage(features, session, target, turns.rules_of(target), Tokens(100, 200, 50), NOON_MS)


def test_what_is_warm_is_read_and_the_rest_is_written() -> None:
    usage = usage_of(OPUS, a_turn(100_000), warm_on(OPUS, 90_000))
    assert usage == Usage(cache_read=90_000, cache_write_5m=10_000, output=150, reasoning=50)


def test_openai_reads_and_writes_whole_steps() -> None:
    assert usage_of(GPT, a_turn(10_000), warm_on(GPT, 5_000)) == Usage(
        input=10_000 - 78 * 128, cache_read=39 * 128, cache_write_5m=39 * 128, output=150, reasoning=50
    )


def test_before_5_6_what_openai_writes_is_plain_input() -> None:
    usage = usage_of("openai/gpt-5-mini", a_turn(10_240), warm_on("openai/gpt-5-mini", 5_120))
    assert usage == Usage(input=5_120, cache_read=5_120, output=150, reasoning=50)


@pytest.mark.parametrize(
    ("features", "session"),
    [
        pytest.param(a_turn(100_000), warm_on(OPUS, 90_000, left_ms=0), id="lapsed"),
        pytest.param(a_turn(100_000), warm_on(FABLE, 90_000), id="on another model"),
        pytest.param(a_turn(100_000, cache_marks=0), warm_on(OPUS, 90_000), id="not marked"),
        pytest.param(a_turn(40_000), warm_on(OPUS, 90_000), id="compacted since"),
        pytest.param(a_turn(511), warm_on(OPUS, 511), id="too short to be cached"),
        pytest.param(
            a_turn(100_000, effort="low"),
            warm_on(
                OPUS,
                90_000,
                warm=(Warm(target=OPUS, tokens=90_000, until_ms=NOON_MS + 1, life_ms=1, effort="high"),),
            ),
            id="at another effort",
        ),
    ],
)
def test_nothing_is_read_of_what_is_not_warm(features: Features, session: Session) -> None:
    usage = usage_of(OPUS, features, session)
    assert usage.cache_read == 0
    assert usage.prompt == features.prompt_tokens


def test_a_web_search_is_expected_where_one_is_sold() -> None:
    features = a_turn(1_000, category="web_search")
    assert cost_of(OPUS, features).request == CENT
    flash = "deepseek/deepseek-v4-flash"
    assert cost_of(flash, features).request == 0


def test_a_bucket_without_a_price_makes_the_cost_unknown() -> None:
    price = Price(label="", steps=((0, Rates(1, None, None, None, 1, 1, None, None, None, 0)),))
    assert marginal(price, a_turn(10_000), None, OPUS, turns.rules_of(OPUS), Tokens(1, 1, 0), NOON_MS) is None


def test_a_model_of_ones_own_costs_electricity_for_what_it_reads_and_writes() -> None:
    power = Electricity(usd_per_kwh=0.30, watts=360.0, tokens_per_second=50.0)
    # 1,000 tokens answered and 40,000 read: (1,000 + 4,000) / 50 = 100 s; 360 W x 100 s = 0.01 kWh.
    assert electricity(power, Usage(input=40_000, cache_read=60_000, output=1_000)) == 3_000_000
    cost = marginal(
        FREE,
        a_turn(40_000),
        None,
        "ollama/llama3.3",
        find("ollama", "llama3.3"),
        Tokens(1_000, 1, 0),
        NOON_MS,
        power=power,
    )
    assert cost == Cost(electricity=3_000_000)


# Marks


@pytest.mark.parametrize(
    ("marks", "written"),
    [
        ({}, (80_000, 0)),
        ({"cache_1h": True}, (0, 80_000)),
        ({"unmarked_share": 0.25}, (60_000, 0)),
        ({"unmarked_share": 0.25, "cache_1h": True}, (0, 60_000)),
        ({"short_share": 0.1, "cache_1h": True}, (8_000, 72_000)),
        ({"short_share": 0.1, "unmarked_share": 0.05, "cache_1h": True}, (4_000, 72_000)),
        ({"unmarked_share": 0.999}, (0, 0)),
    ],
)
def test_marks_say_what_is_written_for_how_long(marks: dict[str, Any], written: tuple[int, int]) -> None:
    """Opus 5.5, 80,000 tokens, nothing warm; a prefix of 80 tokens is too short to be cached."""
    usage = usage_of(OPUS, a_turn(80_000, **marks))
    assert (usage.cache_write_5m, usage.cache_write_1h, usage.cache_read) == (*written, 0)
    assert usage.prompt == 80_000


def test_the_short_end_is_written_anew_when_the_long_beginning_is_warm() -> None:
    """72,000 tokens of an hour's life are read; what follows is written for five minutes."""
    features = a_turn(80_000, short_share=0.1, cache_1h=True)
    usage = usage_of(OPUS, features, warm_on(OPUS, 72_000))
    assert (usage.cache_read, usage.cache_write_5m, usage.cache_write_1h) == (72_000, 8_000, 0)
    half = usage_of(OPUS, features, warm_on(OPUS, 50_000))
    assert (half.cache_read, half.cache_write_5m, half.cache_write_1h) == (50_000, 8_000, 22_000)


@given(st.sampled_from(TARGETS), turns.features, turns.sessions, st.floats(0, 1), st.floats(0, 1))
def test_every_token_of_a_prompt_is_in_one_bucket(
    target: str, features: Features, session: Session, unmarked: float, short: float
) -> None:
    usage = usage_of(target, msgspec.structs.replace(features, unmarked_share=unmarked, short_share=short), session)
    assert usage.prompt == features.prompt_tokens
    assert min(usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h) >= 0


# Escalation


def test_escalation_goes_to_the_cheapest_that_is_more_likely_to_do() -> None:
    costs = {
        "weak": Cost(output=100),
        "good": Cost(output=1_000),
        "dear": Cost(output=5_000),
        "best": Cost(output=2_000),
    }
    chances = {"weak": 0.6, "good": 0.8, "dear": 0.9, "best": 0.95}
    # dear: to best, 0.1 x 2,000. good: to best, 0.2 x 2,000. weak: to good with its own, 0.4 x (1,000 + 400).
    assert escalations(costs, chances) == {"best": 0, "dear": 200, "good": 400, "weak": 560}
    assert escalations(costs, chances, redone=0.5) == {"best": 0, "dear": 100, "good": 200, "weak": 240}


@given(st.lists(st.tuples(st.integers(0, USD), st.floats(0, 1)), min_size=1, max_size=6))
def test_whoever_is_surest_has_nobody_to_go_to(drawn: list[tuple[int, float]]) -> None:
    costs = {f"m{n}": Cost(output=amount) for n, (amount, _) in enumerate(drawn)}
    chances = {f"m{n}": chance for n, (_, chance) in enumerate(drawn)}
    found = escalations(costs, chances)
    surest = max(chances.values())
    assert all(found[name] == 0 for name in costs if chances[name] == surest)
    assert all(amount >= 0 for amount in found.values())


@given(st.lists(st.tuples(st.integers(0, USD), st.sampled_from([0.1, 0.4, 0.5, 0.5000001, 0.9, 1.0])), max_size=7))
def test_escalation_is_found_in_one_pass(drawn: list[tuple[int, float]]) -> None:
    costs = {f"m{n}": Cost(output=amount) for n, (amount, _) in enumerate(drawn)}
    chances = {f"m{n}": chance for n, (_, chance) in enumerate(drawn)}

    def told(name: str) -> int:
        """By its definition: whoever is more likely to do it, each with what that one is expected to hand on."""
        above = [costs[other].turn + told(other) for other in costs if chances[other] > chances[name]]
        return round((1 - chances[name]) * 0.5 * min(above)) if above else 0

    found = escalations(costs, chances, redone=0.5)
    assert list(found) == list(costs)
    assert found == pytest.approx({name: told(name) for name in costs}, abs=1)


def test_the_total_adds_what_comes_after() -> None:
    cost = completed(Cost(input=3, output=4), 5, -2)
    assert (cost.turn, cost.total) == (7, 10)


# What must hold of any price and turn


@given(turns.prices(), usages())
def test_the_buckets_add_up_to_what_settlement_bills(price: Price, usage: Usage) -> None:
    cost, billed = priced(price, usage), price.cost(usage)
    if billed is None:
        assert cost is None
    else:
        assert cost is not None
        assert cost.turn == cost.total == billed
        assert all(amount >= 0 for amount in msgspec.structs.astuple(cost))


@given(st.sampled_from(TARGETS), turns.features, st.one_of(st.none(), turns.sessions), turns.tokens)
def test_a_turn_that_goes_as_expected_is_billed_as_expected(
    target: str, features: Features, session: Session | None, tokens: Tokens
) -> None:
    rules, price = turns.rules_of(target), price_of(target)
    usage = expected_usage(features, session, target, rules, tokens, NOON_MS)
    assert usage.prompt == features.prompt_tokens
    assert usage.output == tokens.output_mean + tokens.reasoning
    if features.category == "web_search":
        usage = msgspec.structs.replace(usage, web_searches=1)
    cost = marginal(price, features, session, target, rules, tokens, NOON_MS)
    assert cost is not None
    assert cost.turn == price.cost(usage)


@given(turns.prices(), turns.rules, turns.features, turns.sessions, turns.tokens, st.integers(0, 9_000), st.data())
def test_more_tokens_never_cost_less(
    price: Price,
    rules: CacheRules,
    features: Features,
    session: Session,
    tokens: Tokens,
    more: int,
    data: st.DataObject,
) -> None:
    field = data.draw(st.sampled_from(["output_mean", "reasoning"]))
    longer = msgspec.structs.replace(tokens, **{field: getattr(tokens, field) + more})
    less = marginal(price, features, session, OPUS, rules, tokens, NOON_MS)
    most = marginal(price, features, session, OPUS, rules, longer, NOON_MS)
    if less is not None and most is not None:
        assert less.turn <= most.turn


@given(st.sampled_from(TARGETS), turns.features, st.integers(0, 9_000))
def test_a_longer_prompt_never_costs_less(target: str, features: Features, more: int) -> None:
    longer = msgspec.structs.replace(features, prompt_tokens=features.prompt_tokens + more)
    assert cost_of(target, features).turn <= cost_of(target, longer).turn


@given(turns.prices(), turns.rules, turns.features, turns.sessions, turns.tokens)
def test_warm_is_never_dearer_than_cold(
    price: Price, rules: CacheRules, features: Features, session: Session, tokens: Tokens
) -> None:
    for target in (OPUS, GPT):
        warm = marginal(price, features, session, target, rules, tokens, NOON_MS)
        cold = marginal(price, features, None, target, rules, tokens, NOON_MS)
        assert (warm is None) == (cold is None)
        if warm is not None and cold is not None:
            assert warm.turn <= cold.turn

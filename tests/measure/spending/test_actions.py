"""Actions name who costs what, and what a switch saves is what the prices say."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.price import Price, Rates
from tenbin.core.usage import Usage
from tenbin.ledger.spending import Sum
from tenbin.measure.response_cache import CacheSum
from tenbin.measure.spending.actions import Action, Findings, Offer, actions, cost_at
from tenbin.measure.spending.pace import Pace, pace

USD = 1_000_000_000
NOON_MS = 1_795_262_400_000
"""2026-11-21 12:00 UTC."""


def a_price(dollars: int, **changes: Any) -> Price:
    """So many dollars for a million tokens of input, five times as many for output."""
    pico = dollars * 1_000_000
    values: dict[str, Any] = dict.fromkeys(Rates.__struct_fields__, pico)
    values |= {"output": 5 * pico, "reasoning": 5 * pico, "audio_output": 5 * pico, "web_search": 0, "per_request": 0}
    return Price(label=f"{dollars}", steps=((0, Rates(**{**values, **changes})),))


STRONG = Offer("acme/strong", 3.0, a_price(10), a_price(5))
MIDDLE = Offer("acme/middle", 2.0, a_price(4), a_price(2))
SMALL = Offer("acme/small", 1.0, a_price(1))


def a_sum(*by: str, tokens: int = 1_000_000, price: Price = STRONG.price, **changes: Any) -> Sum:  # type: ignore[assignment]
    """So many tokens of input and output, at a price."""
    cost = price.cost(Usage(input=tokens, output=tokens))
    assert cost is not None
    return Sum(**{"by": by, "calls": 100, "spent_nano": cost, "input": tokens, "output": tokens, **changes})


def a_pace(word: str, spent: int) -> Pace:
    """On the 21st of a month of thirty days."""
    limit = {"critical": spent // 2, "warning": spent * 30 // 21 * 10 // 13, "on_track": spent * 30 // 21}
    found = pace("month", "UTC", NOON_MS, limit.get(word, spent * 30), spent)
    assert found is not None
    return found


def told(word: str, **found: Any) -> dict[str, Action]:
    dearest = found.pop("by_route_and_model", (a_sum("default", "acme/strong"),))
    total = found.pop("total", Sum(calls=100, spent_nano=sum(one.spent_nano for one in dearest)))
    findings = Findings(total=total, by_route_and_model=dearest, offers=(STRONG, MIDDLE, SMALL), **found)
    now = a_pace(word, total.spent_nano)
    return {one.kind: one for one in actions(now, findings)}


def test_critical_names_the_dearest_route_and_what_the_ablest_cheaper_model_would_have_cost() -> None:
    found = told("critical")
    switch = found["switch"]
    assert switch.about == ("default", "acme/strong", "acme/middle")
    assert (switch.amount_nano, switch.saves_nano) == (60 * USD, 36 * USD)
    for words in ("default", "acme/strong", "$60.00", "acme/middle", "$24.00", "$36.00", "100%"):
        assert words in switch.english
        assert words in switch.japanese


def test_no_switch_to_an_abler_or_a_hardly_cheaper_model() -> None:
    assert "switch" not in told("critical", by_route_and_model=(a_sum("default", "acme/small", price=a_price(1)),))
    nearly = Findings(
        total=Sum(spent_nano=60 * USD),
        by_route_and_model=(a_sum("default", "acme/strong"),),
        offers=(STRONG, Offer("acme/nearly", 2.9, a_price(10, input=9_900_000))),
    )
    assert "switch" not in {one.kind for one in actions(a_pace("critical", 60 * USD), nearly)}


def test_who_hardly_costs_anything_is_not_named() -> None:
    dearest = (a_sum("default", "acme/strong"), a_sum("rare", "acme/strong", tokens=10_000))
    found = told("critical", by_route_and_model=dearest, by_key=(Sum(by=("key_1",), spent_nano=USD),))
    assert "rare" not in str(found)
    assert "user_limits" not in found


def test_critical_tells_of_the_cache_as_it_is() -> None:
    assert "cache.exact: serve" in told("critical")["cache"].english
    exact = told("critical", cache=CacheSum(exact=4, saved_nano=3 * USD))["cache"]
    assert "$3.00" in exact.english
    assert "cache.semantic.mode" in exact.english
    relaxed = told("critical", cache=CacheSum(exact=4, semantic=6, misses=30, saved_nano=3 * USD), semantic=True)
    assert "0.90" in relaxed["cache"].english
    assert "25%" in relaxed["cache"].english
    assert "0.90" in relaxed["cache"].japanese


def test_critical_pauses_what_tenbin_spends_and_what_can_wait_and_halves_limits_of_people() -> None:
    found = told(
        "critical",
        own=(Sum(by=("shadow",), spent_nano=2 * USD),),
        batchable=(a_sum("acme/strong", tokens=500_000),),
        by_user=(Sum(by=("ann",), spent_nano=30 * USD), Sum(by=("",), spent_nano=30 * USD)),
        by_key=(Sum(by=("key_1",), spent_nano=60 * USD),),
    )
    assert "$30.00" in found["pause"].english  # of both, the later one
    assert found["user_limits"].about == ("ann",)
    assert "ann $30.00" in found["user_limits"].english
    keys = told("critical", by_key=(Sum(by=("key_1",), spent_nano=60 * USD),), names={"key_1": "laptop"})
    assert keys["user_limits"].about == ("laptop",)


def test_warning_reviews_batches_and_retries_less() -> None:
    total = Sum(calls=100, retries=9, failed_nano=4 * USD, spent_nano=60 * USD)
    found = told("warning", total=total, batchable=(a_sum("acme/strong", tokens=200_000),))
    assert list(found) == ["review", "batch", "retries"]
    assert "100 calls of $0.60" in found["review"].english
    assert (found["batch"].amount_nano, found["batch"].saves_nano) == (12 * USD, 6 * USD)
    assert "9 of 100 calls (9.0%)" in found["retries"].english
    assert "$4.00" in found["retries"].japanese


def test_a_batch_of_unknown_price_promises_no_saving() -> None:
    found = told("warning", batchable=(a_sum("acme/small", tokens=800_000),))
    assert found["batch"].saves_nano is None
    assert "save" not in found["batch"].english
    assert "retries" not in found


def test_under_used_can_afford_a_better_model_or_fresher_answers() -> None:
    line = a_sum("default", "acme/small", price=a_price(1))
    cache = CacheSum(exact=5, mean_age_ms=7_200_000, saved_nano=USD)
    found = told("under_used", by_route_and_model=(line,), cache=cache)
    assert found["models"].about == ("default", "acme/small", "acme/strong")
    assert found["models"].saves_nano == -54 * USD
    assert "2.0 hours old" in found["fresher_cache"].english
    assert "2.0 時間" in found["fresher_cache"].japanese


def test_a_better_model_that_would_pass_the_budget_is_not_proposed() -> None:
    line = a_sum("default", "acme/small", price=a_price(1))
    findings = Findings(total=line, by_route_and_model=(line,), offers=(STRONG, MIDDLE, SMALL))
    now = pace("month", "UTC", NOON_MS, 40 * USD, 6 * USD)
    assert now is not None
    assert now.word == "under_used"
    (found,) = actions(now, findings)
    assert found.about[-1] == "acme/middle"


def test_a_budget_on_its_way_is_left_alone_but_unknown_prices_are_told_of() -> None:
    assert told("on_track") == {}
    assert list(told("on_track", total=Sum(spent_nano=60 * USD, unknown=3))) == ["price"]
    assert [one.kind for one in actions(None, Findings(total=Sum(unknown=1)))] == ["price"]


def test_nothing_is_known_yet() -> None:
    for word in ("critical", "warning", "under_used"):
        now = a_pace(word, 60 * USD)
        for one in actions(now, Findings(total=Sum())):
            assert one.english
            assert one.japanese


@given(tokens=st.integers(0, 10**9), calls=st.integers(1, 1000))
def test_the_same_price_costs_the_same(tokens: int, calls: int) -> None:
    line = a_sum("route", "acme/strong", tokens=tokens, calls=calls)
    assert cost_at(line, STRONG.price) == line.spent_nano


def test_prices_for_long_prompts_do_not_come_in_by_adding_up_and_a_price_for_each_request_does() -> None:
    dear, long = a_price(1), a_price(100)
    stepped = Price(label="stepped", steps=(*dear.steps, (200_000, long.steps[0][1])))
    assert cost_at(a_sum("r", "m"), stepped) == 6 * USD
    each = a_price(1, per_request=1_000_000_000)
    assert cost_at(a_sum("r", "m", calls=10), each) == 6 * USD + 10 * 1_000_000

"""Pricing a receipt, what counts as billed, and settling what was in flight."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.usage import NOTHING, Usage
from tenbin.ledger.prices import PriceBook
from tenbin.ledger.records import Opened, Progress
from tenbin.ledger.settlement import (
    UNKNOWN,
    interrupted,
    price_attempt,
    price_receipt,
)
from tests.ledger.making import NOON_MS, PRICED, a_receipt, an_attempt, usages

find = PriceBook(PRICED).price

OPENED = Opened(
    request_id="req_1",
    arrived_at_ms=NOON_MS,
    key_id="local",
    dialect="anthropic",
    operation="generate",
    path="/v1/messages",
    requested_model="anvil",
    stream=True,
    route="model:anvil",
    policy="0123",
    session=None,
    client="tests/1",
    number=1,
    provider="acme",
    model="anvil-1",
    target_dialect="openai_chat",
    started_at_ms=NOON_MS,
    input_tokens=1_234,
)


def test_every_attempt_is_priced_and_names_its_price() -> None:
    receipt = price_receipt(
        a_receipt(
            "req_1",
            an_attempt(1, outcome="failed", status=529, usage=NOTHING),
            an_attempt(2),
            an_attempt(3, provider="home", model="smol"),
        ),
        find,
    )
    assert [(a.cost_nano, a.price) for a in receipt.attempts] == [
        (0, "configuration: acme/anvil-1"),
        (3_000_000, "configuration: acme/anvil-1"),
        (0, "free"),
    ]
    assert receipt.cost_nano == 3_000_000


def test_an_unknown_price_is_never_zero() -> None:
    receipt = price_receipt(a_receipt("req_1", an_attempt(1, model="anvil-99"), an_attempt(2)), find)
    assert receipt.attempts[0].price == UNKNOWN
    assert receipt.attempts[0].cost_nano is None
    assert receipt.cost_nano is None
    assert receipt.billed_nano is None


def test_a_failed_call_to_an_unknown_model_leaves_the_rest_known() -> None:
    receipt = price_receipt(
        a_receipt("req_1", an_attempt(1, model="anvil-99", outcome="failed", usage=NOTHING), an_attempt(2)), find
    )
    assert receipt.attempts[0].cost_nano is None
    assert receipt.cost_nano == receipt.billed_nano == 3_000_000


def test_a_name_without_a_price_is_priced_as_the_model_that_answered() -> None:
    assert price_attempt(an_attempt(model="default", answered_model="anvil-1"), find).cost_nano == 3_000_000
    # But a price for the name it was called by comes first.
    assert price_attempt(an_attempt(answered_model="anvil-99"), find).cost_nano == 3_000_000


@given(usage=usages(), stated=st.none() | st.integers(min_value=0, max_value=10**12))
def test_what_a_provider_states_is_what_is_billed(usage: Usage, stated: int | None) -> None:
    attempt = price_attempt(
        an_attempt(usage=msgspec.structs.replace(usage, web_searches=0), provider_cost_nano=stated), find
    )
    assert attempt.provider_cost_nano == stated
    assert attempt.cost_nano == usage.prompt * 2_000 - usage.cache_read * 1_800 + usage.output * 10_000
    assert attempt.billed_nano == (attempt.cost_nano if stated is None else stated)


def test_a_stated_cost_is_billed_even_at_an_unknown_price() -> None:
    receipt = price_receipt(
        a_receipt("req_1", an_attempt(1, model="anvil-99", provider_cost_nano=42), an_attempt(2)), find
    )
    assert receipt.cost_nano is None
    assert receipt.billed_nano == 42 + 3_000_000


@given(st.lists(usages(), max_size=4))
def test_a_receipt_costs_the_sum_of_its_attempts(all_usages: list[Usage]) -> None:
    attempts = [
        an_attempt(number, usage=msgspec.structs.replace(usage, web_searches=0))
        for number, usage in enumerate(all_usages, 1)
    ]
    receipt = price_receipt(msgspec.structs.replace(a_receipt(), attempts=tuple(attempts)), find)
    assert receipt.cost_nano == receipt.billed_nano == sum(a.cost_nano or 0 for a in receipt.attempts)
    assert receipt.usage.output == sum(usage.output for usage in all_usages)


def test_pricing_twice_changes_nothing() -> None:
    once = price_receipt(a_receipt(), find)
    assert price_receipt(once, find) == once


def test_an_interrupted_request_is_estimated_from_its_prompt_and_what_was_seen_of_its_answer() -> None:
    receipt = interrupted(OPENED, Progress(request_id="req_1", number=1, output_bytes=4_001))
    (attempt,) = receipt.attempts
    assert attempt.usage == Usage(input=1_234, output=1_001, input_estimated=True, output_estimated=True)
    assert (receipt.outcome, attempt.outcome, receipt.status) == ("interrupted", "interrupted", 200)
    assert (receipt.request_id, receipt.key_id, receipt.policy) == ("req_1", "local", "0123")


def test_an_interrupted_request_whose_answer_had_not_begun() -> None:
    receipt = interrupted(OPENED, None)
    assert receipt.attempts[0].usage == Usage(input=1_234, input_estimated=True, output_estimated=True)
    assert receipt.status == 500


def test_what_the_provider_had_stated_is_not_estimated_again() -> None:
    stated = Usage(input=10, cache_read=150_000, output=3)
    usage = (
        interrupted(OPENED, Progress(request_id="req_1", number=1, output_bytes=400, usage=stated)).attempts[0].usage
    )
    assert usage == Usage(input=10, cache_read=150_000, output=100, output_estimated=True)


def test_attempts_that_had_ended_are_kept() -> None:
    ended = an_attempt(1, outcome="cut", usage=Usage(input=5, output=5))
    receipt = interrupted(msgspec.structs.replace(OPENED, number=2, attempts=(ended,)), None)
    assert receipt.attempts[0] == ended
    assert [attempt.number for attempt in receipt.attempts] == [1, 2]


def test_counting_tokens_costs_nothing_and_embedding_produces_none() -> None:
    counted = interrupted(msgspec.structs.replace(OPENED, operation="count_tokens"), None)
    assert counted.usage == NOTHING
    embedded = interrupted(msgspec.structs.replace(OPENED, operation="embed"), None)
    assert embedded.usage == Usage(input=1_234, input_estimated=True)


def test_a_judge_in_flight_is_settled_at_its_own_price_and_no_target_had_the_last_word() -> None:
    judge = msgspec.structs.replace(OPENED, number=0, route="judge", input_tokens=700)
    receipt = price_receipt(interrupted(judge, None), find)
    (only,) = receipt.attempts
    assert (only.number, only.outcome, only.cost_nano) == (0, "interrupted", 700 * 2_000)
    assert receipt.billed_nano == 700 * 2_000
    assert receipt.last is None
    answering = msgspec.structs.replace(OPENED, attempts=receipt.attempts)
    both = interrupted(answering, None)
    assert [one.number for one in both.attempts] == [0, 1]
    assert both.last == both.attempts[-1]

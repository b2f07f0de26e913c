"""What is scraped adds up to what was settled."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import Usage
from tenbin.measure.metrics import BUCKETS_MS, MOST_SERIES, MOST_WAITING, Metrics

usages = st.builds(Usage, input=st.integers(0, 10**6), output=st.integers(0, 10**6), cache_read=st.integers(0, 10**6))
attempts = st.builds(
    Attempt,
    number=st.just(1),
    provider=st.sampled_from(["a", "b"]),
    model=st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(["x", "y"]),
    dialect=st.just("anthropic"),
    started_at_ms=st.just(0),
    outcome=st.sampled_from(["answered", "failed", "cut"]),
    failure=st.sampled_from([None, "cut", "timeout"]),
    usage=usages,
    cost_nano=st.none() | st.integers(0, 10**12),
    provider_cost_nano=st.none() | st.integers(0, 10**12),
    first_byte_ms=st.none() | st.floats(0, 10**6),
)
receipts = st.builds(
    Receipt,
    request_id=st.just("req_1"),
    arrived_at_ms=st.just(0),
    key_id=st.just("local"),
    dialect=st.sampled_from(["anthropic", "openai_chat"]),
    operation=st.just("generate"),
    path=st.just("/"),
    requested_model=st.just("x"),
    stream=st.booleans(),
    route=st.just(""),
    outcome=st.sampled_from(["answered", "failed", "cut", "cancelled", "interrupted"]),
    status=st.sampled_from([200, 429, 499]),
    policy=st.just(""),
    attempts=st.lists(attempts, max_size=3).map(tuple),
    total_ms=st.floats(0, 10**6),
)


def scraped(metrics: Metrics) -> dict[str, list[Any]]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {family.name: list(family.samples) for family in families}


def total(samples: list[Any], ending: str = "_total", **labels: str) -> float:
    return sum(one.value for one in samples if one.name.endswith(ending) and labels.items() <= one.labels.items())


@given(st.lists(receipts, max_size=10))
def test_sums_are_the_receipts_sums(given_receipts: list[Receipt]) -> None:
    metrics = Metrics(lambda: {"tenbin_ready": ("1 when ready.", 1)})
    for receipt in given_receipts:
        metrics.add(receipt)
    found = scraped(metrics)
    made = [attempt for receipt in given_receipts for attempt in receipt.attempts]
    assert total(found["tenbin_requests"]) == len(given_receipts)
    assert total(found["tenbin_request_seconds"], "_count") == len(given_receipts)
    assert total(found["tenbin_attempts"]) == len(made)
    for kind in ("input", "output", "cache_read"):
        assert total(found["tenbin_tokens"], kind=kind) == sum(getattr(one.usage, kind) for one in made)
    cost = sum(one.billed_nano or 0 for one in made)
    assert abs(total(found["tenbin_cost_usd"]) * 1e9 - cost) <= max(1, cost * 1e-12)
    unknown = [one for one in made if one.billed_nano is None]
    assert total(found["tenbin_attempts_unpriced"]) == len(unknown)
    assert total(found["tenbin_ready"], "") == 1


@given(receipts, st.integers(1, 3 * MOST_WAITING), st.integers(1, 3 * MOST_WAITING))
def test_each_receipt_is_counted_once_however_many_wait(receipt: Receipt, before: int, after: int) -> None:
    metrics = Metrics(dict)
    for count, sofar in ((before, before), (0, before), (after, before + after)):
        for _ in range(count):
            metrics.add(receipt)
        found = scraped(metrics)
        assert total(found["tenbin_requests"]) == sofar
        assert total(found["tenbin_attempts"]) == sofar * len(receipt.attempts)


def test_a_bucket_holds_what_is_not_above_its_bound() -> None:
    metrics = Metrics(dict)
    plain = Receipt(
        request_id="r",
        arrived_at_ms=0,
        key_id="local",
        dialect="anthropic",
        operation="generate",
        path="/",
        requested_model="x",
        stream=False,
        route="",
        outcome="answered",
        status=200,
        policy="",
        total_ms=float(BUCKETS_MS[0]),
    )
    metrics.add(plain)
    buckets = [one for one in scraped(metrics)["tenbin_request_seconds"] if "le" in one.labels]
    assert [one.value for one in buckets] == [1.0] * (len(BUCKETS_MS) + 1)
    assert buckets[0].labels["le"] == "0.005"


def test_names_that_clients_make_up_do_not_fill_the_memory() -> None:
    metrics = Metrics(dict)
    for number in range(MOST_SERIES + 500):
        attempt = Attempt(
            number=1, provider="p", model=f"m{number}", dialect="anthropic", started_at_ms=0, outcome="answered"
        )
        receipt = Receipt(
            request_id="r",
            arrived_at_ms=0,
            key_id="local",
            dialect="anthropic",
            operation="generate",
            path="/",
            requested_model="x",
            stream=False,
            route="",
            outcome="answered",
            status=200,
            policy="",
            attempts=(attempt,),
        )
        metrics.add(receipt)
    samples = scraped(metrics)["tenbin_attempts"]
    assert len(samples) <= MOST_SERIES + 1
    assert total(samples) == MOST_SERIES + 500
    assert total(samples, provider="other") == 500


def test_of_hedged_requests_it_is_told_who_answered() -> None:
    metrics = Metrics(dict)
    first = Attempt(
        number=1, provider="a", model="x", dialect="anthropic", started_at_ms=0, outcome="answered", hedge=1
    )
    second = msgspec.structs.replace(first, number=2, provider="b", hedge=2)
    gone = [msgspec.structs.replace(one, outcome="cancelled", failure="cancelled") for one in (first, second)]
    alone = msgspec.structs.replace(first, hedge=0)
    for pair in ((first, gone[1]), (gone[0], second), (gone[0], gone[1]), (alone,)):
        metrics.add(
            Receipt(
                request_id="r",
                arrived_at_ms=0,
                key_id="local",
                dialect="anthropic",
                operation="generate",
                path="/",
                requested_model="x",
                stream=False,
                route="",
                outcome="answered",
                status=200,
                policy="",
                attempts=pair,
            )
        )
    samples = scraped(metrics)["tenbin_hedged_requests"]
    told = {one.labels["answered"]: one.value for one in samples if one.name.endswith("_total")}
    assert told == {"first": 1, "second": 1, "neither": 1}

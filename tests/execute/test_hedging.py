"""What hedged requests go by: measured times, a share of requests, a day's money that is never passed."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.hedging import HedgingConfig
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import Usage
from tenbin.execute.hedging import Hedging, unneeded_nano
from tenbin.ledger.prices import PriceBook
from tests.decide.plans import NOW_MS, ask, target
from tests.real.books import configured

FIRST, SECOND = target("acme/one"), target("bolt/two")
PRICED = {name: {"base_url": "http://127.0.0.1:1", "dialect": "anthropic"} for name in ("acme", "bolt")}


def book(known: bool) -> PriceBook:
    """Real prices, of both targets or of none."""
    models = {"acme": "one", "bolt": "two"}
    price = {"input": 3, "output": 15}
    rows = {name: {**row, "models": {models[name]: {"price": price} if known else {}}} for name, row in PRICED.items()}
    return PriceBook(configured(providers=rows).providers)


def hedging(known: bool = True, **settings: Any) -> Hedging:
    return Hedging(HedgingConfig(**{"after_ms": 100, **settings}), book(known))


def settled(number: int = 1, first_byte_ms: float = 100.0, **fields: Any) -> Receipt:
    attempt = Attempt(
        number=1,
        provider="acme",
        model="one",
        dialect="anthropic",
        started_at_ms=NOW_MS,
        outcome="answered",
        first_byte_ms=first_byte_ms,
        total_ms=2 * first_byte_ms,
        cost_nano=7,
        usage=Usage(input=1, output=1),
    )
    whole: dict[str, Any] = {
        "request_id": f"req_{number}",
        "arrived_at_ms": NOW_MS,
        "key_id": "local",
        "dialect": "anthropic",
        "operation": "generate",
        "path": "/v1/messages",
        "requested_model": "smart",
        "stream": True,
        "route": "model:smart",
        "outcome": "answered",
        "status": 200,
        "policy": "00",
        "attempts": (attempt,),
    }
    return Receipt(**{**whole, **fields})


def test_only_a_share_of_requests_is_hedged() -> None:
    held = hedging(share=0.1, usd_per_day=1000.0)
    begun = 0
    for _ in range(1_000):
        if held.affords_one():
            begun += held.begin(ask(), FIRST, SECOND, NOW_MS)
    assert 90 <= begun <= 101


def test_requests_under_way_together_do_not_take_the_same_hedge() -> None:
    held = hedging(share=0.1, usd_per_day=1000.0)
    assert held.affords_one()
    assert held.affords_one()
    assert held.begin(ask(), FIRST, SECOND, NOW_MS)
    assert not held.begin(ask(), FIRST, SECOND, NOW_MS)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30_000_000) | st.none()), max_size=60))
def test_the_days_money_is_never_passed(events: list[tuple[int, int | None]]) -> None:
    held = hedging(share=1.0, usd_per_day=0.05)
    most, spent = 50_000_000, 0
    for number, (request, cost) in enumerate(events):
        name = f"req_{number}_{request}"
        asked = ask(max_tokens=500)

        if not held.begin(msgspec.structs.replace(asked, request_id=name), FIRST, SECOND, NOW_MS):
            continue
        reserved = held.spend.set_aside
        lost = Attempt(
            number=1,
            provider="acme",
            model="one",
            dialect="anthropic",
            started_at_ms=NOW_MS,
            outcome="cancelled",
            hedge=1,
            usage=Usage(input=1),
            cost_nano=None if cost is None else min(cost, reserved),
        )
        held.add(settled(request_id=name, attempts=(lost,)))
        spent += reserved if cost is None else min(cost, reserved)
        assert held.spend.set_aside == 0
        assert held.spend.spent == spent <= most


def test_nobody_is_asked_twice_at_an_unknown_price() -> None:
    assert not hedging(known=False, share=1.0).begin(ask(), FIRST, SECOND, NOW_MS)


@pytest.mark.parametrize(("stream", "after"), [(True, 100), (False, 200)])
def test_what_is_measured_is_what_a_client_waits_for(stream: bool, after: int) -> None:
    held = hedging(percentile=90, least_ms=1)
    for number in range(19):
        held.add(settled(number, stream=stream))
    assert held.slow_ms == {}
    held.add(settled(20, stream=stream))
    assert held.slow_ms == {"acme/one": after}
    held.configure(HedgingConfig(percentile=90, least_ms=5_000))
    assert held.slow_ms == {"acme/one": 5_000}


def test_what_was_not_needed_is_what_the_other_one_cost() -> None:
    answered = settled().attempts[0]

    lost = msgspec.structs.replace(answered, number=2, outcome="cancelled", hedge=2, cost_nano=11)
    won = msgspec.structs.replace(answered, hedge=1)
    assert unneeded_nano(settled(attempts=(lost, won))) == 11
    unknown = msgspec.structs.replace(lost, cost_nano=None)
    assert unneeded_nano(settled(attempts=(unknown, won))) is None
    assert unneeded_nano(settled()) == 0

"""The headers that Tenbin adds to an answer say what the ledger says."""

import pytest

from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import NOTHING, Usage
from tenbin.execute.answer_headers import receipt_headers

SOME = Usage(input=5)


def attempt(cost: int | None, stated: int | None, usage: Usage = SOME) -> Attempt:
    return Attempt(
        number=1,
        provider="p",
        model="m",
        dialect="anthropic",
        started_at_ms=0,
        outcome="answered",
        usage=usage,
        cost_nano=cost,
        provider_cost_nano=stated,
    )


@pytest.mark.parametrize(
    ("attempts", "told"),
    [
        ([], b"0.000000000"),
        ([attempt(7, None)], b"0.000000007"),
        ([attempt(7, 9)], b"0.000000009"),
        ([attempt(None, 9)], b"0.000000009"),
        ([attempt(None, None)], b"unknown"),
        ([attempt(7, None), attempt(None, None)], b"unknown"),
        ([attempt(None, None, NOTHING), attempt(2_000_000_000, None)], b"2.000000000"),
    ],
)
def test_the_cost_is_the_ledgers(attempts: list[Attempt], told: bytes) -> None:
    receipt = Receipt(
        request_id="req_1",
        arrived_at_ms=0,
        key_id="local",
        dialect="anthropic",
        operation="generate",
        path="/v1/messages",
        requested_model="m",
        stream=False,
        route="default",
        outcome="answered",
        status=200,
        policy="",
        attempts=tuple(attempts),
    )
    assert receipt_headers(receipt) == [(b"x-tenbin-cost", told)]

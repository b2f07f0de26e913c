"""One call to a provider: what of its error goes further, and what is written down of it."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenbin.core.receipt import Attempt, Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained, truth
from tests.execute.test_exchange import cost
from tests.real.books import Books, House, serving

KEY = "sk-live-0123456789-secret"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_a_key_that_a_provider_repeats_goes_no_further(
    simulator: RunningSimulator, tmp_path: Path, path: str, status: int
) -> None:
    providers: dict[str, Any] = {
        "anthropic": {"base_url": f"{simulator.url}/anthropic", "api_key": KEY},
        "openai": {"base_url": f"{simulator.url}/openai/v1", "api_key": KEY},
    }
    config = chained(simulator.url, providers=providers, models={}, retries={"per_target": 0})
    body = {"max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}
    with serving(config, tmp_path) as house:
        caller = Caller(house.url)
        for model in ("anthropic/claude-haiku-5-5", "openai/gpt-4o"):
            simulator.script("*", status=status, message=f"Incorrect API key {KEY} given.")
            response = caller.http.post(path, json=body | {"model": model})
            assert response.status_code >= 400
            assert "Incorrect API key" in response.text
            assert KEY not in response.text
            assert KEY not in json.dumps(dict(response.headers))
        caller.http.close()
        receipts = house.books.new(2)
    assert all("(key)" in receipt.attempts[0].message for receipt in receipts)
    assert KEY not in msgspec.json.encode(receipts).decode()
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file


@pytest.mark.parametrize(
    ("stated", "kept"), [(0.25, 250_000_000), (0, 0), (-5, None), (1e30, None), (1e300, None), ("much", None)]
)
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_a_stated_cost_that_can_be_none_is_not_believed(
    simulator: RunningSimulator, caller: Caller, books: Books, path: str, stated: object, kept: int | None
) -> None:
    model = "one" if path == "/v1/messages" else "chat"
    simulator.script("*", text="x", usage={"cost": stated})
    body = {"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}
    response = caller.http.post(path, json=body)
    receipt = books.one()
    assert receipt.attempts[0].provider_cost_nano == kept
    assert receipt.cost_nano
    told = kept if kept is not None else receipt.cost_nano
    assert response.headers["x-tenbin-cost"] == f"{told / 1e9:.9f}"


def test_every_field_of_a_receipt_stands_in_its_place(
    simulator: RunningSimulator, caller: Caller, books: Books, house: House
) -> None:
    simulator.script("*", {"status": 529, "message": "too busy"}, {"text": "Good day.", "usage": {"cost": 0.25}})
    began = time.time_ns() // 1_000_000
    headers = {"x-claude-code-session-id": "session-7", "user-agent": "tests/7"}
    response = caller.ask("anthropic", "one", headers=headers)
    assert response.status_code == 200
    receipt = books.one()
    failed, answered = receipt.attempts
    assert (
        began <= receipt.arrived_at_ms <= failed.started_at_ms <= answered.started_at_ms <= time.time_ns() // 1_000_000
    )
    assert 0 < receipt.queue_ms < (receipt.first_byte_ms or 0) <= receipt.total_ms
    assert failed.first_byte_ms is None
    assert failed.total_ms > 0
    assert 0 < (answered.first_byte_ms or 0) <= answered.total_ms <= receipt.total_ms
    assert answered.cost_nano == cost(receipt) > 0
    first, second = simulator.requests()
    same: dict[str, Any] = {"provider": "anthropic", "model": "claude-sonnet-4-6", "dialect": "anthropic"}
    settled: dict[str, Any] = {"price": "configuration: anthropic/claude-sonnet-4-6"}
    assert failed == Attempt(
        **same,
        **settled,
        number=1,
        started_at_ms=failed.started_at_ms,
        outcome="failed",
        failure="overloaded",
        status=529,
        message="too busy",
        cost_nano=0,
        total_ms=failed.total_ms,
        upstream_request_id=first["request_id"],
    )
    assert answered == Attempt(
        **same,
        **settled,
        number=2,
        started_at_ms=answered.started_at_ms,
        outcome="answered",
        status=200,
        usage=answered.usage,
        cost_nano=answered.cost_nano,
        provider_cost_nano=250_000_000,
        service_tier=answered.service_tier,
        first_byte_ms=answered.first_byte_ms,
        total_ms=answered.total_ms,
        upstream_request_id=second["request_id"],
        stop_reason="end_turn",
    )
    assert (answered.usage.prompt, answered.usage.output) == truth(second)
    assert receipt == Receipt(
        request_id=response.headers["x-tenbin-request-id"],
        arrived_at_ms=receipt.arrived_at_ms,
        key_id="local",
        dialect="anthropic",
        operation="generate",
        path="/v1/messages",
        requested_model="one",
        stream=False,
        route="model:one",
        outcome="answered",
        status=200,
        policy=house.running.gateway.world.policy.hash,
        attempts=(failed, answered),
        session="session-7",
        client="tests/7",
        queue_ms=receipt.queue_ms,
        first_byte_ms=receipt.first_byte_ms,
        total_ms=receipt.total_ms,
        trace=receipt.trace,
    )
    assert receipt.failure is None

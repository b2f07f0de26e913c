"""One call to a provider: what of its error goes further."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import Books, serving

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

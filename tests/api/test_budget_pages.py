"""Budgets of a running gateway seen from outside: what is spent, and what calls under way have set aside."""

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import chained
from tests.real.books import serving, wait_until

MASTER = "a-master-key-of-the-tests"
BUDGETS = [{"scope": "global", "window": "month", "usd": 20}, {"scope": "model:*", "window": "day", "usd": 9}]


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


def ask(http: httpx2.Client, text: str = "Hello") -> httpx2.Response:
    body = {"model": "one", "max_tokens": 50, "messages": [{"role": "user", "content": text}]}
    return http.post("/v1/messages", json=body)


def reserved(http: httpx2.Client) -> int:
    return int(http.get("/budgets").json()["levels"][0]["reserved_nano"])


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_levels_are_what_is_spent_and_set_aside(simulator: RunningSimulator, tmp_path: Path, store: str) -> None:
    config = chained(simulator.url, spending={"budgets": BUDGETS, "store": store})
    with serving(config, tmp_path) as house, httpx2.Client(base_url=house.url, timeout=20, trust_env=False) as http:
        told = http.get("/budgets").json()
        assert told["exact"]
        assert [(one["budget"], one["spent_nano"], one["limit_nano"]) for one in told["levels"]] == [
            ("global/month", 0, 20_000_000_000)
        ]
        assert ask(http).status_code == 200
        (receipt,) = house.books.new(1)
        wait_until(lambda: reserved(http) == 0, "the settlement")
        levels = {one["budget"]: one for one in http.get("/budgets").json()["levels"]}
        whole, model = levels.pop("global/month"), levels.popitem()[1]
        assert (whole["spent_nano"], whole["reserved_nano"]) == (receipt.billed_nano, 0)
        last = receipt.last
        assert last is not None
        assert model["budget"] == f"model:{last.provider}/{last.model}/day"
        assert (model["spent_nano"], model["window"], model["timezone"]) == (receipt.billed_nano, "day", "UTC")
        simulator.script("claude-sonnet-4-6", text="Hello", delay_ms=400)
        slow = threading.Thread(target=ask, args=(http,))
        slow.start()
        wait_until(lambda: reserved(http) > 0, "a call under way")
        slow.join()
        wait_until(lambda: reserved(http) == 0, "its end")


def test_without_budgets_there_is_none(simulator: RunningSimulator, tmp_path: Path) -> None:
    with (
        serving(chained(simulator.url), tmp_path) as house,
        httpx2.Client(base_url=house.url, timeout=20, trust_env=False) as http,
    ):
        assert http.get("/budgets").json()["levels"] == []


def test_they_are_for_the_master_key(simulator: RunningSimulator, tmp_path: Path) -> None:
    config = chained(simulator.url, spending={"budgets": BUDGETS}, master_key=MASTER)
    with serving(config, tmp_path) as house, httpx2.Client(base_url=house.url, timeout=20, trust_env=False) as http:
        assert http.get("/budgets").status_code == 401
        assert http.get("/budgets", headers={"authorization": f"Bearer {MASTER}"}).status_code == 200

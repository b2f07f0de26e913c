"""Budgets over a gateway's life: what was set aside when it died counts, in memory and in a store of its own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenbin.core.account import Account
from tenbin.core.budget import Allotment
from tenbin.ledger.accounts.log import By
from tenbin.ledger.accounts.store import Accounts
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.execute.spending.test_engine import billed, spending, standing
from tests.real.books import receipts_in, serving, wait_until
from tests.test_app import Process, Streaming

KEY = "tb-" + "k" * 43
BUDGET = 1.0
"""USD; a call of these tests may cost some 0.16 (10 000 tokens of answer at 15 USD a million)."""


@pytest.fixture
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture(params=["memory", "sqlite"])
def process(tmp_path: Path, simulator: RunningSimulator, request: pytest.FixtureRequest) -> Iterator[Process]:
    budgets = {"store": request.param, "budgets": [{"scope": "global", "window": "total", "usd": BUDGET}]}
    one = Process(tmp_path, simulator.url, spending=budgets)
    one.start()
    yield one
    one.caller.http.close()
    if one.child is not None and one.child.poll() is None:
        one.child.kill()
        one.child.wait()


def test_kill_9_again_and_again_hands_out_no_second_budget(process: Process, simulator: RunningSimulator) -> None:
    """Each time six streams are cut by the death of the gateway: what they might have cost is gone for good."""
    refused = started = 0
    for _ in range(3):
        simulator.script("*", *[{"output_tokens": 4_000, "tick_ms": 15}] * 6)
        running = [Streaming(process.caller) for _ in range(6)]
        wait_until(lambda: all(len(one.data) > 3_000 or not one.thread.is_alive() for one in running), "streams", 20)  # noqa: B023
        started += sum(one.headers["content-type"].startswith("text/event-stream") for one in running)
        refused += sum(b"billing_error" in one.data or b"rate_limit_error" in one.data for one in running)
        process.kill()
        for one in running:
            one.end()
        simulator.clear()
        process.start()
    assert started + refused == 18
    assert started == 6, "only so many have room in the budget, however often it starts anew"
    answer = process.caller.ask("anthropic", "one", max_tokens=10_000)
    assert answer.status_code == 429, answer.text
    assert answer.json()["error"]["type"] == "billing_error"
    # What it might cost fits in what is left.
    assert process.caller.ask("anthropic", "one", max_tokens=50).status_code == 200
    known = receipts_in(process.data)
    assert billed(known) < BUDGET * 10**9
    interrupted = [one.attempts[-1] for one in known if one.outcome == "interrupted"]
    assert len(interrupted) == 6
    assert all(one.reserved_nano is not None and one.reserved_nano > 150_000_000 for one in interrupted)


def test_a_keys_own_budget_and_its_teams(simulator: RunningSimulator, tmp_path: Path) -> None:
    with Accounts(tmp_path, bytes(32)) as accounts:
        own = (Allotment("key", "day", 20_000_000),)
        account = Account(key_id="key_0000000000000001", name="laptop", team="search", user="ada", budgets=own)
        accounts.create(account, KEY, by=By("a test"), now_ms=1)
    headers = {"authorization": f"Bearer {KEY}"}
    with serving(chained(simulator.url, **spending({"scope": "team:*", "usd": 5})), tmp_path) as house:
        caller = Caller(house.url)
        with contextlib.closing(caller.http):
            answers = [caller.ask("anthropic", "one", headers=headers) for _ in range(12)]
        statuses = [answer.status_code for answer in answers]
        answered = statuses.count(200)
        assert 0 < answered < 12
        assert statuses == [200] * answered + [429] * (12 - answered)
        assert "The budget of $0.02 a day of the key laptop has no room" in answers[-1].json()["error"]["message"]
        receipts = house.books.new(12)
        assert {(receipt.team, receipt.user) for receipt in receipts} == {("search", "ada")}
        spent = billed(receipts)
        found = standing(house)
        assert found["team:search/total"] == found["key:key_0000000000000001/day"] == (spent, 0)


def test_a_store_that_cannot_be_opened_is_told_of_with_its_fix(simulator: RunningSimulator, tmp_path: Path) -> None:
    config = chained(simulator.url, spending={"budgets": [], "store": "redis://127.0.0.1:1/0"})
    with serving(config, tmp_path) as house:
        # Nobody has a budget: nobody waits for the store.
        caller = Caller(house.url)
        with contextlib.closing(caller.http):
            assert caller.ask("anthropic", "one").status_code == 200
    simulator.clear()
    config = chained(simulator.url, **spending({"usd": 5}))
    keys = {"store": "redis://127.0.0.1:1/0", "budgets": [{"scope": "global", "window": "day", "usd": 5}]}
    config = chained(simulator.url, spending=keys)
    with serving(config, tmp_path) as house:
        caller = Caller(house.url)
        with contextlib.closing(caller.http):
            answer = caller.ask("anthropic", "one")
        assert answer.status_code == 503, answer.text
        assert "nothing is spent" in answer.json()["error"]["message"]
        assert simulator.requests() == []
    keys["when_unreachable"] = "serve"
    with serving(chained(simulator.url, spending=keys), tmp_path) as house:
        caller = Caller(house.url)
        with contextlib.closing(caller.http):
            assert caller.ask("anthropic", "one").status_code == 200

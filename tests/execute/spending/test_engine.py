"""Budgets at work in a real gateway: what has no room is not called; what was called counts as the ledger has it."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from tenbin.config.model import ModelPrice
from tenbin.core.account import Account
from tenbin.core.ask import Caller as KeyOf
from tenbin.core.budget import Allotment
from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained, events
from tests.real.books import House, serving, wait_until

USD = 1_000_000_000
WORST = 17_000_000
"""About what a request of these tests may cost at most, nano-USD: 1 150 tokens to write, 500 to answer."""


def spending(*budgets: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"spending": {"budgets": [{"scope": "global", "window": "total", **one} for one in budgets], **keys}}


def ask(house: House, dialect: str, model: str, text: str = "Hello", **fields: Any) -> httpx2.Response:
    caller = Caller(house.url)
    with contextlib.closing(caller.http):
        return caller.ask(dialect, model, text, max_tokens=500, **fields)


def billed(receipts: list[Receipt]) -> int:
    return sum(receipt.billed_nano or 0 for receipt in receipts)


def standing(house: House) -> dict[str, tuple[int, int]]:
    """(spent, reserved) by counter."""
    budgets = house.running.gateway.world.budgets
    assert budgets is not None
    levels = house.running.call(lambda: budgets.all_levels((), house.running.gateway.clock.now_ms()))
    return {level.claim.counter: (level.spent, level.reserved) for level in levels}


@pytest.fixture
def simulator() -> Any:
    with RunningSimulator() as running:
        yield running


def test_what_fits_is_answered_and_counted_as_the_ledger_has_it(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(chained(simulator.url, **spending({"usd": 1})), tmp_path) as house:
        for dialect, model in (("anthropic", "one"), ("openai", "chat"), ("anthropic", "chat")):
            for stream in (False, True):
                answer = ask(house, dialect, model, stream=stream)
                assert answer.status_code == 200, answer.text
        receipts = house.books.new(6)
        assert billed(receipts) > 0
        assert standing(house) == {"global/total": (billed(receipts), 0)}


@pytest.mark.parametrize(("dialect", "stream"), [("anthropic", False), ("anthropic", True), ("openai", False)])
def test_what_has_no_room_is_not_called(
    simulator: RunningSimulator, tmp_path: Path, dialect: str, stream: bool
) -> None:
    with serving(chained(simulator.url, **spending({"usd": 0.001})), tmp_path) as house:
        answer = ask(house, dialect, "one" if dialect == "anthropic" else "chat", stream=stream)
        assert answer.status_code == 429
        assert answer.headers["x-should-retry"] == "false"
        error = answer.json()["error"]
        if dialect == "anthropic":
            assert error["type"] == "billing_error"
        else:
            assert (error["type"], error["code"]) == ("insufficient_quota", "insufficient_quota")
        for words in ("The budget of $0.001 has no room", "$0.001", "no room", "is spent"):
            assert words in error["message"], error["message"]
        receipt = house.books.one()
        assert (receipt.outcome, receipt.failure, receipt.billed_nano) == ("failed", "over_budget", 0)
        assert simulator.requests() == []
        assert standing(house) == {"global/total": (0, 0)}


def test_a_cheaper_target_may_have_room_where_the_dearer_has_none(simulator: RunningSimulator, tmp_path: Path) -> None:
    config = chained(simulator.url, **spending({"usd": 0.001}))
    openai = config.providers["openai"]
    price = ModelPrice(input=0.01, output=0.01, cache_write_1h=0.01, cache_write_5m=0.01, cache_read=0.01)
    cheap = msgspec.structs.replace(openai.models["gpt-4o"], price=price)
    providers = config.providers | {"openai": msgspec.structs.replace(openai, models={"gpt-4o": cheap})}
    with serving(msgspec.structs.replace(config, providers=providers), tmp_path) as house:
        answer = ask(house, "anthropic", "chain")
        assert answer.status_code == 200
        receipt = house.books.one()
        assert [(one.provider, one.failure) for one in receipt.attempts] == [
            ("anthropic", "over_budget"),
            ("openai", None),
        ]
        assert standing(house) == {"global/total": (receipt.billed_nano, 0)}


def test_what_failed_and_cost_nothing_leaves_its_room_to_the_next(simulator: RunningSimulator, tmp_path: Path) -> None:
    simulator.script("claude-sonnet-4-6", *[{"status": 529}] * 2)
    with serving(chained(simulator.url, **spending({"usd": WORST * 1.5 / USD})), tmp_path) as house:
        answer = ask(house, "anthropic", "chain")
        assert answer.status_code == 200, answer.text
        receipt = house.books.one()
        assert [one.outcome for one in receipt.attempts] == ["failed", "failed", "answered"]
        assert standing(house) == {"global/total": (receipt.billed_nano, 0)}


def test_500_at_once_never_pass_the_limit(simulator: RunningSimulator, tmp_path: Path) -> None:
    limit = WORST * 10 / USD
    simulator.script("claude-sonnet-4-6", *[{"delay_ms": 50}] * 500)
    patience = {"connect": 20, "first_byte": 20, "idle": 20, "total": 60}
    with serving(chained(simulator.url, **spending({"usd": limit}), timeouts=patience), tmp_path) as house:

        def status(number: int) -> int:
            return ask(house, "anthropic", "one", f"Request {number}", stream=number % 2 == 0).status_code

        with ThreadPoolExecutor(50) as pool:
            statuses = list(pool.map(status, range(500)))
        assert set(statuses) == {200, 429}
        receipts = house.books.new(500)
        spent = billed(receipts)
        assert 0 < spent <= limit * USD
        assert standing(house) == {"global/total": (spent, 0)}
        assert statuses.count(200) == sum(receipt.outcome == "answered" for receipt in receipts)


def test_calls_under_way_are_said_to_be_in_the_way(simulator: RunningSimulator, tmp_path: Path) -> None:
    simulator.script("claude-sonnet-4-6", delay_ms=500)
    with serving(chained(simulator.url, **spending({"usd": WORST * 1.5 / USD})), tmp_path) as house:
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(ask, house, "anthropic", "one")
            while not simulator.requests():
                pass
            second = ask(house, "anthropic", "one")
            assert first.result().status_code == 200
        assert second.status_code == 429
        assert second.json()["error"]["type"] == "rate_limit_error"
        assert (second.headers["x-should-retry"], second.headers["retry-after"]) == ("true", "2")
        assert "set aside for calls under way" in second.json()["error"]["message"]
        assert ask(house, "anthropic", "one").status_code == 200


def test_a_restart_counts_what_was_spent_before(simulator: RunningSimulator, tmp_path: Path) -> None:
    config = chained(simulator.url, **spending({"usd": 1}, {"usd": 1, "scope": "model:*", "window": "month"}))
    with serving(config, tmp_path) as house:
        for model in ("one", "chat"):
            ask(house, "openai", model)
        before = standing(house)
    assert len(before) == 3
    with serving(config, tmp_path) as house:
        for model in ("one", "chat"):
            ask(house, "openai", model)
        spent = {name: spent for name, (spent, _) in standing(house).items()}
        assert spent == {name: 2 * amount for name, (amount, _) in before.items()}


def test_a_budget_put_in_force_later_counts_what_was_before_and_what_is_under_way(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    simulator.script("claude-sonnet-4-6", {}, {"delay_ms": 400})
    with serving(chained(simulator.url, **spending({"usd": 5, "window": "day"})), tmp_path) as house:
        ask(house, "anthropic", "one")
        with ThreadPoolExecutor(1) as pool:
            second = pool.submit(ask, house, "anthropic", "one")
            while len(simulator.requests()) < 2:
                pass
            later = chained(simulator.url, **spending({"usd": 5, "window": "day"}, {"usd": 7, "window": "month"}))
            house.running.call(lambda: house.running.gateway.apply(later))
            during = standing(house)
            assert second.result().status_code == 200
        assert during["global/month"] == during["global/day"]
        assert during["global/month"][1] > 0
        spent = billed(house.books.new(2))
        assert standing(house) == {"global/day": (spent, 0), "global/month": (spent, 0)}


def test_a_price_that_nobody_knows_is_no_call_under_a_hard_budget(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(chained(simulator.url, **spending({"usd": 5})), tmp_path) as house:
        answer = ask(house, "openai", "unpriced")
        assert answer.status_code == 429
        assert "providers.unpriced.models" in answer.json()["error"]["message"]
        assert simulator.requests() == []
    with serving(chained(simulator.url, **spending({"usd": 5, "hard": False})), tmp_path) as house:
        assert ask(house, "openai", "unpriced").status_code == 200


def test_a_soft_budget_counts_and_refuses_nothing(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(chained(simulator.url, **spending({"usd": 0, "hard": False})), tmp_path) as house:
        heard: list[Any] = []
        budgets = house.running.gateway.world.budgets
        assert budgets is not None
        budgets.listeners.append(heard.append)
        answer = ask(house, "anthropic", "one", stream=True)
        assert events(answer)
        receipt = house.books.one()
        assert standing(house) == {"global/total/soft": (receipt.billed_nano, 0)}
        assert [(level.spent, level.reserved > 0) for (level,) in heard] == [(0, True), (receipt.billed_nano, False)]


def test_a_cut_answer_counts_as_it_is_settled(simulator: RunningSimulator, tmp_path: Path) -> None:
    simulator.script("claude-sonnet-4-6", cut_after_events=6)
    with serving(chained(simulator.url, **spending({"usd": 5})), tmp_path) as house:
        ask(house, "anthropic", "one", stream=True)
        receipt = house.books.one()
        assert receipt.outcome == "cut"
        assert standing(house) == {"global/total": (receipt.billed_nano, 0)}
        assert receipt.billed_nano


@pytest.mark.parametrize("kind", ["memory", "sqlite", "valkey_server", "postgres_server"])
@pytest.mark.parametrize("restarts", [False, True])
def test_a_budget_that_was_out_of_force_knows_of_what_was_spent_meanwhile(
    simulator: RunningSimulator, tmp_path: Path, kind: str, restarts: bool, request: pytest.FixtureRequest
) -> None:
    store = request.getfixturevalue(kind).address if "_" in kind else kind
    model = {"usd": 5, "scope": "model:anthropic/claude-sonnet-4-6"}
    held = chained(simulator.url, **spending({"usd": 5, "scope": "key:local"}, model, store=store))
    less, none = chained(simulator.url, **spending(model, store=store)), chained(simulator.url, **spending(store=store))

    def spent(house: House) -> dict[str, int]:
        return {name: spent for name, (spent, _) in standing(house).items()}

    with contextlib.ExitStack() as stack:
        house = stack.enter_context(serving(held, tmp_path))
        ask(house, "anthropic", "one")
        one = house.books.one().billed_nano
        assert one
        # What is shared has outlived other tests.
        wanted = {name: amount + 4 * one for name, amount in spent(house).items()}
        assert len(wanted) == 2
        for config in (less, none, held):
            if restarts:
                stack.close()
                house = stack.enter_context(serving(config, tmp_path))
                wait_until(partial(_taken_up, house), "the store's marks")
            else:
                house.running.call(partial(house.running.gateway.apply, config))
            ask(house, "anthropic", "one")
        ask(house, "anthropic", "one")  # is told what the store knows of those before
        wait_until(lambda: spent(house) == wanted, f"{wanted}", seconds=10)


def _taken_up(house: House) -> bool:
    task = house.running.gateway._spending._taking_up
    return task is None or task.done()


def test_a_soft_budget_counts_what_nobody_could_bound(simulator: RunningSimulator, tmp_path: Path) -> None:
    """A search without a price: there is no bound, and what it cost otherwise counts."""
    with serving(chained(simulator.url, **spending({"usd": 5, "hard": False})), tmp_path) as house:
        ask(house, "anthropic", "one")
        tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 1}]
        ask(house, "anthropic", "one", tools=tools)
        receipts = house.books.new(2)
        assert all(receipt.billed_nano for receipt in receipts)
        assert standing(house) == {"global/total/soft": (billed(receipts), 0)}


def test_a_key_that_is_given_a_budget_has_what_it_calls_just_now_counted(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    simulator.script("claude-sonnet-4-6", delay_ms=400)
    with serving(chained(simulator.url, **spending({"usd": 5})), tmp_path) as house:
        budgets, clock = house.running.gateway.world.budgets, house.running.gateway.clock
        assert budgets is not None
        account = Account(key_id="local", name="local", budgets=(Allotment("key", "total", USD),))
        edited = KeyOf(key_id="local", account=account)

        def of_key() -> tuple[int, int]:
            levels = house.running.call(lambda: budgets.levels_of(edited, clock.now_ms()))
            return next((one.spent, one.reserved) for one in levels if one.claim.counter == "key:local/total")

        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(ask, house, "anthropic", "one")
            while not simulator.requests():
                pass
            assert of_key() == standing(house)["global/total"]
            assert of_key()[1] > 0
            assert call.result().status_code == 200
        assert of_key() == (house.books.one().billed_nano, 0)

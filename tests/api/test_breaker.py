"""The breaker in front of a gateway: real requests, real money of a simulated provider, restarts and resets."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tenbin.decide.breaker import CHECKPOINT, refused_by
from tenbin.execute.clock import SystemClock
from tenbin.ledger.accounts.store import Accounts
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import chained
from tests.execute.test_keep_alive import SteppedClock, Talk
from tests.real.books import House, serving, wait_until

MASTER = "a-master-key-of-the-tests"
ONE_CALL_USD = 0.0001
"""Less than any call of these tests costs."""


class LateClock(SystemClock):
    """Goes ahead when the test says so."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


class Place:
    """A gateway, asked over HTTP."""

    def __init__(self, house: House, http: httpx2.Client, clock: LateClock) -> None:
        self.house, self.http, self.clock = house, http, clock

    def ask(self, path: str = "/v1/messages", model: str = "one", **fields: Any) -> httpx2.Response:
        body = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}], **fields}
        return self.http.post(path, json=body)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get("/breaker").json()
        return found


@contextmanager
def placed(
    simulator: RunningSimulator, directory: Path, breaker: dict[str, Any], clock: LateClock | None = None, **keys: Any
) -> Iterator[Place]:
    clock = clock or LateClock()
    config = chained(simulator.url, spending={"breaker": breaker}, **keys)
    with ExitStack() as stack:
        house = stack.enter_context(serving(config, directory, clock=clock))
        http = stack.enter_context(httpx2.Client(base_url=house.url, timeout=20, trust_env=False))
        yield Place(house, http, clock)


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


def test_it_is_not_there_unless_configured(simulator: RunningSimulator, tmp_path: Path) -> None:
    with placed(simulator, tmp_path, {}) as place:
        gateway = place.house.running.gateway
        assert gateway.world.breaker is None
        assert gateway.admission is None
        assert place.state() == {"on": False, "refused": 0, "closed": [], "scopes": []}


def test_it_refuses_in_each_dialect_and_a_person_lets_them_through(simulator: RunningSimulator, tmp_path: Path) -> None:
    with placed(simulator, tmp_path, {"hourly_usd": ONE_CALL_USD}) as place:
        assert place.ask().status_code == 200
        place.house.books.new(1)
        told = place.ask()
        assert told.status_code == 429
        assert told.headers["x-should-retry"] == "false"
        assert 800 < int(told.headers["retry-after"]) <= 3_601
        error = told.json()["error"]
        assert error["type"] == "billing_error"
        assert "spending.breaker.hourly_usd" in error["message"]
        assert "tenbin breaker reset" in error["message"]
        other = place.ask("/v1/chat/completions", "chat")
        assert other.status_code == 429
        assert other.json()["error"]["code"] == "insufficient_quota"
        assert place.ask("/v1/messages/count_tokens").status_code == 200, "counting costs nothing"
        receipts = place.house.books.new(2)
        assert [(one.outcome, one.status, one.failure, refused_by(one), one.attempts) for one in receipts] == [
            ("failed", 429, "over_budget", CHECKPOINT, ())
        ] * 2
        (scope,) = place.state()["scopes"]
        assert (scope["key"], scope["state"], scope["rule"], scope["refused"]) == (None, "open", "hourly", 2)
        metrics = place.http.get("/metrics").text
        assert "tenbin_breaker_open 1.0" in metrics
        assert "tenbin_breaker_refused_requests 2.0" in metrics
        done = place.http.delete("/breaker").json()
        assert done["closed"] == [None]
        assert done["scopes"][0]["state"] == "closed"
        assert place.ask().status_code == 200


def test_after_cooling_one_at_a_time_is_tried(simulator: RunningSimulator, tmp_path: Path) -> None:
    with placed(simulator, tmp_path, {"hourly_usd": ONE_CALL_USD, "cool_minutes": 61}) as place:
        assert place.ask().status_code == 200
        place.house.books.new(1)
        place.clock.ahead_ms += 60 * 60_000
        assert place.ask().status_code == 429
        place.clock.ahead_ms += 120_000
        assert place.state()["scopes"][0]["state"] == "half_open"
        # The answer of the one that is tried takes its time; everybody else is turned away meanwhile.
        with place.http.stream("POST", "/v1/messages", json=_long()) as tried:
            assert tried.status_code == 200
            assert [place.ask().status_code for _ in range(5)] == [429] * 5
            tried.read()
        place.house.books.new()
        assert place.ask().status_code == 429, "what was tried was as dear as the limit allows: open again"
        assert place.state()["scopes"][0]["state"] == "open"


def _long() -> dict[str, Any]:
    words = "Count to three hundred."
    return {"model": "one", "max_tokens": 300, "stream": True, "messages": [{"role": "user", "content": words}]}


def test_a_tried_request_that_is_broken_does_not_stand_in_the_way(simulator: RunningSimulator, tmp_path: Path) -> None:
    with placed(simulator, tmp_path, {"hourly_usd": ONE_CALL_USD}) as place:
        assert place.ask().status_code == 200
        place.house.books.new(1)
        place.clock.ahead_ms += 62 * 60_000
        # It cannot be translated: nobody is called, so it says nothing of spending.
        assert place.ask(model="chat", messages=[{"role": "user", "content": [{"type": "image"}]}]).status_code == 400
        place.house.books.new(1)
        assert place.state()["scopes"][0]["state"] == "half_open"
        assert place.ask().status_code == 200


def test_it_stands_after_a_restart_and_so_does_a_reset(simulator: RunningSimulator, tmp_path: Path) -> None:
    rules = {"daily_usd": ONE_CALL_USD}
    with placed(simulator, tmp_path, rules) as place:
        assert place.ask().status_code == 200
        place.house.books.new(1)
        assert place.ask().status_code == 429
        before = place.state()["scopes"]
    with placed(simulator, tmp_path, rules) as place:
        after = place.state()["scopes"]
        assert after == before
        assert place.ask().status_code == 429
        assert place.http.delete("/breaker").json()["closed"] == [None]
    with placed(simulator, tmp_path, rules) as place:
        assert place.ask().status_code == 200
    # Without the rule nothing is asked; with it again, all that the ledger knows counts.
    with placed(simulator, tmp_path, {}) as place:
        assert place.ask().status_code == 200
    with placed(simulator, tmp_path, rules) as place:
        assert place.ask().status_code == 429


def test_a_key_is_stopped_by_itself_and_only_the_master_resets(simulator: RunningSimulator, tmp_path: Path) -> None:
    from tenbin.config.keys import hash_key

    config: dict[str, Any] = {"master_key": MASTER, "keys": {"alice": hash_key("tb-alice"), "bob": hash_key("tb-bob")}}
    alice, bob = {"x-api-key": "tb-alice"}, {"x-api-key": "tb-bob"}
    with Accounts(tmp_path, bytes(32)):
        pass  # a store of keys, for its audit log
    with placed(simulator, tmp_path, {"key": {"hourly_usd": ONE_CALL_USD}}, **config) as place:
        body = {"model": "one", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}

        def ask(headers: dict[str, str]) -> httpx2.Response:
            return place.http.post("/v1/messages", json=body, headers=headers)

        assert ask(alice).status_code == 200
        place.house.books.new(1)
        refused = ask(alice)
        assert refused.status_code == 429
        assert "tenbin breaker reset --key alice" in refused.json()["error"]["message"]
        assert ask(bob).status_code == 200
        for headers in (alice, {}):
            assert place.http.get("/breaker", headers=headers).status_code in (401, 403)
            assert place.http.delete("/breaker?key=alice", headers=headers).status_code in (401, 403)
        assert ask(alice).status_code == 429
        done = place.http.delete("/breaker?key=alice", headers={"x-api-key": MASTER})
        assert done.json()["closed"] == ["alice"]
        assert ask(alice).status_code == 200
    with Accounts(tmp_path, bytes(32)) as accounts:
        (line,) = accounts.audit()
    assert (line.act, line.subject, line.details["closed"]) == ("reset", "breaker", ["alice"])


def test_a_reload_puts_other_rules_in_force(simulator: RunningSimulator, tmp_path: Path) -> None:
    with placed(simulator, tmp_path, {"hourly_usd": 100}) as place:
        assert place.ask().status_code == 200
        place.house.books.new(1)
        config = chained(simulator.url, spending={"breaker": {"hourly_usd": ONE_CALL_USD}})
        running = place.house.running
        running.call(lambda: running.gateway.apply(config))
        assert place.ask().status_code == 429
        running.call(lambda: running.gateway.apply(chained(simulator.url)))
        assert place.ask().status_code == 200


def test_own_background_calls_ask_it_too(simulator: RunningSimulator, tmp_path: Path) -> None:
    simulator.reset()
    with ExitStack() as stack:
        clock = SteppedClock(simulator)
        rules = {"daily_usd": ONE_CALL_USD}
        config = chained(simulator.url, spending={"breaker": rules}, prompt_caching={"keep_alive_usd_per_day": 1})
        house = stack.enter_context(serving(config, tmp_path, clock=clock))
        talk = Talk(house, stack.enter_context(httpx2.Client(base_url=house.url, timeout=20, trust_env=False)), clock)
        talk.say("Hello")  # dear enough to stop all that follows
        keeper = house.running.gateway.keep_alive
        assert keeper is not None
        clock.step()
        wait_until(lambda: not keeper.holding, "the keep-alive to give up")
        assert house.books.new() == []

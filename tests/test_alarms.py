"""Alerts of a gateway that runs: budgets, prices, the breaker and targets reach a real receiver, across restarts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tenbin.config.problem import ConfigError
from tenbin.execute.alerts.store import DATABASE
from tenbin.execute.clock import Clock, SystemClock, start_task
from tenbin.simulator import RunningSimulator
from tests.execute.alerts.conftest import TOKEN, Webhook
from tests.execute.conftest import chained
from tests.real.books import House, serving, wait_until


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with RunningSimulator() as running:
        yield running


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    one = Webhook()
    yield one
    one.close()


class Place:
    def __init__(self, house: House, http: httpx2.Client) -> None:
        self.house, self.http = house, http

    def ask(self, model: str = "one") -> int:
        body = {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}
        return self.http.post("/v1/messages", json=body).status_code


@contextmanager
def placed(
    simulator: RunningSimulator, directory: Path, webhook: Webhook, clock: Clock | None = None, **keys: Any
) -> Iterator[Place]:
    alerts = {"to": [webhook.address], **keys.pop("alerts", {})}
    with ExitStack() as stack:
        config = chained(simulator.url, alerts=alerts, **keys)
        house = stack.enter_context(serving(config, directory, clock=clock or SystemClock()))
        yield Place(house, stack.enter_context(httpx2.Client(base_url=house.url, timeout=20, trust_env=False)))


def test_an_emptying_budget_an_unknown_price_and_the_breaker_are_told(
    simulator: RunningSimulator, tmp_path: Path, webhook: Webhook
) -> None:
    spending = {
        "budgets": [{"scope": "global", "window": "month", "usd": 0.0001, "hard": False}],
        "breaker": {"daily_usd": 0.0001},
    }
    with placed(simulator, tmp_path, webhook, spending=spending) as place:
        assert place.ask("unpriced") == 200
        wait_until(lambda: len(webhook.taken) == 1, "the price")
        assert "unpriced/some-model" in webhook.titles[0]
        assert place.ask() == 200
        wait_until(lambda: len(webhook.taken) == 3, "the budget and the breaker")
        assert sorted(webhook.titles[1:]) == [
            "[Tenbin] critical: The breaker has stopped all keys together",
            "[Tenbin] warning: The monthly budget of all keys together is passed",
        ]
        assert place.ask() == 429
        assert place.http.delete("/breaker").json()["closed"] == [None]
        wait_until(lambda: len(webhook.taken) == 4, "the reset")
        metrics = place.http.get("/metrics").text
        assert "tenbin_alerts_sent 4.0" in metrics
        assert "tenbin_alerts_failed 0.0" in metrics
    with placed(simulator, tmp_path, webhook, spending=spending) as place:
        place.http.delete("/breaker")
        assert place.ask("unpriced") == 200
        place.house.books.new()
        gateway = place.house.running.gateway
        desk = gateway.alarms.desk
        assert desk is not None
        wait_until(lambda: desk.counts().repeated > 0, "what was told before")
        assert len(webhook.taken) == 4, "nothing is told twice"


def test_a_provider_that_is_down_is_told_and_requests_do_not_wait_for_it(
    simulator: RunningSimulator, tmp_path: Path, webhook: Webhook
) -> None:
    cooldown = {"after_failures": 1, "seconds": 60}
    with placed(simulator, tmp_path, webhook, cooldown=cooldown, alerts={"events": ["provider"]}) as place:
        assert place.ask("nowhere") >= 500
        running = place.house.running
        running.call(lambda: running.gateway.alarms._watch.look())  # type: ignore[union-attr]
        wait_until(lambda: len(webhook.taken) == 1, "the alert")
        assert webhook.titles == ["[Tenbin] warning: dead/x is down"]


def test_a_plans_limit_that_is_hit_is_told(simulator: RunningSimulator, tmp_path: Path, webhook: Webhook) -> None:
    plans = {"default": "slow", "named": {"slow": {"requests_per_minute": 1}}}
    with placed(simulator, tmp_path, webhook, plans=plans) as place:
        assert [place.ask() for _ in range(3)] == [200, 429, 429]
        wait_until(lambda: len(webhook.taken) == 1, "the alert")
        assert webhook.titles == ["[Tenbin] warning: Key local has reached its limit"]


def test_a_hard_budget_without_room_is_told(simulator: RunningSimulator, tmp_path: Path, webhook: Webhook) -> None:
    budgets = [{"scope": "global", "window": "day", "usd": 0.0005}]
    with placed(simulator, tmp_path, webhook, spending={"budgets": budgets}) as place:
        assert place.ask() == 429
        wait_until(lambda: len(webhook.taken) == 1, "the alert")
        assert webhook.titles == ["[Tenbin] warning: A call was too large for the daily budget of all keys together"]


class MiddleOfMonth(SystemClock):
    """Goes as always, but it is the middle of a month."""

    def __init__(self) -> None:
        super().__init__()
        now = super().now_ms()
        later = datetime.fromtimestamp(now / 1000, UTC).replace(day=15, hour=12) + timedelta(days=31)
        self._ahead_ms = int(later.replace(day=15).timestamp() * 1000) - now

    def now_ms(self) -> int:
        return super().now_ms() + self._ahead_ms


def test_a_budget_that_is_spent_too_fast_is_told(simulator: RunningSimulator, tmp_path: Path, webhook: Webhook) -> None:
    spending = {"budgets": [{"scope": "key:*", "window": "month", "usd": 0.001, "hard": False}]}
    alerts = {"events": ["pace", "spike"]}
    with placed(simulator, tmp_path, webhook, MiddleOfMonth(), spending=spending, alerts=alerts) as place:
        assert [place.ask() for _ in range(3)] == [200] * 3
        place.house.books.new(3)
        running = place.house.running
        watch = running.gateway.alarms._spending
        assert watch is not None
        for _ in range(2):
            running.call(lambda: start_task(watch.look(), name="a look"))
        wait_until(lambda: len(webhook.taken) == 1, "the alert")
        assert webhook.titles == ["[Tenbin] critical: The monthly budget of key local is spent too fast"]


def test_a_receiver_that_hangs_delays_no_request(simulator: RunningSimulator, tmp_path: Path, webhook: Webhook) -> None:
    import threading

    goes_on = threading.Event()
    webhook.behave = lambda call: 200 if goes_on.wait(60) else 500
    with placed(simulator, tmp_path, webhook) as place:
        for _ in range(20):
            assert place.ask("unpriced") == 200
        assert not webhook.taken
        goes_on.set()


def test_without_receivers_nothing_is_made(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(chained(simulator.url), tmp_path) as house:
        gateway = house.running.gateway
        assert gateway.alarms.desk is None
        assert gateway.alarms.gauges() == {}
    assert not (tmp_path / DATABASE).exists()


def test_alerts_switched_on_and_changed_by_a_reload(
    simulator: RunningSimulator, tmp_path: Path, webhook: Webhook
) -> None:
    with serving(chained(simulator.url), tmp_path) as house:
        running = house.running
        with httpx2.Client(base_url=house.url, timeout=20, trust_env=False) as http:
            place = Place(house, http)
            running.call(lambda: running.gateway.apply(chained(simulator.url, alerts={"to": [webhook.address]})))
            assert place.ask("unpriced") == 200
            wait_until(lambda: len(webhook.taken) == 1, "the alert")
            wrong = chained(simulator.url, alerts={"to": [f"nosuchservice://{TOKEN}"]})
            with pytest.raises(ConfigError, match=r"alerts\.to\[0\]") as told:
                running.call(lambda: running.gateway.apply(wrong))
            assert TOKEN not in str(told.value)
            assert running.gateway.config.alerts.to == [webhook.address], "the old ones stay in force"

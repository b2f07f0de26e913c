"""What is worth telling: thresholds once a window, prices nobody knows, limits, targets that fail and come back."""

from typing import Any

import pytest

from tenbin.core.alert import Alert
from tenbin.core.budget import Claim, Denied, Level
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import Usage
from tenbin.decide.breaker import Change, Trip
from tenbin.execute.alerts.desk import AlertDesk
from tenbin.execute.alerts.watching import Watch
from tenbin.execute.clock import SystemClock
from tenbin.execute.targets import TargetNow

USD = 1_000_000_000
CLAIM = Claim("team:search/month", 0, 2_592_000_000, 100 * USD, True, "team:search", "month", "UTC")


class Desk(AlertDesk):
    """One that only listens."""

    def __init__(self) -> None:
        from tenbin.config.alerts import AlertsConfig

        self.settings = AlertsConfig()
        self.heard: list[Alert] = []

    def tell(self, alert: Alert) -> None:
        self.heard.append(alert)


class Found:
    def __init__(self) -> None:
        self.desk = Desk()
        self.targets: list[TargetNow] = []
        self.watch = Watch(self.desk, SystemClock(), lambda: self.targets)

    def said(self) -> list[tuple[str, str, str]]:
        heard: list[tuple[str, str, str]] = [(one.kind, one.severity, one.english.title) for one in self.desk.heard]
        self.desk.heard.clear()
        return heard


@pytest.fixture
def found() -> Found:
    return Found()


def test_each_threshold_is_told_once_in_a_window(found: Found) -> None:
    for percent in (10, 49.9, 50, 55, 79, 80, 99.99, 100, 120):
        found.watch.levels((Level(CLAIM, int(percent * USD), 0),))
    name = "monthly budget of team search"
    assert found.said() == [
        ("budget", "info", f"50 % of the {name} is spent"),
        ("budget", "warning", f"80 % of the {name} is spent"),
        ("budget", "critical", f"The {name} is used up"),
    ]
    again = CLAIM._replace(starts_at_ms=CLAIM.ends_at_ms)
    found.watch.levels((Level(again, 60 * USD, 0),))
    assert [one[1] for one in found.said()] == ["info"], "a new window"


def test_several_thresholds_at_once_are_one_alert(found: Found) -> None:
    found.watch.levels((Level(CLAIM, 85 * USD, 0),))
    assert [one[2] for one in found.said()] == ["85 % of the monthly budget of team search is spent"]


def test_what_is_set_aside_is_not_spent(found: Found) -> None:
    found.watch.levels((Level(CLAIM, 10 * USD, 90 * USD),))
    assert found.said() == []


def test_a_soft_budget_that_is_passed_is_no_emergency(found: Found) -> None:
    found.watch.levels((Level(CLAIM._replace(hard=False), 130 * USD, 0),))
    (said,) = found.said()
    assert said[:2] == ("budget", "warning")


def test_a_call_without_room_means_that_the_budget_is_full(found: Found) -> None:
    found.watch.denied(Denied(Level(CLAIM, 95 * USD, 0), 6 * USD))
    found.watch.levels((Level(CLAIM, 100 * USD, 0),))
    first, second = found.desk.heard
    assert first.once == second.once, "told once, whichever comes first"
    assert first.severity == "critical"
    found.desk.heard.clear()
    found.watch.denied(Denied(Level(CLAIM, 50 * USD, 49 * USD), 6 * USD))
    assert found.said() == [], "there will be room again when calls under way have ended"
    found.watch.denied(Denied(Level(CLAIM, 50 * USD, 0), 60 * USD))
    assert found.said() == [("budget", "warning", "A call was too large for the monthly budget of team search")]


def receipt(**fields: Any) -> Receipt:
    base: dict[str, Any] = {
        "request_id": "r",
        "arrived_at_ms": 0,
        "key_id": "ann",
        "dialect": "anthropic",
        "operation": "generate",
        "path": "",
        "requested_model": "m",
        "stream": False,
        "route": "",
        "outcome": "answered",
        "status": 200,
        "policy": "",
    }
    return Receipt(**base | fields)


def test_a_price_that_nobody_knows_is_told(found: Found) -> None:
    def attempt(**fields: Any) -> Attempt:
        usage = Usage(input=5, output=5)
        base: dict[str, Any] = {"number": 1, "provider": "p", "model": "m", "dialect": "anthropic", "started_at_ms": 0}
        return Attempt(**base | {"outcome": "answered", "usage": usage} | fields)

    found.watch.settled(receipt(attempts=(attempt(price="unknown"),)))
    assert found.said() == [("price", "warning", "Nobody knows what p/m costs")]
    found.watch.settled(receipt(attempts=(attempt(price="unknown", provider_cost_nano=5),)))
    found.watch.settled(receipt(attempts=(attempt(price="unknown", usage=Usage()),)))
    found.watch.settled(receipt(attempts=(attempt(price="genai", cost_nano=5),)))
    assert found.said() == []


def test_a_limit_that_was_hit_is_told_and_the_breakers_refusals_are_not(found: Found) -> None:
    found.watch.settled(receipt(outcome="failed", status=429, trace=(("refused", "limits", "rate_limit_error"),)))
    assert found.said() == [("limit", "warning", "Key ann has reached its limit")]
    found.watch.settled(receipt(outcome="failed", status=429, trace=(("refused", "breaker", "billing_error"),)))
    found.watch.settled(receipt(outcome="failed", status=529, trace=(("call", "p/m", "overloaded"),)))
    assert found.said() == []


def test_the_breaker_is_told_of(found: Found) -> None:
    trip = Trip("hourly", 20 * USD, 10 * USD, 60, 0)
    found.watch.breaker(Change("", "open", 1_000, trip, 61_000))
    found.watch.breaker(Change("ann", "closed", 2_000))
    assert found.said() == [
        ("breaker", "critical", "The breaker has stopped all keys together"),
        ("breaker", "info", "The breaker has closed for key ann"),
    ]


def test_targets_that_fail_and_come_back_are_told_once_each(found: Found) -> None:
    def row(state: Any, failures: int = 3) -> TargetNow:
        return TargetNow(target="p/m", state=state, failures=failures, open_until_ms=1_000)

    found.targets = [row("open")]
    found.watch.look()
    found.watch.look()
    assert found.said() == [("provider", "warning", "p/m is down")]
    found.targets = [row("half_open")]
    found.watch.look()
    found.targets = [row("open")]
    found.watch.look()
    assert found.said() == [], "it is down all the time"
    found.targets = []
    found.watch.look()
    assert found.said() == [("provider", "info", "p/m answers again")]
    found.targets = [row("open", failures=0)]
    found.watch.look()
    assert found.said() == [], "a rate limit is no failure"

"""`tenbin check` tells what holds spending, as people say it."""

from tenbin.cli.held import held
from tests.real.books import configured


def test_what_holds_spending_is_told() -> None:
    budgets = [
        {"scope": "global", "window": "month", "usd": 50},
        {"scope": "team:*", "window": "day", "usd": 5, "hard": False, "timezone": "Asia/Tokyo"},
        {"scope": "key:laptop", "window": "total", "usd": 0.5},
    ]
    store = "redis://:secret@cache:6379/0"
    config = configured(
        spending={"budgets": budgets, "landing": True, "store": store, "breaker": {"hourly_usd": 3}},
        alerts={"to": ["json://host/a", "json://host/b"]},
    )
    _, heading, *told = held(config)
    assert heading == "Spending is held by"
    assert told[:3] == [
        "  everybody: $50.00 a month (hard)",
        "  each team: $5.00 a day (soft, Asia/Tokyo)",
        "  key laptop: $0.50 in all (hard)",
    ]
    (rest,) = told[3:]
    assert "cache:6379" in rest
    assert "secret" not in rest
    assert rest.endswith("a soft landing, a breaker, alerts to 2 receivers")


def test_nothing_is_said_where_nothing_is_held() -> None:
    assert list(held(configured())) == []

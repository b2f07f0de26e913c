"""What is looked at now and then: the pace of budgets, days and hours out of the usual, from a real ledger."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenbin.core.budget import Claim, Level
from tenbin.core.usage import Usage
from tenbin.decide.budget import window_of
from tenbin.ledger.book import Book
from tenbin.measure.spending.watch import paces, unusual
from tests.ledger.making import NOON_MS, a_book, a_receipt, an_attempt

USD = 1_000_000_000
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
MIDDLE = int(datetime(2026, 11, 15, 12, tzinfo=UTC).timestamp() * 1000)


def level(spent: float, window: Any = "month", now_ms: int = MIDDLE) -> Level:
    starts, ends = window_of(window, "UTC", now_ms)
    claim = Claim(f"global/{window}", starts, ends, 100 * USD, True, "global", window, "UTC")
    return Level(claim, int(spent * USD), 0)


def said(spent: float, window: Any = "month", now_ms: int = MIDDLE) -> list[tuple[str, str]]:
    return [(one.severity, one.english.title) for one in paces([level(spent, window, now_ms)], now_ms)]


def test_a_budget_that_is_spent_too_fast_is_told() -> None:
    assert said(50) == []
    assert said(65) == [("warning", "The monthly budget of all keys together is spent too fast")]
    assert said(80) == [("critical", "The monthly budget of all keys together is spent too fast")]


def test_one_that_is_hardly_used_is_told_in_its_second_half() -> None:
    assert said(10, now_ms=MIDDLE - 5 * DAY_MS) == []
    assert said(10) == [("info", "The monthly budget of all keys together is hardly used")]


def test_a_day_that_is_hardly_used_is_nobodys_trouble() -> None:
    evening = MIDDLE + 8 * HOUR_MS
    assert said(1, "day", evening) == []
    assert said(1, "week", evening) == [("info", "The weekly budget of all keys together is hardly used")]
    assert [severity for severity, _ in said(99, "day", MIDDLE - 6 * HOUR_MS)] == ["critical"]


def test_the_first_day_says_nothing_yet_and_hours_never_do() -> None:
    first = MIDDLE - 14 * DAY_MS
    assert said(50, now_ms=first) == []
    assert said(99, "hour") == []
    assert said(99, "total") == []


def test_each_is_told_once_in_a_window() -> None:
    keys = [paces([level(spent)], MIDDLE + later)[0].once for spent, later in ((80, 0), (90, HOUR_MS))]
    assert keys[0] == keys[1]


def spend(book: Book, number: int, dollars: float, at_ms: int, key: str) -> None:
    """Half a million tokens for each dollar, at two dollars a million."""
    attempt = an_attempt(started_at_ms=at_ms, usage=Usage(input=int(dollars * 500_000)))
    book.settle(a_receipt(f"req_{number}", attempt, arrived_at_ms=at_ms, key_id=key))


def test_a_day_out_of_the_usual_is_told_with_whose_it_is(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        for day in range(20):
            for number, key in enumerate(("key_a", "key_b")):
                spend(book, 2 * day + number, 10 + day % 3, NOON_MS - (20 - day) * DAY_MS, key)
        spend(book, 900, 200, NOON_MS - HOUR_MS, "key_a")
        spend(book, 901, 10, NOON_MS - HOUR_MS, "key_b")
        assert book.flush()
        found = unusual(tmp_path, "UTC", NOON_MS)
        again = unusual(tmp_path, "UTC", NOON_MS + 600_000)
    days = {one.english.title: one.severity for one in found if "/hour" not in one.once}
    assert days == {
        "Unusual spending of all keys together": "critical",
        "Unusual spending of key key_a": "critical",
        "Unusual spending of route model:anvil": "critical",
    }
    body = next(one.english.body for one in found if "key_a" in one.english.title)
    assert "$200.00 were spent on 20" in body
    assert {one.once for one in again} == {one.once for one in found}, "told once"


def test_an_hour_out_of_the_usual_is_told_once_a_day(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        for hour in range(1, 60):
            spend(book, hour, 1, NOON_MS - hour * HOUR_MS, "key_a")
        spend(book, 900, 40, NOON_MS + 60_000, "key_a")
        assert book.flush()
        found = [one for one in unusual(tmp_path, "UTC", NOON_MS + 120_000) if "/hour" in one.once]
        later = [one for one in unusual(tmp_path, "UTC", NOON_MS + 1_920_000) if "/hour" in one.once]
    assert {one.once for one in found} == {one.once for one in later}
    assert "UTC" in found[0].english.body


def test_without_a_ledger_nothing_is_unusual(tmp_path: Path) -> None:
    assert unusual(tmp_path, "UTC", NOON_MS) == []

"""Days and hours out of the usual, found in real ledgers, with those who drove them."""

from pathlib import Path

from tenbin.core.usage import Usage
from tenbin.ledger.book import Book
from tenbin.ledger.spending import spendings
from tenbin.measure.spending.unusual import Found, found_in
from tests.ledger.making import NOON_MS, a_book, a_receipt, an_attempt

USD = 1_000_000_000
DAY_MS, HOUR_MS = 86_400_000, 3_600_000


def settle(book: Book, name: str, dollars: float, at_ms: int, **changes: object) -> None:
    attempt = an_attempt(started_at_ms=at_ms, usage=Usage(input=round(dollars * 500_000)))
    book.settle(a_receipt(name, attempt, arrived_at_ms=at_ms, **changes))


def looked(directory: Path, *, judge: int = 7, zone: str = "UTC", now_ms: int = NOON_MS) -> Found:
    with spendings(directory) as spent:
        return found_in(spent, now_ms, zone, judge=judge, by=("key", "route"), least=USD // 10)


def a_month(directory: Path, **spikes: float) -> None:
    """Thirty days of two keys, one dollar each; ``spikes``: what key_b spent so many days ago (``d3``)."""
    with a_book(directory) as book:
        for back in range(30):
            at = NOON_MS - back * DAY_MS
            settle(book, f"a{back}", 1.0 + back % 3 / 10, at, key_id="key_a")
            settle(book, f"b{back}", spikes.get(f"d{back}", 1.0 + back % 4 / 10), at, key_id="key_b", route="other")
        assert book.flush()


def test_the_day_its_key_and_its_route_are_found(tmp_path: Path) -> None:
    a_month(tmp_path, d3=20.0)
    found = looked(tmp_path)
    assert found.known_days == 30
    assert {(one.at_ms, one.kind, one.name, one.severity) for one in found.all} == {
        (NOON_MS - 3 * DAY_MS - 12 * HOUR_MS, "global", "", "critical"),
        (NOON_MS - 3 * DAY_MS - 12 * HOUR_MS, "key", "key_b", "critical"),
        (NOON_MS - 3 * DAY_MS - 12 * HOUR_MS, "route", "other", "critical"),
    }
    (driver,) = found.drivers[found.all[0]]
    assert driver[:2] == ("key", "key_b")
    assert 18 * USD < driver[2] < 20 * USD
    assert looked(tmp_path, judge=3).all == ()


def test_nothing_is_found_where_nothing_was(tmp_path: Path) -> None:
    a_month(tmp_path)
    assert looked(tmp_path, judge=25).all == ()
    with a_book(tmp_path / "empty") as book:
        assert book.flush()
        settle(book, "only", 5.0, NOON_MS)
    assert looked(tmp_path / "empty") == Found((), {}, 1)


def test_days_begin_where_the_zone_says(tmp_path: Path) -> None:
    a_month(tmp_path, d0=20.0)
    found = looked(tmp_path, zone="Asia/Tokyo")
    assert {one.at_ms for one in found.all if one.told[0].rule != "hour"} == {NOON_MS - 21 * HOUR_MS}


def test_the_last_hour_is_judged_by_the_hours_before(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        for back in range(1, 40):
            settle(book, f"h{back}", 1.0, NOON_MS - back * HOUR_MS - HOUR_MS // 2)
        settle(book, "now", 9.0, NOON_MS - 60_000)
        assert book.flush()
    found = looked(tmp_path)
    hours = [one for one in found.all if one.told[0].rule == "hour"]
    assert {(one.kind, one.severity) for one in hours} == {
        ("global", "critical"),
        ("key", "critical"),
        ("route", "critical"),
    }
    assert hours[0].spent_nano == 9 * USD

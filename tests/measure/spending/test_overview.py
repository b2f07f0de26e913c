"""All budgets at one moment, from real ledgers: whose they are, how full, in which time zone's month."""

import datetime
import random
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tenbin.core.account import Account, Owner
from tenbin.core.budget import Allotment, Budget, Claim, Level, ScopeKind
from tenbin.core.usage import Usage
from tenbin.decide.budget import window_of
from tenbin.execute.spending.tally import counted, scopes
from tenbin.ledger.book import Book
from tenbin.ledger.spending import Spendings, spendings
from tenbin.measure.response_cache import CacheSum
from tenbin.measure.spending.overview import Known, Line, Overview
from tests.ledger.making import NOON_MS, a_book, a_receipt, an_attempt

USD = 1_000_000_000
DAY_MS = 86_400_000
EVERYBODY = Budget(kind="global", window="month", nano=100 * USD)


def spend(book: Book, number: int, dollars: int, at_ms: int = NOON_MS, **changes: Any) -> None:
    """A request of so many dollars: half a million tokens each, at two dollars a million."""
    attempt = an_attempt(started_at_ms=at_ms, usage=Usage(input=dollars * 500_000))
    receipt = book.settle(a_receipt(f"req_{number}", attempt, arrived_at_ms=at_ms, **changes))
    assert receipt.billed_nano == dollars * USD


def looked(spent: Spendings, *budgets: Budget, now_ms: int = NOON_MS, known: Known | None = None) -> dict[str, Line]:
    lines = Overview(spent, known or Known(), now_ms).lines(budgets, "UTC")
    return {line.claim.counter: line for line in lines}


def test_each_scope_counts_its_own(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        spend(book, 1, 1, key_id="key_a", team="search", user="ann", route="header model:fast")
        spend(book, 2, 2, key_id="key_a", team="search", user="bob", route="default")
        spend(book, 3, 4, key_id="key_b", team="shop", user="ann", route="default")
        spend(book, 4, 8, key_id="key_b")
    budgets = [Budget(kind=kind, name="*", window="month", nano=100 * USD) for kind in ("team", "user", "key", "route")]
    with spendings(tmp_path) as spent:
        found = looked(
            spent, EVERYBODY, *budgets, Budget(kind="model", name="acme/anvil-1", window="day", nano=9 * USD)
        )
    dollars = {name: line.level.spent // USD for name, line in found.items()}
    assert dollars == {
        "global/month": 15,
        "model:acme/anvil-1/day": 15,
        "team:search/month": 3,
        "team:shop/month": 4,
        "user:ann/month": 5,
        "user:bob/month": 2,
        "key:key_a/month": 3,
        "key:key_b/month": 12,
        "route:default/month": 6,
        "route:model:fast/month": 1,
        "route:model:anvil/month": 8,
    }
    # Everybody's first, then the fullest.
    assert list(found)[:3] == ["global/month", "model:acme/anvil-1/day", "key:key_b/month"]


def test_only_the_present_window_counts_and_begins_where_its_zone_says(tmp_path: Path) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    midnight = int(datetime.datetime(2026, 11, 1, tzinfo=tokyo).timestamp() * 1000)
    with a_book(tmp_path) as book:
        spend(book, 1, 1, at_ms=midnight - 1)
        spend(book, 2, 2, at_ms=midnight)
        spend(book, 3, 4, at_ms=window_of("month", "UTC", NOON_MS)[0])
    with spendings(tmp_path) as spent:
        there = Budget(kind="global", window="month", nano=100 * USD, zone="Asia/Tokyo")
        found = looked(spent, EVERYBODY, there)
        assert found["global/month"].level.spent == 4 * USD
        assert found["global/month@Asia/Tokyo"].level.spent == 6 * USD
        assert looked(spent, there, now_ms=midnight - 1)["global/month@Asia/Tokyo"].level.spent == 1 * USD


def test_keys_are_meant_by_name_or_id_and_people_have_allotments(tmp_path: Path) -> None:
    allotted = (Allotment(kind="key", window="day", nano=5 * USD),)
    accounts = [
        Account(key_id="key_a", name="laptop", team="search", budgets=allotted),
        Account(key_id="key_b", name="laptop", revoked_at_ms=1, budgets=allotted),
    ]
    owner = Owner(kind="team", name="search", budgets=(Allotment("team", "week", 50 * USD, hard=False),))
    with a_book(tmp_path) as book:
        spend(book, 1, 1, key_id="key_a", team="search")
        spend(book, 2, 2, key_id="key_b", team="search")
    named = Budget(kind="key", name="laptop", window="month", nano=9 * USD)
    with spendings(tmp_path) as spent:
        found = looked(spent, named, known=Known(accounts, [owner]))
    assert {name: (line.level.spent // USD, line.title) for name, line in found.items()} == {
        "key:key_a/month": (1, "laptop"),
        "key:key_b/month": (2, "laptop"),
        "key:key_a/day": (1, "laptop"),
        "team:search/week/soft": (3, "search"),
    }


def test_of_two_budgets_for_the_same_the_smaller_one_counts(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        spend(book, 1, 1, team="search")
    many, one = (
        Budget(kind="team", name=name, window="day", nano=nano * USD) for name, nano in (("*", 9), ("search", 3))
    )
    with spendings(tmp_path) as spent:
        assert looked(spent, many, one)["team:search/day"].claim.limit == 3 * USD


def test_a_running_gateway_knows_better(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        spend(book, 1, 1)
    starts, ends = window_of("month", "UTC", NOON_MS)
    claim = Claim("global/month", starts, ends, 100 * USD, True, "global", "month", "UTC")
    other = Claim("key:key_z/day", *window_of("day", "UTC", NOON_MS), 5 * USD, True, "key:key_z", "day", "UTC")
    old = claim._replace(counter="team:gone/month", starts_at_ms=0, ends_at_ms=starts)
    levels = [Level(claim, 7 * USD, 2 * USD), Level(other, 0, USD), Level(old, USD, 0)]
    with spendings(tmp_path) as spent:
        lines = Overview(spent, Known(), NOON_MS).lines([EVERYBODY], "UTC", levels)
    assert [(line.claim.counter, line.level.spent, line.level.reserved, line.live) for line in lines] == [
        ("global/month", 7 * USD, 2 * USD, True),
        ("key:key_z/day", 0, USD, True),
    ]
    assert lines[0].pace is not None
    assert lines[0].pace.left_nano == 91 * USD


def test_what_never_ends_is_full_as_the_last_week_goes_on(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        spend(book, 1, 30, at_ms=NOON_MS - 30 * DAY_MS)
        spend(book, 2, 7, at_ms=NOON_MS - 2 * DAY_MS)
    whole = Budget(kind="global", window="total", nano=40 * USD)
    with spendings(tmp_path) as spent:
        line = looked(spent, whole)["global/total"]
        assert (line.pace, line.level.spent, line.full_at_ms) == (None, 37 * USD, NOON_MS + 3 * DAY_MS)
        full = Budget(kind="global", window="total", nano=30 * USD)
        assert looked(spent, full)["global/total"].full_at_ms == NOON_MS
        later = looked(spent, whole, now_ms=NOON_MS + 60 * DAY_MS)["global/total"]
        assert later.full_at_ms is None


def test_actions_are_about_the_budgets_own_calls(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        spend(book, 1, 60, team="search", user="ann")
        spend(book, 2, 60, team="shop", user="bob")
        book.settle(a_receipt("req_3", an_attempt(model="nobody-knows-it"), team="shop"))
    team = Budget(kind="team", name="*", window="month", nano=50 * USD)
    asked: list[int] = []

    def cache(since_ms: int) -> CacheSum:
        asked.append(since_ms)
        return CacheSum(exact=3, saved_nano=USD)

    with spendings(tmp_path) as spent:
        overview = Overview(spent, Known(), NOON_MS)
        lines = {line.claim.counter: line for line in overview.lines([EVERYBODY, team], "UTC")}
        told = {name: overview.with_actions(line, tuple, cache).actions for name, line in lines.items()}
    assert [one.kind for one in told["global/month"]] == ["cache", "user_limits", "price"]
    assert asked == [lines["global/month"].claim.starts_at_ms]
    assert "ann $60.00" in told["team:search/month"][0].english
    assert "bob" not in str(told["team:search/month"])
    assert [one.kind for one in told["team:shop/month"]] == ["user_limits", "price"]


def test_a_budget_on_its_way_asks_nobody(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        spend(book, 1, 70)

    def offers() -> tuple[()]:
        raise AssertionError("prices are read where somebody needs them")

    with spendings(tmp_path) as spent:
        overview = Overview(spent, Known(), NOON_MS)
        (line,) = overview.lines([EVERYBODY], "UTC")
        assert overview.with_actions(line, offers).actions == ()
        assert overview.spent(0).spent_nano == 70 * USD


def test_a_budget_of_one_model_with_money_left_proposes_no_other_model(tmp_path: Path) -> None:
    with a_book(tmp_path) as book:
        spend(book, 1, 2)

    def offers() -> tuple[()]:
        raise AssertionError("nobody needs them")

    with spendings(tmp_path) as spent:
        overview = Overview(spent, Known(), NOON_MS)
        (line,) = overview.lines([Budget(kind="model", name="acme/anvil-1", window="month", nano=100 * USD)], "UTC")
        assert line.pace is not None
        assert line.pace.word == "under_used"
        assert overview.with_actions(line, offers).actions == ()


def test_the_ledger_counts_as_budgets_do(tmp_path: Path) -> None:
    """What a gateway takes up from its ledger at a start is what it had counted before."""
    chance, counts = random.Random(11), dict[str, int]()
    with a_book(tmp_path) as book:
        for number in range(300):
            attempts = [
                an_attempt(
                    place,
                    model=chance.choice(("anvil-1", "nobody-knows-it")),
                    outcome=chance.choice(("answered", "failed", "interrupted")),
                    reserved_nano=chance.choice((None, 0, 5_000, 10**9)),
                    usage=Usage(input=chance.randrange(3) * 1_000),
                )
                for place in range(chance.randrange(4))
            ]
            team, user = chance.choice(("", "search", "shop")), chance.choice(("", "ann"))
            receipt = msgspec.structs.replace(
                a_receipt(f"req_{number}", team=team, user=user, key_id=f"key_{number % 3}"), attempts=tuple(attempts)
            )
            priced = book.settle(receipt)
            for attempt in priced.attempts:
                for whose in scopes(priced, attempt):
                    counts[whose] = counts.get(whose, 0) + counted(attempt)
        assert book.flush()
    kinds: tuple[ScopeKind, ...] = ("team", "user", "key", "route", "model")
    budgets = [Budget(kind=kind, name="*", window="month", nano=USD) for kind in kinds]
    with spendings(tmp_path) as spent:
        found = looked(spent, EVERYBODY, *budgets)
    assert {line.claim.whose: line.level.spent for line in found.values()} == counts

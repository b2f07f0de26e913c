"""Windows that cut time as clocks do, who is counted by which budget, and the most that a call can cost."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.account import Account
from tenbin.core.ask import Caller
from tenbin.core.budget import FOREVER_MS, Allotment, Budget, Dearness, WindowKind
from tenbin.core.price import Price, Rates
from tenbin.core.usage import Usage
from tenbin.decide.budget import (
    IMAGE_TOKENS,
    LEAST_OUTPUT,
    MOST_OUTPUT,
    OVERHEAD_TOKENS,
    ceilings,
    claims,
    of_call,
    of_caller,
    route_of,
    window_of,
    worst_case,
)

ZONES = ["UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
ZONES += ["America/St_Johns", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "America/Havana"]
KINDS: list[WindowKind] = ["hour", "day", "week", "month", "total"]

moments = st.integers(631_152_000_000, 2_208_988_800_000)  # 1990 to 2040


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1_000)


@given(st.sampled_from(KINDS), st.sampled_from(ZONES), moments)
def test_windows_cut_time_without_gap_or_overlap(kind: WindowKind, zone: str, at_ms: int) -> None:
    start, end = window_of(kind, zone, at_ms)
    assert start <= at_ms < end
    assert window_of(kind, zone, start) == (start, end)
    assert window_of(kind, zone, end - 1) == (start, end)
    if kind not in ("total", "hour"):
        assert window_of(kind, zone, end)[0] == end
        assert window_of(kind, zone, start - 1)[1] == start


@given(st.sampled_from(ZONES), moments)
def test_a_month_is_the_calendars(zone: str, at_ms: int) -> None:
    start, end = window_of("month", zone, at_ms)
    local = datetime.fromtimestamp(at_ms / 1_000, ZoneInfo(zone))
    first, last = (datetime.fromtimestamp(at / 1_000, ZoneInfo(zone)) for at in (start, end - 1))
    assert (first.year, first.month, first.day) == (local.year, local.month, 1)
    assert (last + timedelta(hours=26)).month != local.month
    assert 27 * 86_400_000 < end - start < 32 * 86_400_000


def test_days_begin_where_their_zone_says() -> None:
    at = ms("2026-11-22T14:59:00")
    assert window_of("day", "Asia/Tokyo", at) == (ms("2026-11-21T15:00:00"), ms("2026-11-22T15:00:00"))
    assert window_of("day", "UTC", at) == (ms("2026-11-22T00:00:00"), ms("2026-11-23T00:00:00"))
    assert window_of("week", "UTC", at) == (ms("2026-11-16T00:00:00"), ms("2026-11-23T00:00:00"))
    assert window_of("month", "Asia/Tokyo", at)[0] == ms("2026-10-31T15:00:00")
    assert window_of("hour", "Asia/Kolkata", at) == (ms("2026-11-22T14:30:00"), ms("2026-11-22T15:30:00"))
    assert window_of("total", "UTC", at) == (0, FOREVER_MS)


def test_a_day_of_changing_clocks_has_23_or_25_hours() -> None:
    hours = [
        (end - start) // 3_600_000
        for start, end in (
            window_of("day", "Europe/Berlin", ms(at)) for at in ("2026-03-29T12:00:00", "2026-10-25T12:00:00")
        )
    ]
    assert hours == [23, 25]


# -- who is counted


def budget(kind: str, name: str = "", nano: int = 100, **more: object) -> Budget:
    return Budget(kind=kind, name=name, window="day", nano=nano, **more)  # type: ignore[arg-type]


def test_a_caller_is_counted_by_all_that_it_belongs_to() -> None:
    account = Account(
        key_id="key_1", name="ada-laptop", budgets=(Allotment("team", "month", 9), Allotment("key", "day", 5))
    )
    caller = Caller(key_id="key_1", name="ada-laptop", team="search", user="ada", account=account)
    budgets = [
        budget("global"),
        budget("team", "*"),
        budget("team", "search", 50),
        budget("team", "other"),
        budget("user", "ada", hard=False),
        budget("key", "ada-laptop", 7),
        budget("route", "*"),
    ]
    found = {entry.counter: entry.budget.nano for entry in of_caller(budgets, caller)}
    assert found == {
        "global/day": 100,
        "team:search/day": 50,
        "user:ada/day/soft": 100,
        "key:key_1/day": 5,
        "team:search/month": 9,
    }


def test_who_has_no_team_is_in_none() -> None:
    entries = of_caller([budget("team", "*"), budget("user", "*"), budget("key", "*")], Caller(key_id="local"))
    assert [entry.counter for entry in entries] == ["key:local/day"]


def test_a_call_is_counted_by_where_it_goes() -> None:
    budgets = [budget("model", "*"), budget("model", "acme/anvil", 3), budget("route", "default"), budget("global")]
    found = {entry.counter: entry.budget.nano for entry in of_call(budgets, "default", "acme/anvil")}
    assert found == {"model:acme/anvil/day": 3, "route:default/day": 100}


@pytest.mark.parametrize(
    ("told", "route"),
    [
        ("model:fast", "model:fast"),
        ("header model:fast", "model:fast"),
        ("tag model:fast", "model:fast"),
        ("alias:best model:fast", "model:fast"),
        ("header+alias:best+alias:a+b model:two words", "model:two words"),
        ("landing header model:fast", "model:fast"),
        ("landing weighed:code", "weighed:code"),
        ("alias:best rule 3", "rule 3"),
        ("rule 3", "rule 3"),
        ("header default", "default"),
        ("mapped:header model:fast", "mapped:header model:fast"),
    ],
)
def test_whatever_leads_into_a_route_draws_on_its_budget(told: str, route: str) -> None:
    assert route_of(told) == route
    assert [entry.counter for entry in of_call([budget("route", route)], told, "a/b")] == [f"route:{route}/day"]
    assert [entry.counter for entry in of_call([budget("route", "*")], told, "a/b")] == [f"route:{route}/day"]


def test_budgets_of_other_zones_count_apart() -> None:
    entries = of_caller(
        [budget("global"), budget("global", zone="Asia/Tokyo"), budget("global", hard=False)], Caller(key_id="k")
    )
    names = ["global/day", "global/day@Asia/Tokyo", "global/day/soft"]
    assert [entry.counter for entry in entries] == names
    found = claims(entries, ms("2026-11-22T16:00:00"))
    assert [claim.counter for claim in found] == names
    assert [(claim.whose, claim.window, claim.zone) for claim in found] == [
        ("global", "day", zone) for zone in ("UTC", "Asia/Tokyo", "UTC")
    ]
    assert [claim.starts_at_ms for claim in found] == [ms(f"2026-11-22T{at}:00:00") for at in ("00", "15", "00")]


# -- the most that it can cost


rates = st.builds(
    Rates,
    input=st.integers(0, 10**9),
    cache_read=st.none() | st.integers(0, 10**9),
    cache_write_5m=st.none() | st.integers(0, 10**9),
    cache_write_1h=st.none() | st.integers(0, 10**9),
    output=st.integers(0, 10**9),
    reasoning=st.none() | st.integers(0, 10**9),
    audio_input=st.none() | st.integers(0, 10**9),
    audio_output=st.none() | st.integers(0, 10**9),
    web_search=st.integers(0, 10**10),
    per_request=st.integers(0, 10**9),
)
prices = st.builds(
    lambda steps: Price(label="p", steps=tuple(zip((0, 200, 5_000), steps, strict=False))),
    st.lists(rates, min_size=1, max_size=3),
)


@given(prices, st.integers(0, 10_000), st.integers(1, 5_000), st.integers(1, 4), st.integers(0, 3), st.data())
def test_nothing_that_a_call_can_use_costs_more_than_its_worst_case(
    price: Price, body_bytes: int, max_tokens: int, choices: int, searches: int, data: st.DataObject
) -> None:
    dearness = Dearness(choices=choices, searches=searches)
    found = ceilings(price)
    assert found is not None
    most = worst_case(found, body_bytes, max_tokens, dearness=dearness)
    assert most is not None
    room = (body_bytes + OVERHEAD_TOKENS) * (1 + searches)
    split = sorted(data.draw(st.lists(st.integers(0, room), min_size=4, max_size=4)))
    output = data.draw(st.integers(0, max_tokens * choices))
    usage = Usage(
        input=split[0],
        cache_read=split[1] - split[0],
        cache_write_5m=split[2] - split[1],
        cache_write_1h=split[3] - split[2],
        audio_input=data.draw(st.integers(0, split[0])),
        output=output,
        reasoning=data.draw(st.integers(0, output)),
        web_searches=data.draw(st.integers(0, searches)),
    )
    cost = price.cost(usage)
    assert cost is None or cost <= most


def test_what_no_bound_is_known_for_has_none() -> None:
    unknown = Rates(5, None, None, None, 10, None, None, None, None, 0)
    found = ceilings(Price(label="p", steps=((0, unknown),)))
    assert found is not None
    assert worst_case(found, 100, 10, dearness=Dearness(searches=1)) is None
    assert worst_case(found, 100, 10) is not None
    assert ceilings(Price(label="p", steps=((0, Rates(None, 1, 1, 1, 1, 1, 1, 1, 1, 0)),))) is None


def test_what_a_request_refers_to_is_as_long_as_the_model_reads() -> None:
    found = ceilings(Price(label="p", steps=((0, Rates(1_000, None, None, None, 0, None, None, None, None, 0)),)))
    assert found is not None
    assert worst_case(found, 100, 1, context=200_000, dearness=Dearness(refers=True)) == 200_000
    assert worst_case(found, 300_000, 1, context=200_000) == 300_000 + OVERHEAD_TOKENS  # the facts may be out of date


def test_no_answer_is_taken_for_shorter_than_it_may_become() -> None:
    found = ceilings(Price(label="p", steps=((0, Rates(0, None, None, None, 1_000, None, None, None, None, 0)),)))
    assert found is not None
    assert worst_case(found, 100, 1) == LEAST_OUTPUT
    for limit in (0, -1, -1_000_000):  # of less than nothing there would be room for others
        assert worst_case(found, 100, limit) == LEAST_OUTPUT
    assert worst_case(found, 100, 50, dearness=Dearness(output=900, choices=2)) == 1_800
    assert worst_case(found, 100, 50, dearness=Dearness(output=None)) == MOST_OUTPUT
    assert worst_case(found, 100, 50, dearness=Dearness(output=None), max_output=8_000) == 8_000
    assert worst_case(found, 100, 50, dearness=Dearness(output=900), embeds=True) == 0


def test_images_in_a_list_are_counted_each() -> None:
    found = ceilings(Price(label="p", steps=((0, Rates(1_000, None, None, None, 0, None, None, None, None, 0)),)))
    assert found is not None
    room = 100 + OVERHEAD_TOKENS
    assert worst_case(found, 100, 1, images=1, dearness=Dearness(images=3)) == room + 3 * IMAGE_TOKENS

"""Pace on calendars: months of 28 to 31 days, weeks, days of 23 to 25 hours, first and last moments, no money."""

from calendar import monthrange
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.budget import WindowKind
from tenbin.decide.budget import window_of
from tenbin.measure.spending.pace import Pace, elapsed, pace

DAY_MS = 86_400_000
USD = 1_000_000_000
ZONES = (
    "UTC",
    "Asia/Tokyo",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
)


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def of(window: WindowKind, at: str, limit: float, spent: float, *, zone: str = "UTC", reserved: float = 0.0) -> Pace:
    found = pace(window, zone, ms(at, zone), int(limit * USD), int(spent * USD), int(reserved * USD))
    assert found is not None
    return found


@given(day=st.integers(1, 30), hour=st.integers(0, 23), spent=st.integers(0, 600))
def test_in_a_month_of_thirty_days_it_is_budget_times_day_over_thirty(day: int, hour: int, spent: int) -> None:
    found = of("month", f"2026-11-{day:02d}T{hour:02d}:30", 300, spent)
    assert found.expected_nano == 300 * USD * day // 30
    ratio = spent / (300 * day / 30)
    assert found.ratio == pytest.approx(ratio)
    word = "critical" if ratio > 1.5 else "warning" if ratio > 1.2 else "under_used" if ratio < 0.5 else "on_track"
    if day > 1 or word != "under_used":
        assert found.word == word


def test_at_the_end_of_a_day_the_projection_is_the_mean_of_the_days_times_thirty() -> None:
    found = of("month", "2026-11-11T00:00", 300, 90)
    assert found.projected_nano == 90 * 3 * USD


@pytest.mark.parametrize("year", [2025, 2026, 2028, 2100])
@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("zone", ZONES)
def test_every_month_is_as_long_as_it_is(year: int, month: int, zone: str) -> None:
    days = monthrange(year, month)[1]
    for day in (1, 2, days - 1, days):
        for clock in ("00:00", "03:30", "23:59"):
            found = of("month", f"{year}-{month:02d}-{day:02d}T{clock}", days, day, zone=zone)
            assert (found.elapsed.begun, found.elapsed.of) == (day, days)
            assert (found.expected_nano, found.ratio, found.word) == (day * USD, 1.0, "on_track")
            assert found.left_a_day_nano == (days - day) * USD // (days - day + 1)


def test_leap_years() -> None:
    assert of("month", "2028-02-29T12:00", 29, 29).elapsed.of == 29
    assert of("month", "2026-02-28T12:00", 28, 28).elapsed.of == 28
    assert of("month", "2100-02-28T12:00", 28, 28).elapsed.of == 28


def test_the_same_moment_is_another_day_elsewhere() -> None:
    """15:00 UTC on the 30th is already the first of the next month in Japan."""
    at = ms("2026-11-30T15:00")
    here, there = pace("month", "UTC", at, 30 * USD, USD), pace("month", "Asia/Tokyo", at, 31 * USD, USD)
    assert here is not None
    assert there is not None
    assert (here.elapsed.begun, here.elapsed.of) == (30, 30)
    assert (there.elapsed.begun, there.elapsed.of) == (1, 31)


def test_days_on_which_clocks_are_set() -> None:
    berlin = "Europe/Berlin"
    assert of("day", "2026-03-29T12:00", 23, 11, zone=berlin).elapsed[1:] == (12, 23)
    assert of("day", "2026-10-25T12:00", 25, 13, zone=berlin).elapsed[1:] == (14, 25)
    assert of("day", "2026-10-26T12:00", 24, 13, zone=berlin).elapsed[1:] == (13, 24)
    # 24.5 hours: the last half hour is a unit of its own.
    assert of("day", "2026-04-05T23:59", 24, 1, zone="Australia/Lord_Howe").elapsed[1:] == (25, 25)
    assert of("month", "2026-03-31T23:59", 31, 31, zone=berlin).ratio == 1.0


def test_weeks_hours_and_days() -> None:
    sunday = of("week", "2026-11-22T08:00", 70, 70)
    assert (sunday.elapsed.begun, sunday.elapsed.of, sunday.left_a_day_nano) == (7, 7, 0)
    monday = of("week", "2026-11-23T08:00", 70, 14)
    assert (monday.ratio, monday.left_a_day_nano) == (1.4, 8 * USD)
    noon = of("day", "2026-11-22T12:59", 24, 13)
    assert (noon.elapsed, noon.ratio, noon.left_a_day_nano) == (("hour", 13, 24), 1.0, 11 * USD)
    hour = of("hour", "2026-11-22T12:44:30", 60, 45)
    assert (hour.elapsed, hour.ratio, hour.left_a_day_nano) == (("minute", 45, 60), 1.0, None)


def test_the_first_minutes_of_a_window_alarm_nobody() -> None:
    quiet = of("month", "2026-12-01T00:00:01", 310, 0)
    assert (quiet.word, quiet.ratio, quiet.projected_nano, quiet.full_at_ms) == ("too_early", 0.0, 0, None)
    usual = of("month", "2026-12-01T00:05", 310, 10)
    assert (usual.word, usual.projected_nano) == ("on_track", 310 * USD)
    # But a day's money that is gone in them is told at once.
    assert of("month", "2026-12-01T00:05", 310, 16).word == "critical"
    assert of("month", "2026-12-02T00:05", 310, 9).word == "under_used"


def test_the_last_moments_of_a_window() -> None:
    last = of("month", "2026-12-31T23:59:59", 310, 300)
    assert (last.word, last.left_a_day_nano, last.full_at_ms) == ("on_track", 10 * USD, None)
    assert last.projected_nano == pytest.approx(300 * USD, rel=1e-5)


def test_a_budget_of_nothing() -> None:
    clean = of("month", "2026-12-10T00:00", 0, 0)
    assert (clean.word, clean.ratio, clean.left_a_day_nano, clean.expected_nano) == ("on_track", None, 0, 0)
    assert of("month", "2026-12-10T00:00", 0, 0.01).word == "critical"


def test_when_it_will_be_full() -> None:
    found = of("month", "2026-11-11T00:00", 300, 200)
    assert found.full_at_ms == ms("2026-11-16T00:00")
    passed = of("month", "2026-11-11T00:00", 300, 310)
    assert (passed.full_at_ms, passed.left_nano, passed.left_a_day_nano) == (ms("2026-11-11T00:00"), -10 * USD, 0)


def test_what_is_set_aside_is_not_spent_but_gone() -> None:
    found = of("month", "2026-11-11T00:00", 300, 100, reserved=100)
    assert found.ratio == pytest.approx(100 / 110)
    assert found.left_nano == 100 * USD
    assert of("month", "2026-11-30T23:59", 300, 100, reserved=180).projected_nano == 280 * USD


def test_what_never_ends_has_no_pace() -> None:
    assert pace("total", "UTC", ms("2026-11-11T00:00"), USD, USD) is None


@given(
    now=st.integers(ms("2024-01-01"), ms("2032-01-01")),
    window=st.sampled_from(("hour", "day", "week", "month")),
    zone=st.sampled_from(ZONES),
    limit=st.integers(0, 10**13),
    spent=st.integers(0, 10**13),
    reserved=st.integers(0, 10**12),
)
def test_laws(now: int, window: WindowKind, zone: str, limit: int, spent: int, reserved: int) -> None:
    starts, ends = window_of(window, zone, now)
    found = pace(window, zone, now, limit, spent, reserved)
    assert found is not None
    done = found.elapsed
    assert 1 <= done.begun <= done.of
    assert 0 <= found.expected_nano <= limit
    assert found.projected_nano >= spent + reserved
    assert found.left_nano == limit - spent - reserved
    if found.full_at_ms is not None:
        assert now <= found.full_at_ms < ends
    if limit and spent > limit * 1.5:
        assert found.word == "critical"
    # Units begin one after the other, and the last one ends with the window.
    assert elapsed(window, zone, starts, ends, starts).begun == 1
    assert elapsed(window, zone, starts, ends, ends - 1).begun == done.of
    later = now + 3_600_000
    if later < ends:
        assert elapsed(window, zone, starts, ends, later).begun >= done.begun

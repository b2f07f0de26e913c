"""Days and hours out of the usual: the plain rule to the letter, the robust one in growth, weeks and old spikes."""

import math
import random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.measure.spending.anomalies import anomalies, anomaly, fast_hour, hour, mean_3sd, robust

USD = 1_000_000_000
DAY_MS = 86_400_000
OFFICE = (1.0, 1.1, 1.05, 1.0, 0.9, 0.1, 0.08)
MONDAYS = (4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)


def usd(*amounts: float) -> list[int]:
    return [round(amount * USD) for amount in amounts]


def month(
    days: int = 35, *, scatter: float = 0.05, growth: float = 0.0, week: tuple[float, ...] = (1.0,) * 7, seed: int = 1
) -> list[int]:
    """Twenty dollars a day and what is said of it."""
    chance = random.Random(seed)
    return [round(20 * USD * week[day % 7] * math.exp(growth * day + chance.gauss(0, scatter))) for day in range(days)]


def with_last(days: list[int], times: float) -> list[int]:
    return [*days[:-1], round(days[-1] * times)]


@given(st.lists(st.integers(0, 10**12), min_size=4, max_size=60))
def test_mean_and_three_standard_deviations_of_the_days_before(days: list[int]) -> None:
    found = mean_3sd(days)
    assert found is not None
    assert found.threshold_nano == pytest.approx(fmean(days[:-1]) + 3 * stdev(days[:-1]), abs=1)


def test_three_days_before_are_needed() -> None:
    assert mean_3sd(usd(1, 1, 100)) is None
    assert anomaly(usd(1, 1, 100), 0) is None
    found = anomaly(usd(1, 1, 1, 100), 0)
    assert found is not None
    assert found.severity == "critical"


def test_above_the_threshold_is_a_warning_and_above_twice_of_it_critical() -> None:
    """Mean 20, sd 10: the threshold is 50."""
    before = (10, 20, 30)
    assert anomaly(usd(*before, 50), 0) is None
    found = anomaly(usd(*before, 50.01), 7)
    assert found is not None
    assert (found.severity, found.at_ms, found.told[0].threshold_nano) == ("warning", 7, 50 * USD)
    assert (found.told[0].rule, found.told[0].usual_nano) == ("mean_3sd", 20 * USD)
    assert getattr(anomaly(usd(*before, 100), 0), "severity", None) == "warning"
    assert getattr(anomaly(usd(*before, 100.01), 0), "severity", None) == "critical"


def test_days_before_the_first_spending_are_no_days() -> None:
    assert anomaly(usd(0, 0, 0, 0, 5, 5, 50), 0) is None
    assert anomaly(usd(0, 0, 0, 0, 5, 5, 5, 50), 0) is not None


def test_cents_are_told_to_nobody() -> None:
    assert anomaly(usd(0.001, 0.001, 0.001, 0.09), 0) is None
    assert anomaly(usd(0.001, 0.001, 0.001, 0.09), 0, least=1) is not None


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("growth", [0.05, 0.02, 0.0, -0.05])
@pytest.mark.parametrize("week", [(1.0,) * 7, OFFICE, MONDAYS])
def test_growth_and_weeks_are_no_event_for_anybody(seed: int, growth: float, week: tuple[float, ...]) -> None:
    for shift in range(7):
        days = month(60, growth=growth, week=week[shift:] + week[:shift], seed=seed)
        assert anomaly(days, 0, "key", "key_1") is None


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("growth", [0.05, 0.0, -0.05])
@pytest.mark.parametrize("week", [(1.0,) * 7, OFFICE, MONDAYS])
def test_a_day_of_five_times_is_found_in_growth_and_in_weeks(seed: int, growth: float, week: tuple[float, ...]) -> None:
    for shift in range(7):
        days = with_last(month(60, growth=growth, week=week[shift:] + week[:shift], seed=seed), 5)
        found = robust(days)
        assert found is not None
        assert found.severity(days[-1]) is not None
        assert found.usual_nano < days[-1] / 2


@pytest.mark.parametrize("seed", range(20))
def test_a_spike_in_the_past_hides_the_next_one_from_the_mean_only(seed: int) -> None:
    days = month(30, seed=seed)
    days[20] *= 30
    days[-1] *= 5
    plain = mean_3sd(days)
    assert plain is not None
    assert plain.severity(days[-1]) is None
    found = anomaly(days, 0)
    assert found is not None
    assert [one.rule for one in found.told] == ["robust"]


def test_growth_that_the_mean_takes_for_an_event_is_said_to_be_one() -> None:
    days = month(90, growth=0.06, scatter=0.02)
    found = anomaly(days, 0)
    assert found is not None
    assert ([one.rule for one in found.told], found.within_trend) == (["mean_3sd"], True)
    assert anomaly(days, 0, "key", "key_1") is None


def test_who_is_idle_on_most_days_is_judged_by_the_mean() -> None:
    days = usd(*(1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0), 9)
    assert robust(days) is None
    found = anomaly(days, 0, "key", "key_1")
    assert found is not None
    assert [one.rule for one in found.told] == ["mean_3sd"]


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=70), st.integers(0, 10**13))
def test_more_spending_is_never_less_of_an_event(days: list[int], more: int) -> None:
    ranks = {None: 0, "warning": 1, "critical": 2}
    for rule in (mean_3sd, robust, hour):
        less, greater = rule(days), rule([*days[:-1], days[-1] + more])
        assert (less is None) == (greater is None)
        if less is not None and greater is not None:
            # What is usual is known from the days before alone.
            assert less == greater
            assert less.usual_nano <= less.threshold_nano
            assert ranks[less.severity(days[-1])] <= ranks[greater.severity(days[-1] + more)]


@pytest.mark.parametrize("rule", [robust, hour])
def test_the_unit_of_money_changes_nothing(rule: type) -> None:
    days = month(30)
    one, thousand = rule(days), rule([day * 1000 for day in days])
    assert thousand.threshold_nano == pytest.approx(one.threshold_nano * 1000, rel=1e-6)


def test_an_hour_is_judged_by_the_hours_in_which_anything_was_spent() -> None:
    busy = usd(*(0, 2, 0, 0, 3, 2, 0, 2.5, 3, 2, 2, 0, 3, 2, 2.5, 2, 3))
    assert fast_hour([*busy, 4 * USD], 0) is None
    found = fast_hour([*busy, 40 * USD], 5, "key", "key_1")
    assert found is not None
    assert (found.severity, found.told[0].rule, found.name) == ("critical", "hour", "key_1")
    assert fast_hour(usd(*(2,) * 11, 100), 0) is None  # too few to say what is usual


def test_the_newest_day_comes_first_and_everybody_before_one() -> None:
    calm = month(30, seed=3)
    wild = with_last(calm, 9)
    earlier = list(calm)
    earlier[-2] *= 9
    series = {("key", "key_a"): wild, ("global", ""): wild, ("key", "key_b"): earlier}
    starts = [day * DAY_MS for day in range(30)]
    found = anomalies(series, starts, judge=3, least=1)  # type: ignore[arg-type]
    assert [(one.at_ms // DAY_MS, one.kind, one.name) for one in found] == [
        (29, "global", ""),
        (29, "key", "key_a"),
        (28, "key", "key_b"),
    ]
    assert anomalies(series, starts, judge=1, least=1000 * USD) == []  # type: ignore[arg-type]

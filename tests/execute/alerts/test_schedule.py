"""Which alerts go out, and when: never more than allowed in an hour, the worst first, nothing ever forgotten."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.alerts import AlertsConfig, QuietHours
from tenbin.core.alert import SEVERITIES, Severity
from tenbin.execute.alerts.schedule import HOUR_MS, plan, quiet_ends
from tenbin.execute.alerts.store import Held

NOW = 1_800_000_000_000
MINUTE = 60_000


def configured(**fields: Any) -> AlertsConfig:
    return msgspec.convert(fields, AlertsConfig)


def held(number: int, severity: Severity = "warning", age_minutes: int = 0) -> Held:
    return Held(number, severity, NOW - age_minutes * MINUTE, f"Title {number}", "Body")


def test_with_room_each_goes_by_itself() -> None:
    made = plan([held(1), held(2)], [NOW - 1], configured(per_hour=4), NOW)
    assert [message.alerts for message in made.messages] == [(1,), (2,)]
    assert made.again_ms is None


def test_the_last_room_waits_for_more_and_then_takes_all() -> None:
    rules = configured(per_hour=3, gather_minutes=10)
    soon = plan([held(number) for number in range(5)], [], rules, NOW)
    assert [message.alerts for message in soon.messages] == [(0,), (1,)]
    assert soon.again_ms == NOW + 10 * MINUTE
    later = plan([held(2, age_minutes=10), held(3), held(4)], [NOW - 1, NOW - 1], rules, NOW)
    assert [message.alerts for message in later.messages] == [(2, 3, 4)]
    assert "3 alerts together" in later.messages[0].title


def test_without_room_it_waits_until_an_hour_after_the_oldest() -> None:
    made = plan([held(1)], [NOW - 50 * MINUTE, NOW - 10 * MINUTE], configured(per_hour=2), NOW)
    assert made.messages == ()
    assert made.again_ms == NOW - 50 * MINUTE + HOUR_MS


def test_the_worst_goes_first() -> None:
    made = plan([held(1, "info"), held(2, "critical"), held(3)], [], configured(per_hour=2), NOW)
    assert [message.alerts for message in made.messages] == [(2,)]


def test_quiet_hours_let_only_the_critical_through() -> None:
    zone = "Asia/Tokyo"
    night = int(datetime(2026, 11, 22, 23, 30, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    morning = int(datetime(2026, 11, 23, 7, 0, tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    rules = configured(quiet={"begin": "22:00", "end": "07:00", "timezone": zone})
    made = plan([held(1), held(2, "critical")], [], rules, night)
    assert [message.alerts for message in made.messages] == [(2,)]
    assert made.again_ms == morning
    assert [one.alerts for one in plan([held(1)], [], rules, morning).messages] == [(1,)]


@pytest.mark.parametrize(
    ("begin", "end", "at", "ends"),
    [
        ("22:00", "07:00", "21:59", None),
        ("22:00", "07:00", "22:00", "next 07:00"),
        ("22:00", "07:00", "06:59", "same 07:00"),
        ("22:00", "07:00", "07:00", None),
        ("12:00", "13:00", "12:30", "same 13:00"),
        ("12:00", "13:00", "13:00", None),
    ],
)
def test_quiet_hours_begin_and_end(begin: str, end: str, at: str, ends: str | None) -> None:
    zone = ZoneInfo("Europe/Berlin")
    hour, minute = map(int, at.split(":"))
    now = int(datetime(2026, 3, 10, hour, minute, tzinfo=zone).timestamp() * 1000)
    found = quiet_ends(QuietHours(begin=begin, end=end, timezone="Europe/Berlin"), now)
    if ends is None:
        assert found is None
        return
    day, time = ends.split()
    hour, minute = map(int, time.split(":"))
    assert found == int(datetime(2026, 3, 11 if day == "next" else 10, hour, minute, tzinfo=zone).timestamp() * 1000)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from(SEVERITIES)), max_size=60),
    st.integers(1, 6),
    st.sampled_from([0, 10]),
    st.sampled_from([None, {"begin": "22:00", "end": "06:00"}]),
)
def test_never_more_than_allowed_and_each_exactly_once(
    coming: list[tuple[int, Severity]], per_hour: int, gather: int, quiet: dict[str, str] | None
) -> None:
    rules = configured(per_hour=per_hour, gather_minutes=gather, **({"quiet": quiet} if quiet else {}))
    now, waiting, made, told = NOW, list[Held](), list[int](), list[int]()
    arrivals = list(enumerate(coming))
    for _ in range(10_000):
        planned = plan(waiting, [at for at in made if at > now - HOUR_MS], rules, now)
        made += [now] * len(planned.messages)
        told += [number for message in planned.messages for number in message.alerts]
        waiting = [one for one in waiting if one.number not in told]
        if arrivals:
            number, (minutes, severity) = arrivals.pop(0)
            now += minutes * MINUTE
            waiting.append(Held(number, severity, now, f"Title {number}", "Body"))
        elif planned.again_ms is not None:
            assert planned.again_ms > now
            now = planned.again_ms
        else:
            break
    assert not waiting
    assert sorted(told) == list(range(len(coming)))
    for at in made:
        assert sum(at - HOUR_MS < one <= at for one in made) <= per_hour

"""A plan's limits: buckets and days that let no more through than they say, in any time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.model import Config
from tenbin.config.plans import PlanConfig, PlansConfig
from tenbin.core.receipt import Attempt, Receipt
from tenbin.core.usage import Usage
from tenbin.decide.limits import (
    LEAST_ROOM,
    MINUTE_US,
    Plan,
    Used,
    Wish,
    at,
    entry,
    is_counted,
    paced,
    plan_of,
    plans_in_force,
    requests_left,
    settled,
    tokens_left,
    tokens_of,
)
from tenbin.decide.resolve import policy

NOW_MS = 1_790_000_000_000
FREE = Plan(name="free", requests_per_day=10, tokens_per_day=50_000, input_tokens=2_000, output_tokens=500)


def receipt(*attempts: Attempt, outcome: str = "answered", operation: str = "generate") -> Receipt:
    return msgspec.convert(
        {
            "request_id": "r",
            "arrived_at_ms": NOW_MS,
            "key_id": "k",
            "dialect": "anthropic",
            "operation": operation,
            "path": "/v1/messages",
            "requested_model": "m",
            "stream": False,
            "route": "",
            "outcome": outcome,
            "status": 200,
            "policy": "",
            "attempts": [msgspec.to_builtins(attempt) for attempt in attempts],
        },
        Receipt,
    )


def attempt(prompt: int, output: int, number: int = 1) -> Attempt:
    return Attempt(
        number=number,
        provider="p",
        model="m",
        dialect="anthropic",
        started_at_ms=NOW_MS,
        outcome="answered",
        usage=Usage(input=prompt, output=output),
    )


# -- the minute


@given(
    per_minute=st.integers(1, 100_000),
    burst=st.integers(1, 200),
    gaps=st.lists(st.integers(0, 3 * MINUTE_US) | st.integers(0, 2_000), min_size=1, max_size=120),
    window=st.integers(1, 5 * MINUTE_US),
)
def test_a_bucket_lets_no_more_through_in_any_window(per_minute: int, burst: int, gaps: list[int], window: int) -> None:
    now, full, allowed = 5_000_000, 0, list[int]()
    for gap in gaps:
        now += gap
        pace = paced(full, now, per_minute, burst)
        if pace.allowed:
            full = pace.full_us
            allowed.append(now)
        else:
            assert pace.full_us == full, "what is refused takes nothing"
            assert not paced(full, now + pace.wait_us - 1, per_minute, burst).allowed
        again = paced(full, now + pace.wait_us, per_minute, burst)
        assert again.allowed, "who waits as long as they were told is let in"
    for start, first in enumerate(allowed):
        inside = sum(at < first + window for at in allowed[start:])
        assert inside <= burst + window * per_minute / MINUTE_US


@given(per_minute=st.integers(1, 1_000), burst=st.integers(1, 100), before=st.integers(0, 100))
def test_a_bucket_tells_how_many_could_come_at_once(per_minute: int, burst: int, before: int) -> None:
    full, now = 0, 9_000_000
    for _ in range(min(before, burst)):
        full = paced(full, now, per_minute, burst).full_us
    left = paced(full, now, per_minute, burst, 0).left if paced(full, now, per_minute, burst, 0).allowed else 0
    for _ in range(left):
        pace = paced(full, now, per_minute, burst)
        assert pace.allowed
        full = pace.full_us
    assert not paced(full, now, per_minute, burst).allowed
    assert left == burst - min(before, burst)


# -- the day

ZONES = st.sampled_from(
    [
        "UTC",
        "Asia/Tokyo",
        "America/New_York",
        "Europe/Berlin",
        "Australia/Lord_Howe",
        "America/Havana",
        "Asia/Kathmandu",
    ]
)
MOMENTS = st.integers(
    int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1_000), int(datetime(2029, 1, 1, tzinfo=UTC).timestamp() * 1_000)
)


@given(zone=ZONES, now_ms=MOMENTS)
def test_a_day_is_the_one_of_the_plans_clocks(zone: str, now_ms: int) -> None:
    used = at(Used(requests=7, tokens=70, reserved=7), zone, now_ms)
    assert (used.requests, used.tokens, used.reserved) == (0, 0, 0)
    assert used.day_ms <= now_ms < used.day_ends_ms
    local = [datetime.fromtimestamp(ms / 1_000, ZoneInfo(zone)) for ms in (used.day_ms, now_ms, used.day_ends_ms - 1)]
    assert len({moment.date() for moment in local}) <= 2, "two only where clocks are set over midnight"
    assert timedelta(hours=22) <= timedelta(milliseconds=used.day_ends_ms - used.day_ms) <= timedelta(hours=26)
    tomorrow = at(used._replace(requests=9), zone, used.day_ends_ms)
    assert tomorrow.day_ms == used.day_ends_ms
    assert tomorrow.requests == 0


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Europe/Berlin", (2026, 3, 29), 23), ("Europe/Berlin", (2026, 10, 25), 25), ("Asia/Tokyo", (2026, 3, 29), 24)],
)
def test_days_at_a_change_of_clocks(zone: str, day: tuple[int, int, int], hours: int) -> None:
    noon = datetime(*day, 12, tzinfo=ZoneInfo(zone))
    used = at(Used(), zone, int(noon.timestamp() * 1_000))
    assert datetime.fromtimestamp(used.day_ms / 1_000, ZoneInfo(zone)).hour == 0
    assert used.day_ends_ms - used.day_ms == hours * 3_600_000


def test_a_clock_put_back_gives_nobody_a_second_day() -> None:
    used = at(Used(), "UTC", NOW_MS)._replace(requests=10)
    assert at(used, "UTC", used.day_ms - 1).requests == 10
    assert at(used, "UTC", used.day_ms - 3 * 86_400_000).requests == 0, "a clock that was quite wrong is believed later"


wishes = st.builds(
    Wish,
    prompt=st.integers(0, 3_000),
    output=st.none() | st.integers(1, 20_000),
    counts=st.booleans(),
    stream=st.booleans(),
)
plans = st.builds(
    Plan,
    name=st.just("p"),
    requests_per_day=st.integers(0, 20),
    tokens_per_day=st.sampled_from([0, 1_000, 50_000]),
    output_tokens=st.sampled_from([0, 1, 500]),
    requests_per_minute=st.sampled_from([0, 3, 600]),
    burst=st.sampled_from([1, 3]),
    concurrent_streams=st.integers(0, 3),
)


@given(
    plan=plans,
    steps=st.lists(st.tuples(wishes, st.floats(0, 1), st.integers(0, 30_000)), max_size=60),
    factor=st.sampled_from([1.0, 0.5]),
)
def test_no_limit_is_passed_whatever_comes(plan: Plan, steps: list[tuple[Wish, float, int]], factor: float) -> None:
    used, now_ms, spent, counted = at(Used(), "UTC", NOW_MS), NOW_MS, 0, 0
    waiting: list[tuple[int, int, bool]] = []
    for wish, share, gap in steps:
        now_ms += gap
        used = at(used, "UTC", now_ms)
        assert used.day_ms <= now_ms
        if used.day_ms > NOW_MS:
            break
        found = entry(plan, used, wish, now_ms, now_ms * 1_000, factor)
        if found.limit is not None:
            assert found.used == used, "what is refused takes nothing"
            assert found.wait_ms > 0
            continue
        used = found.used
        if wish.counts:
            counted += 1
            waiting.append((found.reserved, int(found.reserved * share), wish.stream))
        if found.output is not None and plan.output_tokens:
            assert found.output <= plan.output_tokens
        assert not plan.requests_per_day or used.requests <= int(plan.requests_per_day * factor)
        assert not plan.tokens_per_day or used.tokens + used.reserved <= int(plan.tokens_per_day * factor)
        assert not plan.concurrent_streams or used.streams <= plan.concurrent_streams
        if len(waiting) > 3:
            reserved, real, stream = waiting.pop(0)
            used = settled(used, day_ms=used.day_ms, reserved=reserved, receipt=receipt(attempt(real, 0)))
            used = used._replace(streams=used.streams - stream)
            spent += real
    assert used.requests == counted or used.day_ms > NOW_MS


def test_what_is_left_of_the_day_is_the_longest_answer() -> None:
    plan = msgspec.structs.replace(FREE, output_tokens=0)
    used = at(Used(), "UTC", NOW_MS)._replace(tokens=49_000)
    found = entry(plan, used, Wish(prompt=300, output=5_000), NOW_MS, 0)
    assert (found.limit, found.output, found.reserved) == (None, 700, 1_000)
    again = entry(plan, found.used, Wish(prompt=1, output=5_000), NOW_MS, 0)
    assert again.limit == "tokens_per_day"
    assert again.wait_ms == used.day_ends_ms - NOW_MS
    short = used._replace(tokens=50_000 - LEAST_ROOM // 2)
    assert entry(plan, short, Wish(prompt=0, output=LEAST_ROOM // 2), NOW_MS, 0).limit is None, "all that it asks for"
    assert entry(plan, short, Wish(prompt=0, output=LEAST_ROOM), NOW_MS, 0).limit == "tokens_per_day"


def test_what_is_left() -> None:
    used = at(Used(), "UTC", NOW_MS)._replace(requests=4, tokens=1_000, reserved=500)
    assert (requests_left(FREE, used), tokens_left(FREE, used)) == (6, 48_500)
    assert (requests_left(FREE, used, 0.5), tokens_left(FREE, used, 0.5)) == (1, 23_500)
    assert requests_left(Plan(name="x"), used) is None
    assert tokens_left(Plan(name="x"), used) is None


def test_what_counts() -> None:
    assert is_counted(receipt(attempt(1, 1), outcome="failed"))
    assert is_counted(receipt(outcome="answered")), "an answer out of the cache"
    assert not is_counted(receipt(outcome="failed")), "nobody was asked"
    assert not is_counted(receipt(attempt(1, 1), operation="shadow"))
    assert tokens_of(receipt(attempt(10, 5), attempt(10, 90, 2), attempt(10, 1, 3))) == 100
    assert tokens_of(receipt()) == 0


def test_what_began_yesterday_counts_there() -> None:
    used = at(Used(), "UTC", NOW_MS)._replace(requests=1, reserved=9)
    late = settled(used, day_ms=used.day_ms - 86_400_000, reserved=500, receipt=receipt(attempt(400, 100)))
    assert late == used


# -- which plan, and what it holds


def config(**more: object) -> Config:
    tiers = {"low": ["openai/gpt-4.1-nano"], "medium": ["openai/gpt-4.1-mini", "anthropic/claude-haiku-4-5"]}
    base = {
        "providers": {"openai": {"api_key": "x"}, "anthropic": {"api_key": "y"}},
        "routing": {"tiers": tiers | {"highest": ["anthropic/claude-opus-4-8"]}},
        "discover": False,
    }
    return msgspec.convert(base | more, Config)


def test_shipped_plans_have_their_figures() -> None:
    plans = plans_in_force(PlansConfig(), policy(config()))
    told = {
        name: (
            plan.requests_per_day,
            plan.tokens_per_day,
            plan.input_tokens,
            plan.output_tokens,
            plan.requests_per_minute,
            plan.targets and len(plan.targets),
        )
        for name, plan in plans.items()
    }
    assert told == {
        "free": (10, 50_000, 2_000, 500, 5, 1),
        "starter": (100, 500_000, 4_000, 2_000, 20, 2),
        "pro": (1_000, 5_000_000, 8_000, 4_000, 60, 4),
        "enterprise": (0, 0, 128_000, 8_000, 300, None),
    }
    assert plans["free"].targets == ("openai/gpt-4.1-nano",)
    assert plans["pro"].targets is not None
    assert plans["pro"].targets[-1] == "anthropic/claude-opus-4-8", "the weakest first"


def test_plans_are_changed_and_added() -> None:
    settings = PlansConfig(
        timezone="Asia/Tokyo",
        named={
            "free": PlanConfig(requests_per_day=0, timezone="UTC"),
            "gold": PlanConfig(requests_per_minute=7, targets=["openai/*"]),
        },
    )
    plans = plans_in_force(settings, policy(config()))
    assert (plans["free"].requests_per_day, plans["free"].tokens_per_day, plans["free"].zone) == (0, 50_000, "UTC")
    assert plans["gold"] == Plan(name="gold", zone="Asia/Tokyo", requests_per_minute=7, burst=7, targets=("openai/*",))


def test_models_are_picked_of_chains_where_nothing_is_weighed_and_no_toy_is() -> None:
    plain = msgspec.convert(
        {
            "providers": {"mine": {"dialect": "openai_chat", "base_url": "http://127.0.0.1:1/v1"}},
            "models": {"a": ["mine/llama-3.1-70b"], "b": ["mine/llama-3.2-1b", "mine/llama-3.1-8b"]},
            "discover": False,
        },
        Config,
    )
    assert plans_in_force(PlansConfig(), policy(plain))["free"].targets == ("mine/llama-3.1-8b",)


def test_whose_plan_is_which() -> None:
    settings = PlansConfig(default="free", keys={"ci": "pro"})
    plans = plans_in_force(settings, policy(config()))
    assert plan_of("key_1", "starter", settings, plans) is plans["starter"]
    assert plan_of("ci", "", settings, plans) is plans["pro"]
    assert plan_of("other", "", settings, plans) is plans["free"]
    assert plan_of("key_2", "golden", settings, plans) == "golden", "no such plan"
    assert plan_of("key_3", "", PlansConfig(), plans) is None
    assert plan_of("master", "", settings, plans) is None, "unless it is named"
    assert plan_of("master", "", PlansConfig(keys={"master": "free"}), plans) is plans["free"]

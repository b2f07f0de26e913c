"""The breaker's fold: what opens it, for how long, what closes it; and that it never tries two requests at once."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.config.breaker import BreakerConfig
from tenbin.core.receipt import Attempt, Receipt
from tenbin.decide.breaker import CHECKPOINT, EVERYONE, HOUR, MINUTE_MS, SETTLED_MS, Change, Lines, Spent, spent

USD = 1_000_000_000
NOON = 1_800_000_000_000 // MINUTE_MS * MINUTE_MS


def configured(**fields: Any) -> BreakerConfig:
    return msgspec.convert(fields, BreakerConfig)


def paid(minute: float, usd: float, key: str = "alice", began: float | None = None) -> Spent:
    at = NOON + int(minute * MINUTE_MS)
    return Spent(NOON + int((minute if began is None else began) * MINUTE_MS), at, key, int(usd * USD), called=True)


def opened(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.scope, change.trip.rule) for change in changes if change.trip is not None]


def at(minute: float) -> int:
    return NOON + int(minute * MINUTE_MS)


def test_nothing_is_on_by_itself() -> None:
    assert not BreakerConfig().on
    assert configured(daily_usd=1).on
    assert configured(key={"velocity": {}}).on


def test_it_opens_when_an_hours_limit_is_reached_and_not_before() -> None:
    lines = Lines(configured(hourly_usd=10))
    assert lines.fold(paid(0, 9.999_999_999)) == ()
    (change,) = lines.fold(paid(1, 0.000_000_001))
    assert (change.scope, change.circuit) == (EVERYONE, "open")
    assert change.trip is not None
    assert (change.trip.rule, change.trip.spent, change.trip.limit) == ("hourly", 10 * USD, 10 * USD)
    refusal = lines.admit("r", "bob", at(2))
    assert refusal is not None
    assert refusal.until_ms == change.until_ms == at(60), "when the first minute is an hour old"


def test_what_is_older_than_the_rules_time_does_not_count() -> None:
    lines = Lines(configured(hourly_usd=10, daily_usd=20))
    assert lines.fold(paid(0, 9)) == ()
    assert lines.fold(paid(60, 9)) == ()
    assert opened(lines.fold(paid(121, 9))) == [(EVERYONE, "daily")], "27 in a day"
    lines = Lines(configured(daily_usd=20))
    assert lines.fold(paid(0, 19)) == ()
    assert lines.fold(paid(1_440, 19)) == ()


def test_it_cools_at_least_as_long_as_configured_then_tries_one_and_closes() -> None:
    lines = Lines(configured(hourly_usd=1, cool_minutes=90))
    lines.fold(paid(0, 1))
    assert lines.admit("a", "k", at(89.9)) is not None
    assert lines.admit("a", "k", at(90)) is None
    assert lines.admit("b", "k", at(91)) is not None, "one is under way"
    (change,) = lines.fold(paid(92, 0.5, began=90))
    assert change.circuit == "closed"
    lines.release("a")
    assert lines.admit("b", "k", at(92)) is None
    assert lines.admit("c", "k", at(92)) is None


def test_what_the_tried_request_finds_opens_it_again() -> None:
    lines = Lines(configured(hourly_usd=1, cool_minutes=61))
    lines.fold(paid(0, 1))
    assert lines.admit("a", "k", at(61)) is None
    (change,) = lines.fold(paid(62, 5, began=61))
    lines.release("a")
    assert (change.circuit, change.until_ms) == ("open", at(123))
    assert lines.admit("b", "k", at(122)) is not None


def test_requests_under_way_when_it_opened_close_nothing_and_may_keep_it_open_longer() -> None:
    lines = Lines(configured(hourly_usd=2, cool_minutes=1))
    assert lines.fold(paid(0, 2))[0].until_ms == at(60)
    assert lines.fold(paid(30, 1.5, began=-1)) == ()
    assert lines.fold(paid(40, 1.5, began=-1)) == ()
    opening = lines.scopes[EVERYONE].opening
    assert opening is not None
    assert opening.until_ms == at(90), "3.0 since minute 30, 1.5 since minute 40"


def test_what_has_left_the_hour_keeps_nothing_open() -> None:
    lines = Lines(configured(hourly_usd=2, cool_minutes=1))
    assert lines.fold(paid(0, 1.5)) == ()
    (change,) = lines.fold(paid(60, 2))
    assert change.trip is not None
    assert change.trip.spent == 2 * USD
    assert change.until_ms == at(120)


def test_one_that_came_while_it_was_open_and_ends_when_it_is_not_decides_nothing() -> None:
    lines = Lines(configured(hourly_usd=1, cool_minutes=60))
    lines.fold(paid(0, 1))
    assert lines.fold(paid(61, 0.1, began=30)) == (), "its body was long on the way: it was not the one that is tried"
    assert lines.scopes[EVERYONE].circuit(at(61)) == "half_open"


def test_one_tried_before_a_reset_is_still_the_only_one_after_the_next_opening() -> None:
    lines = Lines(configured(hourly_usd=1, cool_minutes=60))
    lines.fold(paid(0, 1))
    assert lines.admit("long", "k", at(60)) is None
    lines.reset(None, at(61))
    assert lines.admit("b", "k", at(61)) is None
    assert opened(lines.fold(paid(62, 1, began=61))) == [(EVERYONE, "hourly")]
    assert lines.admit("c", "k", at(130)) is not None, "the long one is under way"
    lines.release("long")
    assert lines.admit("c", "k", at(130)) is None


def test_a_tried_request_that_called_nobody_decides_nothing() -> None:
    lines = Lines(configured(hourly_usd=1, cool_minutes=60))
    lines.fold(paid(0, 1))
    assert lines.admit("a", "k", at(60)) is None
    assert lines.fold(Spent(at(60), at(60), "k", 0, called=False)) == ()
    lines.release("a")
    assert lines.admit("b", "k", at(60)) is None
    assert lines.admit("c", "k", at(60)) is not None


def test_a_tried_request_whose_cost_never_comes_is_not_waited_for_for_ever() -> None:
    lines = Lines(configured(hourly_usd=1, cool_minutes=60))
    lines.fold(paid(0, 1))
    assert lines.admit("a", "k", at(60)) is None
    assert lines.tries("a")
    assert lines.admit("b", "k", at(120)) is not None, "it is under way"
    lines.left("a", at(120))
    assert lines.admit("b", "k", at(120)) is not None
    assert lines.admit("b", "k", at(120) + SETTLED_MS) is None


def test_a_key_is_stopped_by_itself() -> None:
    lines = Lines(configured(key={"hourly_usd": 1}))
    assert opened(lines.fold(paid(0, 1, "alice"))) == [("alice", "hourly")]
    assert lines.admit("r", "alice", at(1)) is not None
    assert lines.admit("r", "bob", at(1)) is None
    assert not lines.closed_for("alice")
    assert lines.closed_for("shadow")


def test_sudden_spending_opens_it_and_a_small_sum_never() -> None:
    usual = [paid(minute * 5, 0.1) for minute in range(20)]

    def after(usd: float, **rule: Any) -> list[tuple[str, str]]:
        lines = Lines(configured(velocity={"times": 10, "minutes": 5, "floor_usd": 1, **rule}))
        for event in usual:
            assert lines.fold(event) == ()
        return opened(lines.fold(paid(105, usd)))

    assert after(1.01) == [(EVERYONE, "velocity")]
    assert after(0.99) == []
    assert after(1.01, floor_usd=2) == []
    assert after(1.01, times=11) == []


def test_nothing_is_sudden_before_anything_is_usual() -> None:
    lines = Lines(configured(velocity={}))
    for minute in range(11):
        assert lines.fold(paid(minute * 5, 0.001)) == ()
    assert lines.fold(paid(60, 500)) == ()


def test_quiet_hours_do_not_make_the_usual_rate_small() -> None:
    lines = Lines(configured(velocity={"times": 5, "floor_usd": 0.1}))
    for minute in range(20):
        lines.fold(paid(minute * 5, 1))
    assert lines.fold(paid(100 + 10 * HOUR, 1)) == (), "after a night the first request is as always"


def test_a_reset_closes_and_counts_anew() -> None:
    lines = Lines(configured(daily_usd=10, key={"daily_usd": 5}))
    assert opened(lines.fold(paid(0, 10, "alice"))) == [(EVERYONE, "daily"), ("alice", "daily")]
    assert [change.scope for change in lines.reset("alice", at(1))] == ["alice"]
    assert lines.admit("r", "alice", at(1)) is not None, "all keys together are still too dear"
    assert [change.scope for change in lines.reset(None, at(1))] == [EVERYONE]
    assert lines.admit("r", "alice", at(1)) is None
    assert lines.fold(paid(2, 4.9, "alice")) == ()
    assert opened(lines.fold(paid(3, 0.1, "alice"))) == [("alice", "daily")]


def test_refused_requests_are_counted_where_they_were_refused() -> None:
    lines = Lines(configured(daily_usd=10, key={"daily_usd": 5}))
    lines.fold(paid(0, 5, "alice"))
    for _ in range(3):
        lines.fold(Spent(at(1), at(1), "alice", 0, called=False, refused=True))
    opening = lines.scopes["alice"].opening
    assert opening is not None
    assert opening.refused == 3
    assert lines.scopes[EVERYONE].opening is None


def test_a_receipt_counts_when_it_ended_with_all_that_is_known_of_its_cost() -> None:
    attempts = tuple(
        Attempt(
            number=n, provider="p", model="m", dialect="anthropic", started_at_ms=0, outcome="answered", cost_nano=c
        )
        for n, c in ((1, 7), (2, None), (3, 5))
    )
    receipt = Receipt(
        request_id="r",
        arrived_at_ms=1_000,
        key_id="alice",
        dialect="anthropic",
        operation="generate",
        path="",
        requested_model="m",
        stream=False,
        route="default",
        outcome="answered",
        status=200,
        policy="",
        attempts=attempts,
        total_ms=250.7,
    )
    assert spent(receipt) == Spent(1_000, 1_250, "alice", 12, called=True)
    turned_away = msgspec.structs.replace(receipt, trace=(("refused", CHECKPOINT, "billing_error"),), attempts=())
    assert spent(turned_away).refused
    assert not spent(msgspec.structs.replace(turned_away, trace=(("refused", "limits", "rate_limit_error"),))).refused
    assert not spent(msgspec.structs.replace(turned_away, trace=(("call", "p/m", "cut"),))).refused


# What holds whatever happens

RULES = st.builds(
    configured,
    hourly_usd=st.sampled_from([None, 1, 3]),
    daily_usd=st.sampled_from([None, 4]),
    velocity=st.sampled_from([None, {"times": 2, "minutes": 5, "floor_usd": 0.1}]),
    key=st.sampled_from([{}, {"hourly_usd": 1}, {"daily_usd": 2}]),
    cool_minutes=st.sampled_from([1, 15, 70]),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "end", "wait", "reset"]),
        st.sampled_from(["alice", "bob"]),
        st.integers(0, 40),
        st.integers(0, 8),
    ),
    max_size=80,
)


@settings(max_examples=300, deadline=None)
@given(RULES, STEPS)
def test_no_two_are_tried_at_once_and_a_replay_ends_where_life_did(
    rules: BreakerConfig, steps: list[tuple[str, str, int, int]]
) -> None:
    lines = Lines(rules)
    now, events = NOON, list[Spent | tuple[str | None, int]]()
    under_way: dict[str, tuple[str, int, frozenset[str]]] = {}
    for number, (what, key, minutes, amount) in enumerate(steps):
        if what == "wait":
            now += minutes * MINUTE_MS
        elif what == "reset":
            now += 1
            scope = (None, key)[amount % 2]
            lines.reset(scope, now)
            events.append((scope, now))
        elif what == "ask":
            # Which circuits are half-open, before it is asked.
            trying = frozenset(
                scope
                for scope in (EVERYONE, key)
                if scope in lines.scopes and lines.scopes[scope].circuit(now) == "half_open"
            )
            opened_now = any(
                scope in lines.scopes and lines.scopes[scope].circuit(now) == "open" for scope in (EVERYONE, key)
            )
            if lines.admit(f"r{number}", key, now) is None:
                assert not opened_now
                for _, _, others in under_way.values():
                    assert not trying & others, "two are being tried"
                under_way[f"r{number}"] = (key, now, trying)
            else:
                assert opened_now or trying
        elif under_way:
            request = sorted(under_way)[amount % len(under_way)]
            whose, began, _ = under_way.pop(request)
            now += minutes * 1_000
            event = Spent(began, now, whose, amount * USD // 4, called=amount != 3)
            lines.fold(event)
            lines.release(request)
            events.append(event)
    again = Lines(rules)
    for one in events:
        if isinstance(one, Spent):
            again.fold(one)
        else:
            again.reset(*one)
    assert {scope: line.opening for scope, line in again.scopes.items()} == {
        scope: line.opening for scope, line in lines.scopes.items()
    }
    for scope, line in lines.scopes.items():
        assert again.scopes[scope].sums(now) == line.sums(now)


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 5 * USD)), max_size=60))
def test_sums_are_those_of_the_last_hour_and_day(amounts: list[tuple[int, int]]) -> None:
    lines = Lines(configured(daily_usd=10_000_000))
    minute = 0
    counted: list[tuple[int, int]] = []
    for later, nano in amounts:
        minute += later
        counted.append((minute, nano))
        lines.fold(Spent(at(minute), at(minute), "k", nano, called=True))
    hour, day = lines.scopes[EVERYONE].sums(at(minute))
    assert hour == sum(nano for when, nano in counted if when > minute - 60)
    assert day == sum(nano for when, nano in counted if when > minute - 1_440)


@pytest.mark.parametrize("keys", [10_050])
def test_many_keys_do_not_fill_the_memory(keys: int) -> None:
    lines = Lines(configured(key={"hourly_usd": 1}))
    lines.fold(paid(0, 1, "stopped"))
    for number in range(keys):
        lines.fold(paid(1, 0.01, f"k{number}"))
    assert len(lines.scopes) <= 10_001
    assert lines.admit("r", "stopped", at(2)) is not None, "who is stopped is not forgotten"

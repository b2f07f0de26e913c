"""A day's limit is never passed, whatever is reserved and whatever it comes to."""

from hypothesis import given
from hypothesis import strategies as st

from tenbin.execute.spend_of_day import DAY_MS, SpendOfDay, start_of_day

amounts = st.integers(0, 1_000)


@given(
    st.integers(0, 2_000),
    st.integers(0, 2_000),
    st.lists(st.tuples(amounts, st.none() | st.floats(0, 1), st.integers(0, DAY_MS // 2)), max_size=40),
)
def test_what_a_day_costs_stays_within_its_limit(
    most: int, begun: int, calls: list[tuple[int, float | None, int]]
) -> None:
    spend, now_ms, by_day = SpendOfDay(most), 10 * DAY_MS, {10: begun}
    spend.begin(now_ms, begun)
    open_calls: list[tuple[int, int | None]] = []
    for dearest, part, later in calls:
        now_ms += later
        if spend.reserve(dearest, now_ms):
            open_calls.append((dearest, None if part is None else int(part * dearest)))
        if len(open_calls) > 2:
            reserved, cost = open_calls.pop(0)
            spend.settle(reserved, cost)
            by_day[now_ms // DAY_MS] = by_day.get(now_ms // DAY_MS, 0) + (reserved if cost is None else cost)
        assert spend.spent + spend.set_aside <= max(most, begun) + sum(reserved for reserved, _ in open_calls)
    for reserved, cost in open_calls:
        spend.settle(reserved, cost)
    assert spend.set_aside == 0


def test_what_nobody_knows_counts_as_the_dearest() -> None:
    spend = SpendOfDay(100)
    assert spend.reserve(60, DAY_MS)
    assert not spend.reserve(60, DAY_MS)
    spend.settle(60, None)
    assert not spend.reserve(60, DAY_MS)
    assert spend.reserve(60, 2 * DAY_MS), "another day"


def test_two_at_once_cannot_pass_it_together() -> None:
    spend = SpendOfDay(100)
    assert [spend.reserve(40, DAY_MS) for _ in range(3)] == [True, True, False]


def test_a_day_begins_at_midnight_utc() -> None:
    assert start_of_day(1_795_262_400_000) == 1_795_219_200_000


def test_a_clock_that_is_put_back_gives_no_second_limit() -> None:
    spend = SpendOfDay(100)
    assert spend.reserve(60, 2 * DAY_MS)
    spend.settle(60, 60)
    assert not spend.reserve(60, 2 * DAY_MS - 1), "a moment before midnight again"
    assert not spend.reserve(60, 2 * DAY_MS + 1), "and after it again"
    assert spend.reserve(60, 3 * DAY_MS)

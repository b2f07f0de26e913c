"""Wrong keys: how many are answered as what, whatever addresses they come from, in bounded memory."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.api.caller import WRONG_KEY
from tenbin.api.wrong_keys import MOST_ADDRESSES, MOST_EVERYWHERE, MOST_LINES, WINDOW_MS, WrongKeys


@given(
    st.lists(st.tuples(st.sampled_from(("10.0.0.1", "10.0.0.2", "::1", "")), st.integers(0, 40_000)), max_size=60),
    st.integers(1, 10),
)
def test_an_address_has_so_many_in_a_window_and_then_none(came: list[tuple[str, int]], most: int) -> None:
    wrong, now = WrongKeys(), 1_000_000
    windows: dict[str, tuple[int, int]] = {}
    for address, later in came:
        now += later
        began, count = windows.get(address, (now, 0))
        if now - began >= WINDOW_MS:
            began, count = now, 0
        windows[address] = began, count + 1
        answer = wrong.counted(WRONG_KEY, address, most, now)
        if count + 1 <= most:
            assert answer is WRONG_KEY
        else:
            assert (answer.status, answer.should_retry) == (429, False)
            assert answer.retry_after_ms == began + WINDOW_MS - now
    assert wrong.seen == len(came)


def test_one_network_is_one_address() -> None:
    wrong = WrongKeys()
    for number in range(3):
        wrong.counted(WRONG_KEY, f"2001:db8::{number}", 3, 1)
    assert wrong.counted(WRONG_KEY, "2001:db8::ffff%eth0", 3, 1).status == 429
    assert wrong.counted(WRONG_KEY, "2001:db8:0:1::1", 3, 1) is WRONG_KEY
    for _ in range(3):
        wrong.counted(WRONG_KEY, "::ffff:10.0.0.1", 3, 1)
    assert wrong.counted(WRONG_KEY, "10.0.0.1", 3, 1).status == 429


def test_many_addresses_together_are_limited_and_leave_no_trace_that_grows(caplog: pytest.LogCaptureFixture) -> None:
    wrong = WrongKeys()
    caplog.set_level(logging.WARNING)
    statuses = [wrong.counted(WRONG_KEY, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 30, 5).status for n in range(20_000)]
    assert statuses == [401] * MOST_EVERYWHERE + [429] * (20_000 - MOST_EVERYWHERE)
    assert len(wrong._addresses) == MOST_ADDRESSES
    for address in range(100):
        for _ in range(40):
            wrong.counted(WRONG_KEY, f"11.0.0.{address}", 30, 6)
    assert 1 < len(caplog.records) <= MOST_LINES
    caplog.clear()
    assert wrong.counted(WRONG_KEY, "10.0.0.1", 30, 5 + WINDOW_MS) is WRONG_KEY, "a new window"
    assert wrong.counted(WRONG_KEY, "10.0.0.1", 30, 1) is WRONG_KEY, "a clock that was set back stops nobody for long"

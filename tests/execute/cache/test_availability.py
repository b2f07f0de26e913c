"""A server that is gone is left alone, longer each time; one request tries; what changes is said once."""

import pytest

from tenbin.execute.cache.availability import LONGEST_PAUSE_MS, Availability, StoreUnavailable
from tenbin.execute.clock import SystemClock


class Turned(SystemClock):
    now = 1_000_000

    def now_ms(self) -> int:
        return self.now


def test_a_server_that_is_gone_is_left_alone() -> None:
    clock, told = Turned(), list[str]()
    server = Availability("redis://cache:6379/0", clock, told.append)
    server.check()
    assert str(server.failed("refused")) == "redis://cache:6379/0: refused"
    assert server.down
    with pytest.raises(StoreUnavailable):
        server.check()
    clock.now += 250
    server.check()  # one tries
    with pytest.raises(StoreUnavailable):
        server.check()  # while the others go without
    server.failed("refused")
    clock.now += 499
    with pytest.raises(StoreUnavailable):
        server.check()
    clock.now += 1
    server.check()
    server.answered()
    server.check()
    server.check()
    assert told == [
        "redis://cache:6379/0 does not answer (refused): requests go on without it until it does.",
        "redis://cache:6379/0 answers again.",
    ]


def test_it_is_never_left_alone_for_good() -> None:
    clock = Turned()
    server = Availability("x", clock, list[str]().append)
    for _ in range(100):
        server.failed("refused")
        clock.now += LONGEST_PAUSE_MS
        server.check()


def test_what_was_begun_before_it_went_changes_nothing() -> None:
    """Of many requests under way some still have their answer, and all others fail: it is gone once, for one pause."""
    clock, told = Turned(), list[str]()
    server = Availability("redis://cache:6379/0", clock, told.append)
    for _ in range(10):
        server.failed("closed")
        server.answered()
    assert [server.down, len(told)] == [True, 1]
    clock.now += 250
    server.check()
    server.answered()
    assert [server.down, len(told)] == [False, 2]

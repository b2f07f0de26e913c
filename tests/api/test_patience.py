"""How long a client waits, from its headers; and that nothing is begun that it would not see the end of."""

from pathlib import Path

import pytest

from tenbin.api.patience import patience_ms
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.real.books import serving


@pytest.mark.parametrize(
    ("stated", "ms"),
    [(b"600", 600_000), (b"0.25", 250), (b"0", None), (b"-1", None), (b"nan", None), (b"inf", None), (b"soon", None)],
)
def test_seconds_in_either_header(stated: bytes, ms: int | None) -> None:
    assert patience_ms({b"x-stainless-timeout": stated}) == ms
    assert patience_ms({b"x-tenbin-timeout": stated, b"x-stainless-timeout": b"9"}) == ms


def test_most_clients_say_nothing() -> None:
    assert patience_ms({b"host": b"x"}) is None


def test_no_try_begins_that_the_client_would_not_see_the_end_of(simulator: RunningSimulator, tmp_path: Path) -> None:
    config = chained(
        simulator.url,
        retries={"per_target": 5, "base_ms": 400, "max_pause_ms": 400},
        timeouts={"connect": 2, "first_byte": 60, "idle": 60, "total": 60},
        cooldown={"after_failures": 1, "seconds": 300},
    )
    with serving(config, tmp_path) as house:
        caller = Caller(house.url)
        simulator.script("*", *[{"status": 500}] * 9)
        assert caller.ask("anthropic", "one", headers={"x-tenbin-timeout": "0.15"}).status_code == 500
        assert len(simulator.requests()) == 1, "a pause of 200 ms and more ends behind the deadline"
        simulator.reset()
        house.running.gateway.forget(None)
        simulator.script("*", {"delay_ms": 20_000})
        slow = caller.ask("anthropic", "one", headers={"x-stainless-timeout": "0.3"})
        assert slow.status_code == 504
        assert [len(one.attempts) for one in house.books.new(2)] == [1, 1]
        rows = house.running.gateway.targets()
        assert {row.state for row in rows} == {"closed"}, "an impatient client says nothing of the target"
        caller.http.close()

"""The breaker under many hands, and for work of Tenbin's own, before the real gateway."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import msgspec

from tenbin.config.breaker import BreakerConfig
from tenbin.decide.breaker import EVERYONE, Spent
from tenbin.execute.breaker import RESETS, Breaker
from tenbin.execute.clock import SystemClock
from tenbin.running import RunningGateway
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.execute.judge_server import judging
from tests.execute.test_shadow import EASY, answered, configuration, prefers_strong
from tests.real.books import serving, wait_until

USD = 1_000_000_000
HOUR_MS = 3_600_000


class LateClock(SystemClock):
    """Goes ahead when the test says so."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


def test_of_many_at_once_one_is_tried(simulator: RunningSimulator, tmp_path: Path) -> None:
    clock = LateClock()
    config = chained(simulator.url, spending={"breaker": {"hourly_usd": 0.0001}})
    with serving(config, tmp_path, clock=clock) as house:
        caller = Caller(house.url)
        assert caller.ask("anthropic", "one").status_code == 200
        house.books.new(1)
        for turn in range(3):
            clock.ahead_ms += 2 * HOUR_MS

            def ask(number: int) -> int:
                with httpx2.Client(base_url=house.url, timeout=20, trust_env=False) as http:
                    body = {"model": "one", "max_tokens": 60, "messages": [{"role": "user", "content": f"{number}"}]}
                    return http.post("/v1/messages", json={**body, "stream": number % 2 == 0}).status_code

            with ThreadPoolExecutor(20) as hands:
                statuses = sorted(hands.map(ask, range(40)))
            assert statuses == [200, *[429] * 39], f"turn {turn}"
            paid = [one for one in house.books.new(40) if one.attempts]
            assert len(paid) == 1
        caller.http.close()


def test_nobody_is_evaluated_while_it_is_open(simulator: RunningSimulator, tmp_path: Path) -> None:
    answered(simulator)
    with judging(prefers_strong) as judge:
        config = configuration(simulator, judge)
        rules = BreakerConfig(daily_usd=0.000_000_001)
        config = msgspec.structs.replace(config, spending=msgspec.structs.replace(config.spending, breaker=rules))
        with RunningGateway(config, tmp_path) as running:
            caller = Caller(running.url)
            assert caller.ask("anthropic", "auto", EASY).status_code == 200
            shadow = running.gateway.shadow
            assert shadow is not None
            wait_until(lambda: shadow.waiting == 0, "the sample to be taken up")
            assert caller.ask("anthropic", "auto", EASY).status_code == 429
            caller.http.close()
        assert judge.bodies == []
    assert shadow.spend.spent == shadow.spend.set_aside == 0


def test_resets_are_kept_for_as_long_as_they_matter(tmp_path: Path) -> None:
    settings, now = BreakerConfig(daily_usd=1), 1_800_000_000_000
    dear = [Spent(now, now, "ann", USD, called=True)]
    breaker = Breaker(settings, tmp_path)
    breaker.configure(settings, dear, now)
    assert breaker.open_scopes == (EVERYONE,)
    assert breaker.reset(None, now + 1) == (EVERYONE,)
    assert json.loads((tmp_path / RESETS).read_bytes()) == {"*": now + 1}
    again = Breaker(settings, tmp_path)
    again.configure(settings, dear, now + 2)
    assert again.open_scopes == ()
    (tmp_path / RESETS).write_text("spoilt")
    spoilt = Breaker(settings, tmp_path)
    spoilt.configure(settings, dear, now + 2)
    assert spoilt.open_scopes == (EVERYONE,)
    assert spoilt.reset(None, now + 3) == (EVERYONE,), "and it can be written anew"
    assert json.loads((tmp_path / RESETS).read_bytes()) == {"*": now + 3}


def test_where_nothing_can_be_written_a_reset_holds_until_the_end(tmp_path: Path) -> None:
    settings, now = BreakerConfig(daily_usd=1), 1_800_000_000_000
    breaker = Breaker(settings, tmp_path / "nowhere")
    breaker.configure(settings, [Spent(now, now, "ann", USD, called=True)], now)
    assert breaker.reset(None, now) == (EVERYONE,)
    assert breaker.open_scopes == ()

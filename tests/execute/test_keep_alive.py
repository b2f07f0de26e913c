"""A silent conversation's prompt is read shortly before it lapses, within a day's limit, and stands in the ledger."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tenbin.core.receipt import Receipt
from tenbin.execute.clock import SystemClock
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import chained
from tests.real.books import House, serving, wait_until

SYSTEM = "You are a careful engineer. " * 400
MARK = {"type": "ephemeral"}
LONG_MS = 100_000
"""A pause of this length or more is one of the keep-alive's."""


class SteppedClock(SystemClock):
    """Long pauses end when the test says so, and time goes on by as much."""

    def __init__(self, simulator: RunningSimulator) -> None:
        super().__init__()
        self.ahead_ms = 0
        self.waiting = 0
        self._simulator = simulator
        self._steps = threading.Semaphore(0)
        """Released by the test's thread, looked at by the gateway's loop."""

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms

    async def pause(self, ms: int) -> None:
        if ms < LONG_MS:
            return await super().pause(ms)
        self.waiting += 1
        try:
            while not self._steps.acquire(blocking=False):  # noqa: ASYNC110 - the other side is a thread
                await asyncio.sleep(0.002)
        finally:
            self.waiting -= 1
        self.ahead_ms += ms
        return None

    def step(self) -> None:
        """Let one pause of four and a half minutes pass, at the provider as well."""
        wait_until(lambda: self.waiting > 0, "a keep-alive that waits")
        self._simulator.advance(270)
        self._steps.release()


class Talk:
    """A conversation as Claude Code has it."""

    def __init__(self, house: House, http: httpx2.Client, clock: SteppedClock) -> None:
        self.house, self.http, self.clock = house, http, clock

    def say(self, *words: str, **fields: Any) -> Receipt:
        body: dict[str, Any] = {
            "model": "one",
            "max_tokens": 20,
            "system": [{"type": "text", "text": SYSTEM, "cache_control": MARK}],
            "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
            "messages": [
                {"role": "assistant" if number % 2 else "user", "content": text} for number, text in enumerate(words)
            ],
            **fields,
        }
        answer = self.http.post("/v1/messages", json=body, headers={"x-claude-code-session-id": "s"})
        assert answer.status_code == 200, answer.text
        return self.house.books.one()

    def kept(self) -> Receipt:
        """The receipt of the next keep-alive."""
        self.clock.step()
        return self.house.books.one()


@contextmanager
def talking(simulator: RunningSimulator, directory: Path, usd: float) -> Iterator[Talk]:
    clock = SteppedClock(simulator)
    config = chained(simulator.url, prompt_caching={"keep_alive_usd_per_day": usd})
    with ExitStack() as stack:
        house = stack.enter_context(serving(config, directory, clock=clock))
        http = stack.enter_context(httpx2.Client(base_url=house.url, timeout=20, trust_env=False))
        yield Talk(house, http, clock)


@pytest.fixture
def talk(simulator: RunningSimulator, tmp_path: Path) -> Iterator[Talk]:
    with talking(simulator, tmp_path, 1.0) as one:
        yield one


def test_a_person_who_comes_back_late_finds_the_prompt_warm(talk: Talk, simulator: RunningSimulator) -> None:
    written = talk.say("Hello").usage.cache_write_5m
    assert written > 1_024
    first, second = talk.kept(), talk.kept()
    for receipt in (first, second):
        assert (receipt.operation, receipt.key_id, receipt.outcome) == ("keep_alive", "keep_alive", "answered")
        assert receipt.usage.cache_read == written
        assert receipt.usage.output == 0
        assert receipt.cost_nano is not None
        assert receipt.cost_nano <= written * 300 + receipt.usage.input * 3_000, "read, not written"
    simulator.advance(200)
    assert talk.say("Hello", "Yes?", "I was away").usage.cache_read == written


def test_it_stops_of_itself_once_nobody_is_expected_any_more(talk: Talk) -> None:
    talk.say("Hello")
    count = 0
    keeper = talk.house.running.gateway.keep_alive
    assert keeper is not None
    while keeper.holding:
        before = talk.clock.ahead_ms
        wait_until(lambda: talk.clock.waiting > 0 or not keeper.holding, "a keep-alive that waits or ends")
        if not keeper.holding:
            break
        talk.clock.step()
        wait_until(lambda at=before: talk.clock.ahead_ms > at, "time to go on")  # type: ignore[misc]
        wait_until(lambda: talk.clock.waiting > 0 or not keeper.holding, "the read")
        count += 1
        assert count < 60, "a day of reads for one silent conversation"
    assert count > 1


def test_the_days_limit_is_never_passed(simulator: RunningSimulator, tmp_path: Path) -> None:
    with talking(simulator, tmp_path, 0.000001) as talk:
        talk.say("Hello")
        keeper = talk.house.running.gateway.keep_alive
        assert keeper is not None
        talk.clock.step()
        wait_until(lambda: not keeper.holding, "the keep-alive to give up")
        assert keeper.spend.spent == 0
        assert talk.say("Hello", "Yes?", "Go on").operation == "generate"


def test_the_next_request_ends_the_wait_of_the_one_before(talk: Talk) -> None:
    keeper = talk.house.running.gateway.keep_alive
    assert keeper is not None
    talk.say("Hello")
    talk.say("Hello", "Yes?", "Go on")
    wait_until(lambda: talk.clock.waiting == 1, "one wait")
    assert keeper.holding == 1


def test_a_conversation_with_a_thinking_budget_is_left_alone(talk: Talk) -> None:
    keeper = talk.house.running.gateway.keep_alive
    assert keeper is not None
    talk.say("Hello", max_tokens=4_000, thinking={"type": "enabled", "budget_tokens": 1_024})
    assert keeper.holding == 0


def test_a_dearer_tier_is_left_alone(talk: Talk) -> None:
    keeper = talk.house.running.gateway.keep_alive
    assert keeper is not None
    talk.say("Hello", service_tier="auto")
    assert keeper.holding == 0


def test_nothing_is_held_where_nothing_may_be_spent(simulator: RunningSimulator, tmp_path: Path) -> None:
    with talking(simulator, tmp_path, 0) as talk:
        talk.say("Hello")
        assert talk.house.running.gateway.keep_alive is None

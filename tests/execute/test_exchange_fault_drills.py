"""Fault drills: providers that are killed, stall, crawl and flap, and a thousand conversations of which every fifth
meets a fault. Nothing is lost, nothing is billed twice, and all end as the policy says.
"""

import itertools
import json as library
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, events, said, truth
from tests.real.books import configured, serving

CONVERSATIONS = 1_000
WORKERS = 8
BEFORE_CONTENT: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"status": 529},
    {"status": 429, "retry_after": 0},
    {"html_error": True},
    {"empty_body": True},
    {"cut_after_events": 0},
    {"cut_after_events": 0, "reset": True},
    {"error_event_at": 1},
    {"stall_after_events": 0},
)
"""The policy: tried again, at this target or the next; the client notices nothing."""
AFTER_CONTENT: tuple[dict[str, Any], ...] = (
    {"cut_after_events": 6},
    {"cut_after_events": 6, "reset": True},
    {"error_event_at": 7},
    {"stall_after_events": 6},
)
"""The policy: a stream ends with the dialect's error event, nothing is tried again by itself."""


def drilled(first: str, second: str, **keys: Any) -> Any:
    fields: dict[str, Any] = {
        "providers": {
            "anthropic": {
                "base_url": f"{first}/anthropic",
                "api_key": "sk-one",
                "models": {"claude-sonnet-4-6": {"price": PRICE}},
            },
            "openai": {
                "base_url": f"{second}/openai/v1",
                "dialect": "openai_chat",
                "api_key": "sk-two",
                "models": {"gpt-4o": {"price": PRICE}},
            },
        },
        "models": {"chain": ["anthropic/claude-sonnet-4-6", "openai/gpt-4o"]},
        "retries": {"per_target": 1, "base_ms": 1, "max_pause_ms": 100},
        "cooldown": {"after_failures": 1_000_000, "seconds": 0},
        "timeouts": {"connect": 2, "first_byte": 1.5, "idle": 0.6, "total": 20},
        **keys,
    }
    return configured(**fields)


class Conversation:
    """Two turns, the second of which carries the first; one that breaks off is asked again, as people and agents do."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stream = number % 2 == 0
        self.fault: dict[str, Any] = {}
        self.after_content = False
        if number % 5 == 0:
            whole = tuple(fault for fault in BEFORE_CONTENT if "error_event_at" not in fault)  # has no events
            faults = (*BEFORE_CONTENT, *AFTER_CONTENT) if self.stream else whole
            self.fault = faults[(number // 5) % len(faults)]
            self.after_content = self.fault in AFTER_CONTENT
        self.seen: list[tuple[str, bool]] = []
        """(Tenbin's id of each request, whether it ended with an error event)."""

    def hold(self, caller: Caller) -> None:
        turns: list[dict[str, Any]] = []
        for turn in (1, 2):
            text = f"Conversation {self.number}, turn {turn}: tell me of rivers."
            if turn == 1 and self.fault:
                script = {**self.fault, "fail_times": 1, "key": str(self.number), "output_tokens": 40}
                text += f"\nsimulate: {json(script)}"
            turns.append({"role": "user", "content": text})
            turns.append({"role": "assistant", "content": self.ask(caller, turns)})

    def ask(self, caller: Caller, turns: list[dict[str, Any]]) -> str:
        for _ in range(2):
            response = caller.ask("anthropic", "chain", messages=turns, stream=self.stream)
            assert response.status_code == 200, response.text
            broken = self.stream and any(event.get("type") == "error" for event in events(response))
            self.seen.append((response.headers["x-tenbin-request-id"], broken))
            if not broken:
                return said(response, "anthropic", self.stream)
        raise AssertionError(f"conversation {self.number} broke off twice")


def json(value: Any) -> str:
    return library.dumps(value)


def test_a_thousand_conversations_of_which_every_fifth_meets_a_fault(tmp_path: Path) -> None:
    with (
        RunningSimulator(log_size=10_000) as simulator,
        serving(drilled(simulator.url, simulator.url), tmp_path) as house,
    ):
        conversations = [Conversation(number) for number in range(CONVERSATIONS)]
        local = threading.local()
        callers: list[Caller] = []

        def hold(one: Conversation) -> None:
            if not hasattr(local, "caller"):
                local.caller = Caller(house.url)
                callers.append(local.caller)
            one.hold(local.caller)

        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(hold, conversations))
        for caller in callers:
            caller.http.close()
        asked = [(one, *seen) for one in conversations for seen in one.seen]
        receipts = {receipt.request_id: receipt for receipt in house.books.new(len(asked))}
        entries = {entry["request_id"]: entry for entry in simulator.requests()}
        counts = house.running.gateway.book.counts()
        calls = len(simulator.requests())
    assert (counts.in_flight, counts.lost, counts.rejected) == (0, 0, 0)
    assert set(receipts) == {request_id for _, request_id, _ in asked}, "one receipt for each request, and no other"
    for one, request_id, broken in asked:
        assert receipts[request_id].outcome == ("cut" if broken else "answered"), one.number
    for one in conversations:
        # What comes in one piece with its error is never shown, and may still move on.
        assert sum(broken for _, broken in one.seen) <= one.after_content, (one.number, one.fault)
        attempts = sum(len(receipts[request_id].attempts) for request_id, _ in one.seen)
        assert attempts == 2 + bool(one.fault), (one.number, one.fault)
    assert any(broken for _, _, broken in asked)
    assert sum(len(receipt.attempts) for receipt in receipts.values()) == calls, "each call is on a receipt, once"
    check_bills(receipts.values(), entries)


def check_bills(receipts: Any, entries: dict[str, dict[str, Any]]) -> None:
    """What is billed is what was used: exactly where the provider stated it, and never twice."""
    billed: Counter[str] = Counter()
    for receipt in receipts:
        for attempt in receipt.attempts:
            usage = attempt.usage
            if attempt.outcome == "answered":
                assert attempt.upstream_request_id is not None
                billed[attempt.upstream_request_id] += 1
                assert (usage.prompt, usage.output) == truth(entries[attempt.upstream_request_id])
                assert not usage.estimated
            elif attempt.status is not None and attempt.status >= 400:
                assert (usage.prompt, usage.output) == (0, 0)
            expected = 3_000 * usage.input + 300 * usage.cache_read + 3_750 * usage.cache_write_5m
            expected += 6_000 * usage.cache_write_1h + 15_000 * usage.output
            assert attempt.cost_nano == expected, attempt
        assert receipt.cost_nano == sum(attempt.cost_nano or 0 for attempt in receipt.attempts)
    assert set(billed.values()) == {1}


class Killable:
    """A simulator in a process of its own, to be killed without warning."""

    def __init__(self, port: int = 0) -> None:
        command = [sys.executable, "-m", "tenbin.simulator", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def killable() -> Iterator[Killable]:
    one = Killable()
    yield one
    if one.process.poll() is None:
        one.kill()


def test_a_provider_killed_in_mid_stream(simulator: RunningSimulator, killable: Killable, tmp_path: Path) -> None:
    cooldown = {"after_failures": 1, "seconds": 300}
    with serving(drilled(killable.url, simulator.url, cooldown=cooldown), tmp_path) as house:
        caller, gateway = Caller(house.url), house.running.gateway
        script = {"output_tokens": 400, "tick_ms": 50}
        text = f"Hello\nsimulate: {json(script)}"
        body = caller.body("anthropic", "chain", text, stream=True)
        with caller.http.stream("POST", "/v1/messages", json=body) as response:
            pieces = response.iter_text()
            seen = ""
            while seen.count("content_block_delta") < 3:
                seen += next(pieces)
            killable.kill()
            seen += "".join(pieces)
        assert "event: error" in seen.rsplit("\n\n", 2)[-2], "the stream ends well-formed"
        assert "message_stop" not in seen
        cut = house.books.one()
        assert (cut.outcome, len(cut.attempts)) == ("cut", 1)
        assert 0 < cut.usage.output < 400
        assert cut.usage.output_estimated
        rows = {row.target: row.state for row in gateway.targets()}
        assert rows["anthropic/claude-sonnet-4-6"] == "open"
        assert caller.ask("anthropic", "chain").headers["x-tenbin-provider"] == "openai"
        # It comes back; a person says so, and does not wait for five minutes.
        again = Killable(killable.port)
        try:
            assert caller.http.delete("/health/targets").status_code == 200
            assert caller.ask("anthropic", "chain").headers["x-tenbin-provider"] == "anthropic"
        finally:
            again.kill()
        assert [one.outcome for one in house.books.new(2)] == ["answered", "answered"]
        caller.http.close()


def test_a_provider_that_stalls_before_its_first_word_is_left_behind(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    with serving(drilled(simulator.url, simulator.url), tmp_path) as house:
        caller = Caller(house.url)
        for stream in (True, False):
            simulator.script("claude-sonnet-4-6", {"stall_after_events": 0})
            answer = caller.ask("anthropic", "chain", stream=stream)
            assert (answer.status_code, answer.headers["x-tenbin-provider"]) == (200, "openai")
        for receipt in house.books.new(2):
            assert [attempt.failure for attempt in receipt.attempts] == ["timeout", None]
        caller.http.close()


def test_a_slow_provider_is_not_a_dead_one(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(drilled(simulator.url, simulator.url, ping_seconds=0.2), tmp_path) as house:
        caller = Caller(house.url)
        simulator.script(
            "claude-sonnet-4-6", {"text": "slow but sure, word by word", "chunk_tokens": 1, "tick_ms": 300}
        )
        answer = caller.ask("anthropic", "chain", stream=True)
        assert said(answer, "anthropic", True) == "slow but sure, word by word"
        receipt = house.books.one()
        assert (receipt.outcome, len(receipt.attempts)) == ("answered", 1)
        caller.http.close()


def test_a_flapping_provider_is_asked_less_and_less_and_nobody_notices(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    cooldown, retries = {"after_failures": 2, "seconds": 300}, {"per_target": 0, "base_ms": 1}
    with serving(drilled(simulator.url, simulator.url, cooldown=cooldown, retries=retries), tmp_path) as house:
        caller, health = Caller(house.url), house.running.gateway.world.health
        name = "anthropic/claude-sonnet-4-6"

        def asked() -> str:
            return caller.ask("anthropic", "chain").headers["x-tenbin-provider"]

        def over() -> None:
            """The cooldown is over."""
            health[name] = msgspec.structs.replace(health[name], closed_until_ms=1)

        simulator.script("claude-sonnet-4-6", {"status": 500}, {}, {"status": 500}, {"status": 500})
        assert [asked() for _ in range(6)] == ["openai", "anthropic", "openai", "openai", "openai", "openai"]
        simulator.script("claude-sonnet-4-6", {"status": 500}, {})
        over()
        assert [asked() for _ in range(3)] == ["openai"] * 3, "one probe, which fails, and no more"
        over()
        assert [asked() for _ in range(3)] == ["anthropic"] * 3, "one probe, which opens the way"
        receipts = house.books.new(12)
        assert all(receipt.outcome == "answered" for receipt in receipts)
        assert sum(failures(receipt) for receipt in receipts) == 4
        caller.http.close()


def failures(receipt: Receipt) -> int:
    return sum(attempt.failure is not None for attempt in receipt.attempts)


def test_every_fault_is_drilled() -> None:
    drawn = [Conversation(number) for number in range(CONVERSATIONS)]
    assert sum(bool(one.fault) for one in drawn) == CONVERSATIONS // 5
    met = {json(one.fault) for one in drawn if one.fault}
    assert met == {json(fault) for fault in itertools.chain(BEFORE_CONTENT, AFTER_CONTENT)}

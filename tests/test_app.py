"""The whole gateway: a process that is reloaded, told to stop, killed; and a clock that is turned forward."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tenbin.execute.clock import SystemClock
from tenbin.running import RunningGateway
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, chained, nothing_failed_inside, simulator, simulator_running, truth
from tests.real.books import Books, database, receipts_in, wait_until

__all__ = ["nothing_failed_inside", "simulator", "simulator_running"]


class Process:
    """A gateway in a process of its own, with a configuration file."""

    def __init__(self, directory: Path, url: str, **keys: Any) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.file = directory / "tenbin.yaml"
        self.write(url, **keys)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.caller = Caller(f"http://127.0.0.1:{self.port}")
        self.child: subprocess.Popen[bytes] | None = None

    def write(self, url: str, **keys: Any) -> None:
        """Put another configuration in place, at once."""
        provider = {
            "base_url": f"{url}/anthropic",
            "api_key": "sk-own",
            "models": {"claude-sonnet-4-6": {"price": PRICE}, "claude-haiku-4-5": {"price": PRICE}},
        }
        fields = {
            "discover": False,
            "local_model": False,
            "providers": {"anthropic": provider},
            "models": {"one": ["anthropic/claude-sonnet-4-6"]},
            **keys,
        }
        self.replace(yaml.safe_dump(fields))

    def replace(self, text: str) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.replace(self.file)

    def start(self) -> None:
        log = (self.directory / "log").open("ab")
        arguments = ["--config", str(self.file), "--port", str(self.port), "--data-dir", str(self.data)]
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tenbin.cli", "serve", *arguments], stdout=log, stderr=log, env=dict(os.environ)
        )
        log.close()
        wait_until(self.ready, "the gateway to be ready", 30)

    def ready(self) -> bool:
        assert self.child is not None
        assert self.child.poll() is None, self.log()
        with contextlib.suppress(httpx2.HTTPError):
            return self.caller.http.get("/health/liveliness").status_code == 200
        return False

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.child is not None
        self.child.send_signal(number)
        return self.child.wait(60)


@pytest.fixture
def process(tmp_path: Path, simulator: RunningSimulator) -> Iterator[Process]:
    one = Process(tmp_path, simulator.url)
    one.start()
    yield one
    one.caller.http.close()
    if one.child is not None and one.child.poll() is None:
        one.child.kill()
        one.child.wait()


class Streaming:
    """A request that is read in a thread, until it ends or breaks off."""

    def __init__(self, caller: Caller, model: str = "one", **fields: Any) -> None:
        self.data = b""
        self.headers: Any = None
        self.failure: Exception | None = None
        self._body = caller.body("anthropic", model, stream=True, **{"max_tokens": 10_000, **fields})
        self._url = f"{caller.http.base_url}".rstrip("/") + "/v1/messages"
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            with httpx2.stream("POST", self._url, json=self._body, timeout=30, trust_env=False) as response:
                self.headers = response.headers
                for part in response.iter_raw():
                    self.data += part
        except httpx2.HTTPError as error:
            self.failure = error

    @property
    def request_id(self) -> str:
        return str(self.headers["x-tenbin-request-id"])

    def end(self) -> None:
        self.thread.join(30)
        assert not self.thread.is_alive()


# -- durability


def test_kill_9_in_the_middle_loses_no_receipt(process: Process, simulator: RunningSimulator) -> None:
    """Answered requests and running ones: all are in the ledger after the next start, each once."""
    known: dict[str, int] = {}
    for round_number in range(2):
        answered = [process.caller.ask("anthropic", "one", f"Number {number}") for number in range(5)]
        known.update({one.headers["x-tenbin-request-id"]: 200 for one in answered})
        simulator.script("*", *[{"output_tokens": 4_000, "tick_ms": 15}] * 3)
        running = [Streaming(process.caller) for _ in range(3)]
        for one in running:
            wait_until(lambda one=one: len(one.data) > 5_000, "the stream to flow", 20)  # type: ignore[misc]
        process.kill()
        for one in running:
            one.end()
            assert one.failure is not None
            known[one.request_id] = 499
        simulator.clear()
        process.start()
        assert process.caller.ask("anthropic", "one").status_code == 200, round_number
    process.kill(signal.SIGTERM)
    receipts = {receipt.request_id: receipt for receipt in receipts_in(process.data)}
    assert len(receipts) == len(receipts_in(process.data)) == len(known) + 2
    for request_id, status in known.items():
        receipt = receipts[request_id]
        assert (receipt.outcome == "interrupted") == (status == 499)
        (attempt,) = receipt.attempts
        assert receipt.cost_nano is not None
        assert receipt.cost_nano > 0
        assert attempt.usage.input > 0
        if status == 499:
            assert attempt.usage.output_estimated
            assert attempt.outcome == "interrupted"
        else:
            assert not attempt.usage.estimated
    assert "Traceback" not in process.log()


def test_what_was_seen_of_a_long_answer_is_paid_after_a_kill(process: Process, simulator: RunningSimulator) -> None:
    simulator.script(output_tokens=4_000, tick_ms=10, chunk_tokens=20)
    running = Streaming(process.caller)
    wait_until(lambda: len(running.data) > 20_000, "the stream to flow", 20)
    process.kill()
    running.end()
    (entry,) = simulator.requests()
    process.start()
    process.kill(signal.SIGTERM)
    (receipt,) = receipts_in(process.data)
    prompt, output = truth(entry)
    assert receipt.usage.prompt == prompt, "the provider had stated it"
    assert 100 < receipt.usage.output < output


def test_sigterm_lets_running_answers_come_to_their_end(process: Process, simulator: RunningSimulator) -> None:
    simulator.script(output_tokens=120, tick_ms=40)
    running = Streaming(process.caller)
    wait_until(lambda: len(running.data) > 500, "the stream to flow", 20)
    assert process.child is not None
    process.child.send_signal(signal.SIGTERM)
    wait_until(lambda: refused(process.port), "the gateway to take no new connection", 10)
    running.end()
    assert running.failure is None
    assert running.data.rstrip().endswith(b'{"type":"message_stop"}')
    assert process.child.wait(30) == 0
    (receipt,) = receipts_in(process.data)
    assert receipt.outcome == "answered"
    assert not receipt.usage.estimated
    assert "Traceback" not in process.log()


def refused(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return False
    return True


def test_a_locked_database_slows_no_request_and_loses_none(tmp_path: Path, simulator: RunningSimulator) -> None:
    with RunningGateway(chained(simulator.url), tmp_path) as running:
        caller, books = Caller(running.url), Books(running, tmp_path)
        caller.ask("anthropic", "one")
        books.one()
        locker = sqlite3.connect(database(tmp_path), isolation_level=None)
        locker.execute("BEGIN EXCLUSIVE")
        for _ in range(30):
            assert caller.ask("anthropic", "one").status_code == 200
        time.sleep(1.5)
        assert caller.ask("anthropic", "one", stream=True).status_code == 200
        assert running.book.counts().settled == 32
        assert running.book.counts().lost == 0
        locker.execute("ROLLBACK")
        locker.close()
        assert len(books.new(31)) == 31
        caller.http.close()


# -- configuration


def test_a_changed_file_is_taken_over_without_dropping_a_request(process: Process, simulator: RunningSimulator) -> None:
    simulator.script("claude-sonnet-4-6", {"output_tokens": 150, "tick_ms": 30})
    running = Streaming(process.caller)
    wait_until(lambda: len(running.data) > 500, "the stream to flow", 20)
    before = receipts_policy(process, "one")
    process.write(simulator.url, models={"one": ["anthropic/claude-haiku-4-5"]})
    wait_until(
        lambda: process.caller.ask("anthropic", "one").headers["x-tenbin-model"] == "claude-haiku-4-5",
        "the new configuration",
        20,
    )
    assert running.thread.is_alive(), "the old request is still under way"
    running.end()
    assert running.data.rstrip().endswith(b'{"type":"message_stop"}')
    process.kill(signal.SIGTERM)
    receipts = {one.request_id: one for one in receipts_in(process.data)}
    assert receipts[running.request_id].policy == receipts[before].policy
    assert receipts[running.request_id].attempts[0].model == "claude-sonnet-4-6"
    assert len({one.policy for one in receipts.values()}) == 2
    assert "has been reloaded" in process.log()


def receipts_policy(process: Process, model: str) -> str:
    return str(process.caller.ask("anthropic", model).headers["x-tenbin-request-id"])


def test_a_broken_file_leaves_the_old_one_in_force_and_says_why(process: Process, simulator: RunningSimulator) -> None:
    good = process.file.read_text()
    for broken, said in [
        ("models: {one: [nobody/x]}\n" + good.replace("models:", "more:", 1), "tenbin.yaml:"),
        ("a: [", "tenbin.yaml:"),
        (good + "unheard_of: 1\n", "unheard_of"),
        (good.replace("claude-sonnet-4-6", "${NOT_SET_ANYWHERE}"), "NOT_SET_ANYWHERE"),
    ]:
        seen = process.log().count("is not taken")
        process.replace(broken)
        wait_until(lambda seen=seen: process.log().count("is not taken") > seen, "the complaint", 20)  # type: ignore[misc]
        assert said in process.log()
        assert process.caller.ask("anthropic", "one").headers["x-tenbin-model"] == "claude-sonnet-4-6"
    process.file.unlink()
    wait_until(lambda: process.log().count("is not taken") == 5, "the complaint", 20)
    assert process.caller.ask("anthropic", "one").status_code == 200
    process.write(simulator.url, models={"one": ["anthropic/claude-haiku-4-5"]}, listen="127.0.0.1:5999")
    wait_until(lambda: "has been reloaded" in process.log(), "the next good file", 20)
    assert process.caller.ask("anthropic", "one").headers["x-tenbin-model"] == "claude-haiku-4-5"
    assert "next start" in process.log(), "a changed address is not taken over, and that is said"
    assert "Traceback" not in process.log()


def test_sighup_reloads_at_once_what_has_not_changed(process: Process) -> None:
    assert process.child is not None
    process.child.send_signal(signal.SIGHUP)
    wait_until(lambda: "has been reloaded" in process.log(), "the reload", 20)
    assert process.caller.ask("anthropic", "one").status_code == 200


def test_a_taken_port_or_data_directory_is_told(process: Process, tmp_path: Path) -> None:
    for port, data in [(process.port, tmp_path / "other"), (0, process.data)]:
        arguments = ["--config", str(process.file), "--port", str(port), "--data-dir", str(data)]
        second = subprocess.run(
            [sys.executable, "-m", "tenbin.cli", "serve", *arguments], capture_output=True, timeout=30, check=False
        )
        assert second.returncode == 1
        assert (str(port) if port else str(data)) in second.stderr.decode()
        assert "Traceback" not in second.stderr.decode()


# -- cooldown


class TurnedClock(SystemClock):
    """The machine's clock, turned forward by hand."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


def test_a_failing_target_is_skipped_probed_and_taken_back(tmp_path: Path, simulator: RunningSimulator) -> None:
    clock = TurnedClock()
    config = chained(
        simulator.url, cooldown={"after_failures": 2, "seconds": 60}, retries={"per_target": 0, "base_ms": 1}
    )
    with RunningGateway(config, tmp_path, clock=clock) as running:
        caller, books = Caller(running.url), Books(running, tmp_path)

        def asked() -> list[str]:
            assert caller.ask("anthropic", "chain").status_code == 200
            return [attempt.provider for attempt in books.one().attempts]

        simulator.script("claude-sonnet-4-6", *[{"status": 500}] * 3)
        assert asked() == ["anthropic", "openai"]
        assert asked() == ["anthropic", "openai"]
        assert asked() == ["openai"], "closed after two failures in a row"
        clock.ahead_ms = 59_000
        assert asked() == ["openai"]
        clock.ahead_ms = 61_000
        assert asked() == ["anthropic", "openai"], "one probe, which fails"
        assert asked() == ["openai"]
        clock.ahead_ms = 122_000
        assert asked() == ["anthropic"], "a probe that is answered opens the way"
        assert asked() == ["anthropic"]
        caller.http.close()


def test_one_probe_at_a_time(tmp_path: Path, simulator: RunningSimulator) -> None:
    clock = TurnedClock()
    config = chained(
        simulator.url,
        cooldown={"after_failures": 1, "seconds": 60},
        retries={"per_target": 0, "base_ms": 1},
        timeouts={"first_byte": 10},
    )
    with RunningGateway(config, tmp_path, clock=clock) as running:
        caller, books = Caller(running.url), Books(running, tmp_path)
        simulator.script("claude-sonnet-4-6", {"status": 500}, {"delay_ms": 1_000})
        caller.ask("anthropic", "chain")
        books.one()
        clock.ahead_ms = 61_000
        probe = Streaming(caller, "chain")
        wait_until(lambda: len(simulator.requests()) == 3, "the probe", 10)
        assert caller.ask("anthropic", "chain").headers["x-tenbin-provider"] == "openai"
        probe.end()
        assert probe.headers["x-tenbin-provider"] == "anthropic"
        assert caller.ask("anthropic", "chain").headers["x-tenbin-provider"] == "anthropic"
        assert len(books.new(3)) == 3
        caller.http.close()


def test_when_all_targets_cool_down_they_are_tried_all_the_same(tmp_path: Path, simulator: RunningSimulator) -> None:
    config = chained(
        simulator.url, cooldown={"after_failures": 1, "seconds": 600}, retries={"per_target": 0, "base_ms": 1}
    )
    with RunningGateway(config, tmp_path) as running:
        caller, books = Caller(running.url), Books(running, tmp_path)
        simulator.script("*", {"status": 500}, {"status": 500})
        assert caller.ask("anthropic", "chain").status_code == 500
        assert caller.ask("anthropic", "chain").status_code == 200
        assert [len(receipt.attempts) for receipt in books.new(2)] == [2, 1]
        metrics = caller.http.get("/metrics").text
        assert "tenbin_targets_in_cooldown 1.0" in metrics
        caller.http.close()


def test_the_policy_on_a_receipt_is_the_configurations_hash(tmp_path: Path, simulator: RunningSimulator) -> None:
    with RunningGateway(chained(simulator.url), tmp_path) as running:
        caller, books = Caller(running.url), Books(running, tmp_path)
        caller.ask("anthropic", "one")
        assert books.one().policy == running.gateway.world.policy.hash
        caller.http.close()
    with sqlite3.connect(database(tmp_path)) as connection:
        assert json.dumps(connection.execute("SELECT * FROM requests").fetchall()).count("sk-own") == 0

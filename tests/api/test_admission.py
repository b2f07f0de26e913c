"""Admission: streams and what else a checkpoint has given are given back once, however a request ends."""

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tenbin.api.admission import Admission, LimitsCheckpoint, Visit
from tenbin.codecs.registry import dialect
from tenbin.config.plans import PlansConfig
from tenbin.core.ask import Ask
from tenbin.core.ask import Caller as AskedBy
from tenbin.core.problems import Problem
from tenbin.decide.limits import Plan
from tenbin.execute.clock import SystemClock
from tenbin.execute.limits.counters import MemoryCounters
from tenbin.execute.limits.engine import Limits
from tenbin.simulator import RunningSimulator
from tests.api.planned import bearer, limits_of, settings
from tests.execute.conftest import Caller
from tests.real.books import House, serving, wait_until


@pytest.fixture(scope="module")
def house(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(settings(simulator_running.url), tmp_path_factory.mktemp("planned")) as running:
        yield running


@pytest.fixture
def caller(house: House, simulator: RunningSimulator) -> Iterator[Caller]:
    house.books.new()
    one = Caller(house.url)
    yield one
    one.http.close()


# -- streams


def slow_stream(house: House, plan: str, number: int, started: threading.Event, stop: threading.Event) -> None:
    text = "simulate: " + json.dumps([{"text": "word " * 400, "tick_ms": 20}])
    body = {"model": "one", "max_tokens": 900, "stream": True, "messages": [{"role": "user", "content": text}]}
    with (
        httpx2.Client(base_url=house.url, timeout=20, trust_env=False) as http,
        contextlib.suppress(httpx2.HTTPError),
        http.stream("POST", "/v1/messages", json=body, headers=bearer(plan, number)) as answer,
    ):
        assert answer.status_code == 200
        for _ in answer.iter_bytes():
            started.set()
            if stop.is_set():
                return


def test_streams_at_a_time_are_counted_and_given_back_when_a_client_leaves(house: House, caller: Caller) -> None:
    stop = threading.Event()
    started = [threading.Event(), threading.Event()]
    threads = [threading.Thread(target=slow_stream, args=(house, "streams", 0, one, stop)) for one in started]
    for thread, event in zip(threads, started, strict=True):
        thread.start()
        assert event.wait(10)
    refused = caller.ask("anthropic", "one", headers=bearer("streams"), stream=True)
    assert refused.status_code == 429
    assert "concurrent_streams" in refused.json()["error"]["message"]
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["x-should-retry"] == "true"
    assert caller.ask("anthropic", "one", headers=bearer("streams")).status_code == 200, "this one is no stream"
    stop.set()
    for thread in threads:
        thread.join()
    wait_until(
        lambda: caller.ask("anthropic", "one", headers=bearer("streams"), stream=True).status_code == 200, "a place"
    )


def test_streams_are_given_back_once_whatever_happens(house: House, caller: Caller) -> None:
    for script in (
        [{"text": "well"}],
        [{"text": "word " * 30, "cut_after_events": 3}],
        [{"status": 500}],
        [{"status": 400}],
    ):
        for _ in range(4):
            with contextlib.suppress(httpx2.HTTPError):
                text = "simulate: " + json.dumps(script)
                assert (
                    caller.ask("anthropic", "one", text, headers=bearer("streams", 1), stream=True).status_code != 429
                )
    counters = limits_of(house).counters
    assert isinstance(counters, MemoryCounters)
    wait_until(lambda: counters.known("streams-1").streams == 0, "no stream under way")


def test_acts_of_leaving_are_done_once_and_none_keeps_another_from_it(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def broken() -> None:
        done.append(2)
        raise OSError("of this test")

    visit = Visit(dialect("anthropic"))
    visit.on_leaving(lambda: done.append(1))
    visit.on_leaving(broken)
    with caplog.at_level(logging.CRITICAL + 1, "tenbin.api"):
        visit.leave()
    visit.leave()
    assert done == [2, 1]


def test_a_request_that_fails_inside_gives_back_what_was_set_aside() -> None:
    async def failing() -> None:
        counters = MemoryCounters(SystemClock(), lambda key_id, since_ms: (0, 0), lambda key_id: None)
        limits = Limits(counters, SystemClock(), lambda key_id: None)
        limits.configure(PlansConfig(default="p"), {"p": Plan(name="p", requests_per_day=9, concurrent_streams=2)})

        class Stuck:
            name = "stuck"

            async def let_in(self, ask: Ask, visit: Visit) -> Ask | Problem:
                raise asyncio.CancelledError

        body = b'{"model":"m","max_tokens":9,"stream":true,"messages":[]}'
        codec = dialect("anthropic")
        ask = Ask(
            request_id="r",
            dialect="anthropic",
            operation="generate",
            path="/v1/messages",
            query=b"",
            headers=(),
            body=body,
            head=codec.read_head(body),
            caller=AskedBy(key_id="k"),
            arrived_at_ms=0,
            arrived_ns=0,
        )
        book: Any = None

        async def never(*_: object) -> None:
            raise AssertionError("it is not served")

        admission = Admission((LimitsCheckpoint(limits), Stuck()), book, lambda: "")
        with pytest.raises(asyncio.CancelledError):
            await admission.pass_through(ask, codec, never, never)
        used = counters.known("k")
        assert (used.requests, used.streams) == (0, 0)

    asyncio.run(failing())

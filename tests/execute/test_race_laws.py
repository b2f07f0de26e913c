"""Laws of hedged requests whatever the providers do, in whatever order: one answer of one target, and one
receipt with every call on it once, each paid for by what it used.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained, events, said, truth
from tests.execute.test_exchange_laws import check_cost
from tests.execute.test_race import QUICK, SLOW
from tests.real.books import House, serving

delays = st.sampled_from([0, 0, 15, 30, 45, 60, 90])
flows = st.fixed_dictionaries(
    {"output_tokens": st.integers(1, 40), "delay_ms": delays},
    optional={"chunk_tokens": st.just(3), "tick_ms": st.just(2), "no_usage": st.just(True), "ping_every": st.just(2)},
)
places = st.integers(0, 8)
faults = st.one_of(
    st.just({}),
    st.just({}),
    st.sampled_from([400, 429, 500, 529]).map(lambda status: {"status": status}),
    places.map(lambda place: {"cut_after_events": place}),
    places.map(lambda place: {"error_event_at": place + 1}),
    places.map(lambda place: {"stall_after_events": place, "stall_ms": 60}),
)
scripts = st.builds(lambda flow, fault: {**flow, **fault}, flows, faults)


@pytest.fixture(scope="module")
def racing(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    hedging = {"after_ms": 30, "share": 1.0, "usd_per_day": 1000.0}
    retries = {"per_target": 1, "base_ms": 1, "max_pause_ms": 5}
    config = chained(simulator_running.url, hedging=hedging, retries=retries)
    with serving(config, tmp_path_factory.mktemp("racing")) as running:
        yield running


@settings(max_examples=80, deadline=None)
@given(
    st.lists(scripts, min_size=3, max_size=3),
    st.lists(scripts, min_size=3, max_size=3),
    st.sampled_from(["anthropic", "openai_chat"]),
    st.booleans(),
)
def test_whatever_happens_in_whatever_order(
    racing: House,
    simulator_running: RunningSimulator,
    slow: list[dict[str, Any]],
    quick: list[dict[str, Any]],
    dialect: str,
    stream: bool,
) -> None:
    caller, simulator = Caller(racing.url), simulator_running
    try:
        simulator.reset()
        racing.books.new()
        simulator.script(SLOW, *slow)
        simulator.script(QUICK, *quick)
        response = caller.ask(dialect, "chain", stream=stream)
        receipt = racing.books.one()
        entries = simulator.requests()
    finally:
        caller.http.close()

    assert response.headers["x-tenbin-request-id"] == receipt.request_id
    attempts = sorted(receipt.attempts, key=lambda one: one.number)
    assert [one.number for one in attempts] == list(range(1, len(attempts) + 1))
    # Every call that reached a provider is on the receipt, once. (One that was cancelled may not have reached it.)
    called = Counter(entry["model"] for entry in entries)
    told = Counter(one.model for one in attempts)
    cancelled = Counter(one.model for one in attempts if one.outcome == "cancelled")
    assert called - told == Counter()
    assert (told - called) - cancelled == Counter()
    pair = [one.hedge for one in attempts if one.hedge]
    assert pair in ([], [1, 2])
    assert sum(one.outcome in ("answered", "cut") for one in attempts) == (receipt.outcome in ("answered", "cut"))
    assert len(cancelled) <= 1
    assert all(one.hedge for one in attempts if one.outcome == "cancelled")
    check_cost(receipt)
    for one in attempts:
        assert one.outcome in ("answered", "cut", "failed", "cancelled")
        if one.outcome == "answered":
            entry = next(each for each in reversed(entries) if each["model"] == one.model)
            prompt, output = truth(entry)
            assert one.usage.input_estimated or one.usage.prompt == prompt
            assert one.usage.output_estimated or one.usage.output == output
        if one.outcome == "failed" and one.status is not None and one.status >= 400:
            assert one.usage.prompt == one.usage.output == 0
    if receipt.outcome == "answered":
        assert response.status_code == 200
        words = said(response, dialect, stream)
        assert receipt.last is not None
        assert receipt.last.outcome == "answered"
        assert words or receipt.last.usage.output <= 1
        if stream and dialect == "anthropic":
            kinds = Counter(event["type"] for event in events(response))
            assert kinds["message_start"] == kinds["message_stop"] == 1
    elif receipt.outcome == "failed":
        assert response.status_code >= 400
    else:
        assert receipt.outcome == "cut"
        assert "error" in events(response)[-1]


CONVERSATIONS, WORKERS = 240, 8


def test_many_at_once_with_a_target_that_is_slow_now_and_then(
    racing: House, simulator_running: RunningSimulator
) -> None:
    simulator = simulator_running
    simulator.reset()
    racing.books.new()
    slow: list[dict[str, Any]] = [
        {"output_tokens": 5},
        {"output_tokens": 5, "delay_ms": 120},
        {"output_tokens": 5, "stall_after_events": 1, "stall_ms": 150},
        {"output_tokens": 5, "delay_ms": 31},
    ]
    simulator.script(SLOW, *(slow[number % 4] for number in range(CONVERSATIONS)))
    callers = [Caller(racing.url) for _ in range(WORKERS)]

    def converse(number: int) -> bool:
        stream, caller = number % 3 > 0, callers[number % WORKERS]
        response = caller.ask("anthropic", "chain", f"Number {number}", stream=stream)
        return bool(said(response, "anthropic", stream))

    with ThreadPoolExecutor(WORKERS) as pool:
        assert all(pool.map(converse, range(CONVERSATIONS)))
    for caller in callers:
        caller.http.close()
    receipts = racing.books.new(CONVERSATIONS)
    assert all(receipt.outcome == "answered" for receipt in receipts)
    assert all(sum(one.outcome == "answered" for one in receipt.attempts) == 1 for receipt in receipts)
    assert any(len(receipt.attempts) == 2 for receipt in receipts)
    assert any(len(receipt.attempts) == 1 for receipt in receipts)
    for receipt in receipts:
        check_cost(receipt)
        assert receipt.cost_nano == sum(one.cost_nano or 0 for one in receipt.attempts)
    entries = Counter(entry["model"] for entry in simulator.requests())
    told = Counter(one.model for receipt in receipts for one in receipt.attempts)
    cancelled = Counter(one.model for receipt in receipts for one in receipt.attempts if one.outcome == "cancelled")
    assert entries - told == Counter()
    assert (told - entries) - cancelled == Counter()
    hedging = racing.running.gateway.hedging
    assert hedging is not None
    assert hedging.spend.set_aside == 0
    lost = [one for receipt in receipts for one in receipt.attempts if one.outcome == "cancelled"]
    assert hedging.spend.spent >= sum(one.cost_nano or 0 for one in lost) > 0

"""Laws that hold whatever the providers do: one receipt a request, all that was used in it, nothing after content."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.core.receipt import Attempt, Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, events, said, truth
from tests.real.books import House

flows = st.fixed_dictionaries(
    {"output_tokens": st.integers(1, 60)},
    optional={
        "thinking": st.just("Let me think about it."),
        "chunk_tokens": st.sampled_from([1, 7]),
        "split_bytes": st.sampled_from([1, 5, 64]),
        "tick_ms": st.sampled_from([1, 3]),
        "ping_every": st.just(2),
        "crlf": st.just(True),
        "gzip": st.just(True),
        "no_request_id": st.just(True),
        "no_usage": st.just(True),
        "connection_close": st.just(True),
    },
)
places = st.integers(0, 14)
faults = st.one_of(
    st.just({}),
    st.sampled_from([400, 404, 408, 413, 418, 422, 500, 502, 503, 529]).map(lambda status: {"status": status}),
    st.sampled_from([None, 0, 0.01, 60]).map(lambda seconds: {"status": 429, "retry_after": seconds}),
    st.just({"html_error": True}),
    st.just({"empty_body": True}),
    places.map(lambda place: {"cut_after_events": place}),
    places.map(lambda place: {"cut_after_events": place, "reset": True}),
    places.map(lambda place: {"error_event_at": place + 1}),
    places.map(lambda place: {"malformed_chunk_at": place + 1}),
    places.map(lambda place: {"stall_after_events": place, "stall_ms": 30}),
)
scripts = st.builds(lambda flow, fault: {**flow, **fault}, flows, faults)


@settings(max_examples=60)
@given(
    st.lists(scripts, min_size=4, max_size=4),
    st.sampled_from(["anthropic", "openai_chat"]),
    st.sampled_from(["one", "chat", "chain", "crossed", "silent", "unpriced"]),
    st.booleans(),
)
def test_one_receipt_holds_all_that_was_used(
    house: House,
    simulator_running: RunningSimulator,
    script: list[dict[str, Any]],
    dialect: str,
    model: str,
    stream: bool,
) -> None:
    caller, simulator = Caller(house.url), simulator_running
    try:
        simulator.reset()
        waiting = ("one", "chat")
        house.books.new()  # whatever a test before this one has left unread
        for name in waiting:
            assert caller.ask("anthropic", name).status_code == 200, "an answer ends a cooldown"
        house.books.new(len(waiting))
        simulator.clear()
        simulator.script("*", *script)
        response = caller.ask(dialect, model, stream=stream)
        receipt = house.books.one()
        entries = simulator.requests()
    finally:
        caller.http.close()

    assert response.headers["x-tenbin-request-id"] == receipt.request_id
    assert receipt.status == response.status_code
    assert len(receipt.attempts) == len(entries) == len([step for step in receipt.trace if step[0] == "call"])
    for number, (attempt, entry, played) in enumerate(zip(receipt.attempts, entries, script, strict=False), start=1):
        assert attempt.number == number
        assert attempt.status == entry["status"] or entry["status"] is None
        check_usage(attempt, entry, played, last=number == len(entries))
    check_cost(receipt)
    if receipt.outcome == "answered":
        assert response.status_code == 200
        if not (stream and "malformed_chunk_at" in script[len(entries) - 1]):  # it passes through as it is
            said(response, dialect, stream)
    elif receipt.outcome == "failed":
        assert response.status_code >= 400
        assert response.json()["error"]["message"]
        assert all(attempt.outcome == "failed" for attempt in receipt.attempts)
    else:
        assert receipt.outcome == "cut"
        assert "error" in events(response)[-1]
        assert [attempt.outcome for attempt in receipt.attempts[:-1]] == ["failed"] * (len(entries) - 1)


def check_usage(attempt: Attempt, entry: dict[str, Any], played: dict[str, Any], *, last: bool) -> None:
    prompt, output = truth(entry)
    usage = attempt.usage
    if entry["status"] is not None and entry["status"] >= 400:
        assert (usage.prompt, usage.output) == (0, 0)
        return
    if attempt.outcome == "answered":
        assert last
        if "malformed_chunk_at" not in played:
            assert usage.input_estimated or usage.prompt == prompt
            assert usage.output_estimated or usage.output == output
            assert usage.estimated == (attempt.provider == "messy" or played.get("no_usage", False))
    elif attempt.outcome == "cut":
        assert last
        # A block may have begun in which nothing was said yet.
        assert usage.output > 0 or entry["events_sent"] <= 5 or "malformed_chunk_at" in played
    # The tokenizer counts the same words the same way, but not always the same pieces of them.
    assert usage.output <= output + 2
    assert usage.input_estimated or usage.prompt in (0, prompt)


def check_cost(receipt: Receipt) -> None:
    for attempt in receipt.attempts:
        usage = attempt.usage
        if attempt.provider == "unpriced":
            assert attempt.cost_nano is None
            assert attempt.price == "unknown"
        else:
            assert usage.cache_read == usage.cache_write_5m == usage.cache_write_1h == 0
            assert attempt.cost_nano == (usage.input * PRICE["input"] + usage.output * PRICE["output"]) * 1000
    used = any(attempt.usage.prompt or attempt.usage.output for attempt in receipt.attempts)
    assert (receipt.cost_nano is None) == (used and receipt.attempts[0].provider == "unpriced")

"""Clients that read slowly, or not at all, and what they are given in silent gaps."""

import json
import time
from collections.abc import Iterator

import pytest

from tenbin.api import client_side
from tenbin.simulator import RunningSimulator
from tests.api.raw import Raw, post
from tests.execute.conftest import Caller, chained, events, said
from tests.real.books import Books, House, serving, wait_until

BODY = json.dumps(
    {"model": "one", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
).encode()


def long_stream(megabytes: int) -> str:
    """An Anthropic stream of about that size."""
    usage = {"input_tokens": 7, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "usage": usage}
    start: list[dict] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    delta: dict = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x" * 10_000}}
    end: list[dict] = [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 99}},
        {"type": "message_stop"},
    ]
    listed: list[dict] = [*start, *[delta] * (megabytes * 100), *end]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in listed)


def test_a_slow_client_gets_every_byte(url: str, books: Books, simulator: RunningSimulator) -> None:
    text = long_stream(12)
    simulator.script(raw=text, content_type="text/event-stream")
    with Raw(url, seconds=30) as raw:
        raw.send(post("/v1/messages", BODY))
        time.sleep(1)  # longer than the idle limit: it is not the provider who is silent
        response, body = raw.answer()
        assert response.status == 200
        assert body == text.encode()
    receipt = books.one()
    assert receipt.outcome == "answered"
    assert (receipt.usage.input, receipt.usage.output) == (7, 99)


def test_a_client_that_never_reads_is_let_go(
    url: str, books: Books, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_side, "STUCK_SECONDS", 0.5)
    simulator.script(raw=long_stream(25), content_type="text/event-stream")
    with Raw(url) as raw:
        raw.send(post("/v1/messages", BODY))
        wait_until(lambda: bool(simulator.requests()), "the request", 5)
        receipt = books.one()
    assert receipt.outcome == "cancelled"
    assert receipt.usage.output > 1_000
    assert receipt.usage.output_estimated


@pytest.fixture(scope="module")
def chatty(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    config = chained(simulator_running.url, ping_seconds=0.2, timeouts={"idle": 5})
    with serving(config, tmp_path_factory.mktemp("chatty")) as running:
        yield running


@pytest.mark.parametrize("place", [2, 8])
@pytest.mark.parametrize("model", ["one", "chat"])
@pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
def test_a_silent_gap_is_filled_with_pings(
    chatty: House, simulator: RunningSimulator, dialect: str, model: str, place: int
) -> None:
    chatty.books.new()
    caller = Caller(chatty.url)
    simulator.script(text="One two three four five six seven.", chunk_tokens=1, stall_after_events=place, stall_ms=700)
    response = caller.ask(dialect, model, stream=True)
    caller.http.close()
    assert said(response, dialect, True) == "One two three four five six seven."
    mark = "event: ping\n" if dialect == "anthropic" else ": ping\n"
    assert response.text.count(mark) >= 2
    if dialect == "anthropic":
        assert {"type": "ping"} in events(response)
    assert chatty.books.one().outcome == "answered"

"""Whatever becomes of a request, there is one receipt, and it is right."""

import json
from typing import Any

import pytest

from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, counted, events, said, truth
from tests.real.books import Books, wait_until

DIALECTS = pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
STREAMED = pytest.mark.parametrize("stream", [False, True])
MODELS = {"anthropic": "chain", "openai_chat": "crossed"}
"""By dialect, a chain of two whose first target speaks it."""
OWN = {"anthropic": "one", "openai_chat": "chat"}
FOREIGN = {"anthropic": "chat", "openai_chat": "one"}


def cost(receipt: Receipt) -> int:
    """What its usage costs at PRICE, in nano-USD."""
    usage = receipt.usage
    assert usage.cache_read == usage.cache_write_5m == usage.cache_write_1h == 0
    return round(usage.input * PRICE["input"] * 1000 + usage.output * PRICE["output"] * 1000)


# -- it answers


@DIALECTS
@STREAMED
@pytest.mark.parametrize("models", [OWN, FOREIGN], ids=["own", "translated"])
def test_an_answer(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, stream: bool, models: dict[str, str]
) -> None:
    simulator.script(text="Good morning to you all.")
    response = caller.ask(dialect, models[dialect], stream=stream)
    assert response.status_code == 200
    assert said(response, dialect, stream) == "Good morning to you all."
    receipt = books.one()
    (entry,) = simulator.requests()
    assert (receipt.outcome, receipt.status, receipt.stream) == ("answered", 200, stream)
    assert counted(receipt) == [truth(entry)]
    assert not receipt.usage.estimated
    assert receipt.cost_nano == cost(receipt) > 0
    assert receipt.requested_model == models[dialect]
    assert receipt.route == f"model:{models[dialect]}"
    assert receipt.attempts[0].upstream_request_id == entry["request_id"]
    assert receipt.trace == (["call", f"{receipt.attempts[0].provider}/{receipt.attempts[0].model}", "answered"],)
    assert 0 <= receipt.queue_ms <= (receipt.first_byte_ms or -1) <= receipt.total_ms
    assert response.headers["x-tenbin-request-id"] == receipt.request_id


@DIALECTS
@pytest.mark.parametrize("models", [OWN, FOREIGN], ids=["own", "translated"])
def test_streamed_and_unstreamed_cost_the_same(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, models: dict[str, str]
) -> None:
    costs = set()
    for stream in (False, True):
        simulator.script(output_tokens=60, thinking="Let me see.")
        caller.ask(dialect, models[dialect], "The same words.", stream=stream)
        receipt = books.one()
        costs.add((receipt.usage, receipt.cost_nano))
    assert len(costs) == 1


@STREAMED
def test_usage_that_is_never_told_is_counted_and_marked(
    caller: Caller, books: Books, simulator: RunningSimulator, stream: bool
) -> None:
    simulator.script(output_tokens=80)
    caller.ask("openai_chat", "silent", "Say something long.", stream=stream)
    receipt = books.one()
    (entry,) = simulator.requests()
    assert receipt.usage.input_estimated
    assert receipt.usage.output_estimated
    prompt, output = truth(entry)
    assert receipt.usage.output == output  # both count with the same tokenizer
    assert abs(receipt.usage.prompt - prompt) <= 10
    assert receipt.cost_nano == cost(receipt)


@DIALECTS
@STREAMED
def test_an_unknown_price_is_unknown_and_never_zero(caller: Caller, books: Books, dialect: str, stream: bool) -> None:
    response = caller.ask(dialect, "unpriced", stream=stream)
    receipt = books.one()
    assert receipt.outcome == "answered"
    assert receipt.usage.output > 0
    assert receipt.cost_nano is None
    assert receipt.attempts[0].price == "unknown"
    if not stream:
        assert response.headers["x-tenbin-cost"] == "unknown"


def test_usage_that_comes_late_is_waited_for(caller: Caller, books: Books, simulator: RunningSimulator) -> None:
    for dialect in OWN:
        simulator.script(output_tokens=30, late_usage=True)
        caller.ask(dialect, OWN[dialect], stream=True)
        assert not books.one().usage.estimated


# -- failures before any content


@DIALECTS
@STREAMED
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 500}, "server_error"),
        ({"status": 529}, "overloaded"),
        ({"status": 503}, "overloaded"),
        ({"html_error": True}, "server_error"),
        ({"empty_body": True}, None),
        ({"cut_after_events": 0}, "cut"),
        ({"raw": "{nonsense", "content_type": "application/json"}, "malformed"),
        ({"raw": "<html>Welcome</html>", "content_type": "text/html"}, "malformed"),
    ],
)
def test_a_passing_fault_is_tried_again(
    caller: Caller,
    books: Books,
    simulator: RunningSimulator,
    dialect: str,
    stream: bool,
    fault: dict[str, Any],
    kind: str | None,
) -> None:
    simulator.script("*", fault, {"text": "Here it is."})
    response = caller.ask(dialect, OWN[dialect], stream=stream)
    assert response.status_code == 200, response.text
    assert said(response, dialect, stream) == "Here it is."
    receipt = books.one()
    assert [attempt.number for attempt in receipt.attempts] == [1, 2]
    assert [attempt.outcome for attempt in receipt.attempts] == ["failed", "answered"]
    assert receipt.outcome == "answered"
    assert receipt.attempts[0].failure == kind or kind is None
    assert [step[0] for step in receipt.trace] == ["call", "pause", "call"]


@DIALECTS
@STREAMED
@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_that_closes_without_an_answer_is_tried_again(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, stream: bool, reset: bool
) -> None:
    """By the upstream client itself where the connection had been used before: then it is no attempt of its own."""
    simulator.script("*", *[{"close_before_response": True, "reset": reset}] * 2, {"text": "Here it is."})
    response = caller.ask(dialect, MODELS[dialect], stream=stream)
    assert said(response, dialect, stream) == "Here it is."
    assert 2 <= len(books.one().attempts) <= 3


@DIALECTS
@STREAMED
def test_a_target_that_keeps_failing_is_left_for_the_next(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script("*", {"status": 529}, {"status": 529}, {"text": "From the other."})
    response = caller.ask(dialect, MODELS[dialect], stream=stream)
    assert said(response, dialect, stream) == "From the other."
    receipt = books.one()
    first, second, third = receipt.attempts
    assert (first.provider, first.failure) == (second.provider, second.failure)
    assert first.provider != third.provider
    assert third.outcome == "answered"
    assert counted(receipt)[:2] == [(0, 0), (0, 0)]
    assert counted(receipt)[2] == truth(simulator.requests()[-1])


@DIALECTS
@STREAMED
@pytest.mark.parametrize("status", [429, 529])
def test_overload_leaves_the_gateway_only_when_the_chain_is_used_up(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, stream: bool, status: int
) -> None:
    simulator.script("*", *[{"status": status}] * 4)
    response = caller.ask(dialect, MODELS[dialect], stream=stream)
    assert response.status_code == status
    receipt = books.one()
    assert len(receipt.attempts) == 4
    assert len({attempt.provider for attempt in receipt.attempts}) == 2
    assert (receipt.outcome, receipt.status) == ("failed", status)
    assert receipt.cost_nano == 0


def test_a_rate_limit_waits_as_long_as_it_is_told(caller: Caller, books: Books, simulator: RunningSimulator) -> None:
    simulator.script("*", {"status": 429, "retry_after": 0.2}, {})
    assert caller.ask("anthropic", "one").status_code == 200
    receipt = books.one()
    assert receipt.trace[1] == ["pause", 200]


def test_a_rate_limit_that_is_too_long_is_told_with_its_header(
    caller: Caller, books: Books, simulator: RunningSimulator
) -> None:
    simulator.script(status=429, retry_after=17)
    response = caller.ask("anthropic", "one")
    assert response.status_code == 429
    assert response.headers["retry-after"] == "17"
    assert len(books.one().attempts) == 1


@DIALECTS
@STREAMED
def test_nobody_is_there(caller: Caller, books: Books, dialect: str, stream: bool) -> None:
    response = caller.ask(dialect, "nowhere", stream=stream)
    assert response.status_code == 502
    assert "dead" in response.json()["error"]["message"]
    assert "tenbin doctor" in response.json()["error"]["message"]
    receipt = books.one()
    assert [attempt.failure for attempt in receipt.attempts] == ["unreachable"] * 2
    assert receipt.cost_nano == 0
    assert caller.ask(dialect, "saved", stream=stream).status_code == 200
    assert [attempt.provider for attempt in books.one().attempts] == ["dead", "dead", "anthropic"]


@DIALECTS
@STREAMED
def test_a_provider_that_says_nothing(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script("*", {"delay_ms": 30_000}, {"text": "In time."})
    response = caller.ask(dialect, MODELS[dialect], stream=stream)
    assert said(response, dialect, stream) == "In time."
    first, second = books.one().attempts
    assert (first.outcome, first.failure) == ("failed", "timeout")
    assert first.provider != second.provider


@STREAMED
def test_the_gateway_hides_no_key_problem_behind_a_401(
    caller: Caller, books: Books, simulator: RunningSimulator, stream: bool
) -> None:
    for dialect in OWN:
        simulator.script(status=401, message="invalid x-api-key")
        response = caller.ask(dialect, OWN[dialect], stream=stream)
        assert response.status_code == 502
        message = response.json()["error"]["message"]
        assert "api_key" in message
        assert "tenbin doctor" in message
        assert books.one().attempts[0].failure == "unauthenticated"


def test_the_told_failure_speaks_of_the_target_that_failed(
    caller: Caller, books: Books, simulator: RunningSimulator
) -> None:
    """The first target's failure is told although another one was tried last, in that one's dialect or not."""
    simulator.script("*", {"status": 402, "message": "no credit"}, {"status": 401, "message": "who are you"})
    response = caller.ask("openai_chat", "chain")
    assert response.status_code == 402
    assert response.json()["error"]["message"].startswith("anthropic/claude-sonnet-4-6: ")
    simulator.script("*", *[{"status": 529, "message": "busy"}] * 2, {"status": 401})
    response = caller.ask("openai_chat", "chain")
    error = response.json()
    assert response.status_code == 529
    assert "type" not in error, "this is Anthropic's envelope, and the client speaks another dialect"
    assert error["error"]["message"].startswith("anthropic/claude-sonnet-4-6: ")
    books.new(2)


# -- after content: nothing is tried again, all that was produced is paid


@DIALECTS
@pytest.mark.parametrize("models", [OWN, FOREIGN], ids=["own", "translated"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"cut_after_events": 9}, "cut"),
        ({"cut_after_events": 9, "reset": True}, "cut"),
        ({"error_event_at": 9, "tick_ms": 5}, "error"),
        ({"stall_after_events": 9}, "timeout"),
    ],
)
def test_an_answer_that_breaks_off(
    caller: Caller,
    books: Books,
    simulator: RunningSimulator,
    dialect: str,
    models: dict[str, str],
    fault: dict[str, Any],
    kind: str,
) -> None:
    simulator.script(output_tokens=200, **fault)
    response = caller.ask(dialect, models[dialect], stream=True)
    assert response.status_code == 200
    last = events(response)[-1]
    assert "error" in last
    assert last["error"]["message"]
    words = said(response, dialect, True)
    assert words
    receipt = books.one()
    (entry,) = simulator.requests()
    (attempt,) = receipt.attempts
    assert (receipt.outcome, receipt.status, attempt.outcome) == ("cut", 200, "cut")
    assert attempt.failure == receipt.failure
    assert attempt.failure in (("overloaded", "server_error") if kind == "error" else (kind,))
    prompt, output = truth(entry)
    assert attempt.usage.output_estimated
    assert 0 < attempt.usage.output < output
    assert attempt.usage.prompt == prompt or attempt.usage.input_estimated
    assert receipt.cost_nano == cost(receipt) > 0


@DIALECTS
@pytest.mark.parametrize("models", [OWN, FOREIGN], ids=["own", "translated"])
def test_an_event_that_makes_no_sense_is_no_silent_gap(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, models: dict[str, str]
) -> None:
    """In a stream that passes through, the client sees what the provider sent; else it is told."""
    simulator.script(output_tokens=100, malformed_chunk_at=9, tick_ms=5)
    response = caller.ask(dialect, models[dialect], stream=True)
    receipt = books.one()
    assert receipt.usage.output > 0
    if models is FOREIGN:
        assert receipt.outcome == "cut"
        assert receipt.failure == "malformed"
        assert "error" in events(response)[-1]


@pytest.mark.parametrize("split", [1, 7, 33])
@pytest.mark.parametrize("crlf", [False, True])
def test_a_half_event_never_reaches_the_client(
    caller: Caller, books: Books, simulator: RunningSimulator, split: int, crlf: bool
) -> None:
    """However the provider's bytes are cut, what the client gets are whole events, the last one the error."""
    text = f'data: {json.dumps(_START)}\n\ndata: {json.dumps(_BLOCK)}\n\ndata: {{"type":'
    if crlf:
        text = text.replace("\n", "\r\n")
    simulator.script(raw=text, content_type="text/event-stream", split_bytes=split)
    response = caller.ask("anthropic", "one", stream=True)
    assert [event["type"] for event in events(response)] == ["message_start", "content_block_start", "error"]
    assert books.one().failure == "cut"


_USAGE = {"input_tokens": 5, "output_tokens": 1}
_MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "usage": _USAGE}
_START = {"type": "message_start", "message": _MESSAGE}
_BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}


def test_a_complete_answer_is_complete_even_if_its_connection_ends_badly(
    caller: Caller, books: Books, simulator: RunningSimulator
) -> None:
    for dialect in OWN:
        for models in (OWN, FOREIGN):
            simulator.script(text="All of it.", cut_after_events=10_000)
            response = caller.ask(dialect, models[dialect], stream=True)
            assert said(response, dialect, True) == "All of it."
            assert not any("error" in event for event in events(response))
            receipt = books.one()
            assert receipt.outcome == "answered"
            assert not receipt.usage.estimated


# -- the client leaves


@DIALECTS
@pytest.mark.parametrize("models", [OWN, FOREIGN], ids=["own", "translated"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_before_the_answer(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, stream: bool, models: dict[str, str]
) -> None:
    simulator.script(delay_ms=800)
    with pytest.raises(Exception, match=r"timed out|Timeout"):
        caller.http.post(caller.path(dialect), json=caller.body(dialect, models[dialect], stream=stream), timeout=0.2)
    receipt = books.one()
    assert (receipt.outcome, receipt.status) == ("cancelled", 499)
    (attempt,) = receipt.attempts
    assert attempt.outcome == "cancelled"
    assert attempt.usage.input_estimated
    assert attempt.usage.input > 0
    # An unstreamed answer is written before any of it is sent: the provider has been at it for 0.2 s.
    assert (attempt.usage.output > 0) is not stream
    assert attempt.usage.output_estimated
    wait_until(lambda: simulator.requests()[0]["outcome"] == "client_gone", "the provider to see it", 5)


@DIALECTS
@pytest.mark.parametrize("models", [OWN, FOREIGN], ids=["own", "translated"])
def test_a_client_that_leaves_in_the_middle_pays_what_was_produced(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, models: dict[str, str]
) -> None:
    simulator.script(output_tokens=4_000, tick_ms=10)
    body = caller.body(dialect, models[dialect], stream=True)
    seen = b""
    with caller.http.stream("POST", caller.path(dialect), json=body) as response:
        for chunk in response.iter_raw():
            seen += chunk
            if len(seen) > 3_000:
                break
    receipt = books.one()
    wait_until(lambda: simulator.requests()[0]["outcome"] == "client_gone", "the provider to see it", 5)
    (entry,) = simulator.requests()
    assert (receipt.outcome, receipt.status) == ("cancelled", 499)
    prompt, output = truth(entry)
    assert receipt.usage.output_estimated
    assert 10 < receipt.usage.output < output
    assert receipt.usage.prompt == prompt or receipt.usage.input_estimated
    assert receipt.cost_nano == cost(receipt)


def test_a_client_that_leaves_during_a_pause(caller: Caller, books: Books, simulator: RunningSimulator) -> None:
    simulator.script(status=429, retry_after=0.9)
    with pytest.raises(Exception, match=r"timed out|Timeout"):
        caller.http.post("/v1/messages", json=caller.body("anthropic", "one"), timeout=0.2)
    receipt = books.one()
    assert receipt.outcome == "cancelled"
    assert [attempt.outcome for attempt in receipt.attempts] == ["failed"]
    assert len(simulator.requests()) == 1

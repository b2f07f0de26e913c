"""What a provider has done and not stated is in the ledger, marked as estimated: what may be charged is never 0."""

import shutil
import threading
from pathlib import Path

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.ledger.making import a_book
from tests.real.books import Books, House, receipts_in

LONG = {"output_tokens": 200}


@pytest.mark.parametrize(("dialect", "model"), [("anthropic", "one"), ("openai_chat", "chat"), ("anthropic", "chat")])
@pytest.mark.parametrize("fault", [{"malformed_chunk_at": 1}, {"cut_after_events": 1}, {"stall_after_events": 1}])
def test_an_unstreamed_answer_that_nobody_can_read_has_been_written(
    caller: Caller, books: Books, simulator: RunningSimulator, dialect: str, model: str, fault: dict[str, int]
) -> None:
    simulator.script("*", LONG | fault, LONG | fault)
    assert caller.ask(dialect, model).status_code in (502, 504)
    for attempt in books.one().attempts:
        assert (attempt.outcome, attempt.status) == ("failed", 200)
        assert attempt.usage.input_estimated
        assert attempt.usage.output_estimated
        # Cut in half and its length told: the rest is counted too. A length that fits what came tells nothing.
        least = 60 if "malformed_chunk_at" in fault else 150
        assert least <= attempt.usage.output <= 260


@pytest.mark.parametrize("stream", [True, False])
def test_a_provider_that_is_not_waited_for_has_read_the_prompt(
    caller: Caller, books: Books, simulator: RunningSimulator, stream: bool
) -> None:
    simulator.script("*", {"delay_ms": 5_000}, {"delay_ms": 5_000})
    assert caller.ask("anthropic", "one", stream=stream).status_code == 504
    for attempt in books.one().attempts:
        assert attempt.failure == "timeout"
        assert attempt.usage.input_estimated
        assert attempt.usage.input > 0
        # Time-outs come after 0.6 s: at 80 tokens a second some 50 were written where nothing is streamed.
        assert (40 <= attempt.usage.output <= 200) is not stream
        assert attempt.billed_nano


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 529},
        {"html_error": True},
        {"empty_body": True},
        {"close_before_response": True},
        {"raw": "<html>busy</html>", "content_type": "text/html"},
        {"raw": '{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}'},
    ],
)
def test_what_is_no_answer_costs_nothing(
    caller: Caller, books: Books, simulator: RunningSimulator, fault: dict[str, object]
) -> None:
    simulator.script("*", *[fault] * 4)  # on a kept connection the same attempt may go out twice
    assert caller.ask("anthropic", "one").status_code >= 500
    for attempt in books.one().attempts:
        assert attempt.usage.prompt == attempt.usage.output == 0
        assert not attempt.usage.estimated
        assert attempt.billed_nano == 0


def test_a_stated_prompt_with_an_error_behind_it_is_an_estimate(
    caller: Caller, books: Books, simulator: RunningSimulator
) -> None:
    simulator.script("*", {"error_event_at": 2}, {"error_event_at": 2})
    caller.ask("anthropic", "one", stream=True)
    for attempt in books.one().attempts:
        assert attempt.usage.input > 0
        assert not attempt.usage.input_estimated
        assert attempt.usage.output_estimated


def test_a_gateway_that_dies_over_the_second_attempt_has_not_forgotten_the_first(
    house: House, simulator: RunningSimulator, tmp_path: Path
) -> None:
    """What the journal holds while the second one is under way, settled by another process from a copy of it."""
    simulator.script("*", LONG | {"malformed_chunk_at": 1}, {"delay_ms": 500})

    def asking() -> None:
        own = Caller(house.url)
        own.ask("anthropic", "chain")
        own.http.close()

    thread = threading.Thread(target=asking)
    thread.start()
    copies: list[Path] = []
    while thread.is_alive():
        copies.append(tmp_path / f"copy{len(copies)}")
        no_database = shutil.ignore_patterns("*.sqlite*", "*lock*")
        shutil.copytree(house.running.gateway.book.directory, copies[-1], ignore=no_database)
        thread.join(0.05)
    house.books.new(1)
    found = []
    for copy in copies:
        with a_book(copy) as book:
            assert book.flush()
        found += [one for one in receipts_in(copy) if one.outcome == "interrupted" and len(one.attempts) == 2]
    assert found, "the second attempt was under way for a while"
    first = found[0].attempts[0]
    assert (first.outcome, first.failure) == ("failed", "malformed")
    assert first.usage.estimated
    assert first.usage.input > 0
    assert first.usage.output > 0

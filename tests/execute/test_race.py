"""Two targets are asked the same: one answer, one receipt, both attempts on it, each paid for once."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from tenbin.core.receipt import Receipt
from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, chained, events, said, truth
from tests.real.books import Books, House, receipts_in, serving, wait_until

DIALECTS = pytest.mark.parametrize("dialect", ["anthropic", "openai_chat"])
STREAMED = pytest.mark.parametrize("stream", [False, True])
SLOW, QUICK = "claude-sonnet-4-6", "gpt-4o"
"""The targets of `chain`, in its order."""
HEDGING = {"after_ms": 60, "share": 1.0, "usd_per_day": 100.0}


@pytest.fixture(scope="module")
def hedged(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with serving(chained(simulator_running.url, hedging=HEDGING), tmp_path_factory.mktemp("hedged")) as running:
        yield running


@pytest.fixture
def asking(hedged: House, simulator: RunningSimulator) -> Iterator[Caller]:
    caller = Caller(hedged.url)
    hedged.books.new()
    yield caller
    caller.http.close()


@pytest.fixture
def books(hedged: House, asking: Caller) -> Books:
    return hedged.books


def marks(receipt: Receipt) -> list[tuple[str, int, str]]:
    """(model, hedge, outcome) of each attempt, in the order of their numbers."""
    ordered = sorted(receipt.attempts, key=lambda one: one.number)
    return [(one.model, one.hedge, one.outcome) for one in ordered]


def worth(prompt: int, output: int) -> int:
    """Nano-USD."""
    return round(prompt * PRICE["input"] * 1000 + output * PRICE["output"] * 1000)


@DIALECTS
@STREAMED
def test_the_quicker_one_answers_and_the_slow_one_is_cancelled_and_paid_for(
    asking: Caller, books: Books, simulator: RunningSimulator, dialect: str, stream: bool
) -> None:
    simulator.script(SLOW, text="Too late.", delay_ms=450)
    simulator.script(QUICK, text="In time.")
    response = asking.ask(dialect, "chain", stream=stream)
    assert response.status_code == 200
    assert said(response, dialect, stream) == "In time."
    receipt = books.one()
    assert marks(receipt) == [(SLOW, 1, "cancelled"), (QUICK, 2, "answered")]
    assert receipt.outcome == "answered"
    assert receipt.last is not None
    assert receipt.last.model == QUICK
    lost = next(one for one in receipt.attempts if one.hedge == 1)
    assert lost.usage.input_estimated
    assert lost.usage.prompt > 0
    assert lost.message == "another target began to answer first"
    entry = next(entry for entry in simulator.requests() if entry["model"] == QUICK)
    assert receipt.last.cost_nano == worth(*truth(entry))
    assert receipt.cost_nano == sum(one.cost_nano or 0 for one in receipt.attempts)
    assert [step[0] for step in receipt.trace] == ["hedge", "call", "call"]


@STREAMED
def test_a_target_that_begins_in_time_is_not_hedged(
    asking: Caller, books: Books, simulator: RunningSimulator, stream: bool
) -> None:
    simulator.script(SLOW, text="Here.")
    assert said(asking.ask("anthropic", "chain", stream=stream), "anthropic", stream) == "Here."
    assert marks(books.one()) == [(SLOW, 0, "answered")]
    assert len(simulator.requests()) == 1


@STREAMED
def test_the_first_one_may_still_win(asking: Caller, books: Books, simulator: RunningSimulator, stream: bool) -> None:
    simulator.script(SLOW, text="Slow but first.", delay_ms=200)
    simulator.script(QUICK, text="Slower.", delay_ms=500)
    response = asking.ask("anthropic", "chain", stream=stream)
    assert said(response, "anthropic", stream) == "Slow but first."
    receipt = books.one()
    assert marks(receipt) == [(SLOW, 1, "answered"), (QUICK, 2, "cancelled")]
    assert receipt.last is not None
    assert receipt.last.model == SLOW
    wait_until(lambda: all(entry["outcome"] != "open" for entry in simulator.requests()), "the loser to be left")


def test_a_stream_that_stalls_before_content_is_passed_by(
    asking: Caller, books: Books, simulator: RunningSimulator
) -> None:
    simulator.script(SLOW, text="Never.", stall_after_events=1)
    simulator.script(QUICK, text="Instead.")
    response = asking.ask("anthropic", "chain", stream=True)
    assert said(response, "anthropic", stream=True) == "Instead."
    assert [event["type"] for event in events(response)].count("message_start") == 1
    assert marks(books.one()) == [(SLOW, 1, "cancelled"), (QUICK, 2, "answered")]


def test_once_an_answer_has_begun_nobody_else_is_asked(
    asking: Caller, books: Books, simulator: RunningSimulator
) -> None:
    simulator.script(SLOW, text="One two three four five six", stall_after_events=4, stall_ms=200)
    response = asking.ask("anthropic", "chain", stream=True)
    assert said(response, "anthropic", stream=True) == "One two three four five six"
    assert marks(books.one()) == [(SLOW, 0, "answered")]


@STREAMED
def test_one_that_fails_leaves_the_race_to_the_other(
    asking: Caller, books: Books, simulator: RunningSimulator, stream: bool
) -> None:
    simulator.script(SLOW, {"status": 500, "delay_ms": 150})
    simulator.script(QUICK, text="I am here.", delay_ms=250)
    response = asking.ask("openai_chat", "chain", stream=stream)
    assert said(response, "openai_chat", stream) == "I am here."
    assert marks(books.one()) == [(SLOW, 1, "failed"), (QUICK, 2, "answered")]


@STREAMED
def test_when_both_fail_the_client_is_told_once(
    asking: Caller, books: Books, simulator: RunningSimulator, stream: bool
) -> None:
    simulator.script(SLOW, {"status": 529, "message": "too busy", "delay_ms": 150})
    simulator.script(QUICK, {"status": 500, "delay_ms": 50})
    response = asking.ask("anthropic", "chain", stream=stream)
    assert response.status_code == 529
    assert "too busy" in response.text
    receipt = books.one()
    assert marks(receipt) == [(SLOW, 1, "failed"), (QUICK, 2, "failed")]
    assert receipt.cost_nano == 0


def test_a_client_that_leaves_ends_both(asking: Caller, books: Books, simulator: RunningSimulator) -> None:
    simulator.script(SLOW, text="Never.", delay_ms=5_000)
    simulator.script(QUICK, text="Never.", delay_ms=5_000)
    body = asking.body("anthropic", "chain", stream=True)
    with pytest.raises(Exception, match="timed out"):
        asking.http.post(asking.path("anthropic"), json=body, timeout=0.4)
    receipt = books.one()
    assert receipt.outcome == "cancelled"
    assert [(model, hedge, outcome) for model, hedge, outcome in marks(receipt)] == [
        (SLOW, 1, "cancelled"),
        (QUICK, 2, "cancelled"),
    ]
    assert all(one.usage.input_estimated for one in receipt.attempts)


def test_an_answer_that_breaks_after_it_has_won_is_cut_as_ever(
    asking: Caller, books: Books, simulator: RunningSimulator
) -> None:
    simulator.script(SLOW, text="Never.", delay_ms=450)
    simulator.script(QUICK, text="One two three four five six", cut_after_events=4)
    response = asking.ask("openai_chat", "chain", stream=True)
    assert "error" in response.text
    receipt = books.one()
    assert receipt.outcome == "cut"
    assert marks(receipt) == [(SLOW, 1, "cancelled"), (QUICK, 2, "cut")]


def test_a_gateway_that_dies_meanwhile_leaves_both_on_the_receipt(
    asking: Caller, books: Books, hedged: House, simulator: RunningSimulator, tmp_path: Path
) -> None:
    simulator.script(SLOW, text="Late.", delay_ms=500)
    simulator.script(QUICK, text="Later.", delay_ms=900)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(asking.ask, "anthropic", "chain")
        wait_until(lambda: len(simulator.requests()) == 2, "both to be asked")
        time.sleep(0.05)
        shutil.copytree(hedged.running.book.directory, tmp_path / "copy")
        assert answer.result().status_code == 200
    books.one()
    with serving(chained(simulator.url), tmp_path / "copy"):
        left = [one for one in receipts_in(tmp_path / "copy") if one.outcome == "interrupted"]
    (receipt,) = left
    assert marks(receipt) == [(SLOW, 1, "interrupted"), (QUICK, 0, "interrupted")]
    assert all(one.usage.input_estimated and one.cost_nano for one in receipt.attempts)


def test_under_a_budget_what_was_set_aside_for_both_counts_when_the_gateway_dies(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    simulator.script(SLOW, text="Late.", delay_ms=500)
    simulator.script(QUICK, text="Later.", delay_ms=900)
    budget = {"spending": {"budgets": [{"scope": "global", "window": "total", "usd": 5}]}}
    with serving(chained(simulator.url, hedging=HEDGING, **budget), tmp_path / "first") as house:
        caller = Caller(house.url)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(caller.ask, "anthropic", "chain")
            wait_until(lambda: len(simulator.requests()) == 2, "both to be asked")
            time.sleep(0.05)
            budgets = house.running.gateway.world.budgets
            assert budgets is not None
            (during,) = house.running.call(partial(budgets.all_levels, (), house.running.gateway.clock.now_ms()))
            shutil.copytree(house.running.book.directory, tmp_path / "copy")
            assert answer.result().status_code == 200
        caller.http.close()
    with serving(chained(simulator.url, **budget), tmp_path / "copy") as house:
        budgets = house.running.gateway.world.budgets
        assert budgets is not None
        (level,) = house.running.call(partial(budgets.all_levels, (), house.running.gateway.clock.now_ms()))
    assert during.reserved > 0
    assert (level.spent, level.reserved) == (during.reserved, 0)


def test_what_a_day_has_cost_outlives_the_process(simulator: RunningSimulator, tmp_path: Path) -> None:
    config = chained(simulator.url, hedging=HEDGING)
    with serving(config, tmp_path) as house:
        caller = Caller(house.url)
        simulator.script(SLOW, text="Too late.", delay_ms=450)
        assert caller.ask("anthropic", "chain").status_code == 200
        receipt = house.books.one()
        caller.http.close()
        spent = sum(one.billed_nano or 0 for one in receipt.attempts if one.outcome == "cancelled")
        assert house.running.gateway.hedging is not None
        assert house.running.gateway.hedging.spend.spent == spent > 0
    with serving(config, tmp_path) as house:
        assert house.running.gateway.hedging is not None
        assert house.running.gateway.hedging.spend.spent == spent


def test_what_is_not_afforded_waits(simulator: RunningSimulator, tmp_path: Path) -> None:
    nothing = {**HEDGING, "usd_per_day": 0.0}
    with serving(chained(simulator.url, hedging=nothing), tmp_path) as house:
        caller = Caller(house.url)
        simulator.script(SLOW, text="Slow.", delay_ms=200)
        assert said(caller.ask("anthropic", "chain"), "anthropic", stream=False) == "Slow."
        receipt = house.books.one()
        assert marks(receipt) == [(SLOW, 0, "answered")]
        assert receipt.trace[0][0] == "hedge"
        assert receipt.trace[0][2] == "not afforded"
        caller.http.close()


def test_what_is_set_aside_twice_for_one_request_is_given_back_twice(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    third = "claude-opus-4-6"
    models = {"long": ["anthropic/claude-sonnet-4-6", "openai/gpt-4o", f"anthropic/{third}", "messy/mess"]}
    row = {"base_url": f"{simulator.url}/anthropic", "api_key": "sk-own"}
    priced = {SLOW: {"price": PRICE}, third: {"price": PRICE}}
    own = {
        "openai": {"base_url": f"{simulator.url}/openai/v1", "dialect": "openai_chat", "models": {QUICK: priced[SLOW]}},
        "messy": {"base_url": f"{simulator.url}/messy/v1", "dialect": "openai_chat", "models": {"mess": priced[SLOW]}},
    }
    providers = {**own, "anthropic": {**row, "models": priced}}
    config = chained(simulator.url, hedging=HEDGING, models=models, retries={"per_target": 0}, providers=providers)
    with serving(config, tmp_path) as house:
        caller = Caller(house.url)
        for model in (SLOW, QUICK):
            simulator.script(model, status=529, delay_ms=200)
        simulator.script(third, text="Slow.", delay_ms=300)
        assert caller.ask("anthropic", "long").status_code == 200
        receipt = house.books.one()
        assert [one.hedge for one in sorted(receipt.attempts, key=lambda one: one.number)] == [1, 2, 1, 2]
        hedging = house.running.gateway.hedging
        assert hedging is not None
        assert hedging.spend.set_aside == 0
        caller.http.close()


def test_a_second_target_that_cannot_be_asked_takes_nobody_elses_number(
    asking: Caller, books: Books, simulator: RunningSimulator
) -> None:
    """The first one is tried again after it: two attempts of one number would not go into the ledger."""
    simulator.script(SLOW, {"status": 500, "slow_headers": 200}, {"text": "At last."})
    response = asking.ask("anthropic", "chain", stop_sequences=["1", "2", "3", "4", "5"])
    assert response.status_code == 200
    assert said(response, "anthropic", stream=False) == "At last."
    receipt = books.one()
    numbers = [one.number for one in receipt.attempts]
    assert len(set(numbers)) == len(numbers)
    assert receipt.last is not None
    assert receipt.last.outcome == "answered"

"""A ladder within one provider that takes one call at a time: a held answer makes room for the next rung."""

from pathlib import Path
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, chained, said
from tests.real.books import serving


@pytest.mark.parametrize("top", [{"text": "Top."}, {"status": 529}])
def test_the_next_rung_does_not_wait_for_a_held_answer(simulator: RunningSimulator, tmp_path: Path, top: Any) -> None:
    row = {"base_url": f"{simulator.url}/openai/v1", "dialect": "openai_chat", "api_key": "sk-own"}
    models = {name: {"price": PRICE} for name in ("gpt-4o", "gpt-5")}
    config = chained(
        simulator.url,
        providers={"openai": {**row, "models": models, "limits": {"concurrent": 1, "queue_seconds": 20}}},
        models={},
        cascades={
            "up": {
                "ladder": [{"target": "openai/gpt-4o"}, {"target": "openai/gpt-5"}],
                "skip": False,
                "max_wait_ms": 400,
                "late": "climb",
            }
        },
        timeouts={"connect": 2, "first_byte": 5, "idle": 5, "total": 10},
        retries={"per_target": 0},
    )
    with serving(config, tmp_path) as house:
        caller = Caller(house.url)
        caller.ask("openai_chat", "up", "Hello")  # what reads requests is loaded with the first one
        house.books.new()
        simulator.reset()
        simulator.script("gpt-4o", {"text": "slow " * 40, "tick_ms": 100})
        simulator.script("gpt-5", top)
        response = caller.ask("openai_chat", "up", "Hello again", stream=True)
        caller.http.close()
        receipt = house.books.one()
    low, high = receipt.attempts
    assert (low.outcome, low.rung) == ("cancelled", 1)
    assert low.usage.input > 0
    assert high.rung == 2
    assert receipt.total_ms < 5_000
    if "text" in top:
        assert said(response, "openai_chat", True) == "Top."
        assert receipt.last == high
    else:
        assert receipt.outcome == "failed"
        assert receipt.failure == "overloaded"


def test_where_it_made_room_in_vain_the_fallback_answers(simulator: RunningSimulator, tmp_path: Path) -> None:
    config = chained(
        simulator.url,
        providers={
            "openai": {
                "base_url": f"{simulator.url}/openai/v1",
                "dialect": "openai_chat",
                "api_key": "sk-own",
                "models": {name: {"price": PRICE} for name in ("gpt-4o", "gpt-5")},
                "limits": {"concurrent": 1, "queue_seconds": 20},
            },
            "anthropic": {"base_url": f"{simulator.url}/anthropic", "api_key": "sk-own"},
        },
        models={},
        fallback=["anthropic/claude-sonnet-4-6"],
        cascades={
            "up": {
                "ladder": [{"target": "openai/gpt-4o"}, {"target": "openai/gpt-5"}],
                "skip": False,
                "max_wait_ms": 400,
                "late": "climb",
            }
        },
        timeouts={"connect": 2, "first_byte": 5, "idle": 5, "total": 10},
        retries={"per_target": 0},
    )
    with serving(config, tmp_path) as house:
        caller = Caller(house.url)
        caller.ask("openai_chat", "up", "Hello")  # what reads requests is loaded with the first one
        house.books.new()
        simulator.reset()
        simulator.script("gpt-4o", {"text": "slow " * 40, "tick_ms": 100})
        simulator.script("gpt-5", {"status": 529})
        simulator.script("claude-sonnet-4-6", {"text": "From elsewhere."})
        response = caller.ask("openai_chat", "up", "Hello again", stream=True)
        assert said(response, "openai_chat", True) == "From elsewhere."
        caller.http.close()
        receipt = house.books.one()
    assert [one.outcome for one in receipt.attempts] == ["cancelled", "failed", "answered"]

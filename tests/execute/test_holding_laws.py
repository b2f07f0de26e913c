"""Laws of a ladder, whatever its rungs do: one receipt, every call of every rung on it and priced once, one answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import PRICE, Caller, chained, events, said, truth
from tests.execute.test_exchange_laws import faults, flows
from tests.real.books import House, serving

texts = st.sampled_from(
    [
        {},
        {"text": ""},
        {"text": "The capital of France is Paris."},
        {"text": "I'm sorry, but I cannot help with that."},
        {"text": "The same again. " * 40},
        {"text": "It is", "stop_reason": "max_tokens"},
    ]
)
scripts = st.builds(lambda flow, fault, text: {**flow, **fault, **text}, flows, faults, texts)
LADDER = [{"target": "openai/gpt-4o"}, {"target": "anthropic/claude-sonnet-4-6"}, {"target": "messy/mess"}]


@pytest.fixture(scope="module")
def house(simulator_running: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    cascades = {
        "whole": {"ladder": LADDER, "skip": False},
        "hurried": {"ladder": LADDER, "skip": False, "max_wait_ms": 20},
        "hurried-up": {"ladder": LADDER, "skip": False, "max_wait_ms": 20, "late": "climb"},
        "judged-top": {"ladder": LADDER, "skip": False, "judge_top": True},
        "judged-late": {"ladder": LADDER, "skip": False, "judge_top": True, "max_wait_ms": 20},
    }
    config = chained(
        simulator_running.url, cascades=cascades, ping_seconds=0.02, cooldown={"after_failures": 10**6, "seconds": 0}
    )
    directory: Path = tmp_path_factory.mktemp("laws")
    with serving(config, directory) as running:
        yield running


@settings(max_examples=60)
@given(
    st.lists(scripts, min_size=8, max_size=8),
    st.sampled_from(["anthropic", "openai_chat"]),
    st.sampled_from(["whole", "hurried", "hurried-up", "judged-top", "judged-late"]),
    st.booleans(),
)
def test_every_rung_is_paid_for_once(
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
        house.books.new()
        simulator.script("*", *script)
        response = caller.ask(dialect, model, stream=stream)
        receipt = house.books.one()
        entries = simulator.requests()
    finally:
        caller.http.close()
    assert response.headers["x-tenbin-request-id"] == receipt.request_id
    assert len(receipt.attempts) == len(entries)
    numbers = [attempt.number for attempt in receipt.attempts]
    assert numbers == sorted(set(numbers)), "one whose time was over before it was sent has no attempt"
    for attempt, entry, played in zip(receipt.attempts, entries, script, strict=False):
        prompt, output = truth(entry)
        usage = attempt.usage
        assert usage.output <= output + 2
        assert usage.input_estimated or usage.prompt in (0, prompt)
        assert attempt.cost_nano == (usage.input * PRICE["input"] + usage.output * PRICE["output"]) * 1000
        if attempt.outcome == "answered" and "no_usage" not in played and attempt.provider != "messy":
            assert usage.output == output
    assert receipt.billed_nano == sum(attempt.billed_nano or 0 for attempt in receipt.attempts)
    given_ones = [one for one in receipt.attempts if one.gating is not None and one.gating.given]
    assert len(given_ones) <= 1
    last = receipt.last
    assert last is not None
    if receipt.outcome == "answered":
        assert response.status_code == 200
        assert last.outcome == "answered"
        if "malformed_chunk_at" not in script[receipt.attempts.index(last)]:  # unheld, it passes through as it is
            said(response, dialect, stream)
    elif receipt.outcome == "failed":
        usable = [one for one in receipt.attempts if one.outcome == "answered" and one.gating is not None]
        assert all(
            any(part[0] == "empty" and part[1] == 0 for part in one.gating.parts) for one in usable if one.gating
        )
        told = events(response)[-1] if response.status_code == 200 else response.json()
        assert "error" in told
    else:
        assert receipt.outcome == "cut"
        assert "error" in events(response)[-1]

"""A request that only its provider can read goes up a ladder of its own dialect; what was paid for is not refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.execute.ladders import GOOD, QUESTION, TOP
from tests.real.books import House, serving

UNKNOWN = {"response_format": {"type": "structural_tag"}}
"""What vLLM takes, and the simulated server that checks little."""


@pytest.fixture
def house(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    lower: dict[str, Any] = {"target": "messy/mess", "logprobs": True, "samples": 1, "accept": 0.3}
    cascades = {
        "crossed": {"ladder": [lower, {"target": f"anthropic/{TOP}"}], "skip": False, "opinions_usd": 1.0},
        "same": {"ladder": [lower, {"target": "messy/more"}], "skip": False},
    }
    config = chained(simulator.url, cascades=cascades, retries={"per_target": 0})
    with serving(config, tmp_path_factory.mktemp("ledger")) as running:
        yield running


@pytest.mark.parametrize("stream", [False, True])
def test_its_answer_is_judged_by_itself(house: House, simulator: RunningSimulator, stream: bool) -> None:
    caller = Caller(house.url)
    simulator.script("mess", {"text": GOOD})
    assert GOOD.split()[0] in caller.ask("openai_chat", "crossed", QUESTION, stream=stream, **UNKNOWN).text
    simulator.script("mess", {"text": ""})
    simulator.script("more", {"text": GOOD})
    assert GOOD.split()[0] in caller.ask("openai_chat", "same", QUESTION, stream=stream, **UNKNOWN).text
    caller.http.close()
    good, refused = house.books.new(2)
    assert [(one.model, one.outcome) for one in good.attempts] == [("mess", "answered")]
    assert [(one.model, one.outcome) for one in refused.attempts] == [("mess", "answered"), ("more", "answered")]
    assert all(entry["body"]["response_format"] == UNKNOWN["response_format"] for entry in simulator.requests())


@pytest.mark.parametrize("stream", [False, True])
def test_a_usable_answer_outlives_a_rung_that_cannot_be_given_it(
    house: House, simulator: RunningSimulator, stream: bool
) -> None:
    caller = Caller(house.url)
    loop = "Paris is nice. " * 60
    simulator.script("mess", {"text": loop})
    response = caller.ask("openai_chat", "crossed", QUESTION, stream=stream, **UNKNOWN)
    assert response.status_code == 200
    assert "Paris" in response.text
    caller.http.close()
    receipt = house.books.one()
    assert receipt.outcome == "answered"
    assert [(one.model, one.failure) for one in receipt.attempts] == [("mess", None), (TOP, "inexpressible")]

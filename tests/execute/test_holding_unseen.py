"""What a client never gets to see of a ladder: log-probabilities that it did not ask for, and what a gate refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller, chained
from tests.execute.ladders import GOOD, QUESTION, TOP, WAYS, ask, words
from tests.execute.test_holding_agents import call_of, tools
from tests.real.books import serving


def sure(url: str, **keys: Any) -> Any:
    """A ladder whose lower rung is asked for log-probabilities."""
    providers = {
        "small": {"base_url": f"{url}/llamacpp/v1", "profile": "llamacpp", "free": True, "api_key": "sk-own"},
        "anthropic": {"base_url": f"{url}/anthropic", "api_key": "sk-own"},
    }
    ladder = [{"target": "small/tiny", "accept": 0.3}, {"target": f"anthropic/{TOP}"}]
    return chained(url, cascades={"sure": {"ladder": ladder, "skip": False}}, providers=providers, models={}, **keys)


def test_no_log_probabilities_come_out_of_the_cache(simulator: RunningSimulator, tmp_path: Path) -> None:
    with serving(sure(simulator.url, cache={"exact": "serve"}), tmp_path) as house:
        caller = Caller(house.url)
        for number, (dialect, stream) in enumerate(WAYS):
            simulator.script("tiny", {"text": GOOD})
            for result in ("miss", "hit"):
                response = ask(caller, dialect, stream, "sure", text=f"{QUESTION} ({number})")
                assert response.headers["x-tenbin-cache"] == result
                assert words(response, dialect, stream) == GOOD
                assert '"logprob"' not in response.text, (dialect, stream, result)
        caller.http.close()


@pytest.mark.parametrize("stream", [False, True])
def test_no_log_probabilities_stand_in_a_mended_answer(
    simulator: RunningSimulator, tmp_path: Path, stream: bool
) -> None:
    with serving(sure(simulator.url), tmp_path) as house:
        caller = Caller(house.url)
        wrong = {"city": "Kyoto", "days": "3", "mood": "good"}
        simulator.script("tiny", {"text": "I look it up.", "tool": "get_weather", "input": wrong})
        response = ask(caller, "openai_chat", stream, "sure", tools=tools("openai_chat"), text="Weather in Kyoto?")
        assert call_of(response, "openai_chat", stream) == ("get_weather", {"city": "Kyoto", "days": 3})
        assert '"logprob"' not in response.text
        assert simulator.requests()[0]["body"]["logprobs"] is True
        caller.http.close()
        gating = house.books.one().attempts[0].gating
        assert gating is not None
        assert gating.repaired


def test_what_was_refused_by_its_beginning_and_given_for_want_of_better_is_not_kept(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    ladder = [{"target": "openai/gpt-4o"}, {"target": f"anthropic/{TOP}"}]
    keys: dict[str, Any] = {
        "cascades": {"up": {"ladder": ladder, "skip": False}},
        "cache": {"exact": "serve"},
        "timeouts": {"connect": 2, "first_byte": 2, "idle": 2, "total": 10},
        "retries": {"per_target": 0},
    }
    with serving(chained(simulator.url, **keys), tmp_path) as house:
        caller = Caller(house.url)
        loop = "Paris is nice. " * 300
        for _ in range(2):
            simulator.reset()
            simulator.script("gpt-4o", {"text": loop, "tick_ms": 2})
            simulator.script(TOP, {"status": 529})
            response = ask(caller, "openai_chat", True, "up", tools=tools("openai_chat"), max_tokens=5_000)
            assert words(response, "openai_chat", True) == loop
            assert response.headers["x-tenbin-cache"] == "miss"
            receipt = house.books.one()
            gating = receipt.attempts[0].gating
            assert gating is not None, json.dumps(response.text[:200])
            assert (gating.why, gating.passed, gating.given) == ("prefix", False, True)
        caller.http.close()

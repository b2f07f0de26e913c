"""A provider's rate-limit headers, seen on real answers: the next request goes elsewhere before it is refused."""

from pathlib import Path

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller
from tests.real.books import configured, serving


def test_the_last_request_of_a_limit_turns_the_next_one_away(simulator: RunningSimulator, tmp_path: Path) -> None:
    url = simulator.url
    config = configured(
        providers={
            "anthropic": {"base_url": f"{url}/anthropic", "api_key": "sk-one"},
            "openai": {"base_url": f"{url}/openai/v1", "dialect": "openai_chat", "api_key": "sk-two"},
        },
        models={
            "chain": ["anthropic/claude-sonnet-4-6", "openai/gpt-4o"],
            "one": ["anthropic/claude-sonnet-4-6"],
        },
        retries={"per_target": 0},
    )
    with serving(config, tmp_path) as house:
        caller = Caller(house.url)
        simulator.control("POST", "limits", {"requests": 2})
        for _ in range(3):
            assert caller.ask("anthropic", "chain").status_code == 200
        assert [len(one.attempts) for one in house.books.new(3)] == [1, 1, 1], "nobody was refused on the way"
        assert [entry["model"] for entry in simulator.requests()] == ["claude-sonnet-4-6"] * 2 + ["gpt-4o"]
        rows = {row["target"]: row for row in caller.http.get("/health/targets").json()["targets"]}
        assert rows["anthropic/claude-sonnet-4-6"]["exhausted_until_ms"] > 0
        assert rows["openai/gpt-4o"]["exhausted_until_ms"] is None
        assert caller.ask("anthropic", "one").status_code == 429, "the only one is asked all the same"
        caller.http.close()

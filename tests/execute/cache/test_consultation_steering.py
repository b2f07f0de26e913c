"""What changes who is asked keeps answers apart, though the request's own bytes are the same."""

import pytest

from tenbin.simulator import RunningSimulator
from tests.execute.conftest import Caller

TAGGED = "<TENBIN-SUBAGENT-MODEL>openai/gpt-4o</TENBIN-SUBAGENT-MODEL> What is a heap?"
SUB_AGENT = {"x-claude-code-agent-id": "agent-1"}


@pytest.mark.parametrize("stream", [False, True])
def test_a_tag_counts_for_a_sub_agent_only(asking: Caller, simulator: RunningSimulator, stream: bool) -> None:
    """To anybody else it is words; whose answer is kept first is not given to the other."""
    plain = asking.ask("anthropic", "one", TAGGED, stream=stream)
    tagged = asking.ask("anthropic", "one", TAGGED, headers=SUB_AGENT, stream=stream)
    assert [one.headers["x-tenbin-cache"] for one in (plain, tagged)] == ["miss", "miss"]
    assert [entry["model"] for entry in simulator.requests()] == ["claude-sonnet-4-6", "gpt-4o"]
    other = {"x-claude-code-agent-id": "agent-2"}
    again = asking.ask("anthropic", "one", TAGGED, headers=other, stream=stream)
    assert again.headers["x-tenbin-cache"] == "hit"
    assert again.headers["x-tenbin-model"] == "gpt-4o"

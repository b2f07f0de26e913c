"""The table of what is assumed before anything is known covers everything that can be asked for."""

import pytest

from tenbin.core.features import TASK_TYPES
from tenbin.decide.output_priors import AGENT, CHAT, EFFORT, ONCE, TASKS, thinking_ratio


def test_every_task_has_a_length() -> None:
    assert set(TASKS) == set(TASK_TYPES)
    assert all(0 < length.mean <= length.p90 for length in TASKS.values())
    assert all(length.source for length in TASKS.values())


@pytest.mark.parametrize("model", ["anthropic/claude-opus-5-5", "anthropic/claude-fable-5-1", "openai/o3"])
def test_some_models_always_think(model: str) -> None:
    assert thinking_ratio(model, "", "chat") > 0
    assert thinking_ratio(model, "none", "chat") > 0


def test_others_think_when_asked_or_never() -> None:
    assert thinking_ratio("anthropic/claude-haiku-5-5", "", "debugging") == 0
    assert thinking_ratio("anthropic/claude-haiku-5-5", "high", "debugging") > 0
    assert thinking_ratio("anthropic/claude-haiku-5-5", "", "debugging", "adaptive") > 0
    assert thinking_ratio("anthropic/claude-haiku-5-5", "high", "debugging", "off") == 0
    assert thinking_ratio("anthropic/claude-opus-5-5", "", "debugging", "off") > 0
    assert thinking_ratio("openai/gpt-6-luna", "", "debugging") > 0
    assert thinking_ratio("openai/gpt-6-luna", "none", "debugging") == 0
    assert thinking_ratio("openai/gpt-4o", "high", "debugging") == 0
    assert thinking_ratio("acme/anvil-1", "high", "debugging") == 0


def test_more_effort_is_more_thinking() -> None:
    ratios = [thinking_ratio("anthropic/claude-opus-5-5", effort, "debugging") for effort in EFFORT]
    assert ratios == sorted(ratios)


def test_what_goes_on_longest_are_agents() -> None:
    assert ONCE.start < CHAT.start < AGENT.start

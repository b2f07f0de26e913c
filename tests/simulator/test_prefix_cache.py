"""Prompt caches by Anthropic's rules: prefixes, minimum lengths, lives, marks and how far they look back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.simulator import RunningSimulator, exact_text, prompt_text
from tenbin.simulator.clock import Clock
from tenbin.simulator.models import Model
from tenbin.simulator.prefix_cache import PrefixCache
from tenbin.simulator.prompt import Block, Prompt
from tests.simulator.conftest import Client

MARK = {"cache_control": {"type": "ephemeral"}}
LONG_MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def text(tokens: int, /, **mark: Any) -> dict[str, Any]:
    return {"type": "text", "text": exact_text(tokens), **mark}


def usage(client: Client, /, **fields: Any) -> tuple[int, int, int, int]:
    """Return (input, read, written for 5 minutes, written for an hour)."""
    answer = client.messages(**{"model": "claude-opus-5-5", **fields})
    assert answer.status_code == 200, answer.text
    stated = answer.json()["usage"]
    split = stated["cache_creation"]
    short, long = split["ephemeral_5m_input_tokens"], split["ephemeral_1h_input_tokens"]
    assert stated["cache_creation_input_tokens"] == short + long
    return stated["input_tokens"], stated["cache_read_input_tokens"], short, long


def talk(*contents: Any) -> list[dict[str, Any]]:
    return [{"role": "assistant" if i % 2 else "user", "content": content} for i, content in enumerate(contents)]


def test_written_once_then_read(client: Client) -> None:
    request = {"system": [text(1000, **MARK)], "messages": talk("Hi")}
    first, again = usage(client, **request), usage(client, **request)
    assert first[1:] == (0, 1004, 0)
    assert again == (first[0], 1004, 0, 0)


def test_below_the_models_minimum_nothing_is_cached(client: Client) -> None:
    for model, tokens, cached in [
        ("claude-opus-5-5", 500, False),
        ("claude-opus-5-5", 520, True),
        ("claude-haiku-4-5", 4000, False),
        ("claude-haiku-4-5", 4100, True),
    ]:
        request = {"model": model, "system": [text(tokens, **MARK)], "messages": talk("Hi")}
        usage(client, **request)
        assert (usage(client, **request)[1] > 0) is cached


def test_a_growing_conversation_reads_what_it_wrote(client: Client) -> None:
    system = [text(1000, **MARK)]
    first = usage(client, system=system, messages=talk([text(50, **MARK)]))
    grown = talk([text(50)], "an answer", [text(70, **MARK)])
    second = usage(client, system=system, messages=grown)
    assert second[1] == first[2]
    assert second[2] > 70
    assert sum(first) + second[2] - first[0] == sum(second) - second[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"system": [text(1001, **MARK)]},
        {"tools": [{"name": "f", "input_schema": {}}]},
        {"model": "claude-fable-5-1"},
        {"output_config": {"effort": "high"}},
        {"headers": {"x-api-key": "sk-other"}},
    ],
)
def test_any_change_before_the_mark_misses(client: Client, changed: dict[str, Any]) -> None:
    request: dict[str, Any] = {"system": [text(1000, **MARK)], "messages": talk("Hi")}
    usage(client, **request)
    assert usage(client, **{**request, **changed})[1] == 0
    assert usage(client, **request)[1] > 0


def test_tool_choice_and_thinking_spoil_only_the_messages(client: Client) -> None:
    tools = [{"name": "f", "input_schema": {}}]
    request = {"system": [text(1000, **MARK)], "messages": talk([text(100, **MARK)]), "tools": tools}
    usage(client, **request)
    full = usage(client, **request)[1]
    part = usage(client, **request, tool_choice={"type": "none"})[1]
    assert 0 < part < full


def test_entries_die_after_their_time_and_live_on_when_read(client: Client, simulator: RunningSimulator) -> None:
    request = {"system": [text(1000, **MARK)], "messages": talk("Hi")}
    usage(client, **request)
    for _ in range(3):
        simulator.advance(290)
        assert usage(client, **request)[1] > 0
    simulator.advance(310)
    assert usage(client, **request)[1] == 0


def test_an_hour_is_written_apart_and_lasts(client: Client, simulator: RunningSimulator) -> None:
    request = {"system": [text(1000, **LONG_MARK)], "messages": talk([text(100, **MARK)])}
    first = usage(client, **request)
    assert first[2] == 104
    assert first[3] == 1004
    simulator.advance(3000)
    again = usage(client, **request)
    assert again[1] == 1004
    assert again[2] == 104
    simulator.advance(3000)
    assert usage(client, **request)[1] == 1004


def test_lookback_reaches_twenty_blocks(client: Client) -> None:
    def request(blocks: int) -> dict[str, Any]:
        content = [text(600, **(MARK if blocks == 0 else {}))]
        content += [{"type": "text", "text": f"block {i}", **(MARK if i == blocks - 1 else {})} for i in range(blocks)]
        return {"messages": talk(content)}

    usage(client, **request(0))
    assert usage(client, **request(20))[1] == 0  # the entry is 21 positions back
    client.post("/_simulator/reset", {})
    usage(client, **request(0))
    assert usage(client, **request(19))[1] > 0


def test_mark_on_the_whole_request(client: Client) -> None:
    request = {"messages": talk([text(600)]), **MARK}
    assert usage(client, **request)[2] == 604
    assert usage(client, **request)[1] == 604


def test_refused_request_writes_nothing(client: Client) -> None:
    request = {"system": [text(1000, **MARK)], "messages": talk("Hi")}
    assert client.messages(model="claude-opus-5-5", **request, simulate={"status": 529}).status_code == 529
    assert usage(client, **request)[1] == 0


def openai_usage(client: Client, tokens: int, model: str = "gpt-4o") -> dict[str, Any]:
    stated: dict[str, Any] = client.chat(prompt_text(tokens), model=model, simulate={"text": "ok"}).json()["usage"]
    assert stated["prompt_tokens"] == tokens
    return stated


def test_openai_caches_by_itself_in_steps_from_1024(client: Client, simulator: RunningSimulator) -> None:
    assert openai_usage(client, 1000)["prompt_tokens_details"]["cached_tokens"] == 0
    assert openai_usage(client, 1000)["prompt_tokens_details"]["cached_tokens"] == 0
    assert openai_usage(client, 1300)["prompt_tokens_details"]["cached_tokens"] == 0
    assert openai_usage(client, 1300)["prompt_tokens_details"]["cached_tokens"] == 1280
    assert openai_usage(client, 1100)["prompt_tokens_details"]["cached_tokens"] == 1024
    simulator.advance(3600)
    assert openai_usage(client, 1300)["prompt_tokens_details"]["cached_tokens"] == 0


def test_new_openai_models_report_writes(client: Client) -> None:
    first = openai_usage(client, 1300, "gpt-6-sol")["prompt_tokens_details"]
    again = openai_usage(client, 1300, "gpt-6-sol")["prompt_tokens_details"]
    assert (first["cached_tokens"], first["cache_write_tokens"]) == (0, 1280)
    assert (again["cached_tokens"], again["cache_write_tokens"]) == (1280, 0)


BLOCKS = st.lists(
    st.builds(
        Block,
        section=st.just("messages"),
        content=st.sampled_from(["a", "b"]),
        tokens=st.integers(0, 40),
        ttl=st.sampled_from([None, None, "5m"]),
    ),
    min_size=1,
    max_size=30,
)


@given(st.lists(BLOCKS, min_size=1, max_size=5))
def test_buckets_sum_to_the_prompt_and_a_repeat_writes_nothing(requests: list[list[Block]]) -> None:
    cache = PrefixCache(Clock(lambda: 1000.0))
    model = Model("m", cache_minimum=10)
    for blocks in requests:
        prompt = Prompt(model, "m", blocks, [])
        plan = cache.plan_breakpoints(prompt, "scope")
        assert plan.input + plan.read + plan.write_5m + plan.write_1h == prompt.tokens
        assert min(plan.input, plan.read, plan.write_5m, plan.write_1h) >= 0
        plan.commit()
        again = cache.plan_breakpoints(prompt, "scope")
        assert again.write_5m == again.write_1h == 0
        assert again.read == plan.read + plan.write_5m

"""A call that no client waits for: what it is sent with, and what of an answer counts as its words."""

import json
from pathlib import Path

from tenbin.codecs.registry import dialect
from tenbin.core.answer import (
    AnswerFinished,
    AnswerStarted,
    ArgumentsDelta,
    BlockStarted,
    BlockStopped,
    Delta,
    TextDelta,
    ThinkingDelta,
)
from tenbin.core.usage import NOTHING
from tenbin.execute.background_call import Prepared, prepared, words_of
from tenbin.simulator import RunningSimulator
from tests.execute.test_exchange_weighed import LARGE, configuration
from tests.real.books import serving


def test_the_words_are_texts_and_tool_calls_without_thinking() -> None:
    deltas: list[Delta] = [
        AnswerStarted("1", "m", NOTHING),
        BlockStarted(index=0, kind="thinking"),
        ThinkingDelta(0, "secret thought"),
        BlockStopped(0),
        BlockStarted(index=1, kind="text"),
        TextDelta(1, "Let me "),
        TextDelta(1, "look."),
        BlockStopped(1),
        BlockStarted(index=2, kind="tool_call", id="t", name="Read"),
        ArgumentsDelta(2, '{"file'),
        ArgumentsDelta(2, '": "a"}'),
        BlockStopped(2),
        AnswerFinished("tool_use", NOTHING),
    ]
    assert words_of(deltas) == 'Let me look.\n[tool call] Read {"file": "a"}'
    assert words_of([]) == ""


def test_it_is_sent_unstreamed_bounded_and_in_no_dearer_tier(simulator: RunningSimulator, tmp_path: Path) -> None:
    body = {
        "model": "auto",
        "stream": True,
        "max_completion_tokens": 9_000,
        "service_tier": "priority",
        "messages": [{"role": "user", "content": "Hello"}],
    }
    conversation = dialect("openai_chat").read(json.dumps(body).encode())
    with serving(configuration(simulator), tmp_path) as house:
        world = house.running.gateway.world
        for name, limit in (("openai/gpt-4o", "max_tokens"), (LARGE, "max_tokens")):
            provider, _, model = name.partition("/")
            target = world.policy.facts.get(name) or world.policy.providers[provider]
            found = prepared(world, conversation, target, 100)
            assert isinstance(found, Prepared), model
            sent = json.loads(found.body)
            assert sent.get(limit, sent.get("max_completion_tokens")) == 100
            assert not sent.get("stream")
            assert "service_tier" not in sent or sent["service_tier"] not in ("priority", "auto")

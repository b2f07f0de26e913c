"""What is written for OpenAI and those who copy it, held to what they refuse (as the simulator has it)."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.config.quirks import resolve
from tenbin.core.conversation import Conversation, Image, Part, ToolCall, ToolResult
from tenbin.core.problems import Inexpressible
from tenbin.core.target import Target
from tenbin.simulator.models import Model
from tenbin.simulator.openai_checks import check
from tenbin.simulator.openai_habits import HABITS
from tenbin.simulator.responses_prompt import items_of
from tests.codecs.openai_conversations import conversations

PROFILES = ["openai", "openrouter", "deepseek", "gemini", "vllm", "llamacpp", "litellm"]


def with_pictures(conversation: Conversation) -> Conversation:
    """The conversation with a picture in every tool result, and ids longer than OpenAI takes."""
    picture = Image(media_type="image/png", data="aGk=")
    turns = []
    for turn in conversation.turns:
        parts: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolCall):
                parts.append(msgspec.structs.replace(part, id=part.id + "x" * 50))
            elif isinstance(part, ToolResult):
                content = (*part.content, picture)
                parts.append(msgspec.structs.replace(part, call_id=part.call_id + "x" * 50, content=content))
            else:
                parts.append(part)
        turns.append(msgspec.structs.replace(turn, parts=tuple(parts)))
    return msgspec.structs.replace(conversation, turns=tuple(turns))


def written(conversation: Conversation, target: Target) -> bytes | str:
    """The request, or the feature for whose lack there is none."""
    try:
        return OPENAI_CHAT.write(conversation, target)
    except Inexpressible as lack:
        return lack.feature


@pytest.mark.parametrize("profile", PROFILES)
@given(conversation=conversations(chat=True), pictures=st.booleans())
def test_chat_requests_are_accepted(profile: str, conversation: Conversation, pictures: bool) -> None:
    model = Model("gpt-5", reasoning=profile == "openai")
    target = Target(provider=profile, model="gpt-5", dialects=("openai_chat",), quirks=resolve(profile, {}, "gpt-5"))
    if pictures:
        conversation = with_pictures(conversation)
    body = written(conversation, target)
    if isinstance(body, str):
        assert body in ("documents", "images", "forced_tool_choice", "stop")
    else:
        check(json.loads(body), model, HABITS[profile])


@given(conversation=conversations(chat=False), pictures=st.booleans())
def test_responses_requests_are_accepted(conversation: Conversation, pictures: bool) -> None:
    quirks = resolve("openai", {}, "gpt-5")
    target = Target(provider="openai", model="gpt-5", dialects=("openai_responses",), quirks=quirks)
    body = OPENAI_RESPONSES.write(with_pictures(conversation) if pictures else conversation, target)
    items_of(json.loads(body), {}, HABITS["openai"])

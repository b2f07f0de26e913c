"""Sketches of requests in Ollama's own words."""

from typing import Any

import msgspec
import pytest

from tenbin.codecs.ollama_chat import OLLAMA_CHAT
from tenbin.core.problems import Unreadable
from tenbin.core.sketch import Sketch


def sketch(*messages: Any, **fields: Any) -> Sketch:
    return OLLAMA_CHAT.sketch(msgspec.json.encode({"model": "m", "messages": messages, **fields}))


def test_a_conversation_with_tools_and_a_picture() -> None:
    found = sketch(
        {"role": "system", "content": "You help."},
        {"role": "user", "content": "What?", "images": ["QUJD" * 5_000]},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]},
        {"role": "tool", "tool_name": "f", "content": "42"},
        tools=[{"type": "function", "function": {"name": "f"}}],
        think="high",
        format={"type": "object", "properties": {"answer": {}}},
        options={"num_predict": 50},
    )
    assert (found.system, found.user, found.images, found.in_tool_loop) == ("You help.", "What?", 1, True)
    assert (found.tools, found.effort, found.thinking) == (("f",), "high", "adaptive")
    assert (found.structured_fields, found.max_tokens) == (("answer",), 50)
    assert found.prompt_bytes < 1_000


@pytest.mark.parametrize(("think", "thinking"), [(True, "adaptive"), (False, "off"), (None, "")])
def test_thinking_is_a_switch(think: bool | None, thinking: str) -> None:
    assert sketch({"role": "user", "content": "A"}, think=think).thinking == thinking


def test_what_has_an_unknown_shape_hides_nothing_else() -> None:
    assert sketch(3, {"role": 4}, {"role": "user", "content": "B"}, tools=5, options=6).user == "B"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        OLLAMA_CHAT.sketch(body)

"""Sketches of Responses requests: a text or items, instructions, what Codex puts in a user's mouth."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.core.problems import Unreadable
from tenbin.core.sketch import Sketch


def sketch(given_input: Any, **fields: Any) -> Sketch:
    return OPENAI_RESPONSES.sketch(msgspec.json.encode({"model": "m", "input": given_input, **fields}))


def said(role: str, words: Any) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    content = [{"type": kind, "text": words}] if isinstance(words, str) else words
    return {"type": "message", "role": role, "content": content}


CALL = {"type": "function_call", "call_id": "c", "name": "shell", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "ok"}
REASONING = {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}


def test_a_text_is_one_turn() -> None:
    found = sketch("こんにちは", instructions="You help.")
    assert (found.user, found.first_user, found.system, found.user_turns) == (
        "こんにちは",
        "こんにちは",
        "You help.",
        1,
    )


def test_a_turn_of_codex() -> None:
    """Its surroundings come as a user's message of their own."""
    rules = said("user", "# AGENTS.md instructions for /project\n\n<INSTRUCTIONS>\nUse tabs.\n</INSTRUCTIONS>")
    place = said("user", "<environment_context>\n<cwd>/project</cwd>\n</environment_context>")
    found = sketch(
        [said("developer", "Sandboxed."), rules, place, said("user", "Fix it"), REASONING, CALL, RESULT],
        instructions="You are Codex, a coding agent.",
        tools=[{"type": "function", "name": "shell"}, {"type": "web_search"}],
        reasoning={"effort": "high"},
        prompt_cache_key="x",
    )
    assert (found.user, found.first_user, found.user_turns) == ("Fix it", "Fix it", 1)
    assert found.system == "You are Codex, a coding agent.\nSandboxed."
    assert (found.tool_results, found.in_tool_loop) == (1, True)
    assert (found.tools, found.effort, found.thinking) == (("shell", "web_search"), "high", "adaptive")


def test_short_forms_say_the_same() -> None:
    short = sketch([{"role": "user", "content": "A"}, {"role": "assistant", "content": "Yes."}, said("user", "B")])
    long = sketch([said("user", "A"), said("assistant", "Yes."), said("user", "B")])
    for field in ("first_user", "user", "previous_answer", "origin", "user_turns"):
        assert getattr(short, field) == getattr(long, field)


def test_images_in_messages_and_outputs() -> None:
    picture = {"type": "input_image", "image_url": "data:image/png;base64," + "QUJD" * 5_000}
    shot = {"type": "function_call_output", "call_id": "c", "output": [picture]}
    found = sketch([said("user", [picture, {"type": "input_text", "text": "A"}]), CALL, shot])
    assert (found.images, found.recent_images, found.user) == (2, 2, "A")
    assert found.prompt_bytes < 1_000


def test_what_an_answer_must_fit() -> None:
    schema = {"type": "object", "properties": {"title": {}}}
    asked = sketch("A", text={"format": {"type": "json_schema", "name": "x", "schema": schema}}, max_output_tokens=9)
    assert (asked.structured, asked.structured_fields, asked.max_tokens) == (True, ("title",), 9)


@pytest.mark.parametrize("strange", [3, {"type": 4}, {"role": "user", "content": 5}, said("user", [6])])
def test_what_has_an_unknown_shape_hides_nothing_else(strange: Any) -> None:
    assert sketch([strange, said("user", "B")], tools=3).user == "B"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        OPENAI_RESPONSES.sketch(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**6) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "output", "name"]), inner, max_size=5)
    ),
    max_leaves=25,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("input", "tools", "reasoning", "text", "instructions"), JSON)))
def test_any_json_object_gives_a_sketch(body: dict[str, Any]) -> None:
    raw = msgspec.json.encode(body)
    assert 0 <= OPENAI_RESPONSES.sketch(raw).prompt_bytes <= len(raw)

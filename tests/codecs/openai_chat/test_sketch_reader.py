"""Sketches of Chat Completions requests: tool messages, parts, the ways to ask for thinking, and any JSON at all."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_chat import OPENAI_CHAT
from tenbin.codecs.openai_responses import OPENAI_RESPONSES
from tenbin.core.problems import Unreadable
from tenbin.core.sketch import Sketch


def sketch(*messages: Any, **fields: Any) -> Sketch:
    return OPENAI_CHAT.sketch(msgspec.json.encode({"model": "m", "messages": messages, **fields}))


SYSTEM = {"role": "system", "content": "You help."}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}],
}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "42"}


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def model(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def test_tool_messages_are_nobodys_turn() -> None:
    found = sketch(SYSTEM, user("A"), model("Yes."), user("B"), CALL, RESULT, RESULT)
    assert (found.user, found.user_turns, found.tool_results, found.in_tool_loop) == ("B", 2, 2, True)
    assert (found.system, found.first_user, found.previous_answer) == ("You help.", "A", "Yes.")
    assert not sketch(user("A"), CALL, RESULT, model("42.")).in_tool_loop


def test_a_developers_message_is_the_system_prompt_and_one_in_the_middle_is_not() -> None:
    found = sketch(
        {"role": "developer", "content": "Be brief."}, SYSTEM, user("A"), {"role": "system", "content": "Now"}
    )
    assert found.system == "Be brief.\nYou help."
    assert found.user == "A"


def test_parts_images_and_files() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 5_000}}
    file = {"type": "file", "file": {"file_data": "data:application/pdf;base64," + "QUJD" * 5_000}}
    found = sketch(user([{"type": "text", "text": "これは何？"}, picture, file]))
    assert (found.user, found.images, found.recent_images) == ("これは何？", 1, 1)
    assert found.prompt_bytes < 1_000
    assert found.document_bytes > 20_000


@pytest.mark.parametrize(
    ("fields", "effort", "thinking"),
    [
        ({"reasoning_effort": "high"}, "high", "adaptive"),
        ({"reasoning_effort": "none"}, "none", "off"),
        ({"reasoning": {"effort": "xhigh"}}, "xhigh", "adaptive"),
        ({"reasoning": {"max_tokens": 2_000}}, "", "budget"),
        ({"reasoning": {"enabled": False}}, "", "off"),
        ({"thinking": {"type": "disabled"}}, "", "off"),
        ({"thinking": {"type": "enabled"}}, "", "adaptive"),
        ({}, "", ""),
    ],
)
def test_the_ways_to_ask_for_thinking(fields: dict[str, Any], effort: str, thinking: str) -> None:
    found = sketch(user("A"), **fields)
    assert (found.effort, found.thinking) == (effort, thinking)


@pytest.mark.parametrize(
    ("asked", "tier"), [("flex", "flex"), ("priority", "priority"), ("auto", ""), (None, ""), (["flex"], ""), (7, "")]
)
def test_a_service_tier_with_a_price_of_its_own_is_told(asked: Any, tier: str) -> None:
    assert sketch(user("Hello"), service_tier=asked).service_tier == tier
    body = msgspec.json.encode({"model": "m", "input": "Hello", "service_tier": asked})
    assert OPENAI_RESPONSES.sketch(body).service_tier == tier


def test_what_stands_around_the_messages() -> None:
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    found = sketch(
        user("A"),
        max_tokens=5,
        max_completion_tokens=7,
        tools=[{"type": "function", "function": {"name": "f"}}, {"type": "custom", "name": "g"}],
        functions=[{"name": "h"}],
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    )
    assert (found.max_tokens, found.tools, found.structured_fields) == (7, ("f", "g", "h"), ("title",))


def test_one_conversation_keeps_its_origin() -> None:
    first = sketch(SYSTEM, user("A"))
    assert first.origin == sketch(SYSTEM, user("A"), CALL, RESULT, model("42."), user("B")).origin
    assert first.origin != sketch(SYSTEM, user("C")).origin


@pytest.mark.parametrize("strange", [3, {"role": 4}, user([5]), user(6), user([{"type": "text", "text": 7}])])
def test_what_has_an_unknown_shape_hides_nothing_else(strange: Any) -> None:
    assert sketch(strange, user("B"), tools=[1, {"function": {"name": "f"}}]).user == "B"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        OPENAI_CHAT.sketch(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**6) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "image_url", "file", "function", "name"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("messages", "tools", "reasoning", "response_format"), JSON)))
def test_any_json_object_gives_a_sketch(body: dict[str, Any]) -> None:
    raw = msgspec.json.encode(body)
    found = OPENAI_CHAT.sketch(raw)
    assert 0 <= found.prompt_bytes <= len(raw)
    assert found.recent_images <= found.images

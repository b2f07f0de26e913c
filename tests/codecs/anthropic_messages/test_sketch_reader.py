"""Sketches of Messages requests: what a real Claude Code sent, unusual shapes, and any JSON at all."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages import ANTHROPIC
from tenbin.core.problems import Unreadable
from tenbin.core.sketch import (
    CONTEXT_CHARACTERS,
    MOST_FIELDS,
    MOST_TOOLS,
    SYSTEM_CHARACTERS,
    USER_CHARACTERS,
    Sketch,
)
from tests.codecs.recorded import names, recorded


def sketch(messages: Any, **fields: Any) -> Sketch:
    return ANTHROPIC.sketch(msgspec.json.encode({"model": "m", "max_tokens": 9, "messages": messages, **fields}))


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def model(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def result(content: Any = "ok", **fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t", "content": content, **fields}


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **fields}


CALL = {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD" * 5_000}}


class TestClaudeCode:
    @pytest.mark.parametrize("name", names())
    def test_pseudo_headers_and_reminders_are_nobodys_words(self, name: str) -> None:
        found = ANTHROPIC.sketch(recorded(name).body)
        for words in (found.system, found.user, found.first_user):
            assert "x-anthropic-billing-header" not in words
            assert "<system-reminder>" not in words
        assert found.system.startswith(("You are a Claude agent", "You are Claude Code"))

    def test_a_first_turn(self) -> None:
        found = ANTHROPIC.sketch(recorded("main").body)
        assert found.user == found.first_user == "say hi"
        assert (found.user_turns, found.messages, found.in_tool_loop) == (1, 2, False)
        assert (found.effort, found.thinking, found.cache_marks, found.cache_1h) == ("medium", "adaptive", 3, False)
        assert "Bash" in found.tools

    def test_a_turn_in_a_tool_loop(self) -> None:
        found = ANTHROPIC.sketch(recorded("tool_loop").body)
        assert found.in_tool_loop
        assert (found.tool_results, found.failed_tool_results, found.user_turns) == (1, 1, 1)
        assert found.user.startswith("Do it.")

    def test_a_notification_is_no_persons_turn(self) -> None:
        found = ANTHROPIC.sketch(recorded("task_notification").body)
        assert found.user.startswith("Do it.")
        assert found.user_turns == 1
        assert found.in_tool_loop
        assert found.previous_answer == ""

    def test_words_beside_a_tools_result_are_a_turn(self) -> None:
        found = ANTHROPIC.sketch(recorded("compaction").body)
        assert found.user.startswith("CRITICAL: Respond with TEXT ONLY")
        assert (found.user_turns, found.tool_results, found.in_tool_loop) == (2, 0, False)

    def test_a_sub_agent_is_known_by_its_pseudo_header(self) -> None:
        assert ANTHROPIC.sketch(recorded("sub_agent").body).sub_agent
        assert not ANTHROPIC.sketch(recorded("main").body).sub_agent

    def test_one_conversation_keeps_its_origin_and_a_sub_agent_has_its_own(self) -> None:
        """The pseudo-header, the reminders and the cache marks change from turn to turn."""
        of = {name: ANTHROPIC.sketch(recorded(name).body).origin for name in names()}
        assert of["main"] == of["effort_high"]
        assert of["tool_loop"] == of["compaction"]
        assert of["sub_agent"] != of["task_notification"]

    def test_plan_mode_is_told_by_the_client(self) -> None:
        assert [name for name in names() if ANTHROPIC.sketch(recorded(name).body).plan_mode] == ["plan_mode"]


def test_text_and_blocks_say_the_same() -> None:
    plain = sketch([user("Hi"), model("Hello."), user("Go on")], system="You help.")
    blocks = sketch(
        [
            user([text("Hi", cache_control={"type": "ephemeral", "ttl": "1h"})]),
            model([text("Hello.")]),
            user([text("Go on")]),
        ],
        system=[text("You help.")],
    )
    for field in ("system", "first_user", "user", "previous_answer", "user_turns", "messages", "origin"):
        assert getattr(plain, field) == getattr(blocks, field)
    assert (plain.user, plain.first_user, plain.previous_answer) == ("Go on", "Hi", "Hello.")
    assert (blocks.cache_marks, blocks.cache_1h) == (1, True)


def test_what_stands_behind_the_last_mark_is_told() -> None:
    hour, short = {"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral"}
    half = "x" * 10_000

    def shares(system: list[Any], *turns: Any, **more: Any) -> tuple[float, float]:
        found = sketch(list(turns), system=system, **more)
        return round(found.unmarked_share, 1), round(found.short_share, 1)

    plain, marked = [text(half)], [text(half, cache_control=hour)]
    assert shares(plain, user([text(half)])) == (0.0, 0.0), "nothing is marked"
    assert shares(plain, user([text(half, cache_control=short)])) == (0.0, 0.0)
    assert shares(marked, user([text(half)])) == (0.5, 0.0)
    assert shares(marked, user(half)) == (0.5, 0.0)
    assert shares(marked, user([text(half, cache_control=short)])) == (0.0, 0.5)
    assert shares(marked, user([text(half, cache_control=hour), text(half)])) == (0.3, 0.0)
    both = user([text(half, cache_control=hour), text(half, cache_control=short), text(half)])
    assert shares(plain, both) == (0.2, 0.5)
    assert shares(marked, user([text(half)]), cache_control=short) == (0.0, 0.5), "the last block is marked by itself"


def test_only_results_after_the_last_turn_of_a_person_count() -> None:
    turns = [user("A"), model([CALL]), user([result(is_error=True)]), model("Done."), user("B")]
    assert (sketch(turns).tool_results, sketch(turns).user) == (0, "B")
    turns += [model([CALL, CALL]), user([result(), result(is_error=True)])]
    found = sketch(turns)
    assert (found.tool_results, found.failed_tool_results, found.in_tool_loop, found.user) == (2, 1, True, "B")
    assert found.previous_answer == "Done."


def test_images_are_counted_and_their_data_is_no_prompt() -> None:
    found = sketch([user([IMAGE, text("What?")]), model("A dot."), user([result([text("shot"), IMAGE])])])
    assert (found.images, found.recent_images) == (2, 2)
    assert found.prompt_bytes < 1_000
    later = sketch([user([IMAGE, text("What?")]), model("A dot."), user("Thanks")])
    assert (later.images, later.recent_images) == (1, 0)
    alone = sketch([user([IMAGE])])
    assert (alone.user, alone.user_turns) == ("", 1)


def test_a_document_of_text_is_prompt_and_a_pdf_is_not() -> None:
    words = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "word " * 1_000}}
    assert sketch([user([words])]).prompt_bytes > 5_000
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD" * 5_000}}
    found = sketch([user([pdf])])
    assert found.prompt_bytes < 500
    assert 20_000 < found.document_bytes < 20_200


def test_the_latest_effort_holds() -> None:
    turns = [user("A"), {"role": "system", "content": "env", "output_config": {"effort": "max"}}]
    assert sketch(turns, output_config={"effort": "low"}).effort == "max"


def test_a_schema_tells_its_properties() -> None:
    schema = {"type": "object", "properties": {str(at): {} for at in range(40)}}
    found = sketch([user("A")], output_config={"format": {"type": "json_schema", "schema": schema}})
    assert found.structured
    assert len(found.structured_fields) == MOST_FIELDS


def test_samples_are_bounded_and_taken_from_both_ends() -> None:
    long = "a" * 50_000 + "終" * 50_000
    found = sketch([user(long), model(long), user(long)], system=long)
    assert found.user_characters == 100_000
    assert found.user.startswith("aaa")
    assert found.user.endswith("終終")
    assert len(found.user) == USER_CHARACTERS
    assert len(found.system) == SYSTEM_CHARACTERS
    assert len(found.first_user) == len(found.previous_answer) == CONTEXT_CHARACTERS


@pytest.mark.parametrize(
    "messages",
    [
        [user(None), user("B")],
        [user([3, None]), user("B")],
        [user([{"type": 4}]), {"role": 5}, 6, user("B")],
        [user([text("A"), {"type": "text"}]), user("B")],
        [user([{"type": "text", "text": 7}]), user("B")],
        [user([result(8)]), user("B")],
        [user([result([9])]), user("B")],
    ],
)
def test_what_has_an_unknown_shape_hides_nothing_else(messages: list[Any]) -> None:
    assert sketch(messages, tools=[{"name": "x"}, 1], system=3, thinking=4, output_config=5).user == "B"


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b"\xff", b'{"messages": [' * 2_000])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        ANTHROPIC.sketch(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**6) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "source", "data", "is_error", "cache_control", "name", "x", "ttl"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("messages", "system", "tools", "thinking", "x"), JSON)))
def test_any_json_object_gives_a_sketch_of_bounded_size(body: dict[str, Any]) -> None:
    raw = msgspec.json.encode(body)
    found = ANTHROPIC.sketch(raw)
    assert len(found.tools) <= MOST_TOOLS
    assert 0 <= found.prompt_bytes <= len(raw)
    assert 0 <= found.wide_bytes <= found.prompt_bytes
    assert found.failed_tool_results <= found.tool_results
    assert found.recent_images <= found.images
    assert found.user_turns <= found.messages


@given(st.text(min_size=1).filter(str.strip), st.lists(st.text(), max_size=6))
def test_the_origin_is_the_same_in_every_turn(first: str, later: list[str]) -> None:
    turns: list[dict[str, Any]] = [user(first)]
    origin = sketch(turns, system="You help.").origin
    for words in later:
        turns += [model([text("Yes."), CALL]), user([result(words), text(words)])]
        assert sketch(turns, system="You help.").origin == origin

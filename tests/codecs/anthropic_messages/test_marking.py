"""Marks put into a client's own bytes: nothing else changes, and what is not of the expected shape is left alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.anthropic_messages.marking import with_marks

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def marked(body: dict[str, Any], static: Any = "5m", last: Any = None) -> dict[str, Any]:
    return json.loads(with_marks(json.dumps(body, ensure_ascii=False).encode(), static, last))


def test_a_system_prompt_in_words_becomes_a_block_with_a_mark() -> None:
    assert marked({"system": 'Be "brief".', "max_tokens": 1}) == {
        "system": [{"type": "text", "text": 'Be "brief".', "cache_control": MARK}],
        "max_tokens": 1,
    }


def test_of_several_blocks_the_last_one_is_marked() -> None:
    blocks = [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert marked({"system": blocks}, "1h") == {"system": [blocks[0], {**blocks[1], "cache_control": HOUR}]}


def test_without_a_system_prompt_the_last_tool_is_marked() -> None:
    assert marked({"tools": [{"name": "a"}, {"name": "b"}]}) == {
        "tools": [{"name": "a"}, {"name": "b", "cache_control": MARK}]
    }


def test_the_last_turns_mark_is_anthropics_own_to_move() -> None:
    assert marked({"messages": []}, None, "5m") == {"messages": [], "cache_control": MARK}
    assert marked({"messages": []}, None, None) == {"messages": []}


@pytest.mark.parametrize("odd", [{"system": ""}, {"system": []}, {"system": 7}, {"system": ["words"]}, {"tools": []}])
def test_what_has_not_the_expected_shape_stays(odd: dict[str, Any]) -> None:
    assert marked(odd) == odd


@given(st.dictionaries(st.text(max_size=8), values, max_size=5), st.sampled_from([None, "5m", "1h"]))
def test_nothing_else_changes(body: dict[str, Any], last: str | None) -> None:
    after = marked(body, "5m", last)
    untouched = {"system", "tools", "cache_control"}
    assert {key: value for key, value in after.items() if key not in untouched} == {
        key: value for key, value in body.items() if key not in untouched
    }

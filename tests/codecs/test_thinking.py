"""Marks on opaque thinking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.thinking import mark, same_model, unmark


@given(model=st.text(min_size=1).filter(lambda name: "%3A" not in name), opaque=st.text())
def test_what_is_marked_is_given_back(model: str, opaque: str) -> None:
    marked = mark(model, opaque)
    if opaque.startswith("tenbin:"):
        assert marked == opaque
    else:
        assert unmark(marked) == (model, opaque or None)
        assert mark("another", marked) == marked


def test_what_is_not_marked_stays() -> None:
    assert unmark("EqQBCg==") == (None, "EqQBCg==")
    assert unmark(None) == (None, None)


@pytest.mark.parametrize(
    ("writer", "target", "same"),
    [
        ("claude-opus-5-5", "claude-opus-5-5", True),
        ("claude-opus-5-5-20261001", "claude-opus-5-5", True),
        ("anthropic/claude-opus-5-5", "claude-opus-5-5", True),
        ("claude-opus-5", "gpt-6-sol", False),
        ("claude-opus-50", "claude-opus-5", False),
        ("claude-opus-5-5", "claude-opus-5", False),
        ("claude-opus-5", "claude-opus-5-5", False),
        ("gpt-5", "gpt-5-2025-08-07", True),
        ("gpt-5-mini", "gpt-5", False),
        (None, "claude-opus-5", False),
        ("", "", False),
    ],
)
def test_a_dated_name_is_the_same_model(writer: str | None, target: str, same: bool) -> None:
    assert same_model(writer, target) is same

"""Whatever is put in reads back the same, and whatever a comment says stays a comment."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.importing.render import commented, render
from tenbin.config.importing.report import Note
from tenbin.config.problem import KeyPath

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("\n\t\x85\u2028{}[]:,#&*!|>'\"%@`$")
)
VALUES = TEXTS | st.integers() | st.booleans() | st.lists(TEXTS)
BLOCKS = st.recursive(
    st.dictionaries(TEXTS, VALUES), lambda below: st.dictionaries(TEXTS, below | VALUES), max_leaves=12
)


@given(BLOCKS, TEXTS)
def test_values_read_back(config: dict[str, Any], said: str) -> None:
    notes = [Note(kind="lost", keys=(said or "a",), message=said, fix=said)]
    comments: dict[KeyPath, str] = {(name,): said for name in config}
    assert (yaml.safe_load(render(said, config, comments, notes)) or {}) == config


@given(TEXTS)
def test_a_comment_stays_one(said: str) -> None:
    assert yaml.safe_load(commented(said)) is None


def test_a_file_for_people() -> None:
    config = {"providers": {"a": {"api_key": "${A_KEY}", "free": True}}, "default": ["a/b", "a/c: d"]}
    notes = [Note(kind="lost", keys=("x", "y"), message="it is gone", fix="Live on.")]
    text = render("Head.", config, {("providers", "a"): "Somebody."}, notes)
    assert text == (
        "# Head.\n\nproviders:\n  # Somebody.\n  a:\n    api_key: ${A_KEY}\n    free: true\n\n"
        "default: [a/b, 'a/c: d']\n\n# Not carried over:\n# - x (and 1 more like it): it is gone. Live on.\n"
    )

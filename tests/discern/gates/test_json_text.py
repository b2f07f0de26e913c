"""JSON in texts, found and repaired."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.gates.json_text import DEEPEST, decoded, depth, find_json, repair_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
STRUCTURES = VALUES.filter(lambda value: isinstance(value, dict | list))


@given(STRUCTURES)
def test_json_is_found_alone_in_a_block_and_between_words(value: object) -> None:
    text = json.dumps(value)
    for shown, alone in ((text, True), (f"```json\n{text}\n```", False)):
        found = find_json(shown)
        assert found is not None
        assert (found.value, found.alone) == (value, alone)
    between = find_json(f"Here you are: {text} and that is all.")
    assert between is not None
    assert between.value == value


@given(STRUCTURES)
def test_what_is_right_is_not_repaired(value: object) -> None:
    assert repair_json(json.dumps(value)) is None


@given(STRUCTURES, st.integers(1, 40))
def test_a_cut_end_is_repaired_to_a_part_of_it_or_not_at_all(value: object, cut: int) -> None:
    text = json.dumps(value)
    repaired = repair_json(text[: max(1, len(text) - cut)])
    if repaired is not None:
        assert repaired.changes
        assert type(repaired.value) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1', {"a": 1}),
        ('{"a": [1, 2', {"a": [1, 2]}),
        ('{"a": 1,}', {"a": 1}),
        ("{'a': 'it\\'s'}", {"a": "it's"}),
        ("{a: 1, b: true}", {"a": 1, "b": True}),
        ('{"a": True, "b": None}', {"a": True, "b": None}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ('Sure: {"a": 1} Enjoy!', {"a": 1}),
        ('```json\n{"a": 1,}\n```', {"a": 1}),
        ('{"a": "open', {"a": "open"}),
        ('{"a": {"b": 1}', {"a": {"b": 1}}),
        ('{"a": 1}}', {"a": 1}),
    ],
)
def test_repairs(text: str, value: object) -> None:
    repaired = repair_json(text)
    assert repaired is not None
    assert repaired.value == value
    assert repaired.changes


@pytest.mark.parametrize("text", ["", "no JSON", "}{", "[" * 5000, "{" * 100_000, '{"a" "b" "c"}'])
def test_what_cannot_be_repaired_is_left(text: str) -> None:
    assert repair_json(text) is None


@given(VALUES)
def test_depth(value: object) -> None:
    def counted(each: object) -> int:
        if isinstance(each, dict):
            return 1 + max(map(counted, each.values()), default=0)
        return 1 + max(map(counted, each), default=0) if isinstance(each, list) else 0

    assert depth(value) == counted(value)


def test_deep_json_is_refused_before_anything_walks_it() -> None:
    assert decoded("[" * DEEPEST + "]" * DEEPEST) is not None
    for levels in (DEEPEST + 1, 5_000, 200_000):
        with pytest.raises(ValueError, match="too deep"):
            decoded("[" * levels + "]" * levels)

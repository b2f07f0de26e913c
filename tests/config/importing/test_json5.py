"""JSON and JSON5 are read as the grammar says, with the place of each value; what is neither is told with its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.config.importing.json5 import read
from tenbin.config.problem import ConfigError, Position

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda below: st.lists(below) | st.dictionaries(st.text(st.characters(codec="utf-8")), below),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_all_of_json_is_read(value: Any, escaped: bool, indent: int | None) -> None:
    assert read(json.dumps(value, ensure_ascii=escaped, indent=indent), "given").value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("// one\n/* two\n */ {a: 1, $b: 2, 'c': 3,} // end", {"a": 1, "$b": 2, "c": 3}),
        ("[+1, -.5, 2., 0xfF, 1e3,]", [1, -0.5, 2.0, 255, 1000.0]),
        ("[Infinity, -Infinity]", [float("inf"), float("-inf")]),
        ("'a\"b\\'c'", "a\"b'c"),
        ("'one \\\n line'", "one  line"),
        ("'\\x41\\u0042\\ud83d\\ude00\\q\\0'", "AB😀q\0"),
        ("{ключ: true, 鍵: null}", {"ключ": True, "鍵": None}),
        ('"https://a/*b*/ // c"', "https://a/*b*/ // c"),
    ],
)
def test_what_json5_allows_beyond(text: str, value: Any) -> None:
    assert read(text, "given").value == value


def test_half_a_character_becomes_its_replacement() -> None:
    """No file could hold it."""
    assert read('"\\ud83d"', "given").value == "\ufffd"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "empty"),
        (" // nothing\n", 2, 1, "empty"),
        ('{"a": 1\n "b": 2}', 2, 2, "a `,` or `}` is needed here"),
        ('{"a" 1}', 1, 6, "a `:` is needed"),
        ('{"a": }', 1, 7, "a value is needed here"),
        ("{1: 2}", 1, 2, "a key is needed here"),
        ('{"a": "b\n"}', 1, 9, "no closing"),
        ('{"a": tru}', 1, 7, "a value is needed"),
        ("{} {}", 1, 4, "after the end"),
        ("[1, 2", 1, 6, "is needed here, not the end of the file"),
        ('"\\u12"', 1, 3, "4 hex digits"),
        ("[" * 40, 1, 32, "nested more than 30 levels"),
        ("9" * 400, 1, 1, "too long"),
        ("/* open", 1, 1, "a value is needed"),
    ],
)
def test_what_is_neither_is_told_with_its_place(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text, "config.json")
    [problem] = caught.value.problems
    assert message in problem.message
    assert (problem.file, problem.line, problem.column) == ("config.json", line, column)
    assert problem.fix


def test_every_key_and_item_has_its_place() -> None:
    document = read('{\n  "a": [1,\n  2]}', "given")
    assert document.positions["a",] == Position(2, 3)
    assert document.positions["a", 1] == Position(3, 3)
    assert document.texts["a", 1] == "2"


def test_a_key_that_stands_twice_is_a_mistake() -> None:
    [problem] = read('{"a": 1,\n"a": 2}', "given").problems
    assert (problem.line, problem.key) == (2, "a")
    assert "second time; the first one is in line 1" in problem.message

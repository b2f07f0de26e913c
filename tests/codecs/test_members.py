"""A request says each thing once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.members import JUDGED_BY, check_members
from tenbin.core.problems import Unreadable

keys = st.sampled_from(["a", "b", "model", "max_tokens", "日本", 'q"', "\\"]) | st.text(max_size=5).filter(
    lambda key: key.casefold() not in JUDGED_BY
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
spaces = st.sampled_from(["", " ", "\n\t "])


def written(members: list[tuple[str, Any]], space: str, plain: bool) -> bytes:
    pairs = [
        f"{json.dumps(key, ensure_ascii=plain)}{space}:{space}{json.dumps(value, ensure_ascii=plain)}"
        for key, value in members
    ]
    return f"{space}{{{space}{f'{space},{space}'.join(pairs)}{space}}}{space}".encode("utf-8", "surrogatepass")


@given(st.lists(st.tuples(keys, values), max_size=8), spaces, st.booleans())
def test_a_request_passes_if_and_only_if_each_key_stands_once(
    members: list[tuple[str, Any]], space: str, plain: bool
) -> None:
    body = written(members, space, plain)
    names = [key for key, _ in members]
    if len(set(names)) == len(names):
        check_members(body)
    else:
        with pytest.raises(Unreadable) as told:
            check_members(body)
        assert told.value.problem.param in names


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":12,"a":1}',
        b'{"a":1,"a":12}',
        b'{"a":[1,2],"a":[1,2],"b":2}',
        b'{"a":1,"b":3,"\\u0061":1}',
        b'{"a":"x","a":"xy"}',
    ],
)
def test_no_value_hides_a_second_one(body: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^a: stands more than once"):
        check_members(body)


@pytest.mark.parametrize("key", ["Model", "MAX_TOKENS", "\\u004dodel", "ſtream", "max_toKens"])
def test_no_other_spelling_of_a_field_that_some_readers_take_for_it(key: str) -> None:
    with pytest.raises(Unreadable, match="is not a field"):
        check_members(f'{{"model":"a","{key}":1}}'.encode())


def test_unknown_fields_may_be_spelt_as_they_like() -> None:
    check_members(b'{"model":"a","generationConfig":{},"X":1,"x":2}')

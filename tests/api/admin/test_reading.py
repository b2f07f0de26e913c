"""Whatever is sent to the admin API is read, or told of with its field and the fix; never anything else."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.api.admin import shapes
from tenbin.api.admin.operations import OPERATIONS, Nothing
from tenbin.api.admin.reading import no_body, read_body, read_query
from tenbin.core.problems import Unreadable

JSON = {b"content-type": b"application/json; charset=utf-8"}
BODIES = [one.body for one in OPERATIONS if one.body is not None]
QUERIES = [one.query for one in OPERATIONS]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(sorted({name for shape in BODIES for name in shape.__struct_fields__}))


def told(error: Unreadable) -> None:
    problem = error.problem
    assert problem.status in (400, 415)
    assert problem.message
    assert problem.param
    assert "$" not in problem.message
    assert "regex" not in problem.message


@given(
    st.sampled_from(BODIES), st.binary(max_size=200) | st.dictionaries(FIELDS, VALUES).map(json.dumps).map(str.encode)
)
def test_any_body(shape: type[Any], body: bytes) -> None:
    try:
        read = read_body(body, shape, JSON)
    except Unreadable as error:
        told(error)
    else:
        assert isinstance(read, shape)


@given(
    st.sampled_from(QUERIES),
    st.binary(max_size=100)
    | st.dictionaries(st.sampled_from(("limit", "after", "before", "state", "key", "x")), st.text(max_size=10)).map(
        lambda fields: urlencode(fields).encode()
    ),
)
def test_any_query(shape: type[Any], query: bytes) -> None:
    try:
        read = read_query(query, shape)
    except Unreadable as error:
        told(error)
    else:
        assert isinstance(read, shape)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"name": "x", "modles": []}, "modles", "Did you mean models?"),
        ({"name": "x", "budgets": {"mnth": {"usd": 1}}}, "budgets.mnth", "Did you mean month?"),
        ({"name": "x", "budgets": {"month": {"usd": 1, "sft": True}}}, "budgets.month.sft", "hard, usd"),
        ({"name": "x", "budgets": {"month": {}}}, "budgets.month.usd", "missing"),
        ({"name": "x y\t"}, "name", "Letters, digits"),
        ({"name": "x", "team": "/"}, "team", "empty: none"),
        ({"name": "x", "models": ["a b"]}, "models[0]", "No blanks"),
        ({"name": "x", "networks": ["10.0.0.0/33"]}, "networks[0]", "10.0.0.0/8"),
        ({"name": "x", "expires_at": "tomorrow"}, "expires_at", "RFC3339"),
        ({"name": "x", "expires_at": "2027-01-01T00:00:00"}, "expires_at", "timezone"),
        ({"name": "x", "operations": ["dance"]}, "operations[0]", "dance"),
    ],
)
def test_the_field_and_the_fix(body: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_body(json.dumps(body).encode(), shapes.KeyCreate, JSON)
    assert raised.value.problem.param == field
    assert raised.value.problem.message.startswith(f"{field}: ")
    assert words in raised.value.problem.message


@pytest.mark.parametrize(
    "body", [b'{"name": "x", "name": "y"}', b'{"name": "x", "budgets": {"day": {"usd": 1, "usd": 2}}}']
)
def test_nothing_is_said_twice(body: bytes) -> None:
    with pytest.raises(Unreadable, match="more than once"):
        read_body(body, shapes.KeyCreate, JSON)


def test_what_takes_no_body_and_no_query() -> None:
    for body in (b"", b" ", b"{}"):
        no_body(body)
    with pytest.raises(Unreadable, match="no body"):
        no_body(b'{"a": 1}')
    assert read_query(b"", Nothing) == Nothing()
    with pytest.raises(Unreadable, match="Leave it out"):
        read_query(b"a=1", Nothing)
    with pytest.raises(Unreadable, match="given twice"):
        read_query(b"limit=1&limit=2", shapes.KeysQuery)

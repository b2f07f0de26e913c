"""Values are brought nearer to a schema without touching what fits already."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.gates.coercion import coerced

KINDS = {"string": st.text(max_size=5), "integer": st.integers(-99, 99), "boolean": st.booleans(), "null": st.none()}


@given(st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), KINDS[kind])))
def test_what_fits_is_not_touched(given: tuple[str, Any]) -> None:
    kind, value = given
    schema = {"properties": {"a": {"type": kind}}, "required": ["a"]}
    assert coerced({"a": value}, schema) == ({"a": value}, ())


@pytest.mark.parametrize(
    ("value", "schema", "made"),
    [
        ("12", {"type": "integer"}, 12),
        ("1.5", {"type": "number"}, 1.5),
        ("1e3", {"type": "number"}, 1000.0),
        (7, {"type": "string"}, "7"),
        (True, {"type": "string"}, True),
        ("yes", {"type": "boolean"}, "yes"),
        ("9" * 400, {"type": "integer"}, "9" * 400),
        ("12", {"type": ["integer", "string"]}, "12"),
        ({"a": "1"}, {"properties": {"a": {"type": "integer"}}}, {"a": 1}),
        (["1"], {"items": {"type": "integer"}}, [1]),
    ],
)
def test_types(value: Any, schema: dict[str, Any], made: Any) -> None:
    assert coerced(value, schema).value == made


def test_a_schema_that_turns_in_circles_ends() -> None:
    circle = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}
    assert coerced({"a": 1}, circle).value == {"a": 1}
    tree = {"type": "object", "properties": {"n": {"$ref": "#"}, "v": {"type": "integer"}}}
    made = coerced({"n": {"n": {"v": "3"}}}, tree).value
    assert made == {"n": {"n": {"v": 3}}}
    assert jsonschema.Draft202012Validator(tree).is_valid(made)

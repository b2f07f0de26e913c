"""JSON Schemas: what does not fit is named, nothing is fetched, and no schema costs more than it may."""

import socket
import subprocess
import sys

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.discern.gates.schemas import MOST_WORK, NotChecked, faults, work

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "tags": {"type": "array", "maxItems": 2}},
    "required": ["name"],
    "additionalProperties": False,
}


def raw(schema: object) -> bytes:
    return msgspec.json.encode(schema)


def test_faults_are_named_with_their_place() -> None:
    assert faults(raw(PERSON), {"name": "Ann", "age": 3}) == []
    told = " ".join(fault.words for fault in faults(raw(PERSON), {"age": "3", "x": 1}))
    assert "age: " in told
    assert "name" in told
    assert "x" in told


@given(
    st.dictionaries(
        st.sampled_from(["name", "age", "tags", "other"]),
        st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=3),
    )
)
def test_it_says_what_the_reference_implementation_says(value: dict[str, object]) -> None:
    assert (faults(raw(PERSON), value) == []) is jsonschema.Draft202012Validator(PERSON).is_valid(value)


def test_nothing_is_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        for reference in (f"http://127.0.0.1:{port}/schema", "file:///etc/passwd"):
            with pytest.raises(NotChecked, match="cannot be used"):
                faults(raw({"$ref": reference}), {})
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize("schema", [b"", b"[]", b"nonsense", raw({"type": "strin"}), raw({"pattern": "(?=a)b"})])
def test_a_schema_that_is_none_is_not_checked(schema: bytes) -> None:
    with pytest.raises(NotChecked):
        faults(schema, {})


def test_recursive_schemas_are_checked() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}, "n": {"type": "integer"}}}
    assert faults(raw(tree), {"left": {"right": {"n": 1}}, "right": {}}) == []
    assert faults(raw(tree), {"left": {"right": {"n": "x"}}})
    assert faults(raw({"$ref": "#"}), 1) == []


def test_references_that_multiply_are_refused_not_followed() -> None:
    doubled = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    schema = {"$ref": "#/$defs/d0", "$defs": {**doubled, "d60": {"type": "integer"}}}
    assert work(schema, 0) > MOST_WORK
    with pytest.raises(NotChecked, match="multiply"):
        faults(raw(schema), 1)
    branching = {"anyOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]}
    deep: object = 1
    for _ in range(60):
        deep = [deep]
    with pytest.raises(NotChecked, match="multiply"):
        faults(raw(branching), deep)


def test_patterns_take_linear_time() -> None:
    assert faults(raw({"pattern": "^(a+)+$"}), "a" * 100_000 + "b")


def test_without_the_library_nothing_is_said() -> None:
    code = (
        "import sys; sys.modules['jsonschema_rs'] = None\n"
        "from tenbin.discern.gates.schemas import faults, NotChecked\n"
        "try: faults(b'{}', 1)\n"
        "except NotChecked as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "tenbin[gates]" in ran.stdout


def test_it_is_imported_only_when_it_is_needed() -> None:
    code = (
        "import sys, tenbin.discern.gates.registry as r\n"
        "from tenbin.discern.gates.gate import Answer, Question\n"
        "r.judge(Question(prompt='Hi'), Answer(text='Hello there, friend of mine.'))\n"
        "print([m for m in ('jsonschema_rs', 'sqlglot', 'numpy') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

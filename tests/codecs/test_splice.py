"""Splicing: only the named fields change, byte for byte, whatever else the object holds."""

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tenbin.codecs.splice import fields, replace_model, splice, splice_items
from tenbin.core.problems import Unreadable

_KEYS = st.sampled_from(["model", "messages", "stream", 'quo"te', "日本", "back\\slash", "", "model\n"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)
_SPACE = st.text(alphabet=" \t\n\r", max_size=3)


@st.composite
def _written(draw: st.DrawFn, *, duplicates: bool = False) -> tuple[bytes, list[tuple[str, Any]]]:
    """A JSON object with odd white space and escapes, and its members in order."""
    members = draw(
        st.lists(st.tuples(_KEYS, _VALUES), max_size=6, unique_by=None if duplicates else (lambda member: member[0]))
    )
    ascii_only = draw(st.booleans())

    def space() -> str:
        return draw(_SPACE)

    texts = [
        f"{space()}{json.dumps(key, ensure_ascii=ascii_only)}{space()}:{space()}"
        f"{json.dumps(value, ensure_ascii=ascii_only, indent=draw(st.sampled_from([None, 1])))}{space()}"
        for key, value in members
    ]
    return f"{space()}{{{','.join(texts) or space()}}}{space()}".encode("utf-8", "surrogatepass"), members


@given(written=_written(), changes=st.dictionaries(_KEYS, st.none() | _VALUES, max_size=3))
def test_only_the_named_fields_change_and_the_order_stays(
    written: tuple[bytes, list[tuple[str, Any]]], changes: dict[str, Any]
) -> None:
    body, members = written
    # None in `changes` deletes, so a JSON null is put in as the text `null`, never as None.
    raw = {key: None if value is None else json.dumps(value).encode() for key, value in changes.items()}
    expected = [
        (key, changes.get(key, value)) for key, value in members if not (key in changes and changes[key] is None)
    ]
    known = {key for key, _ in members}
    expected += [(key, value) for key, value in changes.items() if key not in known and value is not None]
    got = json.loads(splice(body, raw), object_pairs_hook=list)
    assert got == json.loads(json.dumps(dict(expected)), object_pairs_hook=list)


@given(written=_written(), data=st.data())
def test_bytes_outside_a_replaced_value_are_untouched(
    written: tuple[bytes, list[tuple[str, Any]]], data: st.DataObject
) -> None:
    body, members = written
    assume(members)
    key = data.draw(st.sampled_from([key for key, _ in members]))
    value = bytes(fields(body)[key])
    marked = splice(body, {key: b'"\x01"'})
    assert marked.count(b'"\x01"') == 1
    assert marked.replace(b'"\x01"', value) == body
    assert splice(body, {}) is body
    assert splice(body, {"absent": None}) == body


@given(written=_written(duplicates=True), value=_VALUES)
def test_a_key_that_stands_twice_never_keeps_an_old_value(
    written: tuple[bytes, list[tuple[str, Any]]], value: Any
) -> None:
    body, _ = written
    for change in (json.dumps(value).encode(), None):
        pairs = json.loads(splice(body, {"model": change}), object_pairs_hook=list)
        values = [member for key, member in pairs if key == "model"]
        wanted = json.loads(json.dumps(value), object_pairs_hook=list)
        assert all(member == wanted for member in values)
        assert bool(values) == (change is not None)
        before = json.loads(body, object_pairs_hook=list)
        assert {key: member for key, member in pairs if key != "model"} == {
            key: member for key, member in before if key != "model"
        }


def test_the_same_text_deeper_down_is_left_alone() -> None:
    body = b'{"messages":[{"model":"x"}], "text":"\\"model\\":\\"x\\"" , "model" : "x", "metadata":{"model":"x"}}'
    assert splice(body, {"model": b'"y"'}) == body.replace(b'"model" : "x"', b'"model" : "y"')


def test_a_key_written_with_escapes_is_the_same_key() -> None:
    assert splice(b'{"mod\\u0065l":"x"}', {"model": b'"y"'}) == b'{"mod\\u0065l":"y"}'


def test_white_space_stays_where_it_was() -> None:
    body = b'{\n  "a": 1,\n  "b": 2\n}\n'
    assert splice(body, {"b": None}) == b'{\n  "a": 1}\n'
    assert splice(body, {"a": None}) == b'{\n  "b": 2\n}\n'
    assert splice(body, {"c": b"3"}) == b'{\n  "a": 1,\n  "b": 2,"c":3\n}\n'
    assert splice(b"{ }", {"c": b"3"}) == b'{"c":3 }'


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"[1]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"a":1,}', "not valid JSON"),
        (b'{"a":1} x', "not valid JSON"),
        (b'{"a":NaN}', "not valid JSON"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":["cut \\ud83d here"]}', "\\ud83d, one half of a surrogate pair"),
        (b'{"a":"\\ude00"}', "\\ude00, one half of a surrogate pair"),
        (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply"),
        (b'{"a":' + b'{"a":' * 200_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_said_in_plain_words(body: bytes, words: str) -> None:
    for read in (fields, lambda body: splice(body, {"a": b"1"})):
        with pytest.raises(Unreadable) as caught:
            read(body)
        assert words in caught.value.problem.message
        assert caught.value.problem.status == 400


@given(body=st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0eE+-.truefalsn ', max_size=40).map(str.encode))
def test_any_bytes_are_spliced_or_refused(body: bytes) -> None:
    try:
        result = splice(body, {"model": b'"y"', "gone": None})
    except Unreadable:
        return
    assert json.loads(result)["model"] == "y"


@given(values=st.lists(_VALUES, max_size=6), data=st.data())
def test_items_of_an_array_are_changed_and_taken_out(values: list[Any], data: st.DataObject) -> None:
    space = data.draw(_SPACE)
    array = f"{space}[{space}{f'{space},{space}'.join(json.dumps(value) for value in values)}{space}]{space}".encode()
    changes = data.draw(st.dictionaries(st.integers(0, 6), st.none() | _VALUES.filter(lambda value: value is not None)))
    raw = {index: None if value is None else json.dumps(value).encode() for index, value in changes.items()}
    expected = [
        changes.get(index, value)
        for index, value in enumerate(values)
        if index not in changes or changes[index] is not None
    ]
    assert splice_items(array, {}) == array
    assert json.loads(splice_items(array, raw)) == json.loads(json.dumps(expected))


def test_a_whole_surrogate_pair_is_not_taken_for_half_of_one() -> None:
    with pytest.raises(Unreadable) as caught:
        fields(b'{"a":"\\ud83d\\ude00", "b":"\\\\ud83d",}')
    assert "surrogate" not in caught.value.problem.message


@given(
    members=st.lists(
        st.tuples(
            st.sampled_from(['"model"', '"mod\\u0065l"', '"a"', '"b"']), st.sampled_from(['"x"', '{"model":"x"}', "1"])
        ),
        max_size=4,
    ),
    space=_SPACE,
)
def test_the_model_that_a_provider_reads_is_the_one_put_in(members: list[tuple[str, str]], space: str) -> None:
    members = [*members, ('"model"', '"x"')]
    for first in (members, members[::-1]):
        body = f"{space}{{{space}{f'{space},'.join(f'{key}{space}:{value}' for key, value in first)}{space}}}".encode()
        read = json.loads(body)
        if read["model"] != "x":
            continue
        assert json.loads(replace_model(body, "x", "y/é")) == {**read, "model": "y/é"}


def test_a_model_named_first_is_replaced_in_place_and_all_else_stays() -> None:
    body = b' {"model" : "x",  "messages":[{"content":"\\"model\\":\\"x\\""}]} '
    assert replace_model(body, "x", "y") == body.replace(b'"x"', b'"y"', 1)

"""Letters that are written as escapes are found all the same."""

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.escapes import escaped_letters, unescaped, whole_number, word

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=ANY_JSON)
def test_what_is_said_stays_the_same(value: object) -> None:
    for raw in (msgspec.json.encode(value), json.dumps(value).encode()):
        assert msgspec.json.decode(unescaped(raw)) == value


@given(text=st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x40), min_size=1))
def test_every_escaped_letter_is_counted_and_found(text: str) -> None:
    escaped = b'"%b"' % b"".join(b"\\u%04X" % ord(letter) for letter in text)
    assert escaped_letters(escaped) == len(text)
    assert unescaped(escaped) == msgspec.json.encode(text)
    assert word(escaped) == text


def test_what_has_no_escaped_letter_is_left_as_it_is() -> None:
    for raw in (b'[ "image",\t"\\u00e9\\u3042" ]', b"no JSON \\u0041", b""):
        assert unescaped(raw) == raw


def test_numbers_are_read_as_lenient_servers_read_them() -> None:
    read = {
        b"3": 3,
        b"3.0": 3,
        b"2.1": 3,
        b'"4"': 4,
        b"1e2": 100,
        b"-1": -1,
        b"null": None,
        b"true": None,
        b"[1]": None,
    }
    assert {raw: whole_number(raw) for raw in read} == read
    assert whole_number(b'"nan"') is None
    assert whole_number(b"1e999") in (None, 10**15)

"""Lenient decoding of what providers stream."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tenbin.codecs.openai_json import decoded


@given(st.recursive(st.none() | st.integers(-(2**40), 2**40) | st.text(), lambda inner: st.lists(inner, max_size=3)))
def test_sound_json_is_what_it_is(value: object) -> None:
    assert decoded(json.dumps(value).encode()) == value


def test_half_an_emoji_is_replaced() -> None:
    assert decoded(b'"a\\ud83d"') == "a\ufffd"
    assert decoded(b'"\\ude00b\\ud83d\\ude00"') == "\ufffdb\U0001f600"
    assert decoded(b'"\\\\ud83d \\ud83dx"') == "\\ud83d \ufffdx"
    assert decoded(b'"\xff"') == "\ufffd"


def test_what_is_no_json_is_none() -> None:
    assert decoded(b"{") is None
    assert decoded(b"[" * 100_000) is None


@given(st.binary())
def test_no_bytes_raise(data: bytes) -> None:
    decoded(data)

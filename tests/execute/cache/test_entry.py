"""Entries survive being written down; an answer's deltas mean the same after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.answer import Ping, TextDelta
from tenbin.execute.cache.entry import Unusable, is_whole, packed, read, unpacked, words, written
from tests.execute.cache.making import an_entry, deltas


@given(st.text(max_size=40))
def test_words_are_the_same_however_they_were_cut(text: str) -> None:
    answer = deltas(text)
    again = unpacked(packed([answer[0], Ping(), *answer[1:]]))
    assert words(again) == text
    assert sum(isinstance(delta, TextDelta) for delta in again) == (1 if text else 0)
    assert (again[0], again[-1]) == (answer[0], answer[-1])
    assert is_whole(again)
    assert not is_whole(again[:-1])
    assert not is_whole([])


def test_an_entry_survives_being_written_down() -> None:
    entry = an_entry(raw=b"\x00\xff", question="ハッシュ表とは", partition="p", tags=("a", "b"), cost_nano=None)
    assert read(written(entry)) == entry


@pytest.mark.parametrize("data", [b"", b"nonsense", written(an_entry(version=99)), written(an_entry())[:-3]])
def test_what_is_no_entry_is_told(data: bytes) -> None:
    with pytest.raises(Unusable):
        read(data)
    with pytest.raises(Unusable):
        unpacked(b"\x93\x01")

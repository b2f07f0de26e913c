"""Our WordPiece gives the very numbers that the library does which the model was trained with."""

import unicodedata
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import BertWordPieceTokenizer

from tenbin.discern.embedding.wordpiece import END, START, pieces, vocabulary, words


@cache
def reference() -> BertWordPieceTokenizer:
    return BertWordPieceTokenizer(vocabulary(), lowercase=True)


def is_settled(letter: str) -> bool:
    """Of the same kind in every version of Unicode: the library has an older one than Python."""
    return unicodedata.ucd_3_2_0.category(letter) == unicodedata.category(letter)


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cn"]).filter(is_settled), max_size=100) | st.text(
    st.sampled_from("Aaéñüßİǅ火星はカタ１２ #$-'`~\t\n\r\x00\x85\u00a0\u200b\u3000\ufffdﷺ가क्षि👨‍👩‍👧")
)


@given(TEXTS)
@example("How do I reverse a list in Python 3.11, e.g. [1, 2]?")
@example("naïve café ÅNGSTRÖM straße")
@example("x" * 101 + " " + "y" * 100)
@example("10²³ ½ ﬁne")
@settings(max_examples=300, deadline=None)
def test_agrees_with_the_library(text: str) -> None:
    assert pieces(text, 100_000) == reference().encode(text).ids


@given(TEXTS, st.integers(2, 40))
@settings(deadline=None)
def test_a_cut_text_begins_like_the_whole_one(text: str, most: int) -> None:
    whole = pieces(text, 100_000)
    cut = pieces(text, most)
    assert len(cut) == min(most, len(whole))
    assert (cut[0], cut[-1]) == (START, END)
    assert cut[:-1] == whole[: len(cut) - 1]


@pytest.mark.parametrize(
    ("text", "expected"), [("Don't!", ["don", "'", "t", "!"]), ("Café 東京", ["cafe", "東", "京"]), ("", [])]
)
def test_words(text: str, expected: list[str]) -> None:
    assert list(words(text)) == expected

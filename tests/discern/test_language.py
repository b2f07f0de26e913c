"""Which language a text is written in, by its letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenbin.core.features import Language
from tenbin.discern.features import read
from tenbin.discern.language import language

TEXTS: list[tuple[str, Language]] = [
    ("", "en"),
    ("12345 !?", "en"),
    ("Hello, how are you?", "en"),
    ("The word 天秤 means a pair of scales in Japanese.", "en"),
    ("def f(x):\n    return x + 1", "en"),
    ("こんにちは", "ja"),
    ("ｶﾀｶﾅ", "ja"),
    ("ヶ", "en"),
    ("三ヶ月で終わります", "ja"),
    (
        "このコードをリファクタリングしてください。\ndef total(items):\n    return sum(item.price for item in items)",
        "ja",
    ),
    ("契約書レビュー", "ja"),
    ("東京都", "ja"),
    ("東京都渋谷区神南", "ja"),
    ("「決算報告」", "ja"),
    ("请把下面这段文字翻译成英文，并且解释其中每一个词语的意思和用法，谢谢您的帮助。", "other"),
    ("안녕하세요, 도와주세요", "other"),
    ("Привет, как дела?", "other"),
    ("مرحبا كيف حالك", "other"),
    ("Où est la bibliothèque où l'étudiant a été reçu à l'été ?", "other"),
    ("A café is a naïve place to meet, or so some English people seem to think", "en"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_script_tells_the_language(text: str, expected: Language) -> None:
    assert language(text) == expected


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_counting_over_arrays_says_the_same(text: str, expected: Language) -> None:
    assert read(text).language == expected


@given(st.text(max_size=200))
def test_both_ways_of_counting_agree_on_any_text(text: str) -> None:
    assert read(text).language == language(text)


def test_both_ways_of_counting_agree_on_every_character() -> None:
    differ = [hex(code) for code in range(0x10000) if read(chr(code) * 30).language != language(chr(code) * 30)]
    assert not differ

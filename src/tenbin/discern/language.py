"""2. Which language a text is written in, told by its script alone: kana is Japanese, Latin letters are English.

Of a few counts, so that it costs nothing beside them; words are not looked at.
"""

from tenbin.core.features import Language

_KANA_SHARE = 0.05
"""Kana among the letters from which on a text is Japanese though Latin letters prevail: code under a Japanese question
has many Latin letters, an English sentence that quotes a Japanese word has few kana."""
_OTHER_SHARE = 0.3
"""Letters of other scripts, or Han letters without kana, from which on a text is of another language."""
_FEW = 24
"""Han letters that may stand without kana in Japanese: a headline, a label, a name. Longer text of Han letters alone is
Chinese."""


def language_of_counts(latin: int, accented: int, kana: int, han: int, japanese: int, other: int) -> Language:
    """The language by how many letters of each script there are.

    ``latin`` counts a-z, ``accented`` other Latin letters, ``kana`` hiragana and katakana, ``han`` Chinese characters,
    ``japanese`` signs that only Japanese typesets (JAPANESE_SIGNS), ``other`` letters of every other script.
    """
    letters = latin + accented + kana + han + other
    if letters == 0:
        return "en"
    if other > _OTHER_SHARE * letters:
        return "other"
    if kana and kana + han > _KANA_SHARE * letters and kana >= 0.04 * han:
        return "ja"
    if han > _OTHER_SHARE * letters:
        return "ja" if han <= _FEW and (japanese or latin + han <= _FEW) else "other"
    return "other" if accented > 0.05 * letters else "en"


def language(text: str) -> Language:
    """The language of a text, letter by letter: for texts that no other count was made of."""
    if text.isascii():
        return "en"
    latin = accented = kana = han = japanese = other = 0
    for letter in text:
        code = ord(letter)
        if code < 0x80:
            latin += letter.isalpha()
        elif letter in JAPANESE_SIGNS:
            japanese += 1
        elif 0xFF21 <= code <= 0xFF3A or 0xFF41 <= code <= 0xFF5A:
            latin += 1
        elif 0x3041 <= code <= 0x3096 or 0x30A1 <= code <= 0x30FA or 0xFF66 <= code <= 0xFF9D:
            kana += 1
        elif 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF:
            han += 1
        elif 0xC0 <= code < 0x250:
            accented += letter not in "×÷"
        elif 0x370 <= code < 0x2000 or 0xA000 <= code < 0xD800 or 0xFB00 <= code < 0xFE00:
            other += 1
    return language_of_counts(latin, accented, kana, han, japanese, other)


JAPANESE_SIGNS = "「」『』・ー々〇〜〆ヶ"
"""Signs that Japanese typesets and Chinese does not, or hardly."""

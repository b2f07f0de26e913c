"""2. What kind of character each code point is, and how hashing sees it: the tables under features, made once.

Imports numpy, as features does.
"""

import numpy as np
from numpy.typing import NDArray

from tenbin.discern.language import JAPANESE_SIGNS

# Classes of characters.
(
    OTHER,
    LOWER,
    UPPER,
    DIGIT,
    SPACE,
    NEWLINE,
    HIRAGANA,
    KATAKANA,
    HAN,
    ACCENTED,
    FOREIGN,
    JAPANESE,
    STOP,
    COMMA,
    QUESTION,
    EXCLAMATION,
    OPERATOR,
    BRACKET,
    BRACE,
    QUOTE,
    COLON,
    UNDERSCORE,
    BACKSLASH,
    BACKTICK,
    DOLLAR,
) = range(25)
CLASSES = 25


def _classes() -> NDArray[np.uint8]:
    """The class of every code point up to 0xFFFF; what lies beyond is read as 0xFFFF."""
    table = np.zeros(0x10000, np.uint8)
    table[0xC0:0x250] = ACCENTED
    table[0x370:0x2000] = FOREIGN
    table[0xA000:0xD800] = FOREIGN
    table[0xF900:0xFB00] = HAN
    table[0xFB00:0xFE00] = FOREIGN
    table[0x3400:0xA000] = HAN
    table[0x3041:0x3097] = HIRAGANA
    table[0x30A1:0x30FB] = KATAKANA
    table[0xFF66:0xFF9E] = KATAKANA
    for letters, kind in [
        ("abcdefghijklmnopqrstuvwxyzａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ", LOWER),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ", UPPER),
        ("0123456789０１２３４５６７８９", DIGIT),
        (" \t\u00a0\u3000\u2009\u200b", SPACE),
        ("\n\r\u2028\u2029", NEWLINE),
        (JAPANESE_SIGNS, JAPANESE),
        (".。．", STOP),
        (",、，;；", COMMA),
        ("?？", QUESTION),
        ("!！", EXCLAMATION),
        ("+-*/=<>^%|&~×÷≤≥＝＋−", OPERATOR),
        ("()[]（）［］【】", BRACKET),
        ("{}", BRACE),
        ("\"'“”‘’", QUOTE),
        (":：", COLON),
        ("_", UNDERSCORE),
        ("\\", BACKSLASH),
        ("`", BACKTICK),
        ("$¥￥€£", DOLLAR),
    ]:
        table[[ord(letter) for letter in letters]] = kind
    return table


def _folded() -> NDArray[np.uint16]:
    """Every code point as hashing sees it: small, half width, each digit the same, every blank a space."""
    table = np.arange(0x10000, dtype=np.uint16)
    table[0xFF01:0xFF5F] = np.arange(0x21, 0x7F)
    kinds = CLASS
    upper = kinds == UPPER
    table[upper] = table[upper] | 0x20
    table[kinds == DIGIT] = ord("0")
    table[(kinds == SPACE) | (kinds == NEWLINE)] = ord(" ")
    table[:0x20] = ord(" ")
    return table


CLASS = _classes()
"""Of every code point."""
FOLD = _folded()
"""Of every code point."""
_WORD_CLASS = np.isin(np.arange(256), [LOWER, UPPER, DIGIT, ACCENTED, FOREIGN, UNDERSCORE])
IN_WORD = _WORD_CLASS[CLASS]
"""Whether a code point is part of a blank-separated word."""

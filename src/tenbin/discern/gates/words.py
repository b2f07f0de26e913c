"""7. The words of a text in any language, counted: letters between blanks, and pairs of signs where there are no
blanks.
"""

import re
import unicodedata
from collections import Counter

_PIECE = re.compile(r"[぀-ヿ㐀-鿿ｦ-ﾟ々〆]+|[^\W_]+")
_JAPANESE = re.compile(r"[぀-ヿ㐀-鿿々〆]")

_STOP_WORDS = (
    "a an the of to in on at for with and or is are was were be been it its this that these those i you he she we they",
    "my your his her our their me him them what which who how when where why do does did can could will would should",
    "may might must have has had not no yes as by from if so than then there here about into over under more most some",
    "any all only just also please answer write give make tell explain question",
)
STOP_WORDS = frozenset(word for line in _STOP_WORDS for word in line.split())
"""English words that say nothing of what a text is about."""


def words(text: str) -> Counter[str]:
    """Small, in one width. Japanese and Chinese come as pairs of neighbouring signs, a lone sign as itself."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    found: Counter[str] = Counter()
    for piece in _PIECE.findall(plain):
        if _JAPANESE.match(piece):
            found.update([piece] if len(piece) == 1 else [piece[at : at + 2] for at in range(len(piece) - 1)])
        else:
            found[piece] += 1
    return found


def content_words(text: str) -> set[str]:
    """The words that say what a text is about: no stop words, no single letters, no pairs of hiragana only. Words are
    cut to six letters, so that their endings do not count.
    """
    return {
        word[:6]
        for word in words(text)
        if word not in STOP_WORDS and len(word) > 1 and not all("぀" <= letter <= "ゟ" for letter in word)
    }

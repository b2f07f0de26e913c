"""2. A text as the guard compares it: normalised once, its numbers, identifiers, quotes, names and words set apart.

Pure; a reading depends on the text alone, so the last few thousand are remembered.
"""

import re
import unicodedata
from functools import lru_cache

import msgspec

from tenbin.discern.guard.english import COUNTRY, DAY, MEASURED, canonical, question_of
from tenbin.discern.guard.english_words import ASKING, FUNCTION_WORDS, NEGATORS, OPENING, PHRASES
from tenbin.discern.guard.japanese import JapaneseReading, read_japanese
from tenbin.discern.guard.numbers import (
    CARDINALS,
    CURRENCIES,
    ORDINALS,
    SCALES,
    UNIT,
    digits_for_kanji,
    written_in_digits,
    written_in_words,
)

_QUOTED = re.compile(r"\"([^\"\n]{1,300})\"|「([^」]{1,300})」|『([^』]{1,300})』|(?<![\w'])'([^'\n]{2,300})'(?![\w'])")
_TOKEN = re.compile(r"--?[A-Za-z][\w-]+|[A-Za-zÀ-ɏ0-9_]+(?:['.\-/&+@:\\][A-Za-zÀ-ɏ0-9_]+)*(?:\(\)|\+\+|#)?")
_PARTS = re.compile(r"[a-zà-ɏ0-9]+")
_DIGIT = re.compile(r"\d")
_CAMEL = re.compile(r"[a-z][A-Z]")
_CAPITALS = {"US": "usa", "IT": "information-technology", "WHO": "world-health-organization"}
"""Words in capitals that are not the words they look like."""
_BRAND = re.compile(r"[a-z][A-Z][a-z]*s?$|[A-Z]+s$|[A-Z][a-z]+[A-Z]s?$")
_LISTED = re.compile(r"^(?:\d{1,2}[.)]|[a-z][)]|[-*•]) +")
_OPERATORS = re.compile(r"[+*^=<>×÷√∫]|(?<=\d)\s*[-/]\s*(?=\d)|(?<![\w)])-(?=\d)")
_JAPANESE = re.compile(r"[ぁ-ゟァ-ヿ一-鿿]")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-"})
_BLANKS = re.compile(r"\s+")
_ENDS = " .?!。、,;:…~"
_PHRASE = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, PHRASES), key=len, reverse=True)) + r")\b(?!['-])", re.IGNORECASE
)
_REMEMBERED = 2_048  # readings


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What the guard compares of one text."""

    plain: str
    """NFKC, small letters, single blanks, no punctuation at the ends: texts that are equal here are the same."""
    numbers: frozenset[tuple[str, str]]
    """Value and unit."""
    values: tuple[str, ...]
    """The numbers in their order."""
    weak_numbers: frozenset[str]
    """What words such as `one` and `second` may stand for."""
    operators: str
    identifiers: frozenset[str]
    """Names of code, paths and flags, in small letters."""
    quoted: frozenset[str]
    names: frozenset[str]
    """Words that a capital marks, in small letters."""
    days: frozenset[str]
    words: tuple[str, ...]
    """English content words in order, each in its canonical spelling."""
    spoken: frozenset[str]
    """Every English word and part of an identifier, as written and in its canonical spelling."""
    tokens: tuple[str, ...]
    """The English words in small letters, in order."""
    negated: bool
    question: str
    asks: bool
    """Whether it is a question: it has a question mark or a question word."""
    japanese: JapaneseReading | None


def normalised(text: str) -> str:
    """NFKC with plain apostrophes, quotes and dashes, single blanks; capitals stay."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    return _LISTED.sub("", _BLANKS.sub(" ", text).strip(_ENDS))


def _is_identifier(token: str) -> bool:
    if "_" in token or "()" in token or "\\" in token or "::" in token or "@" in token or token.startswith("--"):
        return True
    if _CAMEL.search(token) and not _BRAND.match(token):
        return True
    if "." in token or "/" in token:
        parts = re.split(r"[./]", token)
        if "." not in token:
            return len(parts) > 2
        return any(len(part) > 1 for part in parts) and not token[0].isdigit()
    return token[0].isalpha() and _DIGIT.search(token) is not None


class _Words:
    """What is gathered while the words of a text are gone through once.

    ``counting``: the word before was a number, so that this one may be its unit.
    """

    __slots__ = ("counting", "days", "identifiers", "names", "negated", "spoken", "tokens", "words")

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.words: list[str] = []
        self.spoken: set[str] = set()
        self.names: set[str] = set()
        self.days: set[str] = set()
        self.identifiers: set[str] = set()
        self.negated = False
        self.counting = False

    def identifier(self, token: str) -> None:
        small = token.lower()
        self.identifiers.add(small)
        self.tokens.append(small)
        for part in _PARTS.findall(small):
            self.spoken.add(part)
            if not part.isdigit():
                self.words.append(canonical(part))
                self.spoken.add(self.words[-1])

    def number(self, token: str) -> None:
        self.tokens.append(token)
        self.counting = True

    def word(self, small: str) -> None:
        self.tokens.append(small)
        self.spoken.add(small)
        if small.endswith("n't") or small in NEGATORS:
            self.negated = self.negated or len(self.tokens) > 1
            return
        if "'" in small:
            small = small[: small.index("'")]
            self.spoken.add(small)
        if small in DAY:
            self.days.add(DAY[small])
            return
        if small in ("yes", "no") and len(self.tokens) == 1:
            return
        counting, self.counting = self.counting, False
        if small in CARDINALS or small in SCALES or small in ORDINALS:
            self.counting = True
            return
        if counting and small in UNIT:
            return
        if small in MEASURED and len(self.tokens) > 1 and self.tokens[-2] == "how":
            small = MEASURED[small]
        meaning = COUNTRY.get(small) or (UNIT[small] if small in CURRENCIES else canonical(small))
        self.spoken.add(meaning)
        if small in FUNCTION_WORDS or (small in ASKING and len(self.tokens) <= OPENING):
            return
        self.words.append(meaning)


def _words(text: str) -> _Words:
    found = _Words()
    shouted = text.isupper()
    capitals = 0
    candidates: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        first = token[0]
        if first.isdigit():
            found.number(token)
            for part in _PARTS.findall(token.lower())[1:]:
                if part.isalpha():
                    found.word(part)
            continue
        plain = token.isalpha() and (token.islower() or token[1:].islower())
        if not plain and _is_identifier(token):
            found.identifier(token)
            continue
        small = _CAPITALS.get(token, "") if not shouted else ""
        small = small or token.lower()
        if first.isupper():
            capitals += 1
            before = text[max(0, match.start() - 4) : match.start()].rstrip(" \"'([")
            opens = match.start() == 0 or not before or before[-1] in ".?!:;\n-"
            acronym = len(token) > 1 and token.isupper()
            if (
                not shouted
                and (acronym or not opens)
                and small not in FUNCTION_WORDS
                and small not in CURRENCIES
                and not token.startswith("I'")
            ):
                candidates.append(small.removesuffix("'s"))
        if "." in small:
            small = small.replace(".", "")
        if "-" in small or "/" in small or "&" in small or "+" in small:
            found.spoken.add(small)
            for part in _PARTS.findall(small):
                found.word(part)
        else:
            found.word(small)
    if capitals <= 3 or capitals < 0.7 * len(found.tokens):
        for name in candidates:
            found.names.update(_PARTS.findall(name) if "'" not in name else [name])
    return found


@lru_cache(maxsize=_REMEMBERED)
def read(text: str) -> Reading:
    """The reading of a text. Costs some 30 microseconds for a question, nothing when it was read lately."""
    cased = normalised(text)
    plain = cased.lower()
    japanese = None if plain.isascii() or not _JAPANESE.search(plain) else True
    if japanese:
        plain = digits_for_kanji(plain)
    quoted = (
        frozenset(next(part for part in groups if part).strip(_ENDS).lower() for groups in _QUOTED.findall(cased))
        if ('"' in cased or "「" in cased or "『" in cased or "'" in cased)
        else frozenset()
    )
    if any(map(plain.__contains__, PHRASES)):
        found = _words(_PHRASE.sub(lambda match: PHRASES[match[1].lower()], cased))
    else:
        found = _words(cased)
    numbers, weak = written_in_words(found.tokens)
    if _DIGIT.search(plain):
        numbers += written_in_digits(plain)
    in_japanese = read_japanese(plain) if japanese else None
    return Reading(
        plain=plain,
        numbers=frozenset(numbers),
        values=tuple(value for value, _ in numbers),
        weak_numbers=weak,
        operators="".join(sorted("".join(_OPERATORS.findall(plain)).replace(" ", ""))) if numbers else "",
        identifiers=frozenset(found.identifiers),
        quoted=quoted,
        names=frozenset(found.names),
        days=frozenset(found.days),
        words=tuple(found.words),
        spoken=frozenset(found.spoken),
        tokens=tuple(found.tokens),
        negated=found.negated or (in_japanese is not None and in_japanese.negated),
        asks="?" in text or "？" in text or (in_japanese is None and question_of(found.tokens) != ""),
        question=in_japanese.question if in_japanese else question_of(found.tokens),
        japanese=in_japanese,
    )

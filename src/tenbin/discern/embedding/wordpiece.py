"""2. WordPiece as BERT's uncased models read text: lower case, no accents, words cut into the longest known pieces.

The vocabulary beside this module is that of Google's BERT-Base, Uncased (Apache-2.0), with which all-MiniLM-L6-v2 was
trained. Algorithm: github.com/google-research/bert, tokenization.py; where they differ, Hugging Face's BertNormalizer.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

FILE = "bert_uncased.txt"
"""Beside this module: a piece per line, its number the line's, from 0."""

UNKNOWN, START, END = 100, 101, 102
"""[UNK], [CLS] and [SEP]."""
LONGEST_WORD = 100
"""Characters: a longer word is unknown."""

_ASCII_WORDS = re.compile(r"[a-z0-9]+|[!-/:-@\[-`{-~]")
_ASCII_CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127))
"""Not read. Tab, line feed and carriage return are spaces."""
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")

_HAN = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
"""Each of these is a word of its own. Kana is not among them."""


@cache
def vocabulary() -> dict[str, int]:
    """Each piece's number; pieces that continue a word begin with ``##``."""
    text = files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    return {piece: number for number, piece in enumerate(text.split("\n")[:-1])}


def words(text: str) -> Iterator[str]:
    """The words and single punctuation marks of a text, normalised."""
    if text.isascii():
        yield from _ASCII_WORDS.findall(text.translate(_ASCII_CONTROL).lower())
        return
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFD", "".join(_spaced(text)))
        if unicodedata.category(letter) != "Mn"
    ).lower()
    for run in bare.split():
        word = ""
        for letter in run:
            if letter in _PUNCTUATION or unicodedata.category(letter)[0] == "P":
                if word:
                    yield word
                yield letter
                word = ""
            else:
                word += letter
        if word:
            yield word


def _spaced(text: str) -> Iterator[str]:
    """Its characters without those that control, Han characters set apart."""
    for letter in text:
        code = ord(letter)
        if code < 0x80:
            if code >= 32 and code != 127:
                yield letter
            elif letter in "\t\n\r":
                yield " "
        elif any(first <= code <= last for first, last in _HAN):
            yield f" {letter} "
        elif code != 0xFFFD and (kind := unicodedata.category(letter)[0]) != "C":
            yield " " if kind == "Z" else letter


def pieces(text: str, most: int) -> list[int]:
    """The numbers of a text's pieces, with START and END around them; no more than ``most`` in all.

    A list of ``most`` numbers may be that of a text that was cut: ask for one more to know.
    """
    known = vocabulary()
    numbers = [START]
    for word in words(text):
        whole = known.get(word)
        if whole is not None:
            numbers.append(whole)
        else:
            numbers += _cut(word, known)
        if len(numbers) >= most:
            del numbers[most - 1 :]
            break
    numbers.append(END)
    return numbers


def _cut(word: str, known: dict[str, int]) -> list[int]:
    """A word's pieces, each the longest that the vocabulary knows; UNKNOWN alone where some part of it is not known."""
    if len(word) > LONGEST_WORD:
        return [UNKNOWN]
    numbers = []
    start, size = 0, len(word)
    while start < size:
        mark = "##" if start else ""
        for end in range(size, start, -1):
            number = known.get(mark + word[start:end])
            if number is not None:
                break
        else:
            return [UNKNOWN]
        numbers.append(number)
        start = end
    return numbers

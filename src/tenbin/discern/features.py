"""2. A text as numbers: counts that people would look at, and hashed words and letter groups.

Everything is computed over arrays of code points, so that a text costs a few dozen array operations whatever it says.
Imports numpy: only what was asked to discern imports this module.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tenbin.core.features import Language
from tenbin.discern import characters as char
from tenbin.discern.keywords import GROUPS, JAPANESE_KEYWORDS, KEYWORDS
from tenbin.discern.language import language_of_counts

MOST_CHARACTERS = 6_000
"""What is read of a text, two thirds from its head and one third from its tail."""
GRAM_CHARACTERS = 900
"""Of which words and letter groups are hashed, likewise: what is asked stands at the head or at the end."""
EDGE_WORDS = 14
"""Words at each end that are hashed a second time, as standing there."""
BITS = 15
"""Buckets of the hash: 2**BITS."""

Floats = NDArray[np.float32]
Codes = NDArray[np.uint16]
Hashes = NDArray[np.uint64]
Places = NDArray[np.intp]

# A text's n-grams are hashed by one polynomial over all its code points, mod 2**64: the hash of a stretch is the
# difference of two prefix sums, moved back to the same place by the inverse of the base's power.
_BASE = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_MIX = np.uint64(0xD6E8FEB86659FD93)
_SHIFT = np.uint64(64 - BITS)
_SALT = [np.uint64(number * 0x2545F4914F6CDD1D & _MASK) for number in range(1, 9)]


def _powers(base: int, count: int) -> NDArray[np.uint64]:
    powers = np.empty(count, np.uint64)
    value = 1
    for index in range(count):
        powers[index] = value
        value = value * base & _MASK
    return powers


_POWER = _powers(_BASE, MOST_CHARACTERS + 2)
_INVERSE = _powers(pow(_BASE, -1, 1 << 64), MOST_CHARACTERS + 2)

_PAIR = 0xC2B2AE3D27D4EB4F
_PAIR_FACTOR = np.uint64(_PAIR)


def _word_hash(word: str) -> int:
    """The hash of one folded word, as a stretch of a text has it."""
    return sum(ord(letter) * pow(_BASE, index, 1 << 64) for index, letter in enumerate(word)) & _MASK


def _keyword_table() -> tuple[NDArray[np.uint64], Floats]:
    """Hashes of the keywords, sorted, and for each the groups that name it, 0 or 1."""
    groups: dict[int, list[int]] = {}
    for word, group in KEYWORDS:
        first, _, second = word.partition("_")
        hashed = _word_hash(first) if not second else (_word_hash(first) * _PAIR + _word_hash(second)) & _MASK
        groups.setdefault(hashed, []).append(group)
    hashes = sorted(groups)
    member = np.zeros((len(hashes), len(GROUPS)), np.float32)
    for row, hashed in enumerate(hashes):
        member[row, groups[hashed]] = 1
    return np.array(hashes, np.uint64), member


_KEYWORD_HASHES, _KEYWORD_GROUPS = _keyword_table()


def _japanese_table() -> tuple[NDArray[np.uint64], dict[int, list[tuple[str, int]]]]:
    """Hashes of the Japanese words' first two characters, sorted, and the words by place; those of one, at -1."""
    words: dict[int, list[tuple[str, int]]] = {}
    for word, group in JAPANESE_KEYWORDS:
        hashed = _word_hash(word[:2]) if len(word) > 1 else -1
        words.setdefault(hashed, []).append((word, group))
    single = words.pop(-1, [])
    hashes = sorted(words)
    return np.array(hashes, np.uint64), {-1: single} | {place: words[hashed] for place, hashed in enumerate(hashes)}


_BEGINNINGS, _WORDS_BEGINNING = _japanese_table()

LINEAR_NAMES = (
    "characters",
    "words",
    "lines",
    "blank_lines",
    "first_line",
    "last_line",
    "options",
    "option_length",
    "option_digits",
    "stem",
    "numbers",
    "number_length",
    "word_length",
    "distinct_words",
    "capitalised",
    "sentences",
    "sentence_length",
    "blanks_to_fill",
    "prompt_before",
    "longest_number",
    "option_spread",
    "asks",
    "option_words",
    "distinct_grams",
)
NAMES: tuple[str, ...] = (
    *LINEAR_NAMES,
    *(f"class_{index}" for index in range(char.CLASSES)),
    *(f"group_{name}" for name in GROUPS),
)
"""Names of the counts, in their order."""


_DISTINCT = NAMES.index("distinct_grams")
_ASKS = bytes([char.QUESTION])


class Reading(NamedTuple):
    """One text as numbers."""

    counts: Floats
    """NAMES: logarithms of counts and shares."""
    grams: Places
    """Buckets of the hashed words and letter groups that occur, each once, rising."""
    language: Language
    options: int
    """Of a multiple-choice question; 0 when it is none."""


def sampled(text: str, most: int) -> str:
    """Head and tail of a text, two thirds and one third, when it is longer than ``most`` characters."""
    if len(text) <= most:
        return text
    tail = most // 3
    return text[: most - tail] + text[-tail:]


def read(text: str) -> Reading:
    """Count and hash a text (any length, any characters; at most MOST_CHARACTERS of it are looked at)."""
    text = sampled(text, MOST_CHARACTERS)
    wide = np.frombuffer((text or " ").encode("utf-32-le", "surrogatepass"), np.uint32)
    codes = np.minimum(wide, 0xFFFF).astype(np.uint16)
    kinds = char.CLASS[codes]
    number = np.bincount(kinds, minlength=char.CLASSES)
    folded = char.FOLD[codes]
    starts, ends = _stretches(char.IN_WORD[codes])
    prefix = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum(folded * _POWER[: len(codes)], out=prefix[1:])
    words = (prefix[ends] - prefix[starts]) * _INVERSE[starts]
    pairs = words[:-1] * _PAIR_FACTOR + words[1:]
    cjk = int(number[char.HIRAGANA] + number[char.KATAKANA] + number[char.HAN])
    shape, options = _shape(codes, kinds, number, starts, ends, words)
    twos = _stretch_hashes(prefix, 0, len(codes), 2) if cjk else prefix[:0]
    groups = _keyword_counts(words, pairs, twos, text if cjk else "")
    counts = np.concatenate((shape, np.sqrt(number / len(codes)), np.log1p(groups))).astype(np.float32)
    language = language_of_counts(
        int(number[char.LOWER] + number[char.UPPER]),
        int(number[char.ACCENTED]),
        int(number[char.HIRAGANA] + number[char.KATAKANA]),
        int(number[char.HAN]),
        int(number[char.JAPANESE]),
        int(number[char.FOREIGN]),
    )
    grams = _grams(prefix, starts, words, pairs, bool(cjk))
    counts[_DISTINCT] = 8 * len(grams) / min(len(codes), GRAM_CHARACTERS)
    return Reading(counts, grams, language, options)


def _stretches(inside: NDArray[np.bool_]) -> tuple[Places, Places]:
    """Where the stretches of true begin, and where they end."""
    padded = np.zeros(len(inside) + 2, np.int8)
    padded[1:-1] = inside
    steps = padded[1:] - padded[:-1]
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def _keyword_counts(words: Hashes, pairs: Hashes, twos: Hashes, japanese: str) -> Floats:
    """How many words of each group a text has; Japanese ones, of which ``twos`` tells the beginnings, once each."""
    found = np.concatenate((words, pairs))
    places = np.minimum(np.searchsorted(_KEYWORD_HASHES, found), len(_KEYWORD_HASHES) - 1)
    groups: Floats = _KEYWORD_GROUPS[places[_KEYWORD_HASHES[places] == found]].sum(axis=0)
    if japanese:
        looked_at = sampled(japanese, GRAM_CHARACTERS)
        begins = np.searchsorted(_BEGINNINGS, twos)
        begins[begins == len(_BEGINNINGS)] = 0
        seen = np.zeros(len(_BEGINNINGS), np.bool_)
        seen[begins[_BEGINNINGS[begins] == twos]] = True
        for beginning in (*np.flatnonzero(seen).tolist(), -1):
            for word, group in _WORDS_BEGINNING[beginning]:
                if word in looked_at:
                    groups[group] += 1
    return groups


def _options(codes: Codes, breaks: Places) -> tuple[int, Places]:
    """Of a (last) multiple-choice question: how many letters are offered, and where their lines begin.

    A line that begins ``A.``, ``(B)``, ``C)`` or ``D:`` offers a letter; one alone is no choice.
    """
    if len(codes) < 8 or not len(breaks):
        return 0, breaks[:0]
    at = breaks[breaks < len(codes) - 4] + 1
    first = codes[at]
    bracket = (first == 0x28) | (first == 0x2D)
    at = at + bracket + (codes[at + bracket] == 0x20)
    letter = codes[at].astype(np.int32) - 0x41
    after = codes[np.minimum(at + 1, len(codes) - 1)]
    fits = (letter >= 0) & (letter < 10) & ((after == 0x2E) | (after == 0x29) | (after == 0x3A))
    offered = letter[fits]
    many = int(np.bincount(offered, minlength=11).argmin())  # A, B ... without a gap
    if many < 2:
        return 0, breaks[:0]
    return many, at[fits][np.flatnonzero(offered == 0)[-1] :][:many]


def _shape(
    codes: Codes,
    kinds: NDArray[np.uint8],
    number: NDArray[np.intp],
    starts: Places,
    ends: Places,
    words: Hashes,
) -> tuple[Floats, int]:
    """LINEAR_NAMES, and how many options there are."""
    size, many = len(codes), max(len(words), 1)
    breaks = np.flatnonzero(kinds == char.NEWLINE)
    lines = len(breaks)
    digits = kinds == char.DIGIT
    digit_starts, digit_ends = _stretches(digits)
    numbers = len(digit_starts)
    options, places = _options(codes, breaks)
    blanks = np.count_nonzero(breaks[1:] - breaks[:-1] == 1) if lines > 1 else 0
    sentences = int(number[char.STOP] + number[char.QUESTION] + number[char.EXCLAMATION])
    option_length = option_digits = option_spread = option_words = 0.0
    stem = size
    if options:
        last = places
        stem = int(last[0])
        option_length = (min(size, int(last[-1]) + 400) - int(last[0])) / options
        option_digits = np.count_nonzero(digits[last[0] :]) / max(size - int(last[0]), 1)
        widths = last[1:] - last[:-1]
        option_spread = float(widths.max() - widths.min()) if len(widths) else 0.0
        option_words = np.count_nonzero(starts >= last[0]) / options
    shape = np.array(
        [
            size,
            len(words),
            lines,
            blanks,
            breaks[0] if lines else size,
            size - breaks[-1] if lines else size,
            options,
            option_length,
            option_digits * 10,
            stem,
            numbers,
            int(number[char.DIGIT]) / max(numbers, 1),
            (ends - starts).sum() / many,
            8 * len(np.unique(words)) / many,
            8 * np.count_nonzero(kinds[starts] == char.UPPER) / many,
            sentences,
            size / (sentences + 1),
            int(number[char.UNDERSCORE]),
            np.count_nonzero(breaks < stem) if options else 0,
            int((digit_ends - digit_starts).max()) if numbers else 0,
            option_spread,
            8 * bool(kinds[max(int(places[0]) - 4, 0) if options else size - 1 :][:5].tobytes().count(_ASKS)),
            option_words,
            0,
        ],
        np.float32,
    )
    return np.log1p(shape), options


def _stretch_hashes(prefix: Hashes, first: int, last: int, size: int) -> Hashes:
    """Hashes of every stretch of ``size`` characters that lies between two places."""
    if last - first < size:
        return prefix[:0]
    return (prefix[first + size : last + 1] - prefix[first : last + 1 - size]) * _INVERSE[first : last + 1 - size]


def _grams(prefix: Hashes, starts: Places, words: Hashes, pairs: Hashes, cjk: bool) -> Places:
    """Buckets of what occurs: words and pairs, those at the edges as such, letter groups."""
    size = len(prefix) - 1
    tail = GRAM_CHARACTERS // 3
    spans = [(0, size)] if size <= GRAM_CHARACTERS else [(0, GRAM_CHARACTERS - tail), (size - tail, size)]
    if len(spans) > 1:
        near = (starts < spans[0][1]) | (starts >= spans[1][0])
        words_near, pairs_near = words[near], pairs[near[:-1]]
    else:
        words_near, pairs_near = words, pairs
    found = [
        words_near,
        pairs_near + _SALT[0],
        words[:EDGE_WORDS] + _SALT[1],
        pairs[:EDGE_WORDS] + _SALT[2],
        words[-EDGE_WORDS:] + _SALT[3],
        pairs[-EDGE_WORDS:] + _SALT[4],
    ]
    sizes = (2, 3, 4) if cjk else (4,)
    found += [_stretch_hashes(prefix, *span, gram) + _SALT[5] for span in spans for gram in sizes]
    if cjk:
        edge = min(size, 3 * EDGE_WORDS)
        found += [_stretch_hashes(prefix, 0, edge, gram) + _SALT[6] for gram in (2, 3)]
        found += [_stretch_hashes(prefix, size - edge, size, gram) + _SALT[7] for gram in (2, 3)]
    buckets = (np.concatenate(found) * _MIX >> _SHIFT).astype(np.uint16)
    buckets.sort()
    first = np.empty(len(buckets), np.bool_)
    first[:1] = True
    np.not_equal(buckets[1:], buckets[:-1], out=first[1:])
    return buckets[first].astype(np.intp)

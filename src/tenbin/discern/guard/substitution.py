"""2. Words of one English text that the other has no counterpart for: one thing put for another, or scope added."""

from collections.abc import Iterator, Sequence

from tenbin.core.agreement import Difference
from tenbin.discern.guard.alignment import kin
from tenbin.discern.guard.english import KINDS, LIGHT, STATED
from tenbin.discern.guard.reading import Reading
from tenbin.discern.guard.rules import between

LONG_QUESTION = 6
LONG_STATEMENT = 5
"""Content words from which on likeness of meaning tells: a rewording changes several of them, a trap changes one."""

MOST_NARROWING = 2
"""Words that narrow a question. More of them are told by likeness of meaning too: a further sentence, a story."""
_STATED_KINDS = KINDS | STATED


def one_slot(known: Sequence[str], asked: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The middle parts of two rows of words that begin and end alike."""
    start = 0
    for one, other in zip(known, asked, strict=False):
        if not (one == other or kin(one, other)):
            break
        start += 1
    end = 0
    while end < min(len(known), len(asked)) - start and (
        known[-1 - end] == asked[-1 - end] or kin(known[-1 - end], asked[-1 - end])
    ):
        end += 1
    return known[start : len(known) - end], asked[start : len(asked) - end]


def _short(known: Reading, asked: Reading) -> bool:
    least = LONG_QUESTION if known.asks or asked.asks else LONG_STATEMENT
    return min(len(known.words), len(asked.words)) < least


def substitution(known: Reading, asked: Reading, left: list[str], right: list[str]) -> Iterator[Difference]:
    """One matter put in another's place: both texts have words that the other has no counterpart for."""
    light = LIGHT if known.asks or asked.asks else STATED
    heavy = [word for word in left if word not in light]
    other = [word for word in right if word not in light]
    if heavy and other:
        if _short(known, asked):
            yield between("substitution", " ".join(heavy), " ".join(other))
            return
        one, two = one_slot(known.words, asked.words)
        if one and two and len(one) <= 2 and len(two) <= 2 and not light.issuperset([*one, *two]):
            yield between("substitution", " ".join(one), " ".join(two))


def exchanged(known: Reading, asked: Reading) -> Iterator[Difference]:
    """One word put in another's place where both stand elsewhere too: may the buyer or the seller end the contract."""
    one, other = known.words, asked.words
    if len(one) != len(other):
        return
    apart = [(left, right) for left, right in zip(one, other, strict=True) if left != right]
    if len(apart) == 1 and not LIGHT.issuperset(apart[0]) and not kin(*apart[0]):
        left, right = apart[0]
        if left in other and right in one:
            yield between("substitution", left, right)


def added_scope(known: Reading, asked: Reading, left: list[str], right: list[str]) -> Iterator[Difference]:
    """A narrower question: all words of one text stand in the other, which says more."""
    light = KINDS if known.asks or asked.asks else _STATED_KINDS
    heavy = [word for word in left if word not in light]
    other = [word for word in right if word not in light]
    if bool(heavy) != bool(other) and len(heavy) + len(other) <= MOST_NARROWING and _short(known, asked):
        yield between("added scope", " ".join(heavy), " ".join(other))

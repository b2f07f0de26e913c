"""2. The guard's rules for two Japanese texts, where words are told by script and compared sign by sign."""

from collections.abc import Iterator
from functools import lru_cache

from tenbin.core.agreement import Difference
from tenbin.discern.guard.alignment import FEW
from tenbin.discern.guard.japanese import OPPOSITES_JA, SYNONYMS, JapaneseReading
from tenbin.discern.guard.reading import Reading
from tenbin.discern.guard.rules import between
from tenbin.discern.guard.tables import groups

_GROUPS = groups(SYNONYMS)


def antonyms_ja(known: Reading, asked: Reading) -> Iterator[Difference]:
    """One of a pair of opposites in each text alone."""
    one, other = _both(known, asked)
    for word in one.poles - other.poles:
        against = OPPOSITES_JA[word] & other.poles - one.poles
        if against:
            yield between("antonym", word, min(against))
            return


def _both(known: Reading, asked: Reading) -> tuple[JapaneseReading, JapaneseReading]:
    """Raises TypeError where one is not Japanese: these rules are for two that are."""
    if known.japanese is None or asked.japanese is None:
        raise TypeError("both texts must be Japanese")
    return known.japanese, asked.japanese


@lru_cache(maxsize=16_384)
def _same(word: str) -> tuple[list[str], ...]:
    """The groups of words that mean the same as this one or a part of it."""
    return tuple(
        group
        for group in _GROUPS
        if any(word == member or word in member or (member in word and len(member) > 1) for member in group)
    )


def _covered(word: str, there: Reading, reading: JapaneseReading) -> bool:
    """Whether a word has a counterpart in the other text: itself, a form of it, all its signs, or one that means the
    same."""
    text = there.plain
    if word in text or any(member in text for group in _same(word) for member in group):
        return True
    if word[0] >= "一":
        if len(word) >= 3 and all(sign in text for sign in word):
            return True
        return any(word.startswith(other) or other.startswith(word) for other in reading.words if other[0] >= "一")
    short = word.replace("ー", "")
    return any(short == other.replace("ー", "") for other in reading.words)


def left_over_ja(known: Reading, asked: Reading) -> tuple[list[str], list[str]]:
    """The words of each text that the other has no counterpart for."""
    one, other = _both(known, asked)
    return _missing(one.words, asked, other), _missing(other.words, known, one)


def verbs_left(known: Reading, asked: Reading) -> tuple[list[str], list[str]]:
    """The verbs of each text that the other has no counterpart for."""
    one, other = _both(known, asked)
    return _missing(one.verbs, asked, other), _missing(other.verbs, known, one)


def _missing(words: tuple[str, ...], there: Reading, reading: JapaneseReading) -> list[str]:
    missing = [word for word in dict.fromkeys(words) if word not in there.plain]
    return missing if len(missing) > FEW else [word for word in missing if not _covered(word, there, reading)]


def substitution_ja(known: Reading, asked: Reading, left: list[str], right: list[str]) -> Iterator[Difference]:
    """One thing put in another's place; or one thing done to it in another's."""
    if left and right:
        yield between("substitution", " ".join(left), " ".join(right))
    elif not left and not right:
        verbs, others = verbs_left(known, asked)
        if verbs and others:
            yield between("substitution", " ".join(verbs), " ".join(others))


def added_scope_ja(known: Reading, asked: Reading, left: list[str], right: list[str]) -> Iterator[Difference]:
    """One text says more than the other."""
    if bool(left) != bool(right):
        yield between("added scope", " ".join(left), " ".join(right))


def roles(known: Reading, asked: Reading) -> Iterator[Difference]:
    """Two words that have changed particles: who does what to whom."""
    one, other = _both(known, asked)
    mine, theirs = dict(one.roles), dict(other.roles)
    both = [word for word in mine if word in theirs and mine[word] != theirs[word]]
    for at, word in enumerate(both):
        for second in both[at + 1 :]:
            if mine[word] == theirs[second] and mine[second] == theirs[word] and mine[word] != mine[second]:
                yield between(
                    "word order",
                    f"{word}{mine[word]} {second}{mine[second]}",
                    f"{word}{theirs[word]} {second}{theirs[second]}",
                )
                return

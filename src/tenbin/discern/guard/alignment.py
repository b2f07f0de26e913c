"""2. The content words of two texts put side by side: which have a counterpart in the other, which are left over."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from tenbin.discern.guard.english_words import SWAPPED_SPELLINGS
from tenbin.discern.guard.tables import words

FEW = 40
"""Words left over up to which forms of them are looked for: texts with more are not alike anyhow."""
LONG_WORD = 9
"""Letters from which on any letter may be missing: so long words seldom differ in one alone."""
_KIN = 5
"""Letters that two words must share at the beginning to be forms of one word: graduate, graduation."""
_ENDINGS = words(
    """
    ement ements s es er ers or ors ed ing al ly ment ation ations ational ion ional ic ical ically ian n ness ive
    able ful ance ence ant ent ish r d ator
    """
)
"""What a form of a word may have more than another: farm, farmer."""
_CHANGING = words(
    """
    ation ations ing ed ion ions e es ment al ive ic ical ance ence y ies able ible ible ility ibility le t ce cy d
    se sion ity ication ies ied er or ent ant ency ancy ous
    """
)
"""What a form may have where another has something else: eligible, eligibility."""
_PARTICLES = words("up down in out on off over away back through")


@lru_cache(maxsize=65_536)
def kin(one: str, other: str) -> bool:
    """Whether two words are forms of one word or one is a slip of the pen for the other: symmetric."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) >= 4 and long.startswith(short) and long[len(short) :] in _ENDINGS:
        return True
    shared = 0
    for left, right in zip(short, long, strict=False):
        if left != right:
            break
        shared += 1
    if shared >= _KIN and short[shared:] in _CHANGING and long[shared:] in _CHANGING:
        return True
    return _misspelt(short, long)


def _misspelt(short: str, long: str) -> bool:
    """Two neighbouring letters swapped, or one of a doubled letter left out; not between two words that both exist."""
    if len(short) < 5 or short[0] != long[0] or {short, long} <= SWAPPED_SPELLINGS:
        return False
    if len(short) == len(long):
        apart = [at for at in range(len(short)) if short[at] != long[at]]
        return (
            len(apart) == 2
            and apart[1] == apart[0] + 1
            and short[apart[0]] == long[apart[1]]
            and short[apart[1]] == long[apart[0]]
        )
    if len(long) == len(short) + 1:
        at = next((at for at in range(len(short)) if short[at] != long[at]), len(short))
        return short[at:] == long[at + 1 :] and (long[at] == long[at - 1] or len(long) >= LONG_WORD)
    return False


def left_over(known: Sequence[str], asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of each text, in order, that the other has no counterpart for."""
    missing = Counter(known)
    missing.subtract(asked)
    left = [word for word in dict.fromkeys(known) if missing[word] > 0 and word not in asked]
    right = [word for word in dict.fromkeys(asked) if missing[word] < 0 and word not in known]
    if left and right and len(left) + len(right) <= FEW:
        for word in list(left):
            match = next((other for other in right if other[0] == word[0] and kin(word, other)), None)
            if match is not None:
                left.remove(word)
                right.remove(match)
    if left and right and len(left) + len(right) <= FEW:
        left, right = _joined(left, right), _joined(right, left)
    return left, right


def _joined(left: list[str], others: list[str]) -> list[str]:
    """Without those that are written apart in the other text: database, data base."""
    left = [
        word
        for word in left
        if not any(word.startswith(other) and word[len(other) :] in _PARTICLES for other in others)
        and not any(other.startswith(word) and other[len(word) :] in _PARTICLES for other in others)
    ]
    pairs = {one + other for one, other in pairwise(others)}
    whole = {first + second: (first, second) for first, second in pairwise(left)}
    gone = {part for joint, parts in whole.items() if joint in others for part in parts}
    return [word for word in left if word not in pairs and word not in gone]

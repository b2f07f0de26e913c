"""What two texts were found to agree or differ in, word by word: what may be answered from a cache is decided by it."""

from typing import Literal

import msgspec

Kind = Literal[
    "number",
    "date",
    "identifier",
    "quoted text",
    "name",
    "negation",
    "antonym",
    "direction",
    "substitution",
    "question word",
    "added scope",
    "word order",
    "language",
]
"""What a difference is about. Each kind is one rule of the guard, described in docs/semantic-cache.md."""


class Difference(msgspec.Struct, frozen=True):
    """One thing in which the texts differ so that the answer to one need not be right for the other."""

    kind: Kind
    words: str
    """What stands in the one and in the other: `2023 / 2024`; `- / for children` where one side has nothing."""


class Agreement(msgspec.Struct, frozen=True):
    """What the guard found of two texts, and how much of their words they share.

    ``overlap`` is 0..1: shared content words of all content words. ``left_known`` and ``left_asked`` count the content
    words that the other text has no counterpart for; ``length`` is the number of content words of the shorter text.
    """

    agrees: bool
    differences: tuple[Difference, ...] = ()
    overlap: float = 1.0
    left_known: int = 0
    left_asked: int = 0
    length: int = 0

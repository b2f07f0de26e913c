"""6. Whether two answers to (almost) the same question say the same: what shadow mode measures errors by. An estimate.

Word for word, or as near in meaning as two answers to one question are; between surely alike and surely not, nothing is
said, and nothing is counted.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import numpy as np

from tenbin.decide.caching.error_budget import Verdict
from tenbin.discern.embedding.embedder import Vector
from tenbin.discern.guard import check

HEAD = 600
"""Characters at the beginning of an answer that are compared: there it says what it says."""
SHORT = 80
"""Up to so many characters an answer is a word or a sentence, and must agree word by word (the guard)."""


class Bounds(NamedTuple):
    """Cosines of answers."""

    wrong: float
    """Below this two answers say different things."""
    right: float
    """From here on they say the same."""


BOUNDS: Mapping[str, Bounds] = {"minilm": Bounds(0.55, 0.80), "multilingual-e5": Bounds(0.86, 0.93)}
"""By the beginning of an embedder's id. Assumed: no labelled pairs of answers were at hand."""


async def verdict_of(
    vector: Callable[[str], Awaitable[tuple[str, Vector | None]]], cached: str, fresh: str
) -> Verdict | None:
    """Whether the cached answer is right, the fresh one taken for right; None where that cannot be told.

    ``vector`` gives the embedder's id and the vector of a text.
    """
    one, other = " ".join(cached.split()), " ".join(fresh.split())
    if one.casefold() == other.casefold():
        return "right"
    if max(len(one), len(other)) <= SHORT:
        return "right" if check(one, other).agrees else "wrong"
    (embedder, first), (_, second) = await vector(one[:HEAD]), await vector(other[:HEAD])
    bounds = next((bounds for name, bounds in BOUNDS.items() if name in embedder), None)
    if first is None or second is None or bounds is None or first.shape != second.shape:
        return None
    cosine = float(np.dot(first, second))
    return "right" if cosine >= bounds.right else "wrong" if cosine < bounds.wrong else None

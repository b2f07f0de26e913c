"""4. From which likeness on an answer may be given to another question: by embedder, language and profile.

The figures come from thresholds.json, which training/cache_thresholds.py writes. Cosines of two embedders do not
compare; an embedder that was never measured has the declared thresholds.
"""

from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

import msgspec

Profile: TypeAlias = Literal["strict", "balanced", "loose"]
SHIPPED = "thresholds.json"
FORMAT = 1

DECLARED: dict[Profile, float] = {"strict": 0.95, "balanced": 0.90, "loose": 0.80}
"""For embedders that were never measured: 0.95 in the ordinary case, 0.90 where money is short, 0.80 at the loosest."""
RELAXED: dict[Profile, Profile] = {"strict": "balanced", "balanced": "balanced", "loose": "loose"}
"""The profile in place of another while a budget is critical."""


class Chance(msgspec.Struct, frozen=True):
    """A logistic score: the log-odds that an answer is right, from how alike two questions are and what they share."""

    intercept: float
    similarity: float
    """For each tenth of cosine above 0.9."""
    overlap: float
    """For the share of content words in common, 0..1."""
    agrees: float
    """Where the guard found no difference."""
    left: float
    """For each content word without a counterpart, up to 6."""


class HeldOut(msgspec.Struct, frozen=True):
    """What a profile does on the half of the pairs that its threshold was not learned from, both halves in turn."""

    similarity: tuple[float, float]
    """The two thresholds, each learned from one half."""
    hits: float
    """Served with the guard, of pairs with the same answer."""
    traps: float
    """Served with the guard, of pairs with another answer."""
    bare_traps: float
    """Served by cosine alone, of pairs with another answer."""


class Thresholds(msgspec.Struct, frozen=True):
    """What was learned of one embedder in one language."""

    similarity: dict[Profile, float]
    """Least cosine."""
    score: Chance
    rows: int
    """Labelled pairs it was learned from."""
    held_out: dict[Profile, HeldOut]


class Calibration(msgspec.Struct, frozen=True):
    """All that was learned, and when and from what."""

    format: int
    made: str
    """The day, YYYY-MM-DD."""
    sources: list[str]
    """The tables it was learned from, each with its licence."""
    embedders: dict[str, dict[str, Thresholds]]
    """By embedder id, then by language."""


@cache
def shipped() -> Calibration:
    """The calibration in the package."""
    data = (files("tenbin.decide.caching") / SHIPPED).read_bytes()
    return msgspec.json.decode(data, type=Calibration)


def thresholds(embedder: str, language: str) -> Thresholds | None:
    """What was learned of this embedder in this language; None where it was never measured."""
    return shipped().embedders.get(embedder, {}).get(language)

"""8. What came of measuring the semantic cache: plain figures, for people (report.py) and for programs (JSON)."""

import msgspec

FORMAT = 1
"""Of the JSON; grows when a field changes its meaning or goes."""


class Share(msgspec.Struct, frozen=True):
    """A count of a whole, with Wilson's 95 % interval."""

    count: int
    of: int
    value: float | None
    """None where there is nothing to divide by."""
    low: float | None
    high: float | None


class PairFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs judged one by one, as if the first text were all that is cached."""

    file: str
    embedder: str
    policy: str
    """``cosine``, ``guard`` (cosine and guard), or a profile as it is served: ``strict``, ``balanced``, ``loose``."""
    threshold: float | None
    """Least cosine; None for a profile, which has its own."""
    hits: Share
    """Served of those with the same answer."""
    traps: Share
    """Served of those with another answer."""
    traps_by_kind: dict[str, Share]
    hits_by_kind: dict[str, Share]


class StreamFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Look-ups against all that is cached at once: the nearest candidates, the first that passes is served."""

    language: str
    files: tuple[str, ...]
    embedder: str
    policy: str
    threshold: float | None
    entries: int
    look_ups: int
    served: int
    wrong_of_served: Share
    wrong_of_look_ups: Share
    hits: dict[str, Share]
    """File -> served rightly, of its look-ups that have a right answer in the cache."""
    wrong: dict[str, Share]
    """File -> served wrongly, of its served look-ups."""
    traps: dict[str, Share]
    """File and kind -> served wrongly, of look-ups that a trap of this kind was laid for."""


class WrongHit(msgspec.Struct, frozen=True):
    """An answer that would have been given wrongly, by the labels."""

    file: str
    asked: str
    served: str
    similarity: float
    chance: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was measured."""

    format: int
    data: str
    calibration: str
    """The day the thresholds were learned."""
    embedders: dict[str, str]
    """Language -> embedder id."""
    pairs: tuple[PairFigures, ...]
    streams: tuple[StreamFigures, ...]
    wrong_hits: tuple[WrongHit, ...]
    """At the profile ``balanced``, in streams: for reading, since labels are not always right."""
    unused: dict[str, str]


def share(count: int, of: int) -> Share:
    """A share with Wilson's 95 % interval (1927)."""
    if not of:
        return Share(count, of, None, None, None)
    z = 1.96
    part = count / of
    middle = (part + z * z / (2 * of)) / (1 + z * z / of)
    spread = z / (1 + z * z / of) * (part * (1 - part) / of + z * z / (4 * of * of)) ** 0.5
    return Share(count, of, part, max(0.0, middle - spread), min(1.0, middle + spread))

"""8. A stream of look-ups against a cache that is full already: what would be served, and whether rightly."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tenbin.core.agreement import Agreement
from tenbin.decide.caching.serving import judge
from tenbin.decide.caching.thresholds import Profile
from tenbin.discern.embedding.embedder import Vector, Vectors
from tenbin.discern.guard import check
from tenbin.measure.caching.rows import Table

NEAREST = 5
"""Candidates that are looked at, the nearest first."""
BLOCK = 128
"""Look-ups whose cosines are computed at once."""
LEAST = 0.7
"""Candidates below this cosine are not looked at."""


class Candidate(NamedTuple):
    """One cached question found for a look-up."""

    similarity: float
    agreement: Agreement
    right: bool
    text: str


class LookUp(NamedTuple):
    """One question put to the cache."""

    file: str
    text: str
    answerable: bool
    """A right answer is cached."""
    traps: tuple[str, ...]
    """Kinds of the traps laid for it: cached questions that look like it and have another answer."""
    candidates: tuple[Candidate, ...]


class Questions:
    """Which texts have the same answer: by their keys, and by pairs labelled so, taken together."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def _root(self, name: str) -> str:
        parents = self._parents
        while parents.setdefault(name, name) != name:
            parents[name] = parents[parents[name]]
            name = parents[name]
        return name

    def join(self, one: str, other: str) -> None:
        """The two have the same answer."""
        self._parents[self._root(one)] = self._root(other)

    def same(self, one: str, other: str) -> bool:
        """Whether the two are known to have the same answer."""
        return self._root(one) == self._root(other)

    def group(self, name: str) -> str:
        """The same for all texts with the same answer."""
        return self._root(name)


def questions_of(tables: Iterable[Table]) -> Questions:
    """What the labels of these tables say about texts."""
    found = Questions()
    for table in tables:
        for pair in table.pairs:
            for text, key in ((pair.a, pair.a_key), (pair.b, pair.b_key)):
                if key:
                    found.join(_plain(text), f"\0{table.name}\0{key}")
            if pair.label == 1:
                found.join(_plain(pair.a), _plain(pair.b))
        for text, intent in table.intents:
            found.join(_plain(text), f"\0{table.name}\0{intent}")
    return found


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def look_ups(
    tables: Sequence[Table], vectors: Callable[[list[str]], Vectors], progress: Callable[[int], object]
) -> tuple[int, list[LookUp]]:
    """How many texts are cached (each pair's first, every second of an intent), and what was found for the others."""
    known = questions_of(tables)
    entries: dict[str, None] = {}
    asked: dict[str, str] = {}
    traps: dict[str, set[str]] = {}
    for table in tables:
        entries.update(dict.fromkeys(pair.a for pair in table.pairs))
        entries.update(dict.fromkeys(text for text, _ in table.intents[::2]))
    plain = {_plain(text) for text in entries}
    for table in tables:
        for text in [pair.b for pair in table.pairs] + [text for text, _ in table.intents[1::2]]:
            if _plain(text) not in plain:
                asked.setdefault(text, table.name)
        for pair in table.pairs:
            if pair.label == 0:
                traps.setdefault(pair.b, set()).add(pair.kind)
    cached = {known.group(text) for text in plain}
    names = list(entries)
    matrix = vectors(names)
    found = []
    texts = list(asked)
    for start in range(0, len(texts), BLOCK):
        block = texts[start : start + BLOCK]
        for text, similarities in zip(block, vectors(block) @ matrix.T, strict=True):
            candidates = tuple(
                Candidate(cosine, check(names[at], text), known.same(_plain(names[at]), _plain(text)), names[at])
                for at, cosine in nearest(similarities)
            )
            answerable = known.group(_plain(text)) in cached
            found.append(LookUp(asked[text], text, answerable, tuple(sorted(traps.get(text, ()))), candidates))
        progress(len(block))
    return len(names), found


def nearest(similarities: Vector) -> list[tuple[int, float]]:
    """The places of the NEAREST greatest cosines that are not below LEAST, greatest first, with the cosines."""
    few = min(NEAREST, len(similarities))
    places = np.argpartition(-similarities, few - 1)[:few]
    ordered = sorted((-float(similarities[at]), int(at)) for at in places)
    return [(at, -cosine) for cosine, at in ordered if -cosine >= LEAST]


def served(look_up: LookUp, policy: str, threshold: float | None, embedder: str, language: str) -> Candidate | None:
    """The candidate that a policy serves, if any."""
    for candidate in look_up.candidates:
        if passes(candidate.similarity, candidate.agreement, policy, threshold, embedder, language):
            return candidate
    return None


def passes(
    similarity: float, agreement: Agreement, policy: str, threshold: float | None, embedder: str, language: str
) -> bool:
    """Whether a policy serves a candidate: ``cosine``, ``guard`` with a threshold, or a profile."""
    if threshold is not None:
        return similarity >= threshold and (policy == "cosine" or agreement.agrees)
    profile: Profile = policy  # type: ignore[assignment]
    return judge(similarity, agreement, embedder=embedder, language=language, profile=profile).serve

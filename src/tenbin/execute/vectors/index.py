"""6. What a vector index promises, wherever it keeps its vectors.

Scopes never see each other. A similarity is the cosine of the vectors as they were given, however the candidates were
found. A server that is gone means nothing near, never an error.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tenbin.discern.embedding.embedder import Vector

NEVER_MS = 2**62
"""As the time until which an entry lives: for good."""


class Neighbour(NamedTuple):
    """A stored entry and how near it is."""

    entry: str
    similarity: float
    """Cosine, -1 to 1."""


class WrongDimension(ValueError):
    """A vector of another length than those of its scope: it comes from another embedder, or from another version of
    one. Vectors of two embedders do not belong into one scope.
    """

    def __init__(self, given: int, held: int) -> None:
        super().__init__(
            f"a vector of {given} numbers was given to a scope of vectors of {held}: two embedders need two scopes"
        )
        self.given, self.held = given, held


class Index(Protocol):
    """Vectors by scope. An entry's name is its own over all scopes: added anew it takes its former's place."""

    async def add(self, scope: str, entry: str, vector: Vector, until_ms: int = NEVER_MS) -> None:
        """Keep a unit vector until a time (UTC ms). Raises WrongDimension."""
        ...

    async def nearest(self, scope: str, vector: Vector, k: int) -> list[Neighbour]:
        """The ``k`` nearest living entries of a scope, nearest first. Raises WrongDimension."""
        ...

    async def remove(self, entry: str) -> None:
        """Forget an entry, wherever it is; one that is not there is no error."""
        ...

    async def clear(self, scope: str) -> None:
        """Forget a scope."""
        ...

    async def count(self, scope: str) -> int:
        """Entries of a scope, among them perhaps some whose time has passed and that are not found any more."""
        ...

    async def close(self) -> None:
        """Give back threads and connections."""
        ...


def cosines(rows: NDArray[np.float32], vector: Vector) -> NDArray[np.float64]:
    """The exact similarity of unit vectors: in 64 bits, since in 32 it would depend on how many are summed at once."""
    products: NDArray[np.float64] = np.vecdot(rows.astype(np.float64), vector.astype(np.float64))
    return np.clip(products, -1.0, 1.0)


def nearest_first(neighbours: list[Neighbour], k: int) -> list[Neighbour]:
    """The first ``k`` by similarity; equally near ones by name, so that every index has them in one order."""
    return sorted(neighbours, key=lambda one: (-one.similarity, one.entry))[:k]

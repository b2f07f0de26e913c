"""6. Candidates from a graph instead of from every row: `usearch`, for scopes too large to be read through each time.

Used from one thread. What it finds is judged by the vectors themselves, so that it may miss but not mislead.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tenbin.discern.embedding.embedder import Vector
from tenbin.execute.vectors.scope import SPARE, Tickets

INSTALL = "pip install 'tenbin[usearch]'"
LINKS = 16
"""Of each entry in the graph (its M)."""
BREADTH_WHEN_ADDING = 64
BREADTH_WHEN_SEARCHING = 128
"""Entries looked at along the way."""


class GraphMissing(Exception):
    """The library is not installed; the message says how to get it."""


class Graph:
    """The vectors of a scope in 16-bit floats, linked to their nearest; about 1 kB an entry."""

    def __init__(self, dimension: int) -> None:
        """Raises GraphMissing."""
        try:
            from usearch.index import Index
        except ImportError as error:
            raise GraphMissing(f"{error.name} is not installed: {INSTALL}") from error
        self._index: Any = Index(
            ndim=dimension,
            metric="cos",
            dtype="f16",
            connectivity=LINKS,
            expansion_add=BREADTH_WHEN_ADDING,
            expansion_search=BREADTH_WHEN_SEARCHING,
        )

    def add(self, tickets: Tickets, vectors: NDArray[np.float32]) -> None:
        """Link vectors; 0.2 ms each."""
        self._index.add(tickets.astype(np.uint64), vectors, threads=1)

    def remove(self, ticket: int) -> None:
        """Unlink one; one that is not there is no error."""
        self._index.remove(ticket)

    def search(self, vector: Vector, k: int) -> Tickets:
        """Tickets of the entries that are probably nearest: a few more than ``k``."""
        found: Tickets = self._index.search(vector, k + SPARE, threads=1).keys.astype(np.int64)
        return found

    def __len__(self) -> int:
        return len(self._index)

"""2. What an embedder is: texts in, unit vectors out, in the process and without a network."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tenbin.core.features import Language

Vectors: TypeAlias = NDArray[np.float32]
"""(texts, dimension), each row of length 1: the product of two rows is their cosine."""
Vector: TypeAlias = NDArray[np.float32]
"""(dimension,), of length 1."""


class EmbedderMissing(Exception):
    """An embedder that was asked for is not installed; the message says how to get it."""


class Embedder(Protocol):
    """A model that embeds texts. Called from one thread at a time; it may block."""

    @property
    def id(self) -> str:
        """Names the model and all that its vectors depend on: vectors of two ids must never be compared."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers in a vector, as counted in a vector that it made."""
        ...

    @property
    def window(self) -> int:
        """Tokens of a text, by its own tokenizer and with its marks at both ends, that it reads."""
        ...

    @property
    def languages(self) -> frozenset[Language]:
        """Languages whose texts it tells apart well enough to answer from."""
        ...

    def fits(self, text: str) -> bool:
        """Would the whole text be read? Of a longer one two that differ only in the rest have the same vector."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text; what lies behind the window is not read. The same text always has the same vector,
        whatever stands beside it.
        """
        ...


def unit(vectors: NDArray[np.float32]) -> Vectors:
    """Rows brought to length 1. A row of zeros, which has no direction, stays one and is near to nothing."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    rows: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return rows

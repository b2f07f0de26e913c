"""8. Vectors of texts, each made once, and kept in a folder between runs where one is given."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from tenbin.discern.embedding.embedder import Embedder, Vector, Vectors

BLOCK = 64
"""Texts embedded between two steps of a progress bar."""


class KeptVectors:
    """Vectors by text, of one embedder."""

    def __init__(self, embedder: Embedder, folder: Path | None) -> None:
        self._embedder = embedder
        self._path = folder / f"{embedder.id}.npz" if folder else None
        self._vectors: dict[bytes, Vector] = {}
        if self._path and self._path.is_file():
            with np.load(self._path) as kept:
                self._vectors = {bytes(name): row for name, row in zip(kept["names"], kept["rows"], strict=True)}

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Which of the texts have no vector yet, each once."""
        return [text for text in dict.fromkeys(texts) if _name(text) not in self._vectors]

    def embed(self, texts: list[str], progress: Callable[[int], object]) -> None:
        """Make the vectors of these texts and keep them."""
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            for text, row in zip(block, self._embedder.embed(block), strict=True):
                self._vectors[_name(text)] = row
            progress(len(block))
        if texts and self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            names = np.array([np.frombuffer(name, np.uint8) for name in self._vectors])
            np.savez(self._path, names=names, rows=np.stack(list(self._vectors.values())))

    def of(self, texts: Iterable[str]) -> Vectors:
        """Their vectors, (texts, dimension). Raises KeyError for a text that was never embedded."""
        return np.stack([self._vectors[_name(text)] for text in texts])


def _name(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]

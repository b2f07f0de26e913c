"""The built-in embedders, each loaded once."""

from functools import cache

import pytest

from tenbin.discern.embedding.embedder import Embedder
from tenbin.discern.embedding.registry import BUILT_IN, load

loaded = cache(load)


@pytest.fixture(params=BUILT_IN)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    """Every built-in embedder: what is promised of one holds for each."""
    return loaded(request.param)

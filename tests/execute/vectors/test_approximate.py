"""The graph's library gets along with the embedders' in one process, whichever comes first: some versions crash."""

import subprocess
import sys

import pytest

from tenbin.execute.vectors.approximate import Graph
from tests.execute.vectors.test_index import vector

GRAPH = "from tenbin.execute.vectors.approximate import Graph; Graph(8)"
EMBEDDER = "from tenbin.discern.embedding.minilm import load; load().embed(['Which way is north?'])"
OTHER = "from tenbin.discern.embedding.multilingual_e5 import load; load().embed(['Which way is north?'])"


@pytest.mark.parametrize("order", [(GRAPH, EMBEDDER, OTHER), (EMBEDDER, GRAPH, OTHER), (OTHER, GRAPH, EMBEDDER)])
def test_libraries_get_along(order: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-c", "\n".join([*order, *order])], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_removed_is_not_found() -> None:
    import numpy as np

    graph = Graph(8)
    graph.add(np.arange(20), np.stack([vector(seed) for seed in range(20)]))
    assert graph.search(vector(3), 1)[0] == 3
    graph.remove(3)
    graph.remove(3)
    assert 3 not in graph.search(vector(3), 20)
    assert len(graph) == 19

"""Prompts as matrices: every prompt is read by the code that reads it in production, once."""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from tenbin.discern.features import BITS, Reading, read

Floats = NDArray[np.float64]


class Readings(NamedTuple):
    """Many prompts, a row each."""

    counts: NDArray[np.float32]
    grams: sparse.csr_matrix
    """(rows, 2**BITS), 1 where a bucket occurs."""
    options: NDArray[np.intp]
    all: list[Reading]

    def __getitem__(self, rows: NDArray[np.intp] | slice) -> "Readings":  # type: ignore[override]
        """Some of the rows."""
        numbers = np.arange(len(self.all))[rows]
        return Readings(self.counts[rows], self.grams[rows], self.options[rows], [self.all[row] for row in numbers])


_READ: dict[str, Reading] = {}


def readings(prompts: list[str]) -> Readings:
    """Read prompts as a request's last turn would be."""
    found = []
    for prompt in prompts:
        if prompt not in _READ:
            _READ[prompt] = read(prompt)
        found.append(_READ[prompt])
    columns = np.concatenate([reading.grams for reading in found])
    ends = np.cumsum([0, *(len(reading.grams) for reading in found)])
    grams = sparse.csr_matrix((np.ones(len(columns), np.float32), columns, ends), shape=(len(found), 1 << BITS))
    return Readings(
        np.array([reading.counts for reading in found]),
        grams,
        np.array([reading.options for reading in found]),
        found,
    )


def joined(*parts: Readings) -> Readings:
    """All rows of several."""
    return Readings(
        np.vstack([part.counts for part in parts]),
        sparse.vstack([part.grams for part in parts]).tocsr(),
        np.concatenate([part.options for part in parts]),
        [reading for part in parts for reading in part.all],
    )


class Scaling(NamedTuple):
    """What makes readings comparable: inverse document frequency of the buckets, centre and scale of the counts."""

    idf: Floats
    centre: Floats
    scale: Floats

    def grams(self, found: Readings) -> sparse.csr_matrix:
        """Rows of length one."""
        weighted = found.grams @ sparse.diags(self.idf)
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        return (sparse.diags(1 / np.maximum(length, 1e-3)) @ weighted).tocsr()

    def counts(self, found: Readings) -> Floats:
        """Standard deviations, bounded as in production."""
        return np.clip((found.counts - self.centre) * self.scale, -4.0, 4.0)


def scaling(found: Readings, rarest: int = 2) -> Scaling:
    """The scaling that these readings suggest; buckets of fewer than ``rarest`` prompts tell nothing."""
    frequency = np.asarray(found.grams.sum(axis=0)).ravel()
    idf = np.log((1 + len(found.all)) / (1 + frequency)) + 1
    idf[frequency < rarest] = 0
    # What is shipped is half precision: what is trained on is the same.
    idf = idf.astype(np.float16).astype(np.float64)
    return Scaling(idf, found.counts.mean(axis=0).astype(float), 1 / (found.counts.std(axis=0).astype(float) + 0.05))

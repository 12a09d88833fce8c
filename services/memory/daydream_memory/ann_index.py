"""An HNSW index (by `usearch`) over the first rows of a vector table, as a cache beside it.

It can be lost at any time and is rebuilt. It holds rows 0…size−1 of the table under their row
numbers. It only proposes rows: the table computes their cosines, and searches the rows that are not
in the index yet.

What can fail:

- The file belongs to another table or is damaged: it is ignored and rebuilt in the background.
- The process dies while saving: the file is written beside and renamed.

Measured with 200,000 clustered vectors of 384 dimensions: an expansion of 64 took 0.8 ms and found
0.977 of the ten nearest, one of 256 took 2.8 ms and found 0.997. With a million vectors, 64 took
2.2 ms and found 0.754; 256, on a busy machine, took 8.9 ms and found 0.892. `make bench-sampler`,
part memory, measures the setting in use.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

log = logging.getLogger(__name__)
CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 64, 256
SAME_COSINE_MIN = 0.99  # of a row with its stored half-precision copy


class AnnIndex:
    """Approximate search for the nearest rows."""

    def __init__(self, dimension: int) -> None:
        self._index = Index(
            ndim=dimension,
            metric="cos",
            dtype="f16",
            connectivity=CONNECTIVITY,
            expansion_add=EXPANSION_ADD,
            expansion_search=EXPANSION_SEARCH,
        )

    @property
    def size(self) -> int:
        """Return how many rows it holds, from the first on."""
        return len(self._index)

    def add(self, rows: NDArray[np.float32], *, threads: int = 1) -> None:
        """Add the next rows, shape (n, dimension)."""
        start = self.size
        self._index.add(np.arange(start, start + len(rows)), rows, threads=threads)

    def search(self, vector: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """Return at most `count` row numbers, the nearest first."""
        limit = min(count, self.size)
        keys: NDArray[np.int64] = self._index.search(vector, limit, threads=1).keys.astype(np.int64)
        return keys

    def save(self, file: Path) -> None:
        """Write the file, all or nothing."""
        beside = file.with_suffix(".new")
        self._index.save(str(beside))
        beside.replace(file)

    @classmethod
    def load(cls, file: Path, matrix: NDArray[np.float32]) -> AnnIndex:
        """Return the index in the file if it is over these rows, shape (n, dimension).

        Else return an empty one.
        """
        index = cls(matrix.shape[1])
        if not file.exists():
            return index
        try:
            Index.metadata(str(file))  # before loading, which takes any bytes for an index
            index._index.load(str(file))
        except (RuntimeError, ValueError, OSError) as error:
            log.warning("cannot read the index %s, rebuilding it: %s", file, error)
            return cls(matrix.shape[1])
        if index.size > len(matrix) or not index._matches(matrix):
            log.warning("the index %s belongs to another memory, rebuilding it", file)
            return cls(matrix.shape[1])
        return index

    def _matches(self, matrix: NDArray[np.float32]) -> bool:
        """Compare the first, the middle and the last row."""
        rows = sorted({0, self.size // 2, self.size - 1}) if self.size else []
        return all(self._matches_row(row, matrix[row]) for row in rows)

    def _matches_row(self, row: int, vector: NDArray[np.float32]) -> bool:
        stored = np.asarray(self._index.get(row), np.float32)
        return stored.shape == vector.shape and float(stored @ vector) > SAME_COSINE_MIN

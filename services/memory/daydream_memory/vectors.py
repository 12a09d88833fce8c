"""Cosine search over a matrix in memory. Readers see a consistent prefix.

The search is exact (100,000 vectors of 384 dimensions: about 6 ms). With an index it is exact over
the rows that the index proposes and those that it does not hold yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from daydream_memory.ann_index import AnnIndex

SLACK = 16  # proposals beyond the limit: the index may miss one, and some may be hidden
ROWS_MIN = 1024


class VectorTable:
    """Rows of unit vectors with an id each. A row's number never changes."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.row_of: dict[str, int] = {}
        self._matrix: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._hidden: set[int] = set()
        self.index: AnnIndex | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def append(
        self, ids: Sequence[str], rows: NDArray[np.float32], hidden: Collection[str] = ()
    ) -> None:
        """Add rows, shape (len(ids), dimension)."""
        start, end = len(self.ids), len(self.ids) + len(ids)
        if end > len(self._matrix):
            self._grow(end, rows.shape[1])
        self._matrix[start:end] = rows
        for number, key in enumerate(ids, start):
            self.row_of[key] = number
            if key in hidden:
                self._hidden.add(number)
        self.ids.extend(ids)  # last: what is in `ids` is complete

    def _grow(self, rows: int, dimension: int) -> None:
        count = len(self.ids)
        larger = np.zeros((max(ROWS_MIN, rows * 3 // 2), dimension), np.float32)
        if count:
            larger[:count] = self._matrix[:count]
        self._matrix = larger

    def hide(self, ids: Iterable[str], *, hidden: bool) -> None:
        """Leave these out of searches, or include them again."""
        rows = {self.row_of[key] for key in ids if key in self.row_of}
        self._hidden = self._hidden | rows if hidden else self._hidden - rows

    def erase(self, ids: Iterable[str]) -> None:
        """Set their vectors to zeros. They stay hidden."""
        rows = [self.row_of[key] for key in ids if key in self.row_of]
        self._matrix[rows] = 0.0

    def is_hidden(self, key: str) -> bool:
        """Return whether searches leave this one out."""
        return self.row_of.get(key) in self._hidden

    @property
    def hidden_count(self) -> int:
        """Return how many are hidden."""
        return len(self._hidden)

    def row(self, number: int) -> NDArray[np.float32]:
        """Return the vector of a row."""
        vector: NDArray[np.float32] = self._matrix[number]
        return vector

    def near(
        self, vector: NDArray[np.float32], limit: int, exclude: frozenset[str] = frozenset()
    ) -> list[tuple[str, float]]:
        """Return the rows with the highest cosine, highest first, without hidden ones."""
        count = len(self.ids)
        if not count:  # not even a dimension is known
            return []
        excluded = {self.row_of[key] for key in exclude if key in self.row_of}
        skipped = [row for row in self._hidden | excluded if row < count]
        proposals = limit + len(exclude) + SLACK
        matches = self._near_by_index(vector, limit, proposals, skipped)
        if matches is not None:
            return matches
        cosines = self._matrix[:count] @ vector
        cosines[skipped] = -np.inf
        return self._best(np.arange(count), cosines, limit)

    def rank(
        self, vector: NDArray[np.float32], ids: Collection[str], limit: int
    ) -> list[tuple[str, float]]:
        """Return those of these ids with the highest cosine, highest first, hidden or not."""
        rows = [self.row_of[key] for key in ids if key in self.row_of]
        if not rows:
            return []
        return self._best(np.asarray(rows), self.cosines(vector, rows), limit)

    def _near_by_index(
        self, vector: NDArray[np.float32], limit: int, proposals: int, skipped: list[int]
    ) -> list[tuple[str, float]] | None:
        """Search among what the index proposes, and the rows behind it.

        Return None without an index, or when too much of what it proposes is hidden.
        """
        if self.index is None or not self.index.size:
            return None
        size, count = self.index.size, len(self.ids)
        proposed = self.index.search(vector, proposals)
        rows = np.concatenate([proposed, np.arange(size, count)])
        cosines = self._matrix[rows] @ vector
        cosines[np.isin(rows, skipped)] = -np.inf
        if np.count_nonzero(cosines > -np.inf) < min(limit, count - len(skipped)):
            return None
        return self._best(rows, cosines, limit)

    def _best(
        self, rows: NDArray[np.int64], cosines: NDArray[np.float32], limit: int
    ) -> list[tuple[str, float]]:
        count = min(len(rows), limit)
        best = np.argpartition(-cosines, count - 1)[:count]
        best = best[np.argsort(-cosines[best])]
        return [
            (self.ids[rows[position]], float(cosines[position]))
            for position in best
            if cosines[position] > -np.inf
        ]

    def rows(self, start: int, end: int) -> NDArray[np.float32]:
        """Return the vectors of these rows, shape (end − start, dimension)."""
        vectors: NDArray[np.float32] = self._matrix[start:end]
        return vectors

    def cosines(self, vector: NDArray[np.float32], rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the cosines with these rows, shape (len(rows),)."""
        cosines: NDArray[np.float32] = self._matrix[list(rows)] @ vector
        return cosines

    def random_cosines(self, pairs: int, seed: int) -> NDArray[np.float32]:
        """Return the cosines of random pairs of different rows, shape (pairs,).

        The shape is (0,) with fewer than two rows.
        """
        count = len(self.ids)
        if count < 2:
            return np.zeros(0, np.float32)
        rng = np.random.default_rng(seed)
        first = rng.integers(0, count, pairs)
        second = (first + rng.integers(1, count, pairs)) % count
        cosines: NDArray[np.float32] = np.einsum(
            "ij,ij->i", self._matrix[first], self._matrix[second]
        )
        return cosines

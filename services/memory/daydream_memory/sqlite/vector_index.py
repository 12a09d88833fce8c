"""The search index beside the database, and the similarity of random facts.

The index is built in the background and rebuilt when it is lost.
"""

from __future__ import annotations

import numpy as np

from daydream_memory.ann_index import AnnIndex
from daydream_memory.sqlite.database import SqliteDatabase

INDEX_FILE = "vectors.usearch"
INDEX_MIN_FACTS = 200_000  # below that the exact search takes no more than 12 ms
INDEX_BATCH = 5000
INDEX_TAIL_MAX = 1000  # facts that may be outside of the index
INDEX_SAVE_EVERY = 100_000
RANDOM_PAIRS = 4000
SPREAD_MIN = 0.01


class SqliteVectorIndex:
    """What the search uses beside the vectors: the index, and the scale of their cosines."""

    def __init__(self, database: SqliteDatabase, index_min_facts: int = INDEX_MIN_FACTS) -> None:
        self._database = database
        self._file = database.file.with_name(INDEX_FILE)
        self._min_facts = index_min_facts
        self._saved = 0
        self._measured_at = 0
        self._scale = (0.0, 1.0)

    async def tend(self) -> bool:
        """Add the next facts to the index. Return whether more are left."""
        count = len(self._database.fact_vectors)
        if count < self._min_facts or self._is_complete(count):
            return False
        return await self._database.run_unlocked(lambda: self._index_next(count))

    def _is_complete(self, count: int) -> bool:
        index = self._database.fact_vectors.index
        return (
            index is not None
            and count - index.size <= INDEX_TAIL_MAX
            and count - self._saved <= INDEX_SAVE_EVERY
        )

    def _index_next(self, count: int) -> bool:
        """Add a batch, or save the index. It needs no lock: rows never change."""
        vectors = self._database.fact_vectors
        if vectors.index is None:
            vectors.index = AnnIndex.load(self._file, vectors.rows(0, count))
            self._saved = vectors.index.size
        index = vectors.index
        index.add(vectors.rows(index.size, min(count, index.size + INDEX_BATCH)))
        complete = count - index.size <= INDEX_TAIL_MAX
        if (complete and not self._saved) or index.size - self._saved >= INDEX_SAVE_EVERY:
            index.save(self._file)
            self._saved = index.size
        return not complete

    def drop(self) -> None:
        """Delete the index. It is rebuilt without erased rows."""
        self._database.fact_vectors.index = None
        self._saved = 0
        self._file.unlink(missing_ok=True)

    def reset(self) -> None:
        """Forget everything that belongs to the vectors of another model."""
        self.drop()
        self._measured_at, self._scale = 0, (0.0, 1.0)

    def random_similarity(self) -> tuple[float, float]:
        """Return median and deviation of random cosines, measured when the store has doubled."""
        vectors = self._database.fact_vectors
        count = len(vectors)
        if count >= 2 * max(1, self._measured_at):
            cosines = vectors.random_cosines(RANDOM_PAIRS, seed=count)
            if len(cosines):
                deviation = max(SPREAD_MIN, float(np.std(cosines)))
                self._measured_at, self._scale = count, (float(np.median(cosines)), deviation)
        return self._scale

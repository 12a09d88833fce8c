"""The index over what is near, kept beside the database and made again when it is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from daydream_memory.ann_index import AnnIndex
from daydream_memory.sqlite.database import Database

INDEX_FROM = 200_000  # facts; below that the exact search takes no more than some 12 ms
INDEX_BATCH = 5000
INDEX_TAIL_MAX = 1000  # facts that may be outside of the index
INDEX_SAVE_EVERY = 100_000
SCALE_PAIRS = 4000
SPREAD_MIN = 0.01


class SqliteVectorIndex(Database):
    """What `near` rests on beside the vectors: the index, and the scale of their cosines."""

    def __init__(self, folder: Path, embedding_model: str, *, index_from: int = INDEX_FROM) -> None:
        super().__init__(folder, embedding_model)
        self._scale = (0, 0.0, 1.0)
        self._index_file = folder / "nearness.usearch"
        self._index_from = index_from
        self._index_saved = 0

    async def tend(self) -> bool:
        count = len(self._facts)
        index = self._facts.index
        if count < self._index_from or (
            index
            and count - index.size <= INDEX_TAIL_MAX
            and count - self._index_saved <= INDEX_SAVE_EVERY
        ):
            return False
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._index_some, count
        )

    def _index_some(self, count: int) -> bool:
        """Add the next facts to the index, or keep a copy of it; without the lock, because rows never change."""
        if self._facts.index is None:
            self._facts.index = AnnIndex.load(self._index_file, self._facts.rows(0, count))
            self._index_saved = self._facts.index.size
        index = self._facts.index
        index.add(self._facts.rows(index.size, min(count, index.size + INDEX_BATCH)))
        whole = count - index.size <= INDEX_TAIL_MAX
        if (whole and not self._index_saved) or index.size - self._index_saved >= INDEX_SAVE_EVERY:
            index.save(self._index_file)
            self._index_saved = index.size
        return not whole

    def _forget_index(self) -> None:
        """It is made again, without what was erased."""
        self._facts.index, self._index_saved = None, 0
        self._index_file.unlink(missing_ok=True)

    async def unrelated(self) -> tuple[float, float]:
        count = len(self._facts)
        if count >= 2 * max(1, self._scale[0]):  # measured again each time the memory has doubled
            cosines = self._facts.random_cosines(SCALE_PAIRS, seed=count)
            self._scale = (
                (count, float(np.median(cosines)), max(SPREAD_MIN, float(np.std(cosines))))
                if len(cosines)
                else (0, 0.0, 1.0)
            )
        return self._scale[1:]

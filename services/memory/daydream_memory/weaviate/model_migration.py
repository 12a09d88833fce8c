"""A change of the embedding model in Weaviate.

The vectors of the next model are stored beside those of the model in use, under their own
name. The old ones stay in the collections, unused: Weaviate cannot remove them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

import numpy as np
from weaviate.classes.query import Filter

from daydream_memory.erasure_record import ERASED
from daydream_memory.store import StaleVector, Vector
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.exclusive_writes import ExclusiveWrites
from daydream_memory.weaviate.schema import add_vector_space, vector_name
from daydream_memory.weaviate.table import Row, Table

SCAN_PAGE = 500  # objects looked at in one query
MODEL_KEY, GENERATION_KEY = "embedding_model", "generation"


@dataclass
class _Scan:
    """A search for stale texts in the order of a property.

    All objects before position `done` have their new vector. Later objects have higher positions.
    """

    kind: Literal["fact", "hypothesis"]
    key: str
    position: str
    done: int = 0

    async def find(self, table: Table, limit: int) -> list[StaleVector]:
        """Return at least one stale text, if there is one and the limit is above zero."""
        while limit > 0:
            rows = await table.find(
                Filter.by_property(self.position).greater_or_equal(self.done),
                limit=SCAN_PAGE,
                sort=[(self.position, True)],
                only=[self.key, "text", self.position],
                vector=True,
            )
            missing = [row for row in rows if _is_stale(row)]
            if missing:
                self.done = missing[0][self.position]
                return [StaleVector(self.kind, row[self.key], row["text"]) for row in missing]
            if not rows:
                break
            self.done = rows[-1][self.position] + 1
        return []


class WeaviateModelMigration:
    """A `ModelMigrationStore`. It also keeps the generation of the store."""

    def __init__(self, collections: WeaviateCollections, writes: ExclusiveWrites) -> None:
        self._collections = collections
        self._writes = writes
        self._facts = _Scan("fact", "fact_id", "ordinal")
        self._hypotheses = _Scan("hypothesis", "verdict_id", "added_at")
        self.generation = ""

    @property
    def embedding_model(self) -> str:
        return self._collections.embedding_model

    @property
    def next_model(self) -> str:
        return self._collections.next_model

    async def begin(self, model: str) -> None:
        """Find out which model is in use and which one follows. Check the ordinals."""
        async with self._writes.exclusive():
            in_use = await self._meta_or(MODEL_KEY, model)
            self.generation = await self._meta_or(GENERATION_KEY, uuid4().hex)
            self._collections.use_models(in_use, model if in_use != model else "")
            for name in (self.embedding_model, self.next_model):
                if name:
                    await add_vector_space(
                        self._collections.client, self._collections.settings, vector_name(name)
                    )
            await self._writes.check_ordinals()

    async def _meta_or(self, key: str, value: str) -> str:
        """Return what is stored under a key. Store this value if there was none."""
        if not await self._collections.read_meta(key):
            await self._collections.write_meta(key, value)
        return await self._collections.read_meta(key)

    async def stale(self, limit: int) -> list[StaleVector]:
        if not self.next_model or not await self._writes.lock.is_leader():
            return []
        stale = await self._facts.find(self._collections.next_facts, limit)
        stale += await self._hypotheses.find(self._collections.next_verdicts, limit - len(stale))
        return stale[:limit]

    async def add_vectors(self, vectors: Sequence[tuple[StaleVector, Vector]]) -> None:
        async with self._writes.exclusive():  # so that what is erased meanwhile gets none
            for scan, table in (
                (self._facts, self._collections.next_facts),
                (self._hypotheses, self._collections.next_verdicts),
            ):
                new = {
                    stale.key: vector.astype(np.float32)
                    for stale, vector in vectors
                    if stale.kind == scan.kind
                }
                rows = await table.get([(key,) for key in new], only=[scan.key, "text"])
                present = [row[scan.key] for row in rows if row["text"] != ERASED]
                await table.change({(key,): {} for key in present}, new)

    async def switch(self) -> None:
        async with self._writes.exclusive():
            model = {"value": self.next_model}
            await self._collections.meta.change({(MODEL_KEY,): model})
            self._collections.use_models(self.next_model, "")

    async def outdated(self) -> bool:
        return await self._collections.read_meta(MODEL_KEY) != self.embedding_model


def _is_stale(row: Row) -> bool:
    return row.vector is None and row["text"] not in ("", ERASED)

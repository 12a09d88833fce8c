"""A change of the embedding model: the vectors of the next one stand beside those of the one in use, under a name of their own.

The old ones stay in the collections, where nothing uses them any more: Weaviate can't remove them.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

import numpy as np
from weaviate.classes.query import Filter

from daydream_memory.erasure_record import ERASED
from daydream_memory.store import StaleVector, Vector
from daydream_memory.weaviate.schema import FACT, VERDICT, add_vectors, vector_name
from daydream_memory.weaviate.table import Row, Table
from daydream_memory.weaviate.verdicts import WeaviateVerdicts

LOOK = 500  # objects looked at in one query
IN_USE, GENERATION = "embedding_model", "generation"


class WeaviateModelMigration(WeaviateVerdicts):
    """The change of the model. `_seen`: up to which ordinal, and which time, everything is known to have its new vector."""

    next_model = ""
    generation = ""
    _seen = (0, 0)

    async def _begin(self, model: str) -> None:
        """Find out which model is in use, and which one follows."""
        async with self._turn():
            if not await self._in_use():
                await self._meta.insert([((IN_USE,), {"key": IN_USE, "value": model})])
            used = await self._in_use()
            if not await self._meta.get([(GENERATION,)]):
                await self._meta.insert(
                    [((GENERATION,), {"key": GENERATION, "value": uuid4().hex})]
                )
            self.generation = str((await self._meta.get([(GENERATION,)]))[0]["value"])
            self._use(used)
            self.next_model = model if used != model else ""
            for name in (used, self.next_model):
                if name:
                    await add_vectors(self._client, self._settings, vector_name(name))
            self._next_facts = Table(
                self._client, self._settings, FACT, "fact", vector_name(self.next_model)
            )
            self._next_verdicts = Table(
                self._client, self._settings, VERDICT, "verdict", vector_name(self.next_model)
            )
            await self._check()

    async def _in_use(self) -> str:
        found = await self._meta.get([(IN_USE,)])
        return str(found[0]["value"]) if found else ""

    async def stale(self, limit: int) -> list[StaleVector]:
        if not self.next_model or not await self.leads():
            return []
        found: list[StaleVector] = []
        while len(found) < limit:
            ordinals = Filter.by_property("ordinal").greater_or_equal(self._seen[0])
            rows = await self._next_facts.find(
                ordinals,
                limit=LOOK,
                sort=[("ordinal", True)],
                only=["fact_id", "text", "ordinal"],
                vector=True,
            )
            missing = [row for row in rows if _is_stale(row)]
            found += [StaleVector("fact", row["fact_id"], row["text"]) for row in missing]
            if missing or not rows:
                self._seen = (missing[0]["ordinal"], self._seen[1]) if missing else self._seen
                break
            self._seen = (rows[-1]["ordinal"] + 1, self._seen[1])
        while len(found) < limit:
            later = Filter.by_property("added_at").greater_or_equal(self._seen[1])
            rows = await self._next_verdicts.find(
                later,
                limit=LOOK,
                sort=[("added_at", True)],
                only=["verdict_id", "text", "added_at"],
                vector=True,
            )
            missing = [row for row in rows if _is_stale(row)]
            found += [StaleVector("hypothesis", row["verdict_id"], row["text"]) for row in missing]
            if missing or not rows:
                self._seen = (self._seen[0], missing[0]["added_at"]) if missing else self._seen
                break
            self._seen = (self._seen[0], rows[-1]["added_at"] + 1)
        return found[:limit]

    async def add_vectors(self, vectors: Sequence[tuple[StaleVector, Vector]]) -> None:
        async with self._turn():  # so that what is erased meanwhile gets none
            for kind, table in (("fact", self._next_facts), ("hypothesis", self._next_verdicts)):
                new = {
                    one.key: vector.astype(np.float32)
                    for one, vector in vectors
                    if one.kind == kind
                }
                key = "fact_id" if kind == "fact" else "verdict_id"
                there = [
                    row[key]
                    for row in await table.get([(one,) for one in new], only=[key, "text"])
                    if row["text"] != ERASED
                ]
                await table.change({(one,): {} for one in there}, new)

    async def switch(self) -> None:
        async with self._turn():
            await self._meta.change({(IN_USE,): {"value": self.next_model}})
            self._use(self.next_model)
            self.next_model = ""

    async def outdated(self) -> bool:
        return await self._in_use() != self.embedding_model


def _is_stale(row: Row) -> bool:
    return row.vector is None and row["text"] not in ("", ERASED)

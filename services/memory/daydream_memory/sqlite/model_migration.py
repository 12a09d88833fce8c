"""A change of the embedding model in the SQLite store.

The vectors of the next model are collected in a separate table and replace the others in one
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daydream_memory.erasure_record import ERASED
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.sqlite.vector_index import SqliteVectorIndex
from daydream_memory.store import StaleVector, Vector

STALE_FACTS = """select 'fact', f.fact_id, f.text, f.ordinal from facts f
  where f.ordinal >= ? and f.text <> ? and not exists
    (select 1 from next_vectors n where n.kind = 'fact' and n.key = f.fact_id)
  order by f.ordinal limit ?"""
STALE_HYPOTHESES = """select 'hypothesis', v.verdict_id, v.text, v.seq from verdicts v
  where v.seq >= ? and v.vector is not null and v.text <> ? and not exists
    (select 1 from next_vectors n where n.kind = 'hypothesis' and n.key = v.verdict_id)
  order by v.seq limit ?"""
ADD_VECTOR = """insert or replace into next_vectors select :kind, :key, :vector
  where exists (select 1 from facts where fact_id = :key and text <> :erased)
  or exists (select 1 from verdicts where verdict_id = :key and text <> :erased)"""
SWITCH = (
    """update facts set vector = coalesce(
      (select n.vector from next_vectors n where n.kind = 'fact' and n.key = fact_id),
      zeroblob(:bytes)) where ordinal is not null""",
    """update verdicts set vector = coalesce(
      (select n.vector from next_vectors n where n.kind = 'hypothesis' and n.key = verdict_id),
      zeroblob(:bytes)) where vector is not null""",
    "delete from next_vectors",
    "update meta set value = :model where key = 'embedding_model'",
    "update meta set value = '' where key = 'next_model'",
)


@dataclass
class SqliteModelMigration:
    """A `ModelMigrationStore`.

    Facts below ordinal `facts_done` and verdicts below `verdicts_done` have their new vectors.
    Later ones have higher numbers, so no search looks below these again.
    """

    database: SqliteDatabase
    index: SqliteVectorIndex
    facts_done: int = 0
    verdicts_done: int = 0

    @property
    def embedding_model(self) -> str:
        return self.database.embedding_model

    @property
    def next_model(self) -> str:
        return self.database.next_model

    async def stale(self, limit: int) -> list[StaleVector]:
        if not self.next_model:
            return []
        return await self.database.run(lambda: self._stale(limit))

    def _stale(self, limit: int) -> list[StaleVector]:
        connection = self.database.connection
        facts = connection.execute(STALE_FACTS, (self.facts_done, ERASED, limit)).fetchall()
        self.facts_done = facts[0][3] if facts else len(self.database.fact_vectors)
        values = (self.verdicts_done, ERASED, limit - len(facts))
        hypotheses = connection.execute(STALE_HYPOTHESES, values).fetchall()
        if hypotheses:
            self.verdicts_done = hypotheses[0][3]
        return [StaleVector(kind, key, text) for kind, key, text, _ in (*facts, *hypotheses)]

    async def add_vectors(self, vectors: Sequence[tuple[StaleVector, Vector]]) -> None:
        rows = [
            {
                "kind": stale.kind,
                "key": stale.key,
                "vector": vector.astype(np.float32).tobytes(),
                "erased": ERASED,
            }
            for stale, vector in vectors
        ]
        await self.database.run_transaction(
            lambda: self.database.connection.executemany(ADD_VECTOR, rows)
        )

    async def switch(self) -> None:
        await self.database.run(self._switch)

    def _switch(self) -> None:
        database = self.database
        query = "select length(vector) from next_vectors limit 1"
        (length,) = database.connection.execute(query).fetchone() or (0,)
        values = {"bytes": length, "model": database.next_model}

        def write() -> None:
            for statement in SWITCH:
                database.connection.execute(statement, values)

        database.transaction(write)
        database.embedding_model, database.next_model = database.next_model, ""
        database.load_vectors()
        self.index.reset()

    async def outdated(self) -> bool:
        return False  # one process has the file

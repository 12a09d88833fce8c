"""A change of the embedding model: the vectors of the next one are gathered beside, and take over in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daydream_memory.erasure_record import ERASED
from daydream_memory.sqlite.verdicts import SqliteVerdicts
from daydream_memory.store import StaleVector, Vector
from daydream_memory.vectors import VectorTable

STALE_FACTS = """select 'fact', f.fact_id, f.text, f.ordinal from facts f where f.ordinal >= ? and f.text <> ?
  and not exists (select 1 from next_vectors n where n.kind = 'fact' and n.key = f.fact_id) order by f.ordinal limit ?"""
STALE_HYPOTHESES = """select 'hypothesis', v.verdict_id, v.text, v.seq from verdicts v where v.seq >= ? and v.vector is not null and v.text <> ?
  and not exists (select 1 from next_vectors n where n.kind = 'hypothesis' and n.key = v.verdict_id) order by v.seq limit ?"""
TAKE_OVER = """
update facts set vector = coalesce((select n.vector from next_vectors n where n.kind = 'fact' and n.key = fact_id), zeroblob(:bytes))
  where ordinal is not null;
update verdicts set vector = coalesce((select n.vector from next_vectors n where n.kind = 'hypothesis' and n.key = verdict_id), zeroblob(:bytes))
  where vector is not null;
delete from next_vectors;
update meta set value = :model where key = 'embedding_model';
update meta set value = '' where key = 'next_model';
"""


class SqliteModelMigration(SqliteVerdicts):
    """The change of the model. Until it, `_seen` says how far the facts and hypotheses are known to have their new vectors."""

    _seen = (0, 0)

    async def stale(self, limit: int) -> list[StaleVector]:
        def work() -> list[StaleVector]:
            facts = self._db.execute(STALE_FACTS, (self._seen[0], ERASED, limit)).fetchall()
            hypotheses = (
                self._db.execute(
                    STALE_HYPOTHESES, (self._seen[1], ERASED, limit - len(facts))
                ).fetchall()
                if len(facts) < limit
                else []
            )
            # what comes later has higher numbers, so nobody looks at what lies before these again
            self._seen = (
                facts[0][3] if facts else len(self._facts),
                hypotheses[0][3] if hypotheses else self._seen[1],
            )
            return [StaleVector(*row[:3]) for row in (*facts, *hypotheses)]

        return await self._run(work) if self.next_model else []

    async def add_vectors(self, vectors: Sequence[tuple[StaleVector, Vector]]) -> None:
        rows = [
            (
                one.kind,
                one.key,
                vector.astype(np.float32).tobytes(),
                one.key,
                ERASED,
                one.key,
                ERASED,
            )
            for one, vector in vectors
        ]
        query = """insert or replace into next_vectors select ?, ?, ? where exists (select 1 from facts where fact_id = ? and text <> ?)
                   or exists (select 1 from verdicts where verdict_id = ? and text <> ?)"""
        await self._run(lambda: self._transaction(lambda: self._db.executemany(query, rows)))

    async def switch(self) -> None:
        def work() -> None:
            size = self._db.execute(
                "select length(vector) from next_vectors limit 1"
            ).fetchone() or (0,)

            def take_over() -> None:
                for statement in TAKE_OVER.split(";")[:-1]:
                    self._db.execute(statement, {"bytes": size[0], "model": self.next_model})

            self._transaction(take_over)
            self.embedding_model, self.next_model = self.next_model, ""
            self._facts, self._hypotheses = VectorTable(), VectorTable()
            self._scale = (0, 0.0, 1.0)
            self._load()
            self._forget_index()

        await self._run(work)

    async def outdated(self) -> bool:
        return False  # one process has the file

"""Erasure in the SQLite store: from rows, from vectors in memory, and from the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from daydream_memory.sqlite import erasure_rules, visibility_rules
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.sqlite.fact_table import SqliteFactTable
from daydream_memory.sqlite.vector_index import SqliteVectorIndex
from daydream_memory.store import ErasedFacts


@dataclass
class _Erasure:
    """One erasure while it is written."""

    facts: set[str]
    insights: set[str] = field(default_factory=set)
    verdicts: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class SqliteErasure:
    """An `ErasureStore`. After an erasure no page of the file holds the texts."""

    database: SqliteDatabase
    table: SqliteFactTable
    index: SqliteVectorIndex

    async def erase(
        self, sources: Sequence[str], fact_ids: Sequence[str], *, derived: bool, note: str
    ) -> ErasedFacts:
        erasure = _Erasure(set(fact_ids))

        def write() -> set[str]:
            return self._write(erasure, sources, derived=derived, note=note)

        def erase() -> None:
            self.database.connection.execute("pragma secure_delete = on")
            self.table.change_visibility(write)
            self.database.fact_vectors.erase(erasure.facts)
            self.database.hypothesis_vectors.erase(
                [key for key, hypothesis_erased in erasure.verdicts.items() if hypothesis_erased]
            )
            self.index.drop()
            self.database.connection.execute("pragma wal_checkpoint(truncate)")
            self.database.connection.execute("vacuum")

        await self.database.run(erase)
        return ErasedFacts(
            tuple(sorted(erasure.facts)), len(erasure.verdicts), tuple(sorted(erasure.insights))
        )

    def _write(
        self, erasure: _Erasure, sources: Sequence[str], *, derived: bool, note: str
    ) -> set[str]:
        """Erase the rows. Return all facts that this concerns."""
        connection = self.database.connection
        erasure.facts |= erasure_rules.erase_documents(connection, sources, note)
        erasure.insights = erasure_rules.insights_below(connection, erasure.facts)
        if derived:
            erasure.facts |= erasure.insights
        erasure_rules.erase_facts(connection, erasure.facts)
        erasure.verdicts = erasure_rules.erase_from_verdicts(
            connection, erasure.facts, derived=derived
        )
        retracted = [visibility_rules.retract(connection, root) for root in erasure.facts]
        return erasure.facts.union(*retracted)

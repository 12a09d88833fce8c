"""State of the SQLite store as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from daydream_memory.sqlite import visibility_rules
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.sqlite.vector_index import SqliteVectorIndex
from daydream_memory.sqlite.verdicts import QUARANTINED
from daydream_memory.store import StoreCounts

DECISIONS = "select decision, count(*) from verdicts group by decision"
FACTS_PENDING = "select count(*) from facts where ordinal is null"
DOCUMENTS = "select count(*) from documents"
JUDGED = "select count(*) from verdicts where judged"
QUARANTINED_COUNT = f"select count(*) from verdicts where {QUARANTINED}"
INSIGHTS = f"""select count(*) from facts f
  where f.kind = 'insight' and not {visibility_rules.HIDDEN}"""
TEAMS = """select team, count(*) from facts
  where team <> '' and ordinal is not null group by team"""
SAME_DOCUMENT = """select coalesce(sum(facts * (facts - 1) / 2), 0)
  from (select count(*) as facts from facts where source <> '' group by source)"""
CLEARANCES = """select clearance, count(*) from facts
  where clearance <> '' group by clearance"""


@dataclass
class SqliteMaintenance:
    """A `StoreMaintenance`. Counts are read again after a change of the file only."""

    database: SqliteDatabase
    index: SqliteVectorIndex
    counted: tuple[int, StoreCounts] | None = None
    same_document: tuple[int, int] | None = None  # facts, and pairs of one document among them

    @property
    def generation(self) -> str:
        return self.database.generation

    async def counts(self) -> StoreCounts:
        return await self.database.run(self._counts)

    def _counts(self) -> StoreCounts:
        changes = self.database.connection.total_changes
        if self.counted is None or self.counted[0] != changes:  # asked for before each draw
            self.counted = (changes, self._count())
        return self.counted[1]

    def _count(self) -> StoreCounts:
        decisions = self._groups(DECISIONS)
        facts, pending = len(self.database.fact_vectors), self._number(FACTS_PENDING)
        return StoreCounts(
            facts=facts,
            facts_pending=pending,
            documents=self._number(DOCUMENTS),
            verdicts=sum(decisions.values()),
            judged=self._number(JUDGED),
            decisions=decisions,
            quarantined=self._number(QUARANTINED_COUNT),
            insights=self._number(INSIGHTS),
            hidden=self.database.fact_vectors.hidden_count,
            teams=self._groups(TEAMS),
            clearances=self._groups(CLEARANCES),
            same_document_pairs=self._same_document_pairs(facts + pending),
        )

    def _same_document_pairs(self, facts: int) -> int:
        """Count again only when facts were added: it reads the whole index of sources."""
        if self.same_document is None or self.same_document[0] != facts:
            self.same_document = (facts, self._number(SAME_DOCUMENT))
        return self.same_document[1]

    def _number(self, query: str) -> int:
        return int(self.database.connection.execute(query).fetchone()[0])

    def _groups(self, query: str) -> dict[str, int]:
        return dict(self.database.connection.execute(query).fetchall())

    async def is_leader(self) -> bool:
        return True  # one process has the file

    async def note(self, key: str) -> str:
        return await self.database.run(lambda: self.database.read_meta(f"note {key}")) or ""

    async def set_note(self, key: str, text: str) -> None:
        await self.database.run(lambda: self.database.write_meta(f"note {key}", text))

    async def tend(self) -> bool:
        return await self.index.tend()

    async def close(self) -> None:
        self.database.close()

"""The embedded store, whole: facts and verdicts in one file, and what concerns both."""

from __future__ import annotations

from collections.abc import Sequence

from daydream_memory.sqlite import erasing, standing
from daydream_memory.sqlite.changing import Changing
from daydream_memory.sqlite.verdicts import QUARANTINED
from daydream_memory.store import Counts, ErasedFacts


class SqliteStore(Changing):
    """A `Store` in one folder. One process at a time."""

    async def erase(self, sources: Sequence[str], fact_ids: Sequence[str], *, derived: bool, note: str) -> ErasedFacts:
        def work() -> ErasedFacts:
            found: set[str] = set(fact_ids)
            insights: set[str] = set()
            verdicts: list[str] = []

            def change() -> set[str]:
                found.update(erasing.erase_documents(self._db, sources, note))
                insights.update(erasing.descendants(self._db, found))
                if derived:
                    found.update(insights)
                erasing.erase_facts(self._db, found)
                verdicts.extend(erasing.erase_from_verdicts(self._db, found, derived=derived))
                return found.union(*(standing.withdraw(self._db, root) for root in found))

            self._db.execute("pragma secure_delete = on")
            self._restand(change)
            self._facts.erase(found)
            if derived:
                self._hypotheses.erase(verdicts)
            self._forget_index()
            self._db.execute("pragma wal_checkpoint(truncate)")
            self._db.execute("vacuum")
            return ErasedFacts(tuple(sorted(found)), len(verdicts), tuple(sorted(insights)))

        return await self._run(work)

    async def counts(self) -> Counts:
        def work() -> Counts:
            def one(query: str) -> int:
                return int(self._db.execute(query).fetchone()[0])

            decisions = dict(self._db.execute("select decision, count(*) from verdicts group by decision").fetchall())
            return Counts(
                facts=len(self._facts),
                facts_pending=one("select count(*) from facts where ordinal is null"),
                documents=one("select count(*) from documents"),
                verdicts=sum(decisions.values()),
                judged=one("select count(*) from verdicts where judged"),
                decisions=decisions,
                quarantined=one(f"select count(*) from verdicts where {QUARANTINED}"),  # noqa: S608
                insights=one(f"select count(*) from facts f where f.kind = 'insight' and not {standing.HIDDEN}"),  # noqa: S608
                hidden=self._facts.hidden_count,
            )

        return await self._run(work)

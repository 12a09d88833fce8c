"""The embedded store, whole: facts and verdicts in one file, and what concerns both."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from daydream_memory.erasure_record import ERASED, ERASED_NOTE
from daydream_memory.sqlite import erasing, visibility
from daydream_memory.sqlite.model_migration import SqliteModelMigration
from daydream_memory.sqlite.verdicts import QUARANTINED
from daydream_memory.store import ErasedFacts, StoreCounts


class SqliteStore(SqliteModelMigration):
    """A `Store` in one folder. One process at a time."""

    _counted: tuple[int, StoreCounts] | None = None

    async def erase(
        self, sources: Sequence[str], fact_ids: Sequence[str], *, derived: bool, note: str
    ) -> ErasedFacts:
        def work() -> ErasedFacts:
            found: set[str] = set(fact_ids)
            insights: set[str] = set()
            verdicts: dict[str, bool] = {}

            def change() -> set[str]:
                found.update(erasing.erase_documents(self._db, sources, note))
                insights.update(erasing.descendants(self._db, found))
                if derived:
                    found.update(insights)
                erasing.erase_facts(self._db, found)
                verdicts.update(erasing.erase_from_verdicts(self._db, found, derived=derived))
                return found.union(*(visibility.withdraw(self._db, root) for root in found))

            self._db.execute("pragma secure_delete = on")
            self._restand(change)
            self._facts.erase(found)
            self._hypotheses.erase(
                [verdict_id for verdict_id, silenced in verdicts.items() if silenced]
            )
            self._forget_index()
            self._db.execute("pragma wal_checkpoint(truncate)")
            self._db.execute("vacuum")
            return ErasedFacts(tuple(sorted(found)), len(verdicts), tuple(sorted(insights)))

        return await self._run(work)

    async def restored_at(self) -> dict[str, int] | None:
        """Up to where in the streams the backup knew everything that this store was restored from. None when it was not, or has caught up."""
        row = await self._run(
            lambda: self._db.execute("select value from meta where key = 'taken-in'").fetchone()
        )
        places: dict[str, int] | None = json.loads(row[0])["places"] if row else None
        return places

    async def caught_up(self) -> None:
        """It knows everything again."""
        await self._run(lambda: self._db.execute("delete from meta where key = 'taken-in'"))

    async def erase_as_in(self, before: Path) -> None:
        """Erase what was erased in the store that this one takes the place of."""
        with closing(sqlite3.connect(before)) as db:
            facts = [
                row[0]
                for row in db.execute("select fact_id from withdrawn where root = ?", (ERASED,))
            ]
            documents = db.execute(
                "select source, note from documents where status = 'refused' and note like ? || '%'",
                (ERASED_NOTE,),
            ).fetchall()
            verdicts = db.execute(
                "select body, text, verdict_id from verdicts where text = ?", (ERASED,)
            ).fetchall()
        for note in sorted({note for _, note in documents} or {ERASED_NOTE}):
            await self.erase(
                [source for source, one in documents if one == note],
                facts,
                derived=False,
                note=note,
            )
        query = "update verdicts set body = ?, text = ?, vector = zeroblob(length(vector)) where verdict_id = ?"
        await self._run(lambda: self._transaction(lambda: self._db.executemany(query, verdicts)))
        self._hypotheses.erase([verdict_id for _, _, verdict_id in verdicts])

    async def counts(self) -> StoreCounts:
        def work() -> StoreCounts:
            if (
                self._counted and self._counted[0] == self._db.total_changes
            ):  # asked before each draw
                return self._counted[1]

            def one(query: str) -> int:
                return int(self._db.execute(query).fetchone()[0])

            def by(column: str, which: str) -> dict[str, int]:
                query = f"select {column}, count(*) from facts where {column} <> '' and {which} group by {column}"  # noqa: S608
                return dict(self._db.execute(query).fetchall())

            decisions = dict(
                self._db.execute(
                    "select decision, count(*) from verdicts group by decision"
                ).fetchall()
            )
            found = StoreCounts(
                facts=len(self._facts),
                facts_pending=one("select count(*) from facts where ordinal is null"),
                documents=one("select count(*) from documents"),
                verdicts=sum(decisions.values()),
                judged=one("select count(*) from verdicts where judged"),
                decisions=decisions,
                quarantined=one(f"select count(*) from verdicts where {QUARANTINED}"),  # noqa: S608
                insights=one(
                    f"select count(*) from facts f where f.kind = 'insight' and not {visibility.HIDDEN}"
                ),  # noqa: S608
                hidden=self._facts.hidden_count,
                teams=by("team", "ordinal is not null"),
                clearances=by("clearance", "1"),
            )
            self._counted = (self._db.total_changes, found)
            return found

        return await self._run(work)

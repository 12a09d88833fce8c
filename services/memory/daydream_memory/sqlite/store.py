"""The embedded store: SQLite (WAL, synchronous=FULL) is the truth, the vectors are a matrix in memory made from it at start.

What SQLite has acknowledged survives a kill and a power failure. Ordinals are the rows of the matrix.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from daydream_memory.approximate import Approximate
from daydream_memory.sqlite import erasing, standing
from daydream_memory.sqlite.schema import SCHEMA_VERSION, migrate
from daydream_memory.store import Changed, Counts, DocumentRecord, ErasedFacts, NewFact, Pending, Vector
from daydream_memory.vectors import VectorTable
from daydream_shared.failures import WrongSetting
from daydream_shared.messages import Fact, FactKind, Known, ReviewRecorded, VerdictReached
from daydream_shared.requests import DocumentReport, ListDocuments, ListVerdicts, Sight, Standing

R = TypeVar("R")
LOAD_BATCH = 5000
SCALE_PAIRS = 4000
SPREAD_MIN = 0.01
INDEX_FROM = 200_000  # facts; below that the exact search takes no more than some 12 ms
INDEX_BATCH = 5000
INDEX_TAIL_MAX = 1000  # facts that may be outside of the index
INDEX_SAVE_EVERY = 100_000
PROMOTED = "decision = 'promoted' and final"
QUARANTINED = """decision = 'promoted' and final and not exists (select 1 from facts f where f.source = 'daydream ' || verdict_id)
  and not exists (select 1 from reviews r where r.verdict_id = verdicts.verdict_id)"""
FACT_COLUMNS = "fact_id, ordinal, text, title, source, domain, kind, depth, place, tags, licence, written"


class SqliteStore:
    """A `Store` in one folder. One process at a time."""

    def __init__(self, folder: Path, embedding_model: str, *, index_from: int = INDEX_FROM) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(folder / "memory.db", check_same_thread=False, isolation_level=None)
            self._db.execute("pragma journal_mode=wal")
            self._db.execute("pragma synchronous=full")
            migrate(self._db)
        except (OSError, sqlite3.Error) as error:
            raise WrongSetting(f"the memory folder {folder} can't be used: {error}", "Give a folder that can be written: DAYDREAM_MEMORY_FOLDER") from None
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="store")
        self._facts = VectorTable()
        self._hypotheses = VectorTable()
        self._scale = (0, 0.0, 1.0)
        self._index_file = folder / "nearness.usearch"
        self._index_from = index_from
        self._index_saved = 0
        self._remember("schema", SCHEMA_VERSION)
        self._remember("embedding_model", embedding_model)
        self._load()

    def _remember(self, key: str, value: str) -> None:
        self._db.execute("insert or ignore into meta values(?, ?)", (key, value))
        (found,) = self._db.execute("select value from meta where key = ?", (key,)).fetchone()
        if found != value:
            raise WrongSetting(f"this memory was made with {key} {found}, not {value}", "Use that one, or another folder")

    def _load(self) -> None:
        for table, query in (
            (self._facts, "select fact_id, vector from facts where ordinal is not null order by ordinal"),
            (self._hypotheses, "select verdict_id, vector from verdicts where vector is not null order by seq"),
        ):
            cursor = self._db.execute(query)
            while rows := cursor.fetchmany(LOAD_BATCH):
                table.append([row[0] for row in rows], np.stack([np.frombuffer(row[1], np.float32) for row in rows]))
        self._facts.hide(standing.all_hidden(self._db), hidden=True)

    async def tend(self) -> bool:
        count = len(self._facts)
        index = self._facts.index
        if count < self._index_from or (index and count - index.size <= INDEX_TAIL_MAX and count - self._index_saved <= INDEX_SAVE_EVERY):
            return False
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._index_some, count)

    def _index_some(self, count: int) -> bool:
        """Add the next facts to the index, or keep a copy of it; without the lock, because rows never change."""
        if self._facts.index is None:
            self._facts.index = Approximate.load(self._index_file, self._facts.rows(0, count))
            self._index_saved = self._facts.index.size
        index = self._facts.index
        index.add(self._facts.rows(index.size, min(count, index.size + INDEX_BATCH)))
        whole = count - index.size <= INDEX_TAIL_MAX
        if (whole and not self._index_saved) or index.size - self._index_saved >= INDEX_SAVE_EVERY:
            index.save(self._index_file)
            self._index_saved = index.size
        return not whole

    async def _run(self, work: Callable[[], R]) -> R:
        def locked() -> R:
            with self._lock:
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._threads, locked)

    def _transaction(self, work: Callable[[], R]) -> R:
        self._db.execute("begin immediate")
        try:
            result = work()
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")
        return result

    # --- facts ----------------------------------------------------------------------------------------------------

    async def add_document(self, record: DocumentRecord, facts: Sequence[NewFact]) -> None:
        def work() -> set[str]:
            for fact in facts:
                self._insert_fact(fact)
            return standing.document_read(self._db, record, facts)

        await self._run(lambda: self._restand(work))

    async def remove_document(self, source: str, removed_at: datetime) -> Changed:
        return await self._run(lambda: self._restand(lambda: standing.document_removed(self._db, source, removed_at)))

    async def withdraw(self, fact_ids: Sequence[str]) -> Changed:
        return await self._run(lambda: self._restand(lambda: set().union(*(standing.withdraw(self._db, root) for root in fact_ids))))

    async def restore(self, fact_ids: Sequence[str]) -> Changed:
        return await self._run(lambda: self._restand(lambda: set().union(*(standing.restore(self._db, root) for root in fact_ids))))

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
            self._facts.index, self._index_saved = None, 0  # made again without them
            self._index_file.unlink(missing_ok=True)
            self._db.execute("pragma wal_checkpoint(truncate)")
            self._db.execute("vacuum")
            return ErasedFacts(tuple(sorted(found)), len(verdicts), tuple(sorted(insights)))

        return await self._run(work)

    def _restand(self, change: Callable[[], set[str]]) -> Changed:
        """Change who can be drawn, in one transaction; then show it to readers, and say how those stand whom it concerns."""
        touched = [key for key in sorted(self._transaction(change)) if key in self._facts.row_of]
        hidden = standing.hidden_among(self._db, touched)
        drawable = [key for key in touched if key not in hidden]
        self._facts.hide(hidden, hidden=True)
        self._facts.hide(drawable, hidden=False)
        return Changed(out=self._read_facts(sorted(hidden)), in_=self._read_facts(drawable))

    async def resolve(self, names: Sequence[str]) -> list[Standing]:
        def one(name: str) -> Standing | None:
            row = self._db.execute("select fact_id from facts where fact_id = ? or source = ? limit 1", (name, f"daydream {name}")).fetchone()
            facts = self._read_facts([row[0]] if row else [])
            if not facts:
                return None
            roots = self._db.execute("select root from withdrawn where fact_id = ? order by root", row).fetchall()
            below = self._db.execute(standing.DESCENDANTS, row).fetchall()
            key = facts[0].fact_id
            return Standing(fact=facts[0], hidden=self._facts.is_hidden(key), withdrawn_by=tuple(root for (root,) in roots), descendants=len(below) - 1)

        return await self._run(lambda: [found for name in names if (found := one(name))])

    def _insert_fact(self, fact: NewFact) -> None:
        row = {**vars(fact), "kind": fact.kind.value, "parents": json.dumps(fact.parents), "tags": json.dumps(fact.tags)}
        holes = ", ".join(f":{name}" for name in row)
        self._db.execute(f"insert or ignore into facts({', '.join(row)}) values({holes})", row)
        if fact.parents:
            standing.descended(self._db, fact)

    async def pending(self, limit: int) -> list[Pending]:
        query = "select fact_id, text from facts where ordinal is null order by place, seq limit ?"
        return await self._run(lambda: [Pending(*row) for row in self._db.execute(query, (limit,))])

    async def make_drawable(self, vectors: dict[str, Vector]) -> int:
        return await self._run(lambda: self._make_drawable(vectors, lambda: None))

    def _make_drawable(self, vectors: dict[str, Vector], also: Callable[[], None]) -> int:
        """Write vectors and ordinals, and what `also` writes, in one transaction; then show them to readers."""
        new: list[str] = []

        def work() -> None:
            also()
            for key, vector in vectors.items():
                row = (len(self._facts) + len(new), vector.astype(np.float32).tobytes(), key)
                if self._db.execute("update facts set ordinal = ?, vector = ? where fact_id = ? and ordinal is null", row).rowcount:
                    new.append(key)

        self._transaction(work)
        if new:
            self._facts.append(new, np.stack([vectors[key] for key in new]), hidden=standing.hidden_among(self._db, new))
        return len(new)

    async def fact_at(self, ordinal: int) -> tuple[Fact, Vector, bool] | None:
        if not 0 <= ordinal < len(self._facts):
            return None
        (fact,) = await self.facts([self._facts.ids[ordinal]])
        return fact, self._facts.row(ordinal), self._facts.is_hidden(fact.fact_id)

    async def facts(self, fact_ids: Sequence[str]) -> list[Fact]:
        return list(await self._run(lambda: self._read_facts(fact_ids)))

    def _read_facts(self, fact_ids: Sequence[str]) -> tuple[Fact, ...]:
        query = f"select {FACT_COLUMNS} from facts where ordinal is not null and fact_id in (select value from json_each(?))"  # noqa: S608
        found = {row[0]: _fact(row) for row in self._db.execute(query, (json.dumps(list(fact_ids)),))}
        return tuple(found[key] for key in fact_ids if key in found)

    async def vectors(self, fact_ids: Sequence[str]) -> dict[str, Vector]:
        return {key: self._facts.row(self._facts.row_of[key]) for key in fact_ids if key in self._facts.row_of}

    async def near(self, vector: Vector, limit: int, *, without: frozenset[str] = frozenset()) -> list[tuple[Fact, float]]:
        found = dict(self._facts.near(vector, limit, without))
        return [(fact, found[fact.fact_id]) for fact in await self.facts(list(found))]

    async def around(self, ordinal: int, near: int, also: Sequence[int]) -> list[Sight] | None:
        count = len(self._facts)
        if not 0 <= ordinal < count:
            return None
        vector = self._facts.row(ordinal)

        def work() -> dict[int, float]:
            rows = {self._facts.row_of[key] for key, _ in self._facts.near(vector, near + 1)} | {one for one in also if 0 <= one < count}
            wanted = sorted(rows - {ordinal})
            return dict(zip(wanted, self._facts.cosines(vector, wanted).tolist(), strict=True)) if wanted else {}

        found = {ordinal: 1.0, **await asyncio.get_running_loop().run_in_executor(self._threads, work)}
        return sorted(await self._run(lambda: self._sights(found, self._facts.ids[ordinal])), key=lambda one: (one.ordinal != ordinal, -one.similarity))

    def _sights(self, cosines: dict[int, float], seen_from: str) -> list[Sight]:
        kin = standing.kin(self._db, seen_from)
        query = "select fact_id, ordinal, source, domain, kind from facts where ordinal in (select value from json_each(?))"
        return [
            Sight(
                ordinal=ordinal, similarity=cosines[ordinal], source=source, domain=domain, kind=FactKind(kind),
                hidden=self._facts.is_hidden(key), kin=key in kin,
            )
            for key, ordinal, source, domain, kind in self._db.execute(query, (json.dumps(list(cosines)),))
        ]  # fmt: skip

    async def questions(self, limit: int) -> list[int]:
        query = f"select f.ordinal from facts f where f.kind = 'question' and f.ordinal is not null and not {standing.HIDDEN} order by f.ordinal desc limit ?"  # noqa: S608
        return await self._run(lambda: [row[0] for row in self._db.execute(query, (limit,))])

    async def ancestors(self, fact_id: str) -> list[Fact]:
        def work() -> list[str]:
            seen: dict[str, None] = {}
            level = [fact_id]
            while level:
                rows = [self._db.execute("select parents from facts where fact_id = ?", (key,)).fetchone() for key in level]
                level = [parent for row in rows if row for parent in json.loads(row[0]) if parent not in seen]
                seen.update(dict.fromkeys(level))
            return list(seen)

        return await self.facts(await self._run(work))

    # --- verdicts -------------------------------------------------------------------------------------------------

    async def nearest_hypothesis(self, vector: Vector, without: str) -> Known | None:
        def work() -> Known | None:
            for verdict_id, cosine in self._hypotheses.near(vector, 8):
                query = "select hypothesis_id, text from verdicts where verdict_id = ?"
                hypothesis_id, text = self._db.execute(query, (verdict_id,)).fetchone()
                if hypothesis_id != without:
                    return Known(what="hypothesis", id=hypothesis_id, text=text, similarity=cosine)
            return None

        return await self._run(work)

    async def add_verdict(self, verdict: VerdictReached, vector: Vector | None, insight: tuple[NewFact, Vector] | None) -> None:
        def row() -> tuple[Any, ...]:
            pair = verdict.hypothesis.pair
            erased = erasing.erased_among(self._db, (pair.first.fact_id, pair.second.fact_id))  # while the daydream was on its way
            kept = erasing.without(verdict, erased, derived=False) if erased else verdict
            proposed = kept.hypothesis
            text = proposed.synthesis.hypothesis if proposed.synthesis else ""
            return (
                kept.verdict_id, proposed.hypothesis_id, pair.pair_id, kept.decision.value, kept.final,
                bool(kept.judgements), text, kept.model_dump_json(), None if vector is None else vector.tobytes(),
            )  # fmt: skip

        def also() -> None:
            self._db.execute(
                "insert or ignore into verdicts(verdict_id, hypothesis_id, pair_id, decision, final, judged, text, body, vector) values(?,?,?,?,?,?,?,?,?)",
                row(),
            )
            if insight:
                self._insert_fact(insight[0])

        def work() -> None:
            self._make_drawable({insight[0].fact_id: insight[1]} if insight else {}, also)
            if vector is not None and verdict.verdict_id not in self._hypotheses.row_of:
                self._hypotheses.append([verdict.verdict_id], vector[np.newaxis])

        await self._run(work)

    async def verdict(self, verdict_id: str) -> VerdictReached | None:
        query = "select body from verdicts where verdict_id = ?"
        row = await self._run(lambda: self._db.execute(query, (verdict_id,)).fetchone())
        return VerdictReached.model_validate_json(row[0]) if row else None

    async def add_review(self, review: ReviewRecorded, insight: tuple[NewFact, Vector] | None) -> None:
        row = (review.message_id, review.verdict_id, review.accepted, review.model_dump_json())

        def also() -> None:
            self._db.execute("insert or replace into reviews values(?, ?, ?, ?)", row)
            if insight:
                self._insert_fact(insight[0])

        await self._run(lambda: self._make_drawable({insight[0].fact_id: insight[1]} if insight else {}, also))

    async def verdicts(self, question: ListVerdicts) -> tuple[list[VerdictReached], int]:
        where = f"where {QUARANTINED}" if question.quarantined_only else f"where {PROMOTED}" if question.promoted_only else ""

        def work() -> tuple[list[Any], int]:
            rows = self._db.execute(f"select body from verdicts {where} order by seq desc limit ? offset ?", (question.limit, question.offset)).fetchall()  # noqa: S608
            (total,) = self._db.execute(f"select count(*) from verdicts {where}").fetchone()  # noqa: S608
            return rows, total

        rows, total = await self._run(work)
        return [VerdictReached.model_validate_json(body) for (body,) in rows], total

    async def said_of(self, verdict_ids: Sequence[str]) -> tuple[list[ReviewRecorded], list[str], list[str]]:
        def work() -> tuple[list[ReviewRecorded], list[str], list[str]]:
            names = json.dumps(list(verdict_ids))
            said = self._db.execute("select body from reviews where verdict_id in (select value from json_each(?)) order by rowid", (names,))
            reviews = [ReviewRecorded.model_validate_json(body) for (body,) in said]
            sources = "select 'daydream ' || value from json_each(?)"
            hidden = self._db.execute(f"select f.source from facts f where f.source in ({sources}) and {standing.HIDDEN}", (names,))  # noqa: S608
            waiting = self._db.execute(
                f"select verdict_id from verdicts where verdict_id in (select value from json_each(?)) and {QUARANTINED}",  # noqa: S608
                (names,),
            )
            return reviews, [source.removeprefix("daydream ") for (source,) in hidden], [verdict_id for (verdict_id,) in waiting]

        return await self._run(work)

    # --- about the store --------------------------------------------------------------------------------------------

    async def reports(self, question: ListDocuments) -> list[DocumentReport]:
        where, values = ["1"], list[Any]()
        if question.document_ids:
            where.append("d.document_id in (select value from json_each(?))")
            values.append(json.dumps(question.document_ids))
        if question.under:
            where.append("substr(d.source, 1, ?) = ?")
            values += [len(question.under), question.under]
        if question.current_only:
            where.append("d.current")
        query = f"""select d.document_id, d.source, d.status, d.note, count(f.seq), count(f.ordinal), d.current from documents d
                    left join facts f on f.document_id = d.document_id where {" and ".join(where)}
                    group by d.document_id, d.source order by d.read_at desc, d.source limit ? offset ?"""  # noqa: S608
        rows = await self._run(lambda: self._db.execute(query, (*values, question.limit, question.offset)).fetchall())
        names = ("document_id", "source", "status", "note", "facts", "facts_embedded", "current")
        return [DocumentReport(**dict(zip(names, row, strict=True))) for row in rows]

    async def unrelated(self) -> tuple[float, float]:
        count = len(self._facts)
        if count >= 2 * max(1, self._scale[0]):  # measured again each time the memory has doubled
            cosines = self._facts.random_cosines(SCALE_PAIRS, seed=count)
            self._scale = (count, float(np.median(cosines)), max(SPREAD_MIN, float(np.std(cosines)))) if len(cosines) else (0, 0.0, 1.0)
        return self._scale[1:]

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

    async def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._db.close()


def _fact(row: Sequence[Any]) -> Fact:
    found = dict(zip(FACT_COLUMNS.split(", "), row, strict=True))
    return Fact(**{**found, "kind": FactKind(found["kind"]), "tags": tuple(json.loads(found["tags"]))})

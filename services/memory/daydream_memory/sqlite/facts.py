"""Facts: read, embedded, drawn, found; and which documents they come from."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from daydream_contracts.events import Fact, FactKind
from daydream_contracts.rpc import DocumentReport, FactVisibility, ListDocuments, Neighbour
from daydream_memory.erasure_record import ERASED
from daydream_memory.sqlite import visibility
from daydream_memory.sqlite.vector_index import SqliteVectorIndex
from daydream_memory.store import (
    DocumentRecord,
    NewFact,
    PendingFact,
    UnlabelledFact,
    Vector,
    VisibilityChange,
)

FACT_COLUMNS = "fact_id, ordinal, text, title, source, domain, kind, depth, place, tags, licence, written, team, clearance"


class SqliteFacts(SqliteVectorIndex):
    """Facts and documents."""

    async def add_document(self, record: DocumentRecord, facts: Sequence[NewFact]) -> None:
        def work() -> set[str]:
            for fact in facts:
                self._insert_fact(fact)
            return visibility.document_read(self._db, record, facts)

        await self._run(lambda: self._restand(work))

    async def remove_document(self, source: str, removed_at: datetime) -> VisibilityChange:
        return await self._run(
            lambda: self._restand(lambda: visibility.document_removed(self._db, source, removed_at))
        )

    async def withdraw(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        return await self._run(
            lambda: self._restand(lambda: self._said(fact_ids, at, visibility.withdraw))
        )

    async def restore(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        return await self._run(
            lambda: self._restand(lambda: self._said(fact_ids, at, visibility.restore))
        )

    def _said(
        self,
        roots: Sequence[str],
        at: datetime,
        change: Callable[[sqlite3.Connection, str], set[str]],
    ) -> set[str]:
        return set().union(
            *(change(self._db, root) for root in roots if visibility.is_news(self._db, root, at))
        )

    def _restand(self, change: Callable[[], set[str]]) -> VisibilityChange:
        """Change who can be drawn, in one transaction; then show it to readers, and say how those stand whom it concerns."""
        touched = [key for key in sorted(self._transaction(change)) if key in self._facts.row_of]
        hidden = visibility.hidden_among(self._db, touched)
        active = [key for key in touched if key not in hidden]
        self._facts.hide(hidden, hidden=True)
        self._facts.hide(active, hidden=False)
        return VisibilityChange(out=self._read_facts(sorted(hidden)), in_=self._read_facts(active))

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
        rows = await self._run(
            lambda: self._db.execute(query, (*values, question.limit, question.offset)).fetchall()
        )
        names = ("document_id", "source", "status", "note", "facts", "facts_embedded", "current")
        return [DocumentReport(**dict(zip(names, row, strict=True))) for row in rows]

    async def resolve(self, names: Sequence[str]) -> list[FactVisibility]:
        def one(name: str) -> FactVisibility | None:
            row = self._db.execute(
                "select fact_id from facts where fact_id = ? or source = ? limit 1",
                (name, f"daydream {name}"),
            ).fetchone()
            facts = self._read_facts([row[0]] if row else [])
            if not facts:
                return None
            roots = self._db.execute(
                "select root from withdrawn where fact_id = ? order by root", row
            ).fetchall()
            below = self._db.execute(visibility.DESCENDANTS, row).fetchall()
            key = facts[0].fact_id
            return FactVisibility(
                fact=facts[0],
                hidden=self._facts.is_hidden(key),
                withdrawn_by=tuple(root for (root,) in roots),
                descendants=len(below) - 1,
            )

        return await self._run(lambda: [found for name in names if (found := one(name))])

    def _insert_fact(self, fact: NewFact) -> None:
        row = {
            **vars(fact),
            "domain_found": not fact.domain,
            "kind": fact.kind.value,
            "parents": json.dumps(fact.parents),
            "tags": json.dumps(fact.tags),
        }
        holes = ", ".join(f":{name}" for name in row)
        self._db.execute(f"insert or ignore into facts({', '.join(row)}) values({holes})", row)
        if fact.parents:
            visibility.descended(self._db, fact)

    async def pending(self, limit: int) -> list[PendingFact]:
        query = "select fact_id, text from facts where ordinal is null order by place, seq limit ?"
        return await self._run(
            lambda: [PendingFact(*row) for row in self._db.execute(query, (limit,))]
        )

    async def make_drawable(self, vectors: dict[str, Vector]) -> int:
        return await self._run(lambda: self._make_drawable(vectors, lambda: None))

    def _make_drawable(self, vectors: dict[str, Vector], also: Callable[[], None]) -> int:
        """Write vectors and ordinals, and what `also` writes, in one transaction; then show them to readers."""
        new: list[str] = []

        def work() -> None:
            also()
            for key, vector in vectors.items():
                row = (len(self._facts) + len(new), vector.astype(np.float32).tobytes(), key)
                if self._db.execute(
                    "update facts set ordinal = ?, vector = ? where fact_id = ? and ordinal is null",
                    row,
                ).rowcount:
                    new.append(key)

        self._transaction(work)
        if new:
            self._facts.append(
                new,
                np.stack([vectors[key] for key in new]),
                hidden=visibility.hidden_among(self._db, new),
            )
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
        found = {
            row[0]: _fact(row) for row in self._db.execute(query, (json.dumps(list(fact_ids)),))
        }
        return tuple(found[key] for key in fact_ids if key in found)

    async def vectors(self, fact_ids: Sequence[str]) -> dict[str, Vector]:
        return {
            key: self._facts.row(self._facts.row_of[key])
            for key in fact_ids
            if key in self._facts.row_of
        }

    async def near(
        self, vector: Vector, limit: int, *, without: frozenset[str] = frozenset()
    ) -> list[tuple[Fact, float]]:
        found = dict(self._facts.near(vector, limit, without))
        return [(fact, found[fact.fact_id]) for fact in await self.facts(list(found))]

    async def around(self, ordinal: int, near: int, also: Sequence[int]) -> list[Neighbour] | None:
        count = len(self._facts)
        if not 0 <= ordinal < count:
            return None
        vector = self._facts.row(ordinal)

        def work() -> dict[int, float]:
            rows = {self._facts.row_of[key] for key, _ in self._facts.near(vector, near + 1)} | {
                one for one in also if 0 <= one < count
            }
            wanted = sorted(rows - {ordinal})
            return (
                dict(zip(wanted, self._facts.cosines(vector, wanted).tolist(), strict=True))
                if wanted
                else {}
            )

        found = {
            ordinal: 1.0,
            **await asyncio.get_running_loop().run_in_executor(self._threads, work),
        }
        return sorted(
            await self._run(lambda: self._sights(found, self._facts.ids[ordinal])),
            key=lambda one: (one.ordinal != ordinal, -one.similarity),
        )

    def _sights(self, cosines: dict[int, float], seen_from: str) -> list[Neighbour]:
        kin = visibility.kin(self._db, seen_from)
        query = "select fact_id, ordinal, source, domain, kind, team, clearance from facts where ordinal in (select value from json_each(?))"
        return [
            Neighbour(
                ordinal=ordinal,
                similarity=cosines[ordinal],
                source=source,
                domain=domain,
                kind=FactKind(kind),
                hidden=self._facts.is_hidden(key),
                related=key in kin,
                team=team,
                clearance=clearance,
            )
            for key, ordinal, source, domain, kind, team, clearance in self._db.execute(
                query, (json.dumps(list(cosines)),)
            )
        ]

    async def undomained(self, ordinals: Sequence[int]) -> list[UnlabelledFact]:
        query = """select fact_id, text, domain, ordinal from facts where ordinal in (select value from json_each(?)) and domain_found and text <> ?
                   order by ordinal"""
        rows = await self._run(
            lambda: self._db.execute(query, (json.dumps(list(ordinals)), ERASED)).fetchall()
        )
        return [
            UnlabelledFact(key, text, domain, self._facts.row(ordinal))
            for key, text, domain, ordinal in rows
        ]

    async def set_domains(self, domains: Mapping[str, str]) -> None:
        query = "update facts set domain = ? where fact_id = ? and domain_found"
        rows = [(domain, key) for key, domain in domains.items()]
        await self._run(lambda: self._transaction(lambda: self._db.executemany(query, rows)))

    async def leads(self) -> bool:
        return True

    async def note(self, key: str) -> str:
        row = await self._run(
            lambda: self._db.execute(
                "select value from meta where key = ?", (f"note {key}",)
            ).fetchone()
        )
        return str(row[0]) if row else ""

    async def keep_note(self, key: str, text: str) -> None:
        await self._run(
            lambda: self._db.execute(
                "insert or replace into meta values(?, ?)", (f"note {key}", text)
            )
        )

    async def questions(self, limit: int) -> list[int]:
        query = f"select f.ordinal from facts f where f.kind = 'question' and f.ordinal is not null and not {visibility.HIDDEN} order by f.ordinal desc limit ?"  # noqa: S608
        return await self._run(lambda: [row[0] for row in self._db.execute(query, (limit,))])

    async def ancestors(self, fact_id: str) -> list[Fact]:
        def work() -> list[str]:
            seen: dict[str, None] = {}
            level = [fact_id]
            while level:
                rows = [
                    self._db.execute(
                        "select parents from facts where fact_id = ?", (key,)
                    ).fetchone()
                    for key in level
                ]
                level = [
                    parent
                    for row in rows
                    if row
                    for parent in json.loads(row[0])
                    if parent not in seen
                ]
                seen.update(dict.fromkeys(level))
            return list(seen)

        return await self.facts(await self._run(work))


def _fact(row: Sequence[Any]) -> Fact:
    found = dict(zip(FACT_COLUMNS.split(", "), row, strict=True))
    return Fact(
        **{**found, "kind": FactKind(found["kind"]), "tags": tuple(json.loads(found["tags"]))}
    )

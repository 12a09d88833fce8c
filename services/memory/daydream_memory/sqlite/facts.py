"""Facts in the SQLite store: pending, active, searched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daydream_contracts.events import Fact, FactKind
from daydream_contracts.rpc import Neighbour
from daydream_memory.erasure_record import ERASED
from daydream_memory.sqlite import visibility_rules
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.sqlite.fact_table import SqliteFactTable
from daydream_memory.sqlite.vector_index import SqliteVectorIndex
from daydream_memory.store import PendingFact, StoredFact, UnlabelledFact, Vector

PENDING = "select fact_id, text from facts where ordinal is null order by position, seq limit ?"
NEIGHBOURS = """select fact_id, ordinal, source, domain, kind, team, clearance from facts
  where ordinal in (select value from json_each(?))"""
QUESTIONS = f"""select f.ordinal from facts f where f.kind = 'question' and f.ordinal is not null
  and not {visibility_rules.HIDDEN} order by f.ordinal desc limit ?"""
UNLABELLED = """select fact_id, text, domain, ordinal from facts
  where ordinal in (select value from json_each(?)) and domain_found and text <> ?
  order by ordinal"""
SET_DOMAIN = "update facts set domain = ? where fact_id = ? and domain_found"
PARENTS = "select parents from facts where fact_id = ?"


@dataclass(frozen=True)
class SqliteFacts:
    """A `FactStore`."""

    database: SqliteDatabase
    table: SqliteFactTable
    index: SqliteVectorIndex

    async def pending(self, limit: int) -> list[PendingFact]:
        rows = await self.database.run(
            lambda: self.database.connection.execute(PENDING, (limit,)).fetchall()
        )
        return [PendingFact(*row) for row in rows]

    async def activate(self, vectors: Mapping[str, Vector]) -> int:
        return await self.database.run(lambda: self.table.activate(vectors))

    async def fact_at(self, ordinal: int) -> StoredFact | None:
        vectors = self.database.fact_vectors
        if not 0 <= ordinal < len(vectors):
            return None
        (fact,) = await self.get([vectors.ids[ordinal]])
        return StoredFact(fact, vectors.row(ordinal), vectors.is_hidden(fact.fact_id))

    async def get(self, fact_ids: Sequence[str]) -> list[Fact]:
        return list(await self.database.run(lambda: self.table.read(fact_ids)))

    async def vectors(self, fact_ids: Sequence[str]) -> dict[str, Vector]:
        vectors = self.database.fact_vectors
        return {key: vectors.row(vectors.row_of[key]) for key in fact_ids if key in vectors.row_of}

    async def find_nearest(
        self, vector: Vector, limit: int, *, exclude: frozenset[str] = frozenset()
    ) -> list[tuple[Fact, float]]:
        def find() -> list[tuple[Fact, float]]:
            cosines = dict(self.database.fact_vectors.near(vector, limit, exclude))
            facts = self.database.locked(lambda: self.table.read(list(cosines)))
            return [(fact, cosines[fact.fact_id]) for fact in facts]

        return await self.database.run_unlocked(find)

    async def active_at(self, ordinals: Sequence[int]) -> list[StoredFact]:
        vectors = self.database.fact_vectors
        named = [vectors.ids[ordinal] for ordinal in ordinals if 0 <= ordinal < len(vectors)]
        active = [key for key in named if not vectors.is_hidden(key)]
        return [
            StoredFact(fact, vectors.row(vectors.row_of[fact.fact_id]), hidden=False)
            for fact in await self.get(active)
        ]

    async def neighbours(
        self, ordinal: int, near: int, also: Sequence[int]
    ) -> list[Neighbour] | None:
        if not 0 <= ordinal < len(self.database.fact_vectors):
            return None

        def find() -> list[Neighbour]:
            cosines = {ordinal: 1.0, **self._cosines(ordinal, near, also)}
            return self.database.locked(lambda: self._read_neighbours(ordinal, cosines))

        return sorted(
            await self.database.run_unlocked(find),
            key=lambda neighbour: (neighbour.ordinal != ordinal, -neighbour.similarity),
        )

    def _cosines(self, ordinal: int, near: int, also: Sequence[int]) -> dict[int, float]:
        """Return the cosines of a fact with its neighbours, by their ordinals."""
        vectors = self.database.fact_vectors
        vector = vectors.row(ordinal)
        nearest = {vectors.row_of[key] for key, _ in vectors.near(vector, near + 1)}
        asked_for = {number for number in also if 0 <= number < len(vectors)}
        ordinals = sorted((nearest | asked_for) - {ordinal})
        if not ordinals:
            return {}
        return dict(zip(ordinals, vectors.cosines(vector, ordinals).tolist(), strict=True))

    def _read_neighbours(self, ordinal: int, cosines: dict[int, float]) -> list[Neighbour]:
        connection, vectors = self.database.connection, self.database.fact_vectors
        related = visibility_rules.related(connection, vectors.ids[ordinal])
        rows = connection.execute(NEIGHBOURS, (json.dumps(list(cosines)),))
        return [
            Neighbour(
                ordinal=number,
                similarity=cosines[number],
                source=source,
                domain=domain,
                kind=FactKind(kind),
                hidden=vectors.is_hidden(key),
                related=key in related,
                team=team,
                clearance=clearance,
            )
            for key, number, source, domain, kind, team, clearance in rows
        ]

    async def ancestors(self, fact_id: str) -> list[Fact]:
        return await self.get(await self.database.run(lambda: self._ancestor_ids(fact_id)))

    def _ancestor_ids(self, fact_id: str) -> list[str]:
        seen: dict[str, None] = {}
        level = [fact_id]
        while level:
            rows = [self.database.connection.execute(PARENTS, (key,)).fetchone() for key in level]
            parents = [parent for row in rows if row for parent in json.loads(row[0])]
            level = [parent for parent in parents if parent not in seen]
            seen.update(dict.fromkeys(level))
        return list(seen)

    async def questions(self, limit: int) -> list[int]:
        rows = await self.database.run(
            lambda: self.database.connection.execute(QUESTIONS, (limit,)).fetchall()
        )
        return [ordinal for (ordinal,) in rows]

    async def random_similarity(self) -> tuple[float, float]:
        return self.index.random_similarity()

    async def unlabelled(self, ordinals: Sequence[int]) -> list[UnlabelledFact]:
        values = (json.dumps(list(ordinals)), ERASED)
        rows = await self.database.run(
            lambda: self.database.connection.execute(UNLABELLED, values).fetchall()
        )
        return [
            UnlabelledFact(key, text, domain, self.database.fact_vectors.row(ordinal))
            for key, text, domain, ordinal in rows
        ]

    async def set_domains(self, domains: Mapping[str, str]) -> None:
        rows = [(domain, key) for key, domain in domains.items()]
        await self.database.run_transaction(
            lambda: self.database.connection.executemany(SET_DOMAIN, rows)
        )

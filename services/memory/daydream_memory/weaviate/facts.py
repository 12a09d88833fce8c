"""Facts in Weaviate: pending, active, searched."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from daydream_contracts.events import Fact, FactKind
from daydream_contracts.rpc import Neighbour
from daydream_memory.erasure_record import ERASED
from daydream_memory.store import PendingFact, StoredFact, UnlabelledFact, Vector
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.exclusive_writes import ExclusiveWrites
from daydream_memory.weaviate.lineage import WeaviateLineage
from daydream_memory.weaviate.rows import fact_of, vector_of
from daydream_memory.weaviate.table import Row, where

SAMPLE_FACTS, SAMPLE_PAIRS, SPREAD_MIN = 500, 4000, 0.01


@dataclass
class WeaviateFacts:
    """A `FactStore`. `scale`: model, number of facts, median and spread of random cosines."""

    collections: WeaviateCollections
    writes: ExclusiveWrites
    lineage: WeaviateLineage
    scale: tuple[str, int, float, float] = ("", 0, 0.0, 1.0)

    async def pending(self, limit: int) -> list[PendingFact]:
        if not await self.writes.lock.is_leader():
            return []
        rows = await self.collections.facts.find(
            where(pending=True),
            limit=limit,
            sort=[("position", True), ("added_at", True)],
            only=["fact_id", "text"],
        )
        return [PendingFact(row["fact_id"], row["text"]) for row in rows]

    async def activate(self, vectors: Mapping[str, Vector]) -> int:
        pending = await self.writes.pending_among(vectors)
        await self.collections.facts.change({(key,): {} for key in pending}, vectors)
        async with self.writes.exclusive():
            return await self.writes.assign_ordinals(list(vectors))

    async def fact_at(self, ordinal: int) -> StoredFact | None:
        if ordinal < 0:
            return None
        rows = await self.collections.facts.find(where(ordinal=ordinal), limit=1, vector=True)
        if not rows or rows[0].vector is None:
            return None
        return StoredFact(fact_of(rows[0]), rows[0].vector, bool(rows[0]["hidden"]))

    async def get(self, fact_ids: Sequence[str]) -> list[Fact]:
        rows = await self.collections.facts.get([(key,) for key in fact_ids])
        facts = {row["fact_id"]: fact_of(row) for row in rows if not row["pending"]}
        return [facts[key] for key in fact_ids if key in facts]

    async def vectors(self, fact_ids: Sequence[str]) -> dict[str, Vector]:
        rows = await self.collections.facts.get(
            [(key,) for key in fact_ids], only=["fact_id", "pending"], vector=True
        )
        vectors = {
            row["fact_id"]: row.vector
            for row in rows
            if not row["pending"] and row.vector is not None
        }
        return {key: vectors[key] for key in fact_ids if key in vectors}

    async def find_nearest(
        self, vector: Vector, limit: int, *, exclude: frozenset[str] = frozenset()
    ) -> list[tuple[Fact, float]]:
        rows = await self.collections.facts.near(vector, limit + len(exclude), where(shown=True))
        facts = [(fact_of(row), row.cosine) for row in rows if row["fact_id"] not in exclude]
        return facts[:limit]

    async def active_at(self, ordinals: Sequence[int]) -> list[StoredFact]:
        if not ordinals:
            return []
        rows = await self.collections.facts.find(
            where(ordinal=list(ordinals), shown=True), limit=len(ordinals), vector=True
        )
        return [StoredFact(fact_of(row), vector_of(row), hidden=False) for row in rows]

    async def neighbours(
        self, ordinal: int, near: int, also: Sequence[int]
    ) -> list[Neighbour] | None:
        stored = await self.fact_at(ordinal)
        if stored is None:
            return None
        named = sorted({number for number in also if number >= 0})
        nearest_rows, named_rows, related = await asyncio.gather(
            self.collections.facts.near(stored.vector, near + 1, where(shown=True)),
            self.collections.facts.find(
                where(ordinal=[ordinal, *named]), limit=len(named) + 1, vector=True
            ),
            self.lineage.related(stored.fact.fact_id),
        )
        cosines = {row["ordinal"]: (row, row.cosine) for row in nearest_rows}
        cosines |= {
            row["ordinal"]: (row, float(vector_of(row) @ stored.vector)) for row in named_rows
        }
        if ordinal in cosines:
            cosines[ordinal] = (cosines[ordinal][0], 1.0)
        neighbours = [_neighbour(row, cosine, related) for row, cosine in cosines.values()]
        return sorted(
            neighbours,
            key=lambda neighbour: (neighbour.ordinal != ordinal, -neighbour.similarity),
        )

    async def ancestors(self, fact_id: str) -> list[Fact]:
        return await self.get(await self.lineage.ancestors(fact_id))

    async def questions(self, limit: int) -> list[int]:
        rows = await self.collections.facts.find(
            where(kind=FactKind.QUESTION.value, shown=True),
            limit=limit,
            sort=[("ordinal", False)],
            only=["ordinal"],
        )
        return [row["ordinal"] for row in rows]

    async def random_similarity(self) -> tuple[float, float]:
        """Measure it when the memory has doubled."""
        count = (await self.writes.lock.read()).assigned
        model = self.collections.embedding_model
        if self.scale[0] != model or count >= 2 * max(1, self.scale[1]):
            self.scale = await self._measure_scale(model, count)
        return self.scale[2], self.scale[3]

    async def _measure_scale(self, model: str, count: int) -> tuple[str, int, float, float]:
        rng = random.Random(count)
        sample = rng.sample(range(count), min(count, SAMPLE_FACTS))
        if len(sample) < 2:
            return model, 0, 0.0, 1.0
        rows = await self.collections.facts.find(
            where(ordinal=sample), limit=len(sample), only=["ordinal"], vector=True
        )
        if len(rows) < 2:
            return model, 0, 0.0, 1.0
        return model, count, *_cosine_scale(np.stack([vector_of(row) for row in rows]), rng)

    async def unlabelled(self, ordinals: Sequence[int]) -> list[UnlabelledFact]:
        if not ordinals:
            return []
        rows = await self.collections.facts.find(
            where(ordinal=list(ordinals), domain_found=True),
            limit=len(ordinals),
            only=["fact_id", "text", "domain", "ordinal"],
            vector=True,
        )
        rows.sort(key=lambda row: int(row["ordinal"]))
        return [
            UnlabelledFact(row["fact_id"], row["text"], row["domain"], vector_of(row))
            for row in rows
            if row["text"] != ERASED
        ]

    async def set_domains(self, domains: Mapping[str, str]) -> None:
        await self.collections.facts.change(
            {(key,): {"domain": domain} for key, domain in domains.items()}
        )


def _neighbour(row: Row, cosine: float, related: set[str]) -> Neighbour:
    return Neighbour(
        ordinal=row["ordinal"],
        similarity=cosine,
        source=row["source"],
        domain=row["domain"],
        kind=FactKind(row["kind"]),
        hidden=bool(row["hidden"]),
        related=row["fact_id"] in related,
        team=row["team"] or "",
        clearance=row["clearance"] or "",
    )


def _cosine_scale(matrix: Vector, rng: random.Random) -> tuple[float, float]:
    """Return median and standard deviation of the cosines of random pairs of rows."""
    pairs = [rng.sample(range(len(matrix)), 2) for _ in range(SAMPLE_PAIRS)]
    first, second = np.array(pairs).T
    cosines = np.einsum("ij,ij->i", matrix[first], matrix[second])
    return float(np.median(cosines)), max(SPREAD_MIN, float(np.std(cosines)))

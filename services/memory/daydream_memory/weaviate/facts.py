"""Facts: read, embedded, drawn, found."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import numpy as np
from nats.js.kv import KeyValue
from weaviate import WeaviateAsyncClient

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Fact, FactKind
from daydream_contracts.rpc import Neighbour
from daydream_memory.erasure_record import ERASED
from daydream_memory.settings import WeaviateSettings
from daydream_memory.store import NewFact, PendingFact, StoreCounts, UnlabelledFact, Vector
from daydream_memory.weaviate.schema import (
    DOCUMENT,
    FACT,
    MENTION,
    META,
    REMOVAL,
    REVIEW,
    VERDICT,
    vector_name,
)
from daydream_memory.weaviate.table import Row, Table, where
from daydream_memory.weaviate.write_lock import WriteLock

PENDING = -1
SCALE_FACTS, SCALE_PAIRS, SPREAD_MIN = 500, 4000, 0.01


class WeaviateFacts:
    """Facts and their ordinals."""

    def __init__(
        self, client: WeaviateAsyncClient, bucket: KeyValue, settings: WeaviateSettings
    ) -> None:
        self._client = client
        self._settings = settings
        self._documents = Table(client, settings, DOCUMENT, "document")
        self._mentions = Table(client, settings, MENTION, "mention")
        self._removals = Table(client, settings, REMOVAL, "removal")
        self._reviews = Table(client, settings, REVIEW, "review")
        self._meta = Table(client, settings, META, "meta")
        self._turns = WriteLock(bucket, f"turn.{settings.prefix}.{settings.tenant or 'all'}")
        self._last_at = 0
        self._counted: tuple[float, StoreCounts] | None = None
        self._use("")

    def _use(self, model: str) -> None:
        """Work with the vectors of this model."""
        self.embedding_model = model
        self._facts = Table(self._client, self._settings, FACT, "fact", vector_name(model))
        self._verdicts = Table(self._client, self._settings, VERDICT, "verdict", vector_name(model))
        self._scale = (0, 0.0, 1.0)

    async def _check(self) -> None:
        """Look whether the collections and the record of turns belong together. In a turn."""
        given, known = (
            (await self._turns.record()).given,
            await self._facts.count(where(pending=False)),
        )
        if known < given:
            raise ConfigurationError(
                f"Weaviate holds {known} facts with an ordinal, and {given} were given",
                "It is an older copy: restore the one that goes with this NATS",
            )
        if known > given:  # the bucket was lost: what the facts say counts
            (last,) = await self._facts.find(
                where(pending=False), limit=1, sort=[("ordinal", False)], only=["ordinal"]
            )
            await self._turns.found(last["ordinal"] + 1)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        async with self._turns.turn() as record:
            if record.giving:
                await self._number(record.giving, record.given - len(record.giving))
            try:
                yield
            finally:
                self._counted = None

    def _now(self) -> int:
        """Microseconds, no two alike: what is written later has more."""
        self._last_at = max(self._last_at + 1, time.time_ns() // 1000)
        return self._last_at

    async def _insert(
        self, facts: Iterable[NewFact], vectors: Mapping[str, Vector] | None = None
    ) -> list[str]:
        """Write the facts that are not there, pending and, for now, hidden; which these are."""
        wanted = {fact.fact_id: fact for fact in facts}
        there = {
            row["fact_id"]
            for row in await self._facts.get([(key,) for key in wanted], only=["fact_id"])
        }
        new = [fact for key, fact in wanted.items() if key not in there]
        parents = sorted({parent for fact in new for parent in fact.parents})
        roots = {
            row["fact_id"]: row["roots"] or []
            for row in await self._facts.get([(key,) for key in parents], only=["fact_id", "roots"])
        }
        states = {"ordinal": PENDING, "pending": True, "shown": False, "hidden": True}
        await self._facts.insert(
            [
                (
                    (fact.fact_id,),
                    {
                        **asdict(fact),
                        "kind": fact.kind.value,
                        **states,
                        "domain_found": not fact.domain,
                        "labelled": bool(fact.team or fact.clearance),
                        "added_at": self._now(),
                        "roots": sorted(
                            {root for parent in fact.parents for root in roots.get(parent, [])}
                        ),
                    },
                )
                for fact in new
            ],
            vectors,
        )
        return [fact.fact_id for fact in new]

    async def pending(self, limit: int) -> list[PendingFact]:
        if not await self.leads():
            return []
        rows = await self._facts.find(
            where(pending=True),
            limit=limit,
            sort=[("place", True), ("added_at", True)],
            only=["fact_id", "text"],
        )
        return [PendingFact(row["fact_id"], row["text"]) for row in rows]

    async def make_drawable(self, vectors: dict[str, Vector]) -> int:
        await self._facts.change({(key,): {} for key in await self._waiting(vectors)}, vectors)
        async with self._turn():
            return await self._give(list(vectors))

    async def _waiting(self, fact_ids: Iterable[str]) -> list[str]:
        """Those of these facts that are pending, in this order."""
        wanted = list(fact_ids)
        rows = await self._facts.get([(key,) for key in wanted], only=["fact_id", "pending"])
        waiting = {row["fact_id"] for row in rows if row["pending"]}
        return [key for key in wanted if key in waiting]

    async def _give(self, fact_ids: Sequence[str]) -> int:
        """Give those that are pending, and have their vectors, the next ordinals. In a turn."""
        waiting = await self._waiting(fact_ids)
        if waiting:
            await self._number(waiting, await self._turns.give(waiting))
        return len(waiting)

    async def _number(self, fact_ids: Sequence[str], first: int) -> None:
        hidden = {
            row["fact_id"]: row["hidden"]
            for row in await self._facts.get(
                [(key,) for key in fact_ids], only=["fact_id", "hidden"]
            )
        }
        await self._facts.change(
            {
                (key,): {"ordinal": at, "pending": False, "shown": not hidden[key]}
                for at, key in enumerate(fact_ids, first)
                if key in hidden
            }
        )
        await self._turns.given()

    async def fact_at(self, ordinal: int) -> tuple[Fact, Vector, bool] | None:
        found = (
            await self._facts.find(where(ordinal=ordinal), limit=1, vector=True)
            if ordinal >= 0
            else []
        )
        return (
            (fact_of(found[0]), _vector(found[0]), bool(found[0]["hidden"]))
            if found and found[0].vector is not None
            else None
        )

    async def facts(self, fact_ids: Sequence[str]) -> list[Fact]:
        rows = {
            row["fact_id"]: row
            for row in await self._facts.get([(key,) for key in fact_ids])
            if not row["pending"]
        }
        return [fact_of(rows[key]) for key in fact_ids if key in rows]

    async def vectors(self, fact_ids: Sequence[str]) -> dict[str, Vector]:
        rows = await self._facts.get(
            [(key,) for key in fact_ids], only=["fact_id", "pending"], vector=True
        )
        found = {
            row["fact_id"]: row.vector
            for row in rows
            if not row["pending"] and row.vector is not None
        }
        return {key: found[key] for key in fact_ids if key in found}

    async def near(
        self, vector: Vector, limit: int, *, without: frozenset[str] = frozenset()
    ) -> list[tuple[Fact, float]]:
        rows = await self._facts.near(vector, limit + len(without), where(shown=True))
        return [(fact_of(row), row.cosine) for row in rows if row["fact_id"] not in without][:limit]

    async def around(self, ordinal: int, near: int, also: Sequence[int]) -> list[Neighbour] | None:
        here = await self.fact_at(ordinal)
        if here is None:
            return None
        fact, vector, _ = here
        ordinals = sorted({one for one in also if one >= 0})
        found, others, kin = await asyncio.gather(
            self._facts.near(vector, near + 1, where(shown=True)),
            self._facts.find(
                where(ordinal=[ordinal, *ordinals]), limit=len(ordinals) + 1, vector=True
            ),
            self._kin(fact.fact_id),
        )
        cosines = {row["ordinal"]: (row, row.cosine) for row in found}
        cosines |= {row["ordinal"]: (row, float(_vector(row) @ vector)) for row in others}
        if ordinal in cosines:
            cosines[ordinal] = (cosines[ordinal][0], 1.0)
        sights = [
            Neighbour(
                ordinal=at,
                similarity=cosine,
                source=row["source"],
                domain=row["domain"],
                kind=FactKind(row["kind"]),
                hidden=bool(row["hidden"]),
                related=row["fact_id"] in kin,
                team=row["team"] or "",
                clearance=row["clearance"] or "",
            )
            for at, (row, cosine) in cosines.items()
        ]
        nearest = {row["ordinal"] for row in found[: near + 1]}
        return sorted(
            (
                one
                for one in sights
                if one.ordinal in nearest or one.ordinal in ordinals or one.ordinal == ordinal
            ),
            key=lambda one: (one.ordinal != ordinal, -one.similarity),
        )

    async def undomained(self, ordinals: Sequence[int]) -> list[UnlabelledFact]:
        if not ordinals:
            return []
        names = ["fact_id", "text", "domain", "ordinal"]
        rows = await self._facts.find(
            where(ordinal=list(ordinals), domain_found=True),
            limit=len(ordinals),
            only=names,
            vector=True,
        )
        rows.sort(key=lambda row: int(row["ordinal"]))
        return [
            UnlabelledFact(row["fact_id"], row["text"], row["domain"], _vector(row))
            for row in rows
            if row["text"] != ERASED
        ]

    async def set_domains(self, domains: Mapping[str, str]) -> None:
        await self._facts.change({(key,): {"domain": domain} for key, domain in domains.items()})

    async def leads(self) -> bool:
        return await self._turns.leads()

    async def note(self, key: str) -> str:
        found = await self._meta.get([(f"note {key}",)])
        return str(found[0]["value"]) if found else ""

    async def keep_note(self, key: str, text: str) -> None:
        await self._meta.insert([((f"note {key}",), {"key": f"note {key}", "value": text})])

    async def questions(self, limit: int) -> list[int]:
        rows = await self._facts.find(
            where(kind=FactKind.QUESTION.value, shown=True),
            limit=limit,
            sort=[("ordinal", False)],
            only=["ordinal"],
        )
        return [row["ordinal"] for row in rows]

    async def ancestors(self, fact_id: str) -> list[Fact]:
        return await self.facts(await self._above(fact_id))

    async def _above(self, fact_id: str) -> list[str]:
        """What a fact descends from, nearest first."""
        seen: dict[str, None] = {}
        level = [fact_id]
        while level:
            rows = {
                row["fact_id"]: row["parents"] or []
                for row in await self._facts.get(
                    [(key,) for key in level], only=["fact_id", "parents"]
                )
            }
            level = list(
                dict.fromkeys(
                    parent for key in level for parent in rows.get(key, []) if parent not in seen
                )
            )
            seen.update(dict.fromkeys(level))
        return list(seen)

    async def _below(self, fact_ids: Iterable[str]) -> set[str]:
        """What descends from these facts, and they themselves."""
        seen = set(fact_ids)
        level = sorted(seen)
        while level:
            rows = await self._facts.all(where(parents=level), by="fact_id", only=["fact_id"])
            level = sorted({row["fact_id"] for row in rows} - seen)
            seen.update(level)
        return seen

    async def _kin(self, fact_id: str) -> set[str]:
        return {*await self._above(fact_id), *await self._below([fact_id])} - {fact_id}

    async def unrelated(self) -> tuple[float, float]:
        count = (await self._turns.record()).given
        if count >= 2 * max(1, self._scale[0]):  # measured again each time the memory has doubled
            rng = random.Random(count)
            some = rng.sample(range(count), min(count, SCALE_FACTS))
            rows = await self._facts.find(
                where(ordinal=some), limit=len(some), only=["ordinal"], vector=True
            )
            matrix = (
                np.stack([_vector(row) for row in rows]) if rows else np.zeros((0, 1), np.float32)
            )
            self._scale = (count, *_scale(matrix, rng)) if len(matrix) > 1 else (0, 0.0, 1.0)
        return self._scale[1:]

    async def tend(self) -> bool:
        return False  # the server keeps its own index


def fact_of(row: Row) -> Fact:
    """The fact that a row holds."""
    names = (
        "fact_id",
        "ordinal",
        "text",
        "title",
        "source",
        "domain",
        "depth",
        "place",
        "licence",
        "written",
        "team",
        "clearance",
    )
    found: dict[str, Any] = {name: row[name] for name in names if row[name] is not None}
    return Fact(**found, kind=FactKind(row["kind"]), tags=tuple(row["tags"] or ()))


def _vector(row: Row) -> Vector:
    if row.vector is None:
        raise LookupError(f"the fact {row['fact_id']} has no vector")
    return row.vector


def _scale(matrix: Vector, rng: random.Random) -> tuple[float, float]:
    pairs = [rng.sample(range(len(matrix)), 2) for _ in range(SCALE_PAIRS)]
    first, second = np.array(pairs).T
    cosines = np.einsum("ij,ij->i", matrix[first], matrix[second])
    return float(np.median(cosines)), max(SPREAD_MIN, float(np.std(cosines)))

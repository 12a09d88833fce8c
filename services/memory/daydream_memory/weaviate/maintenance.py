"""State of the store in Weaviate as a whole."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Any

from daydream_contracts.events import FactKind
from daydream_memory.store import StoreCounts
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.exclusive_writes import ExclusiveWrites
from daydream_memory.weaviate.model_migration import WeaviateModelMigration
from daydream_memory.weaviate.table import where
from daydream_memory.weaviate.write_lock import WriteLockState

COUNTS_CACHED_S = 2.0


@dataclass(frozen=True)
class _CachedCounts:
    counts: StoreCounts
    version: int
    until: float


@dataclass
class WeaviateMaintenance:
    """A `StoreMaintenance`.

    Counts are cached for two seconds, because they are asked for before each draw. The number of
    facts is always exact. Other numbers show the changes of other replicas a moment later.
    """

    collections: WeaviateCollections
    writes: ExclusiveWrites
    migration: WeaviateModelMigration
    cached: _CachedCounts | None = None
    same_document: tuple[int, int] | None = None  # facts, and pairs of one document among them

    @property
    def generation(self) -> str:
        return self.migration.generation

    async def counts(self) -> StoreCounts:
        cached, version = self.cached, self.writes.version
        state = await self.writes.lock.read()
        if cached and cached.version == version and time.monotonic() < cached.until:
            return replace(cached.counts, facts=_facts(state))
        counts = await self._count(state)
        self.cached = _CachedCounts(counts, version, time.monotonic() + COUNTS_CACHED_S)
        return counts

    async def _count(self, state: WriteLockState) -> StoreCounts:
        facts, verdicts = self.collections.facts, self.collections.verdicts
        decisions, teams, clearances, same_document = await asyncio.gather(
            verdicts.counts("decision"),
            self._groups("team", where(labelled=True, pending=False)),
            self._groups("clearance", where(labelled=True)),
            self._same_document_pairs(_facts(state)),
        )
        pending, documents, judged, quarantined, insights, hidden = await asyncio.gather(
            facts.count(where(pending=True)),
            self.collections.documents.count(),
            verdicts.count(where(judged=True)),
            verdicts.count(where(pending_review=True)),
            facts.count(where(kind=FactKind.INSIGHT.value, hidden=False)),
            facts.count(where(pending=False, hidden=True)),
        )
        return StoreCounts(
            facts=_facts(state),
            facts_pending=pending,
            documents=documents,
            verdicts=sum(decisions.values()),
            judged=judged,
            decisions=decisions,
            quarantined=quarantined,
            insights=insights,
            hidden=hidden,
            teams=teams,
            clearances=clearances,
            same_document_pairs=same_document,
        )

    async def _same_document_pairs(self, facts: int) -> int:
        """Count again only when facts were added: it groups all facts by their source.

        Beyond the number of groups that the server returns, documents are not counted.
        """
        if self.same_document is None or self.same_document[0] != facts:
            sizes = await self._groups("source", None)
            self.same_document = (facts, sum(size * (size - 1) // 2 for size in sizes.values()))
        return self.same_document[1]

    async def _groups(self, name: str, filters: Any) -> dict[str, int]:
        """Return how many facts have each value of a property that few have."""
        counts = await self.collections.facts.counts(name, filters)
        return {value: count for value, count in counts.items() if value}

    async def is_leader(self) -> bool:
        return await self.writes.lock.is_leader()

    async def note(self, key: str) -> str:
        return await self.collections.read_meta(f"note {key}")

    async def set_note(self, key: str, text: str) -> None:
        await self.collections.write_meta(f"note {key}", text)

    async def tend(self) -> bool:
        return False  # the server maintains its own index

    async def close(self) -> None:
        await self.writes.lock.resign()
        await self.collections.client.close()


def _facts(state: WriteLockState) -> int:
    """Return the number of facts whose ordinals the store has."""
    return state.assigned - len(state.assigning)

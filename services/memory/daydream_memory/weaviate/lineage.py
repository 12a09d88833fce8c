"""What facts descend from, and what descends from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.table import where


@dataclass(frozen=True)
class WeaviateLineage:
    """Ancestors and descendants, level by level: the server cannot follow references itself."""

    collections: WeaviateCollections

    async def ancestors(self, fact_id: str) -> list[str]:
        """Return the ids of what a fact descends from, nearest first."""
        seen: dict[str, None] = {}
        level = [fact_id]
        while level:
            keys = [(key,) for key in level]
            rows = await self.collections.facts.get(keys, only=["fact_id", "parents"])
            parents_of = {row["fact_id"]: row["parents"] or [] for row in rows}
            parents = [parent for key in level for parent in parents_of.get(key, [])]
            level = list(dict.fromkeys(parent for parent in parents if parent not in seen))
            seen.update(dict.fromkeys(level))
        return list(seen)

    async def descendants(self, fact_ids: Iterable[str]) -> set[str]:
        """Return the ids of what descends from these facts, and their own."""
        seen = set(fact_ids)
        level = sorted(seen)
        while level:
            rows = await self.collections.facts.all(
                where(parents=level), by="fact_id", only=["fact_id"]
            )
            level = sorted({row["fact_id"] for row in rows} - seen)
            seen.update(level)
        return seen

    async def related(self, fact_id: str) -> set[str]:
        """Return the ids of a fact's ancestors and descendants."""
        descendants = await self.descendants([fact_id])
        return {*await self.ancestors(fact_id), *descendants} - {fact_id}

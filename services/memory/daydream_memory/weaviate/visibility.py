"""Retracted and reinstated facts in Weaviate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daydream_contracts.rpc import FactVisibility
from daydream_memory.store import MERGED, VisibilityChange, retracted_by
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.exclusive_writes import ExclusiveWrites
from daydream_memory.weaviate.lineage import WeaviateLineage
from daydream_memory.weaviate.rows import fact_of
from daydream_memory.weaviate.table import where
from daydream_memory.weaviate.visibility_rules import WeaviateVisibilityRules, iso

MERGE_DECIDED_AT = "merge_decided_at"


@dataclass(frozen=True)
class WeaviateVisibility:
    """A `VisibilityStore`."""

    collections: WeaviateCollections
    writes: ExclusiveWrites
    lineage: WeaviateLineage
    rules: WeaviateVisibilityRules

    async def retract(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        async with self.writes.exclusive():
            roots = await self._write_decisions(fact_ids, at)
            below = [await self.rules.retract(root) for root in roots]
            return await self.rules.update(set().union(*below))

    async def reinstate(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        async with self.writes.exclusive():
            roots = await self._write_decisions(fact_ids, at)
            concerned = [await self._reinstate(root) for root in roots]
            return await self.rules.update(set().union(*concerned))

    async def merge(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        async with self.writes.exclusive():
            merged = await self._write_decisions(fact_ids, at, MERGE_DECIDED_AT)
            for fact_id in merged:
                await self.rules.name_root(MERGED + fact_id, {fact_id})
            return await self.rules.update(merged)

    async def separate(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        async with self.writes.exclusive():
            separated = await self._write_decisions(fact_ids, at, MERGE_DECIDED_AT)
            for fact_id in separated:
                await self._remove_root(MERGED + fact_id)
            return await self.rules.update(separated)

    async def _write_decisions(
        self, roots: Sequence[str], at: datetime, kind: str = "decided_at"
    ) -> list[str]:
        """Write down a decision on facts. Return those for which it is the latest of its kind."""
        facts = self.collections.facts
        rows = await facts.get([(root,) for root in roots], only=["fact_id", kind])
        latest = [str(row["fact_id"]) for row in rows if (row[kind] or "") <= iso(at)]
        await facts.change({(root,): {kind: iso(at)} for root in latest})
        return latest

    async def _reinstate(self, root: str) -> set[str]:
        """Remove this root from all facts that name it. Return their ids and its descendants'."""
        return await self.lineage.descendants([root]) | await self._remove_root(root)

    async def _remove_root(self, root: str) -> set[str]:
        facts = self.collections.facts
        rows = await facts.all(where(roots=[root]), by="fact_id", only=["fact_id", "roots"])
        await facts.change(
            {
                (row["fact_id"],): {"roots": [other for other in row["roots"] if other != root]}
                for row in rows
            }
        )
        return {row["fact_id"] for row in rows}

    async def resolve(self, names: Sequence[str]) -> list[FactVisibility]:
        visibilities = [await self._visibility(name) for name in names]
        return [visibility for visibility in visibilities if visibility is not None]

    async def _visibility(self, name: str) -> FactVisibility | None:
        """Return the visibility of the fact with this id, or from the verdict with it."""
        facts = self.collections.facts
        rows = await facts.get([(name,)])
        rows = rows or await facts.find(where(source=f"daydream {name}"), limit=1)
        if not rows or rows[0]["pending"]:
            return None
        below = await self.lineage.descendants([rows[0]["fact_id"]])
        return FactVisibility(
            fact=fact_of(rows[0]),
            hidden=bool(rows[0]["hidden"]),
            retracted_by=retracted_by(rows[0]["roots"] or ()),
            merged=MERGED + rows[0]["fact_id"] in (rows[0]["roots"] or ()),
            descendants=len(below) - 1,
        )

"""Which facts are hidden: `roots` of a fact names by whom it is retracted, itself or an ancestor.

All changes are made while holding the write lock. They go by what the store says, so that a change
that was cut off is completed when its message is redelivered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from daydream_contracts.events import FactKind
from daydream_memory.store import VisibilityChange
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.lineage import WeaviateLineage
from daydream_memory.weaviate.rows import fact_of
from daydream_memory.weaviate.table import Row, where

INSIGHT = FactKind.INSIGHT.value


@dataclass(frozen=True)
class WeaviateVisibilityRules:
    """Retract facts, replace what a source holds, and write down which facts are hidden."""

    collections: WeaviateCollections
    lineage: WeaviateLineage

    async def retract(self, root: str) -> set[str]:
        """Name this root in all facts that descend from it. Return their ids."""
        below = await self.lineage.descendants([root])
        await self.name_root(root, below)
        return below

    async def name_root(self, root: str, fact_ids: Collection[str]) -> None:
        """Name this root in these facts."""
        facts = self.collections.facts
        rows = await facts.get([(key,) for key in sorted(fact_ids)], only=["fact_id", "roots"])
        await facts.change(
            {
                (row["fact_id"],): {"roots": sorted({*(row["roots"] or ()), root})}
                for row in rows
                if root not in (row["roots"] or ())
            }
        )

    async def held_by(self, source: str) -> set[str]:
        """Return the ids of the facts that a source holds."""
        rows = await self.collections.mentions.all(
            where(source=source), by="fact_id", only=["fact_id"]
        )
        return {row["fact_id"] for row in rows}

    async def replace(self, source: str, fact_ids: Collection[str]) -> VisibilityChange:
        """Set what a source holds from now on.

        Deleting the old mentions comes last: until then, a repetition does all of it again.
        """
        mentions = self.collections.mentions
        before = await self.held_by(source)
        await mentions.insert(
            ((key, source), {"fact_id": key, "source": source})
            for key in fact_ids
            if key not in before
        )
        gone = before.difference(fact_ids)
        change = await self.update(before.union(fact_ids), gone={(key, source) for key in gone})
        await mentions.delete((key, source) for key in gone)
        return change

    async def update(
        self, fact_ids: Iterable[str], *, gone: Collection[tuple[str, str]] = ()
    ) -> VisibilityChange:
        """Write down which of these facts are hidden, and which source holds them now.

        `gone`: mentions (fact, source) that no longer count.
        """
        rows = await self.collections.facts.get([(key,) for key in sorted(set(fact_ids))])
        rows.sort(key=lambda row: str(row["fact_id"]))
        holders = await self._holders(rows, gone)
        states = [(row, _state(row, holders[row["fact_id"]])) for row in rows]
        await self.collections.facts.change(
            {
                (row["fact_id"],): state
                for row, state in states
                if any(row[name] != value for name, value in state.items())
            }
        )
        facts = [
            fact_of(Row({**row.properties, **state})) for row, state in states if not row["pending"]
        ]
        hidden = {row["fact_id"] for row, state in states if state["hidden"]}
        return VisibilityChange(
            hidden=tuple(fact for fact in facts if fact.fact_id in hidden),
            active=tuple(fact for fact in facts if fact.fact_id not in hidden),
        )

    async def _holders(
        self, rows: Sequence[Row], gone: Collection[tuple[str, str]]
    ) -> dict[str, str | None]:
        """Return for each fact a source that holds it, its own if that does. None: no source."""
        sources = {row["fact_id"]: str(row["source"]) for row in rows}
        insights = {row["fact_id"] for row in rows if row["kind"] == INSIGHT}
        own = await self.collections.mentions.get(list(sources.items()))
        held = {(row["fact_id"], row["source"]) for row in own}.difference(gone)
        moved = [
            key
            for key, source in sources.items()
            if (key, source) not in held and key not in insights
        ]
        holders = await asyncio.gather(*(self._holder(key, gone) for key in moved))
        return {**sources, **dict(zip(moved, holders, strict=True))}

    async def _holder(self, fact_id: str, gone: Collection[tuple[str, str]]) -> str | None:
        # two are enough: mentions of one source at a time are gone
        rows = await self.collections.mentions.find(
            where(fact_id=fact_id), limit=2, sort=[("source", True)]
        )
        held = [str(row["source"]) for row in rows if (fact_id, row["source"]) not in gone]
        return held[0] if held else None


def _state(row: Row, holder: str | None) -> dict[str, Any]:
    hidden = bool(row["roots"]) or holder is None
    return {
        "hidden": hidden,
        "shown": not hidden and not row["pending"],
        "source": row["source"] if holder is None else holder,
    }


def iso(at: datetime) -> str:
    """Return a time as text that sorts as times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")

"""Writes to the store: one at a time, under the write lock, with dense ordinals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from daydream_contracts.errors import ConfigurationError
from daydream_memory.store import NewFact, Vector, retracted_by
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.table import where
from daydream_memory.weaviate.write_lock import WriteLock

PENDING = -1
NEW_STATE = {"ordinal": PENDING, "pending": True, "shown": False, "hidden": True}


class ExclusiveWrites:
    """Insert facts and assign ordinals. `version` counts the changes made here."""

    def __init__(self, collections: WeaviateCollections, lock: WriteLock) -> None:
        self._collections = collections
        self.lock = lock
        self.version = 0

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[None]:
        """Hold the write lock. First complete the ordinals that a dead replica assigned."""
        async with self.lock.hold() as state:
            if state.assigning:
                first = state.assigned - len(state.assigning)
                await self._write_ordinals(state.assigning, first)
            try:
                yield
            finally:
                self.version += 1

    async def check_ordinals(self) -> None:
        """Compare the collections with the lock's record. Call it while holding the lock.

        Raise ConfigurationError when the collections are an older copy. When the record was lost,
        take the number from the facts.
        """
        facts = self._collections.facts
        assigned = (await self.lock.read()).assigned
        stored = await facts.count(where(pending=False))
        if stored < assigned:
            raise ConfigurationError(
                f"Weaviate holds {stored} facts with an ordinal, and {assigned} were assigned: "
                "it is an older copy",
                "Restore the copy that belongs to this NATS",
            )
        if stored > assigned:
            (last,) = await facts.find(
                where(pending=False), limit=1, sort=[("ordinal", False)], only=["ordinal"]
            )
            await self.lock.reset_assigned(last["ordinal"] + 1)

    async def insert_facts(
        self, facts: Iterable[NewFact], vectors: Mapping[str, Vector] | None = None
    ) -> list[str]:
        """Write the facts that are new, pending and hidden for now. Return their ids."""
        table = self._collections.facts
        wanted = {fact.fact_id: fact for fact in facts}
        known_rows = await table.get([(key,) for key in wanted], only=["fact_id"])
        known = {row["fact_id"] for row in known_rows}
        new = [fact for key, fact in wanted.items() if key not in known]
        roots = await self._roots({parent for fact in new for parent in fact.parents})
        rows = [((fact.fact_id,), self._properties(fact, roots)) for fact in new]
        await table.insert(rows, vectors)
        return [fact.fact_id for fact in new]

    async def _roots(self, fact_ids: set[str]) -> dict[str, list[str]]:
        """Return by whom these facts are retracted."""
        keys = [(key,) for key in sorted(fact_ids)]
        rows = await self._collections.facts.get(keys, only=["fact_id", "roots"])
        return {row["fact_id"]: list(retracted_by(row["roots"] or ())) for row in rows}

    def _properties(self, fact: NewFact, roots: Mapping[str, list[str]]) -> dict[str, Any]:
        inherited = {root for parent in fact.parents for root in roots.get(parent, [])}
        return {
            **asdict(fact),
            **NEW_STATE,
            "kind": fact.kind.value,
            "domain_found": not fact.domain,
            "labelled": bool(fact.team or fact.clearance),
            "added_at": self._collections.now(),
            "roots": sorted(inherited),
        }

    async def pending_among(self, fact_ids: Iterable[str]) -> list[str]:
        """Return those of these facts that are pending, in this order."""
        wanted = list(fact_ids)
        rows = await self._collections.facts.get(
            [(key,) for key in wanted], only=["fact_id", "pending"]
        )
        pending = {row["fact_id"] for row in rows if row["pending"]}
        return [key for key in wanted if key in pending]

    async def assign_ordinals(self, fact_ids: Sequence[str]) -> int:
        """Give the pending ones among these facts the next ordinals. They have their vectors.

        Return how many got one. Call it while holding the lock.
        """
        pending = await self.pending_among(fact_ids)
        if pending:
            await self._write_ordinals(pending, await self.lock.assign(pending))
        return len(pending)

    async def _write_ordinals(self, fact_ids: Sequence[str], first: int) -> None:
        table = self._collections.facts
        rows = await table.get([(key,) for key in fact_ids], only=["fact_id", "hidden"])
        hidden = {row["fact_id"]: row["hidden"] for row in rows}
        await table.change(
            {
                (key,): {"ordinal": ordinal, "pending": False, "shown": not hidden[key]}
                for ordinal, key in enumerate(fact_ids, first)
                if key in hidden
            }
        )
        await self.lock.complete_assignment()

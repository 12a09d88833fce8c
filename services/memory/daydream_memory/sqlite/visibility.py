"""Retracted and reinstated facts in the SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from daydream_contracts.rpc import FactVisibility
from daydream_memory.sqlite import visibility_rules
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.sqlite.fact_table import SqliteFactTable
from daydream_memory.store import MERGED, VisibilityChange, retracted_by

FIND_FACT = "select fact_id from facts where fact_id = ? or source = ? limit 1"
ROOTS = "select root from retracted where fact_id = ? order by root"


@dataclass(frozen=True)
class SqliteVisibility:
    """A `VisibilityStore`."""

    database: SqliteDatabase
    table: SqliteFactTable

    async def retract(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        return await self._decide(fact_ids, at, visibility_rules.retract)

    async def reinstate(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        return await self._decide(fact_ids, at, visibility_rules.reinstate)

    async def merge(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        return await self._decide(fact_ids, at, visibility_rules.merge, MERGED)

    async def separate(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        return await self._decide(fact_ids, at, visibility_rules.separate, MERGED)

    async def _decide(
        self,
        roots: Sequence[str],
        at: datetime,
        change: Callable[[sqlite3.Connection, str], set[str]],
        kind: str = "",
    ) -> VisibilityChange:
        """Make the change for those facts of which no later decision of this kind is known."""
        connection = self.database.connection

        def write() -> set[str]:
            changes = [
                change(connection, root)
                for root in roots
                if visibility_rules.is_latest_decision(connection, kind + root, at)
            ]
            return set().union(*changes)

        return await self.database.run(lambda: self.table.change_visibility(write))

    async def resolve(self, names: Sequence[str]) -> list[FactVisibility]:
        def read() -> list[FactVisibility]:
            visibilities = [self._visibility(name) for name in names]
            return [visibility for visibility in visibilities if visibility is not None]

        return await self.database.run(read)

    def _visibility(self, name: str) -> FactVisibility | None:
        """Return the visibility of the fact with this id, or from the verdict with it."""
        connection = self.database.connection
        row = connection.execute(FIND_FACT, (name, f"daydream {name}")).fetchone()
        facts = self.table.read([row[0]] if row else [])
        if not facts:
            return None
        fact = facts[0]
        roots = [root for (root,) in connection.execute(ROOTS, (fact.fact_id,))]
        return FactVisibility(
            fact=fact,
            hidden=self.database.fact_vectors.is_hidden(fact.fact_id),
            retracted_by=retracted_by(roots),
            merged=MERGED + fact.fact_id in roots,
            descendants=len(visibility_rules.descendants(connection, fact.fact_id)) - 1,
        )

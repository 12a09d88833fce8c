"""Rows of facts together with their vectors in memory. Parts of the store share it.

Call everything here inside `SqliteDatabase.run`. A change is committed first and shown to readers
of the vectors after it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from daydream_contracts.events import Fact, FactKind
from daydream_memory.sqlite import visibility_rules
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.store import NewFact, Vector, VisibilityChange

FACT_COLUMNS = (
    "fact_id",
    "ordinal",
    "text",
    "title",
    "source",
    "domain",
    "kind",
    "depth",
    "position",
    "tags",
    "licence",
    "date",
    "team",
    "clearance",
)
READ_FACTS = f"""select {", ".join(FACT_COLUMNS)} from facts
  where ordinal is not null and fact_id in (select value from json_each(?))"""
ACTIVATE = "update facts set ordinal = ?, vector = ? where fact_id = ? and ordinal is null"


class SqliteFactTable:
    """Insert, activate, read and hide facts."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    def insert(self, fact: NewFact) -> None:
        """Insert a pending fact. A known one stays as it is. Call it inside a transaction."""
        row = {
            **vars(fact),
            "domain_found": not fact.domain,
            "kind": fact.kind.value,
            "parents": json.dumps(fact.parents),
            "tags": json.dumps(fact.tags),
        }
        values = ", ".join(f":{name}" for name in row)
        query = f"insert or ignore into facts({', '.join(row)}) values({values})"
        self._database.connection.execute(query, row)
        if fact.parents:
            visibility_rules.inherit(self._database.connection, fact)

    def activate(
        self, vectors: Mapping[str, Vector], also: Callable[[], None] = lambda: None
    ) -> int:
        """Write vectors and ordinals, and what `also` writes, in one transaction.

        Return how many facts became active.
        """
        table = self._database.fact_vectors
        new: list[str] = []

        def write() -> None:
            also()
            for key, vector in vectors.items():
                row = (len(table) + len(new), vector.astype(np.float32).tobytes(), key)
                if self._database.connection.execute(ACTIVATE, row).rowcount:
                    new.append(key)

        self._database.transaction(write)
        if new:
            table.append(
                new,
                np.stack([vectors[key] for key in new]),
                hidden=visibility_rules.hidden_among(self._database.connection, new),
            )
        return len(new)

    def read(self, fact_ids: Sequence[str]) -> tuple[Fact, ...]:
        """Return the facts with an ordinal among these, in this order."""
        keys = json.dumps(list(fact_ids))
        facts = {
            row[0]: _fact(row) for row in self._database.connection.execute(READ_FACTS, (keys,))
        }
        return tuple(facts[key] for key in fact_ids if key in facts)

    def change_visibility(self, change: Callable[[], set[str]]) -> VisibilityChange:
        """Make a change in one transaction, then show to readers which facts it hid.

        `change` returns the ids of the facts that it concerns.
        """
        concerned = sorted(self._database.transaction(change))
        table = self._database.fact_vectors
        numbered = [key for key in concerned if key in table.row_of]
        hidden = visibility_rules.hidden_among(self._database.connection, numbered)
        active = [key for key in numbered if key not in hidden]
        table.hide(hidden, hidden=True)
        table.hide(active, hidden=False)
        return VisibilityChange(hidden=self.read(sorted(hidden)), active=self.read(active))


def _fact(row: Sequence[Any]) -> Fact:
    values = dict(zip(FACT_COLUMNS, row, strict=True))
    kind, tags = FactKind(values["kind"]), tuple(json.loads(values["tags"]))
    return Fact(**{**values, "kind": kind, "tags": tags})

"""Documents in the SQLite store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from daydream_contracts.rpc import DocumentReport, ListDocuments
from daydream_memory.sqlite import visibility_rules
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.sqlite.fact_table import SqliteFactTable
from daydream_memory.sqlite.visibility_rules import iso
from daydream_memory.store import DocumentRecord, NewFact, VisibilityChange

REPORTS = """select d.document_id, d.source, d.status, d.note, count(f.seq), count(f.ordinal),
  d.current, d.kind, d.left_out, d.read_at from documents d
  left join facts f on f.document_id = d.document_id where {conditions}
  group by d.document_id, d.source order by d.read_at desc, d.source limit ? offset ?"""
REPORT_FIELDS = (
    "document_id",
    "source",
    "status",
    "note",
    "facts",
    "facts_embedded",
    "current",
    "kind",
    "left_out",
    "read_at",
)
INSERT_BATCH = 500
KNOWN_FROM = """select f.source, count(*) from facts f join mentions m
  on m.fact_id = f.fact_id and m.source = f.source
  where f.fact_id in (select value from json_each(?)) and f.source <> ?
  group by f.source order by 2 desc, 1"""


@dataclass(frozen=True)
class SqliteDocuments:
    """A `DocumentStore`."""

    database: SqliteDatabase
    table: SqliteFactTable

    async def add(self, record: DocumentRecord, facts: Sequence[NewFact]) -> None:
        # Batches, so that searches need not wait for a large document. Facts are hidden until the
        # document that holds them is written; after a crash in between it is offered again.
        for start in range(0, len(facts), INSERT_BATCH):
            batch = facts[start : start + INSERT_BATCH]
            await self.database.run_transaction(partial(self._insert, batch))

        def write() -> set[str]:
            return visibility_rules.replace_document(self.database.connection, record, facts)

        await self.database.run(lambda: self.table.change_visibility(write))

    def _insert(self, facts: Sequence[NewFact]) -> None:
        for fact in facts:
            self.table.insert(fact)

    async def remove(self, source: str, removed_at: datetime) -> VisibilityChange:
        def write() -> set[str]:
            return visibility_rules.remove_document(self.database.connection, source, removed_at)

        return await self.database.run(lambda: self.table.change_visibility(write))

    async def reports(self, request: ListDocuments) -> list[DocumentReport]:
        conditions, values = _conditions(request)
        query = REPORTS.format(conditions=conditions)
        limits = (request.limit, request.offset)
        rows = await self.database.run(
            lambda: self.database.connection.execute(query, (*values, *limits)).fetchall()
        )
        return [_report(row) for row in rows]

    async def known_from(self, source: str, fact_ids: Sequence[str]) -> list[str]:
        keys = json.dumps(list(fact_ids))
        rows = await self.database.run(
            lambda: self.database.connection.execute(KNOWN_FROM, (keys, source)).fetchall()
        )
        if sum(count for _, count in rows) < len(set(fact_ids)):
            return []
        return [name for name, _ in rows]


def _report(row: Sequence[Any]) -> DocumentReport:
    values = dict(zip(REPORT_FIELDS, row, strict=True))
    return DocumentReport(**{**values, "left_out": tuple(json.loads(values["left_out"]))})


def _conditions(request: ListDocuments) -> tuple[str, list[Any]]:
    conditions: list[str] = ["1"]
    values: list[Any] = []
    if request.document_ids:
        conditions.append("d.document_id in (select value from json_each(?))")
        values.append(json.dumps(request.document_ids))
    if request.under:
        conditions.append("substr(d.source, 1, ?) = ?")
        values += [len(request.under), request.under]
    if request.current_only:
        conditions.append("d.current")
    if request.read_until:
        conditions.append("d.read_at <= ?")
        values.append(iso(request.read_until))
    return " and ".join(conditions), values

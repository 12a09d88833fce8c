"""Documents in Weaviate."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

from weaviate.classes.query import Filter

from daydream_contracts.rpc import DocumentReport, LeftOutReport, ListDocuments
from daydream_memory.erasure_record import ERASED_NOTE
from daydream_memory.store import DocumentRecord, NewFact, VisibilityChange
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.exclusive_writes import ExclusiveWrites
from daydream_memory.weaviate.table import BATCH, where
from daydream_memory.weaviate.visibility_rules import WeaviateVisibilityRules, iso

LAST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class WeaviateDocuments:
    """A `DocumentStore`."""

    collections: WeaviateCollections
    writes: ExclusiveWrites
    rules: WeaviateVisibilityRules

    async def add(self, record: DocumentRecord, facts: Sequence[NewFact]) -> None:
        async with self.writes.exclusive():
            await self.writes.insert_facts(facts)
            fact_ids = {fact.fact_id for fact in facts}
            if await self._write_document(record):
                await self.rules.replace(record.source, fact_ids)
            else:
                await self.rules.update(fact_ids)

    async def _write_document(self, record: DocumentRecord) -> bool:
        """Write a document. Return whether it is what is at its source now.

        It is not if another one is newer, or the source was removed since, or it is erased.
        """
        documents = self.collections.documents
        rows = await documents.all(where(source=record.source), by="document_id")
        known = [row for row in rows if row["document_id"] == record.document_id]
        others = [row for row in rows if row["document_id"] != record.document_id]
        if known and str(known[0]["note"]).startswith(ERASED_NOTE):
            return False
        offered = max(iso(record.offered_at), *(row["offered_at"] for row in known), "")
        removals = await self.collections.removals.get([(record.source,)])
        changed = [*(row["at"] for row in removals), *(row["offered_at"] for row in others)]
        current: bool = offered >= max(changed, default="")
        if current:
            replaced = [row["document_id"] for row in others if row["current"]]
            await documents.change({(key, record.source): {"current": False} for key in replaced})
        properties = {
            "document_id": record.document_id,
            "source": record.source,
            "status": record.status,
            "note": record.note,
            "read_at": iso(record.read_at),
            "offered_at": offered,
            "current": current,
            "kind": record.kind,
            "left_out": json.dumps([part.model_dump() for part in record.left_out]),
        }
        await documents.insert([((record.document_id, record.source), properties)])
        return current

    async def remove(self, source: str, removed_at: datetime) -> VisibilityChange:
        async with self.writes.exclusive():
            removals = await self.collections.removals.get([(source,)])
            at = max([iso(removed_at), *(row["at"] for row in removals)])
            await self.collections.removals.insert([((source,), {"source": source, "at": at})])
            rows = await self.collections.documents.all(
                where(source=source, current=True), by="document_id"
            )
            removed = [row["document_id"] for row in rows if row["offered_at"] <= at]
            if not removed:
                return VisibilityChange()
            change = await self.rules.replace(source, ())
            await self.collections.documents.change(
                {(document_id, source): {"current": False} for document_id in removed}
            )
            return change

    async def known_from(self, source: str, fact_ids: Sequence[str]) -> list[str]:
        names: Counter[str] = Counter()
        unique = list(dict.fromkeys(fact_ids))
        for start in range(0, len(unique), BATCH):
            part = [(fact_id,) for fact_id in unique[start : start + BATCH]]
            rows = await self.collections.facts.get(part, only=["fact_id", "source"])
            sources = {row["fact_id"]: row["source"] for row in rows if row["source"] != source}
            held = await self.collections.mentions.get(list(sources.items()), only=["source"])
            if len(held) < len(part):
                return []
            names.update(str(row["source"]) for row in held)
        return [name for name, _ in sorted(names.items(), key=lambda item: (-item[1], item[0]))]

    async def reports(self, request: ListDocuments) -> list[DocumentReport]:
        rows = await self.collections.documents.find(
            _filters(request),
            limit=request.limit,
            offset=request.offset,
            sort=[("read_at", False), ("source", True)],
        )
        ids = sorted({row["document_id"] for row in rows})
        if not ids:
            return []
        table = self.collections.facts
        facts, embedded = await asyncio.gather(
            table.counts("document_id", where(document_id=ids)),
            table.counts("document_id", where(document_id=ids, pending=False)),
        )
        return [
            DocumentReport(
                document_id=row["document_id"],
                source=row["source"],
                status=row["status"],
                note=row["note"],
                current=bool(row["current"]),
                read_at=datetime.fromisoformat(row["read_at"]),
                facts=facts.get(row["document_id"], 0),
                facts_embedded=embedded.get(row["document_id"], 0),
                kind=row["kind"] or "",
                left_out=tuple(
                    LeftOutReport(**part) for part in json.loads(row["left_out"] or "[]")
                ),
            )
            for row in rows
        ]


def _filters(request: ListDocuments) -> Any:
    filters = []
    if request.document_ids:
        filters.append(where(document_id=request.document_ids))
    if request.under:
        source = Filter.by_property("source")
        filters += [
            source.greater_or_equal(request.under),
            source.less_than(request.under + LAST_CHARACTER),
        ]
    if request.current_only:
        filters.append(where(current=True))
    if request.read_until:
        after = iso(request.read_until + timedelta(microseconds=1))
        filters.append(Filter.by_property("read_at").less_than(after))
    return reduce(lambda left, right: left & right, filters) if filters else None

"""Documents, and which facts can be drawn: those that a current document or question still holds, or that are insights, and that nobody withdrew.

`roots` of a fact says by whom it is out: itself, or something that it descends from. All changes are made in a turn, and go by what the store
says, so that a change that was cut off is completed when its message comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from weaviate.classes.query import Filter

from daydream_contracts.events import Fact, FactKind
from daydream_contracts.rpc import DocumentReport, FactVisibility, ListDocuments
from daydream_memory.erasure_record import ERASED_NOTE
from daydream_memory.store import DocumentRecord, NewFact, VisibilityChange
from daydream_memory.weaviate.facts import WeaviateFacts, fact_of
from daydream_memory.weaviate.table import Row, where

LAST_CHARACTER = "\U0010ffff"


class WeaviateDocuments(WeaviateFacts):
    """Documents, their facts, and how these stand."""

    async def add_document(self, record: DocumentRecord, facts: Sequence[NewFact]) -> None:
        async with self._turn():
            await self._insert(facts)
            ids = {fact.fact_id for fact in facts}
            if await self._is_current(record):
                await self._replace(record.source, ids)
            else:
                await self._restand(ids)

    async def _is_current(self, record: DocumentRecord) -> bool:
        """Write down a document; whether it is what is at its source now: not if that is newer, or the source was removed since."""
        source = where(source=record.source)
        others = await self._documents.all(source, by="document_id")
        known = next((row for row in others if row["document_id"] == record.document_id), None)
        if known and str(known["note"]).startswith(ERASED_NOTE):
            return False
        offered = max(iso(record.offered_at), known["offered_at"] if known else "")
        removed = [row["at"] for row in await self._removals.get([(record.source,)])]
        newest = [row["offered_at"] for row in others if row is not known]
        current: bool = offered >= max([*removed, *newest, ""])
        if current:
            await self._documents.change(
                {
                    (row["document_id"], record.source): {"current": False}
                    for row in others
                    if row["current"] and row is not known
                }
            )
        properties = {
            "document_id": record.document_id,
            "source": record.source,
            "status": record.status,
            "note": record.note,
            "read_at": iso(record.read_at),
            "offered_at": offered,
            "current": current,
        }
        await self._documents.insert([((record.document_id, record.source), properties)])
        return current

    async def _replace(self, source: str, after: Collection[str]) -> VisibilityChange:
        """What a source holds from now on. That it does not hold the rest any more is written last: until then, doing it again does all of it."""
        before = await self._held(source)
        await self._mentions.insert(
            ((key, source), {"fact_id": key, "source": source})
            for key in after
            if key not in before
        )
        gone = before.difference(after)
        changed = await self._restand(before.union(after), gone={(key, source) for key in gone})
        await self._mentions.delete((key, source) for key in gone)
        return changed

    async def _held(self, source: str) -> set[str]:
        return {
            row["fact_id"]
            for row in await self._mentions.all(
                where(source=source), by="fact_id", only=["fact_id"]
            )
        }

    async def remove_document(self, source: str, removed_at: datetime) -> VisibilityChange:
        async with self._turn():
            at = max(
                [iso(removed_at), *(row["at"] for row in await self._removals.get([(source,)]))]
            )
            await self._removals.insert([((source,), {"source": source, "at": at})])
            current = [
                row
                for row in await self._documents.all(
                    where(source=source, current=True), by="document_id"
                )
                if row["offered_at"] <= at
            ]
            if not current:
                return VisibilityChange()
            changed = await self._replace(source, ())
            await self._documents.change(
                {(row["document_id"], source): {"current": False} for row in current}
            )
            return changed

    async def withdraw(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        async with self._turn():
            return await self._restand(
                set().union(
                    *[await self._withdraw(root) for root in await self._news(fact_ids, at)]
                )
            )

    async def _news(self, roots: Sequence[str], at: datetime) -> list[str]:
        """Those of these facts of which nobody said anything after `at`; that this is said of them is written down."""
        rows = await self._facts.get([(root,) for root in roots], only=["fact_id", "stood_at"])
        news = [str(row["fact_id"]) for row in rows if (row["stood_at"] or "") <= iso(at)]
        await self._facts.change({(root,): {"stood_at": iso(at)} for root in news})
        return news

    async def _withdraw(self, root: str) -> set[str]:
        below = await self._below([root])
        rows = await self._facts.get([(key,) for key in sorted(below)], only=["fact_id", "roots"])
        await self._facts.change(
            {
                (row["fact_id"],): {"roots": sorted({*(row["roots"] or ()), root})}
                for row in rows
                if root not in (row["roots"] or ())
            }
        )
        return below

    async def restore(self, fact_ids: Sequence[str], at: datetime) -> VisibilityChange:
        async with self._turn():
            touched: set[str] = set()
            for root in await self._news(fact_ids, at):
                rows = await self._facts.all(
                    where(roots=[root]), by="fact_id", only=["fact_id", "roots"]
                )
                await self._facts.change(
                    {
                        (row["fact_id"],): {"roots": [one for one in row["roots"] if one != root]}
                        for row in rows
                    }
                )
                touched |= await self._below([root]) | {row["fact_id"] for row in rows}
            return await self._restand(touched)

    async def _restand(
        self, fact_ids: Iterable[str], *, gone: Collection[tuple[str, str]] = ()
    ) -> VisibilityChange:
        """Write down who of these can be drawn, and where people find them now; how those stand that have an ordinal. `gone`: mentions that don't
        count any more."""
        rows = await self._facts.get([(key,) for key in sorted(set(fact_ids))])
        rows.sort(key=lambda row: str(row["fact_id"]))
        own = {
            (row["fact_id"], row["source"])
            for row in await self._mentions.get([(row["fact_id"], row["source"]) for row in rows])
        }.difference(gone)
        others = [
            row
            for row in rows
            if (row["fact_id"], row["source"]) not in own and row["kind"] != FactKind.INSIGHT.value
        ]
        found = dict(
            zip(
                [row["fact_id"] for row in others],
                await asyncio.gather(*(self._holder(row["fact_id"], gone) for row in others)),
                strict=True,
            )
        )
        out, in_ = list[Fact](), list[Fact]()
        changes: dict[tuple[str, ...], dict[str, Any]] = {}
        for row in rows:
            key, holder = row["fact_id"], found.get(row["fact_id"], row["source"])
            hidden = bool(row["roots"]) or holder is None
            new = {
                "hidden": hidden,
                "shown": not hidden and not row["pending"],
                "source": row["source"] if holder is None else holder,
            }
            if any(row[name] != value for name, value in new.items()):
                changes[(key,)] = new
            if not row["pending"]:
                (out if hidden else in_).append(fact_of(Row({**row.properties, **new})))
        await self._facts.change(changes)
        return VisibilityChange(out=tuple(out), in_=tuple(in_))

    async def _holder(self, fact_id: str, gone: Collection[tuple[str, str]]) -> str | None:
        held = await self._mentions.find(
            where(fact_id=fact_id), limit=2, sort=[("source", True)]
        )  # of one source at a time something is gone
        return next(
            (str(row["source"]) for row in held if (fact_id, row["source"]) not in gone), None
        )

    async def reports(self, question: ListDocuments) -> list[DocumentReport]:
        filters = None
        parts = [where(document_id=question.document_ids)] if question.document_ids else []
        if question.under:
            source = Filter.by_property("source")
            parts.append(
                source.greater_or_equal(question.under)
                & source.less_than(question.under + LAST_CHARACTER)
            )
        if question.current_only:
            parts.append(where(current=True))
        for part in parts:
            filters = part if filters is None else filters & part
        rows = await self._documents.find(
            filters,
            limit=question.limit,
            offset=question.offset,
            sort=[("read_at", False), ("source", True)],
        )
        ids = sorted({row["document_id"] for row in rows})
        if not ids:
            return []
        facts, embedded = await asyncio.gather(
            self._facts.counts("document_id", where(document_id=ids)),
            self._facts.counts("document_id", where(document_id=ids, pending=False)),
        )
        return [
            DocumentReport(
                document_id=row["document_id"],
                source=row["source"],
                status=row["status"],
                note=row["note"],
                current=bool(row["current"]),
                facts=facts.get(row["document_id"], 0),
                facts_embedded=embedded.get(row["document_id"], 0),
            )
            for row in rows
        ]

    async def resolve(self, names: Sequence[str]) -> list[FactVisibility]:
        found = []
        for name in names:
            rows = await self._facts.get([(name,)]) or await self._facts.find(
                where(source=f"daydream {name}"), limit=1
            )
            if rows and not rows[0]["pending"]:
                row = rows[0]
                below = await self._below([row["fact_id"]])
                standing = FactVisibility(
                    fact=fact_of(row),
                    hidden=bool(row["hidden"]),
                    withdrawn_by=tuple(sorted(row["roots"] or ())),
                    descendants=len(below) - 1,
                )
                found.append(standing)
        return found


def iso(at: datetime) -> str:
    """Times as text that sorts as they do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")

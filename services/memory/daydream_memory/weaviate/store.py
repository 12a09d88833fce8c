"""The store in Weaviate, whole: facts and verdicts, and what concerns both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

from nats.js.kv import KeyValue

from daydream_contracts.events import FactKind
from daydream_memory.erasure_record import ERASED, without
from daydream_memory.settings import WeaviateSettings
from daydream_memory.store import ErasedFacts, StoreCounts
from daydream_memory.weaviate.connection import connect
from daydream_memory.weaviate.model_migration import WeaviateModelMigration
from daydream_memory.weaviate.schema import prepare
from daydream_memory.weaviate.table import where
from daydream_memory.weaviate.verdicts import verdict_of

COUNTS_S = 2.0
NOTHING = {"text": ERASED, "title": "", "domain": "", "tags": [], "licence": "", "written": ""}


class WeaviateStore(WeaviateModelMigration):
    """A `Store` in the collections of a Weaviate server. Any number of processes at a time."""

    @classmethod
    async def open(cls, settings: WeaviateSettings, bucket: KeyValue, embedding_model: str) -> Self:
        """Connect, and make or check the collections. `bucket` holds the record of turns. ConfigurationError says what does not fit."""
        client = await connect(settings)
        try:
            await prepare(client, settings)
            store = cls(client, bucket, settings)
            await store._begin(embedding_model)
        except BaseException:
            await client.close()
            raise
        return store

    async def erase(
        self, sources: Sequence[str], fact_ids: Sequence[str], *, derived: bool, note: str
    ) -> ErasedFacts:
        async with self._turn():
            found = set(fact_ids)
            for source in sources:
                found |= await self._erase_document(source, note)
            insights = await self._below(found) - found
            if derived:
                found |= insights
            await self._erase_facts(found)
            verdicts = await self._erase_from_verdicts(found, derived=derived)
            await self._restand(
                found.union(*[await self._withdraw(root) for root in sorted(found)])
            )
            return ErasedFacts(tuple(sorted(found)), verdicts, tuple(sorted(insights)))

    async def _erase_document(self, source: str, note: str) -> set[str]:
        """Take a document out, keep the word that it is not wanted; the facts that nobody else holds, and those that were erased with it before."""
        documents = await self._documents.all(
            where(source=source), by="document_id", only=["document_id"]
        )
        written = await self._facts.all(
            where(source=source), by="fact_id", only=["fact_id", "kind"]
        )
        held = await self._held(source) | {
            row["fact_id"] for row in written if row["kind"] != FactKind.INSIGHT.value
        }
        names = [row["document_id"] for row in documents]
        before = (
            await self._facts.all(
                where(document_id=names, roots=[ERASED]), by="fact_id", only=["fact_id"]
            )
            if names
            else []
        )
        elsewhere = await asyncio.gather(
            *(
                self._mentions.find(where(fact_id=key), limit=2, only=["source"])
                for key in sorted(held)
            )
        )
        alone = {
            key
            for key, rows in zip(sorted(held), elsewhere, strict=True)
            if all(row["source"] == source for row in rows)
        }
        await self._documents.change(
            {
                (name, source): {"status": "refused", "note": note, "current": False}
                for name in names
            }
        )
        await self._erase_facts(alone)
        await self._mentions.delete((key, source) for key in held)
        await self._restand(held - alone)
        return alone | {row["fact_id"] for row in before}

    async def _erase_facts(self, fact_ids: set[str]) -> None:
        """Remove what they say and where it stood, and hide them for good."""
        rows = await self._facts.get(
            [(key,) for key in sorted(fact_ids)], only=["fact_id", "kind", "source", "roots"]
        )
        for row in rows:
            key = row["fact_id"]
            nothing = {
                **NOTHING,
                "roots": sorted({*(row["roots"] or ()), ERASED}),
                "shown": False,
                "hidden": True,
            }
            nothing["source"] = (
                row["source"] if row["kind"] == FactKind.INSIGHT.value else ""
            )  # an insight's source is its verdict
            await self._facts.change({(key,): nothing})
            await self._facts.forget(key)
            await self._next_facts.forget(key)
            held = await self._mentions.all(where(fact_id=key), by="source", only=["source"])
            await self._mentions.delete((key, one["source"]) for one in held)

    async def _erase_from_verdicts(self, fact_ids: set[str], *, derived: bool) -> int:
        """Remove them from the records of daydreams; how many held them."""
        rows = (
            await self._verdicts.all(
                where(about=sorted(fact_ids)),
                by="added_at",
                only=["verdict_id", "body", "added_at"],
            )
            if fact_ids
            else []
        )
        found = 0
        for row in rows:
            verdict = verdict_of(row)
            clean = without(verdict, fact_ids, derived=derived)
            if clean != verdict:
                found += 1
                text = clean.hypothesis.synthesis.hypothesis if clean.hypothesis.synthesis else ""
                if clean.hypothesis.synthesis != verdict.hypothesis.synthesis:
                    await self._verdicts.forget(row["verdict_id"])
                    await self._next_verdicts.forget(row["verdict_id"])
                await self._verdicts.change(
                    {(row["verdict_id"],): {"body": clean.model_dump_json(), "text": text}}
                )  # last: by it the rest is found
        return found

    async def counts(self) -> StoreCounts:
        if (
            self._counted and time.monotonic() < self._counted[0]
        ):  # asked before each draw; other replicas' changes are seen a moment later
            record = await self._turns.record()
            return replace(self._counted[1], facts=record.given - len(record.giving))
        record, decisions, teams, clearances = await asyncio.gather(
            self._turns.record(),
            self._verdicts.counts("decision"),
            self._by("team", where(labelled=True, pending=False)),
            self._by("clearance", where(labelled=True)),
        )
        pending, documents, judged, waiting, insights, hidden = await asyncio.gather(
            self._facts.count(where(pending=True)),
            self._documents.count(),
            self._verdicts.count(where(judged=True)),
            self._verdicts.count(where(waiting=True)),
            self._facts.count(where(kind=FactKind.INSIGHT.value, hidden=False)),
            self._facts.count(where(pending=False, hidden=True)),
        )
        found = StoreCounts(
            facts=record.given - len(record.giving),
            facts_pending=pending,
            documents=documents,
            verdicts=sum(decisions.values()),
            judged=judged,
            decisions=decisions,
            quarantined=waiting,
            insights=insights,
            hidden=hidden,
            teams=teams,
            clearances=clearances,
        )
        self._counted = (time.monotonic() + COUNTS_S, found)
        return found

    async def _by(self, name: str, which: Any) -> dict[str, int]:
        """How many facts have each value of a property that few have."""
        found = await self._facts.counts(name, which)
        return {value: count for value, count in found.items() if value}

    async def close(self) -> None:
        await self._turns.leave()
        await self._client.close()

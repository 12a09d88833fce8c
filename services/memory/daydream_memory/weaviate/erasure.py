"""Erasure in Weaviate. An erasure that was cut off is completed when it is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from daydream_contracts.events import FactKind
from daydream_memory.erasure_record import ERASED, without
from daydream_memory.store import ErasedFacts
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.exclusive_writes import ExclusiveWrites
from daydream_memory.weaviate.lineage import WeaviateLineage
from daydream_memory.weaviate.rows import verdict_of
from daydream_memory.weaviate.table import Row, where
from daydream_memory.weaviate.visibility_rules import WeaviateVisibilityRules

ERASED_FACT = {
    "text": ERASED,
    "title": "",
    "domain": "",
    "tags": [],
    "licence": "",
    "date": "",
    "shown": False,
    "hidden": True,
}


@dataclass(frozen=True)
class WeaviateErasure:
    """An `ErasureStore`."""

    collections: WeaviateCollections
    writes: ExclusiveWrites
    lineage: WeaviateLineage
    rules: WeaviateVisibilityRules

    async def erase(
        self, sources: Sequence[str], fact_ids: Sequence[str], *, derived: bool, note: str
    ) -> ErasedFacts:
        async with self.writes.exclusive():
            erased = set(fact_ids)
            for source in sources:
                erased |= await self._erase_document(source, note)
            insights = await self.lineage.descendants(erased) - erased
            if derived:
                erased |= insights
            await self._erase_facts(erased)
            verdicts = await self._erase_from_verdicts(erased, derived=derived)
            below = [await self.rules.retract(root) for root in sorted(erased)]
            await self.rules.update(erased.union(*below))
            return ErasedFacts(tuple(sorted(erased)), verdicts, tuple(sorted(insights)))

    async def _erase_document(self, source: str, note: str) -> set[str]:
        """Remove a document and refuse it from now on.

        Return the facts that no other one holds, and those erased with it before.
        """
        documents = await self.collections.documents.all(
            where(source=source), by="document_id", only=["document_id"]
        )
        document_ids = [row["document_id"] for row in documents]
        erased_before = await self._erased_of(document_ids)
        held = await self._held_by(source)
        exclusive = await self._held_only_by(source, held)
        refused = {"status": "refused", "note": note, "left_out": "[]", "current": False}
        await self.collections.documents.change({(key, source): refused for key in document_ids})
        await self._erase_facts(exclusive)
        await self.collections.mentions.delete((key, source) for key in held)
        await self.rules.update(held - exclusive)
        return exclusive | erased_before

    async def _erased_of(self, document_ids: list[str]) -> set[str]:
        if not document_ids:
            return set()
        filters = where(document_id=document_ids, roots=[ERASED])
        rows = await self.collections.facts.all(filters, by="fact_id", only=["fact_id"])
        return {row["fact_id"] for row in rows}

    async def _held_by(self, source: str) -> set[str]:
        """Return the facts that a source holds or once brought."""
        rows = await self.collections.facts.all(
            where(source=source), by="fact_id", only=["fact_id", "kind"]
        )
        brought = {row["fact_id"] for row in rows if row["kind"] != FactKind.INSIGHT.value}
        return await self.rules.held_by(source) | brought

    async def _held_only_by(self, source: str, fact_ids: Iterable[str]) -> set[str]:
        keys = sorted(fact_ids)
        mentions = await asyncio.gather(
            *(
                self.collections.mentions.find(where(fact_id=key), limit=2, only=["source"])
                for key in keys
            )
        )
        return {
            key
            for key, rows in zip(keys, mentions, strict=True)
            if all(row["source"] == source for row in rows)
        }

    async def _erase_facts(self, fact_ids: set[str]) -> None:
        """Remove the texts and sources of these facts and hide them for good."""
        rows = await self.collections.facts.get(
            [(key,) for key in sorted(fact_ids)], only=["fact_id", "kind", "source", "roots"]
        )
        for row in rows:
            await self._erase_fact(row)

    async def _erase_fact(self, row: Row) -> None:
        key, tables = row["fact_id"], self.collections
        is_insight = row["kind"] == FactKind.INSIGHT.value
        erased = {
            **ERASED_FACT,
            "roots": sorted({*(row["roots"] or ()), ERASED}),
            "source": row["source"] if is_insight else "",  # an insight's source is its verdict
        }
        await tables.facts.change({(key,): erased})
        await tables.facts.clear_vector(key)
        await tables.next_facts.clear_vector(key)
        mentions = await tables.mentions.all(where(fact_id=key), by="source", only=["source"])
        await tables.mentions.delete((key, mention["source"]) for mention in mentions)

    async def _erase_from_verdicts(self, fact_ids: set[str], *, derived: bool) -> int:
        """Remove these facts from verdicts. Return how many held them."""
        if not fact_ids:
            return 0
        rows = await self.collections.verdicts.all(
            where(about=sorted(fact_ids)), by="added_at", only=["verdict_id", "body", "added_at"]
        )
        held = [await self._erase_from_verdict(row, fact_ids, derived=derived) for row in rows]
        return sum(held)

    async def _erase_from_verdict(self, row: Row, fact_ids: set[str], *, derived: bool) -> bool:
        verdict, key = verdict_of(row), row["verdict_id"]
        cleaned = without(verdict, fact_ids, derived=derived)
        if cleaned == verdict:
            return False
        synthesis = cleaned.hypothesis.synthesis
        if synthesis != verdict.hypothesis.synthesis:
            await self.collections.verdicts.clear_vector(key)
            await self.collections.next_verdicts.clear_vector(key)
        text = synthesis.hypothesis if synthesis else ""
        # last: a repetition finds the rest by it
        body = {"body": cleaned.model_dump_json(), "text": text}
        await self.collections.verdicts.change({(key,): body})
        return True

"""A document from offer to active facts.

Data: offered (bytes in the message, or in the object store) → read and chunked: facts pending →
embedded in the background: active. The object is deleted once its facts are in the store.

What can fail:

- The bytes cannot be read as text: it is reported, and nothing else stops.
- This process dies: the offer is redelivered and does the same again, with the same ids.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from nats.js.object_store import ObjectStore

from daydream_contracts.access import Clearances
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import DocumentOffered, DocumentRemoved
from daydream_contracts.rpc import ListDocuments
from daydream_memory.chunking import facts_of
from daydream_memory.embedder import Embedder
from daydream_memory.reading import ReadResult, read_document
from daydream_memory.store import DocumentRecord, NewFact, Store
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.object_store import fetch

log = logging.getLogger(__name__)
EMBED_BATCH = 16
LOOKAHEAD_BATCHES = 16
IDLE_S = 0.5
FETCH_TIMEOUT_S = 60.0
REPORTS_MAX = 1000
NOTE_CHARS_MAX = 300


@dataclass
class Ingester:
    """Read documents and embed their facts.

    `clearance`: the highest that the embedding model may see. None: all that there are.
    """

    store: Store
    embedder: Embedder
    objects: ObjectStore
    chunk_chars: int
    batch: int = EMBED_BATCH
    clearances: Clearances = field(default_factory=Clearances)
    clearance: str | None = None
    new_facts: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, offer: DocumentOffered) -> None:
        """Store the document's facts, pending. Idempotent: ids are made from content.

        Raise PermanentError when the bytes are gone before they were read.
        """
        data = await self._bytes_of(offer)
        if data is None:
            if await self._has_read(offer):
                return  # only the acknowledgement was lost
            raise PermanentError(
                "document-gone", f"The bytes of {offer.source} are not in the object store"
            )
        result, facts = await asyncio.to_thread(self._read, data, offer)
        if result.status == "read" and not facts:
            result = ReadResult("skipped", "nothing long enough to be a fact")
        record = DocumentRecord(
            offer.document_id,
            offer.source,
            result.status,
            result.note,
            datetime.now(UTC),
            offer.offered_at,
        )
        await self.store.documents.add(record, facts)
        if offer.object_name:
            await self.objects.delete(offer.object_name)
        log.info("document %s: %s, %d facts", result.status, offer.source, len(facts))
        self.new_facts.set()

    async def _bytes_of(self, offer: DocumentOffered) -> bytes | None:
        if offer.content is not None:
            return offer.content
        return await fetch(self.objects, offer.object_name, within_s=FETCH_TIMEOUT_S)

    async def _has_read(self, offer: DocumentOffered) -> bool:
        request = ListDocuments(document_ids=(offer.document_id,), limit=REPORTS_MAX)
        reports = await self.store.documents.reports(request)
        return any(report.source == offer.source for report in reports)

    async def remove(self, removal: DocumentRemoved) -> None:
        """Hide the document's facts, except those that another document holds."""
        change = await self.store.documents.remove(removal.source, removal.removed_at)
        log.info("document removed: %s, %d facts hidden", removal.source, len(change.hidden))

    def _read(self, data: bytes, offer: DocumentOffered) -> tuple[ReadResult, list[NewFact]]:
        """Return what was read, for every file: whatever is wrong with it is in the report."""
        refusal = self._refusal(offer.clearance)
        if refusal:
            return ReadResult("refused", refusal), []
        try:
            result = read_document(data, offer.source)
            document = facts_of(
                result,
                document_id=offer.document_id,
                source=offer.source,
                chars_max=self.chunk_chars,
                kind=offer.kind,
                team=offer.team,
                clearance=offer.clearance,
            )
            return replace(result, left_out=document.left_out), list(document.facts)
        except (ValueError, LookupError, RecursionError) as error:
            log.warning("cannot read the document %s", offer.source, exc_info=error)
            note = f"Cannot be read: {type(error).__name__}: {error}"
            return ReadResult("refused", note[:NOTE_CHARS_MAX]), []

    def _refusal(self, clearance: str) -> str:
        """Return why the embedding model may not see a document, "" if it may."""
        highest = self.clearance
        if highest is None:
            highest = self.clearances.highest(self.clearances.names)
        if self.clearances.may_see(highest, clearance):
            return ""
        if not self.clearances.knows(clearance):
            return f"The clearance {clearance!r} is not in DAYDREAM_CLEARANCES"
        return (
            f"The embedding model {self.embedder.model} may not see documents with the clearance "
            f"{clearance!r} (DAYDREAM_MEMORY_EMBEDDING_CLEARANCE)"
        )

    async def embed_forever(
        self, pause: Callable[[float], Awaitable[None]], stopping: asyncio.Event
    ) -> None:
        """Embed pending facts until the service stops.

        While there is no money, or the endpoint, the store or NATS is unavailable, facts stay
        pending and everything else continues.
        """
        while not stopping.is_set():
            try:
                embedded = await self._embed_next(stopping)
            except TRANSIENT_ERRORS as error:
                log.warning("embedding waits: %s", error)
                await pause(retry_delay_s(error))
                continue
            if not embedded:
                await pause(IDLE_S)

    async def _embed_next(self, stopping: asyncio.Event) -> bool:
        """Embed a few batches of pending facts. Return whether there were any.

        A query for pending facts costs more, the more there are, so it reads several batches. New
        documents end it early: their beginnings come first.
        """
        self.new_facts.clear()
        pending = await self.store.facts.pending(self.batch * LOOKAHEAD_BATCHES)
        for start in range(0, len(pending), self.batch):
            if stopping.is_set() or self.new_facts.is_set():
                break
            batch = pending[start : start + self.batch]
            vectors = await self.embedder.embed([fact.text for fact in batch])
            keys = [fact.fact_id for fact in batch]
            await self.store.facts.activate(dict(zip(keys, vectors, strict=True)))
        return bool(pending)

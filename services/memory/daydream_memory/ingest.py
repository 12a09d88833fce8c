"""A document from offer to active facts.

Data: offered (bytes in the message, or in the object store) → read in a sandbox: facts pending →
embedded in the background: active. The object is deleted once its facts are in the store.

What can fail:

- The same text comes again: facts are deduplicated by their fingerprint.
- The document cannot be read, or needs too much: it is reported, and nothing else stops. It is read
  in a separate process.
- This process dies: the offer is redelivered and does the same again, with the same ids.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import FileIO

from nats.js.object_store import ObjectStore

from daydream_contracts.access import Clearances
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import DocumentOffered, DocumentRemoved
from daydream_contracts.rpc import (
    DocumentPreview,
    ListDocuments,
    PreviewDocument,
    ProtectedRead,
    ReadProtected,
)
from daydream_memory.document_reading import (
    DocumentPool,
    ReadDocument,
    ReadingOptions,
    known_already,
    read_offered,
)
from daydream_memory.embedder import Embedder
from daydream_memory.metrics import DocumentMetrics
from daydream_memory.sandbox import unnamed_file
from daydream_memory.store import DocumentRecord, NewFact, Store
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.object_store import fetch_into

log = logging.getLogger(__name__)
EMBED_BATCH = 16
LOOKAHEAD_BATCHES = 16
IDLE_S = 0.5
FETCH_TIMEOUT_S = 60.0
REPORTS_MAX = 1000
READ_AT_ONCE = 2
KNOWN_PROBE = 100


@dataclass
class Ingester:
    """Read documents and embed their facts.

    Passwords that come with a request are tried before those of the settings.

    `clearance`: the highest that the embedding model may see. None: all that there are.
    `slots`: documents that are in memory at once; more would only wait for a process.
    `embedding_name`: the embedding model's name at the gateway, "" for the bundled one.
    """

    store: Store
    embedder: Embedder
    objects: ObjectStore
    pool: DocumentPool
    metrics: DocumentMetrics
    options: ReadingOptions
    batch: int = EMBED_BATCH
    clearances: Clearances = field(default_factory=Clearances)
    clearance: str | None = None
    embedding_name: str = ""
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READ_AT_ONCE))
    new_facts: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, offer: DocumentOffered) -> None:
        """Store the document's facts, pending. Idempotent: ids are made from content.

        Raise PermanentError when the bytes are gone before they were read.
        """
        document = await self._read(offer)
        if document is not None:  # else only the acknowledgement was lost
            await self._store(offer, document)

    async def read_protected(self, request: ReadProtected) -> ProtectedRead:
        """Store the facts of an encrypted document. Nothing keeps the passwords.

        Unlike an offer it is not repeated by itself: the one who asks asks again.
        """
        document = await self._read(request.document, request.passwords)
        if document is None:
            return ProtectedRead(status="read")
        await self._store(request.document, document)
        return ProtectedRead(status=document.status, note=document.note)

    async def _store(self, offer: DocumentOffered, document: ReadDocument) -> None:
        if known := await self._known_from(offer, document.facts):
            left_out = (*document.left_out, known_already(known, len(document.facts)))
            document = replace(document, left_out=left_out)
        record = DocumentRecord(
            offer.document_id,
            offer.source,
            document.status,
            document.note,
            datetime.now(UTC),
            offer.offered_at,
            document.kind,
            document.left_out,
        )
        await self.store.documents.add(record, document.facts)
        if offer.object_name:
            await self.objects.delete(offer.object_name)
        self.metrics.count(document)
        log.info("document %s: %s, %d facts", document.status, offer.source, len(document.facts))
        self.new_facts.set()

    async def preview(self, request: PreviewDocument) -> DocumentPreview:
        """Read a document and store nothing. Raise PermanentError when its bytes are gone."""
        offer = DocumentOffered(
            document_id="",
            object_name=request.object_name,
            content=None if request.content is None else base64.b64encode(request.content),
            source=request.source,
            title=request.title,
            size_bytes=0,
            kind=request.kind,
            team=request.team,
            clearance=request.clearance,
            offered_at=datetime.now(UTC),
        )
        document = await self._read(offer, request.passwords)
        document = document or ReadDocument("refused", "its bytes are gone")
        texts = {fact.fact_id: fact.text for fact in document.facts}
        known = {fact.fact_id for fact in await self.store.facts.get(list(texts))}
        return DocumentPreview(
            status=document.status,
            note=document.note,
            kind=document.kind,
            left_out=document.left_out,
            facts=len(texts),
            known=len(known),
            embedding_model=self.embedding_name,
            embedding_bytes=sum(
                len(text.encode()) for key, text in texts.items() if key not in known
            ),
        )

    async def _read(
        self, offer: DocumentOffered, passwords: Sequence[str] = ()
    ) -> ReadDocument | None:
        """Return what the document gives, None if it was read before and its bytes are gone."""
        if refusal := self._refusal(offer.clearance):
            return ReadDocument("refused", refusal)
        async with self.slots:
            return await self._read_file(offer, passwords)

    async def _read_file(
        self, offer: DocumentOffered, passwords: Sequence[str]
    ) -> ReadDocument | None:
        own = self.options.passwords
        options = replace(self.options, passwords=(*passwords, *own))
        with unnamed_file() as file:
            if not await self._fetch(offer, file):
                if await self._has_read(offer):
                    return None
                text = f"The bytes of {offer.source} are not in the object store"
                raise PermanentError("document-gone", text)
            return await read_offered(self.pool, offer, file.fileno(), options)

    async def _fetch(self, offer: DocumentOffered, file: FileIO) -> bool:
        """Write the document into a file, so that its size is not in this process's memory."""
        if offer.content is None:
            name = offer.object_name
            return await fetch_into(self.objects, name, file, within_s=FETCH_TIMEOUT_S)
        file.write(offer.content)
        file.seek(0)
        return True

    async def _known_from(self, offer: DocumentOffered, facts: Sequence[NewFact]) -> list[str]:
        if not facts:
            return []
        keys = [fact.fact_id for fact in facts]
        first = keys[:KNOWN_PROBE]  # enough for nearly all documents: they say something new
        if not await self.store.documents.known_from(offer.source, first):
            return []
        return await self.store.documents.known_from(offer.source, keys)

    async def _has_read(self, offer: DocumentOffered) -> bool:
        request = ListDocuments(document_ids=(offer.document_id,), limit=REPORTS_MAX)
        reports = await self.store.documents.reports(request)
        return any(report.source == offer.source for report in reports)

    async def remove(self, removal: DocumentRemoved) -> None:
        """Hide the document's facts, except those that another document holds."""
        change = await self.store.documents.remove(removal.source, removal.removed_at)
        log.info("document removed: %s, %d facts hidden", removal.source, len(change.hidden))

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

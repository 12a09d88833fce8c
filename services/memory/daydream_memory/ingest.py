"""A document from offer to active facts.

Data: offered (bytes in the message, or in the object store) → read and chunked: facts pending → embedded in the background: active.
What can fail: the bytes can't be read as text (reported, nothing else stops); this process dies (the offer comes again and
does the same again, with the same ids). The object is removed once its facts are in the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from nats.js.object_store import ObjectStore

from daydream_contracts.access import Clearances
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import DocumentOffered, DocumentRemoved
from daydream_contracts.rpc import ListDocuments
from daydream_memory.chunking import facts_of
from daydream_memory.embedding import Embedder
from daydream_memory.reading import ReadResult, read_document
from daydream_memory.store import DocumentRecord, NewFact, Store
from daydream_runtime.background import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.object_store import fetch

log = logging.getLogger(__name__)
EMBED_BATCH = 16
AHEAD = 16  # batches
IDLE_S = 0.5
FETCH_S = 60.0


class Ingester:
    """Reads documents and embeds what they say."""

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        objects: ObjectStore,
        chunk_chars: int,
        *,
        batch: int = EMBED_BATCH,
        clearances: Clearances | None = None,
        clearance: str | None = None,
    ) -> None:
        """`clearance`: the highest that the embedding model may see; None: all that there are."""
        self._store = store
        self._embedder = embedder
        self._objects = objects
        self._chunk_chars = chunk_chars
        self._batch = batch
        self._clearances = clearances or Clearances()
        self._clearance = (
            self._clearances.highest(self._clearances.names) if clearance is None else clearance
        )
        self._news = asyncio.Event()

    async def read(self, offer: DocumentOffered) -> None:
        """Keep the document's facts, pending."""
        found = (
            offer.content
            if offer.content is not None
            else await fetch(self._objects, offer.object_name, within_s=FETCH_S)
        )
        if found is None:
            if any(
                report.source == offer.source
                for report in await self._store.reports(
                    ListDocuments(document_ids=(offer.document_id,), limit=1000)
                )
            ):
                return  # read before, and only the word of it was lost
            raise PermanentError(
                "document-gone", f"the bytes of {offer.source} are not in the object store"
            ) from None
        reading, facts = await asyncio.to_thread(self._read, found, offer)
        status, note = reading.status, reading.note
        if status == "read" and not facts:
            status, note = "skipped", "nothing long enough to be a fact"
        record = DocumentRecord(
            offer.document_id, offer.source, status, note, datetime.now(UTC), offer.offered_at
        )
        await self._store.add_document(record, facts)
        if offer.object_name:
            await self._objects.delete(offer.object_name)
        log.info("document %s: %s, %d facts", status, offer.source, len(facts))
        self._news.set()

    async def remove(self, removal: DocumentRemoved) -> None:
        """Its facts can't be drawn any more, unless another document holds them too."""
        changed = await self._store.remove_document(removal.source, removal.removed_at)
        log.info("document removed: %s, %d facts are hidden", removal.source, len(changed.out))

    def _read(self, data: bytes, offer: DocumentOffered) -> tuple[ReadResult, list[NewFact]]:
        """Whatever is wrong with a document, there is a report on it: people's files hold everything."""
        if not self._clearances.may_see(self._clearance, offer.clearance):
            return ReadResult("refused", self._why_not(offer.clearance)), []
        try:
            reading = read_document(data, offer.source)
            facts = facts_of(
                reading.passages,
                document_id=offer.document_id,
                source=offer.source,
                chars_max=self._chunk_chars,
                kind=offer.kind,
                team=offer.team,
                clearance=offer.clearance,
            )
            return reading, list(facts)
        except (ValueError, LookupError, RecursionError) as error:
            log.warning("a document could not be read: %s", offer.source, exc_info=error)
            return ReadResult(
                "refused", f"could not be read: {type(error).__name__}: {error}"[:300]
            ), []

    def _why_not(self, clearance: str) -> str:
        if not self._clearances.knows(clearance):
            return f"the clearance {clearance!r} is not among DAYDREAM_CLEARANCES"
        return f"the embedding model {self._embedder.model} may not see what needs the clearance {clearance!r} (DAYDREAM_MEMORY_EMBEDDING_CLEARANCE)"

    async def embed_forever(
        self, pause: Callable[[float], Awaitable[None]], stopping: asyncio.Event
    ) -> None:
        """Embed what is pending, a few facts at a time, so that dreaming starts on the first ones. To find what is next costs the more, the more
        waits; so several batches are looked up at once."""
        while not stopping.is_set():
            self._news.clear()
            try:
                waiting = await self._store.pending(self._batch * AHEAD)
                for start in range(0, len(waiting), self._batch):
                    if stopping.is_set() or self._news.is_set():
                        break  # the beginning of a new document comes first
                    batch = waiting[start : start + self._batch]
                    vectors = await self._embedder.embed([fact.text for fact in batch])
                    await self._store.make_drawable(
                        {fact.fact_id: vector for fact, vector in zip(batch, vectors, strict=True)}
                    )
            except TRANSIENT_ERRORS as trouble:  # no money, or the endpoint, the store or NATS are away: facts wait, and everything else goes on
                log.warning("embedding waits: %s", trouble)
                await pause(retry_delay_s(trouble))
                continue
            if not waiting:
                await pause(IDLE_S)

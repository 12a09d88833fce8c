"""Puts the memory service together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from daydream_memory.embedding import Embedder, MiniLM
from daydream_memory.erasing import Erasing
from daydream_memory.handlers import endpoints, handlers
from daydream_memory.ingest import EMBED_BATCH, Ingest
from daydream_memory.remembering import Remembering
from daydream_memory.settings import Settings
from daydream_memory.sqlite import SqliteStore
from daydream_memory.store import Store
from daydream_shared.messages import Payer
from daydream_shared.requests import Closed, CloseEnvelope
from daydream_shared.runtime import Parts, Runtime
from daydream_shared.subjects import BUDGET_CLOSE, DOCUMENT_OBJECTS, MEMORY

TEND_S = 1.0


@asynccontextmanager
async def build(runtime: Runtime, settings: Settings) -> AsyncIterator[Parts]:
    """The memory service over its store, and the embedded model or one that an endpoint has."""
    async with _embedder(runtime, settings) as embedder, _parts(runtime, settings, embedder) as parts:
        yield parts


@asynccontextmanager
async def _embedder(runtime: Runtime, settings: Settings) -> AsyncIterator[Embedder]:
    if not settings.embedding.name:
        yield MiniLM(settings.embed_threads)
        return
    from daydream_memory.endpoint_embedding import open_embedder  # noqa: PLC0415 (the client of models takes as long to load as everything else)

    async with open_embedder(runtime, settings) as embedder:
        yield embedder


async def _store(runtime: Runtime, settings: Settings, embedding_model: str) -> Store:
    if not settings.weaviate.url:
        return SqliteStore(Path(settings.folder), embedding_model)
    from daydream_memory.weaviate import WeaviateStore  # noqa: PLC0415 (its client takes a second to load)

    return await WeaviateStore.open(settings.weaviate, await runtime.bucket(MEMORY), embedding_model)


@asynccontextmanager
async def _parts(runtime: Runtime, settings: Settings, embedder: Embedder) -> AsyncIterator[Parts]:
    store = await _store(runtime, settings, embedder.model)

    async def close_envelope(payer: Payer) -> Closed:
        return await runtime.ask(BUDGET_CLOSE, CloseEnvelope(envelope_id=payer.envelope_id, way=payer.way))

    ingest = Ingest(
        store,
        embedder,
        await runtime.js.object_store(DOCUMENT_OBJECTS),
        settings.chunk_chars,
        batch=settings.embedding.batch if settings.embedding.name else EMBED_BATCH,
    )
    remembering = Remembering(store, embedder, close_envelope, quarantine=settings.quarantine)

    async def embed() -> None:
        await ingest.embed_forever(runtime.pause, runtime.stopping)

    async def tend() -> None:
        while not runtime.stopping.is_set():
            if not await store.tend():
                await runtime.pause(TEND_S)

    try:
        yield Parts(
            handlers(ingest, remembering), endpoints(store, embedder, Erasing(store, runtime.js)), loops=(embed, tend), concurrency=settings.concurrency
        )
    finally:
        await store.close()

"""Puts the memory service together."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Payer
from daydream_contracts.rpc import ReleaseReservation, ReservationStatus
from daydream_contracts.topology import BACKUP_OBJECTS, BUDGET_RELEASE, DOCUMENT_OBJECTS, MEMORY
from daydream_memory.backups import BackupService, take_over
from daydream_memory.domains import Domains
from daydream_memory.embedding import Embedder, MiniLM
from daydream_memory.embedding_migration import ModelMigration, UnavailableEmbedder, follow
from daydream_memory.eraser import Eraser
from daydream_memory.handlers import endpoints, handlers
from daydream_memory.ingest import EMBED_BATCH, Ingester
from daydream_memory.restore_catch_up import catch_up
from daydream_memory.settings import EmbeddingSettings, MemorySettings
from daydream_memory.similarity_baseline import SimilarityBaseline
from daydream_memory.sqlite import SqliteStore
from daydream_memory.store import Store
from daydream_memory.verdict_writer import VerdictWriter
from daydream_runtime.background import TRANSIENT_ERRORS
from daydream_runtime.service import Runtime, ServiceDefinition

log = logging.getLogger(__name__)
TEND_S = 1.0


@asynccontextmanager
async def build(runtime: Runtime, settings: MemorySettings) -> AsyncIterator[ServiceDefinition]:
    """The memory service over its store, with the embedded model or one that an endpoint has."""
    async with AsyncExitStack() as stack:
        wanted = await stack.enter_async_context(_embedder(runtime, settings, settings.embedding))
        take_over(Path(settings.folder) / "memory.db")
        store = await _store(runtime, settings, wanted.model)
        stack.push_async_callback(store.close)
        await _check_clearances(store, settings)
        batch = settings.embedding.batch if settings.embedding.name else EMBED_BATCH
        changing = ModelMigration(store, wanted, batch=batch) if store.next_model else None
        if changing and await changing.finish():
            changing = None
        embedder = (
            wanted
            if changing is None
            else await stack.enter_async_context(_former(runtime, settings, store.embedding_model))
        )
        yield await _parts(runtime, settings, store, embedder, changing)


@asynccontextmanager
async def _embedder(
    runtime: Runtime, settings: MemorySettings, which: EmbeddingSettings
) -> AsyncIterator[Embedder]:
    if not which.name:
        yield MiniLM(settings.embed_threads)
        return
    from daydream_memory.endpoint_embedding import open_embedder  # noqa: PLC0415 (the client of models takes as long to load as everything else)

    async with open_embedder(runtime, which, settings.prices_file) as embedder:
        yield embedder


@asynccontextmanager
async def _former(
    runtime: Runtime, settings: MemorySettings, model: str
) -> AsyncIterator[Embedder]:
    """The model that the vectors are of, while those of another one are made."""
    if model != MiniLM.model and not settings.former.name:
        log.warning(
            "questions wait until all facts are embedded anew: DAYDREAM_MEMORY_PREVIOUS_NAME does not say where %s is",
            model,
        )
        yield UnavailableEmbedder(model)
        return
    async with _embedder(
        runtime, settings, EmbeddingSettings() if model == MiniLM.model else settings.former
    ) as embedder:
        if embedder.model != model:
            raise ConfigurationError(
                f"the vectors of this memory are of {model}, not of {embedder.model}",
                "Set DAYDREAM_MEMORY_PREVIOUS_NAME and _DIMENSIONS to it",
            )
        yield embedder


async def _store(runtime: Runtime, settings: MemorySettings, embedding_model: str) -> Store:
    if not settings.weaviate.url:
        return SqliteStore(Path(settings.folder), embedding_model)
    from daydream_memory.weaviate import WeaviateStore  # noqa: PLC0415 (its client takes a second to load)

    return await WeaviateStore.open(
        settings.weaviate, await runtime.bucket(MEMORY), embedding_model
    )


def _seen(settings: MemorySettings) -> tuple[Clearances, str | None]:
    """The order of clearances, and the highest that every embedding model in use may see: None for all, where it is this machine's own."""
    clearances = Clearances(settings.clearances)
    asked = [one.clearance for one in (settings.embedding, settings.former) if one.name]
    return clearances, clearances.lowest(asked) if asked else None


async def _check_clearances(store: Store, settings: MemorySettings) -> None:
    """Before any text is sent. ConfigurationError where the memory holds what an embedding endpoint may not see."""
    clearances, clearance = _seen(settings)
    if unseen := [
        name
        for name in (await store.counts()).clearances
        if clearance is not None and not clearances.may_see(clearance, name)
    ]:
        raise ConfigurationError(
            f"the memory has facts that need the clearance {unseen[0]}",
            "Set DAYDREAM_MEMORY_EMBEDDING_CLEARANCE to it",
        )


async def _parts(
    runtime: Runtime,
    settings: MemorySettings,
    store: Store,
    embedder: Embedder,
    changing: ModelMigration | None,
) -> ServiceDefinition:
    async def close_reservation(payer: Payer) -> ReservationStatus:
        return await runtime.ask(
            BUDGET_RELEASE,
            ReleaseReservation(reservation_id=payer.reservation_id, branch=payer.branch),
        )

    batch = settings.embedding.batch if settings.embedding.name else EMBED_BATCH
    clearances, clearance = _seen(settings)
    objects = await runtime.js.object_store(DOCUMENT_OBJECTS)
    ingest = Ingester(
        store,
        embedder,
        objects,
        settings.chunk_chars,
        batch=batch,
        clearances=clearances,
        clearance=clearance,
    )
    remembering = VerdictWriter(
        store, embedder, close_reservation, quarantine=settings.quarantine, clearances=clearances
    )

    async def embed() -> None:
        await ingest.embed_forever(runtime.pause, runtime.stopping)

    async def change() -> None:
        if changing:
            await changing.go_on(runtime.pause, runtime.stopping, runtime.restart)
        await follow(store, runtime.pause, runtime.stopping, runtime.restart)

    domains, measured = Domains(store), SimilarityBaseline(embedder, await runtime.bucket(MEMORY))

    async def tend() -> None:
        while not runtime.stopping.is_set():
            try:
                more = [await store.tend(), await domains.step()]
            except TRANSIENT_ERRORS as trouble:
                log.warning("the store waits: %s", trouble)
                more = []
            if not any(more):
                await runtime.pause(TEND_S)

    backups = None
    if isinstance(store, SqliteStore):
        await catch_up(store, remembering, runtime.js, Path(settings.folder), runtime.stopping)
        backups = BackupService(
            store.file, runtime.js, await runtime.js.object_store(BACKUP_OBJECTS), runtime.restart
        )
    answers = endpoints(store, embedder, measured, Eraser(store, runtime.js), backups)
    return ServiceDefinition(
        handlers(ingest, remembering),
        answers,
        loops=(
            embed,
            change,
            tend,
            partial(measured.find_out, runtime.pause, runtime.stopping.is_set),
        ),
        concurrency=settings.concurrency,
    )

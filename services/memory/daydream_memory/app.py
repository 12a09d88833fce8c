"""Builds the memory service: the only place that creates its real collaborators."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Payer
from daydream_contracts.rpc import ReleaseReservation, ReservationStatus
from daydream_contracts.topology import BACKUP_OBJECTS, BUDGET_RELEASE, DOCUMENT_OBJECTS, MEMORY
from daydream_memory.backups import BackupService
from daydream_memory.domains import Domains
from daydream_memory.embedding import Embedder, MiniLM
from daydream_memory.embedding_migration import (
    ModelMigration,
    UnavailableEmbedder,
    restart_when_outdated,
)
from daydream_memory.eraser import Eraser
from daydream_memory.handlers import MemoryEndpoints, MemoryHandlers
from daydream_memory.ingest import EMBED_BATCH, Ingester
from daydream_memory.queries import MemoryQueries
from daydream_memory.restore_catch_up import CatchUp
from daydream_memory.settings import EmbeddingSettings, MemorySettings
from daydream_memory.similarity_baseline import SimilarityBaseline
from daydream_memory.similarity_search import SimilaritySearch
from daydream_memory.store import Store
from daydream_memory.store.registry import StoreContext, open_store
from daydream_memory.verdict_writer import VerdictWriter
from daydream_runtime.background import TRANSIENT_ERRORS
from daydream_runtime.service import Runtime, ServiceDefinition

log = logging.getLogger(__name__)
TEND_IDLE_S = 1.0


@asynccontextmanager
async def build(runtime: Runtime, settings: MemorySettings) -> AsyncIterator[ServiceDefinition]:
    """Build the service over its store, with the bundled embedding model or an endpoint's."""
    async with AsyncExitStack() as stack:
        wanted = await stack.enter_async_context(_embedder(runtime, settings, settings.embedding))
        context = StoreContext(settings, wanted.model, await runtime.bucket(MEMORY))
        store = await open_store(context)
        stack.push_async_callback(store.close)
        await _check_clearances(store, settings)
        migration = await _migration(store, wanted, settings)
        embedder = wanted
        if migration:
            embedder = await stack.enter_async_context(
                _previous_embedder(runtime, settings, store.migration.embedding_model)
            )
        yield await _define(runtime, settings, store, embedder, migration)


@asynccontextmanager
async def _embedder(
    runtime: Runtime, settings: MemorySettings, embedding: EmbeddingSettings
) -> AsyncIterator[Embedder]:
    if not embedding.name:
        yield MiniLM(settings.embed_threads)
        return
    # the client of models takes as long to load as everything else
    from daydream_memory.endpoint_embedding import open_embedder

    async with open_embedder(runtime, embedding, settings.prices_file) as embedder:
        yield embedder


@asynccontextmanager
async def _previous_embedder(
    runtime: Runtime, settings: MemorySettings, model: str
) -> AsyncIterator[Embedder]:
    """Open the model of the stored vectors, while those of another one are made."""
    if model != MiniLM.model and not settings.previous.name:
        log.warning(
            "requests wait until all facts are embedded again: "
            "DAYDREAM_MEMORY_PREVIOUS_NAME does not name the endpoint of %s",
            model,
        )
        yield UnavailableEmbedder(model)
        return
    embedding = EmbeddingSettings() if model == MiniLM.model else settings.previous
    async with _embedder(runtime, settings, embedding) as embedder:
        if embedder.model != model:
            raise ConfigurationError(
                f"The vectors of this memory are those of {model}, not of {embedder.model}",
                "Set DAYDREAM_MEMORY_PREVIOUS_NAME and _DIMENSIONS to that model",
            )
        yield embedder


async def _migration(
    store: Store, wanted: Embedder, settings: MemorySettings
) -> ModelMigration | None:
    """Return what is left of a change of the embedding model, None if nothing is."""
    if not store.migration.next_model:
        return None
    migration = ModelMigration(store.migration, wanted, _batch(settings))
    return None if await migration.finish() else migration


def _batch(settings: MemorySettings) -> int:
    return settings.embedding.batch if settings.embedding.name else EMBED_BATCH


def _embedding_clearance(settings: MemorySettings) -> str | None:
    """Return the highest clearance that every embedding endpoint in use may see.

    None: all of them, because the model runs on this machine.
    """
    endpoints = [
        embedding for embedding in (settings.embedding, settings.previous) if embedding.name
    ]
    if not endpoints:
        return None
    clearances = Clearances(settings.clearances)
    return clearances.lowest([endpoint.clearance for endpoint in endpoints])


async def _check_clearances(store: Store, settings: MemorySettings) -> None:
    """Check before any text is sent that the embedding endpoints may see what the store holds."""
    highest = _embedding_clearance(settings)
    if highest is None:
        return
    clearances = Clearances(settings.clearances)
    for needed in (await store.maintenance.counts()).clearances:
        if not clearances.may_see(highest, needed):
            raise ConfigurationError(
                f"The memory has facts that need the clearance {needed}",
                "Set DAYDREAM_MEMORY_EMBEDDING_CLEARANCE to it",
            )


async def _define(
    runtime: Runtime,
    settings: MemorySettings,
    store: Store,
    embedder: Embedder,
    migration: ModelMigration | None,
) -> ServiceDefinition:
    clearances = Clearances(settings.clearances)
    ingester = Ingester(
        store,
        embedder,
        await runtime.js.object_store(DOCUMENT_OBJECTS),
        settings.chunk_chars,
        batch=_batch(settings),
        clearances=clearances,
        clearance=_embedding_clearance(settings),
    )
    writer = VerdictWriter(
        store,
        embedder,
        ReservationReleaser(runtime).release,
        quarantine=settings.quarantine,
        clearances=clearances,
    )
    baseline = SimilarityBaseline(embedder, await runtime.bucket(MEMORY))
    endpoints = MemoryEndpoints(
        MemoryQueries(store, embedder.model),
        SimilaritySearch(store, embedder, baseline),
        Eraser(store, runtime.js),
        await _backups(runtime, store, writer),
    )
    background = BackgroundWork(runtime, store, ingester, migration, baseline, Domains(store))
    return ServiceDefinition(
        MemoryHandlers(ingester, writer).by_message(),
        endpoints.by_endpoint(),
        loops=(background.embed, background.migrate, background.tend, background.measure),
        concurrency=settings.concurrency,
    )


async def _backups(runtime: Runtime, store: Store, writer: VerdictWriter) -> BackupService | None:
    """Complete a restore if there was one, and return the backups, None if the store has none."""
    if store.backup is None:
        return None
    await CatchUp(store.backup, writer, runtime.js, runtime.stopping).run()
    objects = await runtime.js.object_store(BACKUP_OBJECTS)
    return BackupService(store.backup, runtime.js, objects, runtime.restart)


@dataclass(frozen=True)
class ReservationReleaser:
    """Release the reservations of daydreams that have ended."""

    runtime: Runtime

    async def release(self, payer: Payer) -> ReservationStatus:
        """Release a branch of a reservation."""
        request = ReleaseReservation(reservation_id=payer.reservation_id, branch=payer.branch)
        return await self.runtime.ask(BUDGET_RELEASE, request)


@dataclass(frozen=True)
class BackgroundWork:
    """The loops of the service."""

    runtime: Runtime
    store: Store
    ingester: Ingester
    migration: ModelMigration | None
    baseline: SimilarityBaseline
    domains: Domains

    async def embed(self) -> None:
        """Embed pending facts."""
        await self.ingester.embed_forever(self.runtime.pause, self.runtime.stopping)

    async def migrate(self) -> None:
        """Change the embedding model, if another one is set. Follow other replicas' changes."""
        runtime = self.runtime
        if self.migration:
            await self.migration.run(runtime.pause, runtime.stopping, runtime.restart)
        await restart_when_outdated(
            self.store.migration, runtime.pause, runtime.stopping, runtime.restart
        )

    async def tend(self) -> None:
        """Build the search index, and find domains."""
        while not self.runtime.stopping.is_set():
            try:
                worked = [await self.store.maintenance.tend(), await self.domains.step()]
            except TRANSIENT_ERRORS as error:
                log.warning("the store waits: %s", error)
                worked = []
            if not any(worked):
                await self.runtime.pause(TEND_IDLE_S)

    async def measure(self) -> None:
        """Measure the embedding model."""
        await self.baseline.measure_until_known(self.runtime.pause, self.runtime.stopping.is_set)

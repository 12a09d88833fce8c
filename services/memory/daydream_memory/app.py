"""Build the memory service: the only place that opens its real collaborators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from daydream_contracts.access import Clearances
from daydream_contracts.buckets import BACKUP_OBJECTS, DOCUMENT_OBJECTS, MEMORY
from daydream_contracts.events import (
    DocumentOffered,
    DocumentRemoved,
    OutcomeRecorded,
    Payer,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
)
from daydream_contracts.rpc import ReleaseReservation
from daydream_contracts.topology import (
    BUDGET_RELEASE,
    MEMORY_BACK_UP,
    MEMORY_DOCUMENTS,
    MEMORY_ERASE,
    MEMORY_JUDGED_PAIRS,
    MEMORY_MAP,
    MEMORY_NEAREST,
    MEMORY_NEIGHBOURHOODS,
    MEMORY_PAIRS,
    MEMORY_PREVIEW,
    MEMORY_RANKING,
    MEMORY_READ_AGAIN,
    MEMORY_READ_PROTECTED,
    MEMORY_RESOLVE,
    MEMORY_RESTORE,
    MEMORY_SEARCH,
    MEMORY_STATE,
    MEMORY_VERDICTS,
)
from daydream_memory import handlers
from daydream_memory.background_work import BackgroundWork
from daydream_memory.backups import BackupProvider, BackupService, NoBackups
from daydream_memory.dead_letter_reader import DeadLetterReader
from daydream_memory.document_reading import ReadingOptions
from daydream_memory.domains import Domains
from daydream_memory.embedder import Embedder
from daydream_memory.embedder_factory import (
    batch_size,
    check_clearances,
    highest_clearance,
    open_embedder,
    open_previous_embedder,
)
from daydream_memory.eraser import Eraser
from daydream_memory.ingest import Ingester
from daydream_memory.memory_map import MapMaker
from daydream_memory.metrics import DocumentMetrics, observe_disk
from daydream_memory.model_migration import ModelMigration
from daydream_memory.queries import MemoryQueries
from daydream_memory.restore_catch_up import CatchUp
from daydream_memory.sandbox import ReadingPool, reading_pool
from daydream_memory.settings import MemorySettings
from daydream_memory.similarity_baseline import SimilarityBaseline
from daydream_memory.similarity_search import SimilaritySearch
from daydream_memory.store import Store
from daydream_memory.store.registry import StoreContext, open_store
from daydream_memory.verdict_writer import VerdictWriter
from daydream_models.release import release_reservation
from daydream_runtime.application import Collaborators, ServiceApp
from daydream_runtime.registration import ConsumerHandlers, EndpointHandlers
from daydream_runtime.rpc import RpcClient
from daydream_runtime.runtime_context import Runtime

CONSUMERS: ConsumerHandlers = {
    DocumentOffered: handlers.document_offered,
    DocumentRemoved: handlers.document_removed,
    VerdictReached: handlers.verdict_reached,
    ReviewRecorded: handlers.review_recorded,
    OutcomeRecorded: handlers.outcome_recorded,
    VisibilityChanged: handlers.visibility_changed,
}
ENDPOINTS: EndpointHandlers = {
    MEMORY_STATE: handlers.memory_state,
    MEMORY_PAIRS: handlers.find_pairs,
    MEMORY_NEIGHBOURHOODS: handlers.find_neighbours,
    MEMORY_NEAREST: handlers.find_nearest,
    MEMORY_SEARCH: handlers.search_facts,
    MEMORY_RANKING: handlers.rank_verdicts,
    MEMORY_MAP: handlers.map_memory,
    MEMORY_VERDICTS: handlers.list_verdicts,
    MEMORY_DOCUMENTS: handlers.list_documents,
    MEMORY_PREVIEW: handlers.preview_document,
    MEMORY_READ_PROTECTED: handlers.read_protected,
    MEMORY_RESOLVE: handlers.resolve_facts,
    MEMORY_JUDGED_PAIRS: handlers.list_judged_pairs,
    MEMORY_ERASE: handlers.erase,
    MEMORY_READ_AGAIN: handlers.read_again,
    MEMORY_BACK_UP: handlers.back_up,
    MEMORY_RESTORE: handlers.restore,
}


def create() -> ServiceApp:
    """Create the application from the environment."""
    return build(MemorySettings.read())


def build(settings: MemorySettings) -> ServiceApp:
    """Create the application. It connects to nothing before it is started."""
    return ServiceApp(
        settings,
        partial(open_collaborators, settings),
        consumers=CONSUMERS,
        endpoints=ENDPOINTS,
        concurrency=settings.concurrency,
    )


@asynccontextmanager
async def open_collaborators(
    settings: MemorySettings, runtime: Runtime
) -> AsyncIterator[Collaborators]:
    """Open the store and the embedding model, and complete a restore or a model migration."""
    async with AsyncExitStack() as stack:
        wanted = await stack.enter_async_context(
            open_embedder(runtime, settings, settings.embedding)
        )
        bucket = await runtime.bucket(MEMORY)
        store = await open_store(StoreContext(settings, wanted.model, bucket))
        stack.push_async_callback(store.close)
        await check_clearances(store, settings)
        migration = await _migration(store, wanted, settings)
        embedder = wanted
        if migration:
            embedder = await stack.enter_async_context(
                open_previous_embedder(runtime, settings, store.migration.embedding_model)
            )
        pool = await stack.enter_async_context(
            reading_pool(
                settings.sandbox.limits(),
                settings.sandbox.workers,
                strict=settings.sandbox.strict,
            )
        )
        yield await _assemble(settings, runtime, store, embedder, migration, pool)


async def _migration(
    store: Store, wanted: Embedder, settings: MemorySettings
) -> ModelMigration | None:
    """Return what is left of a change of the embedding model, None if nothing is."""
    if not store.migration.next_model:
        return None
    migration = ModelMigration(store.migration, wanted, batch_size(settings))
    return None if await migration.finish() else migration


async def _assemble(
    settings: MemorySettings,
    runtime: Runtime,
    store: Store,
    embedder: Embedder,
    migration: ModelMigration | None,
    pool: ReadingPool,
) -> Collaborators:
    clearances = Clearances(settings.clearances)
    observe_disk(runtime.telemetry, Path(settings.folder))
    ingester = Ingester(
        store,
        embedder,
        await runtime.js.object_store(DOCUMENT_OBJECTS),
        pool,
        DocumentMetrics(runtime.telemetry),
        ReadingOptions(settings.chunk_chars, settings.passwords()),
        batch=batch_size(settings),
        clearances=clearances,
        clearance=highest_clearance(settings),
        embedding_name=settings.embedding.name,
        slots=asyncio.Semaphore(settings.sandbox.workers),
    )
    writer = VerdictWriter(
        store,
        embedder,
        partial(release_branch, runtime.rpc),
        quarantine=settings.quarantine,
        clearances=clearances,
    )
    baseline = SimilarityBaseline(embedder, await runtime.bucket(MEMORY))
    work = BackgroundWork(runtime, store, ingester, migration, baseline, Domains(store))
    return Collaborators(
        {
            "ingester": ingester,
            "writer": writer,
            "memory_queries": MemoryQueries(store, embedder.model),
            "similarity_search": SimilaritySearch(store, embedder, baseline),
            "memory_map": MapMaker(store, embedder.model),
            "eraser": Eraser(store, runtime.js),
            "dead_letter_reader": DeadLetterReader(runtime.js, writer, runtime.publish),
            "backups": await _backups(runtime, store, writer),
        },
        work.loops(),
        on_dead_letter=partial(release_reservation, runtime.rpc),
    )


async def _backups(runtime: Runtime, store: Store, writer: VerdictWriter) -> BackupProvider:
    """Complete a restore if there was one, and return the backups of the store."""
    if store.backup is None:
        return NoBackups()
    await CatchUp(store.backup, writer, runtime.js, runtime.stopping).run()
    objects = await runtime.js.object_store(BACKUP_OBJECTS)
    return BackupService(store.backup, runtime.js, objects, runtime.restart)


async def release_branch(rpc: RpcClient, payer: Payer) -> None:
    """Release the branch of a reservation whose daydream has ended.

    Raise RetryLaterError when the budget service does not answer, so that the verdict is delivered
    again.
    """
    request = ReleaseReservation(reservation_id=payer.reservation_id, branch=payer.branch)
    await rpc.request(BUDGET_RELEASE, request)

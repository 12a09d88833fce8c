"""Open the embedding models that the settings name."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_memory.embedder import Embedder
from daydream_memory.ingest import EMBED_BATCH
from daydream_memory.minilm_embedder import MiniLM
from daydream_memory.model_migration import UnavailableEmbedder
from daydream_memory.settings import EmbeddingSettings, MemorySettings
from daydream_memory.store import Store
from daydream_runtime.runtime_context import Runtime

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_embedder(
    runtime: Runtime, settings: MemorySettings, embedding: EmbeddingSettings
) -> AsyncIterator[Embedder]:
    """Open the bundled model, or that of an endpoint."""
    if not embedding.name:
        yield MiniLM(settings.embed_threads)
        return
    # the client of models takes as long to load as everything else
    from daydream_memory.endpoint_embedder import open_endpoint_embedder  # noqa: PLC0415

    async with open_endpoint_embedder(runtime, embedding, settings.gateway) as embedder:
        yield embedder


@asynccontextmanager
async def open_previous_embedder(
    runtime: Runtime, settings: MemorySettings, model: str
) -> AsyncIterator[Embedder]:
    """Open the model of the stored vectors, while those of another one are made.

    Raise ConfigurationError when the settings name another model than this.
    """
    if model != MiniLM.model and not settings.previous.name:
        log.warning(
            "requests wait until all facts are embedded again: "
            "DAYDREAM_MEMORY_PREVIOUS_NAME does not name the endpoint of %s",
            model,
        )
        yield UnavailableEmbedder(model)
        return
    embedding = EmbeddingSettings() if model == MiniLM.model else settings.previous
    async with open_embedder(runtime, settings, embedding) as embedder:
        if embedder.model != model:
            raise ConfigurationError(
                f"The vectors of this memory are those of {model}, not of {embedder.model}",
                "Set DAYDREAM_MEMORY_PREVIOUS_NAME and _DIMENSIONS to that model",
            )
        yield embedder


def batch_size(settings: MemorySettings) -> int:
    """Return how many texts are embedded at once."""
    return settings.embedding.batch if settings.embedding.name else EMBED_BATCH


def highest_clearance(settings: MemorySettings) -> str | None:
    """Return the highest clearance that every embedding endpoint in use may see.

    None: all of them, because the model runs on this machine.
    """
    models = (settings.embedding, settings.previous)
    endpoints = [embedding for embedding in models if embedding.name]
    if not endpoints:
        return None
    clearances = Clearances(settings.clearances)
    return clearances.lowest([endpoint.clearance for endpoint in endpoints])


async def check_clearances(store: Store, settings: MemorySettings) -> None:
    """Check before any text is sent that the embedding endpoints may see what the store holds.

    Raise ConfigurationError if they may not.
    """
    highest = highest_clearance(settings)
    if highest is None:
        return
    clearances = Clearances(settings.clearances)
    for needed in (await store.maintenance.counts()).clearances:
        if not clearances.may_see(highest, needed):
            raise ConfigurationError(
                f"The memory has facts that need the clearance {needed}",
                "Set DAYDREAM_MEMORY_EMBEDDING_CLEARANCE to it",
            )

"""The store in Weaviate, put together from its parts."""

from __future__ import annotations

from nats.js.kv import KeyValue
from weaviate import WeaviateAsyncClient

from daydream_memory.settings import WeaviateSettings
from daydream_memory.store import Store
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.connection import connect
from daydream_memory.weaviate.documents import WeaviateDocuments
from daydream_memory.weaviate.erasure import WeaviateErasure
from daydream_memory.weaviate.exclusive_writes import ExclusiveWrites
from daydream_memory.weaviate.facts import WeaviateFacts
from daydream_memory.weaviate.lineage import WeaviateLineage
from daydream_memory.weaviate.maintenance import WeaviateMaintenance
from daydream_memory.weaviate.model_migration import WeaviateModelMigration
from daydream_memory.weaviate.schema import prepare
from daydream_memory.weaviate.verdicts import WeaviateVerdicts
from daydream_memory.weaviate.visibility import WeaviateVisibility
from daydream_memory.weaviate.visibility_rules import WeaviateVisibilityRules
from daydream_memory.weaviate.write_lock import WriteLock


async def open_weaviate_store(
    settings: WeaviateSettings, bucket: KeyValue, embedding_model: str
) -> Store:
    """Connect, and create or check the collections. Any number of processes at a time.

    `bucket` holds the write lock. Raise ConfigurationError for what does not fit.
    """
    client = await connect(settings)
    try:
        await prepare(client, settings)
        return await _assemble(client, settings, bucket, embedding_model)
    except BaseException:
        await client.close()
        raise


async def _assemble(
    client: WeaviateAsyncClient,
    settings: WeaviateSettings,
    bucket: KeyValue,
    embedding_model: str,
) -> Store:
    lock = WriteLock(bucket, f"write-lock.{settings.prefix}.{settings.tenant or 'all'}")
    collections = WeaviateCollections(client, settings)
    writes = ExclusiveWrites(collections, lock)
    lineage = WeaviateLineage(collections)
    rules = WeaviateVisibilityRules(collections, lineage)
    migration = WeaviateModelMigration(collections, writes)
    await migration.begin(embedding_model)
    return Store(
        facts=WeaviateFacts(collections, writes, lineage),
        verdicts=WeaviateVerdicts(collections, writes, rules),
        documents=WeaviateDocuments(collections, writes, rules),
        visibility=WeaviateVisibility(collections, writes, lineage, rules),
        erasure=WeaviateErasure(collections, writes, lineage, rules),
        migration=migration,
        maintenance=WeaviateMaintenance(collections, writes, migration),
    )

"""The collections. The replica that starts first creates them and adds what they lack.

A newer schema adds properties here. Readers use the default for what an older object lacks.
Vectors are named after the embedding model, so that those of two models fit side by side.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from weaviate import WeaviateAsyncClient
from weaviate.classes.config import (
    Configure,
    DataType,
    Property,
    ReplicationDeletionStrategy,
    Tokenization,
    VectorDistances,
)
from weaviate.classes.tenants import Tenant
from weaviate.exceptions import UnexpectedStatusCodeError

from daydream_contracts.errors import ConfigurationError
from daydream_memory.settings import WeaviateSettings
from daydream_memory.weaviate.connection import ERROR_CHARS_MAX, send


def key_text(name: str) -> Property:
    """Return a text property that filters compare as a whole."""
    return Property(
        name=name,
        data_type=DataType.TEXT,
        tokenization=Tokenization.FIELD,
        index_filterable=True,
        index_searchable=False,
    )


def key_texts(name: str) -> Property:
    """Return a property with several such texts."""
    return Property(
        name=name,
        data_type=DataType.TEXT_ARRAY,
        tokenization=Tokenization.FIELD,
        index_filterable=True,
        index_searchable=False,
    )


def full_text(name: str) -> Property:
    """Return a text property that people may search by words."""
    return Property(
        name=name, data_type=DataType.TEXT, index_filterable=False, index_searchable=True
    )


def stored_text(name: str) -> Property:
    """Return a text property without an index."""
    return Property(
        name=name, data_type=DataType.TEXT, index_filterable=False, index_searchable=False
    )


def number(name: str) -> Property:
    """Return an integer property that filters compare and sort."""
    return Property(
        name=name, data_type=DataType.INT, index_filterable=True, index_range_filters=True
    )


def flag(name: str) -> Property:
    """Return a boolean property."""
    return Property(name=name, data_type=DataType.BOOL, index_filterable=True)


@dataclass(frozen=True)
class Schema:
    """A collection: the properties of its objects, and whether they have vectors."""

    name: str
    properties: tuple[Property, ...]
    vectors: bool = False


FACT = Schema(
    "Fact",
    (
        key_text("fact_id"),
        full_text("text"),
        full_text("title"),
        key_text("source"),
        key_text("domain"),
        key_text("kind"),
        number("depth"),
        number("position"),
        key_text("document_id"),
        key_texts("parents"),
        key_texts("tags"),
        key_text("licence"),
        key_text("date"),
        number("ordinal"),
        number("added_at"),
        flag("pending"),
        flag("shown"),
        flag("hidden"),
        key_texts("roots"),
        key_text("decided_at"),
        key_text("merge_decided_at"),
        key_text("team"),
        key_text("clearance"),
        flag("labelled"),
        flag("domain_found"),
    ),
    vectors=True,
)
DOCUMENT = Schema(
    "Document",
    (
        key_text("document_id"),
        key_text("source"),
        key_text("status"),
        stored_text("note"),
        key_text("read_at"),
        key_text("offered_at"),
        flag("current"),
        key_text("kind"),
        stored_text("left_out"),
    ),
)
MENTION = Schema("Mention", (key_text("fact_id"), key_text("source")))
REMOVAL = Schema("Removal", (key_text("source"), key_text("at")))
VERDICT = Schema(
    "Verdict",
    (
        key_text("verdict_id"),
        key_text("hypothesis_id"),
        key_text("pair_id"),
        key_text("decision"),
        flag("final"),
        flag("judged"),
        flag("pending_review"),
        full_text("text"),
        stored_text("body"),
        key_texts("about"),
        number("added_at"),
    ),
    vectors=True,
)
REVIEW = Schema(
    "Review",
    (
        key_text("review_id"),
        key_text("verdict_id"),
        flag("accepted"),
        stored_text("body"),
        number("added_at"),
    ),
)
OUTCOME = Schema(
    "Outcome",
    (
        key_text("outcome_id"),
        key_text("verdict_id"),
        stored_text("body"),
        number("added_at"),
    ),
)
META = Schema("Meta", (key_text("key"), stored_text("value")))
NO_MODEL = "none"  # the server wants a name before the first model is known
SCHEMAS = (FACT, DOCUMENT, MENTION, REMOVAL, VERDICT, REVIEW, OUTCOME, META)


def vector_name(model: str) -> str:
    """Return the name of the vectors of an embedding model."""
    return f"model_{hashlib.sha256(model.encode()).hexdigest()[:12]}"


async def prepare(client: WeaviateAsyncClient, settings: WeaviateSettings) -> None:
    """Create missing collections, and add what the others lack.

    Raise ConfigurationError when they do not fit the settings.
    """
    await asyncio.gather(*(_prepare(client, settings, schema) for schema in SCHEMAS))


async def add_vector_space(
    client: WeaviateAsyncClient, settings: WeaviateSettings, name: str
) -> None:
    """Make room for vectors of this name where there is none yet."""
    for schema in SCHEMAS:
        if not schema.vectors:
            continue
        collection = client.collections.use(settings.prefix + schema.name)
        config = await send(collection.config.get())
        if name not in (config.vector_config or {}):
            await send(collection.config.add_vector(vector_config=_vectors(name)))


async def _prepare(client: WeaviateAsyncClient, settings: WeaviateSettings, schema: Schema) -> None:
    name = settings.prefix + schema.name
    if not await send(client.collections.exists(name)):
        await _create(client, settings, schema)
    collection = client.collections.use(name)
    config = await send(collection.config.get())
    _check_tenancy(name, settings, shared=config.multi_tenancy_config.enabled)
    present = {existing.name for existing in config.properties}
    for added in schema.properties:
        if added.name not in present:
            await send(collection.config.add_property(added))
    if settings.tenant:
        await send(collection.tenants.create([Tenant(name=settings.tenant)]))


async def _create(client: WeaviateAsyncClient, settings: WeaviateSettings, schema: Schema) -> None:
    name = settings.prefix + schema.name
    try:
        await client.collections.create(
            name,
            description="created by daydream",
            properties=list(schema.properties),
            vector_config=[_vectors(NO_MODEL)] if schema.vectors else None,
            replication_config=Configure.replication(
                factor=settings.replicas,
                deletion_strategy=ReplicationDeletionStrategy.TIME_BASED_RESOLUTION,
            ),
            multi_tenancy_config=Configure.multi_tenancy(enabled=bool(settings.tenant)),
        )
    except UnexpectedStatusCodeError as error:
        if not await send(client.collections.exists(name)):  # else another replica was faster
            raise ConfigurationError(
                f"Weaviate cannot create the collection {name}: {error.message[:ERROR_CHARS_MAX]}",
                "See its log",
            ) from None


def _check_tenancy(name: str, settings: WeaviateSettings, *, shared: bool) -> None:
    if shared == bool(settings.tenant):
        return
    state = "is shared by tenants" if shared else "has no tenants"
    raise ConfigurationError(
        f"The collection {name} {state}",
        "Set DAYDREAM_MEMORY_WEAVIATE_TENANT accordingly, or another "
        "DAYDREAM_MEMORY_WEAVIATE_PREFIX",
    )


def _vectors(name: str) -> Any:
    """Return the configuration of vectors that we provide.

    They have length 1, so the dot product is the cosine, and they are returned unchanged.
    """
    return Configure.Vectors.self_provided(
        name=name,
        vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.DOT),
    )

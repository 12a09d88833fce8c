"""The collections, made and brought up to date by whichever replica starts first.

A step to a newer schema is a property that is added here; readers take what an older object lacks as its default. Vectors have a name made
from the embedding model, so that those of two models can stand side by side.
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
from daydream_memory.weaviate.connection import ask


def word(name: str) -> Property:
    """A text that is compared whole."""
    return Property(
        name=name,
        data_type=DataType.TEXT,
        tokenization=Tokenization.FIELD,
        index_filterable=True,
        index_searchable=False,
    )


def words(name: str) -> Property:
    """A set of such texts."""
    return Property(
        name=name,
        data_type=DataType.TEXT_ARRAY,
        tokenization=Tokenization.FIELD,
        index_filterable=True,
        index_searchable=False,
    )


def prose(name: str) -> Property:
    """A text that people may search by its words."""
    return Property(
        name=name, data_type=DataType.TEXT, index_filterable=False, index_searchable=True
    )


def kept(name: str) -> Property:
    """A text that is only kept."""
    return Property(
        name=name, data_type=DataType.TEXT, index_filterable=False, index_searchable=False
    )


def number(name: str) -> Property:
    """A whole number, in order."""
    return Property(
        name=name, data_type=DataType.INT, index_filterable=True, index_range_filters=True
    )


def flag(name: str) -> Property:
    """Yes or no."""
    return Property(name=name, data_type=DataType.BOOL, index_filterable=True)


@dataclass(frozen=True)
class Schema:
    """A collection: what its objects hold, and whether they have vectors."""

    name: str
    properties: tuple[Property, ...]
    vectors: bool = False


FACT = Schema(
    "Fact",
    (
        word("fact_id"),
        prose("text"),
        prose("title"),
        word("source"),
        word("domain"),
        word("kind"),
        number("depth"),
        number("place"),
        word("document_id"),
        words("parents"),
        words("tags"),
        word("licence"),
        word("written"),
        number("ordinal"),
        number("added_at"),
        flag("pending"),
        flag("shown"),
        flag("hidden"),
        words("roots"),
        word("stood_at"),
        word("team"),
        word("clearance"),
        flag("labelled"),
        flag("domain_found"),
    ),
    vectors=True,
)
DOCUMENT = Schema(
    "Document",
    (
        word("document_id"),
        word("source"),
        word("status"),
        kept("note"),
        word("read_at"),
        word("offered_at"),
        flag("current"),
    ),
)
MENTION = Schema("Mention", (word("fact_id"), word("source")))
REMOVAL = Schema("Removal", (word("source"), word("at")))
VERDICT = Schema(
    "Verdict",
    (
        word("verdict_id"),
        word("hypothesis_id"),
        word("pair_id"),
        word("decision"),
        flag("final"),
        flag("judged"),
        flag("waiting"),
        prose("text"),
        kept("body"),
        words("about"),
        number("added_at"),
    ),
    vectors=True,
)
REVIEW = Schema(
    "Review",
    (word("review_id"), word("verdict_id"), flag("accepted"), kept("body"), number("added_at")),
)
META = Schema("Meta", (word("key"), kept("value")))
NO_MODEL = "none"  # the server wants a name before the first model is known
SCHEMAS = (FACT, DOCUMENT, MENTION, REMOVAL, VERDICT, REVIEW, META)


def vector_name(model: str) -> str:
    """The name of the vectors of an embedding model."""
    return f"model_{hashlib.sha256(model.encode()).hexdigest()[:12]}"


async def prepare(client: WeaviateAsyncClient, settings: WeaviateSettings) -> None:
    """Make the collections that are missing, and what they lack. ConfigurationError where they don't fit the settings."""
    await asyncio.gather(*(_prepared(client, settings, schema) for schema in SCHEMAS))


async def add_vectors(client: WeaviateAsyncClient, settings: WeaviateSettings, name: str) -> None:
    """Make room for vectors of this name where there is none yet."""
    for schema in SCHEMAS:
        if schema.vectors:
            collection = client.collections.use(settings.prefix + schema.name)
            if name not in ((await ask(collection.config.get())).vector_config or {}):
                await ask(collection.config.add_vector(vector_config=_vectors(name)))


async def _prepared(
    client: WeaviateAsyncClient, settings: WeaviateSettings, schema: Schema
) -> None:
    name = settings.prefix + schema.name
    if not await ask(client.collections.exists(name)):
        try:
            await client.collections.create(
                name,
                description="made by daydream",
                properties=list(schema.properties),
                vector_config=[_vectors(NO_MODEL)] if schema.vectors else None,
                replication_config=Configure.replication(
                    factor=settings.replicas,
                    deletion_strategy=ReplicationDeletionStrategy.TIME_BASED_RESOLUTION,
                ),
                multi_tenancy_config=Configure.multi_tenancy(enabled=bool(settings.tenant)),
            )
        except UnexpectedStatusCodeError as error:
            if not await ask(client.collections.exists(name)):  # else another replica was faster
                raise ConfigurationError(
                    f"Weaviate can't make the collection {name}: {error.message[:300]}",
                    "See its log",
                ) from None
    collection = client.collections.use(name)
    found = await ask(collection.config.get())
    if found.multi_tenancy_config.enabled != bool(settings.tenant):
        state = "is shared by tenants" if found.multi_tenancy_config.enabled else "knows no tenants"
        raise ConfigurationError(
            f"the collection {name} {state}",
            "Set DAYDREAM_MEMORY_WEAVIATE_TENANT accordingly, or another DAYDREAM_MEMORY_WEAVIATE_PREFIX",
        )
    there = {one.name for one in found.properties}
    for one in schema.properties:
        if one.name not in there:
            await ask(collection.config.add_property(one))
    if settings.tenant:
        await ask(collection.tenants.create([Tenant(name=settings.tenant)]))


def _vectors(name: str) -> Any:
    """Ours; of length 1, so that the dot product is the cosine and they come back as they went in."""
    return Configure.Vectors.self_provided(
        name=name,
        vector_index_config=Configure.VectorIndex.hnsw(distance_metric=VectorDistances.DOT),
    )

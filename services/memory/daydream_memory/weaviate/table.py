"""One collection as a table of rows with our own keys.

This is the only module that uses Weaviate's calls for data.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import numpy as np
from weaviate import WeaviateAsyncClient
from weaviate.classes.aggregate import GroupByAggregate
from weaviate.classes.config import ConsistencyLevel
from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter, MetadataQuery, Sort

from daydream_contracts.errors import TransientError
from daydream_memory.settings import WeaviateSettings
from daydream_memory.store import Vector
from daydream_memory.weaviate.connection import ERROR_CHARS_MAX, send
from daydream_memory.weaviate.schema import Schema

R = TypeVar("R")
BATCH = 500
CHANGES_AT_ONCE = 16
PAGE = 5000  # objects in one answer; the server's own limit is 10,000
GROUPS_MAX = 10_000


@dataclass(frozen=True)
class Row:
    """An object: its properties, and its vector if it was asked for and exists."""

    properties: Mapping[str, Any]
    vector: Vector | None = None
    cosine: float = 0.0

    def __getitem__(self, name: str) -> Any:
        return self.properties.get(name)


def where(**equal: Any) -> Any:
    """Return the filter for objects whose properties have these values.

    A list matches any of its values. A property with several values matches if one is in the list.
    """
    parts = [
        Filter.by_property(name).contains_any(list(value))
        if isinstance(value, list | tuple | set | frozenset)
        else Filter.by_property(name).equal(value)
        for name, value in equal.items()
    ]
    return reduce(lambda left, right: left & right, parts)


class Table:
    """The objects of one tenant in a collection."""

    def __init__(
        self,
        client: WeaviateAsyncClient,
        settings: WeaviateSettings,
        schema: Schema,
        key: str,
        vectors: str = "",
    ) -> None:
        collection = client.collections.use(settings.prefix + schema.name).with_consistency_level(
            ConsistencyLevel(settings.consistency)
        )
        self._collection = (
            collection.with_tenant(settings.tenant) if settings.tenant else collection
        )
        self._key = key
        self._names = [defined.name for defined in schema.properties]
        self._vectors = vectors
        self._slots = asyncio.Semaphore(CHANGES_AT_ONCE)
        self._timeout_s = settings.timeout_s

    def id_of(self, *key: str) -> UUID:
        """Return the id of the object with this key."""
        return uuid5(NAMESPACE_URL, "\n".join((f"daydream {self._key}", *key)))

    async def insert(
        self,
        rows: Iterable[tuple[tuple[str, ...], Mapping[str, Any]]],
        vectors: Mapping[str, Vector] | None = None,
    ) -> None:
        """Write whole objects by their keys, or replace them.

        Raise TransientError when the server refuses some.
        """
        objects = [
            DataObject(
                properties=_plain(properties),
                uuid=self.id_of(*key),
                vector=self._named((vectors or {}).get(key[0])),
            )
            for key, properties in rows
        ]
        for start in range(0, len(objects), BATCH):
            result = await self._send(
                self._collection.data.insert_many(objects[start : start + BATCH])
            )
            if result.has_errors:
                first = next(iter(result.errors.values()))
                raise TransientError(
                    f"Weaviate refused {len(result.errors)} objects: "
                    f"{first.message[:ERROR_CHARS_MAX]}"
                )

    async def change(
        self,
        changes: Mapping[tuple[str, ...], Mapping[str, Any]],
        vectors: Mapping[str, Vector] | None = None,
    ) -> None:
        """Change properties and vectors of objects that exist."""
        await asyncio.gather(
            *(
                self._change_object(key, properties, (vectors or {}).get(key[0]))
                for key, properties in changes.items()
            )
        )

    async def _change_object(
        self, key: tuple[str, ...], properties: Mapping[str, Any], vector: Vector | None
    ) -> None:
        async with self._slots:
            update = self._collection.data.update(
                self.id_of(*key), properties=_plain(properties), vector=self._named(vector)
            )
            await self._send(update)

    async def clear_vector(self, *key: str) -> None:
        """Set the vector of an object to zeros, if it has one."""
        for row in await self.get([key], only=[], vector=True):
            if row.vector is not None:
                await self.change({key: {}}, {key[0]: np.zeros_like(row.vector)})

    async def delete(self, keys: Iterable[tuple[str, ...]]) -> None:
        """Delete objects. Ignore those that do not exist."""
        ids = [self.id_of(*key) for key in keys]
        for start in range(0, len(ids), BATCH):
            await self._send(
                self._collection.data.delete_many(
                    Filter.by_id().contains_any(ids[start : start + BATCH])
                )
            )

    async def get(
        self,
        keys: Sequence[tuple[str, ...]],
        *,
        only: Sequence[str] | None = None,
        vector: bool = False,
    ) -> list[Row]:
        """Return the objects with these keys, in no order, without those that do not exist."""
        rows: list[Row] = []
        for start in range(0, len(keys), BATCH):
            ids = [self.id_of(*key) for key in keys[start : start + BATCH]]
            rows += await self._rows(
                self._collection.query.fetch_objects_by_ids(
                    ids, limit=len(ids), **self._shape(only, vector=vector)
                )
            )
        return rows

    async def find(
        self,
        filters: Any = None,
        *,
        limit: int,
        sort: Sequence[tuple[str, bool]] = (),
        offset: int = 0,
        only: Sequence[str] | None = None,
        vector: bool = False,
    ) -> list[Row]:
        """Return up to `limit` objects that match, sorted by (property, ascending).

        `limit` and `offset` together are at most 10,000.
        """
        order = Sort.by_property(sort[0][0], ascending=sort[0][1]) if sort else None
        for name, ascending in sort[1:]:
            order = order.by_property(name, ascending=ascending) if order else None
        call = self._collection.query.fetch_objects(
            filters=filters,
            limit=limit,
            offset=offset or None,
            sort=order,
            **self._shape(only, vector=vector),
        )
        return await self._rows(call)

    async def all(self, filters: Any, *, by: str, only: Sequence[str] | None = None) -> list[Row]:
        """Return all objects that match, read in pages.

        `by` is a property that sorts and that no two of them share.
        """
        rows: list[Row] = []
        while True:
            rest = filters
            if rows:
                rest = filters & Filter.by_property(by).greater_than(rows[-1][by])
            page = await self.find(rest, limit=PAGE, sort=[(by, True)], only=only)
            rows += page
            if len(page) < PAGE:
                return rows

    async def near(
        self, vector: Vector, limit: int, filters: Any = None, only: Sequence[str] | None = None
    ) -> list[Row]:
        """Return the objects with the highest cosine, highest first."""
        call = self._collection.query.near_vector(
            vector.tolist(),
            limit=limit,
            filters=filters,
            target_vector=self._vectors,
            return_metadata=MetadataQuery(distance=True),
            **self._shape(only),
        )
        return await self._rows(call)

    async def count(self, filters: Any = None) -> int:
        """Return how many objects match."""
        result = await self._send(
            self._collection.aggregate.over_all(filters=filters, total_count=True)
        )
        return result.total_count or 0

    async def counts(self, by: str, filters: Any = None) -> dict[str, int]:
        """Return how many objects there are for each value of a property."""
        group = GroupByAggregate(prop=by, limit=GROUPS_MAX)
        result = await self._send(
            self._collection.aggregate.over_all(group_by=group, filters=filters, total_count=True)
        )
        return {str(value.grouped_by.value): value.total_count or 0 for value in result.groups}

    async def _send(self, call: Awaitable[R]) -> R:
        return await send(call, self._timeout_s)

    def _shape(self, only: Sequence[str] | None, *, vector: bool = False) -> dict[str, Any]:
        return {
            "return_properties": list(only if only is not None else self._names),
            "include_vector": [self._vectors] if vector else False,
        }

    async def _rows(self, call: Any) -> list[Row]:
        result = await self._send(call)
        rows = []
        for stored in result.objects:
            numbers = stored.vector.get(self._vectors)
            vector = np.asarray(numbers, np.float32) if numbers else None
            distance = stored.metadata.distance
            rows.append(Row(stored.properties, vector, -distance if distance is not None else 0.0))
        return rows

    def _named(self, vector: Vector | None) -> dict[str, list[float]] | None:
        return None if vector is None else {self._vectors: vector.tolist()}


def _plain(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in properties.items()
    }

"""The objects of a fake Weaviate server: how filters match them, and how they are returned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from weaviate.proto.v1 import base_pb2, properties_pb2, search_get_pb2

Operators = base_pb2.Filters


@dataclass
class StoredObject:
    """An object: its properties, and its vectors as bytes by name."""

    properties: dict[str, Any]
    vectors: dict[str, bytes] = field(default_factory=dict)


def matches(filters: Any, uuid: str, properties: dict[str, Any]) -> bool:
    """Return whether an object matches a filter."""
    if filters.operator == Operators.OPERATOR_AND:
        return all(matches(part, uuid, properties) for part in filters.filters)
    if filters.operator == Operators.OPERATOR_OR:
        return any(matches(part, uuid, properties) for part in filters.filters)
    name = filters.target.property or filters.on[0]
    kind = filters.WhichOneof("test_value")
    value = getattr(filters, kind)
    value = list(value.values) if kind.endswith("_array") else value
    stored = uuid if name in ("id", "_id") else properties.get(name)
    if filters.operator == Operators.OPERATOR_CONTAINS_ANY:
        return bool(set(stored if isinstance(stored, list) else [stored]) & set(value))
    return stored is not None and _compare(filters.operator, stored, value)


def _compare(operator: Any, stored: Any, value: Any) -> bool:
    results = {
        Operators.OPERATOR_EQUAL: stored == value,
        Operators.OPERATOR_LESS_THAN: stored < value,
        Operators.OPERATOR_GREATER_THAN: stored > value,
        Operators.OPERATOR_GREATER_THAN_EQUAL: stored >= value,
        Operators.OPERATOR_LESS_THAN_EQUAL: stored <= value,
    }
    return bool(results[operator])


def result_of(request: Any, uuid: str, row: StoredObject, distances: dict[str, float]) -> Any:
    """Return an object as a search result: the properties and vectors asked for."""
    metadata = search_get_pb2.MetadataResult(id=uuid)
    metadata.vectors.extend(
        base_pb2.Vectors(
            name=name,
            vector_bytes=row.vectors[name],
            type=base_pb2.Vectors.VECTOR_TYPE_SINGLE_FP32,
        )
        for name in request.metadata.vectors
        if name in row.vectors
    )
    if uuid in distances:
        metadata.distance, metadata.distance_present = distances[uuid], True
    fields = {
        name: _value(row.properties[name])
        for name in request.properties.non_ref_properties
        if name in row.properties
    }
    properties = search_get_pb2.PropertiesResult(
        non_ref_props=properties_pb2.Properties(fields=fields), target_collection=request.collection
    )
    return search_get_pb2.SearchResult(metadata=metadata, properties=properties)


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return properties_pb2.Value(bool_value=value)
    if isinstance(value, int):
        return properties_pb2.Value(int_value=value)
    if isinstance(value, list):
        texts = properties_pb2.TextValues(values=value)
        return properties_pb2.Value(list_value=properties_pb2.ListValue(text_values=texts))
    return properties_pb2.Value(text_value=value)

"""A double of a Weaviate server that speaks its protocols (REST for the schema and for changes, gRPC for the rest) and keeps its objects in a
dictionary. What the store's tests find out with it is found out with a real server too, wherever there is one: `test_store.py` runs on both.

It knows what the store uses and refuses everything else. It can be told to fail: `refuse` gives the next writes an answer instead of doing them.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from weaviate.proto.v1 import (
    aggregate_pb2,
    base_pb2,
    batch_delete_pb2,
    batch_pb2,
    health_weaviate_pb2,
    properties_pb2,
    search_get_pb2,
    weaviate_pb2_grpc,
)

from daydream_memory.settings import WeaviateSettings

Op = base_pb2.Filters
INDEX = {
    "bq": {"enabled": False},
    "cleanupIntervalSeconds": 300,
    "distance": "dot",
    "dynamicEfFactor": 8,
    "dynamicEfMax": 500,
    "dynamicEfMin": 100,
    "ef": -1,
    "efConstruction": 128,
    "filterStrategy": "acorn",
    "flatSearchCutoff": 40000,
    "maxConnections": 32,
    "pq": {"enabled": False},
    "sq": {"enabled": False},
    "rq": {"enabled": False},
    "skip": False,
    "vectorCacheMaxObjects": 1000000000000,
    "multivector": {"enabled": False},
}
CLASS = {
    "invertedIndexConfig": {
        "bm25": {"b": 0.75, "k1": 1.2},
        "cleanupIntervalSeconds": 60,
        "stopwords": {"additions": None, "preset": "en", "removals": None},
    },
    "shardingConfig": {
        "actualCount": 0,
        "actualVirtualCount": 0,
        "desiredCount": 0,
        "desiredVirtualCount": 0,
        "function": "",
        "key": "",
        "strategy": "",
        "virtualPerPhysical": 0,
    },
}
PROPERTY = {"indexFilterable": True, "indexSearchable": False, "indexRangeFilters": False}
VERSION = "1.35.2"


class Double(weaviate_pb2_grpc.WeaviateServicer):
    """The objects of all collections and tenants: `objects[collection, tenant][uuid]` is (properties, vectors by name)."""

    def __init__(self) -> None:
        self.classes: dict[str, dict[str, Any]] = {}
        self.objects: dict[tuple[str, str], dict[str, tuple[dict[str, Any], dict[str, bytes]]]] = {}
        self.writes = 0
        self.refuse: Callable[[int], bool] = lambda _: False
        self.requests: list[Any] = []

    def _may_write(self) -> bool:
        self.writes += 1
        return not self.refuse(self.writes)

    # --- REST ---

    def routes(self) -> list[Route]:
        def answer(body: Any) -> Callable[[Request], Any]:
            async def endpoint(_: Request) -> Response:
                return JSONResponse(body)

            return endpoint

        return [
            Route("/v1/.well-known/ready", answer({})),
            Route("/v1/.well-known/openid-configuration", self._nothing),
            Route(
                "/v1/meta",
                answer(
                    {
                        "version": VERSION,
                        "modules": {},
                        "hostname": "",
                        "grpcMaxMessageSize": 104858000,
                    }
                ),
            ),
            Route("/v1/schema", self._make_class, methods=["POST"]),
            Route("/v1/schema/{name}", self._get_class, methods=["GET"]),
            Route("/v1/schema/{name}", self._put_class, methods=["PUT"]),
            Route("/v1/schema/{name}/properties", self._add_property, methods=["POST"]),
            Route("/v1/schema/{name}/tenants", self._add_tenants, methods=["POST"]),
            Route("/v1/objects/{name}/{uuid}", self._patch, methods=["PATCH"]),
        ]

    async def _nothing(self, _: Request) -> Response:
        return Response(status_code=404)

    async def _make_class(self, request: Request) -> Response:
        body = await request.json()
        if body["class"] in self.classes:
            return JSONResponse({"error": [{"message": "class name already exists"}]}, 422)
        for vector in (body.get("vectorConfig") or {}).values():
            vector["vectorIndexConfig"] = {**INDEX, **vector.get("vectorIndexConfig", {})}
        body["properties"] = [{**PROPERTY, **one} for one in body["properties"]]
        self.classes[body["class"]] = {**CLASS, "vectorConfig": {}, **body}
        return JSONResponse(self.classes[body["class"]])

    async def _get_class(self, request: Request) -> Response:
        found = self.classes.get(request.path_params["name"])
        return JSONResponse(found) if found else Response(status_code=404)

    async def _put_class(self, request: Request) -> Response:
        body = await request.json()
        for vector in body["vectorConfig"].values():
            vector["vectorIndexConfig"] = {**INDEX, **vector.get("vectorIndexConfig", {})}
        self.classes[request.path_params["name"]] = body
        return JSONResponse(body)

    async def _add_property(self, request: Request) -> Response:
        self.classes[request.path_params["name"]]["properties"].append(
            {**PROPERTY, **await request.json()}
        )
        return JSONResponse({})

    async def _add_tenants(self, request: Request) -> Response:
        for tenant in await request.json():
            self.objects.setdefault((request.path_params["name"], tenant["name"]), {})
        return JSONResponse([])

    async def _patch(self, request: Request) -> Response:
        body = await request.json()
        name = request.path_params["name"]
        self.requests.append((name, body, dict(request.query_params)))
        if not self._may_write():
            return JSONResponse({"error": [{"message": "no room"}]}, 500)
        found = self._in(name, body.get("tenant", "")).get(request.path_params["uuid"])
        if found is None:
            return Response(status_code=404)
        found[0].update(body.get("properties") or {})
        found[1].update(
            {
                key: np.asarray(vector, np.float32).tobytes()
                for key, vector in (body.get("vectors") or {}).items()
            }
        )
        return Response(status_code=204)

    # --- gRPC ---

    def _in(
        self, collection: str, tenant: str
    ) -> dict[str, tuple[dict[str, Any], dict[str, bytes]]]:
        shared = bool(self.classes[collection].get("multiTenancyConfig", {}).get("enabled"))
        if shared != bool(tenant) or (shared and (collection, tenant) not in self.objects):
            raise LookupError(f"tenant {tenant!r} of {collection}")
        return self.objects.setdefault((collection, tenant), {})

    async def BatchObjects(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        errors = []
        for index, one in enumerate(request.objects):
            if not self._may_write():
                errors.append(batch_pb2.BatchObjectsReply.BatchError(index=index, error="no room"))
                continue
            types = {
                prop["name"]: prop["dataType"][0]
                for prop in self.classes[one.collection]["properties"]
            }
            properties = {
                name: int(value) if types[name] == "int" else value
                for name, value in dict(one.properties.non_ref_properties).items()
            }
            properties |= {
                many.prop_name: list(many.values) for many in one.properties.text_array_properties
            }
            properties |= {name: [] for name in one.properties.empty_list_props}
            assert set(properties) <= set(types), set(properties) - set(types)
            self._in(one.collection, one.tenant)[one.uuid] = (
                properties,
                {vector.name: vector.vector_bytes for vector in one.vectors},
            )
        return batch_pb2.BatchObjectsReply(errors=errors)

    async def BatchDelete(self, request: Any, context: Any) -> Any:
        objects = self._in(request.collection, request.tenant)
        gone = [
            uuid
            for uuid, (properties, _) in objects.items()
            if takes(request.filters, uuid, properties)
        ]
        if not self._may_write():
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no room")
        for uuid in gone:
            del objects[uuid]
        return batch_delete_pb2.BatchDeleteReply(matches=len(gone), successful=len(gone))

    async def Search(self, request: Any, context: Any) -> Any:
        self.requests.append(request)
        found = self._found(request)
        distances: dict[str, float] = {}
        if request.HasField("near_vector"):
            name = (
                request.near_vector.targets.target_vectors or request.near_vector.target_vectors
            )[0]
            wanted = np.frombuffer(
                request.near_vector.vectors[0].vector_bytes or request.near_vector.vector_bytes,
                np.float32,
            )
            found = [one for one in found if name in one[2]]
            distances = {
                uuid: -float(np.frombuffer(vectors[name], np.float32) @ wanted)
                for uuid, _, vectors in found
            }
            found.sort(key=lambda one: distances[one[0]])
        for sort in reversed(request.sort_by):
            path = sort.path[0]
            found.sort(key=partial(_property, path), reverse=not sort.ascending)
        assert request.offset + request.limit <= 10_000, "more than the server gives"
        page = found[request.offset : request.offset + request.limit]
        return search_get_pb2.SearchReply(
            results=[_result(request, *one, distances) for one in page]
        )

    async def Aggregate(self, request: Any, context: Any) -> Any:
        found = self._found(request)
        reply = aggregate_pb2.AggregateReply
        if not request.HasField("group_by"):
            return reply(single_result=reply.Single(objects_count=len(found)))
        groups = Counter(properties[request.group_by.property] for _, properties, _ in found)
        path = [request.group_by.property]
        return reply(
            grouped_results=reply.Grouped(
                groups=[
                    reply.Group(
                        objects_count=count,
                        grouped_by=reply.Group.GroupedBy(path=path, text=str(value)),
                    )
                    for value, count in groups.most_common()
                ]
            )
        )

    def _found(self, request: Any) -> list[tuple[str, dict[str, Any], dict[str, bytes]]]:
        objects = self._in(request.collection, request.tenant)
        wanted = request.filters if request.HasField("filters") else None
        return [
            (uuid, *one)
            for uuid, one in objects.items()
            if wanted is None or takes(wanted, uuid, one[0])
        ]


def _property(name: str, row: tuple[str, dict[str, Any], dict[str, bytes]]) -> Any:
    return row[1].get(name)


def takes(wanted: Any, uuid: str, properties: dict[str, Any]) -> bool:
    """Whether a filter takes an object."""
    if wanted.operator in (Op.OPERATOR_AND, Op.OPERATOR_OR):
        return (all if wanted.operator == Op.OPERATOR_AND else any)(
            takes(one, uuid, properties) for one in wanted.filters
        )
    name = wanted.target.property or wanted.on[0]
    kind = wanted.WhichOneof("test_value")
    value = getattr(wanted, kind)
    value = list(value.values) if kind.endswith("_array") else value
    have: Any = uuid if name in ("id", "_id") else properties.get(name)
    if wanted.operator == Op.OPERATOR_CONTAINS_ANY:
        return bool(set(have if isinstance(have, list) else [have]) & set(value))
    if have is None:
        return False
    compare: dict[Any, Callable[[], bool]] = {
        Op.OPERATOR_EQUAL: lambda: have == value,
        Op.OPERATOR_LESS_THAN: lambda: have < value,
        Op.OPERATOR_GREATER_THAN: lambda: have > value,
        Op.OPERATOR_GREATER_THAN_EQUAL: lambda: have >= value,
        Op.OPERATOR_LESS_THAN_EQUAL: lambda: have <= value,
    }
    return bool(compare[wanted.operator]())


def _result(
    request: Any,
    uuid: str,
    properties: dict[str, Any],
    vectors: dict[str, bytes],
    distances: dict[str, float],
) -> Any:
    metadata = search_get_pb2.MetadataResult(id=uuid)
    metadata.vectors.extend(
        base_pb2.Vectors(
            name=name, vector_bytes=vectors[name], type=base_pb2.Vectors.VECTOR_TYPE_SINGLE_FP32
        )
        for name in request.metadata.vectors
        if name in vectors
    )
    if uuid in distances:
        metadata.distance, metadata.distance_present = distances[uuid], True
    fields = {
        name: _value(properties[name])
        for name in request.properties.non_ref_properties
        if name in properties
    }
    found = search_get_pb2.PropertiesResult(
        non_ref_props=properties_pb2.Properties(fields=fields), target_collection=request.collection
    )
    return search_get_pb2.SearchResult(metadata=metadata, properties=found)


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return properties_pb2.Value(bool_value=value)
    if isinstance(value, int):
        return properties_pb2.Value(int_value=value)
    if isinstance(value, list):
        return properties_pb2.Value(
            list_value=properties_pb2.ListValue(text_values=properties_pb2.TextValues(values=value))
        )
    return properties_pb2.Value(text_value=value)


async def _healthy(_: Any, __: Any) -> Any:
    return health_weaviate_pb2.WeaviateHealthCheckResponse(
        status=health_weaviate_pb2.WeaviateHealthCheckResponse.SERVING
    )


@asynccontextmanager
async def weaviate_double() -> AsyncIterator[tuple[Double, WeaviateSettings]]:
    """A double that listens, and how it is reached."""
    double = Double()
    server = grpc.aio.server()
    weaviate_pb2_grpc.add_WeaviateServicer_to_server(double, server)
    health = grpc.unary_unary_rpc_method_handler(
        _healthy,
        request_deserializer=health_weaviate_pb2.WeaviateHealthCheckRequest.FromString,
        response_serializer=health_weaviate_pb2.WeaviateHealthCheckResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": health}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    listener = socket.create_server(("127.0.0.1", 0))
    web = uvicorn.Server(
        uvicorn.Config(Starlette(routes=double.routes()), log_level="error", lifespan="off")
    )
    serving = asyncio.create_task(web.serve([listener]))
    yield (
        double,
        WeaviateSettings(
            url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            grpc_url=f"http://127.0.0.1:{port}",
            tenant="lab",
        ),
    )
    web.should_exit = True
    await serving
    await server.stop(None)


@contextmanager
def double_beside() -> Iterator[WeaviateSettings]:
    """The same in a process of its own, for many tests."""
    process = subprocess.Popen(
        [sys.executable, "-m", "support.vector_double"],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    yield WeaviateSettings.model_validate_json(process.stdout.readline())
    process.kill()
    process.communicate()


async def _serve() -> None:
    async with weaviate_double() as (_, settings):
        print(settings.model_dump_json(exclude={"api_key"}), flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until whoever started it is gone


if __name__ == "__main__":
    asyncio.run(_serve())

"""A fake Weaviate server: REST for the schema and for changes, gRPC for the rest.

It speaks the server's protocols and stores its objects in a dictionary. The contract tests of the
stores run on it, and on a real server where there is one. It answers what the store uses and
refuses everything else. It can be made to fail: `refuse` answers the next writes with an error.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import uvicorn
from starlette.applications import Starlette
from weaviate.proto.v1 import (
    aggregate_pb2,
    batch_delete_pb2,
    batch_pb2,
    health_weaviate_pb2,
    search_get_pb2,
    weaviate_pb2_grpc,
)

from daydream_memory.settings import WeaviateSettings
from support.fake_weaviate_rest import FakeSchema
from support.fake_weaviate_rows import StoredObject, matches, result_of

PAGE_MAX = 10_000


class FakeWeaviate(FakeSchema, weaviate_pb2_grpc.WeaviateServicer):
    """The gRPC half of the server. Its names are those of the protocol."""

    async def BatchObjects(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Write objects."""
        self.requests.append(request)
        errors = []
        for index, sent in enumerate(request.objects):
            if not self.may_write():
                error = batch_pb2.BatchObjectsReply.BatchError(index=index, error="no room")
                errors.append(error)
                continue
            self.rows(sent.collection, sent.tenant)[sent.uuid] = StoredObject(
                self._properties(sent),
                {vector.name: vector.vector_bytes for vector in sent.vectors},
            )
        return batch_pb2.BatchObjectsReply(errors=errors)

    def _properties(self, sent: Any) -> dict[str, Any]:
        types = self.property_types(sent.collection)
        properties = {
            name: int(value) if types[name] == "int" else value
            for name, value in dict(sent.properties.non_ref_properties).items()
        }
        for texts in sent.properties.text_array_properties:
            properties[texts.prop_name] = list(texts.values)
        properties |= {name: [] for name in sent.properties.empty_list_props}
        assert set(properties) <= set(types), set(properties) - set(types)
        return properties

    async def BatchDelete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Delete the objects that match."""
        rows = self.rows(request.collection, request.tenant)
        deleted = [
            uuid for uuid, row in rows.items() if matches(request.filters, uuid, row.properties)
        ]
        if not self.may_write():
            await context.abort(grpc.StatusCode.UNAVAILABLE, "no room")
        for uuid in deleted:
            del rows[uuid]
        return batch_delete_pb2.BatchDeleteReply(matches=len(deleted), successful=len(deleted))

    async def Search(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Return the objects that match: nearest first, or sorted."""
        self.requests.append(request)
        rows = self._matching(request)
        distances: dict[str, float] = {}
        if request.HasField("near_vector"):
            rows, distances = _by_distance(request.near_vector, rows)
        for sort in reversed(request.sort_by):
            rows.sort(key=_property_key(sort.path[0]), reverse=not sort.ascending)
        assert request.offset + request.limit <= PAGE_MAX, "more than the server returns"
        page = rows[request.offset : request.offset + request.limit]
        return search_get_pb2.SearchReply(
            results=[result_of(request, uuid, row, distances) for uuid, row in page]
        )

    async def Aggregate(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Count the objects that match, or count them by a property."""
        rows = self._matching(request)
        reply = aggregate_pb2.AggregateReply
        if not request.HasField("group_by"):
            return reply(single_result=reply.Single(objects_count=len(rows)))
        name = request.group_by.property
        counts = Counter(row.properties[name] for _, row in rows)
        groups = [
            reply.Group(
                objects_count=count,
                grouped_by=reply.Group.GroupedBy(path=[name], text=str(value)),
            )
            for value, count in counts.most_common()
        ]
        return reply(grouped_results=reply.Grouped(groups=groups))

    def _matching(self, request: Any) -> list[tuple[str, StoredObject]]:
        rows = self.rows(request.collection, request.tenant)
        if not request.HasField("filters"):
            return list(rows.items())
        return [
            (uuid, row)
            for uuid, row in rows.items()
            if matches(request.filters, uuid, row.properties)
        ]


def _property_key(name: str) -> Callable[[tuple[str, StoredObject]], Any]:
    return lambda item: item[1].properties.get(name)


def _by_distance(
    near: Any, rows: list[tuple[str, StoredObject]]
) -> tuple[list[tuple[str, StoredObject]], dict[str, float]]:
    """Return the objects that have the vector, nearest first, and their distances."""
    name = (near.targets.target_vectors or near.target_vectors)[0]
    wanted = np.frombuffer(near.vectors[0].vector_bytes or near.vector_bytes, np.float32)
    distances = {
        uuid: -float(np.frombuffer(row.vectors[name], np.float32) @ wanted)
        for uuid, row in rows
        if name in row.vectors
    }
    with_vector = [(uuid, row) for uuid, row in rows if uuid in distances]
    return sorted(with_vector, key=lambda item: distances[item[0]]), distances


async def _healthy(_: Any, __: Any) -> Any:
    return health_weaviate_pb2.WeaviateHealthCheckResponse(status="SERVING")


@asynccontextmanager
async def fake_weaviate() -> AsyncIterator[tuple[FakeWeaviate, WeaviateSettings]]:
    """Run a fake server in this process, and yield its settings too."""
    fake = FakeWeaviate()
    server = grpc.aio.server()
    weaviate_pb2_grpc.add_WeaviateServicer_to_server(fake, server)
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
        uvicorn.Config(Starlette(routes=fake.routes()), log_level="error", lifespan="off")
    )
    serving = asyncio.create_task(web.serve([listener]))
    settings = WeaviateSettings(
        url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        grpc_url=f"http://127.0.0.1:{port}",
        tenant="lab",
    )
    yield fake, settings
    web.should_exit = True
    await serving
    await server.stop(None)


@contextmanager
def fake_weaviate_process() -> Iterator[WeaviateSettings]:
    """Run a fake server in its own process, for many tests."""
    process = subprocess.Popen(
        [sys.executable, "-m", "support.fake_weaviate"],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    yield WeaviateSettings.model_validate_json(process.stdout.readline())
    process.kill()
    process.communicate()


async def _serve() -> None:
    async with fake_weaviate() as (_, settings):
        print(settings.model_dump_json(exclude={"api_key"}), flush=True)
        await asyncio.to_thread(sys.stdin.read)  # until the process that started it ends


if __name__ == "__main__":
    asyncio.run(_serve())

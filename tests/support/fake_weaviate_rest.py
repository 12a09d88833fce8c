"""The REST half of a fake Weaviate server: collections, tenants, and changes of objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from support.fake_weaviate_rows import StoredObject

VECTOR_INDEX = {
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
COLLECTION = {
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
META = {"version": "1.35.2", "modules": {}, "hostname": "", "grpcMaxMessageSize": 104858000}


class FakeSchema:
    """Collections and tenants. `objects[collection, tenant][uuid]` is a stored object.

    `refuse` is asked with the number of each write. `requests` lists what was sent.
    """

    def __init__(self) -> None:
        self.classes: dict[str, dict[str, Any]] = {}
        self.objects: dict[tuple[str, str], dict[str, StoredObject]] = {}
        self.writes = 0
        self.refuse: Callable[[int], bool] = lambda _: False
        self.requests: list[Any] = []

    def may_write(self) -> bool:
        """Count a write. Return whether it is done."""
        self.writes += 1
        return not self.refuse(self.writes)

    def rows(self, collection: str, tenant: str) -> dict[str, StoredObject]:
        """Return the objects of a tenant. Raise LookupError for a wrong one, as the server does."""
        shared = bool(self.classes[collection].get("multiTenancyConfig", {}).get("enabled"))
        if shared != bool(tenant) or (shared and (collection, tenant) not in self.objects):
            raise LookupError(f"tenant {tenant!r} of {collection}")
        return self.objects.setdefault((collection, tenant), {})

    def property_types(self, collection: str) -> dict[str, str]:
        """Return the type of each property."""
        properties = self.classes[collection]["properties"]
        return {defined["name"]: defined["dataType"][0] for defined in properties}

    def routes(self) -> list[Route]:
        """Return the routes of the REST API."""
        collection = "/v1/schema/{name}"
        return [
            Route("/v1/.well-known/ready", _answer({})),
            Route("/v1/.well-known/openid-configuration", _not_found),
            Route("/v1/meta", _answer(META)),
            Route("/v1/schema", self._create_collection, methods=["POST"]),
            Route(collection, self._get_collection, methods=["GET"]),
            Route(collection, self._put_collection, methods=["PUT"]),
            Route(f"{collection}/properties", self._add_property, methods=["POST"]),
            Route(f"{collection}/tenants", self._add_tenants, methods=["POST"]),
            Route("/v1/objects/{name}/{uuid}", self._patch, methods=["PATCH"]),
        ]

    async def _create_collection(self, request: Request) -> Response:
        body = await request.json()
        name = body["class"]
        if name in self.classes:
            return JSONResponse({"error": [{"message": "class name already exists"}]}, 422)
        _complete_vectors(body.get("vectorConfig") or {})
        body["properties"] = [{**PROPERTY, **defined} for defined in body["properties"]]
        self.classes[name] = {**COLLECTION, "vectorConfig": {}, **body}
        return JSONResponse(self.classes[name])

    async def _get_collection(self, request: Request) -> Response:
        collection = self.classes.get(request.path_params["name"])
        return JSONResponse(collection) if collection else Response(status_code=404)

    async def _put_collection(self, request: Request) -> Response:
        body = await request.json()
        _complete_vectors(body["vectorConfig"])
        self.classes[request.path_params["name"]] = body
        return JSONResponse(body)

    async def _add_property(self, request: Request) -> Response:
        properties = self.classes[request.path_params["name"]]["properties"]
        properties.append({**PROPERTY, **await request.json()})
        return JSONResponse({})

    async def _add_tenants(self, request: Request) -> Response:
        for tenant in await request.json():
            self.objects.setdefault((request.path_params["name"], tenant["name"]), {})
        return JSONResponse([])

    async def _patch(self, request: Request) -> Response:
        body = await request.json()
        name = request.path_params["name"]
        self.requests.append((name, body, dict(request.query_params)))
        if not self.may_write():
            return JSONResponse({"error": [{"message": "no room"}]}, 500)
        row = self.rows(name, body.get("tenant", "")).get(request.path_params["uuid"])
        if row is None:
            return Response(status_code=404)
        row.properties.update(body.get("properties") or {})
        for key, vector in (body.get("vectors") or {}).items():
            row.vectors[key] = np.asarray(vector, np.float32).tobytes()
        return Response(status_code=204)


def _answer(body: Any) -> Callable[[Request], Any]:
    async def endpoint(_: Request) -> Response:
        return JSONResponse(body)

    return endpoint


async def _not_found(_: Request) -> Response:
    return Response(status_code=404)


def _complete_vectors(vectors: dict[str, Any]) -> None:
    """Add the defaults that the server adds."""
    for vector in vectors.values():
        vector["vectorIndexConfig"] = {**VECTOR_INDEX, **vector.get("vectorIndexConfig", {})}

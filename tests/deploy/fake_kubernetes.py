"""A Kubernetes API server on loopback, small enough for tests and real enough for Helm 3 and 4.

    with running_kubernetes(KEDA) as kubernetes: helm.run("install", …)

It serves discovery, objects with their patches, label selectors and watches, over HTTP.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from deploy.kube_objects import (
    KINDS,
    KubeObjects,
    Object,
    Place,
    RefusedRequestError,
    ResourceKind,
    selects,
)
from deploy.kube_protobuf import read_secret

VERSION = {"major": "1", "minor": "33", "gitVersion": "v1.33.0"}
# lists that a strategic merge patch merges, by the field that names their items
MERGED_LISTS = {
    "containers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "topologySpreadConstraints": "topologyKey",
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


@dataclass
class FakeKubernetes:
    """The running server."""

    store: KubeObjects
    url: str

    def write_kubeconfig(self, file: Path, namespace: str) -> Path:
        """Write how clients find it. Its namespace exists then."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "fake", "user": {}}],
            "contexts": [
                {
                    "name": "fake",
                    "context": {"cluster": "fake", "user": "fake", "namespace": namespace},
                }
            ],
        }
        file.write_text(yaml.safe_dump(content))
        item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        self.store.put(Place(KINDS[0], "", namespace), item)
        return file


@contextmanager
def running_kubernetes(*further: ResourceKind) -> Iterator[FakeKubernetes]:
    """Run a server without objects. It knows these kinds beside those of Kubernetes."""
    store = KubeObjects((*KINDS, *further))
    handler = type("KubeHandler", (KubernetesHandler,), {"store": store})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield FakeKubernetes(store, f"http://127.0.0.1:{server.server_port}")
    finally:
        store.close()
        server.shutdown()
        server.server_close()
        thread.join()


def merged(old: Any, patch: Any, name: str = "") -> Any:
    """Return what a patch makes of a value: a strategic merge for the lists of `MERGED_LISTS`."""
    if isinstance(old, dict) and isinstance(patch, dict):
        kept = {key: value for key, value in old.items() if patch.get(key, "") is not None}
        changed = {
            key: merged(old.get(key), value, key)
            for key, value in patch.items()
            if value is not None and not key.startswith("$")
        }
        return kept | changed
    if isinstance(old, list) and isinstance(patch, list) and name in MERGED_LISTS:
        key = MERGED_LISTS[name]
        items = {item[key]: item for item in old}
        for item in patch:
            if item.get("$patch") == "delete":
                items.pop(item[key], None)
            else:
                items[item[key]] = merged(items.get(item[key]), item)
        return list(items.values())
    return patch


class KubernetesHandler(BaseHTTPRequestHandler):
    """Answers one connection."""

    store: KubeObjects
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 (named by http.server)

    def _answer(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        with suppress(BrokenPipeError, ConnectionResetError):
            try:
                reply = self._reply(url.path.strip("/"), dict(parse_qsl(url.query)), body)
            except RefusedRequestError as error:
                refusal = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
                about = {"message": str(error), "reason": error.reason, "code": error.code}
                self._send(error.code, refusal | about)
            else:
                if reply is not None:
                    self._send(201 if self.command == "POST" else 200, reply)

    def _reply(self, path: str, query: Mapping[str, str], body: bytes) -> Object | None:
        """Return the answer; None if a watch has been answered."""
        described = self._discovery(path)
        if described is not None:
            return described
        for kind in self.store.kinds:
            if path.startswith(f"{kind.root}/"):
                parts = path.removeprefix(f"{kind.root}/").split("/")
                namespace = ""
                if kind.namespaced and parts[0] == "namespaces" and len(parts) > 2:
                    namespace, parts = parts[1], parts[2:]
                if parts[0] == kind.plural and len(parts) <= 2:
                    name = parts[1] if len(parts) == 2 else ""
                    return self._act(Place(kind, namespace, name), query, body)
        raise RefusedRequestError(404, "NotFound", f"the server could not find {path}")

    def _act(self, place: Place, query: Mapping[str, str], body: bytes) -> Object | None:
        dry = query.get("dryRun") == "All"
        match self.command:
            case "GET" if place.name:
                return self.store.get(place)
            case "GET":
                return self._list_or_watch(place, query)
            case "DELETE":
                return self.store.get(place) if dry else self.store.delete(place)
        item = self._item(body)
        if self.command == "POST":
            named = Place(place.kind, place.namespace, item["metadata"]["name"])
            return self.store.put(named, item, create=True, dry=dry)
        if self.command == "PATCH" and "apply-patch" not in self.headers["content-type"]:
            item = merged(self.store.get(place), item)
        return self.store.put(place, item, dry=dry)

    def _item(self, body: bytes) -> Any:
        kind = self.headers.get("content-type", "")
        if "protobuf" in kind:
            return read_secret(body)
        return yaml.safe_load(body) if "yaml" in kind else json.loads(body)

    def _list_or_watch(self, place: Place, query: Mapping[str, str]) -> Object | None:
        name = query.get("fieldSelector", "").removeprefix("metadata.name=")

        def is_wanted(of: Place, item: Object) -> bool:
            labels = item["metadata"].get("labels") or {}
            return (
                of.kind == place.kind
                and place.namespace in ("", of.namespace)
                and name in ("", of.name)
                and selects(query.get("labelSelector", ""), labels)
            )

        with self.store.changed:
            seen = len(self.store.changes)
            items = [item for of, item in self.store.objects.items() if is_wanted(of, item)]
        about = {"apiVersion": place.kind.group_version}
        if query.get("watch") not in ("1", "true"):
            meta = {"resourceVersion": str(seen)}
            return {**about, "kind": f"{place.kind.name}List", "metadata": meta, "items": items}
        self._begin_watch()
        since = query.get("resourceVersion") or "0"
        if since == "0":
            for item in items:
                self._emit("ADDED", item)
            since = str(seen)
        if query.get("sendInitialEvents") == "true":
            ends = {"k8s.io/initial-events-end": "true"}
            meta_end = {"resourceVersion": since, "annotations": ends}
            self._emit("BOOKMARK", {**about, "kind": place.kind.name, "metadata": meta_end})
        for change, of, item in self.store.changes_after(int(since)):
            if is_wanted(of, item):
                self._emit(change, item)
        self.close_connection = True
        return None

    def _begin_watch(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("connection", "close")
        self.end_headers()

    def _emit(self, change: str, item: Object) -> None:
        self.wfile.write(json.dumps({"type": change, "object": item}).encode() + b"\n")
        self.wfile.flush()

    def _discovery(self, path: str) -> Object | None:
        """Return what the server says of itself; None for the path of an object."""
        roots = {kind.root: kind for kind in self.store.kinds}
        if path == "version":
            return dict(VERSION)
        if path == "api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "apis":
            groups = {kind.group: kind for kind in self.store.kinds if kind.group}
            listed = [_group(kind) for kind in groups.values()]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        if path == "openapi/v3":
            pages = {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots}
            return {"paths": pages}
        if path in roots:
            return self._resources(roots[path])
        page = path.removeprefix("openapi/v3/")
        return self._checks_fields(page) if page in roots and page != path else None

    def _resources(self, of: ResourceKind) -> Object:
        listed = [
            {
                "name": kind.plural,
                "singularName": kind.name.lower(),
                "namespaced": kind.namespaced,
                "kind": kind.name,
                "verbs": VERBS,
            }
            for kind in self.store.kinds
            if kind.root == of.root
        ]
        about = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": of.group_version}
        return {**about, "resources": listed}

    def _checks_fields(self, root: str) -> Object:
        """Return a page of OpenAPI that says: the server itself refuses unknown fields."""
        parameters = [
            {"name": name, "in": "query", "schema": {"type": "string"}}
            for name in ("dryRun", "fieldValidation")
        ]
        paths = {}
        for kind in self.store.kinds:
            if kind.root == root:
                of = {"group": kind.group, "version": kind.version, "kind": kind.name}
                inside = "namespaces/{namespace}/" if kind.namespaced else ""
                patch = {"parameters": parameters, "x-kubernetes-group-version-kind": of}
                paths[f"/{root}/{inside}{kind.plural}/{{name}}"] = {"patch": patch}
        info = {"title": "Kubernetes", "version": VERSION["gitVersion"]}
        return {"openapi": "3.0.0", "info": info, "paths": paths}

    def _send(self, code: int, reply: Object) -> None:
        data = json.dumps(reply).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _group(kind: ResourceKind) -> Object:
    version = {"groupVersion": kind.group_version, "version": kind.version}
    return {"name": kind.group, "versions": [version], "preferredVersion": version}

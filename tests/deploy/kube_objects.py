"""The objects of a fake Kubernetes: what is stored, and what is refused.

Kinds of Kubernetes are checked against its schemas, strictly. Fields that may not change are
refused as the real server does. Nothing is scheduled: a pod has succeeded as soon as it is there, a
Job is complete, and a Deployment available.
"""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any
from uuid import uuid4

Object = dict[str, Any]
SCHEMAS = "1.33"
SET = re.compile(r"(\S+)\s+(in|notin)\s+\((.*)\)")
FIXED = {
    "Deployment": ("spec", "selector"),
    "Job": ("spec", "template"),
    "PersistentVolumeClaim": ("spec",),
}
SERVER_FIELDS = ("managedFields", "uid", "resourceVersion", "creationTimestamp", "generation")


@dataclass(frozen=True)
class ResourceKind:
    """A kind of object, and where its objects are. `custom`: it has no schema here."""

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True
    custom: bool = False

    @property
    def group_version(self) -> str:
        """Return what `apiVersion` holds."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """Return the path of its group and version, without a first slash."""
        return f"{'apis' if self.group else 'api'}/{self.group_version}"


KINDS = (
    ResourceKind("", "v1", "namespaces", "Namespace", namespaced=False),
    ResourceKind("", "v1", "pods", "Pod"),
    ResourceKind("", "v1", "services", "Service"),
    ResourceKind("", "v1", "configmaps", "ConfigMap"),
    ResourceKind("", "v1", "secrets", "Secret"),
    ResourceKind("", "v1", "serviceaccounts", "ServiceAccount"),
    ResourceKind("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
    ResourceKind("apps", "v1", "deployments", "Deployment"),
    ResourceKind("batch", "v1", "jobs", "Job"),
    ResourceKind("batch", "v1", "cronjobs", "CronJob"),
    ResourceKind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
    ResourceKind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"),
    ResourceKind("networking.k8s.io", "v1", "ingresses", "Ingress"),
)
KEDA = ResourceKind("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject", custom=True)
PROMETHEUS = (
    ResourceKind("monitoring.coreos.com", "v1", "podmonitors", "PodMonitor", custom=True),
    ResourceKind("monitoring.coreos.com", "v1", "prometheusrules", "PrometheusRule", custom=True),
)


class RefusedRequestError(Exception):
    """The server's answer to a request that it does not fulfil."""

    def __init__(self, code: int, reason: str, text: str) -> None:
        super().__init__(text)
        self.code, self.reason = code, reason


@dataclass(frozen=True)
class Place:
    """Where an object is."""

    kind: ResourceKind
    namespace: str
    name: str


@dataclass
class KubeObjects:
    """The objects, and every change of them in its order."""

    kinds: tuple[ResourceKind, ...] = KINDS
    objects: dict[Place, Object] = field(default_factory=dict)
    changes: list[tuple[str, Place, Object]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    is_closed: bool = False

    def of_kind(self, name: str) -> dict[str, Object]:
        """Return the objects of a kind by their names."""
        return {place.name: item for place, item in self.objects.items() if place.kind.name == name}

    def get(self, place: Place) -> Object:
        """Return an object."""
        if place not in self.objects:
            text = f'{place.kind.plural} "{place.name}" not found'
            raise RefusedRequestError(404, "NotFound", text)
        return self.objects[place]

    def put(self, place: Place, item: Object, *, create: bool = False, dry: bool = False) -> Object:
        """Store an object. Refuse one that is invalid, or that changes what may not change."""
        with self.changed:
            old = self.objects.get(place)
            if create and old is not None:
                text = f'{place.kind.plural} "{place.name}" already exists'
                raise RefusedRequestError(409, "AlreadyExists", text)
            item = copy.deepcopy(item)
            _check(place.kind, item, old)
            known = (old or {}).get("metadata", {})
            item["metadata"] |= {
                "uid": known.get("uid", str(uuid4())),
                "creationTimestamp": known.get("creationTimestamp", _now()),
                "generation": known.get("generation", 0) + 1,
                "resourceVersion": str(len(self.changes) + 1),
            }
            if place.kind.namespaced:
                item["metadata"]["namespace"] = place.namespace
            item |= _status(item)
            if not dry:
                self.objects[place] = item
                self._note("MODIFIED" if old else "ADDED", place, item)
            return item

    def delete(self, place: Place) -> Object:
        """Delete an object, and return it."""
        with self.changed:
            item = self.get(place)
            del self.objects[place]
            self._note("DELETED", place, item)
            return item

    def close(self) -> None:
        """End all that wait for changes."""
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()

    def changes_after(self, count: int) -> Iterator[tuple[str, Place, Object]]:
        """Yield every change after the first `count`, and wait for further ones until the end."""
        while True:
            with self.changed:
                while len(self.changes) <= count and not self.is_closed:
                    self.changed.wait()
                if self.is_closed:
                    return
                fresh = self.changes[count:]
            count += len(fresh)
            yield from fresh

    def _note(self, change: str, place: Place, item: Object) -> None:
        self.changes.append((change, place, item))
        self.changed.notify_all()


def selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector takes these labels."""
    return all(_holds(part, labels) for part in re.split(r",(?![^(]*\))", selector) if part)


def _holds(part: str, labels: Mapping[str, str]) -> bool:
    if among := SET.match(part):
        values = [value.strip() for value in among[3].split(",")]
        return (labels.get(among[1]) in values) is (among[2] == "in")
    if "!=" in part:
        key, _, value = part.partition("!=")
        return labels.get(key) != value
    key, equals, value = part.replace("==", "=").partition("=")
    return labels.get(key) == value if equals else key in labels


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _check(kind: ResourceKind, item: Object, old: Object | None) -> None:
    name = item["metadata"]["name"]
    if not kind.custom:
        schemas = import_module("kubernetes_validate")
        bare = {key: value for key, value in item.items() if key != "status"}
        meta = item["metadata"]
        bare["metadata"] = {key: meta[key] for key in meta if key not in SERVER_FIELDS}
        try:
            schemas.validate(bare, SCHEMAS, strict=True)
        except schemas.ValidationError as error:
            text = f"{kind.name} {name}: {error.message} at {list(error.path)}"
            raise RefusedRequestError(422, "Invalid", text) from None
    fixed = FIXED.get(kind.name)
    if old is not None and fixed and _at(old, fixed) != _at(item, fixed):
        text = f'{kind.name} "{name}" is invalid: {".".join(fixed)}: field is immutable'
        raise RefusedRequestError(422, "Invalid", text)


def _at(item: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        item = item.get(name)
    return item


def _status(item: Object) -> Object:
    match item["kind"]:
        case "Pod":
            return {"status": {"phase": "Succeeded"}}
        case "Job":
            done = [{"type": "Complete", "status": "True"}]
            return {"status": {"succeeded": 1, "conditions": done}}
        case "Deployment":
            count = item["spec"].get("replicas", 1)
            states = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas")
            seen = {"observedGeneration": item["metadata"]["generation"]}
            return {"status": {**dict.fromkeys(states, count), **seen}}
    return {}

"""Rename streams, subjects, buckets and users, so that several teams share one NATS account.

The table names the subjects of one system: `daydream.…`, the buckets `daydream-…`, and streams such
as PAIRS. A tenant `acme` has `acme.…`, `acme-…` and `acme-PAIRS` instead, and users such as
`acme-memory`. Names of consumers stay: they belong to their stream.

Only the connection to NATS renames (`daydream_runtime.tenant_client`). All other code uses the
names of the table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daydream_contracts.buckets import BUCKETS, OBJECT_STORES
from daydream_contracts.topology import STREAMS

DAYDREAM = "daydream"  # the tenant whose names are those of the table
TENANT = re.compile(r"[a-z][a-z0-9_]{0,31}")
STORE_HEADS = ("$KV", "$O")
# In JSON documents of JetStream's API: what holds the name of a stream, or a subject.
NAME_FIELDS = frozenset(
    (
        "name",
        "stream",
        "stream_name",
        "streams",
        "subject",
        "subjects",
        "filter",
        "filter_subject",
        "filter_subjects",
        "last_by_subj",
        "next_by_subj",
    )
)


def user_name(tenant: str, service: str) -> str:
    """Return the name of a service's user."""
    return service if tenant == DAYDREAM else f"{tenant}-{service}"


@dataclass(frozen=True)
class Renaming:
    """Turn names under one root into the same names under another one."""

    root: str
    new_root: str
    streams: Mapping[str, str]

    def stream(self, name: str) -> str:
        """Return the name of a stream, also of one behind a bucket. Others stay as they are."""
        return self.streams.get(name, name)

    def subject(self, subject: str) -> str:
        """Return a subject: of a message, of a bucket's key, or of a request to JetStream."""
        head, dot, rest = subject.partition(".")
        if head == self.root and dot:
            return f"{self.new_root}.{rest}"
        if head in STORE_HEADS:
            bucket, dot, key = rest.partition(".")
            return f"{head}.{self._bucket(bucket)}{dot}{key}"
        if head == "$JS":
            return self._request(subject.split("."))
        return subject

    def document(self, value: Any, field: str = "") -> Any:
        """Return a JSON document of JetStream's API with the names in it renamed."""
        match value:
            case dict():
                return {key: self.document(inner, key) for key, inner in value.items()}
            case list():
                return [self.document(inner, field) for inner in value]
            case str() if field in NAME_FIELDS:
                return self.streams.get(value) or self.subject(value)
        return value

    def _bucket(self, name: str) -> str:
        head, dash, rest = name.partition("-")
        return f"{self.new_root}-{rest}" if head == self.root and dash else name

    def _request(self, tokens: list[str]) -> str:
        """Rename the stream; and the filter of a new consumer, which ends the subject."""
        for place, token in enumerate(tokens[1:], 1):
            if token == self.root or token in STORE_HEADS:
                ends = self.subject(".".join(tokens[place:]))
                return ".".join([*map(self.stream, tokens[:place]), ends])
        return ".".join(map(self.stream, tokens))


def to_tenant(tenant: str) -> Renaming:
    """Return how the names of the table become those of a tenant."""
    return Renaming(DAYDREAM, tenant, _streams(tenant))


def from_tenant(tenant: str) -> Renaming:
    """Return how names of a tenant become those of the table."""
    streams = {new: name for name, new in _streams(tenant).items()}
    return Renaming(tenant, DAYDREAM, streams)


def _streams(tenant: str) -> dict[str, str]:
    if tenant == DAYDREAM:
        return {}
    own = {stream.name: f"{tenant}-{stream.name}" for stream in STREAMS}
    behind = [f"KV_{bucket.name}" for bucket in BUCKETS]
    behind += [f"OBJ_{name}" for name in OBJECT_STORES]
    return own | {name: name.replace(f"_{DAYDREAM}-", f"_{tenant}-", 1) for name in behind}

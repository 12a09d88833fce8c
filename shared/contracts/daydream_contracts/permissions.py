"""Make the permissions of each NATS user from the table: `topology`, `buckets` and `grants`.

A client of JetStream asks its API by subjects that name the stream and the consumer, so rights are
given per stream. Replies come to an inbox of the user's own, which no other user may read. A
service may answer a request that it got (`allow_responses`), and so writes into no other inbox.

Who reads a stream makes short-lived consumers on it. Their names are not known before, so the
durable consumers of others are denied one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from daydream_contracts import grants
from daydream_contracts.buckets import BUCKETS, DELIVERY_COUNTS, OBJECT_STORES, SETTINGS, TOPOLOGY
from daydream_contracts.dead_letters import dead_letter_subject, is_resent
from daydream_contracts.grants import BACKUP, PROVISION, SERVICES, StoreGrant
from daydream_contracts.topology import (
    CONSUMERS,
    ENDPOINTS,
    LEDGER_SUBJECT,
    ROUTES,
    STREAMS,
    Consumer,
)

USERS = (*SERVICES, PROVISION, BACKUP)
API = "$JS.API"


@dataclass(frozen=True)
class Permissions:
    """Say to which subjects a user may publish, and to which it may subscribe. A denial wins."""

    publish: tuple[str, ...]
    publish_denied: tuple[str, ...]
    subscribe: tuple[str, ...]


def inbox_of(user: str) -> str:
    """Return the prefix of the subjects on which a user gets replies, without a last dot."""
    return f"_INBOX_{user}"


def permissions_of(user: str) -> Permissions:
    """Return the permissions of a service, `provision` or `backup`. Raise ValueError for others."""
    if user not in USERS:
        raise ValueError(f"no user {user!r}; there are {', '.join(USERS)}")
    apart = {PROVISION: _provisioning, BACKUP: _backing_up}
    publish = apart[user]() if user in apart else _publishing(user)
    return Permissions(
        publish=tuple(dict.fromkeys(publish)),
        publish_denied=tuple(dict.fromkeys(_denied(user))),
        subscribe=tuple(dict.fromkeys((f"{inbox_of(user)}.>", *_subscribing(user)))),
    )


def _subscribing(user: str) -> Iterator[str]:
    yield from (endpoint.subject for endpoint in ENDPOINTS if endpoint.service == user)
    yield from (subject for subject, peers in grants.BETWEEN_REPLICAS.items() if user in peers)
    if user in grants.WATCHERS:
        yield from (route.subject for route in ROUTES)
    for bucket, watchers in grants.BUCKET_WATCHERS.items():
        if user in watchers:
            yield f"$KV.{bucket.name}.>"


def _publishing(user: str) -> Iterator[str]:
    yield from (route.subject for route in ROUTES if user in route.publishers)
    yield from (endpoint.subject for endpoint, who in grants.CALLERS.items() if user in who)
    yield from (subject for subject, peers in grants.BETWEEN_REPLICAS.items() if user in peers)
    if user == grants.LEDGER_WRITER:
        yield LEDGER_SUBJECT
    if user == grants.CONSOLE:
        yield from (row.route.subject for row in CONSUMERS if is_resent(row))
    for consumer in CONSUMERS:
        if consumer.service == user:
            yield from _consuming(consumer)
        if user in grants.CONSUMER_OBSERVERS:
            yield f"{API}.CONSUMER.INFO.{consumer.route.stream}.{consumer.durable}"
    yield f"{API}.INFO"
    yield from (f"{API}.STREAM.INFO.{stream.name}" for stream in STREAMS)  # are they there?
    yield from _using_stores(user)


def _using_stores(user: str) -> Iterator[str]:
    for name, grant in grants.STREAMS.items():
        yield from _using(user, name, grant)
    for bucket, grant in grants.BUCKETS.items():
        yield from _using(user, f"KV_{bucket.name}", grant)
        if user in grant.writers:
            yield f"$KV.{bucket.name}.>"
    for name, grant in grants.OBJECT_STORES.items():
        yield from _using(user, f"OBJ_{name}", grant)
        if user in grant.writers:
            yield from (f"$O.{name}.>", f"{API}.STREAM.PURGE.OBJ_{name}")  # pieces of an old copy
    yield from (f"$KV.{SETTINGS.name}.{user}", f"{API}.STREAM.INFO.KV_{SETTINGS.name}")


def _consuming(consumer: Consumer) -> Iterator[str]:
    """Yield what the owner of a durable does with it, and with messages that fail."""
    stream, durable = consumer.route.stream, consumer.durable
    yield f"{API}.CONSUMER.MSG.NEXT.{stream}.{durable}"
    yield f"{API}.CONSUMER.INFO.{stream}.{durable}"
    yield f"{API}.CONSUMER.DURABLE.CREATE.{stream}.{durable}"  # again, if someone deleted it
    yield f"$JS.ACK.{stream}.{durable}.>"
    yield dead_letter_subject(stream)
    yield f"$KV.{DELIVERY_COUNTS.name}.{stream}.{durable}.>"


def _using(user: str, stream: str, grant: StoreGrant) -> Iterator[str]:
    """Yield what reading a stream needs, or the stream behind a bucket; and deleting from it."""
    if user in {*grant.readers, *grant.writers}:
        yield f"{API}.STREAM.INFO.{stream}"
    if user in grant.readers:
        yield f"{API}.STREAM.MSG.GET.{stream}"
        if grant.scanned:
            yield from _reading(stream)
    if user in grant.deleters:
        yield f"{API}.STREAM.MSG.DELETE.{stream}"
    if user in grant.purgers:
        yield f"{API}.STREAM.PURGE.{stream}"


def _reading(stream: str) -> Iterator[str]:
    """Yield what a short-lived consumer of one reader needs."""
    yield f"{API}.STREAM.NAMES"  # nats-py looks up the stream of a bucket by its subject
    yield f"{API}.CONSUMER.CREATE.{stream}"
    yield f"{API}.CONSUMER.CREATE.{stream}.>"
    yield f"{API}.CONSUMER.INFO.{stream}.*"
    yield f"{API}.CONSUMER.DELETE.{stream}.*"
    yield f"{API}.CONSUMER.MSG.NEXT.{stream}.*"
    yield f"$JS.FC.{stream}.>"  # flow control


def _denied(user: str) -> Iterator[str]:
    """Yield what a reader of a stream might do to the durables of other services there."""
    for consumer in CONSUMERS:
        stream, durable = consumer.route.stream, consumer.durable
        grant = grants.STREAMS[stream]
        if user in grant.readers and grant.scanned:
            yield f"{API}.CONSUMER.DELETE.{stream}.{durable}"
            if user != consumer.service:
                yield f"{API}.CONSUMER.MSG.NEXT.{stream}.{durable}"
                yield f"{API}.CONSUMER.CREATE.{stream}.{durable}"
                yield f"{API}.CONSUMER.CREATE.{stream}.{durable}.>"


def _provisioning() -> Iterator[str]:
    yield f"{API}.INFO"
    for stream in _all_streams():
        yield from (f"{API}.STREAM.{act}.{stream}" for act in ("INFO", "CREATE", "UPDATE"))
    for consumer in CONSUMERS:
        yield f"{API}.CONSUMER.DURABLE.CREATE.{consumer.route.stream}.{consumer.durable}"
        yield f"{API}.CONSUMER.INFO.{consumer.route.stream}.{consumer.durable}"
    yield from (f"{API}.STREAM.MSG.GET.KV_{TOPOLOGY.name}", f"$KV.{TOPOLOGY.name}.>")


def _backing_up() -> Iterator[str]:
    """Yield what copying a stream needs; and making it from a copy, where there is none."""
    for stream in _all_streams():
        yield from (f"{API}.STREAM.{act}.{stream}" for act in ("INFO", "SNAPSHOT", "RESTORE"))
        yield from (f"$JS.SNAPSHOT.{part}.{stream}.>" for part in ("ACK", "RESTORE"))


def _all_streams() -> Iterator[str]:
    yield from (stream.name for stream in STREAMS)
    yield from (f"KV_{bucket.name}" for bucket in BUCKETS)
    yield from (f"OBJ_{name}" for name in OBJECT_STORES)

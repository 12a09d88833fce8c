"""Create the streams, consumers and buckets of the table. Every service does so at its start.

A stream or consumer that exists with other settings is updated to the table. FastStream and
nats-py ignore such drift silently, and a plain stream name would even reset a stream's limits. So
this is done with nats-py, and FastStream gets `declare=False`. A mirror and a ledger are never
shrunk.

Nothing allows direct reads, which any replica of a stream answers. On three nodes 3 of 234 such
reads did not find a value that was acknowledged before, and one gave an old value. Here "not found"
means "never paid", "never drawn" or "never failed". `KeyValue.get` of nats-py 2.16 asks
`$JS.API.DIRECT.GET` if the bucket's stream allows direct reads, otherwise `$JS.API.STREAM.MSG.GET`.
The latter is answered by the stream's leader alone (`jsMsgGetRequest` in nats-server), and so are
`get_msg` and the information about objects in object stores.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, BadRequestError, NotFoundError
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception, wait_fixed

from daydream_contracts.buckets import BUCKETS, OBJECT_STORES, Bucket
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import ACK_WAIT_S, CONSUMERS, STREAMS, Consumer, Retention, Stream
from daydream_runtime.broker_errors import (
    NAME_IN_USE,
    RETRY_LATER,
    STORAGE_EXCEEDED,
    STREAM_NOT_FOUND,
    error_code,
    kind_of,
)

log = logging.getLogger(__name__)
T = TypeVar("T")
GIB = 1 << 30
RETRY_S = 0.5
DUPLICATES_S = 120


async def provision_when_ready(nc: Client, replicas: int) -> None:
    """Provision, and wait for a JetStream that is still starting.

    Raise ConfigurationError if the server refuses a stream.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception(_is_starting),
        wait=wait_fixed(RETRY_S),
        before_sleep=before_sleep_log(log, logging.INFO),
    )
    try:
        await retrying(provision, nc, replicas=replicas)
    except APIError as error:
        raise _configuration_error(error) from None


def _is_starting(error: BaseException) -> bool:
    """Return True if the same again will help.

    A stream that another service creates at this moment is both in use and not found, in a cluster.
    """
    return kind_of(error) is RETRY_LATER or error_code(error) == STREAM_NOT_FOUND


def _configuration_error(error: APIError) -> ConfigurationError:
    problem = f"NATS refuses a stream: {error.description} (code {error_code(error)})"
    if error_code(error) != STORAGE_EXCEEDED:
        return ConfigurationError(problem, "Check its JetStream settings and permissions")
    needed = sum(max(0, store.bytes_max) for store in (*STREAMS, *BUCKETS)) / GIB
    return ConfigurationError(
        problem,
        f"The streams may grow to {needed:.1f} GiB on each server: free that space, "
        "or raise max_file_store in the server's configuration",
    )


async def provision(nc: Client, *, replicas: int) -> None:
    """Create or update everything in the table. Raise the server's error if it refuses."""
    js = nc.jetstream(timeout=10)
    for stream in STREAMS:
        await ensure_stream(js, stream, replicas)
    for bucket in BUCKETS:
        await _ensure_bucket(js, bucket, replicas)
    for name in OBJECT_STORES:
        await _ensure_objects(js, name, replicas)
    for consumer in CONSUMERS:
        await ensure_consumer(js, consumer)


def stream_config(stream: Stream, replicas: int) -> api.StreamConfig:
    """Return the JetStream configuration of a row."""
    return api.StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects) or None,
        retention=api.RetentionPolicy(stream.retention.value),
        discard=api.DiscardPolicy.NEW
        if stream.retention is Retention.WORK or stream.append_only
        else api.DiscardPolicy.OLD,
        max_msgs=stream.messages_max,
        max_bytes=stream.bytes_max,
        max_age=float(stream.age_max_s),
        storage=api.StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=0 if stream.mirror_of else DUPLICATES_S,
        deny_delete=stream.append_only,
        allow_direct=False,
        mirror_direct=False,
        mirror=api.StreamSource(name=stream.mirror_of) if stream.mirror_of else None,
    )


async def ensure_stream(js: JetStreamContext, stream: Stream, replicas: int) -> None:
    """Create the stream, or update an existing one to the table. Its replicas only grow."""
    wanted = stream_config(stream, replicas)
    try:
        await js.add_stream(wanted)
    except BadRequestError as error:
        if error_code(error) != NAME_IN_USE:
            raise
        existing = (await js.stream_info(stream.name)).config
        wanted.num_replicas = max(replicas, existing.num_replicas or 1)
        await js.update_stream(wanted)


def consumer_config(consumer: Consumer) -> api.ConsumerConfig:
    """Return the configuration of a row. State every setting, even if it equals the default."""
    return api.ConsumerConfig(
        durable_name=consumer.durable,
        filter_subject=consumer.route.subject,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_deliver=-1,
        max_ack_pending=10_000,
        max_waiting=512,
        deliver_policy=api.DeliverPolicy.ALL,
    )


async def ensure_consumer(js: JetStreamContext, consumer: Consumer) -> None:
    """Create the durable, or update an existing one to the table (`add_consumer` does both)."""
    await js.add_consumer(consumer.route.stream, consumer_config(consumer))


async def _ensure_bucket(js: JetStreamContext, bucket: Bucket, replicas: int) -> None:
    """Create the bucket, or update an existing one to the table."""
    config = api.KeyValueConfig(
        bucket=bucket.name,
        history=1,
        ttl=bucket.ttl_s or None,
        max_bytes=bucket.bytes_max,
        replicas=replicas,
        direct=False,
    )
    await _create_once(js.key_value(bucket.name), lambda: js.create_key_value(config))
    await _align(
        js,
        f"KV_{bucket.name}",
        replicas,
        max_age=float(bucket.ttl_s),
        max_bytes=bucket.bytes_max,
        allow_direct=False,
    )


async def _ensure_objects(js: JetStreamContext, name: str, replicas: int) -> None:
    """Create the object store, or update an existing one."""
    config = api.ObjectStoreConfig(bucket=name, replicas=replicas)
    await _create_once(js.object_store(name), lambda: js.create_object_store(name, config=config))
    await _align(js, f"OBJ_{name}", replicas, allow_direct=False)


async def _align(js: JetStreamContext, name: str, replicas: int, **wanted: object) -> None:
    """Update what differs in the stream behind a bucket. Its replicas only grow."""
    config = (await js.stream_info(name)).config
    wanted["num_replicas"] = max(replicas, config.num_replicas or 1)
    drift = {key: value for key, value in wanted.items() if getattr(config, key) != value}
    if drift:
        await js.update_stream(config, **drift)


async def _create_once(lookup: Awaitable[T], create: Callable[[], Awaitable[T]]) -> None:
    try:
        await lookup
    except NotFoundError:
        try:
            await create()
        except APIError as error:  # another service was faster
            if error_code(error) != NAME_IN_USE:
                raise
            await asyncio.sleep(0)

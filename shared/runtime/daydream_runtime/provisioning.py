"""Makes the streams, consumers and buckets of the table, idempotently, by whichever service starts first.

A stream or consumer that exists with other settings is updated to the table: FastStream and nats-py both ignore such
drift silently, and a plain stream name would even reset a stream's limits. A mirror and a ledger are never shrunk.
"""

from __future__ import annotations

import asyncio

from nats.aio.client import Client
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, BadRequestError, NotFoundError

from daydream_contracts.topology import (
    ACK_WAIT_S,
    BUCKETS,
    CONSUMERS,
    OBJECT_STORES,
    STREAMS,
    Bucket,
    Consumer,
    Retention,
    Stream,
)

NAME_IN_USE = 10058
DUPLICATES_S = 120


async def provision(nc: Client, *, replicas: int) -> None:
    """Make or update everything in the table. Raises the server's error when it refuses."""
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
    """The JetStream configuration of a row."""
    return api.StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects) or None,
        retention=api.RetentionPolicy(stream.retention.value),
        discard=api.DiscardPolicy.NEW
        if stream.retention is Retention.WORK or stream.sealed_history
        else api.DiscardPolicy.OLD,
        max_msgs=stream.messages_max,
        max_bytes=stream.bytes_max,
        max_age=float(stream.age_max_s),
        storage=api.StorageType.FILE,
        num_replicas=replicas,
        duplicate_window=0 if stream.mirror_of else DUPLICATES_S,
        deny_delete=stream.sealed_history,
        allow_direct=True,
        mirror=api.StreamSource(name=stream.mirror_of) if stream.mirror_of else None,
    )


async def ensure_stream(js: JetStreamContext, stream: Stream, replicas: int) -> None:
    """Make the stream, or bring an existing one to the table's settings."""
    wanted = stream_config(stream, replicas)
    try:
        await js.add_stream(wanted)
    except BadRequestError as error:
        if error.err_code != NAME_IN_USE:
            raise
        wanted.deny_purge = (
            await js.stream_info(stream.name)
        ).config.deny_purge  # of an early build; the server never takes it back
        await js.update_stream(wanted)


def consumer_config(consumer: Consumer) -> api.ConsumerConfig:
    """Every setting is stated, even where it equals the default."""
    return api.ConsumerConfig(
        durable_name=consumer.durable,
        filter_subject=consumer.flow.subject,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_deliver=-1,
        max_ack_pending=10_000,
        max_waiting=512,
        deliver_policy=api.DeliverPolicy.ALL,
    )


async def ensure_consumer(js: JetStreamContext, consumer: Consumer) -> None:
    """Make the durable, or bring an existing one to the table's settings (`add_consumer` updates what may change)."""
    await js.add_consumer(consumer.flow.stream, consumer_config(consumer))


async def _ensure_bucket(js: JetStreamContext, bucket: Bucket, replicas: int) -> None:
    config = api.KeyValueConfig(
        bucket=bucket.name,
        history=1,
        ttl=bucket.ttl_s or None,
        max_bytes=bucket.bytes_max,
        replicas=replicas,
        direct=True,
    )
    await _made_once(js.key_value(bucket.name), lambda: js.create_key_value(config))


async def _ensure_objects(js: JetStreamContext, name: str, replicas: int) -> None:
    config = api.ObjectStoreConfig(bucket=name, replicas=replicas)
    await _made_once(js.object_store(name), lambda: js.create_object_store(name, config=config))


async def _made_once(look, make) -> None:  # type: ignore[no-untyped-def]
    try:
        await look
    except NotFoundError:
        try:
            await make()
        except APIError as error:  # another service was faster
            if error.err_code != NAME_IN_USE:
                raise
            await asyncio.sleep(0)

"""Create or update one stream, consumer, bucket or object store to its row of the table.

What exists is looked up first. A create of what exists would be refused on a disk whose space the
streams have reserved, and so would an update that changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any, TypeVar

from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

from daydream_contracts.buckets import Bucket
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import ACK_WAIT_S, Consumer, Retention, Stream
from daydream_runtime.broker_errors import NAME_IN_USE, error_code

T = TypeVar("T")
DUPLICATES_S = 120
SLOTS_MAX = 4096  # of all replicas behind one consumer: each idle one has a request waiting


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
    """Create the stream, or update an existing one to the table.

    Raise ConfigurationError if it has more replicas than wanted.
    """
    wanted = stream_config(stream, replicas)
    await _create_once(js.stream_info(stream.name), lambda: js.add_stream(wanted))
    settings = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    del settings["mirror"]  # cannot be changed
    await _align(js, stream.name, settings)


def _check_replicas(existing: api.StreamConfig, wanted: int) -> None:
    """Refuse to remove copies: a wrong setting would do so unseen."""
    copies = existing.num_replicas or 1
    if copies > wanted:
        raise ConfigurationError(
            f"The stream {existing.name} has {copies} copies, and {wanted} are wanted",
            f"Set DAYDREAM_STREAM_REPLICAS={copies}, or remove copies of all streams with the "
            "nats command first",
        )


def consumer_config(consumer: Consumer) -> api.ConsumerConfig:
    """Return the configuration of a row. State every setting, even if it equals the default."""
    return api.ConsumerConfig(
        durable_name=consumer.durable,
        filter_subject=consumer.route.subject,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_deliver=-1,
        max_ack_pending=10_000,
        max_waiting=SLOTS_MAX,
        deliver_policy=api.DeliverPolicy.ALL,
    )


async def ensure_consumer(js: JetStreamContext, consumer: Consumer) -> None:
    """Create the durable, or update an existing one to the table (`add_consumer` does both).

    NATS refuses to change how many requests may wait: an existing consumer keeps its number.
    """
    wanted = consumer_config(consumer)
    with suppress(NotFoundError):
        existing = await js.consumer_info(consumer.route.stream, consumer.durable)
        wanted = replace(wanted, max_waiting=existing.config.max_waiting)
    await js.add_consumer(consumer.route.stream, wanted)


async def ensure_bucket(js: JetStreamContext, bucket: Bucket, replicas: int) -> None:
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
    settings = {
        "max_age": float(bucket.ttl_s),
        "max_bytes": bucket.bytes_max,
        "allow_direct": False,
        "num_replicas": replicas,
    }
    await _align(js, f"KV_{bucket.name}", settings)


async def ensure_objects(js: JetStreamContext, name: str, replicas: int) -> None:
    """Create the object store, or update an existing one."""
    config = api.ObjectStoreConfig(bucket=name, replicas=replicas)
    await _create_once(js.object_store(name), lambda: js.create_object_store(name, config=config))
    await _align(js, f"OBJ_{name}", {"allow_direct": False, "num_replicas": replicas})


async def _align(js: JetStreamContext, name: str, wanted: Mapping[str, Any]) -> None:
    """Update what differs in a stream. None: any value will do; False and 0 may be unset there."""
    config = (await js.stream_info(name)).config
    _check_replicas(config, wanted["num_replicas"])
    drift = {
        key: value
        for key, value in wanted.items()
        if value is not None and (getattr(config, key) or 0) != (value or 0)
    }
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

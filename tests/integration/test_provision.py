"""Streams, consumers and buckets are what the table says, whoever starts first and whatever was
there before.
"""

from __future__ import annotations

import asyncio

import pytest
from nats.aio.client import Client
from nats.js import api

from daydream_contracts.buckets import BUCKETS, CALLS, OBJECT_STORES
from daydream_contracts.topology import CONSUMERS, STREAMS
from daydream_runtime.provisioning import consumer_config, provision


async def test_several_services_may_start_at_once_and_again(nc: Client) -> None:
    await asyncio.gather(*(provision(nc, replicas=1) for _ in range(4)))
    await provision(nc, replicas=1)
    js = nc.jetstream()
    for stream in STREAMS:
        config = (await js.stream_info(stream.name)).config
        assert (config.retention, config.max_msgs) == (stream.retention.value, stream.messages_max)
    for consumer in CONSUMERS:
        config = (await js.consumer_info(consumer.route.stream, consumer.durable)).config
        assert (config.max_deliver, config.ack_wait, config.ack_policy) == (-1, 10, "explicit")
    for bucket in BUCKETS:
        assert (await js.key_value(bucket.name)) is not None


async def test_drift_of_an_existing_durable_or_stream_is_mended(nc: Client) -> None:
    await provision(nc, replicas=1)
    js = nc.jetstream()
    config = consumer_config(CONSUMERS[0])
    config.ack_wait = 30
    await js.add_consumer(CONSUMERS[0].route.stream, config)
    stream = (await js.stream_info("PAIRS")).config
    stream.max_msgs = 5
    await js.update_stream(stream)
    await provision(nc, replicas=1)
    assert (
        await js.consumer_info(CONSUMERS[0].route.stream, CONSUMERS[0].durable)
    ).config.ack_wait == 10
    assert (await js.stream_info("PAIRS")).config.max_msgs == STREAMS[0].messages_max


async def test_an_entry_of_the_ledger_can_not_be_deleted_nor_make_room_for_another(
    nc: Client,
) -> None:
    await provision(nc, replicas=1)
    config = (await nc.jetstream().stream_info("LEDGER")).config
    assert config.deny_delete
    assert config.discard == api.DiscardPolicy.NEW


async def test_no_bucket_or_stream_is_read_from_a_follower(nc: Client) -> None:
    await provision(nc, replicas=1)
    js = nc.jetstream()
    streams = [stream.name for stream in STREAMS]
    streams += [f"KV_{bucket.name}" for bucket in BUCKETS]
    streams += [f"OBJ_{name}" for name in OBJECT_STORES]
    for name in streams:
        config = (await js.stream_info(name)).config
        assert not config.allow_direct, name
        assert not config.mirror_direct, name


async def test_a_read_of_a_bucket_asks_the_leader_of_its_stream(
    nc: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await provision(nc, replicas=1)
    bucket = await nc.jetstream().key_value(CALLS.name)
    await bucket.put("key", b"value")
    asked: list[str] = []
    request = nc.request

    async def record(subject: str, *arguments: object, **options: object) -> object:
        asked.append(subject)
        return await request(subject, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(nc, "request", record)  # only the subject shows who answers
    assert (await bucket.get("key")).value == b"value"
    assert asked == [f"$JS.API.STREAM.MSG.GET.KV_{CALLS.name}"]


async def test_an_existing_bucket_is_updated_and_keeps_its_values(nc: Client) -> None:
    js = nc.jetstream()
    old = await js.create_key_value(
        api.KeyValueConfig(bucket=CALLS.name, history=1, ttl=60, direct=True)
    )
    await old.put("key", b"value")
    await provision(nc, replicas=1)
    config = (await js.stream_info(f"KV_{CALLS.name}")).config
    assert (config.allow_direct, config.max_age) == (False, CALLS.ttl_s)
    assert config.max_bytes == CALLS.bytes_max
    assert (await (await js.key_value(CALLS.name)).get("key")).value == b"value"

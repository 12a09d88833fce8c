"""Streams, consumers and buckets are what the table says, whoever starts first and whatever was
there before.
"""

from __future__ import annotations

import asyncio

from nats.aio.client import Client
from nats.js import api

from daydream_contracts.buckets import BUCKETS
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

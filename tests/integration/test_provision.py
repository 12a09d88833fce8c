"""Streams, consumers and buckets are what the table says, whichever process starts first and
whatever was there before.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.js import api

from daydream_contracts.buckets import BUCKETS, CALLS, OBJECT_STORES, TOPOLOGY
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import PairSampled
from daydream_contracts.topology import (
    CONSUMERS,
    GENERATION,
    STAGE_MESSAGES,
    STAGE_STREAMS,
    STREAMS,
    route_of,
)
from daydream_runtime import provisioning
from daydream_runtime.jetstream_objects import consumer_config
from daydream_runtime.provisioning import provision
from support.programs import NatsServer, clean_environment

BUCKET = CALLS[0]


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


async def test_the_streams_of_the_stages_hold_what_is_asked_for(nc: Client) -> None:
    await provision(nc, replicas=1, stage_messages=900)
    js = nc.jetstream()
    for stream in STREAMS:
        wanted = 900 if stream.name in STAGE_STREAMS else stream.messages_max
        assert (await js.stream_info(stream.name)).config.max_msgs == wanted


async def test_a_stream_that_is_made_smaller_loses_nothing(nc: Client) -> None:
    js = nc.jetstream()
    route = route_of(PairSampled)
    await provision(nc, replicas=1, stage_messages=300)
    for _ in range(300):
        await js.publish(route.subject, b"{}")
    await provision(nc, replicas=1)
    info = await js.stream_info(route.stream)
    assert (info.config.max_msgs, info.state.messages) == (STAGE_MESSAGES, 300)
    await js.purge_stream(route.stream)


async def test_a_consumer_keeps_its_number_of_waiting_requests(nc: Client) -> None:
    """NATS refuses to change it."""
    js, row = nc.jetstream(), CONSUMERS[0]
    await js.delete_consumer(row.route.stream, row.durable)
    old = replace(consumer_config(row), max_waiting=512)
    await js.add_consumer(row.route.stream, old)
    await provision(nc, replicas=1)
    info = await js.consumer_info(row.route.stream, row.durable)
    assert info.config.max_waiting == 512


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
    bucket = await nc.jetstream().key_value(BUCKET.name)
    await bucket.put("key", b"value")
    asked: list[str] = []
    request = nc.request

    async def record(subject: str, *arguments: object, **options: object) -> object:
        asked.append(subject)
        return await request(subject, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(nc, "request", record)  # only the subject shows who answers
    assert (await bucket.get("key")).value == b"value"
    assert asked == [f"$JS.API.STREAM.MSG.GET.KV_{BUCKET.name}"]


async def test_an_existing_bucket_is_updated_and_keeps_its_values(nc: Client) -> None:
    js = nc.jetstream()
    await js.delete_key_value(BUCKET.name)
    old = await js.create_key_value(
        api.KeyValueConfig(bucket=BUCKET.name, history=1, ttl=60, direct=True)
    )
    await old.put("key", b"value")
    await provision(nc, replicas=1)
    config = (await js.stream_info(f"KV_{BUCKET.name}")).config
    assert (config.allow_direct, config.max_age) == (False, BUCKET.ttl_s)
    assert config.max_bytes == BUCKET.bytes_max
    assert (await (await js.key_value(BUCKET.name)).get("key")).value == b"value"


@pytest.mark.fault(
    "F32", invariant="an older program leaves streams and consumers of a newer one alone"
)
async def test_an_older_program_changes_nothing_that_a_newer_one_made(nc: Client) -> None:
    js = nc.jetstream()
    newer = (await js.stream_info("INSIGHTS")).config
    newer.subjects = [*(newer.subjects or []), "daydream.insight.of-the-future"]
    await js.update_stream(newer)
    bucket = await js.key_value(TOPOLOGY.name)
    await bucket.put(provisioning.GENERATION_KEY, str(GENERATION + 1).encode())
    assert await provision(nc, replicas=1) == GENERATION + 1
    assert (await js.stream_info("INSIGHTS")).config.subjects == newer.subjects
    await provisioning.wait_for(nc, no_pause)  # and it may work beside the newer one


async def test_a_program_waits_for_its_generation_and_for_every_stream(nc: Client) -> None:
    js = nc.jetstream()
    await js.delete_stream("REVIEWS")
    reasons: list[str] = []

    async def provision_meanwhile(_: float) -> None:
        reasons.append("waited")
        await provision(nc, replicas=1)

    await provisioning.wait_for(nc, provision_meanwhile)
    await (await js.key_value(TOPOLOGY.name)).put(provisioning.GENERATION_KEY, b"0")
    await provisioning.wait_for(nc, provision_meanwhile)
    assert reasons == ["waited", "waited"]


async def no_pause(_: float) -> None:
    raise AssertionError("nothing to wait for")


async def test_more_copies_than_wanted_are_refused_with_the_fix(nc: Client) -> None:
    with pytest.raises(ConfigurationError, match="has 1 copies, and 0 are wanted") as refusal:
        await provision(nc, replicas=0)
    assert "DAYDREAM_STREAM_REPLICAS=1" in refusal.value.fix


def test_the_command_provisions_a_bare_server_and_says_what_is_wrong(
    bare_server: NatsServer, tmp_path: Path
) -> None:
    def run(url: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "daydream_runtime.provision_command"],
            env=clean_environment(tmp_path, DAYDREAM_NATS_URL=url),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    first, again = run(bare_server.url), run(bare_server.url)
    assert (first.returncode, again.returncode) == (0, 0)
    assert f"those of generation {GENERATION}" in first.stderr + first.stdout
    nowhere = run("nats://127.0.0.1:1")
    assert nowhere.returncode == 2
    assert "DAYDREAM_NATS_URL" in nowhere.stderr

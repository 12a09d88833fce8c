"""A full disk under NATS, and a network that passes nothing on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from daydream_console.local.nats_health import NatsHealth
from daydream_contracts.events import HypothesisProposed, PairSampled
from support.faulty_broker import FILES_MAX
from support.message_builders import hypothesis, pair
from support.polling import eventually
from support.programs import NatsServer
from support.small_disk import small_disk
from support.stage import running_stage
from support.tcp_proxy import tcp_proxy

DISK_MB = 128
ACK_WAIT_S, HEARTBEAT_S = 1.0, 0.3


async def cannot_publish(js: JetStreamContext) -> bool:
    """Publish until that fails, up to some megabytes."""
    for _ in range(50):
        try:
            await js.publish("a", bytes(100_000))
        except TimeoutError:
            return True
    return False


@pytest.mark.fault("F25", invariant="a server whose full disk has space again is started again")
async def test_a_stream_that_could_not_be_written_needs_a_restart_once_there_is_space(
    tmp_path: Path,
) -> None:
    with small_disk(tmp_path / "disk", DISK_MB) as disk:
        if disk is None:
            pytest.skip("this system allows no user namespaces")
        server = NatsServer(tmp_path, sync_always=True, disk=disk, files_max=FILES_MAX)
        await asyncio.to_thread(server.start)
        client = await nats.connect(server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
        try:
            js = client.jetstream(timeout=0.5)
            await js.add_stream(StreamConfig(name="A", subjects=["a"]))
            health = NatsHealth(server.health, disk.seen)
            disk.fill()
            assert await cannot_publish(js), "the file may have some space left, but not so much"
            assert not await health.is_stuck(), "a restart without space helps nothing"
            disk.free()
            assert await health.is_stuck()
            with pytest.raises(TimeoutError):
                await js.publish("a", b"space alone does not help")
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            await eventually(lambda: client.is_connected)
            assert (await js.publish("a", b"again")).stream == "A"
            assert not await health.is_stuck()
        finally:
            await client.close()
            server.kill()


@pytest.mark.fault("F7", invariant="a stage that is cut off in the middle of a call passes on once")
async def test_a_stage_that_is_cut_off_during_a_call_passes_its_result_on_once(
    server: NatsServer, nc: Client
) -> None:
    begun, runs = asyncio.Event(), 0
    async with tcp_proxy(server.port) as proxy:

        async def handler(message: PairSampled) -> HypothesisProposed:
            nonlocal runs
            runs += 1
            begun.set()
            await asyncio.sleep(ACK_WAIT_S)
            return hypothesis()

        async with running_stage(
            proxy.url, nc, handler, ack_wait_s=ACK_WAIT_S, heartbeat_s=HEARTBEAT_S
        ) as stage:
            await stage.put(pair())
            await begun.wait()
            proxy.partition()
            healed_at = time.monotonic() + 2.5 * ACK_WAIT_S
            await eventually(lambda: time.monotonic() > healed_at)
            proxy.heal()
            await stage.until(stage.empty, 60)
            assert (await stage.js.stream_info("HYPOTHESES")).state.messages == 1
            assert 1 <= runs <= 3
            assert await stage.dead() == []

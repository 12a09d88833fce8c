"""How many messages are in progress, and what a slow, full or lost part does to them."""

from __future__ import annotations

import asyncio
from functools import partial

import nats.errors
import pytest
from nats.aio.client import Client

from daydream_contracts.events import (
    HypothesisProposed,
    PairSampled,
)
from daydream_contracts.topology import (
    route_of,
)
from daydream_runtime.jetstream_objects import consumer_config
from support.message_builders import hypothesis, pair
from support.programs import NatsServer
from support.stage import SYNTHESIZER, StageOf, running_stage


@pytest.fixture
def stage_of(server: NatsServer, nc: Client) -> StageOf:
    return partial(running_stage, server.url, nc)


@pytest.mark.fault("F11", invariant="a long call keeps its message and runs once")
async def test_a_call_that_takes_longer_than_the_ack_wait_runs_once(stage_of: StageOf) -> None:
    calls, ack_wait_s = 0, 0.5

    async def handler(message: PairSampled) -> None:
        nonlocal calls
        calls += 1
        clock = asyncio.get_running_loop()
        end = clock.time() + 3 * ack_wait_s
        while clock.time() < end:
            await asyncio.sleep(0.05)

    async with stage_of(handler, ack_wait_s=ack_wait_s, heartbeat_s=0.15, concurrency=2) as stage:
        await stage.put(pair())
        await stage.until(stage.empty)
        assert calls == 1


async def test_exactly_n_messages_are_in_progress_and_none_waits_behind_a_slow_one(
    stage_of: StageOf,
) -> None:
    in_progress, most, order = 0, 0, []
    gate, others_done = asyncio.Event(), asyncio.Event()

    async def handler(message: PairSampled) -> None:
        nonlocal in_progress, most
        in_progress += 1
        most = max(most, in_progress)
        await (others_done if message == pair(0) else gate).wait()
        order.append(message.pair_id)
        in_progress -= 1
        if len(order) == 11:
            others_done.set()

    async with stage_of(handler, concurrency=3) as stage:
        await stage.put(*(pair(number) for number in range(12)))
        await stage.until(lambda: in_progress == 3)
        assert (await stage.js.consumer_info("PAIRS", SYNTHESIZER.durable)).num_ack_pending <= 3, (
            "nothing is fetched ahead"
        )
        gate.set()
        await stage.until(stage.empty)
        assert most == 3
        assert order[-1] == pair(0).pair_id, "eleven quick ones pass the slow one"


async def test_a_full_stage_pushes_back_and_nothing_is_dropped(stage_of: StageOf) -> None:
    calls = 0

    async def handler(message: PairSampled) -> HypothesisProposed:
        nonlocal calls
        calls += 1
        return hypothesis(1000)

    async with stage_of(handler) as stage:
        config = (await stage.js.stream_info("HYPOTHESES")).config
        config.max_msgs = 1
        await stage.js.update_stream(config)
        await stage.js.publish(
            route_of(HypothesisProposed).subject, hypothesis(1).model_dump_json().encode()
        )
        await stage.put(pair())
        await stage.until(lambda: calls >= 3)
        assert not await stage.empty(), "the pair waits"
        assert await stage.dead() == []
        await stage.js.purge_stream("HYPOTHESES")
        await stage.until(stage.empty)


@pytest.mark.fault("F10 F38", invariant="a message that kills its workers is put aside")
async def test_a_message_that_kills_its_workers_is_put_aside_in_the_end(
    stage_of: StageOf, nc: Client
) -> None:
    js = nc.jetstream()

    async def handler(message: PairSampled) -> None:
        raise AssertionError("must not be called any more")

    await js.publish(route_of(PairSampled).subject, pair().model_dump_json().encode())
    reader = await js.pull_subscribe_bind(SYNTHESIZER.durable, stream="PAIRS")
    for _ in range(11):  # workers that take it and say nothing any more, as if they had died
        config = consumer_config(SYNTHESIZER)
        config.ack_wait = 0.05
        await js.add_consumer("PAIRS", config)
        await reader.fetch(1, timeout=5)
    async with stage_of(handler, ack_wait_s=1) as stage:
        await stage.until(stage.empty)
        ((_, _, headers),) = await stage.dead()
        assert headers["Daydream-Reason"] == "worker-died"


@pytest.mark.fault("F4", invariant="a stage continues after a kill of NATS")
async def test_work_goes_on_after_the_server_was_killed_and_started_again(
    stage_of: StageOf, server: NatsServer
) -> None:
    done: list[str] = []

    async def handler(message: PairSampled) -> None:
        done.append(message.pair_id)

    async with stage_of(handler) as stage:
        await stage.put(pair(1))
        await stage.until(lambda: len(done) == 1)
        server.kill()
        server.start()

        async def put() -> bool:
            try:
                await stage.put(pair(2))
            except (nats.errors.Error, TimeoutError):
                return False
            return True

        await stage.until(put)
        await stage.until(lambda: pair(2).pair_id in done)

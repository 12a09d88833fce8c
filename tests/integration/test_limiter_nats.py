"""Limiters of several replicas over a real NATS server, which can go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import nats
from nats.aio.client import Client

from daydream_budget.gateway.limiter.nats_channel import NatsReplicaChannel
from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.limiter.terms import LimiterSettings, LimiterState
from support.programs import NatsServer

POLL_S = 0.02
PATIENCE_S = 20.0


async def eventually(condition: Callable[[], bool], name: str) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, name
        await asyncio.sleep(POLL_S)


@asynccontextmanager
async def replica(nc: Client, name: str) -> AsyncIterator[LimiterRegistry]:
    async with NatsReplicaChannel(nc) as channel:
        registry = LimiterRegistry(
            lambda _: LimiterSettings(), asyncio.get_running_loop(), channel=channel, replica=name
        )
        registry.start()
        yield registry
        registry.stop()


def state(registry: LimiterRegistry) -> LimiterState:
    return registry.limiter("simulated", "model").state()


async def test_a_refusal_closes_all_replicas_and_one_probe_opens_them(
    server: NatsServer, nc: Client
) -> None:
    other = await nats.connect(server.url)
    async with replica(nc, "a") as first, replica(other, "b") as second:
        await eventually(lambda: state(first).replicas == 2, "the replicas know each other")
        limiter = first.limiter("simulated", "model")
        turn = await limiter.acquire(patience_s=1)
        limiter.report(turn, "overloaded", retry_after_s=0.5, reason="Overloaded")
        await eventually(lambda: state(second).status == "closed", "the other replica closed")
        assert state(second).reason == "Overloaded"
        async with limiter.turn(patience_s=10) as probe:
            assert probe.probe
            limiter.report(probe, "ok")
        await eventually(lambda: state(second).status == "open", "the other replica opened")
    await other.close()


async def test_a_replica_that_stops_says_so(server: NatsServer, nc: Client) -> None:
    other = await nats.connect(server.url)
    async with replica(nc, "a") as stays:
        async with replica(other, "b"):
            await eventually(lambda: state(stays).replicas == 2, "the replicas know each other")
        await eventually(lambda: state(stays).replicas == 1, "the other replica is forgotten")
    await other.close()


async def test_a_server_that_is_away_stops_no_calls(server: NatsServer, nc: Client) -> None:
    other = await nats.connect(server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.05)
    async with replica(nc, "a") as first, replica(other, "b") as second:
        await eventually(lambda: state(first).replicas == 2, "the replicas know each other")
        server.kill()
        await eventually(lambda: not nc.is_connected, "the connection is lost")
        for registry in (first, second):
            limiter = registry.limiter("simulated", "model")
            turn = await limiter.acquire(patience_s=1)
            limiter.report(turn, "busy", retry_after_s=0.1)
            limiter.report(await limiter.acquire(patience_s=10), "ok")
        server.start()
        limiter = second.limiter("simulated", "model")
        turn = await limiter.acquire(patience_s=10)
        limiter.report(turn, "stop", reason="Insufficient Balance")
        await eventually(lambda: state(first).status == "stopped", "replicas share again")
    await other.close()

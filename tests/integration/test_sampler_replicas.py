"""Three replicas of the sampler that are cut off anywhere draw every pair once, in batches.

NATS is real. Memory and budget answer from this process, so that this takes seconds; the chaos test
kills real processes beside real services.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_contracts.buckets import DRAWN_PAIRS, PLANS, SAMPLER
from daydream_contracts.events import FactKind, PairSampled
from daydream_contracts.rpc import (
    FindNeighbours,
    FindPairs,
    Grant,
    MemoryState,
    OpenReservation,
    PairFound,
    PairsFound,
    Refusal,
)
from daydream_contracts.topology import (
    BUDGET_OPEN,
    MEMORY_NEIGHBOURHOODS,
    MEMORY_PAIRS,
    MEMORY_STATE,
    Endpoint,
    route_of,
)
from daydream_models.stage_plans import StagePlan, publish_plan
from daydream_runtime.application import end_tasks
from daydream_runtime.cas_state import CasState
from daydream_runtime.rpc import RpcClient
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.telemetry import start_telemetry
from daydream_runtime.verdict_projection import Projector
from daydream_sampler.drawn_pairs import DrawnPairs
from daydream_sampler.epoch import KEY, Epoch
from daydream_sampler.pair_numbers import pair_count, pair_number
from daydream_sampler.pair_sampler import PairSampler
from daydream_sampler.plan_cache import PlanCache
from daydream_sampler.settings import SamplerSettings
from daydream_sampler.simulation.draws import FactSpace
from daydream_sampler.strategies.registry import load_strategies
from daydream_sampler.strategy_history import StrategyHistory
from support.message_builders import fact
from support.polling import eventually

FACTS = 11
PAIRS = pair_count(FACTS)
LEASE = timedelta(seconds=0.3)
STAGE = "synthesizer"
REFUSED_SHARE = 0.2


class FakeMemoryAndBudget:
    """A memory of some facts, and a budget that refuses now and then, but never runs out."""

    def __init__(self, nc: Client, chance: random.Random) -> None:
        self._nc = nc
        self._chance = chance
        vectors = np.random.default_rng(5).standard_normal((FACTS, 6)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        sources = [f"/{ordinal}.md" for ordinal in range(FACTS)]
        self._space = FactSpace(vectors, sources, [FactKind.DOCUMENT] * FACTS)
        self.reserved: set[str] = set()

    async def serve(self) -> None:
        await self._answer(MEMORY_STATE, lambda _: _state())
        await self._answer(MEMORY_NEIGHBOURHOODS, self._neighbourhoods)
        await self._answer(MEMORY_PAIRS, _pairs)
        await self._answer(BUDGET_OPEN, self._open)

    def _neighbourhoods(self, request: FindNeighbours) -> Any:
        return self._space.neighbourhoods(request.queries)

    def _open(self, request: OpenReservation) -> Grant:
        if request.reservation_id not in self.reserved and self._chance.random() < REFUSED_SHARE:
            return Grant(refusal=Refusal(reason="cap", text="not now", near_cap=True))
        self.reserved.add(request.reservation_id)
        return Grant()

    async def _answer(self, endpoint: Endpoint[Any, Any], reply: Callable[[Any], Any]) -> None:
        async def take(message: Msg) -> None:
            request = endpoint.request.model_validate_json(message.data)
            await message.respond(reply(request).model_dump_json().encode())

        await self._nc.subscribe(endpoint.subject, cb=take)


def _state() -> MemoryState:
    return MemoryState(
        facts=FACTS,
        facts_pending=0,
        documents=FACTS,
        verdicts=0,
        daydreams_judged=0,
        decisions={},
        insights=0,
        embedding_model="fake",
        generation="1",
    )


def _pairs(request: FindPairs) -> PairsFound:
    pairs = [
        PairFound(first=fact(first), second=fact(second), similarity=0.1)
        for first, second in request.pairs
    ]
    return PairsFound(pairs=tuple(pairs))


async def replica(nc: Client, instance: str) -> PairSampler:
    """Return a replica on its own view of the shared state."""
    js = nc.jetstream()
    settings = SamplerSettings(instance=instance, stages=(STAGE,), same_document=True)

    async def publish(pair: PairSampled) -> None:
        headers = {"Nats-Msg-Id": pair.message_id}
        await js.publish(
            route_of(PairSampled).subject, pair.model_dump_json().encode(), headers=headers
        )

    async def pause(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))

    runtime = SimpleNamespace(
        rpc=RpcClient(nc),
        js=js,
        stopping=asyncio.Event(),
        pause=pause,
        publish=publish,
        telemetry=start_telemetry("sampler", instance),
    )
    bucket = await js.key_value(SAMPLER.name)
    return PairSampler(
        cast(Runtime, runtime),
        settings,
        CasState(bucket, KEY, Epoch(key="1")),
        PlanCache(await js.key_value(PLANS.name), settings.stages),
        load_strategies(settings.strategies),
        DrawnPairs(js, await js.key_value(DRAWN_PAIRS.name), 1),
        Projector(js, bucket, "history", StrategyHistory()),
    )


async def live_and_die(nc: Client, name: str, chance: random.Random, done: asyncio.Event) -> None:
    """Draw, be cut off anywhere, and come back under another name."""
    life = 0
    while not done.is_set():
        life += 1
        drawing = asyncio.create_task((await replica(nc, f"{name}{life}")).draw_forever())
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), chance.uniform(0.05, 1.0))
        await end_tasks([drawing])


@pytest.mark.parametrize("seed", [1, 2])
async def test_replicas_that_are_cut_off_anywhere_draw_every_pair_once(
    nc: Client, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a claim of a replica that was cut off is free after ten seconds: too long to wait for
    monkeypatch.setattr("daydream_sampler.epoch.CLAIM_LEASE", LEASE)
    js, chance, done = nc.jetstream(), random.Random(seed), asyncio.Event()
    plan = StagePlan(stage=STAGE, model="m", fixed_nanousd=1, nanousd_per_fact_byte=0)
    await publish_plan(await js.key_value(PLANS.name), plan)
    services = FakeMemoryAndBudget(nc, chance)
    await services.serve()
    drawn: Counter[int] = Counter()

    async def drain(message: Msg) -> None:
        pair = PairSampled.model_validate_json(message.data)
        drawn[pair_number(pair.first.ordinal, pair.second.ordinal)] += 1
        assert 0 < pair.draw_probability <= 1
        await message.ack()

    route = route_of(PairSampled)
    pull = await js.pull_subscribe_bind(STAGE, stream=route.stream)

    async def take() -> None:
        while not done.is_set():
            with suppress(TimeoutError):
                for message in await pull.fetch(1, timeout=0.5):
                    await drain(message)

    shared = CasState(await js.key_value(SAMPLER.name), KEY, Epoch(key="1"))

    async def is_drawn() -> bool:
        return (await shared.read()).drawn >= PAIRS

    replicas = [live_and_die(nc, name, chance, done) for name in "abc"]
    work = asyncio.gather(take(), *replicas)
    try:
        await eventually(is_drawn, 40)
    finally:
        done.set()
        await work
    assert drawn == dict.fromkeys(range(PAIRS), 1)
    assert len(services.reserved) == PAIRS
    assert (await shared.read()).drawn == PAIRS

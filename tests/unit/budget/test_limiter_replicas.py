"""Limiters of several replicas: what they tell each other, and which one probes."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from daydream_budget.gateway.limiter.messages import ReplicaReport
from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.limiter.terms import LimiterSettings, ModelClosedError
from daydream_budget.gateway.limiter.timing import Timer
from daydream_budget.gateway.limiter.turns import Turn
from support.simulated_providers import (
    MODEL,
    PROVIDER,
    FakeReplicaBus,
    FakeReplicaChannel,
    replicas,
)
from support.virtual_time import pass_time, run

LINK_S = 0.01


class FakeScheduler:
    """The clock of another machine."""

    def __init__(self, shift_s: float) -> None:
        self._shift_s = shift_s
        self._loop = asyncio.get_running_loop()

    def time(self) -> float:
        return self._loop.time() + self._shift_s

    def call_later(self, delay: float, callback: Callable[[], object], /) -> Timer:
        return self._loop.call_later(delay, callback)


def close(registry: LimiterRegistry, turn: Turn, **report: Any) -> None:
    registry.limiter(PROVIDER, MODEL).report(
        turn, "busy", **{"retry_after_s": 10, "reason": "slow down", **report}
    )


async def acquire(registry: LimiterRegistry, patience_s: float = 600) -> Turn:
    return await registry.limiter(PROVIDER, MODEL).acquire(patience_s=patience_s)


def status(registry: LimiterRegistry) -> str:
    return registry.limiter(PROVIDER, MODEL).state().status


def test_a_refusal_in_one_replica_closes_all_even_when_their_clocks_differ() -> None:
    async def scenario() -> None:
        bus = FakeReplicaBus()
        near, far = (
            LimiterRegistry(
                lambda _: LimiterSettings(),
                FakeScheduler(shift_s),
                channel=FakeReplicaChannel(bus),
                replica=name,
                rng=random.Random(1),
            )
            for name, shift_s in (("near", 0.0), ("far", 94_000.0))
        )
        near.start()
        far.start()
        near.limiter(PROVIDER, MODEL).report(await acquire(near), "ok")
        close(near, await acquire(near))
        await pass_time(LINK_S)
        with pytest.raises(ModelClosedError, match="slow down") as refused:
            await acquire(far, patience_s=5)
        assert 9 <= refused.value.retry_after_s <= 13
        probe = await acquire(near)
        near.limiter(PROVIDER, MODEL).report(probe, "ok")
        await pass_time(LINK_S)
        assert (status(near), status(far)) == ("paced", "paced")
        assert (await acquire(far)).probe is False

    run(scenario())


def test_one_replica_probes_and_the_next_one_when_it_dies() -> None:
    async def scenario() -> None:
        bus = FakeReplicaBus()
        first, second, third = replicas(3, bus=bus)
        await pass_time(1)
        close(first, await acquire(first))
        await pass_time(LINK_S)
        tasks = [asyncio.create_task(acquire(gateway)) for gateway in (first, second, third)]
        await pass_time(15)
        assert [task.done() for task in tasks] == [True, False, False]
        silence(first)
        await pass_time(5)
        assert [task.done() for task in tasks] == [True, True, False]
        second.limiter(PROVIDER, MODEL).report(await tasks[1], "ok")
        await pass_time(5)
        assert (await tasks[2]).probe is False

    run(scenario())


def silence(registry: LimiterRegistry) -> None:
    """Let a replica send nothing more, like a killed one."""
    registry._sharing._send = lambda next_s: None  # type: ignore[method-assign]


def test_a_replica_that_leaves_is_forgotten_at_once() -> None:
    async def scenario() -> tuple[int, int]:
        stays, leaves = replicas(2)
        await pass_time(1)
        before = stays.limiter(PROVIDER, MODEL).state().replicas
        leaves.stop()
        await pass_time(LINK_S)
        return before, stays.limiter(PROVIDER, MODEL).state().replicas

    assert run(scenario()) == (2, 1)


def test_a_new_replica_learns_of_a_closed_gate_within_a_moment() -> None:
    async def scenario() -> str:
        bus = FakeReplicaBus()
        (old,) = replicas(1, bus=bus)
        close(old, await acquire(old))
        await pass_time(1)
        new = LimiterRegistry(
            lambda _: LimiterSettings(),
            asyncio.get_running_loop(),
            channel=FakeReplicaChannel(bus),
            replica="new",
        )
        new.start()
        await pass_time(2 * LINK_S)
        return status(new)

    assert run(scenario()) == "closed"


def test_replicas_divide_the_places_by_their_requests() -> None:
    async def scenario() -> list[int]:
        registries = replicas(2, LimiterSettings(concurrency_start=8, concurrency_max=8))
        await pass_time(1)
        tasks = [
            asyncio.create_task(acquire(registries[number]))
            for number, count in ((0, 30), (1, 10))
            for _ in range(count)
        ]
        await pass_time(1)
        states = [registry.limiter(PROVIDER, MODEL).state() for registry in registries]
        for task in tasks:
            task.cancel()
        return [state.concurrency for state in states]

    assert run(scenario()) == [6, 2]


def test_an_idle_replica_reports_rarely_and_a_busy_one_a_few_times_a_second() -> None:
    async def scenario() -> tuple[int, int]:
        bus = FakeReplicaBus()
        registries = replicas(2, bus=bus)
        await pass_time(1)
        sent = bus.sent
        await pass_time(60)
        idle, sent = bus.sent - sent, bus.sent
        for _ in range(1000):
            turn = await acquire(registries[0])
            await pass_time(0.01)
            registries[0].limiter(PROVIDER, MODEL).report(turn, "ok")
        return idle, bus.sent - sent

    idle, busy = run(scenario())
    assert idle <= 26
    assert busy <= 10 * 12 + 2 * 1000  # each begin from idle is urgent


@pytest.mark.parametrize(
    "change",
    [
        {"closed_for_s": 1e9},
        {"closed_for_s": float("nan")},
        {"concurrency": 0},
        {"epoch": -1},
        {"waiting": 1e12},
        {"pace": {"per_s": 0, "span_s": 1, "age_s": 0}},
        {"cause": "anything"},
    ],
)
def test_an_invalid_report_changes_nothing(change: dict[str, Any]) -> None:
    async def scenario() -> str:
        bus = FakeReplicaBus()
        (registry,) = replicas(1, bus=bus)
        close(registry, await acquire(registry))
        report = registry.limiter(PROVIDER, MODEL).model_report()
        assert report is not None
        good = ReplicaReport(replica="other", next_s=1, models=(report,)).model_dump(mode="json")
        model = {**good["models"][0], "epoch": 1000, "closed_for_s": None, **change}
        bus.publish(json.dumps({**good, "models": [model]}).encode())
        bus.publish(b"\xff not JSON")
        await pass_time(LINK_S)
        return status(registry)

    assert run(scenario()) == "closed"


def test_a_lost_connection_neither_stalls_nor_frees_the_limits() -> None:
    async def scenario() -> tuple[int, bool]:
        bus = FakeReplicaBus()
        settings = LimiterSettings(concurrency_start=9, concurrency_max=9)
        first, second, _ = replicas(3, settings, bus=bus)
        await pass_time(1)
        close(first, await acquire(first))
        await pass_time(LINK_S)
        bus.lost = True
        await pass_time(20)
        probe = await acquire(second, patience_s=5)  # it does not wait for the elected one
        return second.limiter(PROVIDER, MODEL).state().replicas, probe.probe

    assert run(scenario()) == (3, True)

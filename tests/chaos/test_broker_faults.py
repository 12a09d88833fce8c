"""NATS is away, cut off, slow or full under the whole system, and messages come twice or broken.

After each fault: no dead letter, every daydream has its verdict, no answered call was asked again,
and the ledger has every call of the provider's invoice. `SEEDS=3` runs each test with three seeds.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
import pytest_asyncio
from nats.aio.msg import Msg

from daydream_console.local.nats_health import NatsHealth
from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import (
    ACK_WAIT_S,
    BUDGET_STATE,
    CONSUMERS,
    MEMORY_STATE,
    ROUTES,
    SAMPLER_STATE,
)
from support.faulty_broker import FaultyBroker, faulty_broker
from support.ledger_checks import check_nothing_lost_or_paid_twice
from support.polling import eventually
from support.programs import priced_endpoint
from support.whole_system import WholeSystem, running_system

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.asyncio(loop_scope="session"),
]
LATENCY_S = 0.3
CALLS_AFTER = 8  # answered calls that show that the work continues
AWAY_S = 3 * ACK_WAIT_S
QUIET_S = 12.0  # no call begins for so long: what was authorized before the fault is over
CPU_SHARE_MAX = 0.3  # of one core, for a service that only waits
KILLS = 8
HOSTILE_BODIES = (
    b"",
    b"not json",
    b"[1, 2]",
    b"null",
    b'{"version": 2}',
    b'{"version": 1, "pair_id": 7}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"x": ' + b"9" * 5_000 + b"}",
    b'"' + b"a" * 2_000_000 + b'"',
    bytes(7_000_000),
)
STAGES = ("synthesizer", "critic", "gateway-1", "memory", "budget-1", "sampler")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a seed with each of them."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(int(os.environ.get("SEEDS") or 1)))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeSystem]:
    """One system for all tests: its start takes longer than a fault."""
    folder = tmp_path_factory.mktemp("broker")
    with priced_endpoint(folder, delay_s=LATENCY_S) as endpoint:
        async with (
            faulty_broker(folder / "nats") as broker,
            running_system(broker, endpoint, folder / "system") as system,
        ):
            yield system


@pytest_asyncio.fixture(loop_scope="session")
async def system(running: WholeSystem) -> WholeSystem:
    """A whole system that draws pairs, over a link that is well."""
    broker_of(running).proxy.heal()
    await running.until_ready()
    await running.draw()
    return running


def broker_of(system: WholeSystem) -> FaultyBroker:
    assert isinstance(system.servers, FaultyBroker)
    return system.servers


async def check(system: WholeSystem) -> None:
    """Assert what must hold after every fault."""
    await system.until_answered(CALLS_AFTER)
    await system.until_ready()
    await check_nothing_lost_or_paid_twice(system)


async def passed(seconds: float) -> None:
    """Wait for the length of a fault, which is what is tested."""
    end = time.monotonic() + seconds
    await eventually(lambda: time.monotonic() > end, seconds + 30, poll_s=0.2)


async def until_quiet(system: WholeSystem) -> None:
    """Wait until no call has begun for a while."""
    count, since = -1, time.monotonic()

    async def is_quiet() -> bool:
        nonlocal count, since
        calls = (await asyncio.to_thread(system.endpoint.witness))["calls"]
        if calls != count:
            count, since = calls, time.monotonic()
        return time.monotonic() - since > QUIET_S

    await eventually(is_quiet, 120, poll_s=0.2)


def cpu_seconds(system: WholeSystem) -> dict[str, float]:
    times = {name: psutil.Process(run.pid).cpu_times() for name, run in system.processes.items()}
    return {name: each.user + each.system for name, each in times.items()}


@pytest.mark.fault(
    "F4 F5", invariant="without NATS no service ends, spins or pays; the work continues by itself"
)
async def test_nothing_is_paid_while_nats_is_away_and_the_work_continues(
    system: WholeSystem, seed: int
) -> None:
    await system.until_answered(random.Random(seed).randint(1, 12))
    system.disturb()
    await broker_of(system).kill()
    await until_quiet(system)
    calls, before = system.endpoint.witness()["calls"], cpu_seconds(system)
    await passed(AWAY_S)
    assert system.endpoint.witness()["calls"] == calls
    after = cpu_seconds(system)
    spinning = {name for name in after if after[name] - before[name] > CPU_SHARE_MAX * AWAY_S}
    assert spinning == set()
    await broker_of(system).start()
    await check(system)


@pytest.mark.fault("F4", invariant="NATS is killed again and again under load: nothing is lost")
async def test_nats_may_be_killed_again_and_again(system: WholeSystem, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(KILLS):
        await system.until_answered(chance.randint(0, 3))
        system.disturb()
        await broker_of(system).kill()
        system.disturb()
        await broker_of(system).start()
    await check(system)


@pytest.mark.fault("F7", invariant="all services are cut off for longer than the ack wait, twice")
@pytest.mark.parametrize("how", ["silent", "refused"])
async def test_a_partition_repeats_nothing_that_was_answered(
    system: WholeSystem, how: str, seed: int
) -> None:
    proxy = broker_of(system).proxy
    await system.until_answered(random.Random(f"{how} {seed}").randint(1, 12))
    system.disturb()
    proxy.partition() if how == "silent" else proxy.refuse()
    await passed(2.5 * ACK_WAIT_S)
    system.disturb()
    proxy.heal()
    await check(system)


@pytest.mark.fault("F7", invariant="over a slow link each call is made once")
async def test_a_slow_link_slows_the_work_and_nothing_else(system: WholeSystem) -> None:
    proxy = broker_of(system).proxy
    proxy.latency_s, proxy.bytes_per_s = 0.05, 200_000
    await system.until_answered(CALLS_AFTER)
    proxy.heal()
    await check(system)


@pytest.mark.fault("F8", invariant="three frozen services continue and repeat no answered call")
async def test_services_may_be_frozen_for_longer_than_the_ack_wait(
    system: WholeSystem, seed: int
) -> None:
    chance = random.Random(seed)
    await system.until_answered(chance.randint(1, 6))
    frozen = [system.processes[name].pid for name in chance.sample(STAGES, 3)]
    system.disturb()
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    await passed(1.5 * ACK_WAIT_S)
    system.disturb()
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    await check(system)


@pytest.mark.fault(
    "F25", invariant="a full disk of NATS stops all paid calls; freed, the work continues"
)
async def test_nothing_is_paid_while_the_disk_is_full_and_the_work_continues(
    system: WholeSystem, seed: int
) -> None:
    broker = broker_of(system)
    disk = broker.disk or pytest.skip("this system allows no user namespaces")
    await system.until_answered(random.Random(seed).randint(1, 12))
    system.disturb()
    disk.fill()
    health = NatsHealth(broker.server.health, disk.seen)
    await until_quiet(system)
    assert not await health.is_stuck(), "a restart without space would help nothing"
    system.disturb()
    disk.free()
    await eventually(health.is_stuck)
    await asyncio.to_thread(broker.server.stop)  # as `daydream up` does then
    await broker.start()
    await check(system)


@pytest.mark.fault("F9", invariant="all events five times, shuffled, without ids: nothing changes")
async def test_every_event_may_come_again_in_any_order(system: WholeSystem, seed: int) -> None:
    events: list[Msg] = []

    async def keep(message: Msg) -> None:
        events.append(message)

    watched = [await system.nc.subscribe(route.subject, cb=keep) for route in ROUTES]
    await system.until_answered(CALLS_AFTER)
    await check(system)
    for subscription in watched:
        await subscription.unsubscribe()
    before = await effects_of(system)
    js, again = system.nc.jetstream(), 5 * events
    random.Random(seed).shuffle(again)
    assert len({message.subject for message in events}) >= 3
    for message in again:
        await js.publish(message.subject, message.data)  # as long after the duplicate window
    await check_nothing_lost_or_paid_twice(system)
    assert await effects_of(system) == before


async def effects_of(system: WholeSystem) -> dict[str, Any]:
    """Return what events have changed: calls, money, and what the memory has."""
    budget = await system.rpc.request(BUDGET_STATE, EmptyRequest())
    memory = await system.rpc.request(MEMORY_STATE, EmptyRequest())
    sampler = await system.rpc.request(SAMPLER_STATE, EmptyRequest())
    return {
        "calls": system.endpoint.witness()["calls"],
        "settled": budget.settled_nanousd,
        "reserved": budget.reserved_nanousd,
        "verdicts": memory.verdicts,
        "facts": memory.facts,
        "drawn": sampler.drawn,
        "yields": {row.strategy: row.draws for row in sampler.strategies},
    }


@pytest.mark.fault(
    "F10", invariant="hostile bytes on every subject are dead letters; work continues"
)
async def test_no_bytes_on_any_subject_stop_the_work(system: WholeSystem) -> None:
    js = system.nc.jetstream()
    before = (await js.stream_info("DEADLETTERS")).state.messages
    for route in ROUTES:
        for body in HOSTILE_BODIES:
            await js.publish(route.subject, body)
    expected = before + len(CONSUMERS) * len(HOSTILE_BODIES)

    async def are_put_aside() -> bool:
        return (await js.stream_info("DEADLETTERS")).state.messages >= expected

    await eventually(are_put_aside, 120, poll_s=0.2)
    await system.until_answered(CALLS_AFTER)
    await system.until_ready()
    assert (await js.stream_info("DEADLETTERS")).state.messages == expected
    await js.purge_stream("DEADLETTERS")
    await check(system)

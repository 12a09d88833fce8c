"""NATS is away, killed again and again, or cut off under the whole system.

After each fault: no dead letter, every daydream has its verdict, no answered call was asked again,
and the ledger has every call of the provider's invoice. `SEEDS=3` runs each test with three seeds.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator

import psutil
import pytest
import pytest_asyncio

from daydream_contracts.topology import (
    ACK_WAIT_S,
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
    """A whole system that draws pairs."""
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


@pytest.mark.fault("F7", invariant="all services are cut off for longer than the ack wait")
async def test_a_partition_repeats_nothing_that_was_answered(
    system: WholeSystem, seed: int
) -> None:
    proxy = broker_of(system).proxy
    await system.until_answered(random.Random(seed).randint(1, 12))
    system.disturb()
    proxy.partition()
    await passed(2.5 * ACK_WAIT_S)
    system.disturb()
    proxy.heal()
    await check(system)

"""Kill and pause gateways, ledgers and NATS in the middle of calls: nothing is lost or paid twice.

The provider's own log is the evidence.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from nats.aio.client import Client

from support.fail_points import BUDGET_POINTS, GATEWAY_POINTS, SETTLE_GRACE_S, Fault, arm
from support.fleet_worker import ask
from support.gateway import STAGE_KEY, provider_process
from support.gateway_fleet import MOMENTS, PROVIDER_TIMEOUT_S, Fleet, running_fleet
from support.programs import NatsServer

LATENCY_S = 0.3
EXPIRY_S = PROVIDER_TIMEOUT_S + SETTLE_GRACE_S + 30  # of what a killed gateway has authorized
NANO = 10**9


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """A server that syncs what it acknowledges, as in production."""
    server = NatsServer(tmp_path / "nats", sync_always=True)
    server.start()
    server.provision()
    yield server
    server.kill()


@pytest.fixture
async def fleet(nc: Client, server: NatsServer, tmp_path: Path) -> AsyncIterator[Fleet]:
    with provider_process() as provider:
        provider.tell(latency_s=LATENCY_S)
        async with running_fleet(nc, server, provider, tmp_path / "fleet") as fleet:
            yield fleet


async def check(fleet: Fleet) -> None:
    """Assert that all is answered, repeated only where allowed, and that the ledger balances."""
    assert not fleet.unanswered
    for call, times in fleet.times_asked().items():
        assert times <= 1 + fleet.repeats_allowed.get(call, 0), call
    billed_nanousd = fleet.provider.billed()["billed_nanousd"]
    ledger = await fleet.ledger()
    assert billed_nanousd <= ledger.settled_nanousd + ledger.authorized_nanousd <= NANO


async def until_settled(fleet: Fleet) -> None:
    """Assert that nothing stays authorized once its time is up, and that all of it counts."""
    await fleet.until_nothing_is_authorized(EXPIRY_S)
    ledger = await fleet.ledger()
    assert fleet.provider.billed()["billed_nanousd"] <= ledger.settled_nanousd <= NANO


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", ["kill", "pause"])
@pytest.mark.parametrize(
    ("victim", "points"), [("gateway-1", GATEWAY_POINTS), ("budget-1", BUDGET_POINTS)]
)
@pytest.mark.fault(
    "F1 F2 F8 F17",
    invariant="a kill and a pause at each point: nothing is asked again or stays authorized",
)
async def test_calls_survive_a_gateway_or_ledger_that_fails_at_an_exact_point(
    fleet: Fleet, victim: str, points: tuple[str, ...], fault: Fault
) -> None:
    async with fleet.working():
        for point in points:
            await fleet.strike_at(victim, point, fault)
            await fleet.until_answered_after_now()
    await check(fleet)
    await until_settled(fleet)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.fault(
    "F8", invariant="a gateway dies before it settles: what its answer says is settled"
)
async def test_a_gateway_killed_behind_an_answer_leaves_its_real_cost(fleet: Fleet) -> None:
    """No worker asks for these calls again, so no gateway settles them."""
    name, points = "gateway-1", GATEWAY_POINTS[GATEWAY_POINTS.index("after the answer is stored") :]
    for point in points:
        arm(fleet.folder / name, point, "kill")
        reservation = await fleet.reserve()
        assert not await asyncio.to_thread(ask, fleet.ports[name], point, reservation, STAGE_KEY)
        await asyncio.to_thread(fleet.processes[name].wait)
        await fleet.start(name)
    billed_nanousd = fleet.provider.billed()["billed_nanousd"]
    assert (await fleet.ledger()).settled_nanousd < billed_nanousd, "something was not settled"
    await fleet.until_nothing_is_authorized(EXPIRY_S)
    assert (await fleet.ledger()).settled_nanousd == billed_nanousd


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", ["kill", "pause"])
@pytest.mark.parametrize("victim", ["worker-0", "nats"])
@pytest.mark.fault(
    "F1 F4 F8", invariant="a worker and NATS fail at each moment of a call, with the same result"
)
async def test_calls_survive_a_fault_of_a_worker_or_nats_at_every_moment(
    fleet: Fleet, victim: str, fault: Fault
) -> None:
    async with fleet.working():
        for moment in MOMENTS:
            await fleet.moment(moment)
            await fleet.strike(victim, fault)
            await fleet.until_answered_after_now()
    await check(fleet)
    await until_settled(fleet)

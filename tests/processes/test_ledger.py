"""The budget service over a real stream: replicas, restarts, and a truncated ledger."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from daydream_contracts.events import AlertRaised, ForegroundReported
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    BudgetState,
    ChangeBudget,
    EmptyRequest,
    Grant,
    OpenReservation,
    ReleaseReservation,
    ReservationStatus,
    SetLimit,
    SettleAttempts,
)
from daydream_contracts.topology import (
    BUDGET_AUTHORIZE,
    BUDGET_CHANGE,
    BUDGET_OPEN,
    BUDGET_RELEASE,
    BUDGET_SETTLE,
    BUDGET_STATE,
    LEDGER_SUBJECT,
    route_of,
)
from daydream_runtime.rpc import RpcClient
from support.polling import eventually
from support.programs import NatsServer, until
from support.services import service

CAP = 1_000_000


async def open_reservation(rpc: RpcClient, name: str, upper_bound: int) -> Grant:
    part = AllocationRequest(stage="synthesizer", model="m", upper_bound_nanousd=upper_bound)
    return await rpc.request(
        BUDGET_OPEN,
        OpenReservation(reservation_id=name, allocations=(part,), requested_at=datetime.now(UTC)),
    )


async def spend(rpc: RpcClient, name: str, upper_bound: int, cost: int) -> bool:
    """Open, authorize and settle; send every request twice, as after a lost reply."""
    if not (await open_reservation(rpc, name, upper_bound)).granted:
        return False
    await open_reservation(rpc, name, upper_bound)
    request = Authorize(
        reservation_id=name,
        call_id=name,
        nonce=name,
        stage="synthesizer",
        model="m",
        upper_bound_nanousd=upper_bound,
        lifetime_s=60,
    )
    grants = [await rpc.request(BUDGET_AUTHORIZE, request) for _ in range(2)]
    assert grants[0] == grants[1]
    for _ in range(2):
        await rpc.request(BUDGET_SETTLE, SettleAttempts.of(grants[0].attempt_id, cost))
    return True


async def set_cap(rpc: RpcClient, nanousd: int = CAP) -> None:
    await rpc.request(
        BUDGET_CHANGE,
        ChangeBudget(
            change_id=f"cap {nanousd}",
            change=SetLimit(window="lifetime", cap_nanousd=nanousd),
            who="test",
        ),
    )


def logs(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.glob("budget-*.log"))


async def state(rpc: RpcClient) -> BudgetState:
    return await rpc.request(BUDGET_STATE, EmptyRequest())


async def wait_for_alerts(js: JetStreamContext, count: int) -> None:
    async def are_raised() -> bool:
        return (await js.stream_info("ALERTS")).state.messages >= count

    await eventually(are_raised)


def without_time(budget: BudgetState) -> BudgetState:
    """Remove what depends on the time of the request."""
    limits = tuple(
        limit.model_copy(update={"reached_at": None, "burn_nanousd_per_h": 0})
        for limit in budget.limits
    )
    return budget.model_copy(update={"limits": limits, "burn_nanousd_per_h": 0})


@pytest.mark.fault("F3 F16", invariant="two ledgers grant exactly what the cap allows")
async def test_two_replicas_that_decide_at_once_never_grant_more_than_the_cap(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc = RpcClient(nc)
    with (
        service("budget", server.url, tmp_path / "a"),
        service("budget", server.url, tmp_path / "b"),
    ):
        await set_cap(rpc)
        granted = await asyncio.gather(
            *(spend(rpc, f"e{number}", 30_000, 30_000) for number in range(60))
        )
        budget = await state(rpc)
    assert sum(granted) == CAP // 30_000
    assert budget.settled_nanousd == 30_000 * (CAP // 30_000)


@pytest.mark.fault("F2", invariant="the state after a kill is the state before it")
async def test_a_restarted_replica_restores_the_state_from_snapshot_and_tail(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc = RpcClient(nc)
    with service("budget", server.url, tmp_path, DAYDREAM_BUDGET_SNAPSHOT_COMMITS="5") as process:
        await set_cap(rpc)
        for number in range(8):
            assert await spend(rpc, f"e{number}", 1000, 700)
        before = await state(rpc)
        process.kill()
    with service("budget", server.url, tmp_path):
        after = await state(rpc)
        assert without_time(after) == without_time(before)
        assert (await open_reservation(rpc, "e3", 1000)).granted, (
            "the same request gets the same reply after a restart"
        )
        assert (await state(rpc)).reserved_nanousd == before.reserved_nanousd


@pytest.mark.fault("F31", invariant="a ledger that lost its entries is refused with exit code 2")
async def test_a_replica_refuses_to_serve_a_truncated_ledger(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc = RpcClient(nc)
    with service("budget", server.url, tmp_path) as process:
        await set_cap(rpc)
        assert await spend(rpc, "e", 1000, 700)
        process.terminate()
        assert process.wait(20) == 0
    js = nc.jetstream()
    await js.delete_stream("LEDGER")
    server.provision()
    with service("budget", server.url, tmp_path, ready=False) as process:
        assert await asyncio.to_thread(process.wait, 20) == 2
    assert "existed. Spent money" in logs(tmp_path)


@pytest.mark.fault("F17", invariant="an authorization that is never settled is spent in full")
async def test_an_attempt_that_is_never_settled_is_spent_in_full_when_it_expires(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc = RpcClient(nc)
    with service("budget", server.url, tmp_path, DAYDREAM_BUDGET_SWEEP_S="0.1"):
        await set_cap(rpc)
        await open_reservation(rpc, "e", 1000)
        await rpc.request(
            BUDGET_AUTHORIZE,
            Authorize(
                reservation_id="e",
                call_id="c",
                nonce="n",
                stage="synthesizer",
                model="m",
                upper_bound_nanousd=800,
                lifetime_s=0.3,
            ),
        )

        async def is_settled() -> bool:
            return (await state(rpc)).settled_nanousd == 800

        await eventually(is_settled)
        assert (await state(rpc)).spend[0].unknown_calls == 1


@pytest.mark.fault(
    "F4", invariant="requests that were sent during the kill are answered, once each"
)
async def test_requests_sent_while_the_server_is_killed_are_answered_once_it_is_back(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc = RpcClient(nc, patience_s=20)
    with service("budget", server.url, tmp_path):
        await set_cap(rpc)
        work = [asyncio.create_task(spend(rpc, f"e{number}", 1000, 600)) for number in range(100)]
        await asyncio.sleep(0)
        server.kill()
        server.start()
        assert all(await asyncio.gather(*work))
        budget = await state(rpc)
        assert (budget.settled_nanousd, budget.authorized_nanousd) == (60_000, 0)


@pytest.mark.fault("F5", invariant="a stop is obeyed without NATS")
def test_a_stop_is_obeyed_while_there_is_no_server(tmp_path: Path) -> None:
    with service("budget", "nats://127.0.0.1:9", tmp_path, ready=False) as process:
        until(lambda: "starting" in logs(tmp_path), "the service to log that it starts")
        process.terminate()
        assert process.wait(10) == 0


async def test_a_foreground_report_is_counted_once_and_the_tax_is_shown(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc, js = RpcClient(nc), nc.jetstream()
    with service("budget", server.url, tmp_path):
        await set_cap(rpc)
        assert await spend(rpc, "e", 1000, 1000)
        priced = ForegroundReported(
            report_id="r1", model="gpt-4o-mini", input_tokens=1_000_000, spent_at=datetime.now(UTC)
        )
        known = ForegroundReported(
            report_id="r2", cost_nanousd=50_000_000, spent_at=datetime.now(UTC)
        )
        for number, report in enumerate((priced, known, known)):
            await js.publish(
                route_of(ForegroundReported).subject,
                report.model_dump_json().encode(),
                headers={"Nats-Msg-Id": str(number)},
            )

        async def is_counted() -> bool:
            tax = (await state(rpc)).tax
            return tax is not None and tax.foreground_nanousd == 200_000_000

        await eventually(is_counted)
        tax = (await state(rpc)).tax
    assert tax is not None
    assert tax.ratio == 1000 / 200_000_000


async def test_an_alert_is_raised_once_when_a_soft_share_is_reached(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc, js = RpcClient(nc), nc.jetstream()
    with (
        service("budget", server.url, tmp_path, DAYDREAM_BUDGET_SWEEP_S="0.05"),
        service("budget", server.url, tmp_path / "b", DAYDREAM_BUDGET_SWEEP_S="0.05"),
    ):
        await set_cap(rpc)
        assert await spend(rpc, "e", CAP * 8 // 10, CAP * 8 // 10)
        await wait_for_alerts(js, 1)  # an earlier refusal would replace this alert
        assert not (await open_reservation(rpc, "too much", CAP)).granted
        await wait_for_alerts(js, 2)
        assert await spend(rpc, "f", 1000, 1000)
        info = await js.stream_info("ALERTS")
        kinds = [
            AlertRaised.model_validate_json((await js.get_msg("ALERTS", seq=seq)).data or b"").kind
            for seq in range(1, info.state.last_seq + 1)
        ]
    assert sorted(kinds) == ["refused", "soft-limit"]


async def test_an_overrun_raises_an_alert_also_when_it_releases_the_reservation(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc, js = RpcClient(nc), nc.jetstream()
    with service("budget", server.url, tmp_path):
        await set_cap(rpc)
        await open_reservation(rpc, "e", 2000)
        request = Authorize(
            reservation_id="e",
            call_id="c",
            nonce="n",
            stage="synthesizer",
            model="m",
            upper_bound_nanousd=1000,
            lifetime_s=60,
        )
        grant = await rpc.request(BUDGET_AUTHORIZE, request)
        other = request.model_copy(update={"call_id": "d", "nonce": "o"})
        at_once = await rpc.request(BUDGET_AUTHORIZE, other)
        for attempt_id, release in ((grant.attempt_id, False), (at_once.attempt_id, True)):
            settle = SettleAttempts.of(attempt_id, 1500, release=release)
            await rpc.request(BUDGET_SETTLE, settle)
        alert = AlertRaised.model_validate_json((await js.get_msg("ALERTS", seq=1)).data or b"")
        assert (alert.kind, alert.about) == ("overrun", grant.attempt_id)
        assert (await state(rpc)).overruns == 2
        assert (await js.stream_info("ALERTS")).state.messages == 1, "one alert for one model"


async def test_a_replica_that_is_behind_settles_and_releases_what_another_has_opened(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    rpc = RpcClient(nc)
    with (
        service("budget", server.url, tmp_path / "a"),
        service("budget", server.url, tmp_path / "b"),
        service("budget", server.url, tmp_path / "c"),
    ):
        await set_cap(rpc)
        for number in range(20):  # one after the other: each request finds two replicas behind
            name = f"e{number}"
            await open_reservation(rpc, name, 1000)
            grant = await rpc.request(
                BUDGET_AUTHORIZE,
                Authorize(
                    reservation_id=name,
                    call_id=name,
                    nonce="n",
                    stage="synthesizer",
                    model="m",
                    upper_bound_nanousd=800,
                    lifetime_s=60,
                ),
            )
            request = SettleAttempts.of(grant.attempt_id, 600)
            assert (await rpc.request(BUDGET_SETTLE, request)).attempts[0].known
            assert await rpc.request(
                BUDGET_RELEASE, ReleaseReservation(reservation_id=name)
            ) == ReservationStatus(released=True, settled_nanousd=600)
        budget = await state(rpc)
    assert (
        budget.settled_nanousd,
        budget.authorized_nanousd,
        budget.reserved_nanousd,
        budget.reservations_released,
    ) == (20 * 600, 0, 0, 20)


async def test_settlements_that_come_with_a_request_free_their_money_for_it(
    nc: Client, server: NatsServer, tmp_path: Path
) -> None:
    rpc = RpcClient(nc)
    commits: list[int] = []

    async def count(message: Msg) -> None:
        commits.append(len(message.data))

    with service("budget", server.url, tmp_path):
        await set_cap(rpc, 100)
        await open_reservation(rpc, "a", 100)
        request = Authorize(
            reservation_id="a",
            call_id="first",
            nonce="first",
            stage="synthesizer",
            model="m",
            upper_bound_nanousd=100,
            lifetime_s=60,
        )
        first = await rpc.request(BUDGET_AUTHORIZE, request)
        settlements = SettleAttempts.of(first.attempt_id, 20).attempts
        next_call = {"call_id": "next", "nonce": "next", "upper_bound_nanousd": 80}
        await nc.subscribe(LEDGER_SUBJECT, cb=count)
        await nc.flush()
        second = request.model_copy(update={**next_call, "settlements": settlements})
        grants = [await rpc.request(BUDGET_AUTHORIZE, second) for _ in range(2)]
        assert grants[0].granted
        assert grants[0] == grants[1], "it may be repeated as a whole"
        assert (await state(rpc)).settled_nanousd == 20
        assert len(commits) == 1

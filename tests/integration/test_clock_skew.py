"""A replica whose clock is ahead commits nothing, so that no other one inherits its time."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from nats.aio.client import Client

from daydream_budget.ledger.broker_clock import utc_now
from daydream_budget.ledger.entries import COMMIT, Commit, SoftLimitReached
from daydream_console.local.processes import free_port
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    ChangeBudget,
    EmptyRequest,
    OpenReservation,
    SetLimit,
)
from daydream_contracts.topology import BUDGET_OPEN, BUDGET_STATE, LEDGER, LEDGER_SUBJECT
from daydream_runtime.rpc import RpcClient
from support.programs import NatsServer, clean_environment, until
from support.replicas import committing, make_replica

CAP = ChangeBudget(
    change_id="cap", change=SetLimit(window="lifetime", cap_nanousd=1_000_000), who="test"
)
SHIFTED = """
import sys
from datetime import timedelta
from functools import partial
from daydream_budget.app import build
from daydream_budget.ledger.broker_clock import utc_now
from daydream_budget.settings import BudgetSettings
from daydream_runtime.process import run
run(BudgetSettings, partial(build, wall=lambda: utc_now() + timedelta(hours=float(sys.argv[1]))))
"""


def opening(name: str) -> OpenReservation:
    part = AllocationRequest(stage="synthesizer", model="m", upper_bound_nanousd=100)
    return OpenReservation(reservation_id=name, allocations=(part,), requested_at=datetime.now(UTC))


def attempt(name: str, lifetime_s: float) -> Authorize:
    return Authorize(
        reservation_id=name,
        call_id=name,
        nonce="n",
        stage="synthesizer",
        model="m",
        upper_bound_nanousd=100,
        lifetime_s=lifetime_s,
    )


@contextmanager
def shifted_service(server: NatsServer, folder: Path, port: int) -> Iterator[None]:
    """Run the budget service with a clock that is 26 hours ahead."""
    environment = clean_environment(
        folder,
        DAYDREAM_NATS_URL=server.url,
        DAYDREAM_HTTP_PORT=str(port),
        DAYDREAM_BUDGET_TIME_ZONE="Europe/Zurich",
    )
    process = subprocess.Popen([sys.executable, "-c", SHIFTED, "26"], env=environment)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def complaint(port: int) -> str:
    """Return what `/readyz` says about the clock; empty until it says something."""
    try:
        answer = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False)
    except httpx.TransportError:
        return ""
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    return answer.text if "clock" in answer.text else ""


@pytest.mark.parametrize("ahead", [timedelta(hours=26), timedelta(days=400)], ids=str)
@pytest.mark.fault(
    "F20", invariant="a replica that is ahead commits nothing, and expiry does not wait for it"
)
async def test_a_replica_that_is_ahead_commits_nothing_and_freezes_no_expiry(
    nc: Client, ahead: timedelta
) -> None:
    js = nc.jetstream()
    wrong = make_replica(nc, wall=lambda: utc_now() + ahead, name="ahead")
    async with committing(make_replica(nc)) as right, committing(wrong):
        await right.submit(CAP)
        await right.submit(opening("a"))
        assert (await right.submit(attempt("a", lifetime_s=0.2))).granted
        before = (await js.stream_info(LEDGER)).state.last_seq
        refusal = (await wrong.submit(opening("b"))).refusal
        assert refusal.reason == "clock-skew"
        assert f"{ahead.total_seconds():.0f}" in refusal.text
        assert abs(refusal.retry_at - utc_now()) < timedelta(minutes=1)
        assert await wrong.sweep(1.0) == 0, "it does not expire what is not due"
        assert (await js.stream_info(LEDGER)).state.last_seq == before
        async with asyncio.timeout(10):
            while not await right.sweep(86_400):
                await asyncio.sleep(0.02)
        assert right.state.accounts.of("all").settled == 100, "the lost attempt expired in time"
        assert right.state.at is not None
        assert right.state.at - utc_now() < timedelta(seconds=1)


async def test_a_replica_commits_again_once_its_clock_is_right(nc: Client) -> None:
    ahead = timedelta(hours=26)
    async with committing(make_replica(nc, wall=lambda: utc_now() + ahead)) as replica:
        assert (await replica.submit(CAP)).refusal.reason == "clock-skew"
        ahead = timedelta()
        assert (await replica.submit(CAP)).refusal is None
        assert replica.halted is None


@pytest.mark.fault("F20", invariant="a commit from the future is not applied")
async def test_a_commit_from_the_future_by_a_faulty_version_is_not_applied(nc: Client) -> None:
    entry = SoftLimitReached(scope="all", window="day", first_quarter=1, share=0.8)
    commit = Commit(at=utc_now() + timedelta(hours=26), by="faulty", entries=(entry,))
    await nc.jetstream().publish(LEDGER_SUBJECT, COMMIT.dump_json(commit))
    async with committing(make_replica(nc)) as replica:
        refusal = (await replica.submit(CAP)).refusal
        assert refusal.reason == "ledger-unreadable"
        assert "ahead of the broker's clock" in refusal.text
        assert replica.ledger_time() - utc_now() < timedelta(seconds=1)


@pytest.mark.fault("F20", invariant="a process with a shifted clock is not ready and says why")
async def test_a_process_with_a_shifted_clock_is_not_ready_and_says_why(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    port = free_port()
    with shifted_service(server, tmp_path, port):
        text = await asyncio.to_thread(until, lambda: complaint(port), "the clock's complaint")
        assert "s ahead of NATS's clock" in text
        refusal = (await RpcClient(nc).request(BUDGET_OPEN, opening("a"))).refusal
        assert refusal is not None
        assert refusal.reason == "clock-skew"
        state = await RpcClient(nc).request(BUDGET_STATE, EmptyRequest())
        assert state.halted is not None
        async with httpx.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        assert re.search(r'daydream_ledger_halted{.*reason="clock-skew"} 1\.0', metrics)
        assert re.search(r"daydream_budget_clock_skew_seconds 9\d{4}\.", metrics)
        assert (await nc.jetstream().stream_info(LEDGER)).state.last_seq == 0

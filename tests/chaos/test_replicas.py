"""Three replicas of the ledger, failing workers, and kills of all of them and of the NATS server.

The endpoint's own count is the witness. The cap holds, nothing is granted twice, nothing leaks, and
all replicas agree at last.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nats
import pytest

from daydream_contracts.rpc import BudgetState, ChangeBudget, EmptyRequest, SetLimit
from daydream_contracts.topology import BUDGET_CHANGE, BUDGET_STATE
from daydream_runtime.rpc import RpcClient
from support.programs import (
    HERE,
    EndpointProgram,
    NatsServer,
    clean_environment,
    priced_endpoint,
    until,
)
from support.services import service

REPLICAS, WORKERS = 3, 3
SETTINGS = {
    "DAYDREAM_BUDGET_SWEEP_S": "0.2",
    "DAYDREAM_BUDGET_RESERVATION_IDLE_S": "4",
    "DAYDREAM_BUDGET_SNAPSHOT_COMMITS": "20",
    "DAYDREAM_BUDGET_KEEP_COMMITS": "0",
}


class StageFleet:
    """All running processes, and how they are killed."""

    def __init__(self, folder: Path, server: NatsServer, endpoint: EndpointProgram) -> None:
        self.folder, self.server, self.endpoint = folder, server, endpoint
        self.seed = 0
        self.chance = random.Random(0)
        self.stack = ExitStack()
        self.replicas: list[subprocess.Popen[str]] = []
        self.cap_nanousd = 0
        self.workers: list[subprocess.Popen[bytes]] = []

    def replica(self, number: int, *, ready: bool = True) -> subprocess.Popen[str]:
        return self.stack.enter_context(
            service(
                "budget",
                self.server.url,
                self.folder / f"replica-{number}",
                ready=ready,
                **SETTINGS,
            )
        )

    def worker(self, number: int) -> subprocess.Popen[bytes]:
        """Start a worker, sometimes under an old name: it then repeats known reservations."""
        name = (
            f"w{number}" if self.chance.random() < 0.5 else f"w{number}-{self.chance.random():.6f}"
        )
        command = [
            sys.executable,
            str(HERE / "payer.py"),
            "--nats",
            self.server.url,
            "--endpoint",
            self.endpoint.url,
            "--name",
            name,
            "--seed",
            str(self.seed),
        ]
        process = subprocess.Popen(command, env=clean_environment(self.folder))
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process

    def begin(self, cap_nanousd: int, *, replicas: int, workers: int, seed: int = 0) -> None:
        self.cap_nanousd = cap_nanousd
        self.seed = seed
        self.chance = random.Random(seed)
        self.replicas = [self.replica(number) for number in range(replicas)]
        request_state(
            self.server.url,
            ChangeBudget(
                change_id="cap",
                change=SetLimit(window="lifetime", cap_nanousd=cap_nanousd),
                who="test",
            ),
        )
        self.workers = [self.worker(number) for number in range(workers)]

    def strike_at_random(self) -> None:
        """Kill or stop one process, and check that calls continue."""
        number = self.chance.randrange(len(self.replicas))
        self.strike(self.chance.choice(("replica", "replica", "stop", "worker", "nats")), number)

    def strike(self, kind: str, number: int) -> None:
        """Kill or stop one process, and check that calls continue."""
        match kind:
            case "replica":
                self.replicas[number].kill()
                self.replicas[number].wait()
                self.wait_for_calls()
                self.replicas[number] = self.replica(number)
            case "stop":
                os.kill(self.replicas[number].pid, signal.SIGSTOP)
                self.wait_for_calls()
                os.kill(self.replicas[number].pid, signal.SIGCONT)
            case "worker":
                self.workers[number].kill()
                self.workers[number].wait()
                self.workers[number] = self.worker(number)
            case "nats":
                self.server.kill()
                self.server.start()
        self.wait_for_calls()
        self.check_cap()

    def wait_for_calls(self) -> None:
        """Wait for 3 to 10 more calls, unless the money is spent."""
        goal = self.endpoint.witness()["calls"] + self.chance.randint(3, 10)
        until(
            lambda: self.endpoint.witness()["calls"] >= goal or self.is_spent(),
            "the calls to continue",
            60,
            poll_s=0.1,  # each poll connects to NATS
        )

    def is_spent(self) -> bool:
        """Return whether 90 % of the cap are used.

        Calls of dead workers count in full, so the endpoint alone can't tell.
        """
        budget = request_state(self.server.url)
        return budget.settled_nanousd + budget.authorized_nanousd >= self.cap_nanousd * 0.9

    def check_cap(self) -> BudgetState:
        # before the ledger: it may know of more, never of less
        cost = self.endpoint.witness()["cost_nanousd"]
        budget = request_state(self.server.url)
        assert cost <= budget.settled_nanousd + budget.authorized_nanousd <= self.cap_nanousd
        return budget

    def end(self) -> BudgetState:
        """Kill all workers, and wait until what they held is free."""
        for worker in self.workers:
            assert worker.poll() is None, "no worker saw two grants for one attempt"
            worker.kill()
            worker.wait()
        until(
            lambda: (budget := self.check_cap()).authorized_nanousd == budget.reserved_nanousd == 0,
            "the money of dead workers to be free",
            60,
            poll_s=0.1,
        )
        return self.check_cap()

    def audit(self) -> dict[str, Any]:
        """Run the audit with the endpoint's own count as the invoice."""
        invoice = self.endpoint.invoice(self.folder / "invoice.csv")
        done = subprocess.run(
            [sys.executable, "-m", "daydream_budget", "audit", "--json", "--invoice", str(invoice)],
            env=clean_environment(self.folder, DAYDREAM_NATS_URL=self.server.url),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode in (0, 1), done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report


def request_state(url: str, change: ChangeBudget | None = None) -> BudgetState:
    async def send() -> BudgetState:
        nc = await nats.connect(url)
        try:
            if change is None:
                return await RpcClient(nc).request(BUDGET_STATE, EmptyRequest())
            return (await RpcClient(nc).request(BUDGET_CHANGE, change)).state
        finally:
            await nc.close()

    return asyncio.run(send())


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[StageFleet]:
    server = NatsServer(tmp_path / "nats", sync_always=True)
    server.start()
    server.provision()
    with priced_endpoint(tmp_path, delay_s=0.05) as endpoint:
        fleet = StageFleet(tmp_path, server, endpoint)
        try:
            yield fleet
        finally:
            fleet.stack.close()
            server.kill()


def check(fleet: StageFleet, replicas: int) -> None:
    """Compare the state of `replicas` replicas, one after the other, with the witness."""
    budget = fleet.end()
    witness = fleet.endpoint.witness()
    assert max(fleet.endpoint.calls().values()) == 1, "no grant was used twice"
    assert sum(row.calls for row in budget.spend) >= witness["calls"], "the ledger knows every call"
    for number in range(replicas):
        report = fleet.audit()
        assert report["findings"] == []
        assert report["served"]
        assert report["settled_nanousd"] == budget.settled_nanousd
        lost = report["invoice"]["differences"]
        assert all(row["ledger_nanousd"] is None for row in lost), (
            "what was settled is what was billed"
        )
        assert len(lost) <= report["unknown_calls"], (
            "what was billed and never settled is counted in full"
        )
        if number < replicas - 1:  # kill one after the other, so that each of them answers
            fleet.replicas[number].kill()
            fleet.replicas[number].wait()


@pytest.mark.fault(
    "F2 F4 F17", invariant="no attempt is granted twice, and the ledger knows every call"
)
def test_kills_of_a_replica_a_worker_and_the_server_grant_nothing_twice(fleet: StageFleet) -> None:
    fleet.begin(cap_nanousd=20_000_000, replicas=2, workers=2)
    for kind in ("replica", "worker", "nats"):
        fleet.strike(kind, 0)
    check(fleet, 1)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.fault(
    "F2 F3 F4 F8 F16",
    invariant="three ledgers are killed and frozen: they agree, and the cap holds",
)
def test_kills_until_the_money_is_spent(fleet: StageFleet, seed: int) -> None:
    fleet.begin(cap_nanousd=100_000_000, replicas=REPLICAS, workers=WORKERS, seed=seed)
    while not fleet.is_spent():
        fleet.strike_at_random()
    check(fleet, REPLICAS)

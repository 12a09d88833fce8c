"""The drill of docs/recovery.md: NATS and the memory are lost, and restored from their backups.

States: work → backups of memory and NATS meanwhile → more work → everything is killed, and
its files are deleted → an empty NATS gets its streams, the ledger serves, what was spent since is
entered → the memory is restored → the work continues.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nats
import pytest
from nats.aio.client import Client

from daydream_contracts.events import VerdictReached
from daydream_contracts.rpc import BudgetState, EmptyRequest, ListVerdicts
from daydream_contracts.topology import BUDGET_STATE, MEMORY_VERDICTS, route_of
from daydream_runtime.rpc import RpcClient
from support.programs import EndpointProgram, NatsServer, clean_environment, priced_endpoint
from support.whole_system import WholeSystem

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LATENCY_S = 0.2
CALLS = 12  # answered before the backup, after it, and after the restore
COMMAND_S = 120
MODEL = "priced-1"
MONEY = {
    "budget": ("budget", "budget", ""),
    "gateway": ("budget.gateway", "gateway", ""),
    "console": ("console", "console", ""),
}
MEMORY = {**MONEY, "memory": ("memory", "memory", "gateway")}
ALL = {
    **MEMORY,
    "synthesizer": ("synthesizer", "synthesizer", "gateway"),
    "critic": ("critic", "critic", "gateway"),
    "sampler": ("sampler", "sampler", ""),
}
SETTINGS = {
    "DAYDREAM_SAMPLER_STAGES": "synthesizer,critic",
    # A daydream that was reserved for after the streams of its messages were saved never continues.
    "DAYDREAM_BUDGET_RESERVATION_IDLE_S": "60",
}


@dataclass
class Drill:
    """The system, and the commands that the page names."""

    folder: Path
    server: NatsServer
    endpoint: EndpointProgram
    system: WholeSystem = field(init=False)
    nc: Client = field(init=False)

    async def start(self, roles: dict[str, tuple[str, str, str]]) -> None:
        """Start these roles, or those of them that do not run yet."""
        self.system.roles = roles
        await self.system.start_roles()

    async def connect(self) -> None:
        """Make a system that does not run yet on the present server."""
        self.nc = await nats.connect(self.server.url)
        rpc = RpcClient(self.nc, patience_s=60)
        own = self.folder / "system"
        self.system = WholeSystem(
            self.server, self.endpoint, own, self.nc, rpc, roles={}, settings=SETTINGS
        )

    async def command(self, module: str, *words: str | Path) -> str:
        """Run a program of the page, and return what it prints."""
        environment = clean_environment(self.folder, DAYDREAM_NATS_URL=self.server.url)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *map(str, words)),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, said = await asyncio.wait_for(process.communicate(), COMMAND_S)
        assert process.returncode in (0, 1), said.decode()  # 1: an audit found something
        return printed.decode()

    async def daydream(self, *words: str | Path) -> str:
        """Run the `daydream` command."""
        return await self.command("daydream_console.cli.main", *words)

    async def lose_everything(self) -> None:
        """Kill all processes and NATS, and delete what they have stored."""
        self.system.stack.close()
        await self.nc.close()
        self.server.kill()
        shutil.rmtree(self.server.folder / "jetstream")
        shutil.rmtree(self.system.folder)

    async def audit(self) -> dict[str, Any]:
        """Compare the ledger with the provider's invoice."""
        invoice = self.endpoint.invoice(self.folder / "invoice.csv")
        printed = await self.command("daydream_budget", "audit", "--json", "--invoice", invoice)
        report: dict[str, Any] = json.loads(printed)
        return report

    async def budget(self) -> BudgetState:
        """Return the ledger's state."""
        return await self.system.rpc.request(BUDGET_STATE, EmptyRequest())

    async def judged(self) -> list[str]:
        """Return the verdicts that the memory has."""
        page = await self.system.rpc.request(MEMORY_VERDICTS, ListVerdicts(limit=100))
        return [verdict.verdict_id for verdict in page.verdicts]


@pytest.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    """A running system that draws pairs."""
    server = NatsServer(tmp_path / "nats")
    server.start()
    server.provision()
    with priced_endpoint(tmp_path, delay_s=LATENCY_S) as endpoint:
        running = Drill(tmp_path, server, endpoint)
        await running.connect()
        try:
            await running.start(ALL)
            await running.system.provide()
            await running.system.draw()
            yield running
        finally:
            running.system.stack.close()
            await running.nc.close()
            server.kill()


def missing_nanousd(report: dict[str, Any]) -> int:
    """Return what was billed for calls that the ledger does not know."""
    differences: Sequence[dict[str, Any]] = report["invoice"]["differences"]
    return sum(row["invoice_nanousd"] for row in differences if row["ledger_nanousd"] is None)


async def check_work_continues(drill: Drill, before: set[str]) -> None:
    """Draw on; everything from before the backup is there, and nothing became a dead letter."""
    await drill.system.draw()
    await drill.system.until_answered(CALLS)
    state = await drill.system.finish()
    assert state.dead_letters == 0, await drill.daydream("dead-letters", "list", "--json")
    assert before <= set(await drill.judged())
    assert state.memory is not None
    stream = route_of(VerdictReached).stream
    stored = (await drill.nc.jetstream().stream_info(stream)).state.messages
    assert state.memory.verdicts == stored


@pytest.mark.fault("F22", invariant="ledger, streams and memory are restored from their backups")
async def test_everything_is_restored_from_the_backups(tmp_path: Path, drill: Drill) -> None:
    await drill.system.until_answered(CALLS)
    await drill.daydream("backup", "save", tmp_path / "memory.backup")
    saved = await drill.judged()
    await drill.command("daydream_runtime.nats_backup_command", "save", tmp_path / "nats.backup")
    await drill.system.until_answered(CALLS)
    await drill.lose_everything()

    drill.server.start()
    await drill.connect()
    restoring = ("daydream_runtime.nats_backup_command", "restore", tmp_path / "nats.backup")
    await drill.command(*restoring)
    await drill.command("daydream_runtime.provision_command")
    await drill.start(MONEY)
    report = await drill.audit()
    assert report["findings"] == []
    lost = missing_nanousd(report)
    assert lost > 0, "calls after the backup are in the invoice alone"
    why = ("--who", "ada", "--why", "lost with NATS")
    amount = f"{lost / 1e9:.9f}"
    await drill.daydream(
        "budget", "correct", "--by", amount, "--stage", "critic", "--model", MODEL, *why
    )
    billed_nanousd = drill.endpoint.witness()["cost_nanousd"]
    assert (await drill.budget()).settled_nanousd >= billed_nanousd
    await drill.start(MEMORY)
    await drill.daydream("backup", "restore", tmp_path / "memory.backup", "--yes", "--no-save")
    drill.system.processes.pop("memory").wait(60)  # it ends, to be started with the restored file
    await drill.start(ALL)
    await check_work_continues(drill, set(saved))
    assert drill.endpoint.witness()["cost_nanousd"] <= (await drill.budget()).settled_nanousd

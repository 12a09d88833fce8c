"""Two gateways and two ledgers as processes, workers that never give up, and their evidence.

A process of daydream strikes itself at an exact point of its code (`fail_points`). For faults of
others, a moment in the life of a call is seen from outside: its claim and its answer in the CALLS
buckets, its request in the provider's log, the request that settles it, and the commit that does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any, Literal

from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_budget.gateway.calls.record import decode
from daydream_console.local.processes import free_port
from daydream_contracts.buckets import CALLS
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_SETTLE, LEDGER_SUBJECT
from daydream_runtime.rpc import RpcClient
from support.fail_points import Fault, arm, has_struck
from support.fake_provider import log_key
from support.fleet_worker import body_of
from support.gateway import PROVIDER_KEY, STAGE, STAGE_KEY, LedgerClient, write_prices
from support.gateway import ProviderProcess as Provider
from support.polling import eventually
from support.programs import NatsServer
from support.services import service

Moment = Literal["claimed", "calling", "stored", "settling", "settled"]
MOMENTS: tuple[Moment, ...] = ("claimed", "calling", "stored", "settling", "settled")
MODULES = {"gateway": "budget.gateway", "budget": "budget"}
PROVIDER_TIMEOUT_S = 5.0
WORKER_TIMEOUT_S = 60.0
WORKERS = 4
NATS = "nats"
TESTS = str(Path(__file__).parent.parent)


@dataclass
class Fleet(LedgerClient):
    """The processes by name, the calls without an answer, and how often each may be repeated."""

    server: NatsServer
    provider: Provider
    folder: Path
    pause_s: float = 7.0  # longer than a replica of the gateway may be silent
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, Popen[str]] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    repeats_allowed: dict[str, int] = field(default_factory=dict)
    workers: dict[str, Process] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    seen: asyncio.Queue[tuple[Moment, str]] = field(default_factory=asyncio.Queue)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def until_answered_after_now(self) -> None:
        """Wait until every call that is in flight now is answered."""
        calls = set(self.unanswered)
        try:
            await eventually(lambda: not calls & self.unanswered, WORKER_TIMEOUT_S)
        except TimeoutError:
            last = {call: self.refusals.get(call, "no answer") for call in calls & self.unanswered}
            raise AssertionError(f"calls were not answered: {last}") from None

    @property
    def gateways(self) -> list[str]:
        """Return the names of the gateways."""
        return [name for name in self.ports if name.startswith("gateway")]

    async def start(self, name: str) -> None:
        """Start a process, or start it again, and wait until it is ready."""
        port = self.ports.setdefault(name, free_port())
        own: dict[str, Any] = {
            "DAYDREAM_INSTANCE": name,
            "DAYDREAM_HTTP_PORT": str(port),
            "DAYDREAM_PRICES_FILE": str(write_prices(self.folder)),
            "DAYDREAM_MODEL_BASE_URL": self.provider.base_url(),
            "DAYDREAM_MODEL_API_KEY": PROVIDER_KEY,
            "DAYDREAM_MODEL_TIMEOUT_S": str(PROVIDER_TIMEOUT_S),
            f"DAYDREAM_GATEWAY_STAGE_KEYS_{STAGE.upper()}": STAGE_KEY,
        }
        folder = self.folder / name
        launcher = ("support.fail_points", str(folder))
        running = service(
            MODULES[name[:-2]], self.server.url, folder, launcher=launcher, PYTHONPATH=TESTS, **own
        )
        self.processes[name] = await asyncio.to_thread(running.__enter__)
        self.stack.push(running.__exit__)

    def disturb(self) -> None:
        """Allow each call in flight at this moment to be repeated once."""
        for call in self.unanswered:
            self.repeats_allowed[call] = self.repeats_allowed.get(call, 0) + 1

    async def strike_at(self, name: str, point: str, fault: Fault) -> None:
        """Have a process kill or stop itself at a point, and bring it back."""
        folder = self.folder / name
        arm(folder, point, fault)
        await eventually(lambda: has_struck(folder), WORKER_TIMEOUT_S, poll_s=0.01)
        self.disturb()
        if fault == "kill":
            await asyncio.to_thread(self.processes[name].wait)
            await self.start(name)
        else:
            await self._continue_later(self.processes[name].pid)

    async def strike(self, name: str, fault: Fault) -> None:
        """Kill a worker or the NATS server, or stop it for a while, and bring it back."""
        self.disturb()
        pid = self.server.pid if name == NATS else self.workers[name].pid
        if fault == "pause":
            os.kill(pid, signal.SIGSTOP)
            await self._continue_later(pid)
        elif name == NATS:
            self.server.kill()
            await asyncio.to_thread(self.server.start)
        else:
            self.workers[name].kill()  # another process takes over its call

    async def _continue_later(self, pid: int) -> None:
        await asyncio.sleep(self.pause_s)
        self.disturb()
        os.kill(pid, signal.SIGCONT)

    async def moment(self, moment: Moment) -> str:
        """Wait until a call is at this moment. Return who works on it, if known."""
        while not self.seen.empty():
            self.seen.get_nowait()
        async with asyncio.timeout(WORKER_TIMEOUT_S):
            if moment == "calling":
                return await self._until_calling()
            while True:
                current, name = await self.seen.get()
                if current == moment:
                    return name

    async def _until_calling(self) -> str:
        before = await asyncio.to_thread(self.provider.billed)
        while (await asyncio.to_thread(self.provider.billed))["calls"] == before["calls"]:
            await asyncio.sleep(0.02)
        return ""

    async def observe(self, nc: Client) -> None:
        """Notice the moments of all calls from now on."""

        async def record(message: Msg) -> None:
            if message.data:
                state = decode(message.data)
                owner = state.owner.rpartition("-")[0]
                if state.state in ("claimed", "answered"):
                    moment: Moment = "claimed" if state.state == "claimed" else "stored"
                    self.seen.put_nowait((moment, owner))

        async def settling(message: Msg) -> None:
            if message.subject == BUDGET_SETTLE.subject or json.loads(message.data)["settlements"]:
                self.seen.put_nowait(("settling", ""))

        async def commit(message: Msg) -> None:
            content = json.loads(message.data)
            if any(entry["kind"] == "attempt-settled" for entry in content["entries"]):
                self.seen.put_nowait(("settled", content["by"]))

        for bucket in CALLS:
            await nc.subscribe(f"$KV.{bucket.name}.>", cb=record)
        for subject in (BUDGET_SETTLE.subject, BUDGET_AUTHORIZE.subject):
            await nc.subscribe(subject, cb=settling)
        await nc.subscribe(LEDGER_SUBJECT, cb=commit)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Let workers make calls. At the end each finishes the call that it has begun."""
        stopping = asyncio.Event()
        names = [f"worker-{number}" for number in range(WORKERS)]
        tasks = [asyncio.create_task(self._work(name, stopping)) for name in names]
        try:
            yield
        finally:
            stopping.set()
            for worker in self.workers.values():
                _end_input(worker)
            async with asyncio.timeout(2 * WORKER_TIMEOUT_S):
                await asyncio.gather(*tasks)

    async def _work(self, name: str, stopping: asyncio.Event) -> None:
        """Run a worker. When it is killed, another one takes over the call that it has begun."""
        reservation, number = await self.reserve(), 1
        ports = [str(self.ports[gateway]) for gateway in self.gateways]
        while True:
            process = self.workers[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "support.fleet_worker"),
                *(name, str(number), reservation, STAGE_KEY, *ports),
                env={**os.environ, "PYTHONPATH": TESTS},
                stdin=PIPE,
                stdout=PIPE,
            )
            if stopping.is_set():
                _end_input(process)
            assert process.stdout is not None
            async for line in process.stdout:
                number = self._note(json.loads(line), number)
            if await process.wait() == 0:
                return

    def _note(self, event: dict[str, Any], number: int) -> int:
        """Take note of what a worker says. Return the number of the call that it works on."""
        call, detail = event["call"], event["detail"]
        match event["event"]:
            case "begun":
                self.unanswered.add(call)
                return int(detail)
            case "answered":
                self.answered[call] = detail
                self.unanswered.discard(call)
            case "refused":
                self.refusals[call] = detail
        return number

    async def until_nothing_is_authorized(self, patience_s: float) -> None:
        """Wait until every attempt is settled, or its time is up."""
        async with asyncio.timeout(patience_s):
            while (await self.ledger()).attempts_authorized:
                await asyncio.sleep(0.5)

    def times_asked(self) -> dict[str, int]:
        """Return by the provider's own log how often each call reached the model."""
        names = {log_key(body_of(call)): call for call in self.answered}
        starts = [line["key"] for line in self.provider.log() if line["event"] == "start"]
        assert set(starts) <= set(names), "every call was answered in the end"
        return dict(Counter(names[key] for key in starts))


def _end_input(worker: Process) -> None:
    assert worker.stdin is not None
    worker.stdin.close()


@asynccontextmanager
async def running_fleet(
    nc: Client, server: NatsServer, provider: Provider, folder: Path
) -> AsyncIterator[Fleet]:
    """Run two ledgers and two gateways, with a cap of one dollar."""
    fleet = Fleet(RpcClient(nc), server, provider, folder)
    async with fleet.stack:
        names = ("budget-1", "budget-2", "gateway-1", "gateway-2")
        await asyncio.gather(*map(fleet.start, names))
        await fleet.cap(10**9)
        await fleet.observe(nc)
        yield fleet

"""Two gateways and two ledgers as processes, workers that never give up, and their evidence.

A moment in the life of a call is seen from outside: its claim and its answer in the CALLS bucket,
its request in the provider's log, the request to settle it, and the commit that settles it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any, Literal

import httpx
from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_budget.gateway.calls.record import decode
from daydream_console.local.processes import free_port
from daydream_contracts.buckets import CALLS
from daydream_contracts.gateway_http import CALL_HEADER, RESERVATION_HEADER
from daydream_contracts.topology import BUDGET_SETTLE, LEDGER_SUBJECT
from daydream_runtime.rpc import RpcClient
from support.fake_provider import log_key
from support.gateway import MODEL, PROVIDER_KEY, STAGE, STAGE_KEY, LedgerClient, write_prices
from support.gateway import ProviderProcess as Provider
from support.polling import eventually
from support.programs import NatsServer
from support.services import service

Moment = Literal["claimed", "calling", "stored", "settling", "settled"]
MOMENTS: tuple[Moment, ...] = ("claimed", "calling", "stored", "settling", "settled")
MODULES = {"gateway": "budget.gateway", "budget": "budget"}
PROVIDER_TIMEOUT_S = 5.0
WORKER_TIMEOUT_S = 60.0
RETRY_S = 0.1
WORKERS = 4


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
    reservations: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    seen: asyncio.Queue[tuple[Moment, str]] = field(default_factory=asyncio.Queue)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def victim(self, kind: str, seen: str) -> str:
        """Return the process of a kind that works on what was seen, or any of them."""
        return kind if kind == "nats" else seen if seen.startswith(kind) else f"{kind}-1"

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
        running = service(MODULES[name[:-2]], self.server.url, self.folder / name, **own)
        self.processes[name] = await asyncio.to_thread(running.__enter__)
        self.stack.push(running.__exit__)

    def disturb(self) -> None:
        """Allow each call in flight at this moment to be repeated once."""
        for call in self.unanswered:
            self.repeats_allowed[call] = self.repeats_allowed.get(call, 0) + 1

    async def kill(self, name: str) -> None:
        """Kill a process, or the NATS server, and start it again."""
        self.disturb()
        if name == "nats":
            self.server.kill()
            await asyncio.to_thread(self.server.start)
            return
        self.processes[name].kill()
        await self.start(name)

    async def pause(self, name: str) -> None:
        """Stop a process, or the NATS server, and let it continue after a while."""
        self.disturb()
        process = self.server.pid if name == "nats" else self.processes[name].pid
        os.kill(process, signal.SIGSTOP)
        await asyncio.sleep(self.pause_s)
        self.disturb()
        os.kill(process, signal.SIGCONT)

    async def moment(self, moment: Moment) -> str:
        """Wait until a call is at this moment. Return the process that works on it, if known."""
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

        async def settling(_: Msg) -> None:
            self.seen.put_nowait(("settling", ""))

        async def commit(message: Msg) -> None:
            content = json.loads(message.data)
            if any(entry["kind"] == "attempt-settled" for entry in content["entries"]):
                self.seen.put_nowait(("settled", content["by"]))

        await nc.subscribe(f"$KV.{CALLS.name}.>", cb=record)
        await nc.subscribe(BUDGET_SETTLE.subject, cb=settling)
        await nc.subscribe(LEDGER_SUBJECT, cb=commit)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Let workers make calls. At the end each finishes the call that it has begun."""
        stopping = asyncio.Event()
        names = [f"worker-{number}" for number in range(WORKERS)]
        self.reservations = {name: await self.reserve() for name in names}
        async with httpx.AsyncClient(trust_env=False, timeout=WORKER_TIMEOUT_S) as client:
            workers = [asyncio.create_task(self._work(client, name, stopping)) for name in names]
            try:
                yield
            finally:
                stopping.set()
                async with asyncio.timeout(2 * WORKER_TIMEOUT_S):
                    await asyncio.gather(*workers)

    async def _work(self, client: httpx.AsyncClient, worker: str, stopping: asyncio.Event) -> None:
        reservation = self.reservations[worker]
        number = 0
        while not stopping.is_set():
            number += 1
            await self._until_answered(client, f"{worker} call {number}", reservation)

    async def _until_answered(self, client: httpx.AsyncClient, call: str, reservation: str) -> None:
        """Repeat a call at one gateway after the other until it is answered."""
        self.unanswered.add(call)
        turn = len(self.answered)
        while call not in self.answered:
            port = self.ports[self.gateways[turn % len(self.gateways)]]
            turn += 1
            with suppress(httpx.TransportError):
                response = await client.post(
                    f"http://127.0.0.1:{port}/v1/chat/completions",
                    json=body_of(call),
                    headers={
                        "authorization": f"Bearer {STAGE_KEY}",
                        CALL_HEADER: call,
                        RESERVATION_HEADER: reservation,
                    },
                )
                if response.status_code == httpx.codes.OK:
                    self.answered[call] = response.json()["id"]
                else:
                    self.refusals[call] = response.text
            await asyncio.sleep(RETRY_S)
        self.unanswered.discard(call)

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


def body_of(call: str) -> dict[str, Any]:
    """Return the request of a call: its text is its name."""
    return {
        "model": MODEL,
        "messages": [{"role": "user", "content": call}],
        "max_completion_tokens": 200,
    }


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

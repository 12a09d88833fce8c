"""The services that critics need, each as a process, and as many critics as a benchmark starts.

NATS syncs each write, as under `daydream up`. There is no sampler and no synthesizer.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from nats.js import JetStreamContext

from benchmarks.pipeline.system import cpu_s, new_system, vocabulary
from benchmarks.scaling.hypotheses import HypothesisSource
from daydream_contracts.events import HypothesisProposed, VerdictReached
from daydream_contracts.rpc import BudgetState, EmptyRequest
from daydream_contracts.topology import BUDGET_STATE, route_of
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.provision_command import provision_at
from support.polling import eventually
from support.programs import NatsServer
from support.whole_system import WholeSystem

CALL_S = 1.0
FACTS = 80  # 3,160 pairs: more than are judged
STAGE_MESSAGES = 4096  # all that is judged is sent beforehand
PATIENCE_S = 300.0
POLL_S = 0.1
ROLES = {
    "budget": ("budget", "budget", ""),
    "gateway": ("budget.gateway", "gateway", ""),
    "memory": ("memory", "memory", "gateway"),
}
SETTINGS = {"DAYDREAM_CRITIC_PROMOTE_SCORE": "10"}  # insights would grow the memory


@dataclass
class CriticFleet:
    """The running system without a critic at first. Critics have numbers."""

    system: WholeSystem
    source: HypothesisSource
    critics: dict[int, str] = field(default_factory=dict)

    async def start(self, numbers: Sequence[int], concurrency: int) -> None:
        """Start critics, and wait until they are ready."""
        settings = {**SETTINGS, "DAYDREAM_CONCURRENCY": str(concurrency)}
        self.system.settings = settings
        for number in numbers:
            name = self.critics[number] = f"critic-{number}"
            self.system.roles = {**self.system.roles, name: ("critic", "critic", "gateway")}
            self.system.start_role(name)
        await self.system.until_ready()

    async def end(self, number: int, how: signal.Signals) -> None:
        """End a critic by a signal, and wait for its end."""
        name = self.critics.pop(number)
        process = self.system.processes.pop(name)
        self.system.roles = {key: row for key, row in self.system.roles.items() if key != name}
        process.send_signal(how)
        await asyncio.to_thread(process.wait)

    async def end_all(self) -> None:
        """Stop all critics in order, at the same time."""
        await asyncio.gather(*(self.end(number, signal.SIGTERM) for number in [*self.critics]))

    async def waiting(self) -> int:
        """Return how many hypotheses are pending or in progress."""
        stream = route_of(HypothesisProposed).stream
        return int((await self.js.stream_info(stream)).state.messages)

    async def in_progress(self) -> int:
        """Return how many hypotheses critics have at this moment."""
        stream = route_of(HypothesisProposed).stream
        return int((await self.js.consumer_info(stream, "critic")).num_ack_pending or 0)

    def cpu_s(self) -> float:
        """Return the processor time of all services and of NATS so far, in seconds."""
        server = self.system.servers
        assert isinstance(server, NatsServer)
        pids = [process.pid for process in self.system.processes.values()]
        return sum(map(cpu_s, [*pids, server.pid]))

    async def verdicts(self) -> int:
        """Return how many daydreams have ended."""
        stream = route_of(VerdictReached).stream
        return int((await self.js.stream_info(stream)).state.last_seq)

    async def dead_letters(self) -> int:
        """Return how many messages became dead letters."""
        return int((await self.js.stream_info("DEADLETTERS")).state.last_seq)

    async def budget(self) -> BudgetState:
        """Return the ledger's state."""
        return await self.system.rpc.request(BUDGET_STATE, EmptyRequest())

    async def until_judged(self) -> None:
        """Wait until everything that was sent has its verdict, and holds no money."""

        async def is_judged() -> bool:
            return not await self.waiting() and not (await self.budget()).reservations_open

        await eventually(is_judged, PATIENCE_S, poll_s=POLL_S)

    @property
    def js(self) -> JetStreamContext:
        """Return JetStream."""
        return self.system.nc.jetstream()


@asynccontextmanager
async def critic_fleet() -> AsyncIterator[CriticFleet]:
    """Start everything new, with money and facts, and without a critic."""
    async with new_system(None, CALL_S, ROLES, SETTINGS) as system:
        await system.start()
        await provision_at(NatsAddress.of(system.servers.urls), 1, STAGE_MESSAGES)
        await system.provide(FACTS, vocabulary())
        fleet = CriticFleet(system, HypothesisSource(system.rpc, system.nc.jetstream()))
        await fleet.start([0], concurrency=1)  # it publishes what a judgement costs
        await fleet.end_all()
        yield fleet

"""The whole system for a benchmark: each service once, as a process, on one NATS server.

NATS syncs each write, as under `daydream up`. The provider is a process too and answers at once.
"""

from __future__ import annotations

import os
import random
import re
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import nats
from nats.js import JetStreamContext

from daydream_contracts.events import VerdictReached
from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import BUDGET_STATE, route_of
from daydream_memory.minilm_embedder import MiniLM
from daydream_runtime.rpc import RpcClient
from support.programs import NatsServer, priced_endpoint, until
from support.whole_system import WholeSystem

FACTS = 300  # 44,850 pairs
PATIENCE_S = 60.0
REQUEST_PATIENCE_S = 300.0  # a ledger of a busy machine may be asked for long
CALL_S_MAX = 20.0  # of one attempt
READY_POLL_S = 0.01
ROLES = {
    "budget": ("budget", "budget", ""),
    "gateway": ("budget.gateway", "gateway", ""),
    "memory": ("memory", "memory", "gateway"),
    "synthesizer": ("synthesizer", "synthesizer", "gateway"),
    "critic": ("critic", "critic", "gateway"),
    "sampler": ("sampler", "sampler", ""),
    "console": ("console", "console", ""),
}
SETTINGS = {
    "DAYDREAM_SAMPLER_STAGES": "synthesizer,critic",
    "DAYDREAM_CRITIC_PROMOTE_SCORE": "10",  # insights would grow the memory while it is measured
}


@dataclass
class BenchedSystem:
    """The running system, its server, and the process ids by role, that of NATS too."""

    system: WholeSystem
    server: NatsServer

    @property
    def pids(self) -> Mapping[str, int]:
        """Return the process ids of everything but the provider."""
        roles = {name: process.pid for name, process in self.system.processes.items()}
        return {**roles, "nats": self.server.pid}

    async def draw(self, pairs: int) -> None:
        """Let it draw this many pairs in all."""
        await self.system.draw(pairs)

    async def verdicts(self) -> int:
        """Return how many daydreams have ended."""
        stream = route_of(VerdictReached).stream
        return int((await self._js.stream_info(stream)).state.last_seq)

    async def is_idle(self) -> int:
        """Return 1 if nothing is in progress, else 0."""
        state = await self.system.rpc.request(BUDGET_STATE, EmptyRequest())
        return int(not state.reservations_open)

    async def stored(self) -> dict[str, int]:
        """Return how many messages each stream has stored so far."""
        return {row.config.name or "": row.state.last_seq for row in await self._js.streams_info()}

    async def consumers(self) -> int:
        """Return how many consumers there are."""
        return sum(row.state.consumer_count for row in await self._js.streams_info())

    def kill(self, name: str) -> None:
        """Kill a service."""
        process = self.system.processes[name]
        process.kill()
        process.wait()

    def start_again(self, name: str) -> None:
        """Start a service that has ended."""
        self.system.start_role(name)

    def restart(self, name: str) -> float:
        """Stop a service in order and start it. Return how long the start took, in seconds."""
        process = self.system.processes[name]
        process.terminate()
        process.wait()
        began = time.monotonic()
        self.start_again(name)
        until(lambda: self.system.is_ready(name), f"{name} to be ready", PATIENCE_S, READY_POLL_S)
        return time.monotonic() - began

    @property
    def _js(self) -> JetStreamContext:
        return self.system.nc.jetstream()


@asynccontextmanager
async def benched_system(
    parent: str | None = None, *, delay_s: float = 0.0
) -> AsyncIterator[BenchedSystem]:
    """Start everything new in a folder of `parent`, with money and facts. It does not draw yet.

    `delay_s`: how long a model call takes. The gateway gives each attempt twice as long.
    """
    settings = {**SETTINGS, "DAYDREAM_MODEL_TIMEOUT_S": str(max(CALL_S_MAX, 2 * delay_s))}
    async with new_system(parent, delay_s, ROLES, settings) as system:
        await system.start()
        await system.provide(FACTS, vocabulary())
        assert isinstance(system.servers, NatsServer)
        yield BenchedSystem(system, system.servers)


@asynccontextmanager
async def new_system(
    parent: str | None,
    delay_s: float,
    roles: Mapping[str, tuple[str, str, str]],
    settings: Mapping[str, str],
) -> AsyncIterator[WholeSystem]:
    """Start NATS and the provider in a folder of `parent`. The roles are not started yet."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=parent)))
        server = NatsServer(folder / "nats", sync_always=True)
        stack.callback(server.kill)
        server.start()
        endpoint = stack.enter_context(priced_endpoint(folder, delay_s=delay_s))
        nc = await nats.connect(server.url)
        stack.push_async_callback(nc.close)
        rpc = RpcClient(nc, patience_s=REQUEST_PATIENCE_S)
        system = WholeSystem(server, endpoint, folder, nc, rpc, roles=roles, settings=settings)
        stack.callback(system.stack.close)
        yield system


def vocabulary() -> str:
    """Return the words of the bundled notes that carry meaning."""
    notes = files("daydream_console") / "sample_notes"
    text = " ".join(note.read_text() for note in notes.iterdir())
    return " ".join(sorted({word.lower() for word in re.findall(r"[A-Za-z]{5,}", text)}))


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, in seconds (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def embedding_cpu_s(texts: int = 50) -> float:
    """Return the processor time of the bundled model for a text as long as a hypothesis.

    Each daydream has one: its hypothesis is compared with what is known, and stored.
    """
    words = vocabulary().split()
    model = MiniLM(threads=1)
    hypotheses = [" ".join(random.Random(number).sample(words, 24)) for number in range(texts)]
    model.embed_text(hypotheses[0])
    began = time.process_time()
    for hypothesis in hypotheses[1:]:
        model.embed_text(hypothesis)
    return (time.process_time() - began) / (texts - 1)

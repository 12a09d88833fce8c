"""The whole system for a benchmark: each service once, as a process, on one NATS server.

NATS syncs each write, as under `daydream up`. The provider is a process too and answers at once.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import nats

from daydream_runtime.rpc import RpcClient
from support.programs import NatsServer, priced_endpoint
from support.whole_system import WholeSystem

FACTS = 300  # 44,850 pairs
PATIENCE_S = 60.0
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


@asynccontextmanager
async def benched_system(
    parent: str | None = None, settings: Mapping[str, str] = SETTINGS
) -> AsyncIterator[BenchedSystem]:
    """Start everything new in a folder of `parent`, with money and facts. It does not draw yet."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=parent)))
        server = NatsServer(folder / "nats", sync_always=True)
        stack.callback(server.kill)
        server.start()
        endpoint = stack.enter_context(priced_endpoint(folder))
        nc = await nats.connect(server.url)
        stack.push_async_callback(nc.close)
        rpc = RpcClient(nc, patience_s=PATIENCE_S)
        system = WholeSystem(
            server, endpoint, folder, nc, rpc, roles=ROLES, settings={**SETTINGS, **settings}
        )
        stack.callback(system.stack.close)
        await system.start()
        await system.provide(FACTS, vocabulary())
        yield BenchedSystem(system, server)


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

"""What is measured of a running system, every few seconds."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.soak.trend import Slope, slope_of
from daydream_console.client import Client
from daydream_console.local.http_get import get
from daydream_console.overview import overview
from daydream_contracts.rpc import BudgetState, MemoryState
from support.programs import EndpointProgram

MONITOR = re.compile(r'^http: "(.*)"$', re.MULTILINE)
MB = 1e6


@dataclass(frozen=True)
class Measurement:
    """The system at one moment. Money is in nano-dollars.

    `spent`: what the ledger has settled and authorized; `billed`: what the provider had billed just
    before, so it is never more. `lag`: messages that are pending or in progress.
    """

    at_s: float
    rss_mb: Mapping[str, float]
    open_files: Mapping[str, int]
    consumers: int
    lag: int
    verdicts: int
    spent: int
    billed: int
    stored_mb: float
    stored_files: int


@dataclass(frozen=True)
class Measured:
    """A system that is measured: its processes by name, its folder, and its provider."""

    pids: Mapping[str, int]
    data: Path
    endpoint: EndpointProgram
    client: Client

    async def now(self) -> Measurement:
        """Measure. Raise RuntimeError if a process has ended or a service does not answer."""
        billed = (await asyncio.to_thread(self.endpoint.witness))["cost_nanousd"]
        state = await overview(self.client.rpc, self.client.js)
        budget, memory = state.budget, state.memory
        if not isinstance(budget, BudgetState) or not isinstance(memory, MemoryState):
            raise RuntimeError("the ledger or the memory does not answer")
        stored = await asyncio.to_thread(_sizes, self.data)
        return Measurement(
            at_s=time.monotonic(),
            rss_mb={name: _rss_mb(name, pid) for name, pid in self.pids.items()},
            open_files={name: psutil.Process(pid).num_fds() for name, pid in self.pids.items()},
            consumers=await asyncio.to_thread(self._consumers),
            lag=sum(stage.pending + stage.in_progress for stage in state.stages),
            verdicts=memory.verdicts,
            spent=budget.settled_nanousd + budget.authorized_nanousd,
            billed=billed,
            stored_mb=sum(stored) / MB,
            stored_files=len(stored),
        )

    def _consumers(self) -> int:
        """Return how many consumers the server has."""
        address = MONITOR.search((self.data / "nats" / "nats.conf").read_text())
        assert address is not None
        page = json.loads(get(f"http://{address.group(1)}/jsz", timeout_s=5))
        return int(page["consumers"])


def _rss_mb(name: str, pid: int) -> float:
    process = psutil.Process(pid)
    if process.status() == psutil.STATUS_ZOMBIE:
        raise RuntimeError(f"{name} has ended")
    return float(process.memory_info().rss / MB)


def _sizes(folder: Path) -> list[int]:
    """Return the sizes of all files below a folder. Files may vanish meanwhile."""
    sizes = []
    for file in folder.rglob("*"):
        try:
            if file.is_file():
                sizes.append(file.stat().st_size)
        except FileNotFoundError:
            continue
    return sizes


def slope(series: Sequence[Measurement], value: Callable[[Measurement], float]) -> Slope:
    """Return how much a value of the measurements changes per hour."""
    return slope_of([each.at_s for each in series], [value(each) for each in series])


def rss_of(process: str) -> Callable[[Measurement], float]:
    """Return what reads the resident memory of a process from a measurement."""
    return lambda each: each.rss_mb[process]


def open_files_of(process: str) -> Callable[[Measurement], float]:
    """Return what reads the number of open files of a process from a measurement."""
    return lambda each: each.open_files[process]

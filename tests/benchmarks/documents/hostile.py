"""What hostile documents cost, and what they hold up: `python -m benchmarks.documents.hostile`.

Each is read alone in its own process, as the memory service does it by default. Meanwhile a
small note is read again and again beside it: its slowest reading says what others notice.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

from daydream_memory.sandbox import (
    ReadingPool,
    ReadOutcome,
    ReadRequest,
    SandboxLimits,
    file_with,
    reading_pool,
)
from support.hostile_documents import LARGE, SENTENCE, SMALL, Maker

NOTE = f"# Ice\n\n{SENTENCE}\n".encode()
PAUSE_S = 0.05


@dataclass(frozen=True)
class HostileReading:
    """What one document cost."""

    name: str
    size_kb: int
    seconds: float
    rss_mb: int
    facts: int
    end: str
    neighbour_s_max: float


async def hostile_figures(documents: Mapping[str, Maker] | None = None) -> dict[str, float]:
    """Return `hostile_rss_mb_max`, `hostile_s_max` and `hostile_neighbour_s_max`."""
    readings = [reading async for reading in _readings(documents or {**SMALL, **LARGE})]
    return {
        "hostile_rss_mb_max": max(reading.rss_mb for reading in readings),
        "hostile_s_max": max(reading.seconds for reading in readings),
        "hostile_neighbour_s_max": max(reading.neighbour_s_max for reading in readings),
    }


async def measure(pool: ReadingPool, name: str, data: bytes) -> HostileReading:
    """Read a document, and a small note beside it."""
    slowest: list[float] = [0.0]
    neighbour = asyncio.create_task(_read_beside(pool, slowest))
    started = time.perf_counter()
    outcome = await _read(pool, name, data)
    seconds = time.perf_counter() - started
    neighbour.cancel()
    with suppress(asyncio.CancelledError):
        await neighbour
    return HostileReading(
        name=name,
        size_kb=len(data) >> 10,
        seconds=round(seconds, 2),
        rss_mb=outcome.rss_mb,
        facts=len(outcome.facts),
        end=outcome.stopped or outcome.end.note or outcome.end.status,
        neighbour_s_max=round(slowest[0], 2),
    )


async def _readings(documents: Mapping[str, Maker]) -> AsyncIterator[HostileReading]:
    async with reading_pool(SandboxLimits(), 2) as pool:
        await _read(pool, "a.md", NOTE)
        for name, make in documents.items():
            yield await measure(pool, name, await asyncio.to_thread(make))


async def _read(pool: ReadingPool, name: str, data: bytes) -> ReadOutcome:
    with file_with(data) as document:
        request = ReadRequest(source=f"/hostile/{name}")
        return await pool.read(document, request, (name, ""))  # a label: its own process


async def _read_beside(pool: ReadingPool, slowest: list[float]) -> None:
    while True:
        started = time.perf_counter()
        outcome = await _read(pool, "note.md", NOTE)
        assert outcome.facts, "a small note is read whatever happens beside it"
        slowest[0] = max(slowest[0], time.perf_counter() - started)
        await asyncio.sleep(PAUSE_S)


async def main(names: list[str]) -> None:
    """Print a JSON line for each document whose name holds one of these texts."""
    documents = {
        name: make
        for name, make in {**SMALL, **LARGE}.items()
        if not names or any(wanted in name for wanted in names)
    }
    async for reading in _readings(documents):
        print(json.dumps(asdict(reading)), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

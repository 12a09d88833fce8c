"""Daydreams per second, processor time, requests and writes, beside those of the bare relay.

Both sides run in turns, in one run and on one machine, while the other one is idle. A turn begins
when its first daydreams are through.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import nats
from nats.aio.msg import Msg

from benchmarks.figures import figure
from benchmarks.pipeline.relay import Relay, running_relay
from benchmarks.pipeline.system import BenchedSystem, benched_system, cpu_s, embedding_cpu_s
from daydream_contracts.events import VerdictReached
from daydream_contracts.topology import route_of

MEMORY_FOLDER = "/dev/shm"  # tmpfs
WARM_UP = 40
POLL_S = 0.1
PATIENCE_S = 300.0
COUNTED = 200  # daydreams whose requests are counted, apart from the turns
SHOWN_MIN = 0.1  # per daydream
BENCHMARK = "pipeline"
VERDICTS = route_of(VerdictReached).stream


@dataclass
class SideTurns:
    """What the turns of one side have shown."""

    per_s: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    cpu_ms_by_process: dict[str, float] = field(default_factory=dict)
    daydreams: int = 0

    async def take(
        self, count: int, pids: Mapping[str, int], done: Callable[[], Awaitable[int]]
    ) -> None:
        """Measure `count` daydreams from now on, after the warm-up."""
        first = await done() + WARM_UP
        await _until(done, first)
        began, before, cpu = time.monotonic(), await done(), _cpu(pids)
        await _until(done, first + count)
        seconds, passed = time.monotonic() - began, await done() - before
        used = {name: 1000 * (spent - cpu[name]) / passed for name, spent in _cpu(pids).items()}
        self.per_s.append(passed / seconds)
        self.cpu_ms.append(sum(used.values()))
        for name, ms in used.items():
            self.cpu_ms_by_process[name] = self.cpu_ms_by_process.get(name, 0) + ms * passed
        self.daydreams += passed


def _cpu(pids: Mapping[str, int]) -> dict[str, float]:
    return {name: cpu_s(pid) for name, pid in pids.items()}


async def _until(done: Callable[[], Awaitable[int]], count: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await done() < count:
            await asyncio.sleep(POLL_S)


async def steady_state(quick: bool) -> None:
    """Print the figures, with data on disk and in memory."""
    turns, daydreams = (3, 150) if quick else (6, 500)
    for place, folder in (("disk", None), ("memory", MEMORY_FOLDER)):
        async with benched_system(folder) as benched:
            await _warm_up(benched)
            async with running_relay(folder, benched.system.endpoint) as relay:
                ours, bare = await _turns(benched, relay, turns, daydreams)
            embedding_ms = 1000 * embedding_cpu_s()
            _print(ours, bare, embedding_ms, place)
            await _count_requests(benched, place)


async def _warm_up(benched: BenchedSystem) -> None:
    await benched.draw(WARM_UP)
    await _until(benched.verdicts, WARM_UP)


async def _turns(
    benched: BenchedSystem, relay: Relay, turns: int, daydreams: int
) -> tuple[SideTurns, SideTurns]:
    ours, bare = SideTurns(), SideTurns()
    for _ in range(turns):
        goal = daydreams + 2 * WARM_UP  # so that the last ones measured are not the last ones
        await benched.draw(await benched.verdicts() + goal)
        await ours.take(daydreams, benched.pids, benched.verdicts)
        await _until(benched.is_idle, 1)
        await relay.begin(goal)
        await bare.take(daydreams, relay.pids, relay.done)
        await _until(relay.done, await relay.done())
    return ours, bare


def _print(ours: SideTurns, bare: SideTurns, embedding_ms: float, place: str) -> None:
    def show(name: str, values: Sequence[float], unit: str, process: str = "all") -> None:
        context: dict[str, str] = {"data": place, "process": process}
        figure(BENCHMARK, name, values, unit, seed=None, **context)

    speeds = zip(ours.per_s, bare.per_s, strict=True)
    costs = zip(ours.cpu_ms, bare.cpu_ms, strict=True)
    show("daydreams_per_s", ours.per_s, "1/s")
    show("relay_per_s", bare.per_s, "1/s")
    show("pairs_per_s_ratio_to_relay", [own / other for own, other in speeds], "ratio")
    show("cpu_ms_per_daydream", ours.cpu_ms, "ms")
    show("relay_cpu_ms", bare.cpu_ms, "ms")
    show("embedding_cpu_ms_per_daydream", [embedding_ms], "ms")
    ratios = [other / (own - embedding_ms) for own, other in costs]
    show("cpu_ratio_to_relay", ratios, "ratio")
    for process, ms in sorted(ours.cpu_ms_by_process.items()):
        show("cpu_ms_per_daydream_of_process", [ms / ours.daydreams], "ms", process)


async def _count_requests(benched: BenchedSystem, place: str) -> None:
    """Count what asks for a reply, by its subject; what was stored; and consumers.

    A server that also delivers everything to the counter is slower, so this is no turn.
    """
    counts: Counter[str] = Counter()

    async def count(message: Msg) -> None:
        if message.reply.startswith("_INBOX"):
            counts[_kind(message.subject)] += 1

    await benched.draw(await benched.verdicts() + COUNTED + 2 * WARM_UP)
    await _until(benched.verdicts, await benched.verdicts() + WARM_UP)
    watching = await nats.connect(benched.server.url)
    before, stored = await benched.verdicts(), await benched.stored()
    consumers = [await benched.consumers()]
    await watching.subscribe(">", cb=count)
    await _until(benched.verdicts, before + COUNTED)
    await watching.close()
    passed = await benched.verdicts() - before
    written = {
        name: (last - stored[name]) / passed for name, last in (await benched.stored()).items()
    }
    consumers.append(await benched.consumers())
    figure(BENCHMARK, "requests_per_daydream", [counts.total() / passed], "requests", data=place)
    for kind, number in counts.most_common():
        if number >= SHOWN_MIN * passed:
            figure(BENCHMARK, "requests_of_kind", [number / passed], "requests", kind=kind)
    figure(BENCHMARK, "synced_writes_per_daydream", [sum(written.values())], "writes", data=place)
    for name, writes in sorted(written.items()):
        if writes >= SHOWN_MIN:
            figure(BENCHMARK, "synced_writes_of_stream", [writes], "writes", stream=name)
    figure(BENCHMARK, "consumers", consumers, "consumers", data=place)


def _kind(subject: str) -> str:
    """Return a subject without what differs from message to message."""
    if subject.startswith("$KV."):
        return ".".join(subject.split(".")[:2])
    return ".".join(subject.split(".")[:5]) if subject.startswith("$JS.API") else subject

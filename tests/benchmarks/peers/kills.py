"""What kills cost: calls that are paid again, items that are lost, seconds until all has ended.

Three times a worker is killed with SIGKILL amid work, all its processes, and started again. Two
kinds of kill are measured besides: of our gateway, which is the process that waits for the
provider, and of one process of Celery's pool, which Celery itself starts again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.figures import figure
from benchmarks.peers.figures import CallCounts, counted
from benchmarks.peers.peer import Peer
from benchmarks.peers.running_peer import RunningPeer, running_peer
from benchmarks.peers.sides import OurSide, our_side
from daydream_contracts.topology import ACK_WAIT_S
from support.programs import priced_endpoint

BENCHMARK = "peers"
CALL_S = 0.5  # so that calls are in progress when a worker is killed
ITEMS = 40
SETTLE_S = 2 * ACK_WAIT_S + 2
PATIENCE_S = 180.0
POLL_S = 0.05
OUR_KILLS = ("synthesizer", "critic", "synthesizer")
GATEWAY_KILLS = ("gateway",) * 3
PEER_KILLS = ("writer", "judge", "writer")
KillableSide = OurSide | RunningPeer


@dataclass
class KillRecord:
    """What was seen of one side."""

    side: KillableSide
    kind: str  # what was killed
    before: CallCounts  # before the first kill
    done_before: int
    sent_before: int
    recovery_s: list[float] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)  # of each kill, when patience ended
    ended_at: float = 0.0

    @classmethod
    async def of(cls, side: KillableSide, kind: str) -> KillRecord:
        """Begin a record."""
        return cls(side, kind, counted(side.endpoint.calls()), await side.done(), side.sent)

    async def survive(self, strike: Callable[[], None]) -> None:
        """Let it work, strike amid it, and wait until everything has ended."""
        await self.side.begin(ITEMS)
        await self._wait(self.side.sent - 3 * ITEMS // 4, PATIENCE_S)
        began = time.monotonic()
        strike()
        await self._wait(self.side.sent, PATIENCE_S)
        self.recovery_s.append(time.monotonic() - began)
        self.missing.append(self.side.sent - await self.side.done())
        self.ended_at = time.monotonic()

    async def _wait(self, count: int, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        while await self.side.done() < count and time.monotonic() < deadline:
            await asyncio.sleep(POLL_S)

    async def show(self) -> None:
        """Print the figures, once what was not acknowledged has come again."""
        await asyncio.sleep(max(0.0, self.ended_at + SETTLE_S - time.monotonic()))
        counts = counted(self.side.endpoint.calls()).since(self.before)
        lost = self.side.sent - self.sent_before - (await self.side.done() - self.done_before)
        unfinished = sum(map(bool, self.missing))
        self._figure("repeated_calls", [counts.repeated], "calls", calls=counts.different)
        self._figure("lost", [lost], "items")
        self._figure("recovery_s", self.recovery_s, "s", unfinished=unfinished)

    def _figure(self, name: str, values: Sequence[float], unit: str, **context: float) -> None:
        context = {"call_s": CALL_S, "kills": len(self.recovery_s), **context}
        name = f"{self.side.name}_{name}"
        figure(BENCHMARK, name, values, unit, seed=None, killed=self.kind, **context)


async def kills(peers: Sequence[Peer], folder: Path, quick: bool) -> None:
    """Print the figures. Each side has its own provider."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(our_side(CALL_S))
        running = []
        for peer in peers:
            endpoint_folder = folder / f"kills-{peer.name}"
            endpoint_folder.mkdir()
            endpoint = stack.enter_context(priced_endpoint(endpoint_folder, delay_s=CALL_S))
            running.append(await stack.enter_async_context(running_peer(peer, endpoint, folder)))
        everyone: list[KillableSide] = [ours, *running]
        first, *others = [await _of_workers(side) for side in everyone]
        await first.show()
        gateway = await _of_stages(ours, "gateway", GATEWAY_KILLS)
        for record in others:
            await record.show()
        pools = [await _of_pool(side) for side in running if side.peer.restarts_children]
        for record in (gateway, *pools):
            await record.show()


async def _of_workers(side: KillableSide) -> KillRecord:
    await side.begin(1)
    await side.rest()
    return await _of_stages(side, "worker", OUR_KILLS if isinstance(side, OurSide) else PEER_KILLS)


async def _of_stages(side: KillableSide, kind: str, stages: Sequence[str]) -> KillRecord:
    record = await KillRecord.of(side, kind)
    for stage in stages:
        await record.survive(partial(_kill_and_start, side, stage))
    return record


async def _of_pool(side: RunningPeer) -> KillRecord:
    record = await KillRecord.of(side, "pool process")
    for stage in PEER_KILLS:
        await record.survive(partial(side.kill_child, stage))
    return record


def _kill_and_start(side: KillableSide, stage: str) -> None:
    side.kill(stage)
    side.start_again(stage)

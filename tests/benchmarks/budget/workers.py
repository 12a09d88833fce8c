"""Many workers under one cap until nothing more fits, the same for the ledger and its peers.

A refused worker asks again once as much is free as was missing. The run ends when nothing is in
progress and the smallest waiting piece of work is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Work_contra = TypeVar("Work_contra", contravariant=True)
Ticket = TypeVar("Ticket")


@dataclass(frozen=True)
class Refused:
    """Refused, and how much was missing in nano-dollars (0: unknown)."""

    nanousd: int = 0


class CapKeeper(Protocol[Work_contra, Ticket]):
    """What keeps a cap: the ledger, or a peer."""

    def smallest(self, work: Work_contra) -> int:
        """Return the minimum that must be free for this work."""
        ...

    async def admit(self, work: Work_contra) -> Ticket | Refused:
        """Request the money."""
        ...

    async def spend(self, ticket: Ticket) -> int:
        """Do the work and settle it; return how much is free again."""
        ...


@dataclass(eq=False)
class _Waiting:
    smallest: int
    settlements: int  # settlements before the refusal
    freed_min: int  # ask again once this much was freed in total
    wake: asyncio.Future[None]


class WorkerPool(Generic[Work_contra, Ticket]):
    """The workers of one run."""

    def __init__(
        self, keeper: CapKeeper[Work_contra, Ticket], works: Iterator[Work_contra]
    ) -> None:
        self.refused = 0
        self.smallest_refused = 0  # set at the end of the run
        self._keeper, self._works = keeper, works
        self._busy, self._settlements, self._freed = 0, 0, 0
        self._waiting: list[_Waiting] = []
        self._over = False

    async def run(self, workers: int) -> None:
        """Work until nothing more fits. Raise RuntimeError if the work ends before the money."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        for work in self._works:
            while not self._over:
                settlements, freed = self._settlements, self._freed
                self._busy += 1
                answer = await self._keeper.admit(work)
                if not isinstance(answer, Refused):
                    freed_now = await self._keeper.spend(answer)
                    self._freed += freed_now
                    self._settlements += 1
                    self._busy -= 1
                    self._wake()
                    break
                self.refused += 1
                self._busy -= 1
                waiting = _Waiting(
                    self._keeper.smallest(work),
                    settlements,
                    freed + answer.nanousd,
                    asyncio.get_running_loop().create_future(),
                )
                self._waiting.append(waiting)
                self._wake()
                await waiting.wake
            if self._over:
                return
        raise RuntimeError("the trace ended before the money")

    def _wake(self) -> None:
        ready = [
            waiting
            for waiting in self._waiting
            if waiting.settlements < self._settlements and waiting.freed_min <= self._freed
        ]
        if self._waiting and not ready and not self._busy:
            smallest = min(self._waiting, key=lambda waiting: waiting.smallest)
            if smallest.settlements == self._settlements:
                self._over, self.smallest_refused = True, smallest.smallest
                ready = list(self._waiting)
            else:
                ready = [smallest]
        for waiting in ready:
            self._waiting.remove(waiting)
            waiting.wake.set_result(None)

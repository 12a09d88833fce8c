"""Many workers with one cap, until nothing more fits: whatever keeps the cap, ours or a peer's, is asked in the same way.

A worker that is refused asks again once so much has flowed back as was missing. The end: with nothing in flight, the smallest
of the waiting is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Work = TypeVar("Work")
Work_contra = TypeVar("Work_contra", contravariant=True)
Ticket = TypeVar("Ticket")


@dataclass(frozen=True)
class Short:
    """Refused, and how much was missing (0: not known)."""

    nanousd: int = 0


class Keeper(Protocol[Work_contra, Ticket]):
    """Keeps a cap."""

    def smallest(self, work: Work_contra) -> int:
        """The least that must be free for this work."""
        ...

    async def admit(self, work: Work_contra) -> Ticket | Short:
        """Ask for the money."""
        ...

    async def spend(self, ticket: Ticket) -> int:
        """Do the work and say what it cost; how much flowed back."""
        ...


@dataclass(eq=False)
class _Waiting:
    smallest: int
    asked_at: int  # settlements before it was asked
    until_back: int
    wake: asyncio.Future[None]


class Desk(Generic[Work, Ticket]):
    """The workers of one run."""

    def __init__(self, keeper: Keeper[Work, Ticket], works: Iterator[Work]) -> None:
        self.refused = 0
        self.smallest_refused = 0  # at the end: what was still asked for in vain
        self._keeper, self._works = keeper, works
        self._busy, self._settlements, self._back = 0, 0, 0
        self._waiting: list[_Waiting] = []
        self._over = False

    async def run(self, workers: int) -> None:
        """Work until nothing more fits (or there is nothing left to do, which is an error of the benchmark's)."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())

    async def _work(self) -> None:
        for work in self._works:
            while not self._over:
                settlements, back = self._settlements, self._back
                self._busy += 1
                answer = await self._keeper.admit(work)
                if not isinstance(answer, Short):
                    flowed_back = await self._keeper.spend(answer)
                    self._back += flowed_back
                    self._settlements += 1
                    self._busy -= 1
                    self._wake()
                    break
                self.refused += 1
                self._busy -= 1
                waiting = _Waiting(
                    self._keeper.smallest(work),
                    settlements,
                    back + answer.nanousd,
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
            one
            for one in self._waiting
            if one.asked_at < self._settlements and one.until_back <= self._back
        ]
        if self._waiting and not ready and not self._busy:
            smallest = min(self._waiting, key=lambda one: one.smallest)
            if smallest.asked_at == self._settlements:
                self._over, self.smallest_refused = True, smallest.smallest
                ready = list(self._waiting)
            else:
                ready = [smallest]
        for one in ready:
            self._waiting.remove(one)
            one.wake.set_result(None)

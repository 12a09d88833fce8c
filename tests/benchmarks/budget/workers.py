"""Many workers under one cap until nothing more fits, the same for the ledger and its peers.

A refused worker asks again once as much is free as was missing. The run stops when nothing is in
progress, and the smallest that wait were refused after the last money was freed, as was the new
work that came first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Generic, Protocol, TypeVar

WOKEN_MAX = 2  # per settlement, which frees less than two calls need: 256 would ask in vain
Work_contra = TypeVar("Work_contra", contravariant=True)
Ticket = TypeVar("Ticket")


@dataclass(frozen=True)
class Refused:
    """Refused, and how much was missing in nano-dollars (0: unknown).

    `near_cap`: only unsettled money, or earlier work, is in the way.
    """

    nanousd: int = 0
    near_cap: bool = False


class CapKeeper(Protocol[Work_contra, Ticket]):
    """What keeps a cap: the ledger, or a peer."""

    def smallest(self, work: Work_contra) -> int:
        """Return the upper bound of the smallest call of this work."""
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
    is_new: bool  # it waits to begin, and gives up when the run stops
    changes: int  # how often money was freed before the refusal
    freed_min: int  # ask again once this much was freed in total
    near_cap: bool
    arrival: int  # the order in which they were first refused
    wake: asyncio.Future[None]


class WaitingRoom:
    """Where those wait who were refused.

    `stopped`: nothing more can be spent. `smallest` is then the upper bound of the smallest call
    that waits, of work in progress if there is any.
    """

    def __init__(self) -> None:
        self.stopped = asyncio.Event()
        self.smallest = 0
        self._busy, self._changes, self._freed = 0, 0, 0
        self._waiting: list[_Waiting] = []
        self._arrivals = count()

    def enter(self, count: int = 1) -> None:
        """Count tasks that will ask, or do something else that may free money."""
        self._busy += count

    def leave(self) -> None:
        """Count a task that has ended."""
        self._busy -= 1
        self._wake()

    def free(self, nanousd: int) -> None:
        """Tell that money was freed, and how much."""
        self._freed += nanousd
        self._changes += 1
        self._wake()

    def resume(self) -> None:
        """Let all ask again, because the cap was raised."""
        for waiting in list(self._waiting):
            self._resume(waiting)

    async def ask(
        self, request: Callable[[], Awaitable[Ticket | Refused]], smallest: int, *, is_new: bool
    ) -> Ticket | None:
        """Ask until it is granted. None: it is new work, and the run has stopped."""
        arrival = next(self._arrivals)
        while not (is_new and self.stopped.is_set()):
            changes, freed = self._changes, self._freed
            answer = await request()
            if not isinstance(answer, Refused):
                return answer
            wake = asyncio.get_running_loop().create_future()
            freed_min = freed + answer.nanousd
            self._waiting.append(
                _Waiting(smallest, is_new, changes, freed_min, answer.near_cap, arrival, wake)
            )
            self.leave()
            await wake
        return None

    async def together(self, tasks: Sequence[Coroutine[Any, Any, int]]) -> list[int]:
        """Run the parts of one task at once; the last to end continues as the task."""
        running = len(tasks)
        self.enter(running - 1)

        async def run(task: Coroutine[Any, Any, int]) -> int:
            nonlocal running
            result = await task
            running -= 1
            if running:
                self.leave()
            return result

        return await asyncio.gather(*(run(task) for task in tasks))

    def _wake(self) -> None:
        ready = [
            waiting
            for waiting in self._waiting
            if waiting.changes < self._changes and waiting.freed_min <= self._freed
        ]
        if not ready and not self._busy and self._waiting:
            last = [*self._smallest(), *self._first()]
            ready = [waiting for waiting in dict.fromkeys(last) if waiting.changes < self._changes]
            if not ready:
                self._stop()
        for waiting in ready[:WOKEN_MAX]:
            self._resume(waiting)

    def _smallest(self) -> list[_Waiting]:
        """Return the smallest call of work in progress, and that of new work."""
        groups = (
            [waiting for waiting in self._waiting if waiting.is_new == is_new]
            for is_new in (False, True)
        )
        return [min(group, key=lambda waiting: waiting.smallest) for group in groups if group]

    def _first(self) -> list[_Waiting]:
        """Return the new work that others have to let pass."""
        near = [waiting for waiting in self._waiting if waiting.is_new and waiting.near_cap]
        return sorted(near, key=lambda waiting: waiting.arrival)[:1]

    def _resume(self, waiting: _Waiting) -> None:
        self._waiting.remove(waiting)
        self._busy += 1
        waiting.wake.set_result(None)

    def _stop(self) -> None:
        if not self.stopped.is_set():
            self.smallest = self._smallest()[0].smallest
            self.stopped.set()


class WorkerPool(Generic[Work_contra, Ticket]):
    """The workers of one run."""

    def __init__(
        self,
        keeper: CapKeeper[Work_contra, Ticket],
        works: Iterator[Work_contra],
        room: WaitingRoom | None = None,
        give_up: Callable[[Work_contra], Awaitable[None]] | None = None,
    ) -> None:
        self.room = room or WaitingRoom()
        self._keeper, self._works, self._give_up = keeper, works, give_up

    async def run(self, workers: int, on_stop: Callable[[], Awaitable[None]] | None = None) -> None:
        """Work until nothing more fits, then call `on_stop`, and end what is in progress.

        Raise RuntimeError if the work ends before the money.
        """
        self.room.enter(workers)
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())
            await self.room.stopped.wait()
            if on_stop is not None:
                await on_stop()
            self.room.resume()

    async def _work(self) -> None:
        for work in self._works:
            smallest = self._keeper.smallest(work)
            ticket = await self.room.ask(
                lambda work=work: self._keeper.admit(work),  # type: ignore[misc]
                smallest,
                is_new=True,
            )
            if ticket is None:
                if self._give_up is not None:
                    await self._give_up(work)
                self.room.leave()
                return
            self.room.free(await self._keeper.spend(ticket))
        raise RuntimeError("the trace ended before the money")

"""Requests that wait for a turn: in order within a caller, and alternately between callers.

A repeated attempt goes to the front, because its call is in progress already. When the queue is
full, the caller that holds most places loses its newest one to a caller with fewer, so that no
caller keeps others out.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daydream_budget.gateway.limiter.terms import WaitReason
from daydream_budget.gateway.limiter.timing import Timer

if TYPE_CHECKING:
    from daydream_budget.gateway.limiter.turns import Turn


@dataclass(eq=False)
class Waiter:
    """One request that waits."""

    caller: str
    tokens: int
    since: float
    deadline: float
    turn: asyncio.Future[Turn]
    again: bool = False
    blocked_by: WaitReason = "none"
    timer: Timer | None = None
    queued: bool = False


class WaiterQueue:
    """Hold the waiters of one model, at most `places` of them."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._again: deque[Waiter] = deque()
        self._callers: OrderedDict[str, deque[Waiter]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Waiter]:
        yield from self._again
        for waiters in self._callers.values():
            yield from waiters

    def displaced_by(self, caller: str) -> Waiter | None:
        """Return the waiter that makes room for this caller in a full queue, if one has to."""
        most = max(self._callers.values(), key=len, default=deque())
        own = len(self._callers.get(caller, ()))
        return most[-1] if len(most) > own + 1 else None

    @property
    def is_full(self) -> bool:
        """Return True if there is no free place."""
        return self._size >= self._places

    def add(self, waiter: Waiter) -> None:
        """Add a waiter."""
        if waiter.again:
            self._again.append(waiter)
        else:
            self._callers.setdefault(waiter.caller, deque()).append(waiter)
        waiter.queued = True
        self._size += 1

    def first(self) -> Waiter | None:
        """Return the waiter that is next."""
        if self._again:
            return self._again[0]
        for waiters in self._callers.values():
            return waiters[0]
        return None

    def pop(self) -> None:
        """Remove the waiter that is next. Its caller's next one comes after all other callers."""
        waiter = self.first()
        if waiter is None:
            return
        self.remove(waiter)
        if not waiter.again and waiter.caller in self._callers:
            self._callers.move_to_end(waiter.caller)

    def remove(self, waiter: Waiter) -> bool:
        """Remove a waiter and its timer. Return False if it has left already."""
        if not waiter.queued:
            return False
        waiter.queued = False
        if waiter.timer is not None:
            waiter.timer.cancel()
        self._size -= 1
        if waiter.again:
            self._again.remove(waiter)
            return True
        waiters = self._callers[waiter.caller]
        waiters.remove(waiter)
        if not waiters:
            del self._callers[waiter.caller]
        return True

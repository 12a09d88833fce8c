"""Simpler ways to keep a cap, in memory. Each is fair to its idea: the counter is never wrong."""

from __future__ import annotations

import asyncio

from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.trace import TracedCall
from benchmarks.budget.workers import Refused

STORE_S = 0.0005  # a round trip to the store of the counter


class PostHoc:
    """Add up the cost after each call, and refuse once the sum has reached the cap."""

    def __init__(self, endpoint: PricedEndpoint, cap: int) -> None:
        self._endpoint, self._cap, self._spent = endpoint, cap, 0

    def smallest(self, work: TracedCall) -> int:
        return work.bound

    async def admit(self, work: TracedCall) -> TracedCall | Refused:
        return work if self._spent < self._cap else Refused()

    async def spend(self, ticket: TracedCall) -> int:
        cost = await self._endpoint.answer(ticket)
        self._spent += cost
        return 0


class TimesAverage(PostHoc):
    """Count each call in progress with the average cost so far."""

    def __init__(self, endpoint: PricedEndpoint, cap: int) -> None:
        super().__init__(endpoint, cap)
        self._in_flight, self._done = 0, 0

    async def admit(self, work: TracedCall) -> TracedCall | Refused:
        average = self._spent // self._done if self._done else 0
        if self._spent + (self._in_flight + 1) * average >= self._cap:
            return Refused()
        self._in_flight += 1
        return work

    async def spend(self, ticket: TracedCall) -> int:
        await super().spend(ticket)
        self._in_flight -= 1
        self._done += 1
        return 0


class CheckThenSpend(PostHoc):
    """Check whether the upper bound fits, and book it in a second step."""

    async def admit(self, work: TracedCall) -> TracedCall | Refused:
        fits = self._spent + work.bound <= self._cap
        await asyncio.sleep(STORE_S)
        if not fits:
            return Refused()
        self._spent += work.bound
        return work

    async def spend(self, ticket: TracedCall) -> int:
        cost = await self._endpoint.answer(ticket)
        self._spent += cost - ticket.bound
        return 0


COUNTERS = {
    "post-hoc counter": PostHoc,
    "in flight x average": TimesAverage,
    "check, then spend": CheckThenSpend,
}

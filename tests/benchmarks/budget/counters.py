"""How others keep a cap, in their simplest form and in memory. Each is fair to the idea: its counter itself is never wrong."""

from __future__ import annotations

import asyncio

from benchmarks.budget.desk import Short
from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.trace import Call

STORE_S = 0.0005  # a round trip to the store that the counter lies in


class PostHoc:
    """Adds up what was spent after each call, and refuses once that has reached the cap."""

    def __init__(self, endpoint: PricedEndpoint, cap: int) -> None:
        self._endpoint, self._cap, self._spent = endpoint, cap, 0

    def smallest(self, work: Call) -> int:
        return work.bound

    async def admit(self, work: Call) -> Call | Short:
        return work if self._spent < self._cap else Short()

    async def spend(self, ticket: Call) -> int:
        cost = await self._endpoint.answer(ticket)
        self._spent += cost
        return 0


class TimesAverage(PostHoc):
    """Counts each call in flight as what a call has cost on average so far."""

    def __init__(self, endpoint: PricedEndpoint, cap: int) -> None:
        super().__init__(endpoint, cap)
        self._in_flight, self._done = 0, 0

    async def admit(self, work: Call) -> Call | Short:
        average = self._spent // self._done if self._done else 0
        if self._spent + (self._in_flight + 1) * average >= self._cap:
            return Short()
        self._in_flight += 1
        return work

    async def spend(self, ticket: Call) -> int:
        await super().spend(ticket)
        self._in_flight -= 1
        self._done += 1
        return 0


class CheckThenSpend(PostHoc):
    """Looks whether the upper bound still fits, and books it in a second step."""

    async def admit(self, work: Call) -> Call | Short:
        fits = self._spent + work.bound <= self._cap
        await asyncio.sleep(STORE_S)
        if not fits:
            return Short()
        self._spent += work.bound
        return work

    async def spend(self, ticket: Call) -> int:
        cost = await self._endpoint.answer(ticket)
        self._spent += cost - ticket.bound
        return 0


COUNTERS = {
    "post-hoc counter": PostHoc,
    "in flight x average": TimesAverage,
    "check, then spend": CheckThenSpend,
}

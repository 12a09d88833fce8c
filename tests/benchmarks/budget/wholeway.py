"""Reservations for the whole way of a daydream: two samples, three judges, and the smaller plans that are granted near the cap."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice

from benchmarks.budget.desk import Short
from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.single import MODEL, draw, short
from benchmarks.budget.trace import Call
from daydream_contracts.rpc import (
    AllocationRequest,
    OpenReservation,
    ReducedPlan,
    ReleaseReservation,
    Settle,
)
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_OPEN, BUDGET_RELEASE, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

PLANS = ((2, 3), (2, 1), (1, 1))  # samples, judges; the dearest first


@dataclass(frozen=True)
class Daydream:
    """The calls that it would make if there were money for all of them."""

    samples: tuple[Call, ...]
    judges: tuple[Call, ...]

    def stages(self, plan: int) -> dict[str, Sequence[Call]]:
        samples, judges = PLANS[plan]
        return {"synthesizer": self.samples[:samples], "critic": self.judges[:judges]}

    def parts(self, plan: int, team: str) -> tuple[AllocationRequest, ...]:
        return tuple(
            AllocationRequest(
                stage=stage, model=MODEL, team=team, upper_bound_nanousd=_bound(calls)
            )
            for stage, calls in self.stages(plan).items()
        )

    def bound(self, plan: int) -> int:
        return sum(_bound(calls) for calls in self.stages(plan).values())


@dataclass(frozen=True)
class Opened:
    """A daydream that is paid for, and with which plan."""

    daydream: Daydream
    reservation_id: str
    plan: int


class WholeWays:
    """One reservation a daydream."""

    def __init__(self, ask: RpcClient, endpoint: PricedEndpoint, name: str, team: str = "") -> None:
        self.by_plan = [0] * len(PLANS)
        self._ask, self._endpoint, self._name, self._team = ask, endpoint, name, team
        self._ids = count()

    def smallest(self, work: Daydream) -> int:
        return work.bound(len(PLANS) - 1)

    async def admit(self, work: Daydream) -> Opened | Short:
        name = f"{self._name}-{next(self._ids)}"
        smaller = tuple(
            ReducedPlan(allocations=work.parts(plan, self._team)) for plan in range(1, len(PLANS))
        )
        question = OpenReservation(
            reservation_id=name,
            allocations=work.parts(0, self._team),
            reduced_plans=smaller,
            requested_at=datetime.now(UTC),
        )
        grant = await self._ask(BUDGET_OPEN, question)
        return short(grant) or Opened(work, name, grant.plan)

    async def spend(self, ticket: Opened) -> int:
        self.by_plan[ticket.plan] += 1
        costs = 0
        for stage, calls in ticket.daydream.stages(ticket.plan).items():
            paid = await asyncio.gather(
                *(self._pay(ticket, stage, number, call) for number, call in enumerate(calls))
            )
            costs += sum(paid)
        closed = await self._ask(
            BUDGET_RELEASE, ReleaseReservation(reservation_id=ticket.reservation_id)
        )
        if not closed.released or closed.settled_nanousd != costs:
            raise RuntimeError(f"a daydream of {costs} is on the books as {closed}")
        return ticket.daydream.bound(ticket.plan) - costs

    async def _pay(self, ticket: Opened, stage: str, number: int, call: Call) -> int:
        call_id = f"{ticket.reservation_id}-{stage}-{number}"
        grant = await self._ask(
            BUDGET_AUTHORIZE, draw(ticket.reservation_id, call_id, stage, call.bound, self._team)
        )
        if grant.refusal is not None:
            raise RuntimeError(
                f"an open reservation refused a call that it was opened for: {grant.refusal.text}"
            )
        cost = await self._endpoint.answer(call)
        await self._ask(BUDGET_SETTLE, Settle(attempt_id=grant.attempt_id, cost_nanousd=cost))
        return cost


def daydreams(calls: Iterable[Call]) -> Iterator[Daydream]:
    """The calls in their order, as many to a daydream as the dearest plan has."""
    rest = iter(calls)
    samples, judges = PLANS[0]
    while len(taken := tuple(islice(rest, samples + judges))) == samples + judges:
        yield Daydream(taken[:samples], taken[samples:])


def _bound(calls: Iterable[Call]) -> int:
    return sum(call.bound for call in calls)

"""Reservations for whole daydreams: two samples, three judges, and reduced plans near the cap.

A call that the cap refuses waits, as its message does in the product. So a daydream may stay in
progress until the cap is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice

from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.single_calls import MODEL, authorize, refused
from benchmarks.budget.trace import TracedCall
from benchmarks.budget.workers import Refused, WaitingRoom
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    OpenReservation,
    ReducedPlan,
    ReleaseReservation,
    SettleAttempts,
)
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_OPEN, BUDGET_RELEASE, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

PLANS = ((2, 3), (2, 1), (1, 1))  # samples, judges; the most expensive first
EXPECTED_SHARE = 10  # a stage expects about a tenth of its bound (see request_spec.stage_cost)


@dataclass(frozen=True)
class PlannedDaydream:
    """The calls of the full plan."""

    number: int
    samples: tuple[TracedCall, ...]
    judges: tuple[TracedCall, ...]

    def stages(self, plan: int) -> dict[str, Sequence[TracedCall]]:
        samples, judges = PLANS[plan]
        return {"synthesizer": self.samples[:samples], "critic": self.judges[:judges]}

    def allocations(self, plan: int, team: str) -> tuple[AllocationRequest, ...]:
        return tuple(
            AllocationRequest(
                stage=stage,
                model=MODEL,
                team=team,
                upper_bound_nanousd=_bound(calls),
                expected_nanousd=_bound(calls) // EXPECTED_SHARE,
            )
            for stage, calls in self.stages(plan).items()
        )

    @property
    def smallest_call(self) -> int:
        """Return the smallest upper bound of a call of the smallest plan."""
        stages = self.stages(len(PLANS) - 1).values()
        return min(call.bound for calls in stages for call in calls)


@dataclass(frozen=True)
class OpenedDaydream:
    """A daydream with a reservation, and its plan."""

    daydream: PlannedDaydream
    reservation_id: str
    plan: int


class DaydreamReservations:
    """One reservation per daydream. Its calls wait in `room` for what the cap refuses."""

    def __init__(self, rpc: RpcClient, endpoint: PricedEndpoint, name: str, team: str = "") -> None:
        self.room = WaitingRoom()
        self._rpc, self._endpoint, self._name, self._team = rpc, endpoint, name, team

    def smallest(self, work: PlannedDaydream) -> int:
        return work.smallest_call

    async def admit(self, work: PlannedDaydream) -> OpenedDaydream | Refused:
        name = self._name_of(work)  # the same when it asks again: it keeps its place
        reduced = tuple(
            ReducedPlan(allocations=work.allocations(plan, self._team))
            for plan in range(1, len(PLANS))
        )
        request = OpenReservation(
            reservation_id=name,
            allocations=work.allocations(0, self._team),
            reduced_plans=reduced,
            requested_at=datetime.now(UTC),
        )
        grant = await self._rpc.request(BUDGET_OPEN, request)
        return refused(grant) or OpenedDaydream(work, name, grant.plan)

    async def give_up(self, work: PlannedDaydream) -> None:
        """Leave the queue, so that the next run need not wait."""
        request = ReleaseReservation(reservation_id=self._name_of(work))
        await self._rpc.request(BUDGET_RELEASE, request)

    def _name_of(self, work: PlannedDaydream) -> str:
        return f"{self._name}-{work.number}"

    async def spend(self, ticket: OpenedDaydream) -> int:
        costs = 0
        for stage, calls in ticket.daydream.stages(ticket.plan).items():
            paid = await self.room.together(
                [self._pay(ticket, stage, number, call) for number, call in enumerate(calls)]
            )
            costs += sum(paid)
        status = await self._rpc.request(
            BUDGET_RELEASE, ReleaseReservation(reservation_id=ticket.reservation_id)
        )
        if not status.released or status.settled_nanousd != costs:
            raise RuntimeError(f"a daydream of {costs} is in the ledger as {status}")
        return 0

    async def _pay(self, ticket: OpenedDaydream, stage: str, number: int, call: TracedCall) -> int:
        call_id = f"{ticket.reservation_id}-{stage}-{number}"
        request = authorize(ticket.reservation_id, call_id, stage, call.bound, self._team)
        attempt_id = await self.room.ask(
            partial(self._authorize, request), call.bound, is_new=False
        )
        if attempt_id is None:
            raise RuntimeError("a call of a daydream in progress gave up")
        cost = await self._endpoint.answer(call)
        await self._rpc.request(BUDGET_SETTLE, SettleAttempts.of(attempt_id, cost))
        self.room.free(call.bound - cost)
        return cost

    async def _authorize(self, request: Authorize) -> str | Refused:
        grant = await self._rpc.request(BUDGET_AUTHORIZE, request)
        return refused(grant) or grant.attempt_id


def daydreams(calls: Iterable[TracedCall]) -> Iterator[PlannedDaydream]:
    """Group the calls in order, as many per daydream as the full plan has."""
    rest = iter(calls)
    samples, judges = PLANS[0]
    numbers = count()
    while len(taken := tuple(islice(rest, samples + judges))) == samples + judges:
        yield PlannedDaydream(next(numbers), taken[:samples], taken[samples:])


def _bound(calls: Iterable[TracedCall]) -> int:
    return sum(call.bound for call in calls)

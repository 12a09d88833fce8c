"""Reservations for a single call: opened with the first draw in it, closed by its settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from benchmarks.budget.desk import Short
from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.trace import Call
from daydream_contracts.rpc import AllocationRequest, Authorize, Grant, OpenReservation, Settle
from daydream_contracts.topology import BUDGET_OPEN, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

MODEL = "priced"


@dataclass(frozen=True)
class Drawn:
    """A call that may be made."""

    call: Call
    attempt_id: str


class SingleCalls:
    """One reservation a call."""

    def __init__(self, ask: RpcClient, endpoint: PricedEndpoint, name: str, team: str = "") -> None:
        self._ask, self._endpoint, self._name, self._team = ask, endpoint, name, team
        self._ids = count()

    def smallest(self, work: Call) -> int:
        return work.bound

    async def admit(self, work: Call) -> Drawn | Short:
        name = f"{self._name}-{next(self._ids)}"
        part = AllocationRequest(
            stage="synthesizer", model=MODEL, team=self._team, upper_bound_nanousd=work.bound
        )
        first = draw(name, name, "synthesizer", work.bound, self._team)
        grant = await self._ask(
            BUDGET_OPEN,
            OpenReservation(
                reservation_id=name,
                allocations=(part,),
                first_attempt=first,
                requested_at=datetime.now(UTC),
            ),
        )
        return short(grant) or Drawn(work, grant.attempt_id)

    async def spend(self, ticket: Drawn) -> int:
        cost = await self._endpoint.answer(ticket.call)
        settled = await self._ask(
            BUDGET_SETTLE, Settle(attempt_id=ticket.attempt_id, cost_nanousd=cost, release=True)
        )
        if (
            settled.known and settled.charged_nanousd != cost
        ):  # unknown: asked again after a lost answer, and the reservation is closed
            raise RuntimeError(f"a call of {cost} is on the books as {settled}")
        return ticket.call.bound - cost


def draw(reservation_id: str, call_id: str, stage: str, bound: int, team: str) -> Authorize:
    """One attempt's draw."""
    return Authorize(
        reservation_id=reservation_id,
        call_id=call_id,
        nonce=call_id,
        stage=stage,
        model=MODEL,
        team=team,
        upper_bound_nanousd=bound,
        lifetime_s=600,
    )


def short(grant: Grant) -> Short | None:
    """None when granted; a refusal for another reason than the cap has no place here."""
    if grant.refusal is None:
        return None
    if grant.refusal.reason != "cap":
        raise RuntimeError(grant.refusal.text)
    return Short(grant.refusal.shortfall_nanousd)

"""Reservations for a single call: opened with its attempt, released by its settlement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from benchmarks.budget.endpoint import PricedEndpoint
from benchmarks.budget.trace import TracedCall
from benchmarks.budget.workers import Refused
from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    Grant,
    OpenReservation,
    SettleAttempts,
)
from daydream_contracts.topology import BUDGET_OPEN, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

MODEL = "priced"


@dataclass(frozen=True)
class AuthorizedCall:
    """A call that may be made."""

    call: TracedCall
    attempt_id: str


class CallReservations:
    """One reservation per call."""

    def __init__(self, rpc: RpcClient, endpoint: PricedEndpoint, name: str, team: str = "") -> None:
        self._rpc, self._endpoint, self._name, self._team = rpc, endpoint, name, team
        self._ids = count()

    def smallest(self, work: TracedCall) -> int:
        return work.bound

    async def admit(self, work: TracedCall) -> AuthorizedCall | Refused:
        name = f"{self._name}-{next(self._ids)}"
        part = AllocationRequest(
            stage="synthesizer", model=MODEL, team=self._team, upper_bound_nanousd=work.bound
        )
        attempt = authorize(name, name, "synthesizer", work.bound, self._team)
        grant = await self._rpc.request(
            BUDGET_OPEN,
            OpenReservation(
                reservation_id=name,
                allocations=(part,),
                first_attempt=attempt,
                requested_at=datetime.now(UTC),
            ),
        )
        return refused(grant) or AuthorizedCall(work, grant.attempt_id)

    async def spend(self, ticket: AuthorizedCall) -> int:
        cost = await self._endpoint.answer(ticket.call)
        request = SettleAttempts.of(ticket.attempt_id, cost, release=True)
        settled = (await self._rpc.request(BUDGET_SETTLE, request)).attempts[0]
        # unknown: the request was repeated after a lost reply, and the reservation is released
        if settled.known and settled.charged_nanousd != cost:
            raise RuntimeError(f"a call of {cost} is in the ledger as {settled}")
        return ticket.call.bound - cost


def authorize(
    reservation_id: str, call_id: str, stage: str, upper_bound: int, team: str
) -> Authorize:
    """Return the request to authorize one attempt."""
    return Authorize(
        reservation_id=reservation_id,
        call_id=call_id,
        nonce=call_id,
        stage=stage,
        model=MODEL,
        team=team,
        upper_bound_nanousd=upper_bound,
        lifetime_s=600,
    )


def refused(grant: Grant) -> Refused | None:
    """Return None if granted. Raises RuntimeError if another reason than the cap refused."""
    if grant.refusal is None:
        return None
    if grant.refusal.reason != "cap":
        raise RuntimeError(grant.refusal.text)
    return Refused(grant.refusal.shortfall_nanousd, near_cap=grant.refusal.near_cap)

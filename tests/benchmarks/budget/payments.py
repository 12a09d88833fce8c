"""One payment over NATS, in four requests or in two, and the time of its authorization."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from daydream_contracts.rpc import (
    AllocationRequest,
    Authorize,
    Grant,
    OpenReservation,
    ReleaseReservation,
    SettleAttempts,
)
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_OPEN, BUDGET_RELEASE, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

BOUND, COST = 1_000, 400
RETRY_S = 0.02  # a refused payment is requested again


def reservation(name: str, *, first: bool = False) -> OpenReservation:
    """Return a reservation for one call of `BOUND`; `first`: with its attempt authorized."""
    part = AllocationRequest(stage="synthesizer", model="priced", upper_bound_nanousd=BOUND)
    return OpenReservation(
        reservation_id=name,
        allocations=(part,),
        first_attempt=authorize(name, name) if first else None,
        requested_at=datetime.now(UTC),
    )


def authorize(reservation_id: str, call_id: str) -> Authorize:
    """Return the request to authorize the one call."""
    return Authorize(
        reservation_id=reservation_id,
        call_id=call_id,
        nonce=call_id,
        stage="synthesizer",
        model="priced",
        upper_bound_nanousd=BOUND,
        lifetime_s=600,
    )


class Payments:
    """Payments over one connection. `authorize_ms` and `refused` are the measurements."""

    def __init__(self, rpc: RpcClient, *, cost: int = COST) -> None:
        self.authorize_ms: list[float] = []
        self.refused = 0
        self._rpc, self._cost = rpc, cost

    async def in_four(self, name: str) -> None:
        """Open, authorize, settle, release."""
        await self._open(reservation(name))
        started = time.perf_counter()
        grant = await self._rpc.request(BUDGET_AUTHORIZE, authorize(name, name))
        self.authorize_ms.append(1000 * (time.perf_counter() - started))
        await self._rpc.request(BUDGET_SETTLE, SettleAttempts.of(grant.attempt_id, self._cost))
        await self._rpc.request(BUDGET_RELEASE, ReleaseReservation(reservation_id=name))

    async def in_two(self, name: str) -> None:
        """Open with the first attempt, settle and release."""
        grant = await self._open(reservation(name, first=True))
        await self._rpc.request(
            BUDGET_SETTLE,
            SettleAttempts.of(grant.attempt_id, self._cost, release=True),
        )

    async def _open(self, request: OpenReservation) -> Grant:
        while not (grant := await self._rpc.request(BUDGET_OPEN, request)).granted:
            self.refused += 1
            await asyncio.sleep(RETRY_S)
        return grant

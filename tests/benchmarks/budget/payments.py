"""One payment over NATS, in four questions or in two, and the time that its draw took."""

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
    Settle,
)
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_OPEN, BUDGET_RELEASE, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

BOUND, COST = 1_000, 400
KNOCK_S = 0.02  # a refused payment asks again


def reservation(name: str, *, first: bool = False) -> OpenReservation:
    """A reservation for one call of `BOUND`."""
    part = AllocationRequest(stage="synthesizer", model="priced", upper_bound_nanousd=BOUND)
    return OpenReservation(
        reservation_id=name,
        allocations=(part,),
        first_attempt=draw(name, name) if first else None,
        requested_at=datetime.now(UTC),
    )


def draw(reservation_id: str, call_id: str) -> Authorize:
    """All of its one call."""
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
    """Payments over one connection; `draw_ms` and `refused` are what was seen."""

    def __init__(self, ask: RpcClient, *, cost: int = COST) -> None:
        self.draw_ms: list[float] = []
        self.refused = 0
        self._ask, self._cost = ask, cost

    async def in_four(self, name: str) -> None:
        """Open, draw, settle, close."""
        await self._open(reservation(name))
        started = time.perf_counter()
        grant = await self._ask(BUDGET_AUTHORIZE, draw(name, name))
        self.draw_ms.append(1000 * (time.perf_counter() - started))
        await self._ask(BUDGET_SETTLE, Settle(attempt_id=grant.attempt_id, cost_nanousd=self._cost))
        await self._ask(BUDGET_RELEASE, ReleaseReservation(reservation_id=name))

    async def in_two(self, name: str) -> None:
        """Open with the first draw, settle as the last."""
        grant = await self._open(reservation(name, first=True))
        await self._ask(
            BUDGET_SETTLE,
            Settle(attempt_id=grant.attempt_id, cost_nanousd=self._cost, release=True),
        )

    async def _open(self, question: OpenReservation) -> Grant:
        while not (grant := await self._ask(BUDGET_OPEN, question)).granted:
            self.refused += 1
            await asyncio.sleep(KNOCK_S)
        return grant

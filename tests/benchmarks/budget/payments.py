"""One payment over NATS, in four questions or in two, and the time that its draw took."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from daydream_shared.requests import CloseEnvelope, Draw, EnvelopePart, Grant, OpenEnvelope, Settle
from daydream_shared.rpc import Asker
from daydream_shared.subjects import BUDGET_CLOSE, BUDGET_DRAW, BUDGET_OPEN, BUDGET_SETTLE

BOUND, COST = 1_000, 400
KNOCK_S = 0.02  # a refused payment asks again


def envelope(name: str, *, first: bool = False) -> OpenEnvelope:
    """An envelope for one call of `BOUND`."""
    part = EnvelopePart(stage="synthesizer", model="priced", bound_nanousd=BOUND)
    return OpenEnvelope(envelope_id=name, parts=(part,), first=draw(name, name) if first else None, asked_at=datetime.now(UTC))


def draw(envelope_id: str, call_id: str) -> Draw:
    """All of its one call."""
    return Draw(envelope_id=envelope_id, call_id=call_id, nonce=call_id, stage="synthesizer", model="priced", bound_nanousd=BOUND, lifetime_s=600)


class Payments:
    """Payments over one connection; `draw_ms` and `refused` are what was seen."""

    def __init__(self, ask: Asker, *, cost: int = COST) -> None:
        self.draw_ms: list[float] = []
        self.refused = 0
        self._ask, self._cost = ask, cost

    async def in_four(self, name: str) -> None:
        """Open, draw, settle, close."""
        await self._open(envelope(name))
        started = time.perf_counter()
        grant = await self._ask(BUDGET_DRAW, draw(name, name))
        self.draw_ms.append(1000 * (time.perf_counter() - started))
        await self._ask(BUDGET_SETTLE, Settle(attempt_id=grant.attempt_id, cost_nanousd=self._cost))
        await self._ask(BUDGET_CLOSE, CloseEnvelope(envelope_id=name))

    async def in_two(self, name: str) -> None:
        """Open with the first draw, settle as the last."""
        grant = await self._open(envelope(name, first=True))
        await self._ask(BUDGET_SETTLE, Settle(attempt_id=grant.attempt_id, cost_nanousd=self._cost, last=True))

    async def _open(self, question: OpenEnvelope) -> Grant:
        while not (grant := await self._ask(BUDGET_OPEN, question)).granted:
            self.refused += 1
            await asyncio.sleep(KNOCK_S)
        return grant

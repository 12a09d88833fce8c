"""A worker's way to its reservation: draw before a call, settle after it, grow where more is needed."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from daydream_contracts.errors import RELEASED, PermanentError, RetryLaterError
from daydream_contracts.events import derive_id
from daydream_contracts.rpc import Authorize, Grant, IncreaseReservation, Refusal, Settle
from daydream_contracts.topology import BUDGET_AUTHORIZE, BUDGET_INCREASE, BUDGET_SETTLE
from daydream_runtime.rpc import RpcClient

WAIT_S_WITHOUT_TIME = 15.0


@dataclass(frozen=True)
class BudgetClient:
    """Pays for one stage's calls."""

    ask: RpcClient
    stage: str
    model: str
    team: str = ""

    async def draw(
        self, reservation_id: str, call_id: str, upper_bound_nanousd: int, lifetime_s: float
    ) -> str:
        """The attempt's id, once the ledger has granted it. The reservation is grown (or reopened, when it expired) if it does
        not cover the call. Raises RetryLaterError while the ledger refuses, Permanent when the reservation can't pay any more."""
        question = Authorize(
            reservation_id=reservation_id,
            call_id=call_id,
            nonce=uuid4().hex,
            stage=self.stage,
            model=self.model,
            team=self.team,
            upper_bound_nanousd=upper_bound_nanousd,
            lifetime_s=lifetime_s,
        )
        grant = await self.ask(BUDGET_AUTHORIZE, question)
        if grant.refusal is not None and grant.refusal.reason == "reservation":
            await self._grow(question, grant.refusal.shortfall_nanousd)
            grant = await self.ask(BUDGET_AUTHORIZE, question)
        return _granted(grant).attempt_id

    async def settle(
        self,
        attempt_id: str,
        cost_nanousd: int | None,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        provider_id: str = "",
    ) -> None:
        """Say what the attempt cost; None: unknown, so all that was drawn. Doing it twice has no effect."""
        settle = Settle(
            attempt_id=attempt_id,
            cost_nanousd=cost_nanousd,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            provider_id=provider_id[:200],
        )
        await self.ask(BUDGET_SETTLE, settle)

    async def _grow(self, draw: Authorize, by_nanousd: int) -> None:
        growth = IncreaseReservation(
            reservation_id=draw.reservation_id,
            increase_id=derive_id("growth", draw.nonce),
            stage=draw.stage,
            model=draw.model,
            team=draw.team,
            by_nanousd=by_nanousd,
        )
        _granted(await self.ask(BUDGET_INCREASE, growth))


def _granted(grant: Grant) -> Grant:
    if grant.refusal is None:
        return grant
    raise refused(grant.refusal)


def refused(refusal: Refusal) -> RetryLaterError | PermanentError:
    """A refusal as the failure that the middleware knows: waiting for money never counts as a failure."""
    if refusal.reason in (RELEASED, "too-old", "unknown-reservation"):
        return PermanentError(refusal.reason, refusal.text)
    return RetryLaterError(
        refusal.text,
        until=refusal.retry_at,
        delay_s=None if refusal.retry_at else WAIT_S_WITHOUT_TIME,
    )
